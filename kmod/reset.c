// SPDX-License-Identifier: GPL-2.0
/* The reset, both ways. What limits its rates is in pace.c and buckets.c. */
#include <linux/ktime.h>
#include <linux/rhashtable.h>

#include "buckets.h"
#include "bytes.h"
#include "compat/compat.h"
#include "lane.h"
#include "outer.h"
#include "reset.h"
#include "socket.h"

/*
 * Enough for all peers of a large node to come back within seconds; for a liar
 * with others' addresses, 50 kB a second in all, and less than it sends itself.
 */
static const struct sdt_pace pace_all = { .interval = NSEC_PER_SEC / 1024, .depth = 1024 };
static const struct sdt_pace pace_source = { .interval = NSEC_PER_SEC / 32, .depth = 32 };
#define SDT_RESET_PREFIX4	24
#define SDT_RESET_PREFIX6	56

/*
 * Peers choose their indices at random, so two that chose the same are rare. One
 * that copies another's gains nothing but this; a look-up stays short all the same.
 */
#define SDT_RESET_TWINS_MAX	16

static const struct rhashtable_params watch_params = {
	.key_len = sizeof_field(struct sdt_keypair, remote_index),
	.key_offset = offsetof(struct sdt_keypair, remote_index),
	.head_offset = offsetof(struct sdt_keypair, watch),
	.automatic_shrinking = true,
};

int sdt_reset_init(struct sdt_node *node)
{
	int err;

	node->reset_rate = sdt_buckets_alloc();
	if (!node->reset_rate)
		return -ENOMEM;
	err = rhltable_init(&node->watched, &watch_params);
	if (err)
		sdt_buckets_free(node->reset_rate);
	return err;
}

void sdt_reset_free(struct sdt_node *node)
{
	rhltable_destroy(&node->watched);
	sdt_buckets_free(node->reset_rate);
}

void sdt_reset_watch(struct sdt_keypair *kp)
{
	struct sdt_node *node = kp->link->node;

	/* without memory for it, a restart of the peer is noticed by its silence */
	kp->is_watched = !rhltable_insert(&node->watched, &kp->watch, watch_params);
}

void sdt_reset_unwatch(struct sdt_keypair *kp)
{
	if (kp->is_watched)
		rhltable_remove(&kp->link->node->watched, &kp->watch, watch_params);
	kp->is_watched = false;
}

/* ---- out ---------------------------------------------------------------- */

static bool policy_allows(struct sdt_node *node, const struct sdt_endpoint *from)
{
	/* without a link nobody's handshake would succeed: too early for a hint */
	if (!READ_ONCE(node->link_count))
		return false;
	switch (READ_ONCE(node->reset)) {
	case SDT_RESET_ANY:
		return true;
	case SDT_RESET_PEERS:
		return sdt_path_known(node, from);
	default:
		return false;
	}
}

/* The source first: what it may not have does not cost the others. */
static bool rate_allows(struct sdt_node *node, const struct sdt_endpoint *from)
{
	struct sdt_buckets *rate = node->reset_rate;

	return sdt_buckets_take(rate, from, SDT_RESET_PREFIX4, SDT_RESET_PREFIX6, &pace_source) &&
	       sdt_buckets_take_all(rate, &pace_all);
}

void sdt_reset_send(struct sdt_node *node, struct sdt_sock *sock, const u8 *header,
		    const struct sdt_endpoint *from, const struct in6_addr *local)
{
	struct sdt_flow flow = {
		.sk = sock->sock->sk,
		.dst = from,
		/* from where the message went: the peer believes no other */
		.src = local,
		.sport = sock->port,
		.mark = READ_ONCE(node->fwmark),
		.ifindex = READ_ONCE(node->ifindex),
		.df = true,
	};
	struct sk_buff *skb;
	u8 *p;

	if (!policy_allows(node, from))
		return;
	if (!rate_allows(node, from)) {
		sdt_drop(node->stats, SDT_DROP_RESET_RATE, NULL);
		return;
	}
	skb = alloc_skb(SDT_HEADROOM + SDT_RESET_LEN, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return;
	skb_reserve(skb, SDT_HEADROOM);
	p = skb_put_data(skb, header, SDT_RESET_LEN);
	p[0] = SDT_MSG_RESET << 4 | (p[0] & 0xf);
	if (!sdt_xmit(node->net, &flow, skb))
		sdt_stat_inc(node->stats, SDT_STAT_TX_RESETS);
}

/* ---- in ----------------------------------------------------------------- */

/* Is it about what this node sends now, and from whom it is sent to? RCU. */
static bool plausible(const struct sdt_keypair *kp, u8 lane, u32 counter,
		      const struct sdt_endpoint *from)
{
	const struct sdt_link *link = kp->link;
	const struct sdt_path *path;

	if (kp != rcu_dereference(link->current_kp) || lane >= kp->lanes)
		return false;
	/* 64 bits, so that 2^32 is a number; but none as great was sent */
	if (!sdt_counter_recent((u32)READ_ONCE(kp->tx[lane].counter), counter))
		return false;
	path = sdt_lane_path(link->lanes[lane]);
	return path && sdt_endpoint_equal(&path->remote, from);
}

static struct sdt_link *link_of(struct sdt_node *node, const u8 *msg,
				const struct sdt_endpoint *from)
{
	u32 head = sdt_get_be32(msg), index = head & SDT_INDEX_MASK;
	unsigned int left = SDT_RESET_TWINS_MAX;
	struct rhlist_head *list, *pos;
	struct sdt_keypair *kp;

	list = rhltable_lookup(&node->watched, &index, watch_params);
	rhl_for_each_entry_rcu(kp, pos, list, watch) {
		if (!left--)
			break;
		if (plausible(kp, head >> 24 & 0xf, sdt_get_be32(msg + 4), from))
			return kp->link;
	}
	return NULL;
}

static bool backoff_allows(struct sdt_link *link)
{
	bool allowed;

	spin_lock(&link->path_lock);
	allowed = sdt_backoff_try(&link->reset, ktime_get_coarse_boottime_ns(),
				  sdt_seconds_ns(SDT_RESET_WAIT_MIN),
				  sdt_seconds_ns(SDT_RESET_WAIT_MAX));
	spin_unlock(&link->path_lock);
	return allowed;
}

void sdt_reset_receive(struct sdt_node *node, struct sk_buff *skb, const struct sdt_endpoint *from)
{
	struct sdt_link *link = link_of(node, skb->data, from);

	if (!link || !backoff_allows(link)) {
		sdt_drop(node->stats, SDT_DROP_RX_RESET_IGNORED, skb);
		return;
	}
	sdt_stat_inc(link->stats, SDT_STAT_RX_RESETS);
	sdt_link_want(link, SDT_LINK_WANT_RESET);
	consume_skb(skb);
}
