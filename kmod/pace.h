/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How often something may be done: a token bucket in one 64-bit word, the
 * back-off of what resets cause, and which counters a reset may name. Pure.
 */
#ifndef _SDT_PACE_H
#define _SDT_PACE_H

#include <linux/types.h>

#include <sdt/wire.h>

/* One token grows in @interval; a full bucket holds @depth. Times have any unit, the same in all calls. */
struct sdt_pace {
	u64 interval;
	u32 depth;
};

/**
 * sdt_bucket_take() - one token, if there is one
 * @full_at: the bucket's state: when it is, or was, full again; 0 for a new one
 * @now: never goes back by more than a clock's grain
 * @next: the state afterwards
 *
 * The state is one word, so that many CPUs can share a bucket by exchanging it.
 * Return: false: none is left, and @next is not written.
 */
bool sdt_bucket_take(u64 full_at, u64 now, const struct sdt_pace *pace, u64 *next);

/*
 * Back-off of the handshakes that a link's resets cause. All zero at the start.
 * Caller locks. Times are not 0.
 */
struct sdt_backoff {
	u64 acted;		/* when a reset last caused a handshake */
	u64 wait;		/* from then on, for so long, none does; 0: none ever did */
	u64 session;		/* when a session came about since; 0: none yet */
};

/**
 * sdt_backoff_try() - may a reset cause a handshake now? If so, it has done so.
 * @least: shortest time between two
 * @most: longest; and the age from which on a session's end is nothing unusual
 *
 * The time doubles while sessions that came about so live shorter than @most.
 */
bool sdt_backoff_try(struct sdt_backoff *b, u64 now, u64 least, u64 most);

/** sdt_backoff_session() - a session came about, for whichever reason */
void sdt_backoff_session(struct sdt_backoff *b, u64 now);

/** sdt_counter_recent() - is @counter one of the last SDT_WINDOW_BITS sent, if @next is sent next? */
bool sdt_counter_recent(u32 next, u32 counter);

#endif /* _SDT_PACE_H */
