// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"
#include "replay_model.h"

#define LAST	(SDT_REJECT_AFTER_COUNTER - 1)	/* the last counter that is ever sent */

static struct sdt_replay window;
static struct replay_model model;

static void reset(void)
{
	memset(&window, 0, sizeof(window));
	memset(&model, 0, sizeof(model));
}

/* Window and model agree on @counter, and a peek foretells and changes nothing. */
static void feed(u32 counter)
{
	struct sdt_replay before = window;
	enum sdt_replay_verdict expected = replay_model_accept(&model, counter);
	enum sdt_replay_verdict peeked = sdt_replay_peek(&window, counter);
	enum sdt_replay_verdict got;

	EXPECT_MEM(&before, &window, sizeof(window), "peek at %u changed the window", counter);
	got = sdt_replay_accept(&window, counter);
	EXPECT(peeked == expected, "peek at %u: %d, not %d", counter, peeked, expected);
	EXPECT(got == expected, "accept %u: %d, not %d (greatest %u)", counter, got, expected,
	       model.greatest);
	EXPECT(window.top == (u64)model.greatest + 1, "top %llu", (unsigned long long)window.top);
	if (got == SDT_REPLAY_SEEN || got == SDT_REPLAY_OLD)
		EXPECT_MEM(&before, &window, sizeof(window), "refusing %u changed it", counter);
}

#define EXPECT_VERDICT(counter, verdict)						\
	EXPECT(sdt_replay_accept(&window, counter) == (verdict), "counter %u", (u32)(counter))

static void an_empty_window_takes_anything_once(void)
{
	static const u32 firsts[] = {
		0, 1, 63, 64, 8191, 8192, 8193, 0x7fffffff, 0x80000000, LAST, 0xffffffff
	};
	unsigned int i;

	for (i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		reset();
		EXPECT_VERDICT(firsts[i], SDT_REPLAY_NEWEST);
		EXPECT_VERDICT(firsts[i], SDT_REPLAY_SEEN);
	}
}

static void edges_of_the_window(void)
{
	reset();
	EXPECT_VERDICT(SDT_WINDOW_BITS - 1, SDT_REPLAY_NEWEST);
	EXPECT_VERDICT(0, SDT_REPLAY_NEW);
	EXPECT_VERDICT(0, SDT_REPLAY_SEEN);

	reset();
	EXPECT_VERDICT(SDT_WINDOW_BITS, SDT_REPLAY_NEWEST);
	EXPECT_VERDICT(0, SDT_REPLAY_OLD);
	EXPECT_VERDICT(1, SDT_REPLAY_NEW);
	EXPECT_VERDICT(1, SDT_REPLAY_SEEN);

	reset();
	EXPECT_VERDICT(0, SDT_REPLAY_NEWEST);
	EXPECT_VERDICT(SDT_WINDOW_BITS - 1, SDT_REPLAY_NEWEST);
	EXPECT_VERDICT(0, SDT_REPLAY_SEEN);
	EXPECT_VERDICT(SDT_WINDOW_BITS, SDT_REPLAY_NEWEST);
	EXPECT_VERDICT(0, SDT_REPLAY_OLD);
}

static void end_of_the_counter_space(void)
{
	reset();
	EXPECT_VERDICT(LAST - SDT_WINDOW_BITS, SDT_REPLAY_NEWEST);
	EXPECT_VERDICT(LAST, SDT_REPLAY_NEWEST);
	EXPECT_VERDICT(LAST, SDT_REPLAY_SEEN);
	EXPECT_VERDICT(LAST - SDT_WINDOW_BITS, SDT_REPLAY_OLD);
	EXPECT_VERDICT(LAST - SDT_WINDOW_BITS + 1, SDT_REPLAY_NEW);
	EXPECT_VERDICT(0, SDT_REPLAY_OLD);
	EXPECT_VERDICT(0xffffffff, SDT_REPLAY_NEWEST);
	EXPECT_VERDICT(0xffffffff, SDT_REPLAY_SEEN);
	EXPECT_VERDICT(LAST, SDT_REPLAY_SEEN);
	EXPECT_VERDICT(0, SDT_REPLAY_OLD);
}

static void every_counter_of_a_window_once_in_any_order(void)
{
	u32 base = 123456;
	u32 i;

	reset();
	EXPECT_VERDICT(base + SDT_WINDOW_BITS - 1, SDT_REPLAY_NEWEST);
	/* 4099 is odd, hence prime to the window's size: all are visited */
	for (i = 0; i < SDT_WINDOW_BITS; i++) {
		u32 counter = base + i * 4099 % SDT_WINDOW_BITS;
		bool is_first = counter != base + SDT_WINDOW_BITS - 1;

		EXPECT_VERDICT(counter, is_first ? SDT_REPLAY_NEW : SDT_REPLAY_SEEN);
		EXPECT_VERDICT(counter, SDT_REPLAY_SEEN);
	}
	EXPECT_VERDICT(base - 1, SDT_REPLAY_OLD);
}

/* After a jump of each size every slot of the ring must have the right past. */
static void jumps_of_every_size_near_a_word_and_a_window(void)
{
	u32 jump, i;

	for (jump = 1; jump < 3 * SDT_WINDOW_BITS; jump += jump < 200 ? 1 : 61) {
		reset();
		for (i = 0; i < 300; i++)
			feed(77 + i);
		feed(376 + jump);
		for (i = 0; i <= 376 + jump; i += 1 + (i % 7))
			feed(i);
	}
}

static void in_order_agrees_with_the_model(void)
{
	u32 i;

	reset();
	for (i = 0; i < 5 * SDT_WINDOW_BITS; i++)
		feed(i);
}

static u32 random_counter(u32 spread)
{
	u32 back = ktap_below(spread);

	switch (ktap_below(16)) {
	case 0:
		return model.greatest + 1 + ktap_below(4 * SDT_WINDOW_BITS);
	case 1:
		return model.greatest - (SDT_WINDOW_BITS - 2 + ktap_below(5));
	case 2:
		return (u32)ktap_random();
	case 3 ... 8:
		return model.greatest + 1;
	default:
		return model.greatest > back ? model.greatest - back : 0;
	}
}

static void random_sequences_agree_with_the_model(void)
{
	u32 round, i;

	for (round = 0; round < 200; round++) {
		u32 spread = 1U << ktap_below(15);

		reset();
		feed((u32)ktap_random() >> ktap_below(32));
		for (i = 0; i < 500; i++) {
			u32 counter = random_counter(spread);
			bool far = counter > model.greatest &&
				   counter - model.greatest > 8 * SDT_WINDOW_BITS;

			/* most rounds stay away from the end of the space for long */
			if (!far || ktap_below(8) == 0)
				feed(counter);
		}
	}
}

static const struct ktap_case cases[] = {
	KTAP_CASE(an_empty_window_takes_anything_once),
	KTAP_CASE(edges_of_the_window),
	KTAP_CASE(end_of_the_counter_space),
	KTAP_CASE(every_counter_of_a_window_once_in_any_order),
	KTAP_CASE(jumps_of_every_size_near_a_word_and_a_window),
	KTAP_CASE(in_order_agrees_with_the_model),
	KTAP_CASE(random_sequences_agree_with_the_model),
};

KTAP_MAIN(replay, cases)
