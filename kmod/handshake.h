/* SPDX-License-Identifier: GPL-2.0 */
/* What waits for the handshake's worker: bounded, and in classes that cannot starve one another. */
#ifndef _SDT_HANDSHAKE_H
#define _SDT_HANDSHAKE_H

#include <linux/skbuff.h>
#include <linux/types.h>

struct sdt_node;

#define SDT_CHALLENGES_PER_SECOND 10	/* a link */
#define SDT_SOURCE_PER_SECOND	20	/* handshakes from one source under load */

/*
 * Classes of what waits, told apart by what costs next to nothing to find out.
 * The worker takes one of each in turn, so a flood of one class costs the
 * others nothing but that turn; and each is under load by its own length.
 */
enum sdt_hs_class {
	SDT_HS_EXPECTED,	/* response, cookie, challenge for an index of ours */
	SDT_HS_KNOWN,		/* initiation from the address of some link's peer */
	SDT_HS_COOKIE,		/* any other that brings a cookie, right or wrong */
	SDT_HS_PLAIN,		/* all the rest */
	SDT_HS_CLASSES,
};

struct sdt_hs_load {
	bool was;			/* cookies are demanded ... */
	unsigned long until;		/* ... until then, jiffies */
};

void sdt_handshake_queues_init(struct sdt_node *node);
void sdt_handshake_queues_purge(struct sdt_node *node);

/**
 * sdt_handshake_queue() - hand a message to the worker
 * @node: the node
 * @skb: its cb is a struct sdt_hs_cb, but for the class
 * @class: enum sdt_hs_class
 *
 * Context: BH off. Return: false: that class is full; @skb is still the caller's.
 */
bool sdt_handshake_queue(struct sdt_node *node, struct sk_buff *skb, enum sdt_hs_class class);

#endif /* _SDT_HANDSHAKE_H */
