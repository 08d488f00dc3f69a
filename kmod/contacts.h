/* SPDX-License-Identifier: GPL-2.0 */
/* Router mode: whom the customer of a channel wrote to, hence who may answer. */
#ifndef _SDT_CONTACTS_H
#define _SDT_CONTACTS_H

#include <linux/rhashtable.h>

#include "tunnel.h"

struct sdt_channel;

/*
 * Memory is bounded: a channel has at most SDT_CONTACTS_CHANNEL of them, and when a
 * tunnel has SDT_CONTACTS_SHARE for each channel that it may have (but not less than
 * SDT_CONTACTS_MIN), a channel that has one already gets no more. Then a new one
 * takes the place of the channel's own longest unused; see sdt_contact_add().
 */
#define SDT_CONTACTS_CHANNEL	256
#define SDT_CONTACTS_SHARE	8
#define SDT_CONTACTS_MIN	4096

/* A hash key: no padding. */
struct sdt_contact_key {
	unsigned long channel;		/* struct sdt_channel: alive as long as the contact */
	struct in6_addr ip;
	unsigned long port;		/* __be16; 0: any port of the address */
};

static_assert(sizeof(struct sdt_contact_key) == 2 * sizeof(long) + sizeof(struct in6_addr));

/*
 * Owner: its channel, through sdt_channel.contacts. Ended under t->lock, with the
 * channel at the latest; freed by call_rcu. It counts as long as a channel lives:
 * the tunnel's idle time since the customer wrote or, unless idle-refresh says customer, was
 * answered.
 */
struct sdt_contact {
	struct rhash_head hash;
	struct sdt_contact_key key;
	unsigned long seen;		/* jiffies, one second coarse */
	union {
		struct list_head list;	/* sdt_channel.contacts; t->lock */
		struct rcu_head rcu;
	};
};

/* All of a tunnel. Owner: the tunnel; freed after its channels. */
struct sdt_contacts {
	struct rhashtable table;	/* writers: t->lock; readers: RCU */
	unsigned int count;		/* t->lock */
};

/** sdt_contacts_create() - t->contacts, empty. Context: process. Return: 0 or -ENOMEM. */
int sdt_contacts_create(struct sdt_tunnel *t);

/** sdt_contacts_free() - no channel is left, and nobody finds the tunnel; process context */
void sdt_contacts_free(struct sdt_tunnel *t);

/**
 * sdt_contact_known() - did the customer of @c write to @to, and lately? Then that counts anew.
 * @t: the tunnel
 * @c: the channel
 * @to: where the customer writes to now
 *
 * With a filter that looks at addresses alone, that is: to any port of the address. Port 0
 * is never known.
 * Context: RCU read side, BH off. No lock is taken.
 */
bool sdt_contact_known(struct sdt_tunnel *t, struct sdt_channel *c, const struct sdt_endpoint *to);

/**
 * sdt_contact_add() - the customer of @c writes to @to, which is not known yet
 * @t: the tunnel
 * @c: the channel
 * @to: where to
 *
 * Without memory for it, answers will be filtered until the customer writes again.
 * Context: RCU read side, BH off.
 */
void sdt_contact_add(struct sdt_tunnel *t, struct sdt_channel *c, const struct sdt_endpoint *to);

/**
 * sdt_contact_admits() - may @from answer the customer of @c, by the tunnel's filter?
 * @t: the tunnel
 * @c: the channel
 * @from: source of the answer
 *
 * RFC 4787 section 5. What refuses addresses whatever the customer did is policy.h.
 * Context: RCU read side, BH off. No lock is taken.
 */
bool sdt_contact_admits(struct sdt_tunnel *t, struct sdt_channel *c,
			const struct sdt_endpoint *from);

/** sdt_contact_wrote() - as sdt_contact_known(), but nothing counts anew */
bool sdt_contact_wrote(struct sdt_tunnel *t, struct sdt_channel *c, const struct sdt_endpoint *to);

/** sdt_contacts_trim() - end some that do not count any more; RCU, BH off, not t->lock */
void sdt_contacts_trim(struct sdt_tunnel *t, struct sdt_channel *c);

/** sdt_contacts_forget() - @c ends; t->lock; tunnels without contacts are welcome */
void sdt_contacts_forget(struct sdt_tunnel *t, struct sdt_channel *c);

int sdt_contacts_module_init(void);
void sdt_contacts_module_exit(void);	/* after rcu_barrier() */

#endif /* _SDT_CONTACTS_H */
