/* SPDX-License-Identifier: GPL-2.0 */
/* Channels of a tunnel: tables, limits, expiry. */
#ifndef _SDT_CHANNEL_H
#define _SDT_CHANNEL_H

#include <linux/rhashtable.h>
#include <linux/xarray.h>

#include "ports.h"
#include "tunnel.h"

#define SDT_CHANNEL_HDR_MAX	7	/* first byte, tunnel, channel id */

/*
 * Which customer: the tuple of a channel at the proxy. A hash key: made by
 * sdt_channel_key(), no padding. One interface is enough: that of a link-local
 * address belongs to one VRF.
 */
struct sdt_channel_key {
	struct in6_addr customer;
	struct in6_addr local;		/* what the customer wrote to */
	__be16 customer_port;
	__be16 local_port;
	u32 ifindex;			/* of a link-local address, else the VRF, or 0 */
};

static_assert(sizeof(struct sdt_channel_key) == 40);

/* One address of customers, however many ports it has: what max-channels-per-customer counts. */
struct sdt_customer_key {
	struct in6_addr ip;
	u32 ifindex;
};

static_assert(sizeof(struct sdt_customer_key) == 20);

/*
 * Owner: the tunnel's table of customers; made with an address's first channel
 * and freed (call_rcu) with its last. Contents: t->lock.
 */
struct sdt_customer {
	struct rhash_head hash;
	struct sdt_customer_key key;
	u32 channels;
	union {
		struct list_head lru;	/* its channels, as struct sdt_channels.lru */
		struct rcu_head rcu;	/* after the last channel: lru is empty */
	};
};

enum sdt_channel_state {
	SDT_CHANNEL_OPEN,
	SDT_CHANNEL_REFUSED,		/* proxy: the server refused it; kept a moment, see below */
	SDT_CHANNEL_DEAD,		/* out of all tables; RCU readers may still hold it */
};

/* One way of a channel: datagrams from the customer or target, or to it. */
struct sdt_channel_way {
	u64 datagrams;
	unsigned long seen;		/* jiffies, one second coarse */
};

/*
 * Whose channel it is, as the proxy says where the tunnel has a client-address: the
 * first that it names, and no other ever. Writers: t->lock.
 */
struct sdt_channel_client {
	struct in6_addr ip;
	__be16 port;			/* 0: nobody was named yet */
	u32 rules;			/* t->client_rules when it was found allowed; 0: not yet */
};

/*
 * A channel, of either role. Owner: the tunnel's tables, through
 * sdt_channels.ids. Born and ended under t->lock; ended means: out of all
 * tables and lists, its port resting, its parked datagram taken, state DEAD;
 * memory goes by call_rcu. The data path finds it under RCU and may use it, DEAD
 * or not, to the end of its read side.
 *
 * INVARIANT (epoch, id) is bound to one customer, ever: the key, epoch and id of
 * a channel never change.
 *
 * A REFUSED channel stands in the tuple's place for a second, so that a customer
 * that the server refuses costs no channel id and no event for each datagram.
 *
 * Each way is written without a lock by whichever CPU carries it, normally one;
 * should two meet, a count may be lost, nothing else. The first cache line is what
 * both ways read, and neither writes; the second belongs to one way, the third to
 * the other, so that two CPUs that carry one way each share nothing they write.
 */
struct sdt_channel {
	union {
		struct {
			struct rhash_head hash;
			struct sdt_channel_key key;
		} proxy;
		struct sdt_port_user server;
	};
	u8 state;			/* enum sdt_channel_state; writers: t->lock */
	u8 lane;
	u8 hdr_len;
	bool low_port;			/* router's server: it began towards a port below 1024 */
	u64 epoch;			/* of the allocator of the id: always the proxy role */

	struct sdt_channel_way in ____cacheline_aligned;
	u32 id;
	u8 hdr[SDT_CHANNEL_HDR_MAX];	/* encoded frame header */
	union {
		struct list_head lru;	/* sdt_channels.lru; t->lock */
		struct rcu_head rcu;	/* when DEAD */
	};
	struct list_head customer_lru;	/* proxy: customer->lru; t->lock */

	struct sdt_channel_way out ____cacheline_aligned;
	struct sdt_customer *customer;	/* proxy; t->lock */
	unsigned long refused;		/* jiffies, when REFUSED */
	union {
		struct sdt_channel_client client; /* server, in modes that have it */
		struct {			/* router mode; t->lock */
			struct list_head contacts;	/* struct sdt_contact */
			u32 contact_count;
		};
	};
};

/*
 * All channels of a tunnel. Owner: the tunnel; see its teardown: sweep stopped
 * after the grace period, then every channel ended, then the tables freed.
 *
 * The lru lists are approximate: new channels go to the tail, and the sweep moves
 * what it finds idle beyond the floor to the head. Eviction looks at no more
 * than SDT_EVICT_SAMPLE entries from the head, takes the longest idle of them and
 * moves the busy ones to the tail. So its cost is bounded, whatever the number
 * of channels, and an idle channel is found within one pass of the sweep.
 */
struct sdt_channels {
	struct sdt_tunnel *tunnel;
	unsigned long second;		/* sdt_seconds(1) */
	struct rhashtable tuples;	/* proxy: by key; writers: t->lock */
	struct rhashtable customers;	/* proxy: by address; t->lock */
	struct xarray ids;		/* by id; writers: t->lock */

	/* t->lock */
	u32 count;
	struct list_head lru;
	u64 credit;			/* token bucket of channel_rate, HZ a channel */
	unsigned long credit_at;	/* jiffies */

	/* CLOSE and REFUSED sent in this second: hints, bounded */
	atomic_t hints;
	unsigned long hint_window;	/* jiffies */

	struct delayed_work sweep;
};

/** sdt_channels_create() - empty tables. Context: process. Return: 0 or -ENOMEM. */
int sdt_channels_create(struct sdt_tunnel *t);

/** sdt_channels_stop() - no sweep from here on; after the tunnel's grace period */
void sdt_channels_stop(struct sdt_tunnel *t);

/**
 * sdt_channels_free() - end all channels, then the tables
 * @t: the tunnel
 * @tell: with an event and a CLOSE for each
 * Context: process, nothing else can find the tunnel.
 */
void sdt_channels_free(struct sdt_tunnel *t, bool tell);

/** sdt_channels_sweep_soon() - something changed that channels may end of; any context, RCU */
void sdt_channels_sweep_soon(struct sdt_tunnel *t);

/** sdt_channels_relisten() - end proxy channels that @listen does not serve; process context */
void sdt_channels_relisten(struct sdt_tunnel *t, const struct sdt_endpoint *listen);

/** sdt_channel_key() - the tuple of a customer's datagram */
static inline void sdt_channel_key(struct sdt_channel_key *key, const struct sdt_packet *p)
{
	key->customer = p->from.ip;
	key->local = p->to.ip;
	key->customer_port = p->from.port;
	key->local_port = p->to.port;
	key->ifindex = p->from.ifindex ?: p->to.ifindex ?: p->vrf;
}

/** sdt_channel_customer() - whose channel it is; @c of the proxy role */
static inline void sdt_channel_customer(const struct sdt_channel *c, struct sdt_endpoint *e)
{
	const struct sdt_channel_key *key = &c->proxy.key;

	sdt_endpoint_make(e, &key->customer, key->customer_port, key->ifindex);
}

/** sdt_channel_local() - what its customer wrote to; @c of the proxy role */
static inline void sdt_channel_local(const struct sdt_channel *c, struct sdt_endpoint *e)
{
	const struct sdt_channel_key *key = &c->proxy.key;

	sdt_endpoint_make(e, &key->local, key->local_port, key->ifindex);
}

/** sdt_channel_by_key() - proxy; RCU */
struct sdt_channel *sdt_channel_by_key(struct sdt_tunnel *t, const struct sdt_channel_key *key);

/** sdt_channel_by_id() - of whatever epoch: the caller compares; RCU */
static inline struct sdt_channel *sdt_channel_by_id(struct sdt_tunnel *t, u32 id)
{
	return xa_load(&t->channels->ids, id);
}

/*
 * Jiffies since @then. Another CPU may have written @then after this one read
 * the time: that is 0, not a very long time.
 */
static inline unsigned long sdt_since(unsigned long then)
{
	long passed = jiffies - then;

	return passed > 0 ? passed : 0;
}

/** sdt_channel_unused() - jiffies since a datagram went, either way, one second coarse */
static inline unsigned long sdt_channel_unused(const struct sdt_channel *c)
{
	return min(sdt_since(READ_ONCE(c->in.seen)), sdt_since(READ_ONCE(c->out.seen)));
}

/** sdt_channel_idle() - the same, but of those datagrams that keep it from being idle */
static inline unsigned long sdt_channel_idle(const struct sdt_tunnel *t,
					     const struct sdt_channel *c)
{
	if (READ_ONCE(t->idle_refresh) == SDT_IDLE_REFRESH_BOTH)
		return sdt_channel_unused(c);
	return sdt_since(t->role == SDT_ROLE_PROXY ? READ_ONCE(c->in.seen) :
						     READ_ONCE(c->out.seen));
}

/** sdt_channel_used() - a datagram goes this way */
static inline void sdt_channel_used(const struct sdt_channels *chs, struct sdt_channel_way *way)
{
	if (sdt_since(READ_ONCE(way->seen)) >= chs->second)
		WRITE_ONCE(way->seen, jiffies);
	WRITE_ONCE(way->datagrams, way->datagrams + 1);
}

/** sdt_channel_current() - proxy: may @c still carry its customer's datagrams? */
static inline bool sdt_channel_current(const struct sdt_tunnel *t, const struct sdt_channel *c)
{
	return READ_ONCE(c->state) == SDT_CHANNEL_OPEN &&
	       c->epoch == READ_ONCE(t->link->ids.epoch);
}

/**
 * sdt_channel_for_customer() - the channel for a customer's datagram, opened if need be
 * @t: the tunnel
 * @key: the customer's tuple
 * @why: on failure: the reason to drop; refusals were announced already
 *
 * Context: RCU read side, BH off.
 * Return: channel or NULL.
 */
struct sdt_channel *sdt_channel_for_customer(struct sdt_tunnel *t,
					     const struct sdt_channel_key *key,
					     enum sdt_stat *why);

/**
 * sdt_channel_open_proxy() - a channel for a customer's tuple
 * @t: the tunnel
 * @key: the tuple
 * @why: on failure: the reason to drop; refusals were announced already
 *
 * An open channel of this tuple and epoch is taken, any other of the tuple is ended.
 * Context: RCU read side, BH off.
 * Return: channel or NULL.
 */
struct sdt_channel *sdt_channel_open_proxy(struct sdt_tunnel *t, const struct sdt_channel_key *key,
					   enum sdt_stat *why);

/**
 * sdt_channel_open_server() - a channel that the peer opened by a frame with a new id
 * @t: the tunnel
 * @pool: where its port is to come from
 * @rx: what brought the frame
 * @id: the frame's
 * @why: on failure: the reason to drop; refusals were announced already
 *
 * An open channel of this id and epoch is taken, one of another epoch is ended.
 * Context: RCU read side, BH off.
 * Return: channel, without a port yet, or NULL.
 */
struct sdt_channel *sdt_channel_open_server(struct sdt_tunnel *t, struct sdt_ports *pool,
					    const struct sdt_rx *rx, u32 id, enum sdt_stat *why);

/**
 * sdt_channel_close() - end it; announced and counted
 * @t: the tunnel
 * @c: found under RCU, perhaps ended meanwhile
 * @reason: why; the peer is told but where it knows, or could not be told
 *
 * Context: RCU read side (@c was found in it), any but hard interrupts. Not t->lock.
 * Return: false: somebody else was faster.
 */
bool sdt_channel_close(struct sdt_tunnel *t, struct sdt_channel *c, enum sdt_close_reason reason);

/** sdt_channel_refused() - proxy: the server refused it for @reason; RCU, BH off */
void sdt_channel_refused(struct sdt_tunnel *t, struct sdt_channel *c, u8 reason);

/**
 * sdt_channel_refuse_address() - server, router mode: tell that an address may not be written to
 * @t: the tunnel
 * @rx: what brought the frame
 * @id: the frame's; it need not be a channel
 * @to: the address and port
 *
 * A hint, bounded. The channel goes on. Context: RCU read side, BH off.
 */
void sdt_channel_refuse_address(struct sdt_tunnel *t, const struct sdt_rx *rx, u32 id,
				const struct sdt_endpoint *to);

/** sdt_channel_address_refused() - proxy: the server did so; counted and told; RCU, BH off */
void sdt_channel_address_refused(struct sdt_tunnel *t, struct sdt_channel *c);

/* For struct sdt_ports_kind of modes whose channels have ports. */
/** sdt_channel_sent() - server: a datagram of the channel leaves by its port */
void sdt_channel_sent(struct sdt_tunnel *t, struct sdt_port_user *user);
/** sdt_channel_no_port() - server: the channel ends for want of an egress port */
void sdt_channel_no_port(struct sdt_tunnel *t, struct sdt_port_user *user);

/** sdt_port_channel() - whose port it is now, or NULL: it rests; RCU */
static inline struct sdt_channel *sdt_port_channel(const struct sdt_port *port)
{
	struct sdt_port_user *user = rcu_dereference(port->user);

	return user ? container_of(user, struct sdt_channel, server) : NULL;
}

/** sdt_channel_held() - refused so lately that its customer is not to try again */
bool sdt_channel_held(const struct sdt_channels *chs, const struct sdt_channel *c);

/**
 * sdt_channel_unknown() - proxy: an answer came for an id that is bound to nobody
 * @t: the tunnel
 * @rx: what brought the frame
 * @id: the frame's
 *
 * Tells the server, by a hint. Context: RCU read side, BH off.
 */
void sdt_channel_unknown(struct sdt_tunnel *t, const struct sdt_rx *rx, u32 id);

/**
 * sdt_channel_control() - a control frame of a channel to the peer
 * @t: the tunnel
 * @c: the channel
 * @addr: address that the frame carries, or NULL
 * @ctl: what it says
 *
 * A hint: not worth a handshake, nor waiting for one. Context: RCU read side, BH off.
 * Return: false: not sent.
 */
bool sdt_channel_control(struct sdt_tunnel *t, const struct sdt_channel *c,
			 const struct sdt_endpoint *addr, const struct sdt_control *ctl);

/** sdt_channel_next() - see sdt_tunnel_channel_next() */
bool sdt_channel_next(struct sdt_tunnel *t, u64 *cursor, struct sdt_channel_info *info);

int sdt_channels_module_init(void);
void sdt_channels_module_exit(void);

#endif /* _SDT_CHANNEL_H */
