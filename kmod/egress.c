// SPDX-License-Identifier: GPL-2.0
/* Link -> customer or target: plain datagrams on their way out. */
#include <net/inet_ecn.h>

#include "client.h"
#include "compat/compat.h"
#include "egress.h"
#include "icmp.h"
#include "ports.h"

struct sdt_dest *sdt_dest_alloc(const struct sdt_endpoint *remote, const struct in6_addr *local,
				u32 ifindex, gfp_t gfp)
{
	struct sdt_dest *dest = kzalloc(sizeof(*dest), gfp);

	if (!dest)
		return NULL;
	dest->remote = *remote;
	dest->local = *local;
	dest->ifindex = ifindex;
	dest->born = jiffies;
	/* Without memory for it, each datagram looks its route up: slow, not wrong. */
	dst_cache_init(&dest->cache, gfp);
	return dest;
}

void sdt_dest_free_now(struct sdt_dest *dest)
{
	if (!dest)
		return;
	dst_cache_destroy(&dest->cache);
	kfree(dest);
}

static void dest_free_rcu(struct rcu_head *rcu)
{
	sdt_dest_free_now(container_of(rcu, struct sdt_dest, rcu));
}

void sdt_dest_free(struct sdt_dest *dest)
{
	if (dest)
		call_rcu(&dest->rcu, dest_free_rcu);
}

enum sdt_stat sdt_egress_reason(int err)
{
	switch (err) {
	case -EHOSTUNREACH:
	case -ENETUNREACH:
		return SDT_DROP_OUT_NO_ROUTE;
	case -EPERM:
		return SDT_DROP_OUT_POLICY;
	case -ENOMEM:
	case -ENOBUFS:
		return SDT_DROP_OUT_NO_MEMORY;
	default:
		return SDT_DROP_OUT_ERROR;
	}
}

int sdt_egress_send(struct sdt_tunnel *t, struct sdt_flow *flow, struct sk_buff *skb)
{
	unsigned int len = skb->len;
	int err;

	flow->tos &= INET_ECN_MASK;
	err = sdt_xmit(t->node->net, flow, skb);
	if (unlikely(err))
		sdt_drop(t->stats, sdt_egress_reason(err), NULL);
	else
		sdt_stat_packet(t->stats, SDT_STAT_OUT_DATAGRAMS, len);
	return err;
}

struct sock *sdt_egress_listener(struct sdt_tunnel *t, u16 family)
{
	struct socket *sock = rcu_dereference(t->listener[family == AF_INET6]);

	/* sock->sk lives: a socket is closed a grace period after it left the array */
	return sock ? sock->sk : NULL;
}

void sdt_egress_port(struct sdt_tunnel *t, struct sdt_port *port, const struct sdt_port_tx *tx,
		     struct sk_buff *skb)
{
	struct sdt_dest *dest = rcu_dereference(port->dest);
	struct sdt_flow flow = {
		.sk = port->sock->sk,
		.dst = &dest->remote,
		.src = &dest->local,
		.forged = dest->forged,
		.sport = port->number,
		.ifindex = dest->ifindex,
		.tos = tx->tos,
		.cache = &dest->cache,
	};
	bool first = false;
	enum sdt_stat why;
	int err;

	if (tx->to.family) {
		/* named by the peer; and the cache is for one destination */
		flow.foreign = true;
		flow.dst = &tx->to;
		flow.ifindex = tx->to.ifindex ?: dest->ifindex;
		flow.cache = NULL;
	}
	if (unlikely(READ_ONCE(t->client_address))) {
		why = sdt_client_tell(t, port, dest, skb, &first);
		if (why) {
			sdt_drop(t->stats, why, skb);
			return;
		}
	}
	err = sdt_egress_send(t, &flow, skb);
	if (likely(!err))
		return;
	if (first)
		sdt_client_untold(port, dest);
	sdt_ports_suspect(t, port);
	sdt_icmp_not_sent(t, port, flow.dst, err);
}
