// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>

#include "../../kmod/chanid.h"
#include "ktap.h"

static void init_sets_epoch_and_first(void)
{
	struct sdt_chanid c = { .epoch = 1, .next = 99 };
	u32 id;

	sdt_chanid_init(&c, 0x0123456789abcdefULL, 0);
	EXPECT(c.epoch == 0x0123456789abcdefULL, "epoch %llx", (unsigned long long)c.epoch);
	EXPECT(!sdt_chanid_draw(&c, &id) && id == 0, "id %u", id);

	sdt_chanid_init(&c, 7, 4711);
	EXPECT(c.epoch == 7, "epoch %llx", (unsigned long long)c.epoch);
	EXPECT(!sdt_chanid_draw(&c, &id) && id == 4711, "id %u", id);
}

static void draws_every_id_once_in_order(void)
{
	static const u32 firsts[] = { 0, 0xff00, 0xff0000, 0x7fff0000, 0xfff00000 };
	struct sdt_chanid c;
	unsigned int i;
	u32 n;

	for (i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		sdt_chanid_init(&c, i, firsts[i]);
		for (n = 0; n < 1 << 20; n++) {
			u32 id = ~0U;

			ASSERT(!sdt_chanid_draw(&c, &id), "draw %u from %u", n, firsts[i]);
			ASSERT(id == firsts[i] + n, "draw %u from %u: %u", n, firsts[i], id);
		}
		EXPECT(c.epoch == i, "the epoch stays");
	}
}

static void exhausts_at_2_to_the_32(void)
{
	struct sdt_chanid c;
	u32 id;
	int n;

	sdt_chanid_init(&c, 5, 0xfffffffd);
	for (n = 0; n < 3; n++)
		EXPECT(!sdt_chanid_draw(&c, &id) && id == 0xfffffffd + n, "id %x", id);
	id = 0x5a5a5a5a;
	for (n = 0; n < 1000; n++)
		EXPECT(sdt_chanid_draw(&c, &id) == -ENOSPC, "draw %d after the last", n);
	EXPECT(id == 0x5a5a5a5a, "a refused draw leaves the id alone: %x", id);
	EXPECT(c.epoch == 5, "the epoch stays");

	sdt_chanid_init(&c, 6, 0);
	EXPECT(!sdt_chanid_draw(&c, &id) && id == 0, "a new epoch begins at 0: %x", id);
}

static void wears_out_early_only_without_ids_in_use(void)
{
	struct sdt_chanid c;
	u32 id;

	sdt_chanid_init(&c, 8, 0);
	EXPECT(!sdt_chanid_worn(&c), "a new one is not worn");
	sdt_chanid_init(&c, 8, SDT_CHANID_EARLY - 1);
	EXPECT(!sdt_chanid_worn(&c), "the last of three bytes is still to come");
	EXPECT(!sdt_chanid_draw(&c, &id) && id == SDT_CHANID_EARLY - 1, "id %x", id);
	EXPECT(!sdt_chanid_worn(&c), "an id is in use");
	sdt_chanid_done(&c, 7);
	EXPECT(!sdt_chanid_worn(&c), "that was another epoch's");
	sdt_chanid_done(&c, 8);
	EXPECT(sdt_chanid_worn(&c), "none is in use");
	EXPECT(!sdt_chanid_draw(&c, &id) && id == SDT_CHANID_EARLY, "it goes on all the same: %x", id);
	sdt_chanid_init(&c, 9, 5);
	EXPECT(!sdt_chanid_worn(&c), "a new epoch is not worn");
	sdt_chanid_done(&c, 8);
	EXPECT(!sdt_chanid_draw(&c, &id) && id == 5, "id %x", id);
	sdt_chanid_done(&c, 9);
	EXPECT(!c.live, "%u in use", c.live);
}

static void is_not_worn_before_it_was_used(void)
{
	struct sdt_chanid c;
	u32 id;

	sdt_chanid_init(&c, 8, 0xffff0000);
	EXPECT(!sdt_chanid_worn(&c), "no id was drawn");
	EXPECT(!sdt_chanid_draw(&c, &id), "id %x", id);
	sdt_chanid_done(&c, 8);
	EXPECT(sdt_chanid_worn(&c), "one was");
	sdt_chanid_init(&c, 9, 0xffff0000);
	EXPECT(!sdt_chanid_worn(&c), "no id of this epoch was drawn");
}

static void is_worn_when_used_up(void)
{
	struct sdt_chanid c;
	u32 id;

	sdt_chanid_init(&c, 8, 0xffffffff);
	EXPECT(!sdt_chanid_draw(&c, &id) && id == 0xffffffff, "id %x", id);
	EXPECT(sdt_chanid_worn(&c), "though an id is in use");
	sdt_chanid_init(&c, 9, 0xfffffffe);
	EXPECT(!sdt_chanid_draw(&c, &id) && id == 0xfffffffe, "id %x", id);
	EXPECT(!sdt_chanid_worn(&c), "one is left");
}

static void length_is_the_fewest_bytes(void)
{
	static const struct {
		u32 id;
		unsigned int len;
	} edges[] = {
		{ 0, 1 }, { 1, 1 }, { 0xff, 1 }, { 0x100, 2 }, { 0xffff, 2 }, { 0x10000, 3 },
		{ 0xffffff, 3 }, { 0x1000000, 4 }, { 0x7fffffff, 4 }, { 0xffffffff, 4 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		EXPECT(sdt_chanid_len(edges[i].id) == edges[i].len, "id %x", edges[i].id);
	for (i = 0; i < 100000; i++) {
		u32 id = (u32)ktap_random() >> ktap_below(32);
		unsigned int len = sdt_chanid_len(id);

		EXPECT(len >= 1 && len <= SDT_FRAME_CHLEN_MAX, "id %x: %u", id, len);
		EXPECT((u64)id >> (8 * len) == 0, "id %x fits %u bytes", id, len);
		EXPECT(len == 1 || id >> (8 * (len - 1)), "id %x needs %u bytes", id, len);
	}
}

static const struct ktap_case cases[] = {
	KTAP_CASE(init_sets_epoch_and_first),
	KTAP_CASE(draws_every_id_once_in_order),
	KTAP_CASE(exhausts_at_2_to_the_32),
	KTAP_CASE(wears_out_early_only_without_ids_in_use),
	KTAP_CASE(is_not_worn_before_it_was_used),
	KTAP_CASE(is_worn_when_used_up),
	KTAP_CASE(length_is_the_fewest_bytes),
};

KTAP_MAIN(chanid, cases)
