// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"
#include "reasm_model.h"

static struct sdt_reasm map;
static struct reasm_model model;

static void reset(void)
{
	memset(&map, 0, sizeof(map));
	memset(&model, 0, sizeof(model));
}

/* Map and model agree, and only what is taken changes the map. */
static enum sdt_reasm_verdict feed(u32 offset, u32 len, bool more)
{
	struct sdt_reasm before = map;
	enum sdt_reasm_verdict expected = reasm_model_add(&model, offset, len, more);
	enum sdt_reasm_verdict got = sdt_reasm_add(&map, offset, len, more);
	u32 i;

	EXPECT(got == expected, "[%u, +%u) more %d: %d, not %d", offset, len, more, got, expected);
	if (got != SDT_REASM_NEW && got != SDT_REASM_WHOLE)
		EXPECT_MEM(&before, &map, sizeof(map), "refusing [%u, +%u) changed it", offset, len);
	EXPECT(map.pieces == model.pieces, "%u pieces, not %u", map.pieces, model.pieces);
	for (i = 1; i < map.pieces; i++)
		EXPECT(map.piece[i - 1].offset * 8 + map.piece[i - 1].len <= map.piece[i].offset * 8,
		       "piece %u is out of order", i);
	return got;
}

#define EXPECT_FEED(verdict, ...) EXPECT(feed(__VA_ARGS__) == (verdict), #__VA_ARGS__)

static void one_piece_is_a_whole(void)
{
	reset();
	EXPECT_FEED(SDT_REASM_WHOLE, 0, 1, false);
	reset();
	EXPECT_FEED(SDT_REASM_WHOLE, 0, SDT_DATAGRAM_MAX, false);
	EXPECT(map.end == SDT_DATAGRAM_MAX && map.got == SDT_DATAGRAM_MAX, "end %u", map.end);
}

static void any_order_comes_to_a_whole(void)
{
	static const u8 order[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	static const u32 len[3] = { 1432, 1432, 17 };
	unsigned int i, j;

	for (i = 0; i < 6; i++) {
		reset();
		for (j = 0; j < 3; j++) {
			u32 n = order[i][j];

			EXPECT_FEED(j < 2 ? SDT_REASM_NEW : SDT_REASM_WHOLE, n * 1432, len[n], n < 2);
		}
		EXPECT(map.end == 2881, "end %u", map.end);
	}
}

static void a_duplicate_is_the_very_same(void)
{
	reset();
	EXPECT_FEED(SDT_REASM_NEW, 8, 16, true);
	EXPECT_FEED(SDT_REASM_DUPLICATE, 8, 16, true);
	EXPECT_FEED(SDT_REASM_OVERLAP, 8, 16, false);
	EXPECT_FEED(SDT_REASM_NEW, 24, 8, false);
	EXPECT_FEED(SDT_REASM_DUPLICATE, 24, 8, false);
	EXPECT_FEED(SDT_REASM_OVERLAP, 24, 8, true);
	EXPECT_FEED(SDT_REASM_WHOLE, 0, 8, true);
}

static void every_overlap_is_noticed(void)
{
	u32 offset, len;

	/* there are [40, 80) and [120, 160) */
	for (offset = 0; offset < 200; offset += 8)
		for (len = 8; offset + len <= 208; len += 8) {
			reset();
			feed(40, 40, true);
			feed(120, 40, true);
			feed(offset, len, true);
			reset();
			feed(40, 40, true);
			feed(120, 40, false);
			feed(offset, len, true);
			feed(offset, len - 3, false);
		}
}

static void the_end_is_the_end(void)
{
	reset();
	EXPECT_FEED(SDT_REASM_NEW, 80, 3, false);
	EXPECT_FEED(SDT_REASM_OVERLAP, 88, 8, true);
	EXPECT_FEED(SDT_REASM_OVERLAP, 800, 8, true);
	EXPECT_FEED(SDT_REASM_OVERLAP, 800, 8, false);
	EXPECT_FEED(SDT_REASM_OVERLAP, 0, 8, false);
	EXPECT_FEED(SDT_REASM_WHOLE, 0, 80, true);
	reset();
	EXPECT_FEED(SDT_REASM_NEW, 80, 8, true);
	EXPECT_FEED(SDT_REASM_OVERLAP, 72, 8, false);
	EXPECT_FEED(SDT_REASM_OVERLAP, 0, 1, false);
}

static void shapes(void)
{
	reset();
	EXPECT_FEED(SDT_REASM_SHAPE, 0, 0, false);
	EXPECT_FEED(SDT_REASM_SHAPE, 0, 0, true);
	EXPECT_FEED(SDT_REASM_SHAPE, 4, 8, true);
	EXPECT_FEED(SDT_REASM_SHAPE, 0, 9, true);
	EXPECT_FEED(SDT_REASM_SHAPE, 0, SDT_DATAGRAM_MAX + 1, false);
	EXPECT_FEED(SDT_REASM_SHAPE, 65504, 4, false);
	EXPECT_FEED(SDT_REASM_SHAPE, 65512, 1, false);
	EXPECT_FEED(SDT_REASM_SHAPE, 8, 0xfffffff8, true);
	EXPECT_FEED(SDT_REASM_NEW, 65504, 3, false);
}

static void so_many_pieces_and_no_more(void)
{
	u32 i;

	reset();
	for (i = SDT_FRAGMENTS_MAX; i; i--)
		EXPECT_FEED(SDT_REASM_NEW, i * 8, 8, true);
	EXPECT_FEED(SDT_REASM_SHAPE, 0, 8, true);
	EXPECT_FEED(SDT_REASM_DUPLICATE, 8, 8, true);
	EXPECT_FEED(SDT_REASM_OVERLAP, 8, 16, true);
}

static void random_pieces_agree_with_the_model(void)
{
	unsigned int round, i;

	for (round = 0; round < 300; round++) {
		u32 unit = 8 * (1 + ktap_below(20)), most = 1 + ktap_below(40);

		reset();
		for (i = 0; i < 60; i++) {
			u32 offset = unit * ktap_below(most), len = unit;
			bool more = ktap_below(10);

			if (!ktap_below(8))
				len = 1 + ktap_below(3 * unit);
			feed(offset, len, more);
		}
	}
}

static const struct ktap_case cases[] = {
	KTAP_CASE(one_piece_is_a_whole),
	KTAP_CASE(any_order_comes_to_a_whole),
	KTAP_CASE(a_duplicate_is_the_very_same),
	KTAP_CASE(every_overlap_is_noticed),
	KTAP_CASE(the_end_is_the_end),
	KTAP_CASE(shapes),
	KTAP_CASE(so_many_pieces_and_no_more),
	KTAP_CASE(random_pieces_agree_with_the_model),
};

KTAP_MAIN(reasm, cases)
