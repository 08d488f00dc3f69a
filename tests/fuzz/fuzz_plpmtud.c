// SPDX-License-Identifier: GPL-2.0
/*
 * The search for the path MTU. Input: what happens, two bytes of argument each. Whatever
 * it is, the invariants of plpmtud.h hold; and on a path that then stays as it is, the
 * search comes to its end.
 */
#include <stdint.h>
#include <string.h>

#include "../../kmod/plpmtud.h"
#include "fuzz.h"

#define STEP_LEN	3
#define MAX_LO		100	/* of what the first hop takes */
#define PROBES_MAX	200	/* more than any search needs */

static void invariants(const struct sdt_plpmtud *p)
{
	if (p->state == SDT_PLPMTUD_OFF)
		return;
	REQUIRE(p->size <= p->max);
	REQUIRE(p->size < p->fail && p->fail <= p->max + 1);
	REQUIRE(p->probe <= p->max);
	REQUIRE(!p->due || p->probe);
	REQUIRE(p->size <= SDT_PLPMTU_BASE || p->proved);
	REQUIRE(p->probe || (p->state != SDT_PLPMTUD_BASE && p->state != SDT_PLPMTUD_SEARCHING));
	REQUIRE(sdt_plpmtud_tell(p) <= p->max);
	REQUIRE(sdt_plpmtud_tell(p) >= p->size);
}

static void happen(struct sdt_plpmtud *p, const uint8_t *step)
{
	u32 argument = (u32)step[1] << 8 | step[2];

	switch (step[0] % 8) {
	case 0:
		sdt_plpmtud_start(p, argument < MAX_LO ? MAX_LO : argument);
		break;
	case 1:
		sdt_plpmtud_stop(p);
		break;
	case 2:
		sdt_plpmtud_bound(p, argument < MAX_LO ? MAX_LO : argument);
		break;
	case 3:
		sdt_plpmtud_acked(p);
		break;
	case 4:
		sdt_plpmtud_lost(p);
		break;
	case 5:
		sdt_plpmtud_hint(p, argument);
		break;
	case 6:
		sdt_plpmtud_confirm(p);
		break;
	default:
		sdt_plpmtud_raise(p);
	}
	if (step[0] & 0x80)
		p->due = false;
}

/* From now on the path takes so many bytes. */
static void settle(struct sdt_plpmtud *p, u32 takes)
{
	unsigned int n;

	for (n = 0; p->probe; n++) {
		REQUIRE(n < PROBES_MAX);
		p->due = false;
		if (p->probe <= takes)
			sdt_plpmtud_acked(p);
		else
			sdt_plpmtud_lost(p);
		invariants(p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sdt_plpmtud p;

	memset(&p, 0, sizeof(p));
	sdt_plpmtud_start(&p, 1472);
	invariants(&p);
	for (; size >= STEP_LEN; data += STEP_LEN, size -= STEP_LEN) {
		happen(&p, data);
		invariants(&p);
	}
	if (p.state != SDT_PLPMTUD_OFF)
		settle(&p, size ? data[0] * 64 : 1400);
	return 0;
}
