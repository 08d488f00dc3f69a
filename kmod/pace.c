// SPDX-License-Identifier: GPL-2.0
#include <linux/types.h>

#include "pace.h"

bool sdt_bucket_take(u64 full_at, u64 now, const struct sdt_pace *pace, u64 *next)
{
	u64 from = full_at > now ? full_at : now;

	/* what is missing now, and the token to be taken, must not be more than all */
	if (from - now > pace->interval * (pace->depth - 1))
		return false;
	*next = from + pace->interval;
	return true;
}

bool sdt_backoff_try(struct sdt_backoff *b, u64 now, u64 least, u64 most)
{
	if (now - b->acted < b->wait)
		return false;
	/* an attempt that nothing came of says nothing about sessions: the same again */
	if (!b->wait || (b->session && now - b->session >= most))
		b->wait = least;
	else if (b->session)
		b->wait = b->wait >= most / 2 ? most : 2 * b->wait;
	b->acted = now;
	b->session = 0;
	return true;
}

void sdt_backoff_session(struct sdt_backoff *b, u64 now)
{
	if (b->wait && !b->session)
		b->session = now;
}

bool sdt_counter_recent(u32 next, u32 counter)
{
	return counter < next && next - counter <= SDT_WINDOW_BITS;
}
