/* SPDX-License-Identifier: GPL-2.0 */
/* The node: what one network namespace has of SDT. */
#ifndef _SDT_NODE_H
#define _SDT_NODE_H

#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/rhashtable.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include "addr.h"
#include "buckets.h"
#include "cookie.h"
#include "icmpmsg.h"
#include "handshake.h"
#include "noise.h"
#include "stats.h"

struct sdt_link;
struct sdt_sock;
struct sdt_tunnel;

/* The node's key pair and what is derived from it. Immutable; replaced whole under RCU. */
struct sdt_ident {
	struct sdt_identity key;
	struct sdt_mac_keys mac;
	struct rcu_head rcu;
};

/*
 * Owner: the network namespace (net_generic). Made by pernet init, ended by
 * pernet pre_exit and exit, in the order that sdt_node_stop() and
 * sdt_node_free() state.
 */
struct sdt_node {
	struct net *net;
	struct mutex lock;		/* control: everything below but where said */
	bool dead;			/* no change is accepted any more */

	struct sdt_ident __rcu *ident;
	struct sdt_endpoint listen;	/* as configured; port 0: default */
	u32 fwmark;
	u32 ifindex;			/* outer sockets are bound to it; 0: none */
	u8 reset;			/* enum sdt_reset_policy */

	/* outer sockets: [lane][family], lane 0 listens; see socket.h */
	struct sdt_sock __rcu *socks[SDT_LANES_MAX][2];

	struct xarray links;		/* by id; readers: RCU */
	struct xarray tunnels;		/* by id; readers: RCU */
	struct xarray indices;		/* u24 -> struct sdt_index; BH lock, readers: RCU */
	struct rhashtable peers;	/* static public key -> link; readers: RCU */
	struct rhltable endpoints;	/* peer's address -> path of lane 0; readers: RCU */
	struct rhltable watched;	/* remote index -> keypair; see reset.c; readers: RCU */
	struct sdt_buckets *reset_rate;
	u32 link_cursor, tunnel_cursor;	/* ids are handed out in a circle */
	unsigned int link_count, tunnel_count;
	unsigned int generation;	/* of what dumps show; netlink.c bumps it */

	/* event.c: lock-free, all zero at the start */
	atomic64_t event_time;		/* ns */
	atomic_t events_lost;

	struct net_device *napi_dev;	/* carries the lanes' NAPIs */

	/* handshake messages on their way from softirq to the worker; bounded */
	struct sk_buff_head hs_queue[SDT_HS_CLASSES];
	struct work_struct hs_work;
	/* handshake worker only */
	unsigned int hs_turn;		/* class that is looked at first */
	struct sdt_hs_load hs_load[SDT_HS_CLASSES];
	u8 cookie_secret[SDT_KEY_LEN];
	unsigned long cookie_birth;	/* jiffies */
	bool cookie_valid;
	struct sdt_buckets *source_rate;	/* under load: handshakes by address */

	struct sdt_icmp_bucket icmp_rate;	/* ICMP errors about links that are looked at */

	struct sdt_stats __percpu *stats;
};

extern unsigned int sdt_net_id;
extern struct workqueue_struct *sdt_wq;		/* handshakes, ticks; unbound */
extern struct workqueue_struct *sdt_sock_wq;	/* sockets: refill, close */

static inline struct sdt_node *sdt_node_get(const struct net *net);

int sdt_node_params(void);

/* No handshake while the machine's memory is being stored or restored. */
extern bool sdt_frozen;

/** sdt_node_init() - pernet init: allocate what the node always has */
int sdt_node_init(struct sdt_node *node, struct net *net);

/**
 * sdt_node_stop() - pernet pre_exit: mark dead, delete tunnels and links,
 * close sockets. Afterwards nothing runs on the node's behalf.
 */
void sdt_node_stop(struct sdt_node *node);

/** sdt_node_free() - pernet exit, after a grace period */
void sdt_node_free(struct sdt_node *node);

/** sdt_node_void() - end all sessions; @epoch: redraw epochs as well; node->lock held */
void sdt_node_void(struct sdt_node *node, bool epoch);

/** sdt_paths_reset() - routes of all links are looked up anew; node->lock held */
void sdt_paths_reset(struct sdt_node *node);

/* What set-node may change; bits of @set are 1 << SDT_A_NODE_*. */
struct sdt_node_cfg {
	u32 set;
	u8 private_key[SDT_KEY_LEN];
	bool if_no_key;
	struct sdt_endpoint listen;
	u32 fwmark;
	u32 ifindex;
	u8 reset;
};

/**
 * sdt_node_set() - apply @cfg whole or not at all
 * Context: process, node->lock held. A new key destroys all keypairs.
 * Return: 0 or -errno with @extack set.
 */
int sdt_node_set(struct sdt_node *node, const struct sdt_node_cfg *cfg,
		 struct netlink_ext_ack *extack);

/** sdt_node_open() - open the listen sockets if there are none; node->lock held */
int sdt_node_open(struct sdt_node *node, struct netlink_ext_ack *extack);

/*
 * Protocol times. The test-only module parameter test_time_div divides every
 * one of them, so that minutes of protocol fit into seconds of test.
 */
extern u64 sdt_reject_ns;			/* SDT_REJECT_AFTER_TIME, for the data path */
extern unsigned long sdt_lane_fresh;		/* SDT_LANE_FRESH_TIME, in jiffies */
unsigned long sdt_seconds(unsigned int s);	/* in jiffies, at least 1 */
u64 sdt_seconds_ns(unsigned int s);

#include <net/netns/generic.h>
static inline struct sdt_node *sdt_node_get(const struct net *net)
{
	return net_generic((struct net *)net, sdt_net_id);
}

#endif /* _SDT_NODE_H */
