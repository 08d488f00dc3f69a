/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Channel ids of one link and the epoch under which they are drawn: pure.
 * INVARIANT: an id is never drawn twice under one epoch.
 */
#ifndef _SDT_CHANID_H
#define _SDT_CHANID_H

#include <linux/types.h>

#include <sdt/wire.h>

/* From this id on, which needs four bytes, an occasion to begin at 0 again is taken. */
#define SDT_CHANID_EARLY	0x01000000

/* Caller locks. 64 bits, so that 2^32 itself is a state: exhausted. */
struct sdt_chanid {
	u64 epoch;
	u64 next;
	u32 live;		/* ids of this epoch that are in use */
	bool drawn;		/* there were any */
};

/**
 * sdt_chanid_init() - start a new epoch
 * @epoch: random, and not equal to the one before
 * @first: 0 but in tests
 */
void sdt_chanid_init(struct sdt_chanid *c, u64 epoch, u32 first);

/**
 * sdt_chanid_draw() - next id; it is in use until sdt_chanid_done()
 * Return: 0, or -ENOSPC when 2^32 ids are used: a new epoch is needed.
 */
int sdt_chanid_draw(struct sdt_chanid *c, u32 *id);

/** sdt_chanid_done() - an id that was drawn under @epoch, be it over or not, is in use no more */
void sdt_chanid_done(struct sdt_chanid *c, u64 epoch);

/**
 * sdt_chanid_worn() - should the next handshake announce a new epoch?
 * Return: true if no id is left, or if ids are long, were used, and none is in use.
 */
bool sdt_chanid_worn(const struct sdt_chanid *c);

/** sdt_chanid_len() - fewest bytes for @id, 1..4 */
static inline unsigned int sdt_chanid_len(u32 id)
{
	return id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1;
}

#endif /* _SDT_CHANID_H */
