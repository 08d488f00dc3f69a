// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>

#include "replay.h"

/*
 * The bits are a ring of words, one word larger than the window: the words from
 * that of the greatest counter down to that of the oldest acceptable one are
 * always distinct slots, so that advancing clears whole words only.
 */
#define WORD_BITS	(8 * (u32)sizeof(unsigned long))
#define WORDS		((u32)ARRAY_SIZE(((struct sdt_replay *)0)->bits))

static u32 slot_of(u32 counter)
{
	return counter / WORD_BITS % WORDS;
}

static unsigned long mask_of(u32 counter)
{
	return 1UL << (counter % WORD_BITS);
}

enum sdt_replay_verdict sdt_replay_peek(const struct sdt_replay *w, u32 counter)
{
	if (counter >= w->top)
		return SDT_REPLAY_NEWEST;
	if (w->top - counter > SDT_WINDOW_BITS)
		return SDT_REPLAY_OLD;
	if (w->bits[slot_of(counter)] & mask_of(counter))
		return SDT_REPLAY_SEEN;
	return SDT_REPLAY_NEW;
}

/* Clear the words that @counter brings into the window and make it the greatest. */
static void advance(struct sdt_replay *w, u32 counter)
{
	u32 from = w->top ? (u32)(w->top - 1) / WORD_BITS : 0;
	u32 n = min(counter / WORD_BITS - from, WORDS);

	while (n--)
		w->bits[(++from) % WORDS] = 0;
	w->top = (u64)counter + 1;
}

enum sdt_replay_verdict sdt_replay_accept(struct sdt_replay *w, u32 counter)
{
	enum sdt_replay_verdict verdict = sdt_replay_peek(w, counter);

	if (verdict != SDT_REPLAY_NEW && verdict != SDT_REPLAY_NEWEST)
		return verdict;
	if (verdict == SDT_REPLAY_NEWEST)
		advance(w, counter);
	w->bits[slot_of(counter)] |= mask_of(counter);
	return verdict;
}
