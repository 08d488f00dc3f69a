// SPDX-License-Identifier: GPL-2.0
/*
 * Reassembly. A datagram's bytes are copied, once, into the pages that it leaves
 * in; reasm.c says which are there. So what waits costs no more than it can come
 * to, however small its pieces are, and a whole datagram needs no large block.
 */
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/inet_ecn.h>

#include "compat/compat.h"
#include "frag.h"
#include "lane.h"
#include "link.h"
#include "reasm.h"
#include "tunnel.h"

#define FRAGMENT_TIME	HZ	/* a second for all pieces to come */
#define PAGES		DIV_ROUND_UP(SDT_DATAGRAM_MAX, PAGE_SIZE)

/* Which datagram. Made by key_of(): compared as bytes. */
struct frag_key {
	const struct sdt_keypair *kp;	/* names it only */
	u32 id;
	u32 channel;
	u16 tunnel;
	__be16 port;
	u8 addr[16];
	u8 reply;
	u8 has_channel;
	u8 af;
	u8 zero;			/* no padding */
};

/* Owner: link->frags, in one bucket and in the list. */
struct frag_datagram {
	struct hlist_node hash;
	struct list_head age;
	struct frag_key key;
	unsigned long born;		/* jiffies */
	bool ce;
	enum sdt_stat spoiled;		/* why it is dropped: kept to know the rest of it; 0: it is not */
	struct sdt_reasm map;
	struct page *page[PAGES];
};

void sdt_frags_init(struct sdt_link *link)
{
	struct sdt_frags *fr = &link->frags;
	unsigned int i;

	spin_lock_init(&fr->lock);
	INIT_LIST_HEAD(&fr->age);
	for (i = 0; i < SDT_FRAG_BUCKETS; i++)
		INIT_HLIST_HEAD(&fr->hash[i]);
	get_random_bytes(&fr->seed, sizeof(fr->seed));
}

/* ---- store: frags.lock ------------------------------------------------------ */

static void free_pages_of(struct sdt_frags *fr, struct frag_datagram *d)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		if (!d->page[i])
			continue;
		__free_page(d->page[i]);
		d->page[i] = NULL;
		fr->memory -= PAGE_SIZE;
	}
}

/* Out of the store: the caller's now. */
static void take(struct sdt_frags *fr, struct frag_datagram *d)
{
	hlist_del(&d->hash);
	list_del(&d->age);
	fr->memory -= sizeof(*d);
}

static void discard(struct sdt_frags *fr, struct frag_datagram *d)
{
	free_pages_of(fr, d);
	take(fr, d);
	kfree(d);
}

static void expire(struct sdt_link *link, struct sdt_frags *fr)
{
	struct frag_datagram *d, *next;

	list_for_each_entry_safe(d, next, &fr->age, age) {
		if (time_before(jiffies, d->born + FRAGMENT_TIME))
			return;
		if (!d->spoiled)
			sdt_drop(link->stats, SDT_DROP_FRAG_TIMEOUT, NULL);
		discard(fr, d);
	}
}

/*
 * Room for @bytes more, at the expense of the oldest but @keep: what waits longest is
 * what is least likely to be completed.
 */
static bool make_room(struct sdt_link *link, struct sdt_frags *fr, unsigned int bytes,
		      const struct frag_datagram *keep)
{
	struct frag_datagram *d, *next;

	list_for_each_entry_safe(d, next, &fr->age, age) {
		if (fr->memory + bytes <= SDT_FRAG_MEMORY)
			return true;
		if (d == keep)
			continue;
		if (!d->spoiled)
			sdt_drop(link->stats, SDT_DROP_FRAG_MEMORY, NULL);
		discard(fr, d);
	}
	return fr->memory + bytes <= SDT_FRAG_MEMORY;
}

static void key_of(struct frag_key *key, const struct sdt_rx *rx, const struct sdt_frame *f, u32 id)
{
	memset(key, 0, sizeof(*key));
	key->kp = rx->kp;
	key->id = id;
	key->channel = f->channel;
	key->tunnel = f->tunnel;
	key->port = f->port;
	memcpy(key->addr, f->addr, sizeof(key->addr));
	key->reply = f->reply;
	key->has_channel = f->has_channel;
	key->af = f->af;
}

static struct hlist_head *bucket(struct sdt_frags *fr, const struct frag_key *key)
{
	u32 h = jhash_3words(key->id, key->channel, key->tunnel, fr->seed);

	return &fr->hash[h % SDT_FRAG_BUCKETS];
}

static struct frag_datagram *find(struct sdt_frags *fr, const struct frag_key *key)
{
	struct frag_datagram *d;

	hlist_for_each_entry(d, bucket(fr, key), hash)
		if (!memcmp(&d->key, key, sizeof(*key)))
			return d;
	return NULL;
}

static struct frag_datagram *create(struct sdt_link *link, struct sdt_frags *fr,
				    const struct frag_key *key)
{
	struct frag_datagram *d;

	make_room(link, fr, sizeof(*d), NULL);
	d = kzalloc(sizeof(*d), GFP_ATOMIC | __GFP_NOWARN);
	if (!d)
		return NULL;
	d->key = *key;
	d->born = jiffies;
	hlist_add_head(&d->hash, bucket(fr, key));
	list_add_tail(&d->age, &fr->age);
	fr->memory += sizeof(*d);
	return d;
}

/* Pages for [@offset, @offset + @len). Return: false if there is no memory. */
static bool reserve(struct sdt_link *link, struct sdt_frags *fr, struct frag_datagram *d,
		    unsigned int offset, unsigned int len)
{
	unsigned int i;

	for (i = offset / PAGE_SIZE; i <= (offset + len - 1) / PAGE_SIZE; i++) {
		if (d->page[i])
			continue;
		if (!make_room(link, fr, PAGE_SIZE, d))
			return false;
		d->page[i] = alloc_page(GFP_ATOMIC | __GFP_NOWARN);
		if (!d->page[i])
			return false;
		fr->memory += PAGE_SIZE;
	}
	return true;
}

static void store(struct frag_datagram *d, unsigned int offset, const u8 *data, unsigned int len)
{
	while (len) {
		unsigned int at = offset % PAGE_SIZE;
		unsigned int n = min_t(unsigned int, len, PAGE_SIZE - at);

		memcpy(page_address(d->page[offset / PAGE_SIZE]) + at, data, n);
		offset += n;
		data += n;
		len -= n;
	}
}

/* Never to be whole; its later pieces are dropped for the same reason. */
static enum sdt_stat spoil(struct sdt_frags *fr, struct frag_datagram *d, enum sdt_stat why)
{
	d->spoiled = why;
	free_pages_of(fr, d);
	return why;
}

/* Complete: out of the store, with its pages. */
static void take_whole(struct sdt_frags *fr, struct frag_datagram *d)
{
	unsigned int i;

	take(fr, d);
	for (i = 0; i < PAGES && d->page[i]; i++)
		fr->memory -= PAGE_SIZE;
}

/*
 * One fragment into the store. Return: 0, or why this fragment is dropped, perhaps with all of
 * its datagram. @whole: set to the datagram, the caller's now, when that is complete.
 */
static enum sdt_stat add(const struct sdt_rx *rx, const struct frag_key *key,
			 const struct sdt_control *c, const u8 *data, unsigned int len,
			 struct frag_datagram **whole)
{
	struct sdt_frags *fr = &rx->link->frags;
	unsigned int offset = c->fragment.offset;
	enum sdt_reasm_verdict verdict;
	struct frag_datagram *d;

	d = find(fr, key) ?: create(rx->link, fr, key);
	if (!d)
		return SDT_DROP_RX_NO_MEMORY;
	if (d->spoiled)
		return d->spoiled;
	verdict = sdt_reasm_add(&d->map, offset, len, c->fragment.more);
	if (verdict == SDT_REASM_DUPLICATE)
		return SDT_DROP_FRAG_DUPLICATE;
	if (verdict == SDT_REASM_OVERLAP)
		return spoil(fr, d, SDT_DROP_FRAG_OVERLAP);
	if (verdict == SDT_REASM_SHAPE)
		return spoil(fr, d, SDT_DROP_FRAG_SHAPE);
	if (!reserve(rx->link, fr, d, offset, len))
		return spoil(fr, d, SDT_DROP_FRAG_MEMORY);
	store(d, offset, data, len);
	d->ce |= INET_ECN_is_ce(rx->tos);
	if (verdict == SDT_REASM_WHOLE) {
		take_whole(fr, d);
		*whole = d;
	}
	return 0;
}

/* ---- whole -------------------------------------------------------------------- */

/* The pages move into the skb; those that do not, and @d itself, are freed. */
static struct sk_buff *assemble(struct frag_datagram *d)
{
	struct sk_buff *skb = alloc_skb(SDT_HEADROOM, GFP_ATOMIC | __GFP_NOWARN);
	unsigned int i, n, left = d->map.end;

	BUILD_BUG_ON(PAGES > MAX_SKB_FRAGS);
	if (skb)
		skb_reserve(skb, SDT_HEADROOM);
	for (i = 0; i < PAGES && d->page[i]; i++, left -= n) {
		n = min_t(unsigned int, left, PAGE_SIZE);
		if (skb && n)
			skb_add_rx_frag(skb, i, d->page[i], 0, n, PAGE_SIZE);
		else
			__free_page(d->page[i]);
	}
	kfree(d);
	return skb;
}

static void deliver(const struct sdt_rx *rx, const struct sdt_frame *f, struct frag_datagram *d)
{
	struct sdt_rx whole_rx = *rx;
	struct sdt_frame whole = *f;
	struct sk_buff *skb;

	if (d->ce)
		whole_rx.tos |= INET_ECN_CE;
	whole.control = false;
	whole.body_len = d->map.end;
	skb = assemble(d);
	if (!skb) {
		sdt_stat_inc(rx->link->stats, SDT_DROP_RX_NO_MEMORY);
		return;
	}
	sdt_stat_inc(rx->link->stats, SDT_STAT_REASSEMBLED);
	sdt_tunnels_frame(&whole_rx, &whole, skb);
}

void sdt_frag_receive(const struct sdt_rx *rx, const struct sdt_frame *f,
		      const struct sdt_control *c, const u8 *data)
{
	struct sdt_link *link = rx->link;
	struct sdt_frags *fr = &link->frags;
	struct frag_datagram *whole = NULL;
	struct frag_key key;
	enum sdt_stat why;

	sdt_stat_inc(link->stats, SDT_STAT_RX_FRAGMENTS);
	if (!xa_load(&link->tunnels, f->tunnel)) {
		sdt_drop(link->stats, SDT_DROP_RX_TUNNEL, NULL);
		return;
	}
	key_of(&key, rx, f, c->fragment.id);
	spin_lock(&fr->lock);
	expire(link, fr);
	why = add(rx, &key, c, data, f->body_len - c->fragment.data_off, &whole);
	spin_unlock(&fr->lock);
	if (why)
		sdt_drop(link->stats, why, NULL);
	else if (whole)
		deliver(rx, f, whole);
}

bool sdt_frags_expire(struct sdt_link *link)
{
	struct sdt_frags *fr = &link->frags;
	bool left;

	if (list_empty_careful(&fr->age))
		return false;
	spin_lock_bh(&fr->lock);
	expire(link, fr);
	left = !list_empty(&fr->age);
	spin_unlock_bh(&fr->lock);
	return left;
}

void sdt_frags_flush(struct sdt_link *link, const struct sdt_keypair *kp)
{
	struct sdt_frags *fr = &link->frags;
	struct frag_datagram *d, *next;

	spin_lock_bh(&fr->lock);
	list_for_each_entry_safe(d, next, &fr->age, age) {
		if (d->key.kp != kp)
			continue;
		if (!d->spoiled)
			sdt_drop(link->stats, SDT_DROP_FRAG_TIMEOUT, NULL);
		discard(fr, d);
	}
	spin_unlock_bh(&fr->lock);
}
