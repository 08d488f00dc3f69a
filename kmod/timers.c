// SPDX-License-Identifier: GPL-2.0
/*
 * A link's clockwork: one delayed work a link instead of a timer a packet.
 *
 * The data path writes jiffies into its own lane when they change, nothing
 * else. The tick reads these stamps: once a (protocol) second while there is
 * traffic, once in ten while a session is merely alive, not at all on a link
 * that has none. A tick that rests says so in link->quiet; traffic sees the
 * bit and wakes it.
 */
#include <linux/random.h>

#include "compat/compat.h"
#include "lane.h"
#include "link.h"

/* What all lanes' stamps come to. */
struct activity {
	unsigned long tx, tx_data, rx, rx_data;
};

static void newer(unsigned long *to, unsigned long stamp)
{
	if (time_after(stamp, *to))
		*to = stamp;
}

/*
 * A stamp that jiffies went round since looks as if it were of the future, on
 * 32 bits within weeks. It means "long ago", and is made to say so.
 */
static void settle(unsigned long *stamp)
{
	unsigned long was = READ_ONCE(*stamp), now = jiffies;

	if (time_after(was, now + HZ) || time_before(was, now - SDT_LONG_AGO))
		cmpxchg(stamp, was, now - SDT_LONG_AGO);
}

static void gather(struct sdt_link *link, struct activity *a)
{
	unsigned int i;

	for (i = 0; i < SDT_LANES_MAX; i++) {
		/* pairs with smp_store_release() where the lane is made */
		struct sdt_lane *lane = smp_load_acquire(&link->lanes[i]);

		if (!lane)
			continue;
		settle(&lane->last_tx);
		settle(&lane->last_tx_data);
		settle(&lane->last_tx_long);
		settle(&lane->last_rx);
		settle(&lane->last_rx_data);
	}
	a->tx = READ_ONCE(link->lanes[0]->last_tx);
	a->tx_data = READ_ONCE(link->lanes[0]->last_tx_data);
	a->rx = READ_ONCE(link->lanes[0]->last_rx);
	a->rx_data = READ_ONCE(link->lanes[0]->last_rx_data);
	for (i = 1; i < SDT_LANES_MAX; i++) {
		/* pairs with smp_store_release() where the lane is made */
		struct sdt_lane *lane = smp_load_acquire(&link->lanes[i]);

		if (!lane)
			continue;
		newer(&a->tx, READ_ONCE(lane->last_tx));
		newer(&a->tx_data, READ_ONCE(lane->last_tx_data));
		newer(&a->rx, READ_ONCE(lane->last_rx));
		newer(&a->rx_data, READ_ONCE(lane->last_rx_data));
	}
}

/**
 * sdt_link_wake() - the tick is to run soon
 * @link: the link
 *
 * Context: any but hard interrupts.
 */
void sdt_link_wake(struct sdt_link *link)
{
	if (READ_ONCE(link->dead))
		return;
	if (test_and_clear_bit(0, &link->quiet))
		mod_delayed_work(sdt_wq, &link->tick,
				 READ_ONCE(link->requests) ? 0 : sdt_seconds(1));
}

/**
 * sdt_link_want() - ask for a handshake or a rekey, now
 * @link: the link
 * @request: SDT_LINK_WANT_*
 *
 * Context: any but hard interrupts. Asking twice is asking once.
 */
void sdt_link_want(struct sdt_link *link, unsigned int request)
{
	if (READ_ONCE(link->dead))
		return;
	/* every datagram that has to wait asks; one series of attempts answers them all */
	if (request == SDT_LINK_WANT_HANDSHAKE && READ_ONCE(link->trying) &&
	    !test_bit(SDT_LINK_SETTLED, &link->requests))
		return;
	if (test_and_set_bit(request, &link->requests))
		return;
	mod_delayed_work(sdt_wq, &link->tick, 0);
}

static u64 retry_delay(void)
{
	/* jitter: two nodes that start together shall not collide for ever */
	return sdt_seconds_ns(SDT_REKEY_TIMEOUT) +
	       sdt_compat_random_below(div_u64(sdt_seconds_ns(1), 3) + 1);
}

/* First attempt of a series, unless one is under way. hs_lock. */
static void start_handshake(struct sdt_link *link, u64 now)
{
	if (link->trying)
		return;
	link->first_attempt = now;
	link->next_attempt = link->init.sent ?
			     max(now, link->init.sent + sdt_seconds_ns(SDT_REKEY_TIMEOUT)) : now;
	WRITE_ONCE(link->trying, true);
}

static void stop_handshake(struct sdt_link *link)
{
	WRITE_ONCE(link->trying, false);
}

/* The slot may still complete a crossing for a moment; its secrets go after that. */
static void retire_slot(struct sdt_link *link, u64 now)
{
	/* sent may be later than now: by this very tick */
	if (link->init.active && !link->trying &&
	    now >= link->init.sent + sdt_seconds_ns(SDT_REKEY_TIMEOUT))
		sdt_handshake_clear(link);
}

/* One attempt if it is time. hs_lock. */
static void attempt(struct sdt_link *link, u64 now)
{
	if (!link->trying || now < link->next_attempt)
		return;
	if (now - link->first_attempt > sdt_seconds_ns(SDT_REKEY_ATTEMPT_TIME)) {
		stop_handshake(link);
		sdt_handshake_clear(link);
		sdt_link_drop_staged(link);
		return;
	}
	link->next_attempt = now + retry_delay();
	if (sdt_handshake_initiate(link) == -EDESTADDRREQ) {
		/* nobody to ask: the peer will have to come to us */
		stop_handshake(link);
		sdt_link_drop_staged(link);
	}
}

/* What a reset is worth: one initiation, and no series. hs_lock. */
static void attempt_once(struct sdt_link *link, u64 now)
{
	if (!sdt_handshake_initiate(link) && link->trying)
		link->next_attempt = now + retry_delay();
}

/* A lane's counter, or with AES-GCM all lanes' together, has come far enough. */
static bool worn_out(const struct sdt_keypair *kp)
{
	u64 sum = 0, most = 0;
	unsigned int i;

	for (i = 0; i < kp->lanes; i++) {
		u64 n = READ_ONCE(kp->tx[i].counter);

		sum += n;
		most = max(most, n);
	}
	return (kp->suite == SDT_SUITE_AESGCM ? sum : most) >= SDT_REKEY_AFTER_MESSAGES;
}

/* Is the current keypair due for replacement? RCU. */
static bool rekey_due(struct sdt_link *link, const struct sdt_keypair *kp, const struct activity *a,
		      u64 now)
{
	u64 age = now - kp->birth;
	/* in jiffies, to be compared with stamps; rounded towards "used" */
	unsigned long birth = jiffies - nsecs_to_jiffies(age) - 1;
	bool sent = time_after(a->tx_data, birth);
	bool kept = READ_ONCE(link->keepalive);

	if (worn_out(kp))
		return true;
	if (kp->initiator)
		return (kept || sent || time_after(a->rx_data, birth)) &&
		       age >= sdt_seconds_ns(SDT_REKEY_AFTER_TIME);
	return (kept || sent) && age >= sdt_seconds_ns(SDT_REKEY_AFTER_TIME_RESPONDER);
}

/* Received data and sent nothing for 10 s: one keepalive. */
static void keepalive_owed(struct sdt_link *link, const struct activity *a, u64 now)
{
	if (!time_after(a->rx_data, a->tx)) {
		link->owed_since = 0;
		return;
	}
	if (!link->owed_since || link->owed_tx != a->tx)
		link->owed_since = now - jiffies_to_nsecs(jiffies - a->rx_data);
	link->owed_tx = a->tx;
	if (now - link->owed_since < sdt_seconds_ns(SDT_KEEPALIVE_TIMEOUT))
		return;
	link->owed_since = 0;
	sdt_lane_keepalive(link, 0);
}

/* Sent data and heard nothing for 15 s: the session is in doubt. */
static bool unheard(struct sdt_link *link, const struct activity *a, u64 now)
{
	if (!time_after(a->tx_data, a->rx)) {
		link->unheard_since = 0;
		return false;
	}
	/* whatever was heard meanwhile starts the count anew */
	if (!link->unheard_since || link->unheard_rx != a->rx) {
		link->unheard_since = now;
		link->unheard_rx = a->rx;
	}
	if (now - link->unheard_since < sdt_seconds_ns(SDT_NEW_HANDSHAKE_TIMEOUT))
		return false;
	link->unheard_since = now;
	return true;
}

static void persistent_keepalive(struct sdt_link *link, unsigned int lanes)
{
	unsigned int interval = READ_ONCE(link->keepalive), i;

	if (!interval)
		return;
	for (i = 0; i < lanes; i++)
		if (time_after_eq(jiffies, READ_ONCE(link->lanes[i]->last_tx) +
					   sdt_seconds(interval)))
			sdt_lane_keepalive(link, i);
}

/* Jiffies until the next tick; 0: none until somebody asks. hs_lock. */
static unsigned long next_tick(struct sdt_link *link, bool session, bool busy, u64 now)
{
	unsigned long delay = 0, until;

	if (busy)
		delay = sdt_seconds(1);
	else if (READ_ONCE(link->keepalive))
		delay = sdt_seconds(1);
	else if (session || link->init.active || sdt_link_has_keypairs(link))
		delay = sdt_seconds(5);
	if (link->trying) {
		until = link->next_attempt > now ? nsecs_to_jiffies(link->next_attempt - now) + 1 : 1;
		if (!delay || until < delay)
			delay = until;
	}
	return delay;
}

void sdt_link_tick(struct work_struct *work)
{
	struct sdt_link *link = container_of(to_delayed_work(work), struct sdt_link, tick);
	bool settled, want, rekey, session = false, busy, watch;
	struct sdt_keypair *kp;
	struct activity a;
	unsigned long delay;
	unsigned int lanes = 0;
	u64 now;

	mutex_lock(&link->hs_lock);
	/* not before: a keypair made while we waited must not be younger than now */
	now = ktime_get_boottime_ns();
	if (link->dead)
		goto unlock;
	clear_bit(0, &link->quiet);
	settled = test_and_clear_bit(SDT_LINK_SETTLED, &link->requests);
	if (settled)
		stop_handshake(link);
	want = test_and_clear_bit(SDT_LINK_WANT_HANDSHAKE, &link->requests);
	rekey = test_and_clear_bit(SDT_LINK_WANT_REKEY, &link->requests);
	if (sdt_link_expire_keypairs(link))
		sdt_link_announce(link, SDT_LINK_DOWN);
	gather(link, &a);

	rcu_read_lock();
	kp = rcu_dereference(link->current_kp);
	if (sdt_keypair_usable(kp)) {
		session = true;
		lanes = kp->lanes;
		rekey |= rekey_due(link, kp, &a, now);
	}
	rcu_read_unlock();

	/* what found a handshake under way, and relied on it */
	if (session && !rekey && (want || settled) && !skb_queue_empty(&link->staged))
		sdt_link_flush_staged(link);
	want &= !session;
	if (session) {
		keepalive_owed(link, &a, now);
		rekey |= unheard(link, &a, now);
		persistent_keepalive(link, lanes);
	} else {
		link->owed_since = 0;
		link->unheard_since = 0;
		want |= READ_ONCE(link->keepalive) && !link->trying;
	}
	if (test_and_clear_bit(SDT_LINK_WANT_RESET, &link->requests))
		attempt_once(link, now);
	if (want || rekey)
		start_handshake(link, now);
	attempt(link, now);
	retire_slot(link, now);
	watch = session && sdt_pmtu_tick(link);
	watch |= sdt_frags_expire(link);

	busy = link->owed_since || link->unheard_since || time_after(a.rx_data, a.tx) ||
	       time_after(a.tx_data, a.rx) ||
	       time_after(a.tx_data, jiffies - sdt_seconds(2)) ||
	       time_after(a.rx_data, jiffies - sdt_seconds(2));
	delay = next_tick(link, session, watch || (session && busy), now);
	if (!(busy || watch) || !delay)
		set_bit(0, &link->quiet);
	if (delay)
		queue_delayed_work(sdt_wq, &link->tick, delay);
unlock:
	mutex_unlock(&link->hs_lock);
}
