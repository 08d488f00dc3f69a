/* SPDX-License-Identifier: GPL-2.0 */
/* The window as a first reader of RFC 6479 would write it: one byte a counter, shifted. */
#ifndef _REPLAY_MODEL_H
#define _REPLAY_MODEL_H

#include <linux/string.h>

#include "../../kmod/replay.h"

struct replay_model {
	bool any;
	u32 greatest;
	u8 seen[SDT_WINDOW_BITS];	/* [i]: greatest - i was accepted */
};

static inline enum sdt_replay_verdict replay_model_accept(struct replay_model *m, u32 counter)
{
	u32 distance;

	if (!m->any || counter > m->greatest) {
		distance = m->any ? counter - m->greatest : SDT_WINDOW_BITS;
		if (distance >= SDT_WINDOW_BITS) {
			memset(m->seen, 0, sizeof(m->seen));
		} else {
			memmove(m->seen + distance, m->seen, sizeof(m->seen) - distance);
			memset(m->seen, 0, distance);
		}
		m->any = true;
		m->greatest = counter;
		m->seen[0] = 1;
		return SDT_REPLAY_NEWEST;
	}
	distance = m->greatest - counter;
	if (distance >= SDT_WINDOW_BITS)
		return SDT_REPLAY_OLD;
	if (m->seen[distance])
		return SDT_REPLAY_SEEN;
	m->seen[distance] = 1;
	return SDT_REPLAY_NEW;
}

#endif
