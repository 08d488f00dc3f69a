// SPDX-License-Identifier: GPL-2.0
/* The replay window against its model. Input: steps of 3 bytes, a kind and a distance. */
#include <stdint.h>
#include <string.h>

#include "../unit/replay_model.h"
#include "fuzz.h"

#define STEP_LEN	3

static u32 next_counter(const struct replay_model *m, const uint8_t *step)
{
	u32 distance = (u32)step[1] << 8 | step[2];

	switch (step[0] & 3) {
	case 0:
		return m->greatest + distance;
	case 1:
		return m->greatest - distance;
	case 2:
		return m->greatest + (distance << (step[0] >> 4));
	default:
		return 0xffffffffu - distance;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct replay_model model;
	struct sdt_replay window = {};

	memset(&model, 0, sizeof(model));
	for (; size >= STEP_LEN; data += STEP_LEN, size -= STEP_LEN) {
		u32 counter = next_counter(&model, data);
		enum sdt_replay_verdict peeked = sdt_replay_peek(&window, counter);
		enum sdt_replay_verdict expected = replay_model_accept(&model, counter);

		REQUIRE(peeked == expected);
		REQUIRE(sdt_replay_accept(&window, counter) == expected);
		REQUIRE(window.top == (u64)model.greatest + 1);
	}
	return 0;
}
