/* SPDX-License-Identifier: GPL-2.0 */
/* Tunnels: registry, mode operations, channels' limits. */
#ifndef _SDT_TUNNEL_H
#define _SDT_TUNNEL_H

#include "icmpmsg.h"
#include "link.h"
#include "prefix.h"
#include "socket.h"

struct sdt_channels;
struct sdt_contacts;
struct sdt_dest;
struct sdt_listeners;
struct sdt_port;
struct sdt_ports;
struct sdt_tunnel;
struct sdt_tunnel_cfg;

#define SDT_TUNNEL_HDR_MAX	3	/* of a frame without channel and address */
#define SDT_LANE_UNSET		0xff
#define SDT_IDLE_ONESHOT_DEFAULT	30	/* s */
#define SDT_ONESHOT_PORTS	1024	/* towards ports below that: RFC 4787 REQ-5 */

/*
 * What a mode is. Adding one is a new mode_*.c, an enum value, and a line in
 * tunnel.c's table. All data-path operations: RCU, BH off, consume the skb.
 * Ending a tunnel needs no operation: tunnel.c ends whatever start() made
 * (listener, dest, channels, contacts, ports).
 */
struct sdt_mode_ops {
	u8 mode;				/* enum sdt_mode */
	const char *name;
	bool captures;				/* listeners hear what goes to other addresses */
	/*
	 * Is @cfg, complete, one that this mode can serve? cfg->set tells what
	 * the request named. Before the tunnel exists, and before each change.
	 */
	int (*validate)(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack);
	/* make what the mode needs; process context, node->lock */
	int (*start)(struct sdt_tunnel *t, struct netlink_ext_ack *extack);
	/*
	 * What a change to @full, validated, needs besides new listeners and a pool that is
	 * configured anew, and what can fail: *@dest, and the sockets for it in @l. NULL in
	 * *@dest: nothing. May be left out. Process context, node->lock.
	 */
	int (*prepare)(struct sdt_tunnel *t, const struct sdt_tunnel_cfg *full,
		       struct sdt_listeners *l, struct sdt_dest **dest,
		       struct netlink_ext_ack *extack);
	/* a datagram from a customer on a listener */
	void (*ingress)(struct sdt_tunnel *t, struct sk_buff *skb, const struct sdt_packet *p);
	/* a datagram that an egress socket heard (the target's answer) */
	void (*answer)(struct sdt_tunnel *t, struct sdt_port *port, struct sk_buff *skb,
		       const struct sdt_packet *p);
	/*
	 * The network beyond says by ICMP that what @port sent from @about->to to @about->from
	 * did not arrive, or just claims so. Return: false: @port sends nothing there.
	 */
	bool (*undelivered)(struct sdt_tunnel *t, struct sdt_port *port,
			    const struct sdt_packet *about, const struct sdt_control *c);
	/* an opened frame with data */
	void (*egress)(struct sdt_tunnel *t, const struct sdt_rx *rx, const struct sdt_frame *f,
		       struct sk_buff *skb);
	/* CLOSE, REFUSED, UNREACHABLE */
	void (*control)(struct sdt_tunnel *t, const struct sdt_rx *rx, const struct sdt_frame *f,
			const struct sdt_control *c);
};

/*
 * A list of prefixes, immutable, replaced whole under RCU. Owner: the
 * configuration that a request makes, then the tunnel.
 */
struct sdt_prefixes {
	struct rcu_head rcu;
	unsigned int n;
	struct sdt_prefix v[];
};

/** sdt_prefixes_name() - does @list name this address and port? NULL names nothing; RCU */
static inline bool sdt_prefixes_name(const struct sdt_prefixes *list, const struct in6_addr *ip,
				     __be16 port)
{
	return list && sdt_prefix_any_covers(list->v, list->n, ip->s6_addr, ntohs(port));
}

/* Bits of @set are 1 << SDT_A_TUNNEL_*. Whoever made it ends it by sdt_tunnel_cfg_release(). */
struct sdt_tunnel_cfg {
	u32 set;
	char name[SDT_NAME_LEN];
	u16 number;
	u8 mode;
	u8 role;
	struct sdt_endpoint listen;
	struct sdt_endpoint customer;
	struct sdt_endpoint target;
	u32 max_channels;
	u32 max_channels_per_customer;
	u32 channel_rate;
	u32 idle;
	u8 at_limit;
	u8 idle_refresh;
	struct sdt_endpoint egress;	/* first of the addresses */
	struct sdt_endpoint egress_last; /* family 0: there is one only */
	u16 egress_port_lo, egress_port_hi;
	u32 idle_oneshot;
	u8 client_address;
	u8 filter;
	struct sdt_prefixes *allow;	/* NULL: none */
	struct sdt_prefixes *client_allow;
};

/** sdt_tunnel_cfg_release() - free what sdt_nl_parse_tunnel() made and no tunnel took over */
void sdt_tunnel_cfg_release(struct sdt_tunnel_cfg *cfg);

/*
 * Listening sockets of one tunnel, being opened or being closed: what
 * sdt_listen_open() made and sdt_listen_swap() exchanges with the tunnel's.
 */
struct sdt_listeners {
	struct socket *sock[2];		/* IPv4, IPv6; NULL: none */
	bool keep[2];			/* the tunnel's present one serves as well */
};

/*
 * Owner: the node. In node->tunnels (by id) and link->tunnels (by number).
 *
 * Teardown, sdt_tunnel_destroy(), node->lock held; for several tunnels each
 * step is done for all before the next, so that they share one grace period:
 *  1. dead = true (under t->lock: from then on nobody arms the port worker);
 *     out of link->tunnels and node->tunnels
 *  2. port worker cancelled: from here on the set of sockets stays as it is;
 *     listeners and egress sockets detached
 *  3. synchronize_rcu(): no packet, frame or peer's epoch finds the tunnel
 *  4. channel sweep cancelled for good; channels ended (call_rcu), parked
 *     skbs counted and freed
 *  5. sockets closed; destinations, ports, tables freed
 *  6. link->tunnel_count dropped; stats, memory
 *
 * Lock order: node->lock, t->lock, then link->id_lock or link->kp_lock, each
 * alone. t->lock is never held while a packet is sent.
 */
struct sdt_tunnel {
	struct sdt_node *node;
	struct sdt_link *link;
	const struct sdt_mode_ops *ops;
	struct sdt_stats __percpu *stats;
	struct mem_cgroup *memcg;	/* of who made it, charged for what it grows by; NULL: none */
	/* IPv4, IPv6; stream's server role: its egress socket; writers: node->lock */
	struct socket __rcu *listener[2];
	/* direct mode: the customer; stream's server role: the target; writers: t->lock */
	struct sdt_dest __rcu *dest;
	struct sdt_channels *channels;	/* NULL in direct and stream mode */
	struct sdt_contacts *contacts;	/* router mode, else NULL */
	struct sdt_ports *ports[2];	/* server role: pools of egress sockets, see ports.h */

	u16 number;			/* on the wire */
	u8 role;			/* enum sdt_role */
	u8 hdr[SDT_TUNNEL_HDR_MAX];	/* frame header where there are no channels */
	u8 hdr_len;
	u8 lane;			/* the same: chosen by the first datagram */

	u32 id;
	char name[SDT_NAME_LEN];

	/* configuration; node->lock to write; numbers: READ_ONCE to read */
	struct sdt_endpoint listen;
	struct sdt_endpoint customer;
	struct sdt_endpoint target;
	u32 max_channels;
	u32 max_channels_per_customer;
	u32 channel_rate;
	u32 idle;			/* s */
	u8 at_limit;
	u8 idle_refresh;		/* enum sdt_idle_refresh */
	struct sdt_endpoint egress;
	struct sdt_endpoint egress_last; /* family 0: there is one only */
	u16 egress_port_lo, egress_port_hi;
	u32 idle_oneshot;		/* s; 0: as idle */
	u8 client_address;		/* enum sdt_client_address */
	u8 filter;			/* enum sdt_filter */
	struct sdt_prefixes __rcu *allow;	/* NULL: none; readers: RCU */
	struct sdt_prefixes __rcu *client_allow;
	u32 client_rules;		/* never 0; another one when what allows customers changed */

	/*
	 * Opening and ending of channels, the port pool, parked datagrams; BH.
	 * Not taken for a datagram of a channel that is open: so it shares no cache
	 * line with what those read.
	 */
	spinlock_t lock ____cacheline_aligned_in_smp;
	bool dead;			/* written under node->lock and t->lock */

	struct sdt_icmp_rate icmp_rate;	/* errors told to customers, or to the peer */

	/* teardown only */
	struct list_head ending;	/* those that share a grace period */
	struct sdt_listeners closing;
};

/*
 * Control: node->lock held, process context; -errno with @extack set. Where they
 * succeed, the tunnel has taken over @cfg's lists.
 */
struct sdt_tunnel *sdt_tunnel_create(struct sdt_node *node, struct sdt_link *link,
				     struct sdt_tunnel_cfg *cfg,
				     struct netlink_ext_ack *extack);
int sdt_tunnel_set(struct sdt_tunnel *t, struct sdt_tunnel_cfg *cfg,
		   struct netlink_ext_ack *extack);
void sdt_tunnel_destroy(struct sdt_tunnel *t);
struct sdt_tunnel *sdt_tunnel_find(struct sdt_node *node, const char *name);
/** sdt_tunnels_destroy_all() - node->lock held; one grace period for all of them */
void sdt_tunnels_destroy_all(struct sdt_node *node);
u32 sdt_tunnel_channel_count(struct sdt_tunnel *t);

/**
 * sdt_tunnel_idle_oneshot() - seconds after which channels of one datagram each way end
 * @t: the tunnel
 *
 * Return: 0: there is no such time of their own, as always where the target has a port of
 * 1024 or above. A router's channels have no one target: they say for themselves.
 */
static inline u32 sdt_tunnel_idle_oneshot(const struct sdt_tunnel *t)
{
	__be16 port = READ_ONCE(t->target.port);

	if (t->role != SDT_ROLE_SERVER || be16_to_cpu(port) >= SDT_ONESHOT_PORTS)
		return 0;
	return min(READ_ONCE(t->idle_oneshot), READ_ONCE(t->idle));
}

/*
 * From the link layer, all RCU read side with BH off.
 */
/** sdt_tunnels_frame() - one opened data frame; @skb: data..len is the body; consumed */
void sdt_tunnels_frame(const struct sdt_rx *rx, const struct sdt_frame *f, struct sk_buff *skb);
/** sdt_tunnels_control() - CLOSE, REFUSED, UNREACHABLE */
void sdt_tunnels_control(const struct sdt_rx *rx, const struct sdt_frame *f,
			 const struct sdt_control *c);
/** sdt_tunnels_peer_epoch() - the peer started afresh: channels it opened under @old are void */
void sdt_tunnels_peer_epoch(struct sdt_link *link, u64 old);

/* One channel as show prints it. */
struct sdt_channel_info {
	u32 id;
	struct sdt_endpoint customer;	/* family 0: not known here */
	struct sdt_endpoint local;
	struct sdt_endpoint target;
	u64 idle_ms;
	u8 lane;
	u64 in_datagrams, out_datagrams;
};

/**
 * sdt_tunnel_channel_next() - first channel at or after the cursor
 * @t: the tunnel
 * @cursor: 0 to begin; moved past what is returned; opaque
 * @info: filled in
 *
 * Context: process, node->lock held.
 * Return: false at the end.
 */
bool sdt_tunnel_channel_next(struct sdt_tunnel *t, u64 *cursor, struct sdt_channel_info *info);

/* Channels and egress sockets a tunnel has when it was told no number. */
#define SDT_PROXY_CHANNELS_DEFAULT	65536
#define SDT_SERVER_CHANNELS_DEFAULT	16384	/* or the number of egress ports, if smaller */
#define SDT_IDLE_DEFAULT		300	/* s, RFC 4787 REQ-5 */
#define SDT_IDLE_MAX			604800	/* s, a week */
#define SDT_EGRESS_PORT_LO		32768
#define SDT_EGRESS_PORT_HI		60999

int sdt_tunnels_module_init(void);	/* caches */
void sdt_tunnels_module_exit(void);	/* after rcu_barrier() */

#endif /* _SDT_TUNNEL_H */
