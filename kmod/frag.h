/* SPDX-License-Identifier: GPL-2.0 */
/* Reassembly of datagrams that came in FRAGMENT frames. */
#ifndef _SDT_FRAG_H
#define _SDT_FRAG_H

#include <linux/list.h>
#include <linux/spinlock.h>

struct sdt_control;
struct sdt_frame;
struct sdt_keypair;
struct sdt_link;
struct sdt_rx;

#define SDT_FRAG_BUCKETS	32
#define SDT_FRAG_MEMORY		(1024 * 1024)	/* bytes a link keeps, pages and bookkeeping */

/*
 * Part of a link. What waits belongs to the keypair that opened it and goes, at
 * the latest, with that (sdt_frags_flush(), when nothing can be opened under it
 * any more); so it is empty when the link's teardown has seen its keypairs go.
 *
 * The lock is taken for fragments alone.
 */
struct sdt_frags {
	spinlock_t lock;		/* BH; innermost */
	struct hlist_head hash[SDT_FRAG_BUCKETS];
	struct list_head age;		/* oldest first */
	unsigned int memory;		/* bytes */
	u32 seed;
};

/** sdt_frags_init() - of a new link */
void sdt_frags_init(struct sdt_link *link);

/**
 * sdt_frag_receive() - one FRAGMENT frame; the datagram goes to its tunnel when it is whole
 * @rx: what brought it
 * @f: the frame
 * @c: its operands
 * @data: the fragment's data, f->body_len - c->fragment.data_off bytes
 *
 * Context: RCU, BH off. Counts.
 */
void sdt_frag_receive(const struct sdt_rx *rx, const struct sdt_frame *f,
		      const struct sdt_control *c, const u8 *data);

/** sdt_frags_expire() - give up what waits too long; any context. Return: true if some is left */
bool sdt_frags_expire(struct sdt_link *link);

/** sdt_frags_flush() - @kp is about to be freed; process context */
void sdt_frags_flush(struct sdt_link *link, const struct sdt_keypair *kp);

#endif /* _SDT_FRAG_H */
