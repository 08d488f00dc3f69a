/* SPDX-License-Identifier: GPL-2.0 */
/* What the ports*.c files know of each other, and nobody else. */
#ifndef _SDT_PORTS_INT_H
#define _SDT_PORTS_INT_H

#include "channel.h"
#include "ports.h"

#define SDT_PORTS_LOW_MIN	64	/* free sockets kept at rest: as many may come at once */
#define SDT_PORTS_RETRY		1	/* s, no route, no address, no memory */
#define SDT_PORTS_RETRY_FULL	10	/* s, every port of the range is taken */

extern struct kmem_cache *sdt_port_cache;

static inline struct sdt_dest *sdt_port_dest(const struct sdt_ports *p, const struct sdt_port *port)
{
	return rcu_dereference_protected(port->dest, lockdep_is_held(&p->tunnel->lock));
}

/* ports.c: state; t->lock */

/** sdt_ports_wake() - arm the worker to run in @delay, or sooner if it is armed so */
void sdt_ports_wake(struct sdt_ports *p, unsigned long delay);
/** sdt_ports_free_wanted() - how many free ports are of use now */
unsigned int sdt_ports_free_wanted(const struct sdt_ports *p);
void sdt_ports_make_free(struct sdt_ports *p, struct sdt_port *port);
/** sdt_ports_retire() - it serves no more, and is on no list */
void sdt_ports_retire(struct sdt_ports *p, struct sdt_port *port);

/* ports.c: for the worker; process context, not t->lock */

/** sdt_ports_serve() - give ports to those that wait */
void sdt_ports_serve(struct sdt_ports *p);
/** sdt_ports_expire() - whoever waited too long, or for nothing, waits no more */
void sdt_ports_expire(struct sdt_ports *p);

/** sdt_ports_first_waiting() - where the datagram that waits longest is to go; false: none waits */
bool sdt_ports_first_waiting(struct sdt_ports *p, struct sdt_endpoint *to);
/** sdt_ports_enter() - sdt_ports_find() finds @port, bound to @local, from here on */
int sdt_ports_enter(struct sdt_ports *p, struct sdt_port *port, const struct in6_addr *local);
/** sdt_ports_remove() - and no longer; a grace period later nobody holds it */
void sdt_ports_remove(struct sdt_ports *p, struct sdt_port *port);

/* ports_worker.c */

void sdt_ports_work(struct work_struct *work);
/** sdt_ports_forget_dest() - the next socket will be bound anew; t->lock */
void sdt_ports_forget_dest(struct sdt_ports *p);

#endif /* _SDT_PORTS_INT_H */
