// SPDX-License-Identifier: GPL-2.0
/*
 * Stream mode: many customers at the proxy, one target at the server, one way. No
 * channels: the server sends everything from one socket, and what the target answers is
 * dropped and counted.
 */
#include <net/ip.h>

#include "client.h"
#include "compat/compat.h"
#include "egress.h"
#include "ingress.h"
#include "modes.h"

#define SDT_STREAM_GUESSES	64	/* random ports tried before all are, in turn */

/* ---- configuration ------------------------------------------------------- */

static int validate_common(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (cfg->set & BIT(SDT_A_TUNNEL_CUSTOMER))
		NL_SET_ERR_MSG(extack, "customer belongs to direct mode");
	else if (cfg->set & SDT_CFG_ROUTER)
		NL_SET_ERR_MSG(extack, "allow and filter belong to router mode");
	else if (cfg->set & SDT_CFG_LIMITS)
		NL_SET_ERR_MSG(extack, "stream mode has no channels: it takes neither limits for them nor idle times");
	else if (cfg->client_address == SDT_CLIENT_PROXY_V2)
		NL_SET_ERR_MSG(extack, "in stream mode all customers share one socket: client-address proxy-v2-every tells them apart, proxy-v2 cannot");
	else
		return sdt_client_validate(cfg, extack);
	return -EINVAL;
}

static int validate_proxy(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (cfg->set & (SDT_CFG_EGRESS | BIT(SDT_A_TUNNEL_TARGET)))
		NL_SET_ERR_MSG(extack, "target and egress belong to the server role, at the other node");
	else if (!cfg->listen.port)
		NL_SET_ERR_MSG(extack, "the proxy role needs listen, with a port");
	else
		return 0;
	return -EINVAL;
}

static int validate_server(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (cfg->set & BIT(SDT_A_TUNNEL_LISTEN))
		NL_SET_ERR_MSG(extack, "listen belongs to the proxy role, at the other node");
	else if (!cfg->target.port)
		NL_SET_ERR_MSG(extack, "the server role needs a target");
	else if (cfg->egress.family && cfg->egress.family != cfg->target.family)
		NL_SET_ERR_MSG(extack, "egress and target are of different address families");
	else if (cfg->egress_last.family)
		NL_SET_ERR_MSG(extack, "stream mode sends from one socket: egress is one address");
	else if (!cfg->egress_port_lo || cfg->egress_port_lo > cfg->egress_port_hi)
		NL_SET_ERR_MSG(extack, "egress-ports must be LO-HI, from 1 to 65535");
	else
		return 0;
	return -EINVAL;
}

static int stream_validate(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	int err = validate_common(cfg, extack);

	if (err)
		return err;
	switch (cfg->role) {
	case SDT_ROLE_PROXY:
		return validate_proxy(cfg, extack);
	case SDT_ROLE_SERVER:
		return validate_server(cfg, extack);
	}
	NL_SET_ERR_MSG(extack, "stream mode needs listen (proxy role) or target (server role)");
	return -EINVAL;
}

/* ---- server role: the socket --------------------------------------------- */

/* encap_rcv of the egress socket. Always consumes. The tunnel lives as long as this RCU read side. */
static int answer_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct sdt_tunnel *t = rcu_dereference_sk_user_data(sk);
	const struct sdt_dest *dest;
	struct sdt_packet p;
	int err;

	if (unlikely(!t)) {
		kfree_skb(skb);
		return 0;
	}
	err = sdt_packet_parse(skb, &p);
	dest = rcu_dereference(t->dest);
	if (err)
		sdt_drop(t->stats, err == -EADDRNOTAVAIL ? SDT_DROP_IN_MULTICAST :
							   SDT_DROP_IN_SHAPE, skb);
	else if (dest && sdt_endpoint_equal(&p.from, &dest->remote))
		sdt_drop(t->stats, SDT_DROP_IN_STREAM, skb);
	else
		sdt_drop(t->stats, SDT_DROP_IN_SOURCE, skb);
	return 0;
}

/*
 * Not connected, and bound to an address only if one is configured: so a target of the same
 * family is another dest and nothing else, and when an address of this host goes, the
 * next route says which one is left.
 */
static struct socket *socket_on(struct sdt_tunnel *t, const struct sdt_tunnel_cfg *full,
				u16 number)
{
	struct sdt_socket_cfg cfg = {
		.family = full->target.family,
		.local = full->egress,
		.ifindex = full->target.ifindex,
		.rcv = answer_rcv,
		.user_data = t,
	};

	if (inet_is_local_reserved_port(t->node->net, number))
		return ERR_PTR(-EADDRINUSE);
	cfg.local.port = htons(number);
	return sdt_socket_open(t->node->net, &cfg);
}

/* On a port that nobody can foretell, as long as there are some free. */
static struct socket *socket_in_range(struct sdt_tunnel *t, const struct sdt_tunnel_cfg *full)
{
	unsigned int range = full->egress_port_hi - full->egress_port_lo + 1;
	struct socket *sock;
	unsigned int i;
	u32 at;

	for (i = 0; i < SDT_STREAM_GUESSES; i++) {
		at = sdt_compat_random_below(range);
		sock = socket_on(t, full, full->egress_port_lo + at);
		if (PTR_ERR(sock) != -EADDRINUSE)
			return sock;
	}
	for (i = 0; i < range; i++) {
		sock = socket_on(t, full, full->egress_port_lo + (at + i) % range);
		if (PTR_ERR(sock) != -EADDRINUSE)
			return sock;
		cond_resched();
	}
	return ERR_PTR(-EADDRINUSE);
}

static void explain(int err, struct netlink_ext_ack *extack)
{
	if (err == -EADDRINUSE)
		NL_SET_ERR_MSG(extack, "egress-ports: every one of them is in use");
	else if (err == -EADDRNOTAVAIL)
		NL_SET_ERR_MSG(extack, "egress: the address is not on this host");
	else if (err != -ENOMEM)
		NL_SET_ERR_MSG(extack, "cannot open the egress socket");
}

/* The socket that the tunnel has, if it serves @full as well. */
static struct socket *socket_that_stays(struct sdt_tunnel *t, const struct sdt_tunnel_cfg *full)
{
	struct socket *sock = rcu_dereference_protected(t->listener[full->target.family == AF_INET6],
							lockdep_is_held(&t->node->lock));
	struct sdt_endpoint local;

	if (!sock || t->target.ifindex != full->target.ifindex ||
	    !sdt_endpoint_equal(&t->egress, &full->egress))
		return NULL;
	sdt_socket_local(sock, &local);
	return ntohs(local.port) >= full->egress_port_lo &&
	       ntohs(local.port) <= full->egress_port_hi ? sock : NULL;
}

static struct sdt_dest *target_dest(const struct sdt_tunnel_cfg *full, struct socket *sock)
{
	struct sdt_endpoint local;
	struct sdt_dest *dest;

	dest = sdt_dest_alloc(&full->target, full->egress.family ? &full->egress.ip : &in6addr_any,
			      full->target.ifindex, GFP_KERNEL_ACCOUNT);
	if (!dest)
		return NULL;
	sdt_socket_local(sock, &local);
	dest->sport = local.port;
	dest->sk = sock->sk;
	return dest;
}

/* The socket and the dest for @full: the former in @l, kept or new. */
static int prepare(struct sdt_tunnel *t, const struct sdt_tunnel_cfg *full,
		   struct sdt_listeners *l, struct sdt_dest **dest,
		   struct netlink_ext_ack *extack)
{
	int f = full->target.family == AF_INET6;
	struct socket *sock = socket_that_stays(t, full);

	memset(l, 0, sizeof(*l));
	l->keep[f] = sock;
	if (!sock) {
		sock = socket_in_range(t, full);
		if (IS_ERR(sock)) {
			explain(PTR_ERR(sock), extack);
			return PTR_ERR(sock);
		}
		l->sock[f] = sock;
	}
	*dest = target_dest(full, sock);
	if (*dest)
		return 0;
	sdt_listen_detach(l);
	synchronize_rcu();
	sdt_listen_close(l);
	return -ENOMEM;
}

static int stream_prepare(struct sdt_tunnel *t, const struct sdt_tunnel_cfg *full,
			  struct sdt_listeners *l, struct sdt_dest **dest,
			  struct netlink_ext_ack *extack)
{
	*dest = NULL;
	if (t->role != SDT_ROLE_SERVER ||
	    (sdt_endpoint_equal(&full->target, &t->target) &&
	     sdt_endpoint_equal(&full->egress, &t->egress) &&
	     full->egress_port_lo == t->egress_port_lo &&
	     full->egress_port_hi == t->egress_port_hi))
		return 0;
	return prepare(t, full, l, dest, extack);
}

static int start_server(struct sdt_tunnel *t, struct netlink_ext_ack *extack)
{
	const struct sdt_tunnel_cfg full = {
		.target = t->target,
		.egress = t->egress,
		.egress_port_lo = t->egress_port_lo,
		.egress_port_hi = t->egress_port_hi,
	};
	struct sdt_listeners l;
	struct sdt_dest *dest;
	int err = prepare(t, &full, &l, &dest, extack);

	if (err)
		return err;
	sdt_tunnel_send_to(t, dest);
	sdt_listen_swap(t, &l);
	return 0;
}

static int stream_start(struct sdt_tunnel *t, struct netlink_ext_ack *extack)
{
	return t->role == SDT_ROLE_PROXY ? sdt_tunnel_listen(t, extack) : start_server(t, extack);
}

/* ---- proxy role ---------------------------------------------------------- */

static void stream_ingress(struct sdt_tunnel *t, struct sk_buff *skb, const struct sdt_packet *p)
{
	sdt_ingress_stream(t, p, skb);
}

/* ---- server role: data --------------------------------------------------- */

/* The customer whom the frame names, if it may. Return: 0, or the reason to drop. */
static enum sdt_stat named(struct sdt_tunnel *t, u8 how, const struct sdt_frame *f,
			   struct sdt_endpoint *client)
{
	enum sdt_stat why = sdt_client_of(how, f, client);

	if (!why && client->family && !sdt_client_allowed(t, client))
		why = SDT_DROP_OUT_CLIENT;
	return why;
}

static void to_target(struct sdt_tunnel *t, const struct sdt_rx *rx,
		      const struct sdt_endpoint *client, u8 how, struct sk_buff *skb)
{
	struct sdt_dest *dest = rcu_dereference(t->dest);
	struct sdt_flow flow = {
		.sk = dest->sk,
		.dst = &dest->remote,
		.src = &dest->local,
		.sport = dest->sport,
		.ifindex = dest->ifindex,
		.tos = rx->tos,
		.cache = &dest->cache,
	};
	enum sdt_stat why = 0;

	if (how == SDT_CLIENT_TRANSPARENT) {
		flow.src = &client->ip;
		flow.sport = client->port;
		flow.forged = true;
		/* it would remember this customer's address for the next one */
		flow.cache = NULL;
		/* the target may be another one since the customer was judged */
		if (client->family != dest->remote.family)
			why = SDT_DROP_OUT_CLIENT;
	} else if (sdt_client_by_header(how)) {
		why = sdt_client_push(skb, client, &dest->remote);
	}
	if (why)
		sdt_drop(t->stats, why, skb);
	else
		sdt_egress_send(t, &flow, skb);
}

static void stream_egress(struct sdt_tunnel *t, const struct sdt_rx *rx, const struct sdt_frame *f,
			  struct sk_buff *skb)
{
	u8 how = READ_ONCE(t->client_address);
	struct sdt_endpoint client;
	enum sdt_stat why;

	if (unlikely(t->role != SDT_ROLE_SERVER || f->reply || f->has_channel))
		why = SDT_DROP_OUT_ROLE;
	else
		why = named(t, how, f, &client);
	if (unlikely(why))
		sdt_drop(t->stats, why, skb);
	else
		to_target(t, rx, &client, how, skb);
}

static void stream_control(struct sdt_tunnel *t, const struct sdt_rx *rx,
			   const struct sdt_frame *f, const struct sdt_control *c)
{
	/* There is nothing to close, to refuse, or to tell. */
	sdt_drop(t->stats, SDT_DROP_OUT_ROLE, NULL);
}

const struct sdt_mode_ops sdt_mode_stream = {
	.mode = SDT_MODE_STREAM,
	.name = "stream",
	.validate = stream_validate,
	.start = stream_start,
	.prepare = stream_prepare,
	.ingress = stream_ingress,
	.egress = stream_egress,
	.control = stream_control,
};
