// SPDX-License-Identifier: GPL-2.0
/*
 * Reassembly against its model. Input: steps of 5 bytes: how, offset, length. What is taken
 * must lie in the datagram, since its bytes are copied to where it says.
 */
#include <stdint.h>
#include <string.h>

#include "../unit/reasm_model.h"
#include "fuzz.h"

#define STEP_LEN	5
#define STEPS_MAX	400

static void step(struct sdt_reasm *map, struct reasm_model *model, const uint8_t *in)
{
	u32 offset = (u32)in[1] << 8 | in[2], len = (u32)in[3] << 8 | in[4];
	enum sdt_reasm_verdict expected, got;

	/* mostly well-formed, or nothing would ever meet */
	if (!(in[0] & 0x80)) {
		offset = offset % 512 * 8;
		len = in[0] & 1 ? len % 64 * 8 : len % 512;
	}
	expected = reasm_model_add(model, offset, len, in[0] & 1);
	got = sdt_reasm_add(map, offset, len, in[0] & 1);
	REQUIRE(got == expected);
	REQUIRE(map->pieces == model->pieces);
	if (got == SDT_REASM_NEW || got == SDT_REASM_WHOLE)
		REQUIRE(offset + len <= SDT_DATAGRAM_MAX);
	REQUIRE(map->got <= SDT_DATAGRAM_MAX && map->end <= SDT_DATAGRAM_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reasm_model model;
	struct sdt_reasm map = {};
	unsigned int n;

	memset(&model, 0, sizeof(model));
	for (n = 0; size >= STEP_LEN && n < STEPS_MAX; data += STEP_LEN, size -= STEP_LEN, n++)
		step(&map, &model, data);
	return 0;
}
