// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"
#include "../../kmod/plpmtud.h"

static struct sdt_plpmtud p;

/* What must hold whatever happened. */
static void sound(void)
{
	if (p.state == SDT_PLPMTUD_OFF)
		return;
	EXPECT(p.size && p.size <= p.max, "size %u, max %u", p.size, p.max);
	EXPECT(p.fail > p.size && p.fail <= p.max + 1, "fail %u, size %u, max %u", p.fail, p.size, p.max);
	EXPECT(p.probe <= p.max, "probe %u, max %u", p.probe, p.max);
	EXPECT(!p.due || p.probe, "nothing is due");
	EXPECT(p.size <= SDT_PLPMTU_BASE || p.proved, "%u was never proved", p.size);
	EXPECT(p.probe || (p.state != SDT_PLPMTUD_BASE && p.state != SDT_PLPMTUD_SEARCHING),
	       "state %u waits for nothing", p.state);
	EXPECT(sdt_plpmtud_tell(&p) >= p.size, "tell %u, size %u", sdt_plpmtud_tell(&p), p.size);
}

/* Answer probes as a path would that takes @path bytes. Return: how many were sent. */
static unsigned int answer(u32 path)
{
	unsigned int n = 0;

	while (p.probe && n < 1000) {
		EXPECT(p.due, "a probe of %u is not sent", p.probe);
		p.due = false;
		n++;
		if (p.probe <= path)
			sdt_plpmtud_acked(&p);
		else
			sdt_plpmtud_lost(&p);
		sound();
	}
	EXPECT(n < 1000, "no end at %u", path);
	return n;
}

static unsigned int start(u32 max, u32 path)
{
	sdt_plpmtud_start(&p, max);
	sound();
	return answer(path);
}

#define EXPECT_COMPLETE(bytes) do {							\
	EXPECT(p.state == SDT_PLPMTUD_COMPLETE, "state %u", p.state);			\
	EXPECT(p.size == (bytes), "size %u, not %u", p.size, (u32)(bytes));		\
	EXPECT(sdt_plpmtud_tell(&p) == (bytes), "tell %u", sdt_plpmtud_tell(&p));	\
} while (0)

static void a_path_like_its_first_hop_takes_one_probe(void)
{
	static const u32 max[] = { 1201, 1232, 1472, 8972, 65507 };
	unsigned int i;

	for (i = 0; i < sizeof(max) / sizeof(max[0]); i++) {
		EXPECT(start(max[i], max[i]) == 1, "max %u", max[i]);
		EXPECT_COMPLETE(max[i]);
	}
	/* what the first hop does not take is not asked for */
	EXPECT(start(1200, 1200) == 0, "at the base");
	EXPECT_COMPLETE(1200);
	EXPECT(start(700, 700) == 0, "below it");
	EXPECT_COMPLETE(700);
}

static void nothing_is_taken_for_granted_but_the_base(void)
{
	sdt_plpmtud_start(&p, 1472);
	EXPECT(p.size == SDT_PLPMTU_BASE && p.probe == 1472 && p.due, "size %u", p.size);
	EXPECT(sdt_plpmtud_tell(&p) == 1472, "nobody is told before it is known: %u",
	       sdt_plpmtud_tell(&p));
}

static void every_path_is_found(void)
{
	u32 path;

	for (path = SDT_PLPMTU_BASE; path <= 8972; path += path < 1500 ? 1 : 37) {
		unsigned int probes = start(8972, path);

		EXPECT(p.state == SDT_PLPMTUD_COMPLETE, "state %u", p.state);
		EXPECT(p.size <= path && path - p.size < SDT_PLPMTU_GRAIN, "%u at %u", p.size, path);
		EXPECT(probes <= 45, "%u probes at %u", probes, path);
	}
}

static void two_lost_probes_are_no_answer(void)
{
	sdt_plpmtud_start(&p, 1472);
	sdt_plpmtud_lost(&p);
	sdt_plpmtud_lost(&p);
	EXPECT(p.probe == 1472 && p.due, "probe %u", p.probe);
	sdt_plpmtud_acked(&p);
	EXPECT_COMPLETE(1472);
	sdt_plpmtud_confirm(&p);
	sdt_plpmtud_lost(&p);
	sdt_plpmtud_confirm(&p);
	sdt_plpmtud_lost(&p);
	EXPECT(p.size == 1472, "size %u", p.size);
	/* to be asked once more does not begin anew */
	sdt_plpmtud_confirm(&p);
	sdt_plpmtud_lost(&p);
	EXPECT(p.size == SDT_PLPMTU_BASE, "size %u", p.size);
}

static void a_black_hole_is_noticed_and_left(void)
{
	start(1472, 1472);
	sdt_plpmtud_confirm(&p);
	EXPECT(p.probe == 1472 && p.state == SDT_PLPMTUD_COMPLETE, "probe %u", p.probe);
	answer(1400);
	EXPECT(p.state == SDT_PLPMTUD_COMPLETE && p.size <= 1400 && p.size > 1392, "%u", p.size);
	/* the path was dead, no more: all is as before, after two probes */
	start(1472, 1472);
	sdt_plpmtud_confirm(&p);
	sdt_plpmtud_lost(&p);
	sdt_plpmtud_lost(&p);
	sdt_plpmtud_lost(&p);
	EXPECT(p.state == SDT_PLPMTUD_BASE && p.probe == SDT_PLPMTU_BASE, "probe %u", p.probe);
	EXPECT(answer(1472) == 2, "probes");
	EXPECT_COMPLETE(1472);
}

static void a_path_below_the_base(void)
{
	start(1472, 1000);
	EXPECT(p.state == SDT_PLPMTUD_ERROR && p.size == SDT_PLPMTU_MIN, "state %u", p.state);
	EXPECT(sdt_plpmtud_tell(&p) == 1472, "tell %u", sdt_plpmtud_tell(&p));
	sdt_plpmtud_confirm(&p);
	EXPECT(p.probe == SDT_PLPMTU_BASE, "probe %u", p.probe);
	EXPECT(answer(1000) == 3, "probes");
	EXPECT(p.state == SDT_PLPMTUD_ERROR && p.size == SDT_PLPMTU_MIN, "state %u", p.state);
	sdt_plpmtud_confirm(&p);
	answer(1472);
	EXPECT_COMPLETE(1472);
	/* complete at the base, and then not even that */
	start(1472, SDT_PLPMTU_BASE);
	EXPECT_COMPLETE(SDT_PLPMTU_BASE);
	sdt_plpmtud_confirm(&p);
	EXPECT(answer(600) == 3, "asked twice");
	EXPECT(p.state == SDT_PLPMTUD_ERROR, "state %u", p.state);
	/* a first hop that takes less than the least */
	start(300, 300);
	sdt_plpmtud_confirm(&p);
	answer(0);
	EXPECT(p.state == SDT_PLPMTUD_ERROR && p.size == 300, "size %u", p.size);
}

static void raised(void)
{
	start(1472, 1400);
	sdt_plpmtud_raise(&p);
	EXPECT(p.probe == 1472 && p.size <= 1400, "probe %u", p.probe);
	answer(1472);
	EXPECT_COMPLETE(1472);
	sdt_plpmtud_raise(&p);
	EXPECT(!p.probe, "nothing failed: nothing to raise");
	start(1472, 1300);
	sdt_plpmtud_raise(&p);
	answer(1400);
	EXPECT(p.size <= 1400 && p.size > 1392, "to what is in between: %u", p.size);
}

static void a_hint_is_tried(void)
{
	sdt_plpmtud_start(&p, 1472);
	sdt_plpmtud_hint(&p, 1372);
	EXPECT(p.probe == 1372 && p.due && p.size == SDT_PLPMTU_BASE, "probe %u", p.probe);
	EXPECT(answer(1372) == 1, "probes");
	EXPECT_COMPLETE(1372);
	EXPECT(p.hinted && p.fail == 1373, "to be doubted");
	/* again, of the probe that raises */
	sdt_plpmtud_raise(&p);
	EXPECT(!p.hinted, "doubted");
	sdt_plpmtud_hint(&p, 1372);
	EXPECT_COMPLETE(1372);
	EXPECT(!p.probe && p.hinted, "settled by the hint");
	/* a second router */
	sdt_plpmtud_confirm(&p);
	sdt_plpmtud_hint(&p, 1300);
	EXPECT(p.size == SDT_PLPMTU_BASE && p.probe == 1300, "size %u", p.size);
	answer(1300);
	EXPECT_COMPLETE(1300);
	/* down to the base: which is unproved now */
	sdt_plpmtud_hint(&p, SDT_PLPMTU_BASE);
	EXPECT(p.state == SDT_PLPMTUD_BASE && p.probe == SDT_PLPMTU_BASE, "state %u", p.state);
	answer(SDT_PLPMTU_BASE);
	EXPECT_COMPLETE(SDT_PLPMTU_BASE);
}

static void a_hint_that_is_wrong_does_no_harm(void)
{
	struct sdt_plpmtud before;
	u32 size;

	start(1472, 1472);
	before = p;
	for (size = 0; size < SDT_PLPMTU_BASE; size++)
		sdt_plpmtud_hint(&p, size);
	sdt_plpmtud_hint(&p, 1472);
	sdt_plpmtud_hint(&p, 9000);
	EXPECT_MEM(&before, &p, sizeof(p), "below the base, or no news");
	/* it says more than passes */
	sdt_plpmtud_hint(&p, 1400);
	answer(1300);
	EXPECT(p.state == SDT_PLPMTUD_COMPLETE && p.size <= 1300 && p.size > 1292, "%u", p.size);
	EXPECT(!p.hinted, "found, not told");
	/* it says less than passes */
	start(1472, 1472);
	sdt_plpmtud_hint(&p, 1210);
	answer(1472);
	EXPECT_COMPLETE(1210);
	sdt_plpmtud_raise(&p);
	answer(1472);
	EXPECT_COMPLETE(1472);
	/* nobody asked */
	sdt_plpmtud_stop(&p);
	sdt_plpmtud_hint(&p, 1300);
	EXPECT(p.state == SDT_PLPMTUD_OFF && !p.probe, "off");
}

static void bounds_move(void)
{
	start(1472, 9000);
	sdt_plpmtud_bound(&p, 1472);
	EXPECT(!p.probe, "no news");
	sdt_plpmtud_bound(&p, 1400);
	EXPECT_COMPLETE(1400);
	EXPECT(!p.probe, "what is less than proved needs no probe");
	sdt_plpmtud_bound(&p, 8972);
	EXPECT(p.probe == 8972 && p.size == 1400, "probe %u", p.probe);
	sdt_plpmtud_bound(&p, 4000);
	EXPECT(p.probe == 4000, "probe %u", p.probe);
	answer(9000);
	EXPECT_COMPLETE(4000);
	/* what failed stays failed */
	start(1472, 1300);
	sdt_plpmtud_bound(&p, 1450);
	EXPECT(p.state == SDT_PLPMTUD_COMPLETE && p.size <= 1300, "size %u", p.size);
	sdt_plpmtud_bound(&p, 900);
	EXPECT_COMPLETE(900);
	/* in the other states */
	sdt_plpmtud_start(&p, 1472);
	sdt_plpmtud_lost(&p);
	sdt_plpmtud_lost(&p);
	sdt_plpmtud_lost(&p);
	EXPECT(p.state == SDT_PLPMTUD_BASE, "state %u", p.state);
	sdt_plpmtud_bound(&p, 1000);
	EXPECT(p.probe == 1000 && p.size == 1000, "probe %u", p.probe);
	sound();
	answer(0);
	EXPECT(p.state == SDT_PLPMTUD_ERROR, "state %u", p.state);
	sdt_plpmtud_bound(&p, 400);
	sound();
	EXPECT(p.size == 400 && !p.probe, "size %u", p.size);
	sdt_plpmtud_stop(&p);
	sdt_plpmtud_bound(&p, 1472);
	EXPECT(p.state == SDT_PLPMTUD_OFF && sdt_plpmtud_tell(&p) == (u32)-1, "off");
}

static void a_first_hop_below_the_base(void)
{
	start(768, 768);
	sdt_plpmtud_bound(&p, 1024);
	sound();
	answer(256);
	EXPECT(p.state == SDT_PLPMTUD_ERROR && p.size == SDT_PLPMTU_MIN, "state %u, size %u", p.state, p.size);

	/* what has failed is the whole of it, and then the first hop takes more */
	start(768, 768);
	sdt_plpmtud_bound(&p, 1024);
	while (p.state == SDT_PLPMTUD_SEARCHING)
		sdt_plpmtud_lost(&p);
	sound();
	sdt_plpmtud_bound(&p, 1100);
	sound();
	EXPECT(answer(1100) <= 2, "it takes too many probes");
	EXPECT_COMPLETE(1100);
}

static void whatever_happens(void)
{
	unsigned int round, i;

	for (round = 0; round < 200; round++) {
		u32 path = 64 + ktap_below(9000);

		sdt_plpmtud_start(&p, 64 + ktap_below(9000));
		for (i = 0; i < 300; i++) {
			if (p.due && ktap_below(4))
				p.due = false;
			switch (ktap_below(10)) {
			case 0:
				sdt_plpmtud_hint(&p, ktap_below(9000));
				break;
			case 1:
				sdt_plpmtud_bound(&p, 64 + ktap_below(9000));
				break;
			case 2:
				sdt_plpmtud_raise(&p);
				break;
			case 3:
				sdt_plpmtud_confirm(&p);
				break;
			case 4:
				sdt_plpmtud_lost(&p);
				break;
			default:
				if (p.probe && p.probe <= path)
					sdt_plpmtud_acked(&p);
				else
					sdt_plpmtud_lost(&p);
			}
			sound();
		}
	}
}

static const struct ktap_case cases[] = {
	KTAP_CASE(a_path_like_its_first_hop_takes_one_probe),
	KTAP_CASE(nothing_is_taken_for_granted_but_the_base),
	KTAP_CASE(every_path_is_found),
	KTAP_CASE(two_lost_probes_are_no_answer),
	KTAP_CASE(a_black_hole_is_noticed_and_left),
	KTAP_CASE(a_path_below_the_base),
	KTAP_CASE(raised),
	KTAP_CASE(a_hint_is_tried),
	KTAP_CASE(a_hint_that_is_wrong_does_no_harm),
	KTAP_CASE(bounds_move),
	KTAP_CASE(a_first_hop_below_the_base),
	KTAP_CASE(whatever_happens),
};

int main(void)
{
	return KTAP_RUN(cases);
}
