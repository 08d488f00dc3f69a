// SPDX-License-Identifier: GPL-2.0
/* Egress sockets of a tunnel: the addresses that they are bound to. */
#include <linux/slab.h>

#include "compat/compat.h"
#include "event.h"
#include "ports_int.h"
#include "range.h"

/* ---- which they are -------------------------------------------------------- */

/* What a pool's worker takes from the configuration, before it lets go of t->lock. */
struct plan {
	struct sdt_endpoint target;
	struct sdt_endpoint egress;
	bool chosen;			/* @egress is not configured */
	u32 addresses;
	u32 config;
};

static void make_plan(struct sdt_ports *p, struct plan *plan)
{
	lockdep_assert_held(&p->tunnel->lock);
	memset(plan, 0, sizeof(*plan));
	plan->target = p->target;
	plan->egress = p->egress;
	plan->addresses = p->addresses;
	plan->config = p->config;
	plan->chosen = !p->egress.family;
}

/* t->lock. What to ask a route for; the datagram that waits is the last, once. */
static bool next_towards(struct sdt_ports *p, unsigned int n, bool *last,
			 struct sdt_endpoint *dst)
{
	if (*last)
		return false;
	memset(dst, 0, sizeof(*dst));
	if (p->kind->towards && p->kind->towards(p->tunnel, p->kind->family, n, dst))
		return true;
	*last = true;
	if (p->kind->towards)
		return sdt_ports_awaited(p, dst);
	*dst = p->target;
	return true;
}

/* The source that the stack chooses. -ENODATA: it will be known when there is a datagram. */
static int choose_source(struct sdt_ports *p, struct in6_addr *source)
{
	struct sdt_tunnel *t = p->tunnel;
	bool more, last = false;
	struct sdt_endpoint dst;
	int err = -ENODATA;
	unsigned int n;

	for (n = 0; err; n++) {
		spin_lock_bh(&t->lock);
		more = next_towards(p, n, &last, &dst);
		spin_unlock_bh(&t->lock);
		if (!more)
			break;
		err = sdt_source_for(t->node->net, &dst, dst.ifindex, 0, source);
	}
	return err;
}

static void sources_free(struct sdt_sources *s)
{
	unsigned int i;

	/* nobody has seen them */
	for (i = 0; i < s->n; i++)
		sdt_dest_free_now(s->v[i].dest);
	kfree(s);
}

static struct sdt_sources *sources_make(const struct plan *plan)
{
	u32 ifindex = plan->target.ifindex ?: plan->egress.ifindex;
	struct sdt_sources *s;
	struct in6_addr ip;

	s = kzalloc(struct_size(s, v, plan->addresses), GFP_KERNEL_ACCOUNT);
	if (!s)
		return NULL;
	s->chosen = plan->chosen;
	for (s->n = 0; s->n < plan->addresses; s->n++) {
		struct sdt_source *source = &s->v[s->n];

		sdt_range_at(plan->egress.ip.s6_addr, s->n, ip.s6_addr);
		source->dest = sdt_dest_alloc(&plan->target, &ip, ifindex, GFP_KERNEL_ACCOUNT);
		if (!source->dest) {
			sources_free(s);
			return NULL;
		}
		source->dest->users = 1;
		/* of what the stack chose, the first socket will show it */
		source->state = s->chosen ? SDT_SOURCE_OK : SDT_SOURCE_NEW;
		INIT_LIST_HEAD(&source->free);
	}
	return s;
}

/* Not under t->lock: a configuration that comes in between makes it void. */
int sdt_sources_learn(struct sdt_ports *p)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_sources *s;
	struct plan plan;
	bool known;
	int err = 0;

	spin_lock_bh(&t->lock);
	known = p->sources;
	if (!known)
		make_plan(p, &plan);
	spin_unlock_bh(&t->lock);
	if (known)
		return 0;

	if (plan.chosen) {
		err = choose_source(p, &plan.egress.ip);
		if (err)
			return err;
	}
	s = sources_make(&plan);
	if (!s)
		return -ENOMEM;
	spin_lock_bh(&t->lock);
	if (p->config == plan.config && !p->sources)
		p->sources = s;
	else
		err = -EAGAIN;
	spin_unlock_bh(&t->lock);
	if (err) {
		sources_free(s);
		return err;
	}
	sdt_sources_check(p);
	return 0;
}

/* t->lock. May it have a port to give? */
static bool may_give(const struct sdt_ports *p, struct sdt_source *source)
{
	if (source->state == SDT_SOURCE_GONE)
		return false;
	if (source->state == SDT_SOURCE_FULL && time_before64(get_jiffies_64(), source->until))
		return false;
	/* the source is a user of its dest, too */
	if (source->dest->users <= sdt_ports_range(p->lo, p->hi))
		return true;
	source->state = SDT_SOURCE_FULL;
	source->until = get_jiffies_64() + sdt_seconds(SDT_PORTS_RETRY_FULL);
	return false;
}

int sdt_sources_choose(struct sdt_ports *p, unsigned int *i)
{
	struct sdt_sources *s = p->sources;
	int err = -EADDRNOTAVAIL;
	unsigned int n, first;

	lockdep_assert_held(&p->tunnel->lock);
	if (!s)
		return -EAGAIN;
	first = p->kind->pack ? 0 : sdt_compat_random_below(s->n);
	for (n = 0; n < s->n; n++) {
		*i = (first + n) % s->n;
		if (may_give(p, &s->v[*i]))
			return 0;
		if (s->v[*i].state == SDT_SOURCE_FULL)
			err = -EADDRINUSE;
	}
	return err;
}

/* ---- addresses that are not there ------------------------------------------ */

static void announce(struct sdt_ports *p, enum sdt_event type, const struct sdt_dest *dest)
{
	struct sdt_endpoint source;
	const struct sdt_event_info info = {
		.type = type,
		.link = p->tunnel->link->name,
		.tunnel = p->tunnel->name,
		.endpoint = &source,
	};

	sdt_endpoint_make(&source, &dest->local, 0, dest->ifindex);
	sdt_event_send(p->tunnel->node, &info);
}

/* t->lock. The present source that binds to @dest, or NULL. */
static struct sdt_source *source_of(const struct sdt_ports *p, const struct sdt_dest *dest,
				    unsigned int *i)
{
	for (*i = 0; p->sources && *i < p->sources->n; ++*i)
		if (p->sources->v[*i].dest == dest)
			return &p->sources->v[*i];
	return NULL;
}

/* Users whose port is bound to @local need another one. */
static void leave_source(struct sdt_ports *p, const struct in6_addr *local)
{
	struct sdt_port *port;

	list_for_each_entry(port, &p->all, all) {
		spin_lock_bh(&p->tunnel->lock);
		if (ipv6_addr_equal(&sdt_port_dest(p, port)->local, local))
			WRITE_ONCE(port->stale, true);
		spin_unlock_bh(&p->tunnel->lock);
		cond_resched();
	}
}

static bool others_serve(const struct sdt_sources *s)
{
	unsigned int i;

	for (i = 0; i < s->n; i++)
		if (s->v[i].state != SDT_SOURCE_GONE)
			return true;
	return false;
}

/*
 * The host does not have the address of @dest, which the caller holds. Where the stack
 * chose it, everything moves to what it would choose now. Of a range, the others serve;
 * if there is none, users keep their ports, for the address may come back.
 */
static void source_lost(struct sdt_ports *p, struct sdt_dest *dest)
{
	bool news = false, leave = false;
	struct sdt_source *source;
	unsigned int i;

	spin_lock_bh(&p->tunnel->lock);
	source = source_of(p, dest, &i);
	if (source && p->sources->chosen) {
		sdt_ports_forget_sources(p);
		leave = true;
	} else if (source) {
		news = source->state != SDT_SOURCE_GONE;
		source->state = SDT_SOURCE_GONE;
		source->until = get_jiffies_64() + sdt_seconds(SDT_PORTS_RETRY_GONE);
		source->suspect = false;
		sdt_ports_retire_source(p, i);
		leave = news && others_serve(p->sources);
	}
	spin_unlock_bh(&p->tunnel->lock);
	if (news) {
		sdt_count(p->tunnel->stats, SDT_STAT_EGRESS_GONE);
		announce(p, SDT_EVENT_EGRESS_GONE, dest);
	}
	if (leave)
		leave_source(p, &dest->local);
}

/* The host has the address of @dest, which the caller holds. */
static void source_found(struct sdt_ports *p, struct sdt_dest *dest)
{
	struct sdt_source *source;
	bool news = false;
	unsigned int i;

	spin_lock_bh(&p->tunnel->lock);
	source = source_of(p, dest, &i);
	if (source) {
		news = source->state == SDT_SOURCE_GONE;
		source->suspect = false;
		if (news || source->state == SDT_SOURCE_NEW)
			source->state = SDT_SOURCE_OK;
	}
	spin_unlock_bh(&p->tunnel->lock);
	if (news)
		announce(p, SDT_EVENT_EGRESS_BACK, dest);
}

void sdt_source_failed(struct sdt_ports *p, const struct sdt_port *port, int err)
{
	struct sdt_source *source;
	struct sdt_dest *dest;

	spin_lock_bh(&p->tunnel->lock);
	dest = sdt_port_dest(p, port);
	source = sdt_port_source(p, port);
	if (source && err == -EADDRINUSE) {
		source->state = SDT_SOURCE_FULL;
		source->until = get_jiffies_64() + sdt_seconds(SDT_PORTS_RETRY_FULL);
	}
	spin_unlock_bh(&p->tunnel->lock);
	if (err == -EADDRNOTAVAIL)
		source_lost(p, dest);
}

/* Can a socket be bound there? */
static int probe(struct sdt_ports *p, const struct sdt_dest *dest)
{
	const struct sdt_socket_cfg cfg = {
		.family = dest->remote.family,
		.local = {
			.family = dest->remote.family,
			.ip = dest->local,
			.ifindex = dest->ifindex,
		},
	};
	struct socket *sock = sdt_socket_open(p->tunnel->node->net, &cfg);

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	sdt_socket_close(sock);
	return 0;
}

static bool check_due(const struct sdt_source *source)
{
	return source->state == SDT_SOURCE_NEW || source->suspect ||
	       (source->state == SDT_SOURCE_GONE && time_after_eq64(get_jiffies_64(), source->until));
}

static void check_source(struct sdt_ports *p, unsigned int i)
{
	struct sdt_dest *dest = NULL;
	int err;

	spin_lock_bh(&p->tunnel->lock);
	if (p->sources && i < p->sources->n && check_due(&p->sources->v[i])) {
		dest = p->sources->v[i].dest;
		dest->users++;
	}
	spin_unlock_bh(&p->tunnel->lock);
	if (!dest)
		return;
	err = probe(p, dest);
	if (!err)
		source_found(p, dest);
	else if (err == -EADDRNOTAVAIL)
		source_lost(p, dest);
	spin_lock_bh(&p->tunnel->lock);
	sdt_dest_put(dest);
	spin_unlock_bh(&p->tunnel->lock);
}

void sdt_sources_check(struct sdt_ports *p)
{
	unsigned int i, n;

	spin_lock_bh(&p->tunnel->lock);
	n = p->sources ? p->sources->n : 0;
	WRITE_ONCE(p->suspect, false);
	spin_unlock_bh(&p->tunnel->lock);
	for (i = 0; i < n; i++) {
		check_source(p, i);
		cond_resched();
	}
}

void sdt_sources_due(struct sdt_ports *p)
{
	u64 now = get_jiffies_64();
	unsigned int i;

	for (i = 0; p->sources && i < p->sources->n; i++) {
		const struct sdt_source *source = &p->sources->v[i];

		if (source->state == SDT_SOURCE_GONE)
			sdt_ports_wake(p, source->until > now ? source->until - now : 0);
		else if (source->state == SDT_SOURCE_NEW || source->suspect)
			sdt_ports_wake(p, sdt_seconds(SDT_PORTS_RETRY));
	}
}

/* ---- another target -------------------------------------------------------- */

/*
 * t->lock. Which source a port that is bound for @old may belong to while it stays bound
 * where it is. @i: its place. NULL: none.
 */
static struct sdt_dest *same_source(const struct sdt_ports *p, const struct sdt_dest *old, u32 *i)
{
	const struct sdt_sources *s = p->sources;
	const struct sdt_dest *first;

	if (!s || old->forged)
		return NULL;
	first = s->v[0].dest;
	if (old->remote.family != first->remote.family || old->ifindex != first->ifindex ||
	    !sdt_range_find(first->local.s6_addr, s->n, old->local.s6_addr, i))
		return NULL;
	return s->v[*i].dest;
}

int sdt_port_move(struct sdt_ports *p, struct sdt_port *port, struct sdt_dest *dest, u32 place)
{
	struct sdt_dest *old;
	int err;

	/* First the socket: nothing is sent to the new target before it can answer. */
	err = sdt_socket_connect(port->sock, &dest->remote);
	if (err)
		return err;
	spin_lock_bh(&p->tunnel->lock);
	old = sdt_port_dest(p, port);
	dest->users++;
	port->source = place;
	WRITE_ONCE(port->told, NULL);
	rcu_assign_pointer(port->dest, dest);
	sdt_dest_put(old);
	spin_unlock_bh(&p->tunnel->lock);
	return 0;
}

/* One that cannot stay bound is stale, and sdt_ports_send() gives its user another one. */
static void follow(struct sdt_ports *p, struct sdt_port *port)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_dest *dest = NULL;
	bool active;
	u32 place;

	spin_lock_bh(&t->lock);
	active = port->state == SDT_PORT_ACTIVE && !sdt_port_source(p, port);
	if (active)
		dest = same_source(p, sdt_port_dest(p, port), &place);
	if (dest)
		dest->users++;
	spin_unlock_bh(&t->lock);
	if (active && (!dest || sdt_port_move(p, port, dest, place)))
		WRITE_ONCE(port->stale, true);
	if (!dest)
		return;
	spin_lock_bh(&t->lock);
	sdt_dest_put(dest);
	spin_unlock_bh(&t->lock);
}

void sdt_sources_follow(struct sdt_ports *p)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_port *port;
	bool move;

	spin_lock_bh(&t->lock);
	move = p->move && p->sources;
	if (move)
		WRITE_ONCE(p->move, false);
	spin_unlock_bh(&t->lock);
	if (!move)
		return;
	list_for_each_entry(port, &p->all, all) {
		follow(p, port);
		cond_resched();
	}
}
