// SPDX-License-Identifier: GPL-2.0
/* Egress sockets of a tunnel: the worker, which does all that sleeps. */
#include <linux/slab.h>
#include <net/ip.h>

#include "compat/compat.h"
#include "icmp.h"
#include "event.h"
#include "ports_int.h"

#define SDT_PORTS_LOW_MAX	4096	/*  and at most, after the pool ran dry again and again */
#define SDT_PORTS_CALM		60	/* s without running dry: keep half as many */
#define SDT_PORTS_BATCH		64	/* sockets opened or closed between breaths */
#define SDT_PORTS_GUESSES	32	/* random ports tried before all are, in turn */

/* ---- an egress socket ---------------------------------------------------- */

/*
 * encap_rcv of an egress socket. Always consumes. Where the socket is connected, the
 * kernel filters sources; the mode compares all the same, because a socket is
 * bound before it is connected. The port lives as long as this RCU read side.
 */
int sdt_port_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct sdt_port *port = rcu_dereference_sk_user_data(sk);
	struct sdt_tunnel *t;
	struct sdt_packet p;
	int err;

	if (unlikely(!port)) {
		kfree_skb(skb);
		return 0;
	}
	t = port->tunnel;
	err = sdt_packet_parse(skb, &p);
	if (unlikely(err))
		sdt_drop(t->stats, err == -EADDRNOTAVAIL ? SDT_DROP_IN_MULTICAST :
							   SDT_DROP_IN_SHAPE, skb);
	else
		t->ops->answer(t, port, skb, &p);
	return 0;
}

static int port_open(struct sdt_ports *p, struct sdt_port *port, const struct sdt_dest *dest,
		     u16 number)
{
	struct sdt_socket_cfg cfg = {
		.family = dest->remote.family,
		.local = {
			.family = dest->remote.family,
			.ip = dest->local,
			.port = htons(number),
			.ifindex = dest->ifindex,
		},
		.rcv = sdt_port_rcv,
		.err = sdt_icmp_port_error,
		.user_data = port,
	};
	struct socket *sock;

	if (inet_is_local_reserved_port(p->tunnel->node->net, number))
		return -EADDRINUSE;
	if (!p->kind->family)
		cfg.peer = dest->remote;
	port->number = htons(number);
	sock = sdt_socket_open(p->tunnel->node->net, &cfg);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	port->sock = sock;
	return 0;
}

/*
 * On a port of [@lo, @hi]: a random one, so that nobody can foretell it. The bound
 * socket is the only record of a port in use, whoever uses it. When guessing
 * fails again and again, the range is nearly full: then all ports in turn.
 */
static int port_open_range(struct sdt_ports *p, struct sdt_port *port,
			   const struct sdt_dest *dest, u16 lo, u16 hi)
{
	unsigned int range = sdt_ports_range(lo, hi);
	unsigned int i, first;
	int err;

	for (i = 0; i < SDT_PORTS_GUESSES; i++) {
		err = port_open(p, port, dest, lo + sdt_compat_random_below(range));
		if (err != -EADDRINUSE)
			return err;
	}
	first = sdt_compat_random_below(range);
	for (i = 0; i < range && !READ_ONCE(p->tunnel->dead); i++) {
		err = port_open(p, port, dest, lo + (first + i) % range);
		if (err != -EADDRINUSE)
			return err;
		cond_resched();
	}
	return -EADDRINUSE;
}

/* ---- the worker: more and fewer sockets ------------------------------------ */

/* t->lock. May @port, on no list, serve whoever comes? */
static bool usable(const struct sdt_ports *p, const struct sdt_port *port)
{
	const struct sdt_source *source = sdt_port_source(p, port);

	return source && source->state != SDT_SOURCE_GONE && !port->stale;
}

/* t->lock. @port will be bound at one of the sources; it counts as one of its users. */
static int place_port(struct sdt_ports *p, struct sdt_port *port, u16 *lo, u16 *hi)
{
	struct sdt_dest *dest;
	unsigned int i;
	int err;

	err = sdt_sources_choose(p, &i);
	if (err)
		return err;
	dest = p->sources->v[i].dest;
	dest->users++;
	port->source = i;
	RCU_INIT_POINTER(port->dest, dest);
	*lo = p->lo;
	*hi = p->hi;
	return 0;
}

/*
 * One more socket. Return: 0; -EAGAIN: not there, but try again, for another source may
 * have one; -EADDRINUSE: none has; or another -errno.
 */
static int add_port(struct sdt_ports *p)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_dest *dest;
	struct sdt_port *port;
	bool chosen;
	u16 lo, hi;
	int err;

	port = kmem_cache_zalloc(sdt_port_cache, GFP_KERNEL);
	if (!port)
		return -ENOMEM;
	port->tunnel = t;
	port->pool = p;

	spin_lock_bh(&t->lock);
	err = place_port(p, port, &lo, &hi);
	chosen = p->sources && p->sources->chosen;
	spin_unlock_bh(&t->lock);
	if (err)
		goto free;
	dest = rcu_dereference_protected(port->dest, true);
	err = port_open_range(p, port, dest, lo, hi);
	if (err)
		goto put;
	err = sdt_ports_enter(p, port, &dest->local);
	if (err)
		goto close;
	list_add(&port->all, &p->all);

	spin_lock_bh(&t->lock);
	if (usable(p, port))
		sdt_ports_make_free(p, port);
	else
		sdt_ports_retire(p, port);
	spin_unlock_bh(&t->lock);
	return 0;

close:
	/* Somebody may have written to it already. */
	sdt_socket_detach(port->sock);
	synchronize_rcu();
	sdt_socket_close(port->sock);
put:
	if (err == -EADDRINUSE || err == -EADDRNOTAVAIL) {
		sdt_source_failed(p, port, err);
		/* what the stack chooses next may be no better: not at once */
		err = chosen && err == -EADDRNOTAVAIL ? err : -EAGAIN;
	}
	spin_lock_bh(&t->lock);
	sdt_dest_put(dest);
	spin_unlock_bh(&t->lock);
free:
	kmem_cache_free(sdt_port_cache, port);
	return err;
}

/* How many sockets are missing now. */
static unsigned int missing(struct sdt_ports *p)
{
	unsigned int want;

	spin_lock_bh(&p->tunnel->lock);
	want = sdt_ports_free_wanted(p) + p->parked;
	want = want > p->free_count ? want - p->free_count : 0;
	spin_unlock_bh(&p->tunnel->lock);
	return want;
}

/* No socket can be opened; if none is free either, that is the end for now. */
static void run_out(struct sdt_ports *p)
{
	spin_lock_bh(&p->tunnel->lock);
	if (!p->free_count)
		p->exhausted = true;
	spin_unlock_bh(&p->tunnel->lock);
}

static void tell_exhausted(struct sdt_ports *p)
{
	const struct sdt_event_info info = {
		.type = SDT_EVENT_PORTS_EXHAUSTED,
		.link = p->tunnel->link->name,
		.tunnel = p->tunnel->name,
	};
	bool announce;

	spin_lock_bh(&p->tunnel->lock);
	announce = p->announce;
	p->announce = false;
	if (announce)
		p->announced = get_jiffies_64() + sdt_seconds(SDT_PORTS_RETRY_FULL);
	spin_unlock_bh(&p->tunnel->lock);
	if (announce)
		sdt_event_send(p->tunnel->node, &info);
}

static int refill_one(struct sdt_ports *p)
{
	int err = sdt_sources_learn(p);

	if (err)
		return err;
	sdt_sources_follow(p);
	return missing(p) ? add_port(p) : 0;
}

/* Return: jiffies until another attempt makes sense, 0: all is well. */
static unsigned long refill(struct sdt_ports *p)
{
	unsigned int opened = 0;
	int err = 0;

	if (READ_ONCE(p->clients)) {
		sdt_ports_serve_clients(p);
		return 0;
	}
	while (!err && !READ_ONCE(p->tunnel->dead) && (READ_ONCE(p->move) || missing(p))) {
		err = refill_one(p);
		if (err == -EAGAIN)
			err = 0;
		WRITE_ONCE(p->error, err);
		sdt_ports_serve(p);
		if (++opened % SDT_PORTS_BATCH == 0)
			cond_resched();
	}
	if (err == -EADDRINUSE) {
		run_out(p);
		return sdt_seconds(SDT_PORTS_RETRY_FULL);
	}
	/* -ENODATA: the datagram that tells wakes the worker */
	return err && err != -ENODATA ? sdt_seconds(SDT_PORTS_RETRY) : 0;
}

/* Close what is on @list: nobody else can find it, but by its socket. */
static void close_ports(struct sdt_ports *p, struct list_head *list)
{
	struct sdt_port *port, *next;

	if (list_empty(list))
		return;
	list_for_each_entry(port, list, node) {
		sdt_ports_remove(p, port);
		sdt_socket_detach(port->sock);
	}
	synchronize_rcu();
	list_for_each_entry_safe(port, next, list, node) {
		sdt_socket_close(port->sock);
		list_del(&port->all);
		spin_lock_bh(&p->tunnel->lock);
		sdt_dest_put(sdt_port_dest(p, port));
		spin_unlock_bh(&p->tunnel->lock);
		kmem_cache_free(sdt_port_cache, port);
		cond_resched();
	}
}

static void close_retired(struct sdt_ports *p)
{
	LIST_HEAD(list);

	spin_lock_bh(&p->tunnel->lock);
	list_splice_init(&p->retired, &list);
	spin_unlock_bh(&p->tunnel->lock);
	close_ports(p, &list);
}

/* Ports that have rested are free again. Return: false: no more of them. */
static bool end_rest(struct sdt_ports *p)
{
	unsigned long rest = sdt_seconds(SDT_PORT_REST_TIME);
	struct sdt_port *port, *next;
	unsigned int n = 0;
	unsigned long gp = 0;
	LIST_HEAD(list);

	spin_lock_bh(&p->tunnel->lock);
	list_for_each_entry_safe(port, next, &p->resting, node) {
		if (n == SDT_PORTS_BATCH || time_before(jiffies, port->since + rest))
			break;
		gp = port->gp;
		list_move_tail(&port->node, &list);
		p->resting_count--;
		n++;
	}
	spin_unlock_bh(&p->tunnel->lock);
	if (!n)
		return false;

	/* The last one's covers all: no reader holds one of these from before. */
	cond_synchronize_rcu(gp);
	spin_lock_bh(&p->tunnel->lock);
	list_for_each_entry_safe(port, next, &list, node) {
		list_del(&port->node);
		if (usable(p, port))
			sdt_ports_make_free(p, port);
		else
			sdt_ports_retire(p, port);
	}
	spin_unlock_bh(&p->tunnel->lock);
	sdt_ports_serve(p);
	return true;
}

/* Keep more free after running dry, fewer after a calm time; close the surplus. */
static void adjust(struct sdt_ports *p)
{
	unsigned int surplus;

	spin_lock_bh(&p->tunnel->lock);
	if (p->dry) {
		p->low = min_t(unsigned int, p->low * 2, SDT_PORTS_LOW_MAX);
		p->calm_since = jiffies;
	} else if (jiffies - p->calm_since >= sdt_seconds(SDT_PORTS_CALM)) {
		p->low = max_t(unsigned int, p->low / 2, SDT_PORTS_LOW_MIN);
		p->calm_since = jiffies;
	}
	p->dry = false;
	surplus = p->free_count > 2 * p->low ? p->free_count - 2 * p->low : 0;
	for (surplus = min_t(unsigned int, surplus, SDT_PORTS_BATCH); surplus; surplus--)
		sdt_ports_retire(p, sdt_ports_pop(p));
	spin_unlock_bh(&p->tunnel->lock);
}

static unsigned long until(unsigned long at)
{
	unsigned long now = jiffies;

	return time_after(at, now) ? at - now : 0;
}

/* t->lock. Arm the worker for whatever is due next. */
static void sleep_until_due(struct sdt_ports *p, unsigned long retry)
{
	unsigned long rest = sdt_seconds(SDT_PORT_REST_TIME);
	struct sdt_port_user *user;
	struct sdt_port *port;

	if (retry)
		sdt_ports_wake(p, retry);
	sdt_sources_due(p);
	user = list_first_entry_or_null(&p->waiting, struct sdt_port_user, wait);
	if (user)
		sdt_ports_wake(p, until(user->deadline));
	port = list_first_entry_or_null(&p->resting, struct sdt_port, node);
	if (port)
		sdt_ports_wake(p, until(port->since + rest));
	if (!list_empty(&p->retired))
		sdt_ports_wake(p, 0);
	else if (p->free_count > 2 * p->low)
		sdt_ports_wake(p, sdt_seconds(1));
	else if (p->low > SDT_PORTS_LOW_MIN)
		sdt_ports_wake(p, sdt_seconds(SDT_PORTS_CALM));
}

void sdt_ports_work(struct work_struct *work)
{
	struct sdt_ports *p = container_of(to_delayed_work(work), struct sdt_ports, work);
	struct mem_cgroup *before;
	unsigned long retry;

	/* What arms it from here on is not forgotten. */
	spin_lock_bh(&p->tunnel->lock);
	p->armed = false;
	spin_unlock_bh(&p->tunnel->lock);

	sdt_sources_check(p);
	adjust(p);
	sdt_ports_serve(p);
	before = sdt_compat_charge(p->tunnel->memcg);
	retry = refill(p);
	sdt_compat_charge(before);
	while (end_rest(p))
		cond_resched();
	sdt_ports_expire(p);
	tell_exhausted(p);
	close_retired(p);

	spin_lock_bh(&p->tunnel->lock);
	sleep_until_due(p, retry);
	spin_unlock_bh(&p->tunnel->lock);
}
