/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Datagram packetization layer path MTU discovery, RFC 8899: which size of
 * message the path to the peer takes. Pure: no clock, no packets, no lock.
 *
 * All sizes are bytes of UDP payload. The caller sends a probe of @probe bytes
 * whenever @due is set, clears it, and tells what came of it: sdt_plpmtud_acked(),
 * or sdt_plpmtud_lost() when the probe timer runs out.
 */
#ifndef _SDT_PLPMTUD_H
#define _SDT_PLPMTUD_H

#include <linux/types.h>

#define SDT_PLPMTU_BASE		1200	/* taken to pass until the opposite is known */
#define SDT_PLPMTU_MIN		512	/* used when not even that passes */
#define SDT_PLPMTU_GRAIN	8	/* a search ends when no more than this is to be gained */
#define SDT_PLPMTU_PROBES	3	/* lost in a row: this size does not pass */

enum sdt_plpmtud_state {
	SDT_PLPMTUD_OFF,		/* no path yet */
	SDT_PLPMTUD_BASE,		/* is the base size taken? */
	SDT_PLPMTUD_SEARCHING,
	SDT_PLPMTUD_COMPLETE,		/* perhaps with a probe of the size in use, to confirm it */
	SDT_PLPMTUD_ERROR,		/* not even the base size, or the path is dead */
};

/*
 * INVARIANTS but in state OFF: size <= max; size < fail <= max + 1;
 * probe <= max; due implies probe.
 */
struct sdt_plpmtud {
	u8 state;			/* enum sdt_plpmtud_state */
	u8 lost;			/* probes of this size, in a row */
	bool due;			/* @probe is to be sent (again) */
	bool proved;			/* something of @size or more came through on this path */
	bool hinted;			/* @fail is what an ICMP message claimed */
	u32 size;			/* in use: longer messages are cut */
	u32 max;			/* what the first hop and the peer take */
	u32 fail;			/* the smallest that is known not to pass; max + 1: none */
	u32 probe;			/* size under way; 0: none */
};

/** sdt_plpmtud_start() - a new path, of which only @max is known */
void sdt_plpmtud_start(struct sdt_plpmtud *p, u32 max);

/** sdt_plpmtud_stop() - no path any more */
void sdt_plpmtud_stop(struct sdt_plpmtud *p);

/** sdt_plpmtud_bound() - the first hop or the peer takes another size than before */
void sdt_plpmtud_bound(struct sdt_plpmtud *p, u32 max);

/** sdt_plpmtud_acked() - the probe under way came through */
void sdt_plpmtud_acked(struct sdt_plpmtud *p);

/** sdt_plpmtud_lost() - it was not heard of in time */
void sdt_plpmtud_lost(struct sdt_plpmtud *p);

/**
 * sdt_plpmtud_hint() - an ICMP message says that no more than @size passes
 * @p: the state
 * @size: bytes of UDP payload
 *
 * Nothing below the base size is believed. The rest is believed only once a
 * probe of that size came through, and doubted again soon (@hinted): whoever
 * forges it gains that messages are cut for a while.
 */
void sdt_plpmtud_hint(struct sdt_plpmtud *p, u32 size);

/**
 * sdt_plpmtud_confirm() - does the size in use still pass; after an error: does the base size?
 * @p: the state
 *
 * Nothing if a probe is under way: being asked again and again must not hide that it is lost.
 */
void sdt_plpmtud_confirm(struct sdt_plpmtud *p);

/** sdt_plpmtud_raise() - complete: does more pass than before? */
void sdt_plpmtud_raise(struct sdt_plpmtud *p);

/**
 * sdt_plpmtud_tell() - up to which size is it too early to call a message too big?
 * @p: the state
 *
 * While the search goes on, that is anything that may yet turn out to pass: a sender that
 * was told a size remembers it for minutes.
 */
u32 sdt_plpmtud_tell(const struct sdt_plpmtud *p);

#endif /* _SDT_PLPMTUD_H */
