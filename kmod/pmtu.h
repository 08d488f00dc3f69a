/* SPDX-License-Identifier: GPL-2.0 */
/* The path MTU of a link: what its messages may measure, learned by probes and hints. */
#ifndef _SDT_PMTU_H
#define _SDT_PMTU_H

#include <linux/spinlock.h>

#include <sdt/wire.h>

#include "plpmtud.h"

struct sdt_link;

/*
 * Part of a link, and alive as long as it. One for all lanes: they share a route
 * but where the network spreads them, and then the smallest path counts, since
 * the probes that confirm a size go round the lanes.
 *
 * There is no timer: link->tick looks in while a probe is under way or long
 * messages are sent, and what a probe brings is dealt with when it arrives.
 */
struct sdt_pmtu {
	u16 payload;			/* messages up to it are taken to pass; any context */
	u16 tell;			/* a datagram is not too big if it fits this; any context */

	spinlock_t lock;		/* BH; innermost */
	struct sdt_plpmtud m;
	u8 lane;			/* by which probes go now */
	u8 opaque[SDT_PING_LEN];	/* of the probe under way */
	u32 opaque_size;		/*  which has this size; 0: none was sent */
	unsigned long sent;		/* jiffies: the last probe */
	unsigned long window;		/* jiffies: probes are counted since */
	unsigned int sent_in_window;
	unsigned long proved;		/* jiffies: the size in use was confirmed, or asked about */
	unsigned long searched;		/* jiffies: the last search ended */
	unsigned long hinted;		/* jiffies: the last ICMP error that was looked at */
	bool settled;			/* no search is under way */
	u16 announced;			/* size that listeners know of; 0: none yet */
};

/** sdt_pmtu_init() - of a new link */
void sdt_pmtu_init(struct sdt_link *link);

/** sdt_pmtu_restart() - lane 0 goes to another address: nothing is known. RCU, or node->lock */
void sdt_pmtu_restart(struct sdt_link *link);

/** sdt_pmtu_session() - a keypair took effect: search, or confirm what is known. RCU, BH off */
void sdt_pmtu_session(struct sdt_link *link);

/**
 * sdt_pmtu_tick() - timers, and what the first hop takes now
 * @link: the link, which has a usable keypair
 *
 * Context: process. Return: true if it wants to be called again in a second.
 */
bool sdt_pmtu_tick(struct sdt_link *link);

/** sdt_pmtu_pong() - is this PONG a probe's answer? Deals with it then. RCU, BH off */
bool sdt_pmtu_pong(struct sdt_link *link, const u8 *opaque);

/**
 * sdt_pmtu_icmp() - somebody on the way, or who poses as such, says that messages are too long
 * @link: the link
 * @lane: whose path was quoted
 * @payload: bytes of UDP payload that would do; 0: it does not say
 *
 * A hint, no more: see sdt_plpmtud_hint(). At most one a second is looked at.
 * Context: RCU, BH off.
 */
void sdt_pmtu_icmp(struct sdt_link *link, unsigned int lane, unsigned int payload);

/** sdt_pmtu_recheck() - a message did not fit the local route. RCU, BH off */
void sdt_pmtu_recheck(struct sdt_link *link);

/** sdt_pmtu_payload() - longest message that is sent now, bytes of UDP payload; any context */
unsigned int sdt_pmtu_payload(const struct sdt_link *link);

/** sdt_pmtu_tell() - longest message that may yet turn out to pass; any context */
unsigned int sdt_pmtu_tell(const struct sdt_link *link);

#endif /* _SDT_PMTU_H */
