// SPDX-License-Identifier: GPL-2.0
/*
 * The path MTU of a link. plpmtud.c decides, this file gives it a clock, sends
 * its probes, and makes known what it came to.
 *
 * A probe is PING and PAD in a message of the size in question; its PONG is
 * bare. Probes are sent when a session begins and while long messages are:
 * an idle link is silent.
 */
#include <linux/jiffies.h>
#include <linux/random.h>

#include "compat/compat.h"
#include "event.h"
#include "lane.h"
#include "link.h"

#define PROBE_TIMER		1	/* s, RFC 8899: not less than that */
#define PROBE_TIMER_LEAST	(HZ / 4)	/* however much the tests divide times */
#define PROBE_LEAST		64	/* a path, or a peer, that takes less is let alone */
#define PROBES_PER_SECOND	(SDT_PINGS_PER_SECOND / 2)	/* the peer answers other PINGs, too */
#define CONFIRM_INTERVAL	2	/* s, while long messages are sent */
#define RAISE_TIMER		600	/* s, RFC 8899: PMTU_RAISE_TIMER */
#define RAISE_TIMER_HINTED	60	/* s, if ICMP said it: forged, it is not to last */
#define LONG_LATELY		5	/* s since the last long message: nobody sends any */

/* What is left to do when the lock is released. */
struct effect {
	u32 probe;
	u8 lane;
	u8 opaque[SDT_PING_LEN];
	bool changed;			/* to be counted and announced */
	u16 size;
};

unsigned int sdt_pmtu_payload(const struct sdt_link *link)
{
	return READ_ONCE(link->pmtu.payload);
}

unsigned int sdt_pmtu_tell(const struct sdt_link *link)
{
	return READ_ONCE(link->pmtu.tell);
}

/* ---- probes -------------------------------------------------------------- */

/* Is it time for the probe that is due? Lock. */
static bool take_probe(struct sdt_pmtu *pm, struct effect *e)
{
	if (!pm->m.due)
		return false;
	if (time_after_eq(jiffies, pm->window + HZ)) {
		pm->window = jiffies;
		pm->sent_in_window = 0;
	}
	if (pm->sent_in_window >= PROBES_PER_SECOND)
		return false;
	pm->sent_in_window++;
	pm->m.due = false;
	pm->sent = jiffies;
	/* the same bytes for all probes of a size: a late answer is an answer */
	if (pm->opaque_size != pm->m.probe) {
		get_random_bytes(pm->opaque, sizeof(pm->opaque));
		pm->opaque_size = pm->m.probe;
	}
	memcpy(e->opaque, pm->opaque, sizeof(e->opaque));
	e->probe = pm->m.probe;
	e->lane = pm->lane;
	return true;
}

/* ---- what changed ---------------------------------------------------------- */

/* A size is news if it is smaller than before, or what a search came to in the end. Lock. */
static void find_news(struct sdt_pmtu *pm, struct effect *e)
{
	const struct sdt_plpmtud *m = &pm->m;
	bool settled = m->state == SDT_PLPMTUD_COMPLETE || m->state == SDT_PLPMTUD_ERROR;

	if (!settled && (!pm->announced || m->size >= pm->announced))
		return;
	e->changed = pm->announced && pm->announced != m->size;
	e->size = m->size;
	pm->announced = m->size;
}

/* Publish what the machine came to; fills in @e. Lock. */
static void commit(struct sdt_pmtu *pm, struct effect *e)
{
	const struct sdt_plpmtud *m = &pm->m;

	memset(e, 0, sizeof(*e));
	if (m->state == SDT_PLPMTUD_COMPLETE && !pm->settled)
		pm->searched = jiffies;
	pm->settled = m->state == SDT_PLPMTUD_COMPLETE;
	if (pm->payload != m->size)
		WRITE_ONCE(pm->payload, m->size);
	if (pm->tell != (u16)sdt_plpmtud_tell(m))
		WRITE_ONCE(pm->tell, sdt_plpmtud_tell(m));
	if (m->state == SDT_PLPMTUD_OFF)
		return;
	find_news(pm, e);
	take_probe(pm, e);
}

/* Lock released; RCU, BH off. */
static void act(struct sdt_link *link, const struct effect *e)
{
	struct sdt_event_info info = {
		.type = SDT_EVENT_PATH_MTU,
		.link = link->name,
		.path_mtu = e->size,
	};
	struct sk_buff *skb;

	if (e->changed) {
		sdt_stat_inc(link->stats, SDT_STAT_PATH_MTU_CHANGED);
		sdt_event_send(link->node, &info);
	}
	if (!e->probe)
		return;
	skb = sdt_path_control(NULL, e->lane, SDT_OP_PING, e->opaque, e->probe - SDT_DATA_MIN_LEN);
	if (!skb) {
		sdt_stat_inc(link->stats, SDT_DROP_TX_NO_MEMORY);
		return;
	}
	sdt_stat_inc(link->stats, SDT_STAT_TX_PROBES);
	sdt_link_send(link, skb);
}

/* ---- the clock's ------------------------------------------------------------ */

/* What the route of lane 0 and the peer take; 0: there is no route now, or nothing to find. RCU, BH off. */
static u32 upper_bound(struct sdt_link *link)
{
	const struct sdt_keypair *kp = rcu_dereference(link->current_kp);
	int room = sdt_lane_room(link->lanes[0]);

	if (room <= 0)
		return 0;
	room = min(room, SDT_DATAGRAM_MAX);
	if (kp)
		room = min_t(int, room, kp->max_message);
	return room < PROBE_LEAST ? 0 : room;
}

static unsigned long since(unsigned long then)
{
	long passed = jiffies - then;

	return passed > 0 ? passed : 0;
}

/* Did any lane send something lately that the base size would not take? */
static bool long_lately(struct sdt_link *link)
{
	unsigned int i;

	for (i = 0; i < SDT_LANES_MAX; i++) {
		/* pairs with smp_store_release() where the lane is made */
		struct sdt_lane *lane = smp_load_acquire(&link->lanes[i]);

		if (lane && since(READ_ONCE(lane->last_tx_long)) < sdt_seconds(LONG_LATELY))
			return true;
	}
	return false;
}

/* The lane after @lane that the current keypair sends on. RCU. */
static u8 next_lane(struct sdt_link *link, u8 lane)
{
	const struct sdt_keypair *kp = rcu_dereference(link->current_kp);

	if (!kp)
		return 0;
	while (++lane < kp->lanes)
		if (test_bit(lane, &kp->lanes_up))
			return lane;
	return 0;
}

/* Lock. */
static void run_timers(struct sdt_link *link, bool needed)
{
	struct sdt_pmtu *pm = &link->pmtu;
	struct sdt_plpmtud *m = &pm->m;

	if (m->probe) {
		if (!m->due && since(pm->sent) >= max_t(unsigned long, sdt_seconds(PROBE_TIMER), PROBE_TIMER_LEAST))
			sdt_plpmtud_lost(m);
		return;
	}
	if (!needed)
		return;
	if (m->state == SDT_PLPMTUD_COMPLETE && m->fail <= m->max &&
	    since(pm->searched) >= sdt_seconds(m->hinted ? RAISE_TIMER_HINTED : RAISE_TIMER)) {
		pm->searched = jiffies;
		sdt_plpmtud_raise(m);
	} else if (since(pm->proved) >= sdt_seconds(CONFIRM_INTERVAL)) {
		pm->proved = jiffies;
		sdt_plpmtud_confirm(m);
	}
}

bool sdt_pmtu_tick(struct sdt_link *link)
{
	struct sdt_pmtu *pm = &link->pmtu;
	struct effect e;
	bool busy;
	u32 max;

	local_bh_disable();
	rcu_read_lock();
	max = upper_bound(link);
	spin_lock(&pm->lock);
	if (max)
		sdt_plpmtud_bound(&pm->m, max);
	run_timers(link, long_lately(link));
	commit(pm, &e);
	busy = pm->m.probe;
	spin_unlock(&pm->lock);
	act(link, &e);
	rcu_read_unlock();
	local_bh_enable();
	return busy;
}

/* ---- what the link tells ------------------------------------------------------ */

void sdt_pmtu_init(struct sdt_link *link)
{
	struct sdt_pmtu *pm = &link->pmtu;

	spin_lock_init(&pm->lock);
	pm->payload = SDT_PLPMTU_BASE;
	pm->tell = U16_MAX;
	pm->window = jiffies;
	pm->proved = jiffies;
	pm->searched = jiffies;
	pm->hinted = jiffies - SDT_LONG_AGO;
}

/* Lock. */
static void forget(struct sdt_pmtu *pm)
{
	sdt_plpmtud_stop(&pm->m);
	pm->lane = 0;
	pm->opaque_size = 0;
	pm->announced = 0;
	pm->settled = false;
	WRITE_ONCE(pm->payload, SDT_PLPMTU_BASE);
	WRITE_ONCE(pm->tell, U16_MAX);
}

void sdt_pmtu_restart(struct sdt_link *link)
{
	struct sdt_pmtu *pm = &link->pmtu;

	local_bh_disable();
	rcu_read_lock();
	spin_lock(&pm->lock);
	forget(pm);
	spin_unlock(&pm->lock);
	if (sdt_keypair_usable(rcu_dereference(link->current_kp)))
		sdt_pmtu_session(link);
	rcu_read_unlock();
	local_bh_enable();
}

void sdt_pmtu_session(struct sdt_link *link)
{
	struct sdt_pmtu *pm = &link->pmtu;
	u32 max = upper_bound(link);
	struct effect e;

	if (!max)
		return;
	spin_lock(&pm->lock);
	if (pm->m.state == SDT_PLPMTUD_OFF)
		sdt_plpmtud_start(&pm->m, max);
	sdt_plpmtud_bound(&pm->m, max);
	sdt_plpmtud_confirm(&pm->m);
	pm->proved = jiffies;
	commit(pm, &e);
	spin_unlock(&pm->lock);
	act(link, &e);
}

bool sdt_pmtu_pong(struct sdt_link *link, const u8 *opaque)
{
	struct sdt_pmtu *pm = &link->pmtu;
	struct effect e;

	spin_lock(&pm->lock);
	if (!pm->opaque_size || memcmp(pm->opaque, opaque, SDT_PING_LEN)) {
		spin_unlock(&pm->lock);
		return false;
	}
	if (pm->m.probe == pm->opaque_size) {
		/* confirmed on this lane; a search goes on where it began */
		if (pm->m.state == SDT_PLPMTUD_COMPLETE)
			pm->lane = next_lane(link, pm->lane);
		pm->proved = jiffies;
		pm->opaque_size = 0;
		sdt_plpmtud_acked(&pm->m);
	}
	commit(pm, &e);
	spin_unlock(&pm->lock);
	act(link, &e);
	return true;
}

void sdt_pmtu_icmp(struct sdt_link *link, unsigned int lane, unsigned int payload)
{
	struct sdt_pmtu *pm = &link->pmtu;
	struct effect e;

	spin_lock(&pm->lock);
	if (since(pm->hinted) < HZ) {
		spin_unlock(&pm->lock);
		return;
	}
	pm->hinted = jiffies;
	if (payload)
		sdt_plpmtud_hint(&pm->m, payload);
	else
		sdt_plpmtud_confirm(&pm->m);
	commit(pm, &e);
	spin_unlock(&pm->lock);
	act(link, &e);
	sdt_link_wake(link);
}

void sdt_pmtu_recheck(struct sdt_link *link)
{
	struct sdt_pmtu *pm = &link->pmtu;
	u32 max = upper_bound(link);
	struct effect e;

	if (!max)
		return;
	spin_lock(&pm->lock);
	sdt_plpmtud_bound(&pm->m, max);
	commit(pm, &e);
	spin_unlock(&pm->lock);
	act(link, &e);
}
