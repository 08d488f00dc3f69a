// SPDX-License-Identifier: GPL-2.0
/* Egress sockets of a tunnel: the worker, which does all that sleeps. */
#include <linux/slab.h>
#include <net/ip.h>

#include "compat/compat.h"
#include "event.h"
#include "ports_int.h"

#define SDT_PORTS_LOW_MAX	4096	/*  and at most, after the pool ran dry again and again */
#define SDT_PORTS_CALM		60	/* s without running dry: keep half as many */
#define SDT_PORTS_BATCH		64	/* sockets opened or closed between breaths */
#define SDT_PORTS_GUESSES	32	/* random ports tried before all are, in turn */

/* ---- an egress socket ---------------------------------------------------- */

/*
 * encap_rcv of an egress socket. Always consumes. A socket with a target is connected, so
 * the kernel filters sources; the mode compares all the same, because a socket is
 * bound before it is connected. The port lives as long as this RCU read side.
 */
static int port_rcv(struct sock *sk, struct sk_buff *skb)
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
			.ifindex = dest->remote.ifindex,
		},
		.rcv = port_rcv,
		.user_data = port,
	};
	struct socket *sock;

	if (!p->open_family)
		cfg.peer = dest->remote;
	if (inet_is_local_reserved_port(p->tunnel->node->net, number))
		return -EADDRINUSE;
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

/* ---- the worker: sockets -------------------------------------------------- */

/* t->lock. Nobody is sent to @dest any more, unless it is the present one. */
static void dest_put(struct sdt_ports *p, struct sdt_dest *dest)
{
	if (!--dest->users && dest != p->dest)
		sdt_dest_free(dest);
}

/* @allow's entry @i, as an address to ask a route for. False: it leads nowhere in particular. */
static bool allow_probe(const struct sdt_prefixes *allow, unsigned int i, u16 family,
			struct sdt_endpoint *e)
{
	const struct sdt_prefix *prefix = &allow->v[i];
	struct in6_addr ip;

	memcpy(&ip, prefix->ip, sizeof(ip));
	if (!prefix->len || prefix->len == SDT_PREFIX_V4_BITS)
		return false;
	/* a network's first address may mean broadcast */
	if (prefix->len < 128)
		ip.s6_addr[15] |= 1;
	sdt_endpoint_make(e, &ip, 0, 0);
	return e->family == family;
}

/*
 * The source of a pool without a target and without an egress address, see
 * sdt_ports_create_open(). -ENODATA: it will be known when there is a datagram.
 */
static int open_source(struct sdt_ports *p, struct in6_addr *source)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_endpoint to;
	unsigned int i = 0;
	bool more, ask;

	do {
		const struct sdt_prefixes *allow;

		rcu_read_lock();
		allow = rcu_dereference(t->allow);
		more = allow && i < allow->n;
		ask = more && allow_probe(allow, i++, p->open_family, &to);
		rcu_read_unlock();
		if (ask && !sdt_source_for(t->node->net, &to, 0, 0, source))
			return 0;
	} while (more);
	if (!sdt_ports_first_waiting(p, &to))
		return -ENODATA;
	return sdt_source_for(t->node->net, &to, 0, 0, source);
}

/*
 * Learn what to bind to, if it is not known. Not under t->lock: a configuration
 * that comes in between makes it void. Return: 0, -EAGAIN if so, or -errno.
 */
static int find_dest(struct sdt_ports *p)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_endpoint target, egress;
	struct sdt_dest *dest;
	u32 config;
	int err = 0;

	spin_lock_bh(&t->lock);
	dest = p->dest;
	target = p->target;
	egress = p->egress;
	config = p->config;
	spin_unlock_bh(&t->lock);
	if (dest)
		return 0;

	if (!egress.family)
		err = p->open_family ? open_source(p, &egress.ip) :
				       sdt_source_for(t->node->net, &target, target.ifindex, 0,
						      &egress.ip);
	if (err)
		return err;
	dest = sdt_dest_alloc(&target, &egress.ip, target.ifindex, GFP_KERNEL_ACCOUNT);
	if (!dest)
		return -ENOMEM;
	spin_lock_bh(&t->lock);
	if (p->config == config && !p->dest)
		p->dest = dest;
	else
		err = -EAGAIN;
	spin_unlock_bh(&t->lock);
	if (err)
		sdt_dest_free(dest);
	return err;
}

/* ---- the worker: another target ------------------------------------------- */

/* Connect @port, of an open channel, to @dest; it stays bound where it is. */
static int port_move(struct sdt_ports *p, struct sdt_port *port, struct sdt_dest *dest)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_dest *old;
	int err;

	/* First the socket: nothing is sent to the new target before it can answer. */
	err = sdt_socket_connect(port->sock, &dest->remote);
	if (err)
		return err;
	spin_lock_bh(&t->lock);
	old = sdt_port_dest(p, port);
	dest->users++;
	rcu_assign_pointer(port->dest, dest);
	dest_put(p, old);
	spin_unlock_bh(&t->lock);
	return 0;
}

static bool same_source(const struct sdt_dest *a, const struct sdt_dest *b)
{
	return a->remote.family == b->remote.family && a->remote.ifindex == b->remote.ifindex &&
	       ipv6_addr_equal(&a->local, &b->local);
}

/*
 * Ports of open channels follow to @dest, which the caller holds. One that can stay
 * bound where it is does, so that no free ports are needed; any other is stale, and
 * sdt_ports_send() gives its channel another one.
 */
static void move_ports(struct sdt_ports *p, struct sdt_dest *dest)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_port *port;

	list_for_each_entry(port, &p->all, all) {
		const struct sdt_dest *old;
		bool active, can;

		spin_lock_bh(&t->lock);
		old = sdt_port_dest(p, port);
		active = port->state == SDT_PORT_ACTIVE && old != dest;
		can = active && same_source(old, dest);
		spin_unlock_bh(&t->lock);
		if (active && (!can || port_move(p, port, dest)))
			WRITE_ONCE(port->stale, true);
		cond_resched();
	}
}

/* Channels whose port is bound to @local need another one. */
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

/* The target changed, and what to bind to is known now. */
static void follow_target(struct sdt_ports *p)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_dest *dest = NULL;

	spin_lock_bh(&t->lock);
	if (p->move && p->dest) {
		WRITE_ONCE(p->move, false);
		dest = p->dest;
		dest->users++;
	}
	spin_unlock_bh(&t->lock);
	if (!dest)
		return;
	move_ports(p, dest);
	spin_lock_bh(&t->lock);
	dest_put(p, dest);
	spin_unlock_bh(&t->lock);
}

/* ---- the worker: more and fewer sockets ------------------------------------ */

/*
 * t->lock. Every port of the range is taken: by channels, at rest, or by others on this
 * host. To try them all is dear, so that is not done again at once. -EAGAIN: a new
 * configuration came meanwhile.
 */
static int found_full(struct sdt_ports *p, const struct sdt_dest *dest)
{
	if (dest != p->dest)
		return -EAGAIN;
	p->full = true;
	p->full_until = jiffies + sdt_seconds(SDT_PORTS_RETRY_FULL);
	return -EADDRINUSE;
}

/* One more socket for p->dest. */
static int add_port(struct sdt_ports *p)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_dest *dest;
	struct sdt_port *port;
	u16 lo, hi;
	int err;

	port = kmem_cache_zalloc(sdt_port_cache, GFP_KERNEL);
	if (!port)
		return -ENOMEM;
	port->tunnel = t;
	port->pool = p;

	spin_lock_bh(&t->lock);
	dest = p->dest;
	lo = p->lo;
	hi = p->hi;
	if (!dest)
		err = -EAGAIN;
	else if (dest->users >= sdt_ports_range(lo, hi))
		err = found_full(p, dest);
	else
		err = 0;
	if (!err)
		dest->users++;
	spin_unlock_bh(&t->lock);
	if (err)
		goto free;

	RCU_INIT_POINTER(port->dest, dest);
	err = port_open_range(p, port, dest, lo, hi);
	if (err)
		goto put;
	err = sdt_ports_enter(p, port, &dest->local);
	if (err)
		goto close;
	list_add(&port->all, &p->all);

	spin_lock_bh(&t->lock);
	if (dest == p->dest)
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
	spin_lock_bh(&t->lock);
	if (err == -EADDRINUSE)
		err = found_full(p, dest);
	dest_put(p, dest);
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

static void announce_exhausted(struct sdt_tunnel *t)
{
	const struct sdt_event_info info = {
		.type = SDT_EVENT_PORTS_EXHAUSTED,
		.link = t->link->name,
		.tunnel = t->name,
	};

	sdt_event_send(t->node, &info);
}

/* No socket can be opened; if none is free either, that is the end for now. */
static void run_out(struct sdt_ports *p)
{
	bool announce = false;

	spin_lock_bh(&p->tunnel->lock);
	if (list_empty(&p->free)) {
		p->exhausted = true;
		announce = !p->announced;
		p->announced = true;
	}
	spin_unlock_bh(&p->tunnel->lock);
	if (announce)
		announce_exhausted(p->tunnel);
}

static bool still_full(struct sdt_ports *p)
{
	bool full;

	spin_lock_bh(&p->tunnel->lock);
	if (p->full && time_after_eq(jiffies, p->full_until))
		p->full = false;
	full = p->full;
	spin_unlock_bh(&p->tunnel->lock);
	return full;
}

static int refill_one(struct sdt_ports *p)
{
	int err = find_dest(p);

	if (err)
		return err;
	follow_target(p);
	return missing(p) ? add_port(p) : 0;
}

/* Return: jiffies until another attempt makes sense, 0: all is well. */
static unsigned long refill(struct sdt_ports *p)
{
	unsigned int opened = 0;
	int err = 0;

	if (still_full(p)) {
		run_out(p);
		return sdt_seconds(SDT_PORTS_RETRY_FULL);
	}
	while (!err && !READ_ONCE(p->tunnel->dead) && (READ_ONCE(p->move) || missing(p))) {
		err = refill_one(p);
		if (err == -EAGAIN)
			err = 0;
		sdt_ports_serve(p);
		if (++opened % SDT_PORTS_BATCH == 0)
			cond_resched();
	}
	if (err == -EADDRINUSE) {
		run_out(p);
		return sdt_seconds(SDT_PORTS_RETRY_FULL);
	}
	if (err == -EADDRNOTAVAIL) {
		/* bind() says so: perhaps the address moved */
		spin_lock_bh(&p->tunnel->lock);
		WRITE_ONCE(p->suspect, !p->egress.family);
		spin_unlock_bh(&p->tunnel->lock);
	}
	/* -ENODATA: the datagram that tells wakes the worker */
	return err && err != -ENODATA ? sdt_seconds(SDT_PORTS_RETRY) : 0;
}

/* t->lock. All that is free serves no more. */
static void retire_free(struct sdt_ports *p)
{
	struct sdt_port *port;

	list_for_each_entry(port, &p->free, node)
		port->state = SDT_PORT_CLOSING;
	list_splice_tail_init(&p->free, &p->retired);
	p->free_count = 0;
}

/* t->lock. The next socket will be bound anew. */
void sdt_ports_forget_dest(struct sdt_ports *p)
{
	struct sdt_dest *dest = p->dest;

	p->dest = NULL;
	if (dest && !dest->users)
		sdt_dest_free(dest);
	retire_free(p);
}

/*
 * Sending failed. If the source address that the stack chose is no longer this
 * host's, everything moves to the one that it would choose now.
 */
static void check_source(struct sdt_ports *p)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_socket_cfg cfg = {};
	bool suspect, gone;
	struct socket *sock;

	spin_lock_bh(&t->lock);
	suspect = p->suspect && p->dest;
	WRITE_ONCE(p->suspect, false);
	if (suspect) {
		cfg.family = p->dest->remote.family;
		cfg.local.family = cfg.family;
		cfg.local.ip = p->dest->local;
		cfg.local.ifindex = p->dest->remote.ifindex;
	}
	spin_unlock_bh(&t->lock);
	if (!suspect)
		return;

	sock = sdt_socket_open(t->node->net, &cfg);
	if (!IS_ERR(sock)) {
		sdt_socket_close(sock);
		return;
	}
	if (PTR_ERR(sock) != -EADDRNOTAVAIL)
		return;
	spin_lock_bh(&t->lock);
	gone = !p->egress.family && p->dest && ipv6_addr_equal(&p->dest->local, &cfg.local.ip);
	if (gone)
		sdt_ports_forget_dest(p);
	spin_unlock_bh(&t->lock);
	if (gone)
		leave_source(p, &cfg.local.ip);
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
		dest_put(p, sdt_port_dest(p, port));
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
		if (sdt_port_dest(p, port) == p->dest)
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
	for (surplus = min_t(unsigned int, surplus, SDT_PORTS_BATCH); surplus; surplus--) {
		struct sdt_port *port = list_first_entry(&p->free, struct sdt_port, node);

		list_del(&port->node);
		p->free_count--;
		sdt_ports_retire(p, port);
	}
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
	struct sdt_channel *c;
	struct sdt_port *port;

	if (retry)
		sdt_ports_wake(p, retry);
	if (p->suspect)
		sdt_ports_wake(p, sdt_seconds(SDT_PORTS_RETRY));
	c = list_first_entry_or_null(&p->waiting, struct sdt_channel, server.wait);
	if (c)
		sdt_ports_wake(p, until(c->server.deadline));
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
	unsigned long retry;

	/* What arms it from here on is not forgotten. */
	spin_lock_bh(&p->tunnel->lock);
	p->armed = false;
	spin_unlock_bh(&p->tunnel->lock);

	check_source(p);
	adjust(p);
	sdt_ports_serve(p);
	retry = refill(p);
	while (end_rest(p))
		cond_resched();
	sdt_ports_expire(p);
	close_retired(p);

	spin_lock_bh(&p->tunnel->lock);
	sleep_until_due(p, retry);
	spin_unlock_bh(&p->tunnel->lock);
}
