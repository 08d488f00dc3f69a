// SPDX-License-Identifier: GPL-2.0
/* Customer -> link: listeners, and frames on their way to a lane. */
#include <linux/jhash.h>
#include <linux/net.h>

#include "channel.h"
#include "compat/compat.h"
#include "icmp.h"
#include "ingress.h"

#define SDT_MTU_LEAST4	576	/* a smaller one is told to nobody: what it would not take is cut */

static const u16 families[2] = { AF_INET, AF_INET6 };

/*
 * encap_rcv of a listener. Always consumes. The tunnel lives as long as this
 * RCU read side: sk_user_data is NULL a grace period before it is freed.
 */
static int listener_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct sdt_tunnel *t = rcu_dereference_sk_user_data(sk);
	struct sdt_packet p;
	int err;

	if (unlikely(!t)) {
		kfree_skb(skb);
		return 0;
	}
	err = sdt_packet_parse(skb, &p);
	if (unlikely(err))
		sdt_drop(t->stats, err == -EADDRNOTAVAIL ? SDT_DROP_IN_MULTICAST :
							   SDT_DROP_IN_SHAPE, skb);
	else
		t->ops->ingress(t, skb, &p);
	return 0;
}

/* What a socket of family @f is bound to for @listen; false: there is none. */
static bool listen_in_family(const struct sdt_endpoint *listen, int f, struct sdt_endpoint *local)
{
	memset(local, 0, sizeof(*local));
	if (!listen->port || (listen->family && listen->family != families[f]))
		return false;
	local->port = listen->port;
	if (listen->family && !sdt_ip_any(&listen->ip)) {
		local->family = listen->family;
		local->ip = listen->ip;
		local->ifindex = listen->ifindex;
	}
	return true;
}

static struct socket *listener(struct sdt_tunnel *t, int f)
{
	return rcu_dereference_protected(t->listener[f], lockdep_is_held(&t->node->lock));
}

static bool no_such_family(long err)
{
	return err == -EAFNOSUPPORT || err == -EPFNOSUPPORT;
}

static void explain(struct sdt_tunnel *t, const struct sdt_endpoint *listen, int err,
		    struct netlink_ext_ack *extack)
{
	if (err == -EADDRINUSE && t->listen.port == listen->port &&
	    (listener(t, 0) || listener(t, 1)))
		NL_SET_ERR_MSG(extack, "listen overlaps what it replaces, or the port is taken: delete and add the tunnel");
	else if (err == -EADDRINUSE)
		NL_SET_ERR_MSG(extack, "listen: the port is in use");
	else if (err == -EADDRNOTAVAIL)
		NL_SET_ERR_MSG(extack, "listen: the address is not on this host");
	else if (err != -ENOMEM)
		NL_SET_ERR_MSG(extack, "listen: cannot open the socket");
}

int sdt_listen_open(struct sdt_tunnel *t, const struct sdt_endpoint *listen,
		    struct sdt_listeners *l, struct netlink_ext_ack *extack)
{
	struct sdt_socket_cfg cfg = {
		.transparent = t->ops->captures,
		.rcv = listener_rcv,
		.err = sdt_icmp_listener_error,
		.user_data = t,
	};
	struct sdt_endpoint now;
	struct socket *sock;
	int f, err;

	lockdep_assert_held(&t->node->lock);
	memset(l, 0, sizeof(*l));
	for (f = 0; f < 2; f++) {
		if (!listen_in_family(listen, f, &cfg.local))
			continue;
		if (listener(t, f) && listen_in_family(&t->listen, f, &now) &&
		    sdt_endpoint_equal(&now, &cfg.local)) {
			l->keep[f] = true;
			continue;
		}
		cfg.family = families[f];
		sock = sdt_socket_open(t->node->net, &cfg);
		/* A wildcard on a host without one of the families is the other one. */
		if (IS_ERR(sock) && !listen->family && no_such_family(PTR_ERR(sock)))
			continue;
		if (IS_ERR(sock)) {
			err = PTR_ERR(sock);
			explain(t, listen, err, extack);
			goto undo;
		}
		l->sock[f] = sock;
	}
	return 0;

undo:
	sdt_listen_detach(l);
	if (l->sock[0])
		synchronize_rcu();
	sdt_listen_close(l);
	return err;
}

void sdt_listen_swap(struct sdt_tunnel *t, struct sdt_listeners *l)
{
	int f;

	lockdep_assert_held(&t->node->lock);
	for (f = 0; f < 2; f++)
		if (!l->keep[f])
			l->sock[f] = rcu_replace_pointer(t->listener[f], l->sock[f],
							 lockdep_is_held(&t->node->lock));
}

void sdt_listen_detach(struct sdt_listeners *l)
{
	int f;

	for (f = 0; f < 2; f++)
		if (l->sock[f])
			sdt_socket_detach(l->sock[f]);
}

void sdt_listen_close(struct sdt_listeners *l)
{
	int f;

	for (f = 0; f < 2; f++)
		if (l->sock[f])
			sdt_socket_close(l->sock[f]);
}

bool sdt_listen_covers(const struct sdt_endpoint *listen, const struct sdt_endpoint *local)
{
	if (!local->port)
		return true;
	if (listen->port != local->port || (listen->family && listen->family != local->family))
		return false;
	return !listen->family || sdt_ip_any(&listen->ip) ||
	       ipv6_addr_equal(&listen->ip, &local->ip);
}

/*
 * Is the datagram one that must not be cut, and does not fit? Then its sender is told what
 * does, unless that is less than any IP network takes.
 */
static bool must_shrink(unsigned int room, unsigned int hdr_len, const struct sdt_packet *p,
			unsigned int *fit)
{
	const bool v4 = p->from.family == AF_INET;
	const unsigned int headers = sizeof(struct udphdr) +
				     (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));

	if (!p->whole || room < SDT_DATA_MIN_LEN + hdr_len)
		return false;
	*fit = room - SDT_DATA_MIN_LEN - hdr_len;
	return *fit + headers >= (v4 ? SDT_MTU_LEAST4 : IPV6_MIN_MTU);
}

/* Return: true if the datagram is too big for the link: told so, counted, consumed. */
static bool too_big(struct sdt_tunnel *t, unsigned int hdr_len, const struct sdt_packet *p,
		    struct sk_buff *skb)
{
	unsigned int room = sdt_pmtu_tell(t->link), fit;

	if (likely(SDT_DATA_MIN_LEN + hdr_len + skb->len <= room && skb->len <= SDT_DATAGRAM_MAX))
		return false;
	if (must_shrink(room, hdr_len, p, &fit)) {
		sdt_icmp_too_big(t, p, skb, fit);
		sdt_drop(t->link->stats, SDT_DROP_TX_TOLD_TOO_BIG, skb);
		return true;
	}
	if (skb->len <= SDT_DATAGRAM_MAX)
		return false;
	sdt_drop(t->link->stats, SDT_DROP_TX_TOO_BIG, skb);
	return true;
}

bool sdt_ingress_frame(struct sdt_tunnel *t, const struct sdt_packet *p, struct sk_buff *skb)
{
	struct sdt_tx_cb *cb = sdt_tx_cb(skb);

	if (unlikely(too_big(t, cb->hdr_len, p, skb)))
		return false;
	sdt_stat_packet(t->stats, SDT_STAT_IN_DATAGRAMS, skb->len);
	cb->tos = p->tos;
	sdt_link_send(t->link, skb);
	return true;
}

/* The proxy's frames name their customer, if the tunnel is told so. */
static void name_customer(const struct sdt_tunnel *t, const struct sdt_packet *p,
			  struct sdt_tx_cb *cb)
{
	if (unlikely(READ_ONCE(t->client_address)) && t->role == SDT_ROLE_PROXY)
		cb->hdr_len = sdt_frame_add_addr(cb->hdr, cb->hdr_len, p->from.ip.s6_addr,
						 p->from.port);
}

/* A datagram without a channel, by @lane. */
static void send_plain(struct sdt_tunnel *t, const struct sdt_packet *p, u8 lane,
		       struct sk_buff *skb)
{
	struct sdt_tx_cb *cb = sdt_tx_cb(skb);

	cb->epoch = 0;
	memcpy(cb->hdr, t->hdr, sizeof(t->hdr));
	cb->hdr_len = t->hdr_len;
	name_customer(t, p, cb);
	cb->flags = 0;
	cb->lane = lane;
	sdt_ingress_frame(t, p, skb);
}

void sdt_ingress_send(struct sdt_tunnel *t, const struct sdt_packet *p, struct sk_buff *skb)
{
	if (unlikely(READ_ONCE(t->lane) == SDT_LANE_UNSET))
		WRITE_ONCE(t->lane, sdt_link_lane(t->link));
	send_plain(t, p, READ_ONCE(t->lane), skb);
}

void sdt_ingress_stream(struct sdt_tunnel *t, const struct sdt_packet *p, struct sk_buff *skb)
{
	u32 hash = jhash2((const u32 *)&p->from.ip, sizeof(p->from.ip) / sizeof(u32),
			  (__force u16)p->from.port);

	send_plain(t, p, sdt_link_lane_for(t->link, hash), skb);
}

/* The frame's header is there. */
static void send_of_channel(struct sdt_tunnel *t, struct sdt_channel *c, u8 epoch_flag,
			    const struct sdt_packet *p, struct sk_buff *skb)
{
	struct sdt_tx_cb *cb = sdt_tx_cb(skb);

	cb->epoch = c->epoch;
	cb->flags = epoch_flag;
	cb->lane = READ_ONCE(c->lane);
	if (likely(sdt_ingress_frame(t, p, skb)))
		sdt_channel_used(t->channels, &c->in);
}

void sdt_ingress_channel(struct sdt_tunnel *t, struct sdt_channel *c, u8 epoch_flag,
			 const struct sdt_packet *p, struct sk_buff *skb)
{
	struct sdt_tx_cb *cb = sdt_tx_cb(skb);

	memcpy(cb->hdr, c->hdr, sizeof(c->hdr));
	cb->hdr_len = c->hdr_len;
	name_customer(t, p, cb);
	send_of_channel(t, c, epoch_flag, p, skb);
}

void sdt_ingress_address(struct sdt_tunnel *t, struct sdt_channel *c,
			 const struct sdt_endpoint *about, u8 epoch_flag,
			 const struct sdt_packet *p, struct sk_buff *skb)
{
	struct sdt_tx_cb *cb = sdt_tx_cb(skb);

	memcpy(cb->hdr, c->hdr, sizeof(c->hdr));
	cb->hdr_len = sdt_frame_add_addr(cb->hdr, c->hdr_len, about->ip.s6_addr, about->port);
	send_of_channel(t, c, epoch_flag, p, skb);
}
