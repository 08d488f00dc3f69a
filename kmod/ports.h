/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Egress sockets of a tunnel: pools of ports.
 *
 * What a mode sees: it makes a pool when it starts (sdt_ports_create(), once a family if
 * it serves both), whoever needs a port embeds a struct sdt_port_user, and a datagram
 * leaves by sdt_egress_port() where the user has a port that is current, else by
 * sdt_ports_send(), which gives it one. What a port hears comes to the mode's answer().
 * How ports come and go is struct sdt_ports in ports_int.h, and nobody else's business.
 */
#ifndef _SDT_PORTS_H
#define _SDT_PORTS_H

#include <linux/rhashtable-types.h>

#include "egress.h"
#include "tunnel.h"

struct sdt_port_user;

/* What kind of ports a mode wants. Static; one for each kind. */
struct sdt_ports_kind {
	/*
	 * 0: ports of the family of t->target, connected to it. AF_INET, AF_INET6: ports
	 * of that family, not connected: sdt_port_tx.to says where each datagram goes,
	 * and the mode's answer() has to look at where each comes from.
	 */
	u16 family;
	/*
	 * Ports are taken from the first address that has one, so that all are of one
	 * address while these last, else from any.
	 */
	bool pack;
	/*
	 * Where no egress address is configured, the stack chooses the one that it would
	 * use towards the first of these that has a route, from @n = 0 on; false: there are
	 * no more; then towards the first datagram that waits. NULL: t->target. Process
	 * context, t->lock.
	 */
	bool (*towards)(const struct sdt_tunnel *t, u16 family, unsigned int n,
			struct sdt_endpoint *dst);
	/*
	 * Take a datagram of @user that would leave by @port: it goes elsewhere. Return: false:
	 * it leaves. RCU, BH off; NULL: all leave.
	 */
	bool (*divert)(struct sdt_tunnel *t, struct sdt_port_user *user, struct sdt_port *port,
		       const struct sdt_port_tx *tx, struct sk_buff *skb);
	/* a datagram of @user leaves; RCU, BH off; NULL: nothing to do */
	void (*sent)(struct sdt_tunnel *t, struct sdt_port_user *user);
	/* @user had none, and none is to be had; RCU, BH off; NULL: nothing to do */
	void (*no_port)(struct sdt_tunnel *t, struct sdt_port_user *user);
};

/*
 * Whoever has a port, or waits for one: a channel, or a tunnel that needs one without
 * channels. Embedded; its owner calls sdt_port_user_init() before anybody finds it, and
 * sdt_ports_leave() at its end. All under t->lock, but for readers of @port: RCU.
 */
struct sdt_port_user {
	struct sdt_ports *pool;		/* NULL: it left */
	struct sdt_port __rcu *port;
	struct sk_buff *parked;		/* waits for a port */
	struct list_head wait;		/* sdt_ports.waiting */
	unsigned long deadline;		/* of the parked one, jiffies */
};

enum sdt_port_state {
	SDT_PORT_FREE,
	SDT_PORT_ACTIVE,	/* belongs to a user */
	SDT_PORT_RESTING,	/* its user left; still bound, so that nobody gets the port */
	SDT_PORT_CLOSING,	/* on its way out: worker only */
};

/* Where a port is bound to. A hash key: no padding. */
struct sdt_port_key {
	struct in6_addr ip;
	u32 number;			/* __be16 */
};

/*
 * An egress socket: bound to one address and port, and connected if its pool's are.
 * FREE -> ACTIVE -> RESTING -> FREE: a socket stays bound while it rests, so that
 * no other program of the host gets a port that late answers are on their way to
 * (a rest that closes the socket rests nothing), and a tunnel in steady state
 * neither makes nor closes sockets.
 *
 * Owner: the pool, through sdt_ports.all, which the worker alone changes. State and
 * node: t->lock. The data path comes by user->port or by the socket's sk_user_data,
 * under RCU; so: RESTING becomes FREE a grace period after its user let go of it, and
 * the end is: off the lists, socket detached, grace period, socket closed, memory freed.
 */
struct sdt_port {
	struct sdt_tunnel *tunnel;
	struct sdt_ports *pool;
	struct socket *sock;
	struct sdt_dest __rcu *dest;	/* where to, and from; writers: t->lock */
	struct sdt_port_user __rcu *user;	/* writers: t->lock; set while ACTIVE */
	const void *told;		/* the dest that knows the customer, see claim_first() */
	struct rhash_head hash;		/* sdt_ports.mappings, where they are not connected */
	struct sdt_port_key key;
	__be16 number;
	u8 state;			/* enum sdt_port_state */
	bool stale;			/* its user is to get another one; writer: the worker */
	u16 source;			/* place of @dest among the pool's sources; t->lock */
	struct list_head all;		/* sdt_ports.all */
	struct list_head node;		/* free, resting, or a list of the worker's */
	unsigned long since;		/* jiffies, when its rest began */
	unsigned long gp;		/* RCU state at that moment */
};

/** sdt_ports_range() - ports in [@lo, @hi] */
static inline unsigned int sdt_ports_range(u16 lo, u16 hi)
{
	return (unsigned int)hi - lo + 1;
}

/**
 * sdt_ports_create() - a pool of the tunnel's; its worker fills it
 * @t: the tunnel; the pool is t->ports[1] if @kind is of AF_INET6, else t->ports[0]
 * @kind: of what
 *
 * Context: process, node->lock.
 * Return: 0 or -ENOMEM.
 */
int sdt_ports_create(struct sdt_tunnel *t, const struct sdt_ports_kind *kind);

/**
 * sdt_ports_configure() - target, egress addresses or ports of the tunnel changed
 * @t: the tunnel, which has the new values
 * @move: the target is another one: users follow
 *
 * New users get new sockets. Others keep theirs, connected to the new target, if its
 * address can stay; where another source address or family is needed, a user gets a
 * new socket with its next datagram. Cannot fail.
 * Context: process, node->lock.
 */
void sdt_ports_configure(struct sdt_tunnel *t, bool move);

/** sdt_ports_stop() - workers cancelled, sockets detached; t->dead is set; process context */
void sdt_ports_stop(struct sdt_tunnel *t);

/** sdt_ports_free() - after a grace period, and after all users left; process context */
void sdt_ports_free(struct sdt_tunnel *t);

/** sdt_port_user_init() - of @pool, without a port as yet */
static inline void sdt_port_user_init(struct sdt_port_user *user, struct sdt_ports *pool)
{
	user->pool = pool;
	RCU_INIT_POINTER(user->port, NULL);
	user->parked = NULL;
	INIT_LIST_HEAD(&user->wait);
}

/** sdt_port_current() - may @port be sent from? Else its user is to get another one. */
static inline bool sdt_port_current(const struct sdt_port *port)
{
	return port && !READ_ONCE(port->stale);
}

/**
 * sdt_ports_send() - send for a user that has no (current) port: give it one, or park
 * @t: the tunnel
 * @user: whose datagram it is
 * @tx: where to, and with which marks
 * @skb: consumed
 *
 * Context: RCU read side, BH off.
 */
void sdt_ports_send(struct sdt_tunnel *t, struct sdt_port_user *user, const struct sdt_port_tx *tx,
		    struct sk_buff *skb);

/**
 * sdt_ports_leave() - a user ends: its port rests, it waits no longer
 * @t: the tunnel
 * @user: who
 *
 * Context: t->lock.
 * Return: its parked datagram, for the caller to drop, or NULL.
 */
struct sk_buff *sdt_ports_leave(struct sdt_tunnel *t, struct sdt_port_user *user);

/** sdt_ports_exhausted() - is it known that no port is to be had? t->lock */
bool sdt_ports_exhausted(struct sdt_ports *p);

/** sdt_ports_error() - why no socket could be opened when that was tried last, or 0; any context */
int sdt_ports_error(const struct sdt_ports *p);

/** sdt_ports_find() - the port of an unconnected pool that is bound to @local, or NULL; RCU */
struct sdt_port *sdt_ports_find(const struct sdt_ports *p, const struct sdt_endpoint *local);

/** sdt_ports_suspect() - sending from @port failed; RCU, BH off */
void sdt_ports_suspect(struct sdt_tunnel *t, struct sdt_port *port);

/**
 * sdt_ports_usage() - what show says of a tunnel's ports, over all its pools
 * @t: the tunnel
 * @total: ports times addresses
 * @active: in use
 * @resting: at rest
 *
 * Context: process, node->lock.
 */
void sdt_ports_usage(struct sdt_tunnel *t, u32 *total, u32 *active, u32 *resting);

int sdt_ports_module_init(void);
void sdt_ports_module_exit(void);

#endif /* _SDT_PORTS_H */
