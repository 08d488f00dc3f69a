// SPDX-License-Identifier: GPL-2.0
/*
 * Router mode: what customers send to any address is captured at the proxy, carried
 * with that address, and sent there by the server: a NAT whose two halves are nodes.
 * Each customer has one channel, and at the server one egress socket, whatever
 * it writes to (endpoint-independent mapping, RFC 4787 REQ-1). What answers, the proxy
 * sends on with the answerer's address as source.
 */
#include "channel.h"
#include "compat/compat.h"
#include "contacts.h"
#include "egress.h"
#include "icmp.h"
#include "ingress.h"
#include "modes.h"
#include "policy.h"
#include "ports.h"

/* ---- configuration ------------------------------------------------------- */

static int validate_proxy(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (cfg->set & (SDT_CFG_EGRESS | BIT(SDT_A_TUNNEL_ALLOW))) {
		NL_SET_ERR_MSG(extack, "allow and egress belong to the server role, at the other node");
		return -EINVAL;
	}
	if (!cfg->listen.port) {
		NL_SET_ERR_MSG(extack, "router mode needs listen, with a port (proxy role), or role server");
		return -EINVAL;
	}
	if (cfg->set & BIT(SDT_A_TUNNEL_IDLE_ONESHOT)) {
		NL_SET_ERR_MSG(extack, "idle-oneshot belongs to the server role: this side is told when a channel ends");
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
	if (!cfg->allow) {
		NL_SET_ERR_MSG(extack, "the server role needs allow: where may the peer's customers send to?");
		return -EINVAL;
	}
	return sdt_mode_check_ports(cfg, extack) ?: sdt_mode_check_limits(cfg, extack) ?:
	       sdt_mode_check_oneshot(cfg, extack);
}

static int router_validate(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (cfg->set & (BIT(SDT_A_TUNNEL_CUSTOMER) | BIT(SDT_A_TUNNEL_TARGET))) {
		NL_SET_ERR_MSG(extack, "router mode has neither a customer nor a target: each datagram names its own");
		return -EINVAL;
	}
	if (cfg->set & SDT_CFG_CLIENT) {
		NL_SET_ERR_MSG(extack, "client-address and client-allow belong to server and stream mode");
		return -EINVAL;
	}
	switch (cfg->role) {
	case SDT_ROLE_PROXY:
		return validate_proxy(cfg, extack);
	case SDT_ROLE_SERVER:
		return validate_server(cfg, extack);
	}
	NL_SET_ERR_MSG(extack, "router mode needs listen (proxy role), or role server");
	return -EINVAL;
}

static const struct sdt_ports_kind router_ports4, router_ports6;

static int router_start(struct sdt_tunnel *t, struct netlink_ext_ack *extack)
{
	int err = sdt_contacts_create(t) ?: sdt_channels_create(t);

	if (err)
		return err;
	if (t->role == SDT_ROLE_PROXY)
		return sdt_tunnel_listen(t, extack);
	return sdt_ports_create(t, &router_ports4) ?: sdt_ports_create(t, &router_ports6);
}

/* ---- proxy role ---------------------------------------------------------- */

/*
 * One channel for a customer, wherever it writes to. A socket of IPv6 must not bring
 * what would pass for IPv4 behind it.
 */
static bool captured_key(struct sdt_channel_key *key, const struct sdt_packet *p)
{
	sdt_channel_key(key, p);
	key->local = in6addr_any;
	key->local_port = 0;
	return p->to.family == AF_INET || !ipv6_addr_v4mapped(&p->to.ip);
}

/* What was not captured, but sent to the listener itself, goes to an address of this host. */
static void router_ingress(struct sdt_tunnel *t, struct sk_buff *skb, const struct sdt_packet *p)
{
	struct sdt_channel_key key;
	struct sdt_channel *c, *present;
	enum sdt_stat why;
	bool known;

	if (unlikely(!captured_key(&key, p))) {
		sdt_drop(t->stats, SDT_DROP_IN_CAPTURE, skb);
		return;
	}
	/* What is known was judged before. */
	present = sdt_channel_by_key(t, &key);
	known = present && sdt_contact_known(t, present, &p->to);
	if (unlikely(!known && sdt_policy_refuses(t->node->net, &p->to.ip, p->to.port))) {
		sdt_drop(t->stats, SDT_DROP_IN_CAPTURE, skb);
		return;
	}
	c = sdt_channel_for_customer(t, &key, &why);
	if (unlikely(!c)) {
		sdt_drop(t->stats, why, skb);
		return;
	}
	if (unlikely(!known || c != present))
		sdt_contact_add(t, c, &p->to);
	sdt_ingress_address(t, c, &p->to, SDT_TX_EPOCH_OWN, p, skb);
}

/* To the customer, as if @from itself had sent it. */
static void proxy_deliver(struct sdt_tunnel *t, struct sdt_channel *c,
			  const struct sdt_endpoint *from, u8 tos, struct sk_buff *skb)
{
	struct sdt_endpoint customer;
	struct sdt_flow flow = {
		.dst = &customer,
		.src = &from->ip,
		.forged = true,
		.sport = from->port,
		.ifindex = c->proxy.key.ifindex,
		.tos = tos,
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

/* May an answer from @from go to the customer of @c? Return: 0, or the reason to drop. */
static enum sdt_stat proxy_admits(struct sdt_tunnel *t, struct sdt_channel *c,
				  const struct sdt_endpoint *from)
{
	if (unlikely((from->family == AF_INET) != ipv6_addr_v4mapped(&c->proxy.key.customer)))
		return SDT_DROP_OUT_ROLE;
	if (unlikely(sdt_policy_refuses(t->node->net, &from->ip, from->port)))
		return SDT_DROP_OUT_POLICY;
	if (unlikely(!sdt_contact_admits(t, c, from)))
		return SDT_DROP_OUT_FILTER;
	return 0;
}

static void proxy_egress(struct sdt_tunnel *t, const struct sdt_rx *rx, const struct sdt_frame *f,
			 const struct sdt_endpoint *from, struct sk_buff *skb)
{
	struct sdt_channel *c = sdt_channel_by_id(t, f->channel);
	enum sdt_stat why;

	if (unlikely(c && c->epoch != rx->own_epoch)) {
		sdt_drop(t->stats, SDT_DROP_OUT_EPOCH, skb);
		return;
	}
	if (unlikely(!c || READ_ONCE(c->state) != SDT_CHANNEL_OPEN)) {
		sdt_drop(t->stats, SDT_DROP_OUT_CHANNEL, skb);
		sdt_channel_unknown(t, rx, f->channel);
		return;
	}
	why = proxy_admits(t, c, from);
	if (unlikely(why))
		sdt_drop(t->stats, why, skb);
	else
		proxy_deliver(t, c, from, rx->tos, skb);
}

/*
 * What the server says of an address becomes what the customer would have heard from a
 * router on the way; it must be one that the customer wrote to. The channel goes on.
 */
static void proxy_address(struct sdt_tunnel *t, struct sdt_channel *c,
			  const struct sdt_endpoint *about, const struct sdt_control *ctl)
{
	const struct sdt_control prohibited = {
		.op = SDT_OP_UNREACHABLE,
		.unreach.class = SDT_UNREACH_PROHIBITED,
	};
	struct sdt_endpoint customer;

	if (!sdt_contact_wrote(t, c, about))
		return;
	sdt_channel_customer(c, &customer);
	if (ctl->op == SDT_OP_UNREACHABLE) {
		sdt_icmp_unreachable(t, &customer, about, c->proxy.key.ifindex, ctl);
	} else if (ctl->op == SDT_OP_REFUSED) {
		sdt_channel_address_refused(t, c);
		sdt_icmp_unreachable(t, &customer, about, c->proxy.key.ifindex, &prohibited);
	}
}

static void proxy_control(struct sdt_tunnel *t, const struct sdt_rx *rx, struct sdt_channel *c,
			  const struct sdt_endpoint *about, const struct sdt_control *ctl)
{
	if (!c || c->epoch != rx->own_epoch)
		return;
	if (about)
		proxy_address(t, c, about, ctl);
	else if (ctl->op == SDT_OP_CLOSE)
		sdt_channel_close(t, c, SDT_CLOSE_PEER);
	else if (ctl->op == SDT_OP_REFUSED)
		sdt_channel_refused(t, c, ctl->reason);
}

/* ---- server role: towards the targets ------------------------------------- */

static bool allowed(const struct sdt_tunnel *t, const struct sdt_endpoint *e)
{
	return sdt_prefixes_name(rcu_dereference(t->allow), &e->ip, e->port);
}

static struct sdt_ports *pool_of(const struct sdt_tunnel *t, u16 family)
{
	return t->ports[family == AF_INET6];
}

/* The channel that has @e as its own egress address and port, or NULL. */
static struct sdt_channel *mapped(const struct sdt_tunnel *t, const struct sdt_endpoint *e)
{
	struct sdt_port *port = sdt_ports_find(pool_of(t, e->family), e);

	return port ? sdt_port_channel(port) : NULL;
}

/*
 * May the peer's customers write to @to? allow is asked each time, as it may change; the
 * rest was judged when @to became known, and the route judges again. An address of this
 * host is none to be reached, but where it is a mapping of this tunnel.
 */
static bool target_permitted(struct sdt_tunnel *t, bool known, const struct sdt_endpoint *to)
{
	return allowed(t, to) &&
	       (known || !sdt_policy_refuses(t->node->net, &to->ip, to->port) || mapped(t, to));
}

/*
 * RFC 4787 REQ-9: the other customer hears the sender's external address and port, if its
 * filter lets it.
 */
static bool router_divert(struct sdt_tunnel *t, struct sdt_port_user *user, struct sdt_port *port,
			  const struct sdt_port_tx *tx, struct sk_buff *skb)
{
	const struct sdt_dest *dest = rcu_dereference(port->dest);
	struct sdt_channel *other = mapped(t, &tx->to);
	struct sdt_packet p = { .to = tx->to, .tos = tx->tos };

	if (likely(!other))
		return false;
	sdt_endpoint_make(&p.from, &dest->local, port->number, 0);
	if (!sdt_contact_admits(t, other, &p.from)) {
		sdt_drop(t->stats, SDT_DROP_IN_FILTER, skb);
		return true;
	}
	sdt_stat_inc(t->stats, SDT_STAT_HAIRPIN);
	sdt_ingress_address(t, other, &p.from, SDT_TX_EPOCH_PEER, &p, skb);
	return true;
}

/* A prefix that is everything says nothing of where the source is to lead. */
static bool router_towards(const struct sdt_tunnel *t, u16 family, unsigned int n,
			   struct sdt_endpoint *dst)
{
	const struct sdt_prefixes *allow;
	struct in6_addr ip;
	bool found = false;
	unsigned int i;

	rcu_read_lock();
	allow = rcu_dereference(t->allow);
	for (i = 0; !found && allow && i < allow->n; i++) {
		const struct sdt_prefix *prefix = &allow->v[i];

		memcpy(&ip, prefix->ip, sizeof(ip));
		/* a network's first address may mean broadcast */
		if (prefix->len < 128)
			ip.s6_addr[15] |= 1;
		sdt_endpoint_make(dst, &ip, 0, 0);
		found = prefix->len && prefix->len != SDT_PREFIX_V4_BITS &&
			dst->family == family && !n--;
	}
	rcu_read_unlock();
	return found;
}

/* Packed: so that customers have one address as long as ports last, RFC 4787 REQ-2. */
static const struct sdt_ports_kind router_ports4 = {
	.family = AF_INET,
	.pack = true,
	.towards = router_towards,
	.divert = router_divert,
	.sent = sdt_channel_sent,
	.no_port = sdt_channel_no_port,
};

static const struct sdt_ports_kind router_ports6 = {
	.family = AF_INET6,
	.pack = true,
	.towards = router_towards,
	.divert = router_divert,
	.sent = sdt_channel_sent,
	.no_port = sdt_channel_no_port,
};

/* The frame's channel, opened if need be, or NULL. A customer's addresses are of one family. */
static struct sdt_channel *target_channel(struct sdt_tunnel *t, const struct sdt_rx *rx, u32 id,
					  const struct sdt_endpoint *to, enum sdt_stat *why)
{
	struct sdt_ports *own, *pool = pool_of(t, to->family);
	struct sdt_channel *c = sdt_channel_by_id(t, id);

	if (unlikely(!c || c->epoch != rx->peer_epoch)) {
		c = sdt_channel_open_server(t, pool, rx, id, why);
		if (!c)
			return NULL;
		WRITE_ONCE(c->low_port, ntohs(to->port) < SDT_ONESHOT_PORTS);
	}
	own = READ_ONCE(c->server.pool);
	if (likely(own == pool))
		return c;
	*why = own ? SDT_DROP_OUT_ROLE : SDT_DROP_DELETED;
	return NULL;
}

static void target_egress(struct sdt_tunnel *t, const struct sdt_rx *rx, const struct sdt_frame *f,
			  const struct sdt_endpoint *to, struct sk_buff *skb)
{
	struct sdt_channel *c, *present = sdt_channel_by_id(t, f->channel);
	const struct sdt_port_tx tx = { .tos = rx->tos, .to = *to };
	struct sdt_port *port;
	enum sdt_stat why;
	bool known;

	known = present && present->epoch == rx->peer_epoch && sdt_contact_known(t, present, to);
	if (unlikely(!target_permitted(t, known, to))) {
		sdt_drop(t->stats, SDT_DROP_OUT_POLICY, skb);
		sdt_channel_refuse_address(t, rx, f->channel, to);
		return;
	}
	c = target_channel(t, rx, f->channel, to, &why);
	if (unlikely(!c)) {
		sdt_drop(t->stats, why, skb);
		return;
	}
	if (unlikely(!known || c != present))
		sdt_contact_add(t, c, to);
	/* Answers travel as the customer's datagrams do. */
	if (unlikely(READ_ONCE(c->lane) != rx->lane))
		WRITE_ONCE(c->lane, rx->lane);
	port = rcu_dereference(c->server.port);
	if (unlikely(!sdt_port_current(port))) {
		sdt_ports_send(t, &c->server, &tx, skb);
		return;
	}
	sdt_channel_used(t->channels, &c->out);
	if (!router_divert(t, &c->server, port, &tx, skb))
		sdt_egress_port(t, port, &tx, skb);
}

/* ---- server role: from anybody -------------------------------------------- */

/*
 * This host's own programs are refused too: that their address may be a mapping's, which
 * the customer wrote to, does not make them its customers.
 */
static void router_answer(struct sdt_tunnel *t, struct sdt_port *port, struct sk_buff *skb,
			  const struct sdt_packet *p)
{
	struct sdt_channel *c = sdt_port_channel(port);

	if (unlikely(!c))
		sdt_drop(t->stats, SDT_DROP_IN_RESTING, skb);
	else if (unlikely(!allowed(t, &p->from) || !sdt_contact_admits(t, c, &p->from) ||
			  sdt_policy_refuses(t->node->net, &p->from.ip, p->from.port)))
		sdt_drop(t->stats, SDT_DROP_IN_FILTER, skb);
	else
		sdt_ingress_address(t, c, &p->from, SDT_TX_EPOCH_PEER, p, skb);
}

/* Only of what the customer wrote to. */
static bool router_undelivered(struct sdt_tunnel *t, struct sdt_port *port,
			       const struct sdt_packet *about, const struct sdt_control *ctl)
{
	const struct sdt_dest *dest = rcu_dereference(port->dest);
	struct sdt_channel *c = sdt_port_channel(port);

	if (!c || !ipv6_addr_equal(&about->to.ip, &dest->local) ||
	    !sdt_contact_wrote(t, c, &about->from))
		return false;
	sdt_icmp_report(t, c, &about->from, ctl);
	return true;
}

/* ---- both ---------------------------------------------------------------- */

/* IPv4 is IPv4, in whichever of its forms it came. */
static void frame_endpoint(const struct sdt_frame *f, struct sdt_endpoint *e)
{
	struct in6_addr ip;

	sdt_frame_ip(f, ip.s6_addr);
	sdt_endpoint_make(e, &ip, f->port, 0);
}

static void router_egress(struct sdt_tunnel *t, const struct sdt_rx *rx, const struct sdt_frame *f,
			  struct sk_buff *skb)
{
	struct sdt_endpoint e;

	if (unlikely(!sdt_mode_frame_fits(t, f) || f->af == SDT_FRAME_AF_NONE)) {
		sdt_drop(t->stats, SDT_DROP_OUT_ROLE, skb);
		return;
	}
	frame_endpoint(f, &e);
	if (t->role == SDT_ROLE_PROXY)
		proxy_egress(t, rx, f, &e, skb);
	else
		target_egress(t, rx, f, &e, skb);
}

/* CLOSE is of a channel, UNREACHABLE of an address, REFUSED of either. Only the server judges. */
static bool control_fits(const struct sdt_tunnel *t, const struct sdt_frame *f,
			 const struct sdt_control *c)
{
	if (!sdt_mode_frame_fits(t, f))
		return false;
	if (c->op == SDT_OP_CLOSE)
		return f->af == SDT_FRAME_AF_NONE;
	return t->role == SDT_ROLE_PROXY &&
	       (c->op == SDT_OP_REFUSED || f->af != SDT_FRAME_AF_NONE);
}

static void router_control(struct sdt_tunnel *t, const struct sdt_rx *rx,
			   const struct sdt_frame *f, const struct sdt_control *c)
{
	struct sdt_channel *chan;
	struct sdt_endpoint e;

	if (unlikely(!control_fits(t, f, c))) {
		sdt_drop(t->stats, SDT_DROP_OUT_ROLE, NULL);
		return;
	}
	frame_endpoint(f, &e);
	chan = sdt_channel_by_id(t, f->channel);
	if (t->role == SDT_ROLE_PROXY)
		proxy_control(t, rx, chan, f->af == SDT_FRAME_AF_NONE ? NULL : &e, c);
	else
		sdt_mode_target_control(t, rx, chan, c);
}

const struct sdt_mode_ops sdt_mode_router = {
	.mode = SDT_MODE_ROUTER,
	.name = "router",
	.captures = true,
	.validate = router_validate,
	.start = router_start,
	.ingress = router_ingress,
	.answer = router_answer,
	.undelivered = router_undelivered,
	.egress = router_egress,
	.control = router_control,
};
