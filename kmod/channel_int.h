/* SPDX-License-Identifier: GPL-2.0 */
/* What the channel_*.c files know of each other, and nobody else. */
#ifndef _SDT_CHANNEL_INT_H
#define _SDT_CHANNEL_INT_H

#include "channel.h"

#define SDT_EVICT_FLOOR		10	/* s: a channel used since is never evicted */

/*
 * Channels taken out of the tables under t->lock, to be announced and freed
 * after it. Opening one channel ends at most four: an old one of the tuple, one
 * evicted for the customer's limit, one for the tunnel's, an old one of the id.
 */
#define SDT_ENDED_MAX	4

struct sdt_ended {
	unsigned int n;
	struct {
		struct sdt_channel *c;
		struct sk_buff *parked;
		enum sdt_close_reason reason;
	} v[SDT_ENDED_MAX];
};

static inline bool sdt_channels_at_server(const struct sdt_tunnel *t)
{
	return t->role == SDT_ROLE_SERVER;
}

/* channel.c: tables; t->lock but where said */
extern const struct rhashtable_params sdt_tuple_params;

/** sdt_customer_get() - the record of the customer's address; RCU as well: rhashtable wants it */
struct sdt_customer *sdt_customer_get(struct sdt_channels *chs, const struct sdt_channel_key *key);
/** sdt_customer_put() - it goes with its last channel; it may have none yet, if the first failed */
void sdt_customer_put(struct sdt_channels *chs, struct sdt_customer *cust);

struct sdt_channel *sdt_channel_alloc(struct sdt_tunnel *t);
/** sdt_channel_free_unused() - one that nobody could find */
void sdt_channel_free_unused(struct sdt_channel *c);
void sdt_channel_free_rcu(struct rcu_head *rcu);
void sdt_channel_encode_hdr(const struct sdt_tunnel *t, struct sdt_channel *c);
/** sdt_channel_link_in() - into the table of ids and the lists; the slot for its id is empty */
int sdt_channel_link_in(struct sdt_channels *chs, struct sdt_channel *c);
void sdt_channel_link_out(struct sdt_channels *chs, struct sdt_channel *c);
/** sdt_channel_end() - out of everything. Return: the datagram that it had parked, or NULL. */
struct sk_buff *sdt_channel_end(struct sdt_tunnel *t, struct sdt_channel *c);
void sdt_channel_end_later(struct sdt_tunnel *t, struct sdt_ended *ended,
			   struct sdt_channel *c, enum sdt_close_reason reason);
/** sdt_channel_bury() - last words of one that is out of the tables; RCU, not t->lock */
void sdt_channel_bury(struct sdt_tunnel *t, struct sdt_channel *c, struct sk_buff *parked);
void sdt_channel_announce_end(struct sdt_tunnel *t, struct sdt_channel *c,
			      enum sdt_close_reason reason);
void sdt_channel_announce_ended(struct sdt_tunnel *t, const struct sdt_ended *ended);

/* channel_tell.c; not t->lock */
enum sdt_refuse_reason sdt_channel_refusal(enum sdt_stat why);
void sdt_channel_event(struct sdt_tunnel *t, enum sdt_event type, const struct sdt_channel *c,
		       u8 reason, bool remote);
/** sdt_channel_send_close() - a hint to the peer; RCU, BH off */
void sdt_channel_send_close(struct sdt_tunnel *t, u32 id, u64 epoch, u8 lane);
void sdt_channel_send_refused(struct sdt_tunnel *t, u32 id, u64 epoch, u8 lane,
			      enum sdt_refuse_reason reason);

/* channel_open.c */
/** sdt_channel_epoch_void() - are channels that the peer opened under @epoch void? */
bool sdt_channel_epoch_void(struct sdt_link *link, u64 epoch);

/* channel_sweep.c */
/**
 * sdt_channels_walk() - call @visit for every channel, a slice at a time
 * @t: the tunnel
 * @visit: BH off, RCU; says whether it ended the channel
 * @arg: for @visit
 * Context: process.
 */
void sdt_channels_walk(struct sdt_tunnel *t,
		       bool (*visit)(struct sdt_tunnel *t, struct sdt_channel *c, const void *arg),
		       const void *arg);
void sdt_channels_sweep_work(struct work_struct *work);

#endif /* _SDT_CHANNEL_INT_H */
