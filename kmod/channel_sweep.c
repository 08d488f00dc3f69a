// SPDX-License-Identifier: GPL-2.0
/* Channels: expiry, by a worker that walks them a slice at a time. */
#include "channel_int.h"
#include "compat/compat.h"
#include "contacts.h"
#include "ingress.h"

#define SDT_SWEEP_SLICE		512	/* channels looked at with BH off */
#define SDT_SWEEP_CLOSE		64	/* closed before the lanes get their turn */
#define SDT_SWEEP_SHARE		8	/* a pass each idle / SHARE, within the bounds below */
#define SDT_SWEEP_MIN		1	/* s */
#define SDT_SWEEP_MAX		10	/* s */

/* Idle times of a tunnel during one pass, in jiffies. */
struct idle_times {
	unsigned long idle;
	unsigned long oneshot;		/* of channels that had one datagram each way */
};

/* seen lags behind by up to a second */
static void idle_times(const struct sdt_tunnel *t, struct idle_times *max)
{
	u32 oneshot = sdt_tunnel_idle_oneshot(t);

	max->idle = sdt_seconds(READ_ONCE(t->idle)) + t->channels->second;
	max->oneshot = oneshot ? sdt_seconds(oneshot) + t->channels->second : max->idle;
}

/* A question and its answer, on a well-known port: there will hardly be more. */
static bool oneshot(const struct sdt_tunnel *t, const struct sdt_channel *c)
{
	return READ_ONCE(c->in.datagrams) == 1 && READ_ONCE(c->out.datagrams) == 1 &&
	       (READ_ONCE(t->target.port) || c->low_port);
}

/* Why @c must end now, or 0. */
static enum sdt_close_reason must_end(struct sdt_tunnel *t, struct sdt_channel *c,
				      const struct idle_times *max)
{
	if (READ_ONCE(c->state) == SDT_CHANNEL_REFUSED)
		return sdt_channel_held(t->channels, c) ? 0 : SDT_CLOSE_PEER;
	if (sdt_channels_at_server(t) && sdt_channel_epoch_void(t->link, c->epoch))
		return SDT_CLOSE_EPOCH;
	return sdt_channel_idle(t, c) > (oneshot(t, c) ? max->oneshot : max->idle) ?
	       SDT_CLOSE_IDLE : 0;
}

/* An idle channel goes where eviction looks first. */
static void offer_eviction(struct sdt_tunnel *t, struct sdt_channel *c)
{
	if (READ_ONCE(t->at_limit) != SDT_AT_LIMIT_EVICT_IDLE ||
	    sdt_channel_idle(t, c) < sdt_seconds(SDT_EVICT_FLOOR))
		return;
	spin_lock_bh(&t->lock);
	if (c->state != SDT_CHANNEL_DEAD) {
		list_move(&c->lru, &t->channels->lru);
		if (c->customer)
			list_move(&c->customer_lru, &c->customer->lru);
	}
	spin_unlock_bh(&t->lock);
}

/*
 * Calls @visit for some channels from *@index on, BH off and under RCU; it says
 * whether it ended the channel. Return: false: there are no more.
 */
static bool walk_slice(struct sdt_tunnel *t, unsigned long *index,
		       bool (*visit)(struct sdt_tunnel *t, struct sdt_channel *c, const void *arg),
		       const void *arg)
{
	unsigned int looked = 0, closed = 0;
	struct sdt_channel *c = NULL;
	bool more = true;

	local_bh_disable();
	rcu_read_lock();
	while (more && looked++ < SDT_SWEEP_SLICE && closed < SDT_SWEEP_CLOSE) {
		c = xa_find(&t->channels->ids, index, U32_MAX, XA_PRESENT);
		more = c && *index < U32_MAX;
		++*index;
		if (c && visit(t, c, arg))
			closed++;
	}
	rcu_read_unlock();
	local_bh_enable();
	return more;
}

void sdt_channels_walk(struct sdt_tunnel *t,
		       bool (*visit)(struct sdt_tunnel *t, struct sdt_channel *c, const void *arg),
		       const void *arg)
{
	unsigned long index = 0;

	while (walk_slice(t, &index, visit, arg))
		cond_resched();
}

static bool visit_sweep(struct sdt_tunnel *t, struct sdt_channel *c, const void *arg)
{
	enum sdt_close_reason reason = must_end(t, c, arg);

	if (reason)
		return sdt_channel_close(t, c, reason);
	offer_eviction(t, c);
	if (t->contacts)
		sdt_contacts_trim(t, c);
	return false;
}

void sdt_channels_sweep_work(struct work_struct *work)
{
	struct sdt_channels *chs = container_of(to_delayed_work(work), struct sdt_channels, sweep);
	struct sdt_tunnel *t = chs->tunnel;
	u32 idle = sdt_tunnel_idle_oneshot(t) ?: READ_ONCE(t->idle);
	unsigned long pause = sdt_seconds(clamp_t(u32, idle / SDT_SWEEP_SHARE,
						  SDT_SWEEP_MIN, SDT_SWEEP_MAX));
	struct idle_times max;

	idle_times(t, &max);
	sdt_channels_walk(t, visit_sweep, &max);
	spin_lock_bh(&t->lock);
	if (chs->count && !t->dead)
		queue_delayed_work(sdt_wq, &chs->sweep, pause);
	spin_unlock_bh(&t->lock);
}

void sdt_channels_sweep_soon(struct sdt_tunnel *t)
{
	if (!READ_ONCE(t->dead))
		mod_delayed_work(sdt_wq, &t->channels->sweep, 0);
}

static bool visit_relisten(struct sdt_tunnel *t, struct sdt_channel *c, const void *arg)
{
	struct sdt_endpoint local;

	sdt_channel_local(c, &local);
	return !sdt_listen_covers(arg, &local) && sdt_channel_close(t, c, SDT_CLOSE_CONFIG);
}

void sdt_channels_relisten(struct sdt_tunnel *t, const struct sdt_endpoint *listen)
{
	lockdep_assert_held(&t->node->lock);
	sdt_channels_walk(t, visit_relisten, listen);
}
