// SPDX-License-Identifier: GPL-2.0
/* Egress sockets of a tunnel: a pool's state, and datagrams that need a port. */
#include <linux/slab.h>

#include "compat/compat.h"
#include "event.h"
#include "ports_int.h"
#include "range.h"

#define SDT_PARK_MAX		64	/* parked datagrams of a pool */
#define SDT_PARK_TIME		1	/* s */

struct kmem_cache *sdt_port_cache;

/* ---- the pool's state; t->lock ------------------------------------------- */

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

/* More than that would be of no use: each user has one at most. */
unsigned int sdt_ports_free_wanted(const struct sdt_ports *p)
{
	u32 max = READ_ONCE(p->tunnel->max_channels);

	if (p->clients)
		return 0;
	return min(p->low, max > p->active_count ? max - p->active_count : 0);
}

void sdt_ports_make_free(struct sdt_ports *p, struct sdt_port *port)
{
	port->state = SDT_PORT_FREE;
	list_add_tail(&port->node, &p->sources->v[port->source].free);
	__set_bit(port->source, p->sources->avail);
	p->free_count++;
	p->exhausted = false;
}

struct sdt_port *sdt_ports_pop(struct sdt_ports *p)
{
	struct sdt_sources *s = p->sources;
	struct sdt_source *source;
	struct sdt_port *port;
	unsigned int i;

	if (!p->free_count)
		return NULL;
	i = p->kind->pack ? 0 : sdt_compat_random_below(s->n);
	i = find_next_bit(s->avail, s->n, i);
	if (i >= s->n)
		i = find_first_bit(s->avail, s->n);
	source = &s->v[i];
	port = list_first_entry(&source->free, struct sdt_port, node);
	list_del(&port->node);
	if (list_empty(&source->free))
		__clear_bit(i, s->avail);
	p->free_count--;
	return port;
}

void sdt_ports_retire(struct sdt_ports *p, struct sdt_port *port)
{
	port->state = SDT_PORT_CLOSING;
	list_add_tail(&port->node, &p->retired);
}

void sdt_ports_retire_source(struct sdt_ports *p, unsigned int i)
{
	struct sdt_source *source = &p->sources->v[i];
	struct sdt_port *port;

	list_for_each_entry(port, &source->free, node) {
		port->state = SDT_PORT_CLOSING;
		p->free_count--;
	}
	list_splice_tail_init(&source->free, &p->retired);
	__clear_bit(i, p->sources->avail);
}

void sdt_dest_put(struct sdt_dest *dest)
{
	if (!--dest->users)
		sdt_dest_free(dest);
}

void sdt_ports_forget_sources(struct sdt_ports *p)
{
	struct sdt_sources *s = p->sources;
	unsigned int i;

	if (!s)
		return;
	for (i = 0; i < s->n; i++) {
		sdt_ports_retire_source(p, i);
		sdt_dest_put(s->v[i].dest);
	}
	p->sources = NULL;
	kfree(s);
}

void sdt_ports_rest(struct sdt_ports *p, struct sdt_port *port)
{
	port->state = SDT_PORT_RESTING;
	port->since = jiffies;
	port->gp = get_state_synchronize_rcu();
	list_add_tail(&port->node, &p->resting);
	p->resting_count++;
	sdt_ports_wake(p, sdt_seconds(SDT_PORT_REST_TIME));
}

static void make_resting(struct sdt_ports *p, struct sdt_port *port)
{
	RCU_INIT_POINTER(port->user, NULL);
	p->active_count--;
	sdt_ports_rest(p, port);
}

void sdt_ports_bind(struct sdt_ports *p, struct sdt_port *port, struct sdt_port_user *user)
{
	struct sdt_port *old = rcu_dereference_protected(user->port,
							 lockdep_is_held(&p->tunnel->lock));

	p->active_count++;
	port->state = SDT_PORT_ACTIVE;
	WRITE_ONCE(port->told, NULL);
	rcu_assign_pointer(port->user, user);
	rcu_assign_pointer(user->port, port);
	if (old)
		make_resting(p, old);
}

/* Give @user a port; its former one, of another target, goes to rest. NULL: there is none. */
static struct sdt_port *bind_port(struct sdt_ports *p, struct sdt_port_user *user)
{
	struct sdt_port *port = sdt_ports_pop(p);
	unsigned int wanted;

	if (!port) {
		p->dry = !p->clients;
		if (!p->exhausted)
			sdt_ports_wake(p, 0);
		return NULL;
	}
	sdt_ports_bind(p, port, user);
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
	if (!p->announce && time_after_eq64(get_jiffies_64(), p->announced)) {
		p->announce = true;
		sdt_ports_wake(p, 0);
	}
	/* Others on this host may give ports back. */
	sdt_ports_wake(p, sdt_seconds(SDT_PORTS_RETRY_FULL));
	return true;
}

struct sk_buff *sdt_ports_unpark(struct sdt_ports *p, struct sdt_port_user *user)
{
	struct sk_buff *skb = user->parked;

	if (!skb)
		return NULL;
	user->parked = NULL;
	list_del_init(&user->wait);
	p->parked--;
	return skb;
}

struct sk_buff *sdt_ports_leave(struct sdt_tunnel *t, struct sdt_port_user *user)
{
	struct sdt_port *port = rcu_dereference_protected(user->port, lockdep_is_held(&t->lock));
	struct sdt_ports *p = user->pool;

	/*
	 * The user's pointer stays: a datagram on its way may still leave by the
	 * port, which is nobody else's before a grace period is over.
	 */
	if (port)
		make_resting(p, port);
	user->pool = NULL;
	return sdt_ports_unpark(p, user);
}

/* ---- datagrams of users without a port ----------------------------------- */

/* In skb->cb of a parked datagram. */
static struct sdt_port_tx *park_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct sdt_port_tx) > sizeof(skb->cb));
	return (struct sdt_port_tx *)skb->cb;
}

/* t->lock. Return: 0, or the reason to drop. */
static enum sdt_stat park(struct sdt_ports *p, struct sdt_port_user *user,
			  const struct sdt_port_tx *tx, struct sk_buff *skb)
{
	if (sdt_ports_exhausted(p))
		return SDT_DROP_NO_PORT;
	if (user->parked || p->parked >= SDT_PARK_MAX)
		return SDT_DROP_PARK_FULL;
	*park_cb(skb) = *tx;
	user->parked = skb;
	user->deadline = jiffies + sdt_seconds(SDT_PARK_TIME);
	list_add_tail(&user->wait, &p->waiting);
	p->parked++;
	sdt_ports_wake(p, 0);
	return 0;
}

bool sdt_ports_awaited(struct sdt_ports *p, struct sdt_endpoint *to)
{
	struct sdt_port_user *user;

	lockdep_assert_held(&p->tunnel->lock);
	user = list_first_entry_or_null(&p->waiting, struct sdt_port_user, wait);
	if (user)
		*to = park_cb(user->parked)->to;
	return user;
}

/*
 * t->lock. If @user has a port that is current now, it is @port; else the datagram is
 * parked. Return: 0, or the reason to drop.
 */
static enum sdt_stat port_or_park(struct sdt_tunnel *t, struct sdt_port_user *user,
				  const struct sdt_port_tx *tx, struct sk_buff *skb,
				  struct sdt_port **port)
{
	struct sdt_ports *p = user->pool;

	*port = rcu_dereference_protected(user->port, lockdep_is_held(&t->lock));
	if (sdt_port_current(*port))
		return 0;
	*port = NULL;
	if (!p)
		return SDT_DROP_DELETED;
	/* Those that wait come first. */
	if (list_empty(&p->waiting))
		*port = bind_port(p, user);
	return *port ? 0 : park(p, user, tx, skb);
}

static void port_send(struct sdt_tunnel *t, const struct sdt_ports_kind *kind,
		      struct sdt_port_user *user, struct sdt_port *port,
		      const struct sdt_port_tx *tx, struct sk_buff *skb)
{
	if (kind->sent)
		kind->sent(t, user);
	if (!kind->divert || !kind->divert(t, user, port, tx, skb))
		sdt_egress_port(t, port, tx, skb);
}

void sdt_ports_send_parked(struct sdt_ports *p, struct sdt_port_user *user, struct sdt_port *port,
			   struct sk_buff *skb)
{
	const struct sdt_port_tx tx = *park_cb(skb);

	port_send(p->tunnel, p->kind, user, port, &tx, skb);
}

static void no_port(struct sdt_tunnel *t, const struct sdt_ports_kind *kind,
		    struct sdt_port_user *user)
{
	if (kind->no_port)
		kind->no_port(t, user);
}

void sdt_ports_send(struct sdt_tunnel *t, struct sdt_port_user *user, const struct sdt_port_tx *tx,
		    struct sk_buff *skb)
{
	const struct sdt_ports_kind *kind = NULL;
	struct sdt_port *port;
	enum sdt_stat why;

	spin_lock_bh(&t->lock);
	if (user->pool)
		kind = user->pool->kind;
	why = port_or_park(t, user, tx, skb, &port);
	spin_unlock_bh(&t->lock);
	if (port) {
		port_send(t, port->pool->kind, user, port, tx, skb);
		return;
	}
	if (!why) {
		sdt_stat_inc(t->stats, SDT_STAT_PARKED);
		return;
	}
	sdt_drop(t->stats, why, skb);
	if (why == SDT_DROP_NO_PORT)
		no_port(t, kind, user);
}

void sdt_ports_suspect(struct sdt_tunnel *t, struct sdt_port *port)
{
	struct sdt_ports *p = port->pool;
	struct sdt_source *source;

	if (READ_ONCE(p->suspect))
		return;
	spin_lock_bh(&t->lock);
	source = sdt_port_source(p, port);
	if (source) {
		source->suspect = true;
		WRITE_ONCE(p->suspect, true);
		sdt_ports_wake(p, sdt_seconds(SDT_PORTS_RETRY));
	}
	spin_unlock_bh(&t->lock);
}

void sdt_ports_serve(struct sdt_ports *p)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_port_user *user;
	struct sdt_port *port;
	struct sk_buff *skb;

	do {
		port = NULL;
		local_bh_disable();
		rcu_read_lock();
		spin_lock(&t->lock);
		user = list_first_entry_or_null(&p->waiting, struct sdt_port_user, wait);
		if (user && p->free_count) {
			skb = sdt_ports_unpark(p, user);
			port = bind_port(p, user);
		}
		spin_unlock(&t->lock);
		if (port)
			sdt_ports_send_parked(p, user, port, skb);
		rcu_read_unlock();
		local_bh_enable();
	} while (port);
}

int sdt_ports_error(const struct sdt_ports *p)
{
	return READ_ONCE(p->error);
}

/* A user that never got a port is told so; one that waited for a new one keeps its old one. */
void sdt_ports_expire(struct sdt_ports *p)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_port_user *user;
	struct sk_buff *skb;
	enum sdt_stat why;

	do {
		skb = NULL;
		local_bh_disable();
		rcu_read_lock();
		spin_lock(&t->lock);
		user = list_first_entry_or_null(&p->waiting, struct sdt_port_user, wait);
		why = user && sdt_ports_exhausted(p) ? SDT_DROP_NO_PORT : SDT_DROP_PARK_TIMEOUT;
		if (user && (p->exhausted || time_after_eq(jiffies, user->deadline)))
			skb = sdt_ports_unpark(p, user);
		spin_unlock(&t->lock);
		if (skb) {
			sdt_drop(t->stats, why, skb);
			no_port(t, p->kind, user);
		}
		rcu_read_unlock();
		local_bh_enable();
	} while (skb);
}

/* ---- ports by their address, in pools without a target ----------------------- */

static const struct rhashtable_params mapping_params = {
	.head_offset = offsetof(struct sdt_port, hash),
	.key_offset = offsetof(struct sdt_port, key),
	.key_len = sizeof(struct sdt_port_key),
	.automatic_shrinking = true,
};

static_assert(sizeof(struct sdt_port_key) == 20);

static struct sdt_port_key port_key(const struct in6_addr *ip, __be16 number)
{
	return (struct sdt_port_key) { .ip = *ip, .number = (__force u16)number };
}

int sdt_ports_enter(struct sdt_ports *p, struct sdt_port *port, const struct in6_addr *local)
{
	if (!p->kind->family)
		return 0;
	port->key = port_key(local, port->number);
	return rhashtable_insert_fast(&p->mappings, &port->hash, mapping_params);
}

void sdt_ports_remove(struct sdt_ports *p, struct sdt_port *port)
{
	if (p->kind->family)
		rhashtable_remove_fast(&p->mappings, &port->hash, mapping_params);
}

struct sdt_port *sdt_ports_find(const struct sdt_ports *p, const struct sdt_endpoint *local)
{
	struct sdt_port_key key = port_key(&local->ip, local->port);

	return rhashtable_lookup((struct rhashtable *)&p->mappings, &key, mapping_params);
}

/* ---- life of the pool ----------------------------------------------------- */

/* t->lock or nobody else knows the pool. */
static void load_config(struct sdt_ports *p)
{
	const struct sdt_tunnel *t = p->tunnel;

	memset(&p->target, 0, sizeof(p->target));
	if (p->kind->family)
		p->target.family = p->kind->family;
	else
		p->target = t->target;
	memset(&p->egress, 0, sizeof(p->egress));
	p->addresses = 1;
	if (t->egress.family == p->target.family) {
		p->egress = t->egress;
		if (t->egress_last.family)
			p->addresses = sdt_range_count(t->egress.ip.s6_addr,
						       t->egress_last.ip.s6_addr);
	}
	p->lo = t->egress_port_lo;
	p->hi = t->egress_port_hi;
	WRITE_ONCE(p->clients, t->client_address == SDT_CLIENT_TRANSPARENT);
	p->config++;
}

int sdt_ports_create(struct sdt_tunnel *t, const struct sdt_ports_kind *kind)
{
	struct sdt_ports *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	lockdep_assert_held(&t->node->lock);
	if (!p)
		return -ENOMEM;
	if (kind->family && rhashtable_init(&p->mappings, &mapping_params)) {
		kfree(p);
		return -ENOMEM;
	}
	p->tunnel = t;
	p->kind = kind;
	p->low = SDT_PORTS_LOW_MIN;
	p->calm_since = jiffies;
	p->announced = get_jiffies_64();
	INIT_LIST_HEAD(&p->resting);
	INIT_LIST_HEAD(&p->retired);
	INIT_LIST_HEAD(&p->waiting);
	INIT_LIST_HEAD(&p->all);
	INIT_DELAYED_WORK(&p->work, sdt_ports_work);
	load_config(p);
	t->ports[kind->family == AF_INET6] = p;
	spin_lock_bh(&t->lock);
	sdt_ports_wake(p, 0);
	spin_unlock_bh(&t->lock);
	return 0;
}

static void pool_configure(struct sdt_ports *p, bool move)
{
	load_config(p);
	if (move && !p->kind->family)
		WRITE_ONCE(p->move, true);
	sdt_ports_forget_sources(p);
	p->exhausted = false;
	p->announced = get_jiffies_64();
	sdt_ports_wake(p, 0);
}

void sdt_ports_configure(struct sdt_tunnel *t, bool move)
{
	unsigned int i;

	lockdep_assert_held(&t->node->lock);
	spin_lock_bh(&t->lock);
	for (i = 0; i < ARRAY_SIZE(t->ports); i++)
		if (t->ports[i])
			pool_configure(t->ports[i], move);
	spin_unlock_bh(&t->lock);
}

static void pool_stop(struct sdt_ports *p)
{
	struct sdt_port *port;

	cancel_delayed_work_sync(&p->work);
	/* With the worker gone, no port comes or goes. */
	list_for_each_entry(port, &p->all, all)
		sdt_socket_detach(port->sock);
}

void sdt_ports_stop(struct sdt_tunnel *t)
{
	unsigned int i;

	WARN_ON_ONCE(!t->dead);
	for (i = 0; i < ARRAY_SIZE(t->ports); i++)
		if (t->ports[i])
			pool_stop(t->ports[i]);
}

/* Not later: a route of IPv6 must not outlive the namespace. */
static void dest_put_now(struct sdt_dest *dest)
{
	if (!--dest->users)
		sdt_dest_free_now(dest);
}

static void pool_free(struct sdt_ports *p)
{
	struct sdt_sources *s = p->sources;
	struct sdt_port *port, *next;
	unsigned int i;

	WARN_ON_ONCE(p->active_count || p->parked);
	list_for_each_entry_safe(port, next, &p->all, all) {
		sdt_ports_remove(p, port);
		sdt_socket_close(port->sock);
		dest_put_now(rcu_dereference_protected(port->dest, true));
		kmem_cache_free(sdt_port_cache, port);
		cond_resched();
	}
	for (i = 0; s && i < s->n; i++)
		dest_put_now(s->v[i].dest);
	kfree(s);
	if (p->kind->family)
		rhashtable_destroy(&p->mappings);
	kfree(p);
}

void sdt_ports_free(struct sdt_tunnel *t)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t->ports); i++)
		if (t->ports[i])
			pool_free(t->ports[i]);
	memset(t->ports, 0, sizeof(t->ports));
}

void sdt_ports_usage(struct sdt_tunnel *t, u32 *total, u32 *active, u32 *resting)
{
	unsigned int i;

	lockdep_assert_held(&t->node->lock);
	*total = 0;
	*active = 0;
	*resting = 0;
	spin_lock_bh(&t->lock);
	for (i = 0; i < ARRAY_SIZE(t->ports); i++) {
		const struct sdt_ports *p = t->ports[i];

		if (!p)
			continue;
		if (!p->clients)
			*total += sdt_range_ports(p->addresses, p->lo, p->hi);
		*active += p->active_count;
		*resting += p->resting_count;
	}
	spin_unlock_bh(&t->lock);
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
