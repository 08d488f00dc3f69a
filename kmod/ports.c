// SPDX-License-Identifier: GPL-2.0
/* Egress sockets of a tunnel: the pool's state, and datagrams that need a port. */
#include <linux/slab.h>

#include "compat/compat.h"
#include "event.h"
#include "ports_int.h"

#define SDT_PARK_MAX		64	/* parked datagrams of a tunnel */
#define SDT_PARK_TIME		1	/* s */

struct kmem_cache *sdt_port_cache;

/* ---- the pool's state; t->lock ------------------------------------------- */

/* Arm the worker to run in @delay, or sooner if it is armed so. */
void sdt_ports_wake(struct sdt_ports *p, unsigned long delay)
{
	unsigned long at = jiffies + delay;

	lockdep_assert_held(&p->tunnel->lock);
	if (p->tunnel->dead || (p->armed && time_after_eq(at, p->wake)))
		return;
	p->armed = true;
	p->wake = at;
	mod_delayed_work(sdt_sock_wq, &p->work, delay);
}

/* More than that would be of no use: each channel has one at most. */
unsigned int sdt_ports_free_wanted(const struct sdt_ports *p)
{
	u32 max = READ_ONCE(p->tunnel->max_channels);

	return min(p->low, max > p->active_count ? max - p->active_count : 0);
}

void sdt_ports_make_free(struct sdt_ports *p, struct sdt_port *port)
{
	port->state = SDT_PORT_FREE;
	list_add_tail(&port->node, &p->free);
	p->free_count++;
	p->exhausted = false;
	p->announced = false;
}

/* It serves no more, and is on no list. */
void sdt_ports_retire(struct sdt_ports *p, struct sdt_port *port)
{
	port->state = SDT_PORT_CLOSING;
	list_add_tail(&port->node, &p->retired);
}

static void make_resting(struct sdt_ports *p, struct sdt_port *port)
{
	RCU_INIT_POINTER(port->chan, NULL);
	port->state = SDT_PORT_RESTING;
	port->since = jiffies;
	port->gp = get_state_synchronize_rcu();
	list_add_tail(&port->node, &p->resting);
	p->active_count--;
	sdt_ports_wake(p, sdt_seconds(SDT_PORT_REST_TIME));
}

/* Give @c a port; its former one, of another target, goes to rest. NULL: there is none. */
static struct sdt_port *bind_port(struct sdt_ports *p, struct sdt_channel *c)
{
	struct sdt_port *old = rcu_dereference_protected(c->server.port,
							 lockdep_is_held(&p->tunnel->lock));
	struct sdt_port *port = list_first_entry_or_null(&p->free, struct sdt_port, node);
	unsigned int wanted;

	if (!port) {
		p->dry = true;
		if (!p->exhausted)
			sdt_ports_wake(p, 0);
		return NULL;
	}
	list_del(&port->node);
	p->free_count--;
	p->active_count++;
	port->state = SDT_PORT_ACTIVE;
	rcu_assign_pointer(port->chan, c);
	rcu_assign_pointer(c->server.port, port);
	if (old)
		make_resting(p, old);
	/* Some slack, so that the worker does not run for each. */
	wanted = sdt_ports_free_wanted(p);
	if (p->free_count < wanted - wanted / 4)
		sdt_ports_wake(p, 0);
	return port;
}

bool sdt_ports_exhausted(struct sdt_ports *p)
{
	lockdep_assert_held(&p->tunnel->lock);
	if (!p->exhausted)
		return false;
	/* Others on this host may give ports back. */
	sdt_ports_wake(p, sdt_seconds(SDT_PORTS_RETRY_FULL));
	return true;
}

static struct sk_buff *unpark(struct sdt_ports *p, struct sdt_channel *c)
{
	struct sk_buff *skb = c->server.parked;

	if (!skb)
		return NULL;
	c->server.parked = NULL;
	list_del_init(&c->server.wait);
	p->parked--;
	return skb;
}

struct sk_buff *sdt_ports_leave(struct sdt_tunnel *t, struct sdt_channel *c)
{
	struct sdt_port *port = rcu_dereference_protected(c->server.port,
							  lockdep_is_held(&t->lock));

	/*
	 * The channel's pointer stays: a datagram on its way may still leave by the
	 * port, which is nobody else's before a grace period is over.
	 */
	if (port)
		make_resting(c->server.pool, port);
	return unpark(c->server.pool, c);
}

/* ---- datagrams of channels without a port -------------------------------- */

/* In skb->cb of a parked datagram. */
struct park_cb {
	struct sdt_endpoint to;		/* family 0: the target */
	u8 tos;
};

static struct park_cb *park_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct park_cb) > sizeof(skb->cb));
	return (struct park_cb *)skb->cb;
}

/* t->lock. Return: 0, or the reason to drop. */
static enum sdt_stat park(struct sdt_ports *p, struct sdt_channel *c,
			  const struct sdt_endpoint *to, u8 tos, struct sk_buff *skb)
{
	struct park_cb *cb = park_cb(skb);

	if (p->exhausted)
		return SDT_DROP_NO_PORT;
	if (c->server.parked || p->parked >= SDT_PARK_MAX)
		return SDT_DROP_PARK_FULL;
	memset(cb, 0, sizeof(*cb));
	if (to)
		cb->to = *to;
	cb->tos = tos;
	c->server.parked = skb;
	c->server.deadline = jiffies + sdt_seconds(SDT_PARK_TIME);
	list_add_tail(&c->server.wait, &p->waiting);
	p->parked++;
	sdt_ports_wake(p, 0);
	return 0;
}

bool sdt_ports_first_waiting(struct sdt_ports *p, struct sdt_endpoint *to)
{
	struct sdt_channel *c;

	spin_lock_bh(&p->tunnel->lock);
	c = list_first_entry_or_null(&p->waiting, struct sdt_channel, server.wait);
	if (c)
		*to = park_cb(c->server.parked)->to;
	spin_unlock_bh(&p->tunnel->lock);
	return c;
}

/*
 * t->lock. If @c has a port of the present target now, it is @port; else the datagram is
 * parked. Return: 0, or the reason to drop.
 */
static enum sdt_stat port_or_park(struct sdt_ports *p, struct sdt_channel *c,
				  const struct sdt_endpoint *to, u8 tos, struct sk_buff *skb,
				  struct sdt_port **port)
{
	*port = rcu_dereference_protected(c->server.port, lockdep_is_held(&p->tunnel->lock));
	if (sdt_port_current(*port))
		return 0;
	*port = NULL;
	if (c->state == SDT_CHANNEL_DEAD)
		return SDT_DROP_DELETED;
	/* Those that wait come first. */
	if (list_empty(&p->waiting))
		*port = bind_port(p, c);
	return *port ? 0 : park(p, c, to, tos, skb);
}

void sdt_ports_send(struct sdt_tunnel *t, struct sdt_channel *c, const struct sdt_endpoint *to,
		    u8 tos, struct sk_buff *skb)
{
	struct sdt_port *port;
	enum sdt_stat why;

	spin_lock_bh(&t->lock);
	why = port_or_park(c->server.pool, c, to, tos, skb, &port);
	spin_unlock_bh(&t->lock);
	if (port) {
		sdt_channel_used(t->channels, &c->out);
		t->ops->depart(t, c, port, to, tos, skb);
		return;
	}
	if (!why) {
		sdt_stat_inc(t->stats, SDT_STAT_PARKED);
		return;
	}
	sdt_drop(t->stats, why, skb);
	if (why == SDT_DROP_NO_PORT)
		sdt_channel_no_port(t, c);
}

void sdt_ports_suspect(struct sdt_tunnel *t, struct sdt_port *port)
{
	struct sdt_ports *p = port->pool;

	if (READ_ONCE(p->suspect))
		return;
	spin_lock_bh(&t->lock);
	if (sdt_port_dest(p, port) == p->dest && !p->egress.family) {
		WRITE_ONCE(p->suspect, true);
		sdt_ports_wake(p, sdt_seconds(SDT_PORTS_RETRY));
	}
	spin_unlock_bh(&t->lock);
}

/* Give ports to those that wait. Context: process. */
void sdt_ports_serve(struct sdt_ports *p)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_channel *c;
	struct sdt_port *port;
	struct sk_buff *skb;
	struct park_cb cb;

	do {
		port = NULL;
		local_bh_disable();
		rcu_read_lock();
		spin_lock(&t->lock);
		c = list_first_entry_or_null(&p->waiting, struct sdt_channel, server.wait);
		if (c && p->free_count) {
			skb = unpark(p, c);
			port = bind_port(p, c);
		}
		spin_unlock(&t->lock);
		if (port) {
			sdt_channel_used(t->channels, &c->out);
			/* what is behind cb writes to skb->cb */
			cb = *park_cb(skb);
			t->ops->depart(t, c, port, &cb.to, cb.tos, skb);
		}
		rcu_read_unlock();
		local_bh_enable();
	} while (port);
}

/* A channel that never got a port ends; one that waited for a new one keeps its old one. */
void sdt_ports_expire(struct sdt_ports *p)
{
	struct sdt_tunnel *t = p->tunnel;
	enum sdt_stat why;
	struct sdt_channel *c;
	struct sk_buff *skb;

	do {
		skb = NULL;
		local_bh_disable();
		rcu_read_lock();
		spin_lock(&t->lock);
		why = p->exhausted ? SDT_DROP_NO_PORT : SDT_DROP_PARK_TIMEOUT;
		c = list_first_entry_or_null(&p->waiting, struct sdt_channel, server.wait);
		if (c && (p->exhausted || time_after_eq(jiffies, c->server.deadline)))
			skb = unpark(p, c);
		spin_unlock(&t->lock);
		if (skb) {
			sdt_drop(t->stats, why, skb);
			sdt_channel_no_port(t, c);
		}
		rcu_read_unlock();
		local_bh_enable();
	} while (skb);
}

/* ---- sockets by their address, in pools without a target ------------------- */

static const struct rhashtable_params mapping_params = {
	.head_offset = offsetof(struct sdt_port, hash),
	.key_offset = offsetof(struct sdt_port, key),
	.key_len = sizeof(struct sdt_port_key),
	.automatic_shrinking = true,
};

static_assert(sizeof(struct sdt_port_key) == 20);

static struct sdt_port_key port_key(const struct in6_addr *ip, __be16 number)
{
	return (struct sdt_port_key) { .ip = *ip, .port = (__force u16)number };
}

int sdt_ports_enter(struct sdt_ports *p, struct sdt_port *port, const struct in6_addr *local)
{
	if (!p->open_family)
		return 0;
	port->key = port_key(local, port->number);
	return rhashtable_insert_fast(&p->mappings, &port->hash, mapping_params);
}

void sdt_ports_remove(struct sdt_ports *p, struct sdt_port *port)
{
	if (p->open_family)
		rhashtable_remove_fast(&p->mappings, &port->hash, mapping_params);
}

struct sdt_port *sdt_ports_find(struct sdt_ports *p, const struct sdt_endpoint *local)
{
	struct sdt_port_key key = port_key(&local->ip, local->port);

	return rhashtable_lookup(&p->mappings, &key, mapping_params);
}

/* ---- life of the pool ----------------------------------------------------- */

/* t->lock or nobody else knows the pool. */
static void load_config(struct sdt_ports *p)
{
	const struct sdt_tunnel *t = p->tunnel;

	p->target = t->target;
	p->egress = t->egress;
	if (p->open_family) {
		p->target.family = p->open_family;
		p->target.ip = p->open_family == AF_INET ? sdt_ip_from4(0) : in6addr_any;
		if (p->egress.family != p->open_family)
			memset(&p->egress, 0, sizeof(p->egress));
	}
	p->lo = t->egress_port_lo;
	p->hi = t->egress_port_hi;
	p->config++;
}

static struct sdt_ports *pool_create(struct sdt_tunnel *t, u16 open_family)
{
	struct sdt_ports *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	lockdep_assert_held(&t->node->lock);
	if (!p)
		return NULL;
	if (open_family && rhashtable_init(&p->mappings, &mapping_params)) {
		kfree(p);
		return NULL;
	}
	p->tunnel = t;
	p->open_family = open_family;
	p->low = SDT_PORTS_LOW_MIN;
	p->calm_since = jiffies;
	INIT_LIST_HEAD(&p->free);
	INIT_LIST_HEAD(&p->resting);
	INIT_LIST_HEAD(&p->retired);
	INIT_LIST_HEAD(&p->waiting);
	INIT_LIST_HEAD(&p->all);
	INIT_DELAYED_WORK(&p->work, sdt_ports_work);
	load_config(p);
	spin_lock_bh(&t->lock);
	sdt_ports_wake(p, 0);
	spin_unlock_bh(&t->lock);
	return p;
}

int sdt_ports_create(struct sdt_tunnel *t)
{
	t->ports = pool_create(t, 0);
	return t->ports ? 0 : -ENOMEM;
}

int sdt_ports_create_open(struct sdt_tunnel *t)
{
	t->ports = pool_create(t, AF_INET);
	if (!t->ports)
		return -ENOMEM;
	t->ports6 = pool_create(t, AF_INET6);
	return t->ports6 ? 0 : -ENOMEM;
}

static void pool_configure(struct sdt_ports *p, bool move)
{
	if (!p)
		return;
	spin_lock_bh(&p->tunnel->lock);
	load_config(p);
	if (move)
		WRITE_ONCE(p->move, true);
	sdt_ports_forget_dest(p);
	p->exhausted = false;
	p->announced = false;
	p->full = false;
	sdt_ports_wake(p, 0);
	spin_unlock_bh(&p->tunnel->lock);
}

void sdt_ports_configure(struct sdt_tunnel *t, bool move)
{
	lockdep_assert_held(&t->node->lock);
	pool_configure(t->ports, move);
	pool_configure(t->ports6, move);
}

static void pool_stop(struct sdt_ports *p)
{
	struct sdt_port *port;

	if (!p)
		return;
	WARN_ON_ONCE(!p->tunnel->dead);
	cancel_delayed_work_sync(&p->work);
	/* With the worker gone, no port comes or goes. */
	list_for_each_entry(port, &p->all, all)
		sdt_socket_detach(port->sock);
}

void sdt_ports_stop(struct sdt_tunnel *t)
{
	pool_stop(t->ports);
	pool_stop(t->ports6);
}

static void pool_free(struct sdt_ports *p)
{
	struct sdt_port *port, *next;
	struct sdt_dest *dest;

	if (!p)
		return;
	WARN_ON_ONCE(p->active_count || p->parked);
	list_for_each_entry_safe(port, next, &p->all, all) {
		sdt_ports_remove(p, port);
		sdt_socket_close(port->sock);
		/* Not later: a route of IPv6 must not outlive the namespace. */
		dest = rcu_dereference_protected(port->dest, true);
		if (!--dest->users && dest != p->dest)
			sdt_dest_free_now(dest);
		kmem_cache_free(sdt_port_cache, port);
		cond_resched();
	}
	sdt_dest_free_now(p->dest);
	if (p->open_family)
		rhashtable_destroy(&p->mappings);
	kfree(p);
}

void sdt_ports_free(struct sdt_tunnel *t)
{
	pool_free(t->ports);
	pool_free(t->ports6);
	t->ports = NULL;
	t->ports6 = NULL;
}

int sdt_ports_module_init(void)
{
	sdt_port_cache = kmem_cache_create("sdt_port", sizeof(struct sdt_port), 0,
					   SLAB_ACCOUNT, NULL);
	return sdt_port_cache ? 0 : -ENOMEM;
}

void sdt_ports_module_exit(void)
{
	kmem_cache_destroy(sdt_port_cache);
}
