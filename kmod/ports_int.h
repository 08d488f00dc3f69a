/* SPDX-License-Identifier: GPL-2.0 */
/* What the ports*.c files know of each other, and nobody else. */
#ifndef _SDT_PORTS_INT_H
#define _SDT_PORTS_INT_H

#include <linux/bitmap.h>
#include <linux/rhashtable.h>
#include <linux/workqueue.h>

#include "ports.h"

#define SDT_PORTS_LOW_MIN	64	/* free sockets kept at rest: as many may come at once */
#define SDT_PORTS_RETRY		1	/* s, no route, no address, no memory */
#define SDT_PORTS_RETRY_FULL	10	/* s, every port of the range is taken */
#define SDT_PORTS_RETRY_GONE	5	/* s, an address of the range is not on this host */

enum sdt_source_state {
	SDT_SOURCE_NEW,		/* not tried yet */
	SDT_SOURCE_OK,
	SDT_SOURCE_FULL,	/* no further port was to be had; tried again at @until */
	SDT_SOURCE_GONE,	/* the host does not have the address; the same */
};

/* An address that ports are bound to. t->lock. */
struct sdt_source {
	struct sdt_dest *dest;		/* this counts as one of its users */
	struct list_head free;		/* longest free first */
	u8 state;			/* enum sdt_source_state */
	bool suspect;			/* sending failed: does the host have the address? */
	u64 until;			/* jiffies, of 64 bits: it may be looked at much later */
};

/* All of them, as one configuration means them. Replaced whole, by the worker. */
struct sdt_sources {
	bool chosen;			/* by the stack: where it is gone, another one will do */
	unsigned int n;
	DECLARE_BITMAP(avail, SDT_EGRESS_LIMIT);	/* those with free ports */
	struct sdt_source v[];
};

/*
 * A pool. Owner: the tunnel; see its teardown: dead is set, the worker
 * cancelled, sockets detached; after the grace period sdt_ports_free().
 *
 * The worker does everything that sleeps: opens and closes sockets, ends rests,
 * and gives ports to users that wait. sdt_ports_wake() arms it, under t->lock and only
 * while the tunnel is not dead.
 */
struct sdt_ports {
	struct sdt_tunnel *tunnel;
	const struct sdt_ports_kind *kind;
	struct rhashtable mappings;	/* if not connected: all ports; writer: the worker */

	/* t->lock: what is configured */
	struct sdt_endpoint target;	/* connected to; else the family alone */
	struct sdt_endpoint egress;	/* family 0: what the stack chooses */
	u32 addresses;			/* from @egress on */
	u16 lo, hi;
	u32 config;			/* counts sdt_ports_configure() */

	/* t->lock: what there is */
	struct sdt_sources *sources;	/* NULL: not known yet */
	struct list_head resting;	/* longest resting first */
	struct list_head retired;	/* FREE no more: to be closed by the worker */
	struct list_head waiting;	/* users with a parked datagram, oldest first */
	unsigned int free_count;
	unsigned int active_count;
	unsigned int resting_count;
	unsigned int parked;
	unsigned int low;		/* refill below it */
	bool dry;			/* a pop found nothing since the worker ran */
	bool exhausted;			/* no source has another port to give, and none is free */
	bool announce;			/*  and somebody wanted one: to be told by the worker */
	u64 announced;			/*  but not before that, jiffies */
	bool suspect;			/* some source is */
	bool move;			/* users are to follow to the new target */
	bool clients;			/* no sources: see ports_client.c */
	bool armed;
	unsigned long wake;		/* jiffies, if armed */

	/* worker only */
	int error;			/* why no socket could be opened; READ_ONCE to read */
	struct list_head all;
	unsigned long calm_since;	/* jiffies: no pop found the pool dry */
	struct delayed_work work;
};

extern struct kmem_cache *sdt_port_cache;

static inline struct sdt_dest *sdt_port_dest(const struct sdt_ports *p, const struct sdt_port *port)
{
	return rcu_dereference_protected(port->dest, lockdep_is_held(&p->tunnel->lock));
}

/** sdt_port_source() - the present source that @port is bound to, or NULL; t->lock */
static inline struct sdt_source *sdt_port_source(const struct sdt_ports *p,
						 const struct sdt_port *port)
{
	struct sdt_sources *s = p->sources;

	if (!s || port->source >= s->n || s->v[port->source].dest != sdt_port_dest(p, port))
		return NULL;
	return &s->v[port->source];
}

/* ports.c: state; t->lock */

/** sdt_ports_wake() - arm the worker to run in @delay, or sooner if it is armed so */
void sdt_ports_wake(struct sdt_ports *p, unsigned long delay);
/** sdt_ports_free_wanted() - how many free ports are of use now */
unsigned int sdt_ports_free_wanted(const struct sdt_ports *p);
/** sdt_ports_rest() - @port, which is nobody's and on no list, rests from now on */
void sdt_ports_rest(struct sdt_ports *p, struct sdt_port *port);
/** sdt_ports_bind() - @port, which is on no list, becomes @user's; its former one rests */
void sdt_ports_bind(struct sdt_ports *p, struct sdt_port *port, struct sdt_port_user *user);
/** sdt_ports_unpark() - @user waits no longer. Return: what it parked, or NULL */
struct sk_buff *sdt_ports_unpark(struct sdt_ports *p, struct sdt_port_user *user);
/** sdt_ports_pop() - take a free port off its list, or NULL */
struct sdt_port *sdt_ports_pop(struct sdt_ports *p);
/** sdt_ports_make_free() - @port, on no list, may serve; sdt_port_source() has it */
void sdt_ports_make_free(struct sdt_ports *p, struct sdt_port *port);
/** sdt_ports_retire() - it serves no more, and is on no list */
void sdt_ports_retire(struct sdt_ports *p, struct sdt_port *port);
/** sdt_ports_retire_source() - what is free at source @i serves no more */
void sdt_ports_retire_source(struct sdt_ports *p, unsigned int i);
/** sdt_ports_forget_sources() - the next socket will be bound anew */
void sdt_ports_forget_sources(struct sdt_ports *p);
/** sdt_dest_put() - one user less */
void sdt_dest_put(struct sdt_dest *dest);

/** sdt_ports_send_parked() - what @user parked leaves by @port; RCU, BH off, not t->lock */
void sdt_ports_send_parked(struct sdt_ports *p, struct sdt_port_user *user, struct sdt_port *port,
			   struct sk_buff *skb);

/** sdt_ports_awaited() - where the datagram that waits longest is to go; false: none waits */
bool sdt_ports_awaited(struct sdt_ports *p, struct sdt_endpoint *to);

/* ports.c: for the worker; process context, not t->lock */

/** sdt_ports_enter() - sdt_ports_find() finds @port, bound to @local, from here on */
int sdt_ports_enter(struct sdt_ports *p, struct sdt_port *port, const struct in6_addr *local);
/** sdt_ports_remove() - and no longer; a grace period later nobody holds it */
void sdt_ports_remove(struct sdt_ports *p, struct sdt_port *port);

/** sdt_ports_serve() - give ports to those that wait */
void sdt_ports_serve(struct sdt_ports *p);
/** sdt_ports_expire() - whoever waited too long, or for nothing, waits no more */
void sdt_ports_expire(struct sdt_ports *p);

/* ports_source.c: where ports are bound; the worker, not t->lock */

/** sdt_sources_learn() - if they are not known. Return: 0, -EAGAIN: try again, or -errno. */
int sdt_sources_learn(struct sdt_ports *p);
/** sdt_sources_check() - does the host have those that are new, suspect, or were gone? */
void sdt_sources_check(struct sdt_ports *p);
/**
 * sdt_sources_choose() - one that may have another port to give; t->lock
 * Return: 0, -EAGAIN: none is known, -EADDRINUSE: none has, -EADDRNOTAVAIL: all are gone
 */
int sdt_sources_choose(struct sdt_ports *p, unsigned int *i);
/** sdt_sources_follow() - the target changed: users' ports move, if it is known where to */
void sdt_sources_follow(struct sdt_ports *p);
/** sdt_source_failed() - @port, on no list, could not be opened there: -EADDRINUSE or -EADDRNOTAVAIL */
void sdt_source_failed(struct sdt_ports *p, const struct sdt_port *port, int err);
/** sdt_sources_due() - arm the worker for the next of them; t->lock */
void sdt_sources_due(struct sdt_ports *p);
/**
 * sdt_port_move() - connect @port, of a user, to @dest; it stays bound where it is
 * @place: of @dest among the sources
 */
int sdt_port_move(struct sdt_ports *p, struct sdt_port *port, struct sdt_dest *dest, u32 place);

/* ports_client.c: for the worker, not t->lock */

/** sdt_ports_serve_clients() - sdt_ports_serve() where each needs its customer's own address */
void sdt_ports_serve_clients(struct sdt_ports *p);

/* ports_worker.c */
/** sdt_port_rcv() - encap_rcv of egress sockets; sk_user_data is the port */
int sdt_port_rcv(struct sock *sk, struct sk_buff *skb);
void sdt_ports_work(struct work_struct *work);

#endif /* _SDT_PORTS_INT_H */
