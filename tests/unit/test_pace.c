// SPDX-License-Identifier: GPL-2.0
#include <linux/types.h>

#include "../../kmod/pace.h"
#include "ktap.h"

static const struct sdt_pace pace = { .interval = 100, .depth = 5 };

/* Tokens that a bucket gives at @now before it refuses. */
static unsigned int drain(u64 *bucket, u64 now, const struct sdt_pace *p)
{
	unsigned int n = 0;

	while (n < 1000 && sdt_bucket_take(*bucket, now, p, bucket))
		n++;
	return n;
}

static void a_new_bucket_is_full(void)
{
	u64 bucket = 0;

	EXPECT(drain(&bucket, 7000, &pace) == 5, "five tokens, and no more");
	bucket = 0;
	EXPECT(drain(&bucket, 0, &pace) == 5, "at time 0, too");
}

static void tokens_grow_one_an_interval(void)
{
	u64 bucket = 0, now = 7000;

	drain(&bucket, now, &pace);
	EXPECT(drain(&bucket, now + 99, &pace) == 0, "none before the interval is over");
	EXPECT(drain(&bucket, now + 100, &pace) == 1, "one after it");
	EXPECT(drain(&bucket, now + 100, &pace) == 0, "and no second");
	EXPECT(drain(&bucket, now + 350, &pace) == 2, "two after two and a half more");
	EXPECT(drain(&bucket, now + 399, &pace) == 0, "the half is not lost ...");
	EXPECT(drain(&bucket, now + 400, &pace) == 1, "... but counts");
	EXPECT(drain(&bucket, now + 1000000, &pace) == 5, "never more than it holds");
}

static void a_refusal_changes_nothing(void)
{
	u64 bucket = 0, next = 4711;

	drain(&bucket, 7000, &pace);
	EXPECT(!sdt_bucket_take(bucket, 7000, &pace, &next), "refused");
	EXPECT(next == 4711, "next %llu", (unsigned long long)next);
}

static void a_bucket_of_one(void)
{
	const struct sdt_pace one = { .interval = 100, .depth = 1 };
	u64 bucket = 0;

	EXPECT(drain(&bucket, 7000, &one) == 1, "one");
	EXPECT(drain(&bucket, 7099, &one) == 0, "none");
	EXPECT(drain(&bucket, 7100, &one) == 1, "one");
}

static void clocks_that_differ_by_a_grain_do_no_harm(void)
{
	u64 bucket = 0;

	drain(&bucket, 7000, &pace);
	EXPECT(drain(&bucket, 6999, &pace) == 0, "a clock that is behind gains nothing");
	EXPECT(drain(&bucket, 7100, &pace) == 1, "and takes nothing");
}

static void a_flood_gets_the_rate(void)
{
	u64 bucket = 0, now;
	unsigned int n = 0;

	for (now = 1; now <= 100000; now += 3)
		n += sdt_bucket_take(bucket, now, &pace, &bucket);
	EXPECT(n >= 1003 && n <= 1005, "%u", n);
}

enum { LEAST = 5, MOST = 120 };

static bool try(struct sdt_backoff *b, u64 now)
{
	return sdt_backoff_try(b, now, LEAST, MOST);
}

static void the_first_reset_counts_at_once(void)
{
	struct sdt_backoff b = { 0 };

	EXPECT(try(&b, 1), "at once");
	EXPECT(!try(&b, 1), "not twice");
	EXPECT(!try(&b, 5), "nor before its time");
	EXPECT(try(&b, 6), "but then");
}

/* Tries every second; a session comes about one second after each attempt. */
static void short_sessions_double_the_wait(void)
{
	static const u64 waits[] = { 5, 10, 20, 40, 80, 120, 120, 120 };
	struct sdt_backoff b = { 0 };
	u64 now = 1000, last;
	unsigned int i;

	ASSERT(try(&b, now), "the first");
	for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		last = now;
		sdt_backoff_session(&b, last + 1);
		while (!try(&b, now))
			ASSERT(++now < last + 1000, "for ever after %u", i);
		EXPECT(now - last == waits[i], "%u: %llu", i, (unsigned long long)(now - last));
	}
}

static void a_session_that_lived_makes_it_short_again(void)
{
	struct sdt_backoff b = { 0 };
	u64 now = 1000;

	try(&b, now);
	sdt_backoff_session(&b, now + 1);
	EXPECT(try(&b, now += 5), "after 5");
	sdt_backoff_session(&b, now + 1);
	EXPECT(!try(&b, now + 9) && try(&b, now += 10), "after 10");
	sdt_backoff_session(&b, now + 1);
	EXPECT(try(&b, now += 1 + MOST), "it lived its time");
	EXPECT(!try(&b, now + 4), "5 again, not less");
	EXPECT(try(&b, now += 5), "5 again, not more");
}

static void one_second_less_is_short(void)
{
	struct sdt_backoff b = { 0 };

	try(&b, 1000);
	sdt_backoff_session(&b, 1001);
	EXPECT(try(&b, 1000 + MOST), "it lived 119");
	EXPECT(!try(&b, 1000 + MOST + 9) && try(&b, 1000 + MOST + 10), "10 from then on");
}

static void the_first_session_since_counts(void)
{
	struct sdt_backoff b = { 0 };

	try(&b, 1000);
	sdt_backoff_session(&b, 1001);
	/* rekeys */
	sdt_backoff_session(&b, 1110);
	EXPECT(try(&b, 1001 + MOST), "later");
	EXPECT(try(&b, 1001 + MOST + 5), "what came of the reset lived long enough, whatever followed it");
}

static void no_session_no_doubling(void)
{
	struct sdt_backoff b = { 0 };
	u64 now = 1000;
	int i;

	for (i = 0; i < 100; i++, now += 5)
		EXPECT(try(&b, now), "attempt %d that nothing came of is made again after 5", i);
}

static void sessions_without_resets_are_nothing(void)
{
	struct sdt_backoff b = { 0 };

	sdt_backoff_session(&b, 10);
	EXPECT(!b.session && !b.wait && !b.acted, "all zero still");
	EXPECT(try(&b, 11), "at once");
}

static void recent_counters(void)
{
	static const struct {
		u32 next, counter;
		bool recent;
	} t[] = {
		{ 0, 0, false }, { 1, 0, true }, { 1, 1, false }, { 5, 4, true }, { 5, 5, false },
		{ 5, 0xffffffff, false }, { 8192, 0, true }, { 8193, 0, false }, { 8193, 1, true },
		{ 100000, 100000 - 8192, true }, { 100000, 100000 - 8193, false },
		{ 0xffffffff, 0xfffffffe, true }, { 0xffffffff, 0xffffffff, false },
		{ 0xffffffff, 0xffffffff - 8192, true }, { 0xffffffff, 0xffffffff - 8193, false },
	};
	unsigned int i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		EXPECT(sdt_counter_recent(t[i].next, t[i].counter) == t[i].recent, "%u of %u", t[i].counter,
		       t[i].next);
}

static const struct ktap_case cases[] = {
	KTAP_CASE(a_new_bucket_is_full),
	KTAP_CASE(tokens_grow_one_an_interval),
	KTAP_CASE(a_refusal_changes_nothing),
	KTAP_CASE(a_bucket_of_one),
	KTAP_CASE(clocks_that_differ_by_a_grain_do_no_harm),
	KTAP_CASE(a_flood_gets_the_rate),
	KTAP_CASE(the_first_reset_counts_at_once),
	KTAP_CASE(short_sessions_double_the_wait),
	KTAP_CASE(a_session_that_lived_makes_it_short_again),
	KTAP_CASE(one_second_less_is_short),
	KTAP_CASE(the_first_session_since_counts),
	KTAP_CASE(no_session_no_doubling),
	KTAP_CASE(sessions_without_resets_are_nothing),
	KTAP_CASE(recent_counters),
};

int main(void)
{
	return KTAP_RUN(cases);
}
