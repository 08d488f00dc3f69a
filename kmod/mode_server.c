// SPDX-License-Identifier: GPL-2.0
/*
 * Server mode: customers at the proxy, each with its channel; one target at the
 * server, to which each channel has its own egress socket.
 */
#include "channel.h"
#include "client.h"
#include "compat/compat.h"
#include "egress.h"
#include "icmp.h"
#include "ingress.h"
#include "modes.h"
#include "ports.h"

/* ---- configuration ------------------------------------------------------- */

int sdt_mode_check_limits(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (!cfg->max_channels || cfg->max_channels > SDT_CHANNELS_LIMIT) {
		NL_SET_ERR_MSG(extack, "max-channels must be 1 to 1048576");
		return -ERANGE;
	}
	if (!cfg->idle || cfg->idle > SDT_IDLE_MAX) {
		NL_SET_ERR_MSG(extack, "idle must be 1 to 604800 seconds");
		return -ERANGE;
	}
	if (cfg->at_limit > SDT_AT_LIMIT_EVICT_IDLE) {
		NL_SET_ERR_MSG(extack, "at-limit must be refuse or evict-idle");
		return -EINVAL;
	}
	return 0;
}

/* What is not named in the request holds where it can. */
int sdt_mode_check_oneshot(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (!(cfg->set & BIT(SDT_A_TUNNEL_IDLE_ONESHOT)) || !cfg->idle_oneshot)
		return 0;
	if (ntohs(cfg->target.port) >= SDT_ONESHOT_PORTS) {
		NL_SET_ERR_MSG(extack, "idle-oneshot is for targets with a port below 1024 (RFC 4787, REQ-5)");
		return -EINVAL;
	}
	if (cfg->idle_oneshot > cfg->idle) {
		NL_SET_ERR_MSG(extack, "idle-oneshot must not exceed idle");
		return -ERANGE;
	}
	return 0;
}

int sdt_mode_check_ports(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (!cfg->egress_port_lo || cfg->egress_port_lo > cfg->egress_port_hi) {
		NL_SET_ERR_MSG(extack, "egress-ports must be LO-HI, from 1 to 65535");
		return -ERANGE;
	}
	if (cfg->client_address != SDT_CLIENT_TRANSPARENT &&
	    cfg->max_channels > sdt_tunnel_cfg_ports(cfg)) {
		sdt_compat_err_msg_number(extack, "max-channels exceeds egress ports times addresses",
					  sdt_tunnel_cfg_ports(cfg));
		return -ERANGE;
	}
	return 0;
}

static int validate_proxy(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (cfg->set & (SDT_CFG_EGRESS | BIT(SDT_A_TUNNEL_TARGET))) {
		NL_SET_ERR_MSG(extack, "target and egress belong to the server role, at the other node");
		return -EINVAL;
	}
	if (cfg->set & BIT(SDT_A_TUNNEL_IDLE_ONESHOT)) {
		NL_SET_ERR_MSG(extack, "idle-oneshot belongs to the server role: the target's port is known there, and this side is told when a channel ends");
		return -EINVAL;
	}
	if (!cfg->listen.port) {
		NL_SET_ERR_MSG(extack, "the proxy role needs listen, with a port");
		return -EINVAL;
	}
	return sdt_mode_check_limits(cfg, extack);
}

static int validate_server(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (cfg->set & BIT(SDT_A_TUNNEL_LISTEN)) {
		NL_SET_ERR_MSG(extack, "listen belongs to the proxy role, at the other node");
		return -EINVAL;
	}
	if (cfg->set & BIT(SDT_A_TUNNEL_MAX_CHANNELS_PER_CUSTOMER)) {
		NL_SET_ERR_MSG(extack, "max-channels-per-customer belongs to the proxy role: no customer is known here");
		return -EINVAL;
	}
	if (!cfg->target.port) {
		NL_SET_ERR_MSG(extack, "the server role needs a target");
		return -EINVAL;
	}
	if (cfg->egress.family && cfg->egress.family != cfg->target.family) {
		NL_SET_ERR_MSG(extack, "egress and target are of different address families");
		return -EINVAL;
	}
	return sdt_mode_check_ports(cfg, extack) ?: sdt_mode_check_limits(cfg, extack) ?:
	       sdt_mode_check_oneshot(cfg, extack);
}

static int server_validate(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (cfg->set & BIT(SDT_A_TUNNEL_CUSTOMER)) {
		NL_SET_ERR_MSG(extack, "customer belongs to direct mode");
		return -EINVAL;
	}
	if (cfg->set & SDT_CFG_ROUTER) {
		NL_SET_ERR_MSG(extack, "allow and filter belong to router mode");
		return -EINVAL;
	}
	switch (cfg->role) {
	case SDT_ROLE_PROXY:
		return validate_proxy(cfg, extack) ?: sdt_client_validate(cfg, extack);
	case SDT_ROLE_SERVER:
		return validate_server(cfg, extack) ?: sdt_client_validate(cfg, extack);
	}
	NL_SET_ERR_MSG(extack, "server mode needs listen (proxy role) or target (server role)");
	return -EINVAL;
}

/* Sockets are connected, so a target without a route leaves the channel without one. */
static void server_no_port(struct sdt_tunnel *t, struct sdt_port_user *user)
{
	const struct sdt_channel *c = container_of(user, struct sdt_channel, server);
	const struct sdt_control ctl = {
		.op = SDT_OP_UNREACHABLE,
		.unreach.class = sdt_icmp_class(sdt_ports_error(t->ports[0])),
	};

	if (ctl.unreach.class)
		sdt_icmp_report(t, c, NULL, &ctl);
	sdt_channel_no_port(t, user);
}

static const struct sdt_ports_kind server_ports = {
	.sent = sdt_channel_sent,
	.no_port = server_no_port,
};

static int server_start(struct sdt_tunnel *t, struct netlink_ext_ack *extack)
{
	int err = sdt_channels_create(t);

	if (!err)
		err = t->role == SDT_ROLE_PROXY ? sdt_tunnel_listen(t, extack) :
						  sdt_ports_create(t, &server_ports);
	return err;
}

/* ---- proxy role ---------------------------------------------------------- */

static void server_ingress(struct sdt_tunnel *t, struct sk_buff *skb, const struct sdt_packet *p)
{
	struct sdt_channel_key key;
	struct sdt_channel *c;
	enum sdt_stat why;

	sdt_channel_key(&key, p);
	c = sdt_channel_for_customer(t, &key, &why);
	if (unlikely(!c))
		sdt_drop(t->stats, why, skb);
	else
		sdt_ingress_channel(t, c, SDT_TX_EPOCH_OWN, p, skb);
}

/* To the customer, from the very local address and port that it wrote to. */
static void proxy_deliver(struct sdt_tunnel *t, struct sdt_channel *c, const struct sdt_rx *rx,
			  struct sk_buff *skb)
{
	const struct sdt_channel_key *key = &c->proxy.key;
	struct sdt_endpoint customer;
	struct sdt_flow flow = {
		.dst = &customer,
		.src = &key->local,
		.sport = key->local_port,
		.ifindex = key->ifindex,
		.tos = rx->tos,
	};

	sdt_channel_customer(c, &customer);
	flow.sk = sdt_egress_listener(t, customer.family);
	if (unlikely(!flow.sk)) {
		sdt_drop(t->stats, SDT_DROP_DELETED, skb);
		return;
	}
	sdt_channel_used(t->channels, &c->out);
	sdt_egress_send(t, &flow, skb);
}

static void proxy_egress(struct sdt_tunnel *t, const struct sdt_rx *rx, const struct sdt_frame *f,
			 struct sk_buff *skb)
{
	struct sdt_channel *c = sdt_channel_by_id(t, f->channel);

	if (unlikely(c && c->epoch != rx->own_epoch)) {
		sdt_drop(t->stats, SDT_DROP_OUT_EPOCH, skb);
		return;
	}
	if (unlikely(!c || READ_ONCE(c->state) != SDT_CHANNEL_OPEN)) {
		sdt_drop(t->stats, SDT_DROP_OUT_CHANNEL, skb);
		sdt_channel_unknown(t, rx, f->channel);
		return;
	}
	proxy_deliver(t, c, rx, skb);
}

/* The customer hears what it would have heard, had it written to the target itself. */
static void proxy_unreachable(struct sdt_tunnel *t, const struct sdt_channel *c,
			      const struct sdt_control *ctl)
{
	struct sdt_endpoint customer, local;

	if (READ_ONCE(c->state) != SDT_CHANNEL_OPEN) {
		sdt_drop(t->stats, SDT_DROP_OUT_CHANNEL, NULL);
		return;
	}
	sdt_stat_inc(t->stats, SDT_STAT_RX_UNREACHABLE);
	sdt_channel_customer(c, &customer);
	sdt_channel_local(c, &local);
	sdt_icmp_unreachable(t, &customer, &local, c->proxy.key.ifindex, ctl);
}

static void proxy_control(struct sdt_tunnel *t, const struct sdt_rx *rx, struct sdt_channel *c,
			  const struct sdt_control *ctl)
{
	if (!c || c->epoch != rx->own_epoch)
		return;
	if (ctl->op == SDT_OP_CLOSE)
		sdt_channel_close(t, c, SDT_CLOSE_PEER);
	else if (ctl->op == SDT_OP_REFUSED)
		sdt_channel_refused(t, c, ctl->reason);
	else if (ctl->op == SDT_OP_UNREACHABLE)
		proxy_unreachable(t, c, ctl);
}

/* ---- server role --------------------------------------------------------- */

/* The frame's channel; opened, if it may be. NULL: *@why. */
static struct sdt_channel *channel_of(struct sdt_tunnel *t, const struct sdt_rx *rx,
				      const struct sdt_frame *f, enum sdt_stat *why)
{
	struct sdt_channel *c = sdt_channel_by_id(t, f->channel);
	struct sdt_endpoint client;
	bool open = c && c->epoch == rx->peer_epoch;

	*why = sdt_client_of(READ_ONCE(t->client_address), f, &client);
	/* Who may not be named opens nothing. */
	if (!*why && unlikely(client.family) && !open && !sdt_client_allowed(t, &client))
		*why = SDT_DROP_OUT_CLIENT;
	if (unlikely(*why))
		return NULL;
	if (unlikely(!open))
		c = sdt_channel_open_server(t, t->ports[0], rx, f->channel, why);
	if (c && unlikely(client.family))
		*why = sdt_client_keep(t, c, &client);
	return c && !*why ? c : NULL;
}

static void target_egress(struct sdt_tunnel *t, const struct sdt_rx *rx, const struct sdt_frame *f,
			  struct sk_buff *skb)
{
	const struct sdt_port_tx tx = { .tos = rx->tos };
	struct sdt_channel *c;
	struct sdt_port *port;
	enum sdt_stat why;

	c = channel_of(t, rx, f, &why);
	if (unlikely(!c)) {
		sdt_drop(t->stats, why, skb);
		return;
	}
	/* Answers travel as the customer's datagrams do. */
	if (unlikely(READ_ONCE(c->lane) != rx->lane))
		WRITE_ONCE(c->lane, rx->lane);
	port = rcu_dereference(c->server.port);
	if (unlikely(!sdt_port_current(port))) {
		sdt_ports_send(t, &c->server, &tx, skb);
		return;
	}
	sdt_channel_used(t->channels, &c->out);
	sdt_egress_port(t, port, &tx, skb);
}

static void server_answer(struct sdt_tunnel *t, struct sdt_port *port, struct sk_buff *skb,
			  const struct sdt_packet *p)
{
	const struct sdt_dest *dest = rcu_dereference(port->dest);
	struct sdt_channel *c = sdt_port_channel(port);

	if (unlikely(!sdt_endpoint_equal(&p->from, &dest->remote)))
		sdt_drop(t->stats, SDT_DROP_IN_SOURCE, skb);
	else if (unlikely(!c))
		sdt_drop(t->stats, SDT_DROP_IN_RESTING, skb);
	else
		sdt_ingress_channel(t, c, SDT_TX_EPOCH_PEER, p, skb);
}

static bool server_undelivered(struct sdt_tunnel *t, struct sdt_port *port,
			       const struct sdt_packet *about, const struct sdt_control *c)
{
	const struct sdt_dest *dest = rcu_dereference(port->dest);
	const struct sdt_channel *chan = sdt_port_channel(port);

	if (!chan || !sdt_endpoint_equal(&about->from, &dest->remote) ||
	    !ipv6_addr_equal(&about->to.ip, &dest->local))
		return false;
	sdt_icmp_report(t, chan, NULL, c);
	return true;
}

void sdt_mode_target_control(struct sdt_tunnel *t, const struct sdt_rx *rx, struct sdt_channel *c,
			     const struct sdt_control *ctl)
{
	if (c && c->epoch == rx->peer_epoch && ctl->op == SDT_OP_CLOSE)
		sdt_channel_close(t, c, SDT_CLOSE_PEER);
}

/* ---- both ---------------------------------------------------------------- */

/* Only data from the proxy may name a customer, where the tunnel says so. */
static bool data_fits(const struct sdt_tunnel *t, const struct sdt_frame *f)
{
	return sdt_mode_frame_fits(t, f) && (f->af == SDT_FRAME_AF_NONE || t->role == SDT_ROLE_SERVER);
}

static void server_egress(struct sdt_tunnel *t, const struct sdt_rx *rx, const struct sdt_frame *f,
			  struct sk_buff *skb)
{
	if (unlikely(!data_fits(t, f)))
		sdt_drop(t->stats, SDT_DROP_OUT_ROLE, skb);
	else if (t->role == SDT_ROLE_PROXY)
		proxy_egress(t, rx, f, skb);
	else
		target_egress(t, rx, f, skb);
}

/* Only the server refuses, and only it has something to call unreachable. */
static bool control_fits(const struct sdt_tunnel *t, const struct sdt_frame *f,
			 const struct sdt_control *c)
{
	return sdt_mode_frame_fits(t, f) && f->af == SDT_FRAME_AF_NONE &&
	       (t->role == SDT_ROLE_PROXY || c->op == SDT_OP_CLOSE);
}

static void server_control(struct sdt_tunnel *t, const struct sdt_rx *rx,
			   const struct sdt_frame *f, const struct sdt_control *c)
{
	struct sdt_channel *chan;

	if (unlikely(!control_fits(t, f, c))) {
		sdt_drop(t->stats, SDT_DROP_OUT_ROLE, NULL);
		return;
	}
	chan = sdt_channel_by_id(t, f->channel);
	if (t->role == SDT_ROLE_PROXY)
		proxy_control(t, rx, chan, c);
	else
		sdt_mode_target_control(t, rx, chan, c);
}

const struct sdt_mode_ops sdt_mode_server = {
	.mode = SDT_MODE_SERVER,
	.name = "server",
	.validate = server_validate,
	.start = server_start,
	.ingress = server_ingress,
	.answer = server_answer,
	.undelivered = server_undelivered,
	.egress = server_egress,
	.control = server_control,
};
