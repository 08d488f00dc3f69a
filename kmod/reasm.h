/* SPDX-License-Identifier: GPL-2.0 */
/* Which parts of a fragmented datagram are there: pure, no memory, no clock. */
#ifndef _SDT_REASM_H
#define _SDT_REASM_H

#include <linux/types.h>

#include <sdt/wire.h>

enum sdt_reasm_verdict {
	SDT_REASM_NEW,			/* taken: its bytes belong where it says */
	SDT_REASM_WHOLE,		/* taken, and it was the last that was missing */
	SDT_REASM_DUPLICATE,		/* exactly this one is there already */
	SDT_REASM_OVERLAP,		/* contradicts what is there: the datagram is spoiled */
	SDT_REASM_SHAPE,		/* cannot be part of any datagram, or one too many */
};

/* All zero: nothing is there yet. Pieces are sorted, and do not overlap. */
struct sdt_reasm {
	u32 end;			/* bytes of the datagram; 0: not known yet */
	u32 got;			/* bytes that are there */
	u32 pieces;
	struct {
		u16 offset;		/* in units of SDT_FRAGMENT_UNIT */
		u16 len;		/* bytes */
	} piece[SDT_FRAGMENTS_MAX];
};

/**
 * sdt_reasm_add() - a fragment came
 * @r: the datagram
 * @offset: bytes, a multiple of SDT_FRAGMENT_UNIT
 * @len: bytes
 * @more: it is not the datagram's last
 *
 * Return: what it is. Only NEW and WHOLE change @r.
 */
enum sdt_reasm_verdict sdt_reasm_add(struct sdt_reasm *r, u32 offset, u32 len, bool more);

#endif /* _SDT_REASM_H */
