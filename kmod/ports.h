/* SPDX-License-Identifier: GPL-2.0 */
/* Egress sockets of a tunnel: a pool. */
#ifndef _SDT_PORTS_H
#define _SDT_PORTS_H

#include <linux/rhashtable.h>
#include <linux/workqueue.h>

#include "egress.h"
#include "tunnel.h"

struct sdt_channel;

enum sdt_port_state {
	SDT_PORT_FREE,
	SDT_PORT_ACTIVE,	/* belongs to a channel */
	SDT_PORT_RESTING,	/* its channel ended; still bound, so that nobody gets the port */
	SDT_PORT_CLOSING,	/* on its way out: worker only */
};

/*
 * An egress socket: bound to one address and port, connected to the target if there is one.
 * FREE -> ACTIVE -> RESTING -> FREE: a socket stays bound while it rests, so that
 * no other program of the host gets a port that late answers are on their way to
 * (a rest that closes the socket rests nothing), and a tunnel in steady state
 * neither makes nor closes sockets.
 *
 * Owner: the pool, through sdt_ports.all, which the worker alone changes. State and
 * node: t->lock. The data path comes by channel->server.port or by the socket's
 * sk_user_data, under RCU; so: RESTING becomes FREE a grace period after its channel
 * let go of it, and the end is: off the lists, socket detached, grace period,
 * socket closed, memory freed.
 */
/* Where a socket is bound to. A hash key: no padding. */
struct sdt_port_key {
	struct in6_addr ip;
	u32 port;			/* __be16 */
};

struct sdt_port {
	struct sdt_tunnel *tunnel;
	struct sdt_ports *pool;
	struct socket *sock;
	struct sdt_dest __rcu *dest;	/* where to, and from; writers: t->lock */
	struct sdt_channel __rcu *chan;	/* writers: t->lock; set while ACTIVE */
	__be16 number;
	u8 state;			/* enum sdt_port_state */
	bool stale;			/* its channel is to get another one; writer: the worker */
	struct rhash_head hash;		/* sdt_ports.mappings, if the pool has no target */
	struct sdt_port_key key;
	struct list_head all;		/* sdt_ports.all */
	struct list_head node;		/* free, resting, or a list of the worker's */
	unsigned long since;		/* jiffies, when its rest began */
	unsigned long gp;		/* RCU state at that moment */
};

/*
 * The pool. Owner: the tunnel; see its teardown: dead is set, the worker
 * cancelled, sockets detached; after the grace period sdt_ports_free().
 *
 * The worker does everything that sleeps: opens and closes sockets, ends rests,
 * and gives ports to the channels that wait. wake() arms it, under t->lock and only
 * while the tunnel is not dead.
 */
struct sdt_ports {
	struct sdt_tunnel *tunnel;
	/*
	 * Router mode: the family of sockets that hear anybody, dest->remote being that
	 * family's unspecified address. 0: they are the target's, of its family.
	 */
	u16 open_family;
	struct rhashtable mappings;	/* router mode: all sockets by address; writer: the worker */

	/* t->lock */
	struct sdt_endpoint target;
	struct sdt_endpoint egress;	/* family 0: what the stack chooses */
	u16 lo, hi;
	u32 config;			/* counts sdt_ports_configure() */
	struct sdt_dest *dest;		/* what is bound now; NULL: not known yet */
	struct list_head free;		/* longest free first; all of @dest */
	struct list_head resting;	/* longest resting first */
	struct list_head retired;	/* FREE no more: to be closed by the worker */
	struct list_head waiting;	/* channels with a parked datagram, oldest first */
	unsigned int free_count;
	unsigned int active_count;
	unsigned int parked;
	unsigned int low;		/* refill below it */
	bool dry;			/* a pop found nothing since the worker ran */
	bool full;			/* no port was to be had, not tried again before */
	unsigned long full_until;	/*  this, jiffies */
	bool exhausted;			/*  and none is free: do not park */
	bool announced;			/*  and that was told */
	bool suspect;			/* sending failed: is the source address still ours? */
	bool move;			/* open channels are to follow to the new target */
	bool armed;
	unsigned long wake;		/* jiffies, if armed */

	/* worker only */
	struct list_head all;
	unsigned long calm_since;	/* jiffies: no pop found the pool dry */
	struct delayed_work work;
};

/** sdt_ports_of() - router mode: the pool for destinations of @family */
static inline struct sdt_ports *sdt_ports_of(const struct sdt_tunnel *t, u16 family)
{
	return family == AF_INET6 ? t->ports6 : t->ports;
}

/** sdt_ports_range() - ports in [@lo, @hi] */
static inline unsigned int sdt_ports_range(u16 lo, u16 hi)
{
	return (unsigned int)hi - lo + 1;
}

/**
 * sdt_ports_create() - pool for t->target; the worker fills it
 * @t: the tunnel
 *
 * Context: process, node->lock.
 * Return: 0 or -ENOMEM.
 */
int sdt_ports_create(struct sdt_tunnel *t);

/**
 * sdt_ports_create_open() - pools for sockets without a target, one of each family
 * @t: the tunnel
 *
 * A pool whose family has no egress address given binds to the source that the stack
 * has for the first prefix of allow that leads anywhere; prefixes of length 0 say
 * nothing: with no other, it is the source for the first datagram that comes.
 * Context: process, node->lock.
 * Return: 0 or -errno; what was made is the tunnel's to free.
 */
int sdt_ports_create_open(struct sdt_tunnel *t);

/** sdt_ports_find() - router mode: the socket that is bound to @local, or NULL; RCU */
struct sdt_port *sdt_ports_find(struct sdt_ports *p, const struct sdt_endpoint *local);

/**
 * sdt_ports_configure() - target, egress address or ports of the tunnel changed
 * @t: the tunnel, which has the new values
 * @move: the target is another one: open channels follow
 *
 * New channels get new sockets. Open ones keep theirs, connected to the new target, if its
 * address can stay; where another source address or family is needed, a channel gets a
 * new socket with its next datagram. Cannot fail.
 * Context: process, node->lock.
 */
void sdt_ports_configure(struct sdt_tunnel *t, bool move);

/** sdt_ports_stop() - worker cancelled, sockets detached; t->dead is set; process context */
void sdt_ports_stop(struct sdt_tunnel *t);

/** sdt_ports_free() - after a grace period, and after the channels; process context */
void sdt_ports_free(struct sdt_tunnel *t);

/** sdt_port_current() - may @port be sent from? Else its channel is to get another one. */
static inline bool sdt_port_current(const struct sdt_port *port)
{
	return port && !READ_ONCE(port->stale);
}

/**
 * sdt_ports_send() - send for a channel that has no (current) port: give it one, or park
 * @t: the tunnel
 * @c: the channel
 * @to: where to; NULL: the target
 * @tos: what came with the frame
 * @skb: consumed
 *
 * Context: RCU read side, BH off.
 */
void sdt_ports_send(struct sdt_tunnel *t, struct sdt_channel *c, const struct sdt_endpoint *to,
		    u8 tos, struct sk_buff *skb);

/**
 * sdt_ports_leave() - a channel ends: its port rests, it waits no longer
 * @t: the tunnel
 * @c: the channel
 *
 * Context: t->lock.
 * Return: its parked datagram, for the caller to drop, or NULL.
 */
struct sk_buff *sdt_ports_leave(struct sdt_tunnel *t, struct sdt_channel *c);

/** sdt_ports_exhausted() - is it known that no port is to be had? t->lock */
bool sdt_ports_exhausted(struct sdt_ports *p);

/** sdt_ports_suspect() - sending from @port failed; RCU, BH off */
void sdt_ports_suspect(struct sdt_tunnel *t, struct sdt_port *port);

int sdt_ports_module_init(void);
void sdt_ports_module_exit(void);

#endif /* _SDT_PORTS_H */
