// SPDX-License-Identifier: GPL-2.0
/*
 * A link's clockwork, ../../kmod/timers.c itself, around a link that is made up here: what is due at which age and after
 * which silence. Nothing waits: stamps are set back instead. What it asks other files for is noted down.
 */
#include "../../kmod/timers.c"

#include <kunit/test.h>

#define LANES	3

struct workqueue_struct *sdt_wq;

/* What was asked for, and what is answered. */
static struct {
	unsigned int initiated, cleared, flushed, dropped, announced, keepalives[LANES];
	int initiate_answer;
	bool expires, has_keypairs, frags_left, pmtu_watches, usable;
} world;

static struct {
	struct sdt_link link;
	struct sdt_lane lanes[LANES];
	struct sdt_keypair kp;
	struct sdt_tx_lane tx[LANES];
} *made;

unsigned long sdt_seconds(unsigned int s)
{
	return (unsigned long)s * HZ;
}

u64 sdt_seconds_ns(unsigned int s)
{
	return (u64)s * NSEC_PER_SEC;
}

int sdt_handshake_initiate(struct sdt_link *link)
{
	world.initiated++;
	if (!world.initiate_answer)
		link->init.sent = ktime_get_boottime_ns();
	return world.initiate_answer;
}

void sdt_handshake_clear(struct sdt_link *link)
{
	world.cleared++;
	link->init.active = false;
}

void sdt_link_flush_staged(struct sdt_link *link)
{
	world.flushed++;
}

void sdt_link_drop_staged(struct sdt_link *link)
{
	world.dropped++;
}

bool sdt_link_expire_keypairs(struct sdt_link *link)
{
	return world.expires;
}

void sdt_link_announce(struct sdt_link *link, enum sdt_link_state state)
{
	world.announced++;
}

bool sdt_link_has_keypairs(struct sdt_link *link)
{
	return world.has_keypairs;
}

bool sdt_keypair_usable(const struct sdt_keypair *kp)
{
	return kp && world.usable;
}

void sdt_lane_keepalive(struct sdt_link *link, unsigned int lane)
{
	world.keepalives[lane]++;
}

bool sdt_pmtu_tick(struct sdt_link *link)
{
	return world.pmtu_watches;
}

bool sdt_frags_expire(struct sdt_link *link)
{
	return world.frags_left;
}

static unsigned long ago(unsigned int s)
{
	return jiffies - sdt_seconds(s);
}

/* A session of this age, in which nothing was sent or heard since it began. */
static void session(unsigned int age, bool initiator)
{
	unsigned int i;

	world.usable = true;
	world.has_keypairs = true;
	made->kp.lanes = LANES;
	made->kp.initiator = initiator;
	made->kp.birth = ktime_get_boottime_ns() - sdt_seconds_ns(age);
	made->kp.tx = made->tx;
	made->kp.suite = SDT_SUITE_CHACHAPOLY;
	RCU_INIT_POINTER(made->link.current_kp, &made->kp);
	for (i = 0; i < LANES; i++) {
		made->lanes[i].last_tx = ago(age + 10);
		made->lanes[i].last_tx_data = ago(age + 10);
		made->lanes[i].last_rx = ago(age + 10);
		made->lanes[i].last_rx_data = ago(age + 10);
	}
}

static void tick(void)
{
	sdt_link_tick(&made->link.tick.work);
}

/* In protocol seconds, rounded up; 0: there is no next tick. */
static unsigned int next(void)
{
	if (!delayed_work_pending(&made->link.tick))
		return 0;
	return DIV_ROUND_UP(made->link.tick.timer.expires - jiffies, HZ);
}

static int timers_init(struct kunit *test)
{
	unsigned int i;

	memset(&world, 0, sizeof(world));
	made = kunit_kzalloc(test, sizeof(*made), GFP_KERNEL);
	sdt_wq = alloc_workqueue("sdt_timers_test", WQ_UNBOUND, 0);
	if (!made || !sdt_wq)
		return -ENOMEM;
	mutex_init(&made->link.hs_lock);
	skb_queue_head_init(&made->link.staged);
	INIT_DELAYED_WORK(&made->link.tick, sdt_link_tick);
	for (i = 0; i < LANES; i++) {
		made->link.lanes[i] = &made->lanes[i];
		made->lanes[i].last_tx = jiffies - SDT_LONG_AGO;
		made->lanes[i].last_tx_data = jiffies - SDT_LONG_AGO;
		made->lanes[i].last_tx_long = jiffies - SDT_LONG_AGO;
		made->lanes[i].last_rx = jiffies - SDT_LONG_AGO;
		made->lanes[i].last_rx_data = jiffies - SDT_LONG_AGO;
	}
	return 0;
}

static void timers_exit(struct kunit *test)
{
	if (!sdt_wq)
		return;
	if (made)
		cancel_delayed_work_sync(&made->link.tick);
	destroy_workqueue(sdt_wq);
}

static void a_link_without_anything_rests(struct kunit *test)
{
	tick();
	KUNIT_EXPECT_EQ(test, next(), 0);
	KUNIT_EXPECT_EQ(test, made->link.quiet, 1UL);
	KUNIT_EXPECT_EQ(test, world.initiated, 0);
}

static void a_dead_link_does_nothing(struct kunit *test)
{
	made->link.dead = true;
	made->link.keepalive = 1;
	set_bit(SDT_LINK_WANT_HANDSHAKE, &made->link.requests);
	tick();
	KUNIT_EXPECT_EQ(test, next(), 0);
	KUNIT_EXPECT_EQ(test, world.initiated, 0);
	made->link.quiet = 1;
	sdt_link_wake(&made->link);
	sdt_link_want(&made->link, SDT_LINK_WANT_REKEY);
	KUNIT_EXPECT_EQ(test, next(), 0);
	KUNIT_EXPECT_EQ(test, made->link.quiet, 1UL);
}

/* Attempts every five seconds and a bit, for ninety; then all that waits is dropped. */
static void a_series_of_attempts_ends(struct kunit *test)
{
	u64 now;

	set_bit(SDT_LINK_WANT_HANDSHAKE, &made->link.requests);
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 1);
	KUNIT_EXPECT_TRUE(test, made->link.trying);
	KUNIT_EXPECT_GE(test, next(), SDT_REKEY_TIMEOUT);
	KUNIT_EXPECT_LE(test, next(), SDT_REKEY_TIMEOUT + 1);
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 1);
	made->link.next_attempt = ktime_get_boottime_ns();
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 2);

	now = ktime_get_boottime_ns();
	made->link.next_attempt = now;
	made->link.first_attempt = now - sdt_seconds_ns(SDT_REKEY_ATTEMPT_TIME + 1);
	made->link.init.active = true;
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 2);
	KUNIT_EXPECT_FALSE(test, made->link.trying);
	KUNIT_EXPECT_EQ(test, world.cleared, 1);
	KUNIT_EXPECT_EQ(test, world.dropped, 1);
}

static void nobody_to_ask_ends_it_at_once(struct kunit *test)
{
	world.initiate_answer = -EDESTADDRREQ;
	set_bit(SDT_LINK_WANT_HANDSHAKE, &made->link.requests);
	tick();
	KUNIT_EXPECT_FALSE(test, made->link.trying);
	KUNIT_EXPECT_EQ(test, world.dropped, 1);
}

/* Not sooner than five seconds after the last initiation, whoever asks. */
static void attempts_keep_their_distance(struct kunit *test)
{
	made->link.init.sent = ktime_get_boottime_ns() - sdt_seconds_ns(2);
	set_bit(SDT_LINK_WANT_HANDSHAKE, &made->link.requests);
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 0);
	KUNIT_EXPECT_TRUE(test, made->link.trying);
	KUNIT_EXPECT_EQ(test, next(), SDT_REKEY_TIMEOUT - 2);
}

static void a_handshake_that_succeeded_stops_the_series(struct kunit *test)
{
	made->link.trying = true;
	made->link.first_attempt = ktime_get_boottime_ns();
	made->link.next_attempt = made->link.first_attempt + sdt_seconds_ns(SDT_REKEY_TIMEOUT);
	session(0, true);
	set_bit(SDT_LINK_SETTLED, &made->link.requests);
	tick();
	KUNIT_EXPECT_FALSE(test, made->link.trying);
	KUNIT_EXPECT_EQ(test, made->link.requests, 0UL);
	KUNIT_EXPECT_EQ(test, world.initiated, 0);
}

/* The secrets of an answered initiation are kept for a crossing one, and not for longer. */
static void the_slot_is_retired(struct kunit *test)
{
	session(1, true);
	made->link.init.active = true;
	made->link.init.sent = ktime_get_boottime_ns() - sdt_seconds_ns(SDT_REKEY_TIMEOUT - 1);
	tick();
	KUNIT_EXPECT_EQ(test, world.cleared, 0);
	made->link.init.sent = ktime_get_boottime_ns() - sdt_seconds_ns(SDT_REKEY_TIMEOUT);
	tick();
	KUNIT_EXPECT_EQ(test, world.cleared, 1);
}

/* One row: a session of this age, by this side, in which data was sent or received. Is a rekey due? */
struct rekey_row {
	const char *name;
	unsigned int age;
	bool initiator, sent, received, kept, due;
};

static const struct rekey_row rekey_rows[] = {
	{ "initiator, old, sent", SDT_REKEY_AFTER_TIME, true, true, false, false, true },
	{ "initiator, old, received", SDT_REKEY_AFTER_TIME, true, false, true, false, true },
	{ "initiator, old, unused", SDT_REKEY_AFTER_TIME, true, false, false, false, false },
	{ "initiator, old, kept", SDT_REKEY_AFTER_TIME, true, false, false, true, true },
	{ "initiator, young", SDT_REKEY_AFTER_TIME - 2, true, true, true, true, false },
	{ "responder, old, sent", SDT_REKEY_AFTER_TIME_RESPONDER, false, true, false, false, true },
	{ "responder, old, received", SDT_REKEY_AFTER_TIME_RESPONDER, false, false, true, false, false },
	{ "responder, old, kept", SDT_REKEY_AFTER_TIME_RESPONDER, false, false, false, true, true },
	{ "responder, initiator's turn", SDT_REKEY_AFTER_TIME_RESPONDER - 2, false, true, true, false, false },
};

static void rekey_name(const struct rekey_row *row, char *name)
{
	strscpy(name, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(rekey, rekey_rows, rekey_name);

static void age_and_use_make_a_rekey_due(struct kunit *test)
{
	const struct rekey_row *row = test->param_value;

	session(row->age, row->initiator);
	if (row->sent)
		made->lanes[2].last_tx_data = made->lanes[2].last_tx = ago(1);
	if (row->received)
		made->lanes[1].last_rx_data = made->lanes[1].last_rx = ago(1);
	/* No silence: that is another reason. */
	made->lanes[0].last_rx = ago(0);
	made->link.keepalive = row->kept ? 10 : 0;
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, row->due);
}

/* With AES-GCM it is the key that wears out, by all lanes together; else each lane for itself. */
static void counters_make_a_rekey_due(struct kunit *test)
{
	session(1, true);
	made->tx[0].counter = SDT_REKEY_AFTER_MESSAGES - 1;
	made->tx[1].counter = SDT_REKEY_AFTER_MESSAGES - 1;
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 0);
	made->kp.suite = SDT_SUITE_AESGCM;
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 1);

	made->link.trying = false;
	made->link.init.sent = 0;
	made->kp.suite = SDT_SUITE_CHACHAPOLY;
	made->tx[1].counter = SDT_REKEY_AFTER_MESSAGES;
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 2);
}

/* Received data is answered after ten seconds at the latest, once. */
static void a_keepalive_is_owed(struct kunit *test)
{
	session(30, true);
	made->lanes[1].last_rx_data = made->lanes[1].last_rx = ago(SDT_KEEPALIVE_TIMEOUT - 2);
	tick();
	KUNIT_EXPECT_EQ(test, world.keepalives[0], 0);
	KUNIT_EXPECT_EQ(test, next(), 1);
	made->link.owed_since -= sdt_seconds_ns(2);
	tick();
	KUNIT_EXPECT_EQ(test, world.keepalives[0], 1);
	KUNIT_EXPECT_EQ(test, made->link.owed_since, 0ULL);
	made->lanes[0].last_tx = jiffies;
	tick();
	KUNIT_EXPECT_EQ(test, world.keepalives[0], 1);
}

static void sending_settles_the_debt(struct kunit *test)
{
	session(30, true);
	made->lanes[1].last_rx_data = made->lanes[1].last_rx = ago(SDT_KEEPALIVE_TIMEOUT + 2);
	made->lanes[2].last_tx = ago(1);
	tick();
	KUNIT_EXPECT_EQ(test, world.keepalives[0], 0);
	KUNIT_EXPECT_EQ(test, made->link.owed_since, 0ULL);
}

/* Fifteen seconds without a word after data was sent: the peer may have lost its keys. */
static void silence_causes_a_handshake(struct kunit *test)
{
	session(60, false);
	made->lanes[0].last_tx_data = made->lanes[0].last_tx = ago(1);
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 0);
	KUNIT_EXPECT_NE(test, made->link.unheard_since, 0ULL);
	made->link.unheard_since -= sdt_seconds_ns(SDT_NEW_HANDSHAKE_TIMEOUT);
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 1);
}

static void a_word_ends_the_silence(struct kunit *test)
{
	session(60, false);
	made->lanes[0].last_tx_data = made->lanes[0].last_tx = ago(1);
	tick();
	made->link.unheard_since -= sdt_seconds_ns(SDT_NEW_HANDSHAKE_TIMEOUT);
	/* heard between, and data was sent again since */
	made->lanes[1].last_rx = ago(2);
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 0);
}

static void persistent_keepalives_go_out_on_idle_lanes(struct kunit *test)
{
	session(60, true);
	made->link.keepalive = 25;
	made->lanes[0].last_tx = ago(24);
	made->lanes[1].last_tx = ago(25);
	made->lanes[2].last_tx = ago(40);
	made->lanes[0].last_rx = ago(1);
	tick();
	KUNIT_EXPECT_EQ(test, world.keepalives[0], 0);
	KUNIT_EXPECT_EQ(test, world.keepalives[1], 1);
	KUNIT_EXPECT_EQ(test, world.keepalives[2], 1);
	KUNIT_EXPECT_EQ(test, next(), 1);
}

/* A keepalive keeps a session there before anybody sends. */
static void a_kept_link_calls_by_itself(struct kunit *test)
{
	made->link.keepalive = 25;
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 1);
}

static void traffic_wakes_a_resting_link(struct kunit *test)
{
	session(60, true);
	tick();
	KUNIT_EXPECT_EQ(test, made->link.quiet, 1UL);
	KUNIT_EXPECT_EQ(test, next(), 5);
	sdt_link_wake(&made->link);
	KUNIT_EXPECT_EQ(test, made->link.quiet, 0UL);
	KUNIT_EXPECT_EQ(test, next(), 1);
	/* and only a resting one */
	cancel_delayed_work_sync(&made->link.tick);
	sdt_link_wake(&made->link);
	KUNIT_EXPECT_EQ(test, next(), 0);
}

static void asking_twice_is_asking_once(struct kunit *test)
{
	sdt_link_want(&made->link, SDT_LINK_WANT_HANDSHAKE);
	flush_delayed_work(&made->link.tick);
	KUNIT_EXPECT_EQ(test, world.initiated, 1);
	sdt_link_want(&made->link, SDT_LINK_WANT_HANDSHAKE);
	flush_delayed_work(&made->link.tick);
	KUNIT_EXPECT_EQ(test, world.initiated, 1);
	KUNIT_EXPECT_EQ(test, made->link.requests, 0UL);
}

/* One initiation and no series; one that is under way is put off by it. */
static void a_reset_is_worth_one_initiation(struct kunit *test)
{
	set_bit(SDT_LINK_WANT_RESET, &made->link.requests);
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 1);
	KUNIT_EXPECT_FALSE(test, made->link.trying);
	set_bit(SDT_LINK_WANT_RESET, &made->link.requests);
	made->link.trying = true;
	made->link.first_attempt = made->link.next_attempt = ktime_get_boottime_ns();
	tick();
	KUNIT_EXPECT_EQ(test, world.initiated, 2);
	KUNIT_EXPECT_GE(test, next(), SDT_REKEY_TIMEOUT);
}

/* What was staged while a handshake was under way leaves once there is a session. */
static void staged_datagrams_leave(struct kunit *test)
{
	struct sk_buff *skb = alloc_skb(16, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_queue_tail(&made->link.staged, skb);
	session(1, true);
	set_bit(SDT_LINK_SETTLED, &made->link.requests);
	tick();
	KUNIT_EXPECT_EQ(test, world.flushed, 1);
	skb_queue_purge(&made->link.staged);
}

static void the_end_of_a_session_is_told(struct kunit *test)
{
	world.expires = true;
	tick();
	KUNIT_EXPECT_EQ(test, world.announced, 1);
}

static void whoever_waits_keeps_the_clock_going(struct kunit *test)
{
	session(60, true);
	world.frags_left = true;
	tick();
	KUNIT_EXPECT_EQ(test, next(), 1);
	KUNIT_EXPECT_EQ(test, made->link.quiet, 0UL);
	world.frags_left = false;
	world.pmtu_watches = true;
	tick();
	KUNIT_EXPECT_EQ(test, next(), 1);
}

/* Stamps that jiffies went round since look like the future, and mean long ago. */
static void old_stamps_are_settled(struct kunit *test)
{
	session(60, true);
	made->lanes[1].last_rx_data = jiffies + 100 * HZ;
	made->lanes[2].last_tx_data = jiffies - 2 * SDT_LONG_AGO;
	tick();
	KUNIT_EXPECT_TRUE(test, time_before_eq(made->lanes[1].last_rx_data, jiffies - SDT_LONG_AGO));
	KUNIT_EXPECT_TRUE(test, time_after_eq(made->lanes[2].last_tx_data, jiffies - SDT_LONG_AGO - HZ));
	KUNIT_EXPECT_EQ(test, world.keepalives[0], 0);
	KUNIT_EXPECT_EQ(test, world.initiated, 0);
}

static struct kunit_case timers_cases[] = {
	KUNIT_CASE(a_link_without_anything_rests),
	KUNIT_CASE(a_dead_link_does_nothing),
	KUNIT_CASE(a_series_of_attempts_ends),
	KUNIT_CASE(nobody_to_ask_ends_it_at_once),
	KUNIT_CASE(attempts_keep_their_distance),
	KUNIT_CASE(a_handshake_that_succeeded_stops_the_series),
	KUNIT_CASE(the_slot_is_retired),
	KUNIT_CASE_PARAM(age_and_use_make_a_rekey_due, rekey_gen_params),
	KUNIT_CASE(counters_make_a_rekey_due),
	KUNIT_CASE(a_keepalive_is_owed),
	KUNIT_CASE(sending_settles_the_debt),
	KUNIT_CASE(silence_causes_a_handshake),
	KUNIT_CASE(a_word_ends_the_silence),
	KUNIT_CASE(persistent_keepalives_go_out_on_idle_lanes),
	KUNIT_CASE(a_kept_link_calls_by_itself),
	KUNIT_CASE(traffic_wakes_a_resting_link),
	KUNIT_CASE(asking_twice_is_asking_once),
	KUNIT_CASE(a_reset_is_worth_one_initiation),
	KUNIT_CASE(staged_datagrams_leave),
	KUNIT_CASE(the_end_of_a_session_is_told),
	KUNIT_CASE(whoever_waits_keeps_the_clock_going),
	KUNIT_CASE(old_stamps_are_settled),
	{}
};

static struct kunit_suite timers_suite = {
	.name = "sdt_timers",
	.init = timers_init,
	.exit = timers_exit,
	.test_cases = timers_cases,
};
kunit_test_suite(timers_suite);
