/* SPDX-License-Identifier: GPL-2.0 */
/* Sliding replay window of one lane under one keypair (RFC 6479). Caller locks. */
#ifndef _SDT_REPLAY_H
#define _SDT_REPLAY_H

#include <linux/types.h>

#include <sdt/wire.h>

/* All zero is an empty window. "top" is one more than the greatest counter accepted. */
struct sdt_replay {
	u64 top;
	unsigned long bits[(SDT_WINDOW_BITS + 64) / (8 * sizeof(unsigned long))];
};

enum sdt_replay_verdict {
	SDT_REPLAY_NEW,		/* accepted, not the greatest so far */
	SDT_REPLAY_NEWEST,	/* accepted and raised the greatest counter */
	SDT_REPLAY_SEEN,	/* duplicate */
	SDT_REPLAY_OLD,		/* left of the window */
};

/** sdt_replay_peek() - what accept would say now; a cheap filter before the AEAD */
enum sdt_replay_verdict sdt_replay_peek(const struct sdt_replay *w, u32 counter);

/** sdt_replay_accept() - judge and record; only after the tag verified */
enum sdt_replay_verdict sdt_replay_accept(struct sdt_replay *w, u32 counter);

#endif /* _SDT_REPLAY_H */
