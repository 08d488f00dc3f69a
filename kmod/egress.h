/* SPDX-License-Identifier: GPL-2.0 */
/* Link -> customer or target: plain datagrams on their way out. */
#ifndef _SDT_EGRESS_H
#define _SDT_EGRESS_H

#include <net/dst_cache.h>

#include "tunnel.h"

struct sdt_port;

/*
 * A fixed destination and the source towards it: immutable, with its own route
 * cache, so that a change of either can never meet a stale route. Whoever
 * replaces it ends the old one by sdt_dest_free(); readers hold RCU.
 */
struct sdt_dest {
	struct sdt_endpoint remote;
	struct in6_addr local;		/* any: the stack chooses */
	u32 ifindex;			/* VRF or interface of the route; 0: any */
	__be16 sport;			/* direct mode: the listener's port */
	bool local_hint;		/* if @local is gone, another one will do */
	bool learned;			/* direct mode: @local and @ifindex are as last seen */
	bool forged;			/* @local is a customer's address */
	struct sock *sk;		/* stream mode: what it is sent from; the tunnel's */
	unsigned long born;		/* jiffies */
	unsigned int users;		/* ports bound for it; t->lock */
	struct dst_cache cache;
	struct rcu_head rcu;
};

/** sdt_dest_alloc() - NULL without memory; without memory for the cache it has none */
struct sdt_dest *sdt_dest_alloc(const struct sdt_endpoint *remote, const struct in6_addr *local,
				u32 ifindex, gfp_t gfp);
/** sdt_dest_free() - after a grace period; NULL is allowed; any context */
void sdt_dest_free(struct sdt_dest *dest);
/** sdt_dest_free_now() - the grace period is over already; NULL is allowed */
void sdt_dest_free_now(struct sdt_dest *dest);

/**
 * sdt_egress_send() - one plain datagram; counts it, or why it was lost
 * @t: the tunnel
 * @flow: tos is what the link told; only its ECN bits leave
 * @skb: consumed
 *
 * Context: RCU read side, BH off.
 * Return: 0 or -errno of sdt_xmit().
 */
int sdt_egress_send(struct sdt_tunnel *t, struct sdt_flow *flow, struct sk_buff *skb);

/** sdt_egress_reason() - why a plain datagram was lost; @err of sdt_xmit() */
enum sdt_stat sdt_egress_reason(int err);

/** sdt_egress_listener() - socket of @family that customers write to, or NULL; RCU */
struct sock *sdt_egress_listener(struct sdt_tunnel *t, u16 family);

/* What goes with a datagram on its way out of an egress socket. */
struct sdt_port_tx {
	u8 tos;				/* as the frame came */
	struct sdt_endpoint to;		/* family 0: where the port is connected to */
};

/** sdt_egress_port() - from an egress socket; context as sdt_egress_send() */
void sdt_egress_port(struct sdt_tunnel *t, struct sdt_port *port, const struct sdt_port_tx *tx,
		     struct sk_buff *skb);

#endif /* _SDT_EGRESS_H */
