// SPDX-License-Identifier: GPL-2.0
/* Channels of a tunnel: tables, limits, expiry. */
#include <linux/slab.h>

#include "channel.h"
#include "compat/compat.h"
#include "event.h"
#include "ingress.h"

#define SDT_EVICT_SAMPLE	16	/* entries that one eviction looks at */
#define SDT_EVICT_FLOOR		10	/* s: a channel used since is never evicted */
#define SDT_REFUSED_HOLD	1	/* s: see struct sdt_channel */
#define SDT_HINTS_PER_SECOND	100	/* of a tunnel: CLOSE for unknown ids, REFUSED */
#define SDT_SWEEP_SLICE		512	/* channels looked at with BH off */
#define SDT_SWEEP_CLOSE		64	/* closed before the lanes get their turn */
#define SDT_SWEEP_SHARE		8	/* a pass each idle / SHARE, within the bounds below */
#define SDT_SWEEP_MIN		1	/* s */
#define SDT_SWEEP_MAX		10	/* s */

static struct kmem_cache *channel_cache;
static struct kmem_cache *customer_cache;

static const struct rhashtable_params tuple_params = {
	.head_offset = offsetof(struct sdt_channel, proxy.hash),
	.key_offset = offsetof(struct sdt_channel, proxy.key),
	.key_len = sizeof(struct sdt_channel_key),
	.automatic_shrinking = true,
};

static const struct rhashtable_params customer_params = {
	.head_offset = offsetof(struct sdt_customer, hash),
	.key_offset = offsetof(struct sdt_customer, key),
	.key_len = sizeof(struct sdt_customer_key),
	.automatic_shrinking = true,
};

/*
 * Channels taken out of the tables under t->lock, to be announced and freed
 * after it. Opening one channel ends at most four: an old one of the tuple, one
 * evicted for the customer's limit, one for the tunnel's, an old one of the id.
 */
#define ENDED_MAX	4

struct ended {
	unsigned int n;
	struct {
		struct sdt_channel *c;
		struct sk_buff *parked;
		enum sdt_close_reason reason;
	} v[ENDED_MAX];
};

static bool is_server(const struct sdt_tunnel *t)
{
	return t->role == SDT_ROLE_SERVER;
}

static u8 epoch_flag(const struct sdt_tunnel *t)
{
	return is_server(t) ? SDT_TX_EPOCH_PEER : SDT_TX_EPOCH_OWN;
}

/* ---- what others are told ---------------------------------------------- */

static enum sdt_refuse_reason refuse_reason(enum sdt_stat why)
{
	switch (why) {
	case SDT_DROP_LIMIT_TUNNEL:
		return SDT_REFUSE_TUNNEL_LIMIT;
	case SDT_DROP_LIMIT_CUSTOMER:
		return SDT_REFUSE_CUSTOMER_LIMIT;
	case SDT_DROP_LIMIT_LINK:
		return SDT_REFUSE_LINK_LIMIT;
	case SDT_DROP_LIMIT_RATE:
		return SDT_REFUSE_RATE;
	case SDT_DROP_NO_PORT:
		return SDT_REFUSE_NO_PORT;
	default:
		return 0;
	}
}

static void send_event(struct sdt_tunnel *t, enum sdt_event type, const struct sdt_channel *c,
		       u8 reason, bool remote)
{
	struct sdt_endpoint customer;
	struct sdt_event_info info = {
		.type = type,
		.link = t->link->name,
		.tunnel = t->name,
		.has_channel = true,
		.channel = c->id,
		.reason = reason,
		.remote = remote,
	};

	if (!is_server(t)) {
		sdt_channel_customer(c, &customer);
		info.endpoint = &customer;
	}
	sdt_event_send(t->node, &info);
}

static void frame_of_channel(const struct sdt_tunnel *t, u32 id, struct sdt_frame *f)
{
	*f = (struct sdt_frame) {
		.control = true,
		.reply = is_server(t),
		.tunnel = t->number,
		.has_channel = true,
		.channel = id,
	};
}

/*
 * Control frames of channels are hints: not worth a handshake, nor waiting for one.
 * RCU, BH off.
 */
static bool send_frame(struct sdt_tunnel *t, const struct sdt_frame *f, u64 epoch, u8 lane,
		       const struct sdt_control *c)
{
	struct sdt_tx_cb *cb;
	struct sk_buff *skb;

	if (!sdt_keypair_usable(rcu_dereference(t->link->current_kp)))
		return false;
	skb = alloc_skb(SDT_CONTROL_MAX, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return false;
	skb_put(skb, sdt_control_encode(skb->data, c));
	cb = sdt_tx_cb(skb);
	cb->epoch = epoch;
	cb->hdr_len = sdt_frame_encode(cb->hdr, f);
	cb->tos = 0;
	cb->flags = epoch_flag(t);
	cb->lane = lane;
	sdt_link_send(t->link, skb);
	return true;
}

static void send_control(struct sdt_tunnel *t, u32 id, u64 epoch, u8 lane,
			 const struct sdt_control *c)
{
	struct sdt_frame f;

	frame_of_channel(t, id, &f);
	send_frame(t, &f, epoch, lane, c);
}

static void put_address(struct sdt_frame *f, const struct sdt_endpoint *addr)
{
	bool v4 = addr->family == AF_INET;

	f->af = v4 ? SDT_FRAME_AF_IPV4 : SDT_FRAME_AF_IPV6;
	if (v4)
		memcpy(f->addr, &addr->ip.s6_addr32[3], 4);
	else
		memcpy(f->addr, &addr->ip, 16);
	f->port = addr->port;
}

bool sdt_channel_control(struct sdt_tunnel *t, const struct sdt_channel *c,
			 const struct sdt_endpoint *addr, const struct sdt_control *ctl)
{
	struct sdt_frame f;

	frame_of_channel(t, c->id, &f);
	if (addr)
		put_address(&f, addr);
	return send_frame(t, &f, c->epoch, READ_ONCE(c->lane), ctl);
}

/* Hints that the peer's own frames provoke are bounded. No lock, and no write without need. */
static bool hint_allowed(struct sdt_channels *chs)
{
	unsigned long then = READ_ONCE(chs->hint_window);
	unsigned long now = jiffies;

	if (now - then >= HZ && cmpxchg(&chs->hint_window, then, now) == then)
		atomic_set(&chs->hints, SDT_HINTS_PER_SECOND);
	return atomic_dec_if_positive(&chs->hints) >= 0;
}

static void send_refused(struct sdt_tunnel *t, u32 id, u64 epoch, u8 lane,
			 enum sdt_refuse_reason reason)
{
	const struct sdt_control c = { .op = SDT_OP_REFUSED, .reason = reason };

	if (hint_allowed(t->channels))
		send_control(t, id, epoch, lane, &c);
}

static void send_close(struct sdt_tunnel *t, u32 id, u64 epoch, u8 lane)
{
	const struct sdt_control c = { .op = SDT_OP_CLOSE };

	send_control(t, id, epoch, lane, &c);
}

void sdt_channel_unknown(struct sdt_tunnel *t, const struct sdt_rx *rx, u32 id)
{
	if (hint_allowed(t->channels))
		send_close(t, id, rx->own_epoch, rx->lane);
}

/* ---- tables; t->lock ----------------------------------------------------- */

struct sdt_channel *sdt_channel_by_key(struct sdt_tunnel *t, const struct sdt_channel_key *key)
{
	return rhashtable_lookup(&t->channels->tuples, key, tuple_params);
}

/* RCU as well: rhashtable wants it */
static struct sdt_customer *customer_get(struct sdt_channels *chs,
					 const struct sdt_channel_key *key)
{
	struct sdt_customer_key ckey = {
		.ip = key->customer,
		.ifindex = key->ifindex,
	};
	struct sdt_customer *cust;

	cust = rhashtable_lookup(&chs->customers, &ckey, customer_params);
	if (cust)
		return cust;
	cust = kmem_cache_zalloc(customer_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!cust)
		return NULL;
	cust->key = ckey;
	INIT_LIST_HEAD(&cust->lru);
	if (rhashtable_insert_fast(&chs->customers, &cust->hash, customer_params)) {
		kmem_cache_free(customer_cache, cust);
		return NULL;
	}
	return cust;
}

static void customer_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(customer_cache, container_of(rcu, struct sdt_customer, rcu));
}

/* It may have no channel yet, if its first one failed. */
static void customer_put(struct sdt_channels *chs, struct sdt_customer *cust)
{
	if (cust->channels)
		return;
	rhashtable_remove_fast(&chs->customers, &cust->hash, customer_params);
	call_rcu(&cust->rcu, customer_free_rcu);
}

static struct sdt_channel *channel_alloc(struct sdt_tunnel *t)
{
	struct sdt_channel *c = kmem_cache_zalloc(channel_cache, GFP_ATOMIC | __GFP_NOWARN);

	if (c) {
		c->in.seen = jiffies;
		c->out.seen = jiffies;
	}
	return c;
}

static void channel_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(channel_cache, container_of(rcu, struct sdt_channel, rcu));
}

static void encode_hdr(const struct sdt_tunnel *t, struct sdt_channel *c)
{
	struct sdt_frame f = {
		.reply = is_server(t),
		.tunnel = t->number,
		.has_channel = true,
		.channel = c->id,
	};
	u8 hdr[SDT_FRAME_HDR_MAX];

	c->hdr_len = sdt_frame_encode(hdr, &f);
	memcpy(c->hdr, hdr, sizeof(c->hdr));
}

/* Into the table of ids and the lists; the slot for its id is empty. */
static int link_in(struct sdt_channels *chs, struct sdt_channel *c)
{
	int err = xa_err(xa_store(&chs->ids, c->id, c, GFP_ATOMIC | __GFP_NOWARN));

	if (err)
		return err;
	list_add_tail(&c->lru, &chs->lru);
	WRITE_ONCE(chs->count, chs->count + 1);
	if (chs->count == 1)
		queue_delayed_work(sdt_wq, &chs->sweep, chs->second);
	return 0;
}

static void link_out(struct sdt_channels *chs, struct sdt_channel *c)
{
	xa_erase(&chs->ids, c->id);
	list_del(&c->lru);
	WRITE_ONCE(chs->count, chs->count - 1);
}

/* Out of everything. Return: the datagram that it had parked, or NULL. */
static struct sk_buff *channel_end(struct sdt_tunnel *t, struct sdt_channel *c)
{
	struct sdt_channels *chs = t->channels;

	lockdep_assert_held(&t->lock);
	WRITE_ONCE(c->state, SDT_CHANNEL_DEAD);
	link_out(chs, c);
	if (is_server(t)) {
		atomic_dec(&t->link->peer_channels);
		return sdt_ports_leave(t, c);
	}
	rhashtable_remove_fast(&chs->tuples, &c->proxy.hash, tuple_params);
	list_del(&c->customer_lru);
	c->customer->channels--;
	customer_put(chs, c->customer);
	return NULL;
}

static void end_later(struct sdt_tunnel *t, struct ended *ended, struct sdt_channel *c,
		      enum sdt_close_reason reason)
{
	struct sk_buff *parked = channel_end(t, c);

	ended->v[ended->n].c = c;
	ended->v[ended->n].parked = parked;
	ended->v[ended->n].reason = reason;
	ended->n++;
}

/* Last words of a channel that is out of the tables. RCU; not t->lock. */
static void bury(struct sdt_tunnel *t, struct sdt_channel *c, struct sk_buff *parked)
{
	if (parked)
		sdt_drop(t->stats, SDT_DROP_DELETED, parked);
	sdt_count(t->stats, SDT_STAT_CHANNELS_CLOSED);
	call_rcu(&c->rcu, channel_free_rcu);
}

static void announce_end(struct sdt_tunnel *t, struct sdt_channel *c,
			 enum sdt_close_reason reason)
{
	send_event(t, SDT_EVENT_CHANNEL_CLOSED, c, reason, false);
	/* The peer said so, or its epoch is over and no keypair could carry it. */
	if (reason == SDT_CLOSE_PEER || reason == SDT_CLOSE_EPOCH)
		return;
	local_bh_disable();
	send_close(t, c->id, c->epoch, READ_ONCE(c->lane));
	local_bh_enable();
}

static void announce_ended(struct sdt_tunnel *t, const struct ended *ended)
{
	unsigned int i;

	for (i = 0; i < ended->n; i++) {
		announce_end(t, ended->v[i].c, ended->v[i].reason);
		bury(t, ended->v[i].c, ended->v[i].parked);
	}
}

bool sdt_channel_close(struct sdt_tunnel *t, struct sdt_channel *c, enum sdt_close_reason reason)
{
	struct sk_buff *parked;

	spin_lock_bh(&t->lock);
	if (c->state == SDT_CHANNEL_DEAD) {
		spin_unlock_bh(&t->lock);
		return false;
	}
	parked = channel_end(t, c);
	spin_unlock_bh(&t->lock);
	announce_end(t, c, reason);
	bury(t, c, parked);
	return true;
}

/* ---- limits; t->lock ----------------------------------------------------- */

/* Token bucket, one second deep: is there a token? */
static bool rate_allows(struct sdt_channels *chs, u32 rate)
{
	unsigned long now = jiffies;
	unsigned long passed = min_t(unsigned long, now - chs->credit_at, HZ);

	if (!rate)
		return true;
	chs->credit = min_t(u64, chs->credit + (u64)passed * rate, (u64)rate * HZ);
	chs->credit_at = now;
	return chs->credit >= HZ;
}

static void rate_take(struct sdt_channels *chs, u32 rate)
{
	if (rate)
		chs->credit -= HZ;
}

static struct sdt_channel *lru_entry(struct list_head *pos, bool by_customer)
{
	return by_customer ? list_entry(pos, struct sdt_channel, customer_lru) :
			     list_entry(pos, struct sdt_channel, lru);
}

/* The longest idle of those at the list's head, or NULL; see struct sdt_channels. */
static struct sdt_channel *evictable(struct list_head *lru, bool by_customer)
{
	unsigned long floor = sdt_seconds(SDT_EVICT_FLOOR);
	unsigned long idle, longest = 0;
	struct sdt_channel *c, *best = NULL;
	struct list_head *pos, *next;
	unsigned int n;

	for (n = 0, pos = lru->next; n < SDT_EVICT_SAMPLE && pos != lru; n++, pos = next) {
		next = pos->next;
		c = lru_entry(pos, by_customer);
		idle = sdt_channel_idle(c);
		if (idle < floor) {
			list_move_tail(pos, lru);
		} else if (!best || idle > longest) {
			best = c;
			longest = idle;
		}
	}
	return best;
}

/* Make room on @lru if the tunnel does so at its limits. */
static bool evict(struct sdt_tunnel *t, struct ended *ended, struct list_head *lru,
		  bool by_customer)
{
	struct sdt_channel *c = NULL;

	if (READ_ONCE(t->at_limit) == SDT_AT_LIMIT_EVICT_IDLE)
		c = evictable(lru, by_customer);
	if (!c)
		return false;
	end_later(t, ended, c, SDT_CLOSE_EVICTED);
	return true;
}

/*
 * The tunnel's own limit. Return: 0, or why not. Where the limit was lowered, one
 * goes for each that comes: it does not shrink at once, and never grows.
 */
static enum sdt_stat tunnel_admits(struct sdt_tunnel *t, struct ended *ended)
{
	struct sdt_channels *chs = t->channels;

	if (chs->count >= READ_ONCE(t->max_channels) && !evict(t, ended, &chs->lru, false))
		return SDT_DROP_LIMIT_TUNNEL;
	return 0;
}

/* @cust counts the new one already. */
static enum sdt_stat customer_admits(struct sdt_tunnel *t, struct sdt_customer *cust,
				     struct ended *ended)
{
	u32 max = READ_ONCE(t->max_channels_per_customer);

	if (max && cust->channels > max && !evict(t, ended, &cust->lru, true))
		return SDT_DROP_LIMIT_CUSTOMER;
	return 0;
}

/* ---- opening: proxy ------------------------------------------------------ */

/* t->lock. A channel of an earlier epoch that has the drawn id makes way. */
static enum sdt_stat draw_id(struct sdt_tunnel *t, struct sdt_channel *c, struct ended *ended)
{
	struct sdt_link *link = t->link;
	struct sdt_channel *old;
	int err;

	spin_lock(&link->id_lock);
	err = sdt_chanid_draw(&link->ids, &c->id);
	c->epoch = link->ids.epoch;
	spin_unlock(&link->id_lock);
	if (err) {
		sdt_link_want(link, SDT_LINK_WANT_REKEY);
		return SDT_DROP_TX_EPOCH;
	}
	old = sdt_channel_by_id(t, c->id);
	if (old)
		end_later(t, ended, old, SDT_CLOSE_EPOCH);
	return 0;
}

/* t->lock, RCU. The customer's count holds @c from here on; undone by the caller. */
static enum sdt_stat insert_proxy(struct sdt_tunnel *t, struct sdt_channel *c,
				  struct sdt_customer *cust, struct ended *ended)
{
	struct sdt_channels *chs = t->channels;
	u32 rate = READ_ONCE(t->channel_rate);
	enum sdt_stat why;

	if (!rate_allows(chs, rate))
		return SDT_DROP_LIMIT_RATE;
	why = customer_admits(t, cust, ended);
	if (!why)
		why = tunnel_admits(t, ended);
	if (!why)
		why = draw_id(t, c, ended);
	if (why)
		return why;
	encode_hdr(t, c);
	if (link_in(chs, c))
		return SDT_DROP_IN_NO_MEMORY;
	/* Last: from here on datagrams find it. */
	if (rhashtable_insert_fast(&chs->tuples, &c->proxy.hash, tuple_params)) {
		link_out(chs, c);
		return SDT_DROP_IN_NO_MEMORY;
	}
	rate_take(chs, rate);
	return 0;
}

static enum sdt_stat add_proxy(struct sdt_tunnel *t, struct sdt_channel *c, struct ended *ended)
{
	struct sdt_channels *chs = t->channels;
	struct sdt_customer *cust = customer_get(chs, &c->proxy.key);
	enum sdt_stat why;

	if (!cust)
		return SDT_DROP_IN_NO_MEMORY;
	/* Counted first: so no eviction below can end the customer itself. */
	cust->channels++;
	why = insert_proxy(t, c, cust, ended);
	if (why) {
		cust->channels--;
		customer_put(chs, cust);
		return why;
	}
	c->customer = cust;
	list_add_tail(&c->customer_lru, &cust->lru);
	return 0;
}

/* A refusal is announced here, and counted by whoever drops the datagram. */
static void announce_refusal(struct sdt_tunnel *t, const struct sdt_channel_key *key,
			     enum sdt_refuse_reason reason)
{
	struct sdt_endpoint customer;
	struct sdt_event_info info = {
		.type = SDT_EVENT_CHANNEL_REFUSED,
		.link = t->link->name,
		.tunnel = t->name,
		.reason = reason,
	};

	if (!reason)
		return;
	if (key) {
		sdt_endpoint_make(&customer, &key->customer, key->customer_port, key->ifindex);
		info.endpoint = &customer;
	}
	sdt_event_send(t->node, &info);
}

static void announce_opened(struct sdt_tunnel *t, const struct sdt_channel *c)
{
	sdt_stat_inc(t->stats, SDT_STAT_CHANNELS_OPENED);
	send_event(t, SDT_EVENT_CHANNEL_OPENED, c, 0, false);
}

/* A flood of new tuples at a full tunnel costs neither lock nor memory. */
static bool surely_full(struct sdt_tunnel *t, const struct sdt_channel_key *key)
{
	return READ_ONCE(t->at_limit) == SDT_AT_LIMIT_REFUSE &&
	       READ_ONCE(t->channels->count) >= READ_ONCE(t->max_channels) &&
	       !sdt_channel_by_key(t, key);
}

struct sdt_channel *sdt_channel_open_proxy(struct sdt_tunnel *t, const struct sdt_channel_key *key,
					   enum sdt_stat *why)
{
	struct sdt_channel *c, *old;
	struct ended ended;

	if (surely_full(t, key)) {
		*why = SDT_DROP_LIMIT_TUNNEL;
		announce_refusal(t, key, SDT_REFUSE_TUNNEL_LIMIT);
		return NULL;
	}
	c = channel_alloc(t);
	if (!c) {
		*why = SDT_DROP_IN_NO_MEMORY;
		return NULL;
	}
	c->proxy.key = *key;
	c->lane = sdt_link_lane(t->link);
	ended.n = 0;

	spin_lock_bh(&t->lock);
	old = sdt_channel_by_key(t, key);
	if (old && sdt_channel_current(t, old)) {
		/* Another CPU was faster. */
		spin_unlock_bh(&t->lock);
		kmem_cache_free(channel_cache, c);
		return old;
	}
	if (old)
		end_later(t, &ended, old, old->state == SDT_CHANNEL_REFUSED ? SDT_CLOSE_PEER :
									      SDT_CLOSE_EPOCH);
	*why = add_proxy(t, c, &ended);
	spin_unlock_bh(&t->lock);

	announce_ended(t, &ended);
	if (*why) {
		/* It may have been in the table of ids for a moment. */
		call_rcu(&c->rcu, channel_free_rcu);
		announce_refusal(t, key, refuse_reason(*why));
		return NULL;
	}
	announce_opened(t, c);
	return c;
}

/* ---- opening: server ----------------------------------------------------- */

/*
 * Are channels that the peer opened under @epoch void? A frame that was opened just
 * before the peer's new epoch took effect must not bring the old one back.
 */
static bool epoch_void(struct sdt_link *link, u64 epoch)
{
	bool is_void;

	spin_lock_bh(&link->kp_lock);
	is_void = link->peer_epoch_valid && link->peer_epoch != epoch;
	spin_unlock_bh(&link->kp_lock);
	return is_void;
}

/* t->lock. The link's limit counts channels of all its tunnels. */
static enum sdt_stat link_admits(struct sdt_tunnel *t, struct ended *ended)
{
	struct sdt_link *link = t->link;
	u32 max = READ_ONCE(link->max_channels);

	if ((u32)atomic_inc_return(&link->peer_channels) <= max)
		return 0;
	/* Room for this one may be had from this tunnel, not from another. */
	if (evict(t, ended, &t->channels->lru, false) &&
	    (u32)atomic_read(&link->peer_channels) <= max)
		return 0;
	atomic_dec(&link->peer_channels);
	return SDT_DROP_LIMIT_LINK;
}

/* t->lock */
static enum sdt_stat add_server(struct sdt_tunnel *t, struct sdt_channel *c, struct ended *ended)
{
	struct sdt_channels *chs = t->channels;
	u32 rate = READ_ONCE(t->channel_rate);
	enum sdt_stat why;

	if (sdt_ports_exhausted(t))
		return SDT_DROP_NO_PORT;
	if (!rate_allows(chs, rate))
		return SDT_DROP_LIMIT_RATE;
	why = tunnel_admits(t, ended);
	if (!why)
		why = link_admits(t, ended);
	if (why)
		return why;
	if (link_in(chs, c)) {
		atomic_dec(&t->link->peer_channels);
		return SDT_DROP_OUT_NO_MEMORY;
	}
	rate_take(chs, rate);
	return 0;
}

/* t->lock. Return: 0; @found: the channel is there already */
static enum sdt_stat accept_server(struct sdt_tunnel *t, struct sdt_channel *c,
				   struct ended *ended, struct sdt_channel **found)
{
	struct sdt_channel *old = sdt_channel_by_id(t, c->id);

	if (old && old->epoch == c->epoch) {
		*found = old;
		return 0;
	}
	if (epoch_void(t->link, c->epoch))
		return SDT_DROP_OUT_EPOCH;
	if (old)
		end_later(t, ended, old, SDT_CLOSE_EPOCH);
	return add_server(t, c, ended);
}

struct sdt_channel *sdt_channel_open_server(struct sdt_tunnel *t, const struct sdt_rx *rx, u32 id,
					    enum sdt_stat *why)
{
	struct sdt_channel *c, *found = NULL;
	enum sdt_refuse_reason reason;
	struct ended ended;

	c = channel_alloc(t);
	if (!c) {
		*why = SDT_DROP_OUT_NO_MEMORY;
		return NULL;
	}
	c->id = id;
	c->epoch = rx->peer_epoch;
	c->lane = rx->lane;
	INIT_LIST_HEAD(&c->server.wait);
	encode_hdr(t, c);
	ended.n = 0;

	spin_lock_bh(&t->lock);
	*why = accept_server(t, c, &ended, &found);
	spin_unlock_bh(&t->lock);

	announce_ended(t, &ended);
	if (found || *why)
		kmem_cache_free(channel_cache, c);
	if (found)
		return found;
	if (*why) {
		reason = refuse_reason(*why);
		announce_refusal(t, NULL, reason);
		if (reason)
			send_refused(t, id, rx->peer_epoch, rx->lane, reason);
		return NULL;
	}
	announce_opened(t, c);
	return c;
}

void sdt_channel_no_port(struct sdt_tunnel *t, struct sdt_channel *c)
{
	struct sk_buff *parked;

	spin_lock_bh(&t->lock);
	if (c->state == SDT_CHANNEL_DEAD || rcu_access_pointer(c->server.port)) {
		spin_unlock_bh(&t->lock);
		return;
	}
	parked = channel_end(t, c);
	spin_unlock_bh(&t->lock);
	send_event(t, SDT_EVENT_CHANNEL_REFUSED, c, SDT_REFUSE_NO_PORT, false);
	send_refused(t, c->id, c->epoch, READ_ONCE(c->lane), SDT_REFUSE_NO_PORT);
	bury(t, c, parked);
}

/* ---- the server refused -------------------------------------------------- */

void sdt_channel_refused(struct sdt_tunnel *t, struct sdt_channel *c, u8 reason)
{
	bool open;

	spin_lock_bh(&t->lock);
	open = c->state == SDT_CHANNEL_OPEN;
	if (open) {
		WRITE_ONCE(c->refused, jiffies);
		/* pairs with sdt_channel_held(): when before that */
		smp_store_release(&c->state, SDT_CHANNEL_REFUSED);
	}
	spin_unlock_bh(&t->lock);
	if (!open)
		return;
	sdt_stat_inc(t->stats, SDT_DROP_REFUSED_BY_PEER);
	send_event(t, SDT_EVENT_CHANNEL_REFUSED, c, reason, true);
}

bool sdt_channel_held(const struct sdt_channels *chs, const struct sdt_channel *c)
{
	/* pairs with sdt_channel_refused(): that before when */
	return smp_load_acquire(&c->state) == SDT_CHANNEL_REFUSED &&
	       sdt_since(READ_ONCE(c->refused)) < chs->second * SDT_REFUSED_HOLD;
}

/* ---- expiry -------------------------------------------------------------- */

/* Why @c must end now, or 0. */
static enum sdt_close_reason must_end(struct sdt_tunnel *t, struct sdt_channel *c,
				      unsigned long idle_max)
{
	if (READ_ONCE(c->state) == SDT_CHANNEL_REFUSED)
		return sdt_channel_held(t->channels, c) ? 0 : SDT_CLOSE_PEER;
	if (is_server(t) && epoch_void(t->link, c->epoch))
		return SDT_CLOSE_EPOCH;
	return sdt_channel_idle(c) > idle_max ? SDT_CLOSE_IDLE : 0;
}

/* An idle channel goes where eviction looks first. */
static void offer_eviction(struct sdt_tunnel *t, struct sdt_channel *c)
{
	if (READ_ONCE(t->at_limit) != SDT_AT_LIMIT_EVICT_IDLE ||
	    sdt_channel_idle(c) < sdt_seconds(SDT_EVICT_FLOOR))
		return;
	spin_lock_bh(&t->lock);
	if (c->state != SDT_CHANNEL_DEAD) {
		list_move(&c->lru, &t->channels->lru);
		if (c->customer)
			list_move(&c->customer_lru, &c->customer->lru);
	}
	spin_unlock_bh(&t->lock);
}

/*
 * Calls @visit for some channels from *@index on, BH off and under RCU; it says
 * whether it ended the channel. Return: false: there are no more.
 */
static bool walk_slice(struct sdt_tunnel *t, unsigned long *index,
		       bool (*visit)(struct sdt_tunnel *t, struct sdt_channel *c, const void *arg),
		       const void *arg)
{
	unsigned int looked = 0, closed = 0;
	struct sdt_channel *c = NULL;
	bool more = true;

	local_bh_disable();
	rcu_read_lock();
	while (more && looked++ < SDT_SWEEP_SLICE && closed < SDT_SWEEP_CLOSE) {
		c = xa_find(&t->channels->ids, index, U32_MAX, XA_PRESENT);
		more = c && *index < U32_MAX;
		++*index;
		if (c && visit(t, c, arg))
			closed++;
	}
	rcu_read_unlock();
	local_bh_enable();
	return more;
}

static void walk(struct sdt_tunnel *t,
		 bool (*visit)(struct sdt_tunnel *t, struct sdt_channel *c, const void *arg),
		 const void *arg)
{
	unsigned long index = 0;

	while (walk_slice(t, &index, visit, arg))
		cond_resched();
}

static bool visit_sweep(struct sdt_tunnel *t, struct sdt_channel *c, const void *arg)
{
	enum sdt_close_reason reason = must_end(t, c, *(const unsigned long *)arg);

	if (reason)
		return sdt_channel_close(t, c, reason);
	offer_eviction(t, c);
	return false;
}

static void sweep_work(struct work_struct *work)
{
	struct sdt_channels *chs = container_of(to_delayed_work(work), struct sdt_channels, sweep);
	struct sdt_tunnel *t = chs->tunnel;
	u32 idle = READ_ONCE(t->idle);
	/* seen lags behind by up to a second */
	unsigned long idle_max = sdt_seconds(idle) + chs->second;
	unsigned long pause = sdt_seconds(clamp_t(u32, idle / SDT_SWEEP_SHARE,
						  SDT_SWEEP_MIN, SDT_SWEEP_MAX));

	walk(t, visit_sweep, &idle_max);
	spin_lock_bh(&t->lock);
	if (chs->count && !t->dead)
		queue_delayed_work(sdt_wq, &chs->sweep, pause);
	spin_unlock_bh(&t->lock);
}

void sdt_channels_sweep_soon(struct sdt_tunnel *t)
{
	if (!READ_ONCE(t->dead))
		mod_delayed_work(sdt_wq, &t->channels->sweep, 0);
}

static bool visit_relisten(struct sdt_tunnel *t, struct sdt_channel *c, const void *arg)
{
	struct sdt_endpoint local;

	sdt_channel_local(c, &local);
	return !sdt_listen_covers(arg, &local) && sdt_channel_close(t, c, SDT_CLOSE_CONFIG);
}

void sdt_channels_relisten(struct sdt_tunnel *t, const struct sdt_endpoint *listen)
{
	lockdep_assert_held(&t->node->lock);
	walk(t, visit_relisten, listen);
}

/* ---- life of the tables -------------------------------------------------- */

int sdt_channels_create(struct sdt_tunnel *t)
{
	struct sdt_channels *chs = kzalloc(sizeof(*chs), GFP_KERNEL_ACCOUNT);
	int err;

	if (!chs)
		return -ENOMEM;
	err = rhashtable_init(&chs->tuples, &tuple_params);
	if (err)
		goto free;
	err = rhashtable_init(&chs->customers, &customer_params);
	if (err)
		goto free_tuples;
	xa_init_flags(&chs->ids, XA_FLAGS_LOCK_BH);
	INIT_LIST_HEAD(&chs->lru);
	INIT_DELAYED_WORK(&chs->sweep, sweep_work);
	chs->tunnel = t;
	chs->second = sdt_seconds(1);
	chs->credit_at = jiffies - HZ;
	chs->hint_window = jiffies - HZ;
	t->channels = chs;
	return 0;

free_tuples:
	rhashtable_destroy(&chs->tuples);
free:
	kfree(chs);
	return err;
}

void sdt_channels_stop(struct sdt_tunnel *t)
{
	cancel_delayed_work_sync(&t->channels->sweep);
}

static bool visit_delete(struct sdt_tunnel *t, struct sdt_channel *c, const void *arg)
{
	struct sk_buff *parked;

	if (*(const bool *)arg)
		return sdt_channel_close(t, c, SDT_CLOSE_TUNNEL_DELETED);
	spin_lock_bh(&t->lock);
	parked = channel_end(t, c);
	spin_unlock_bh(&t->lock);
	bury(t, c, parked);
	return false;
}

void sdt_channels_free(struct sdt_tunnel *t, bool tell)
{
	struct sdt_channels *chs = t->channels;

	walk(t, visit_delete, &tell);
	WARN_ON_ONCE(chs->count);
	t->channels = NULL;
	xa_destroy(&chs->ids);
	rhashtable_destroy(&chs->customers);
	rhashtable_destroy(&chs->tuples);
	kfree(chs);
}

/* ---- show ---------------------------------------------------------------- */

static void fill_info(const struct sdt_tunnel *t, struct sdt_channel *c,
		      struct sdt_channel_info *info)
{
	const struct sdt_port *port;
	const struct sdt_dest *dest;

	memset(info, 0, sizeof(*info));
	info->id = c->id;
	info->idle_ms = jiffies_to_msecs(sdt_channel_idle(c));
	info->lane = READ_ONCE(c->lane);
	info->in_datagrams = READ_ONCE(c->in.datagrams);
	info->out_datagrams = READ_ONCE(c->out.datagrams);
	if (!is_server(t)) {
		sdt_channel_customer(c, &info->customer);
		sdt_channel_local(c, &info->local);
		return;
	}
	port = rcu_dereference(c->server.port);
	if (!port)
		return;
	dest = rcu_dereference(port->dest);
	info->target = dest->remote;
	sdt_endpoint_make(&info->local, &dest->local, port->number, dest->remote.ifindex);
}

bool sdt_channel_next(struct sdt_tunnel *t, u64 *cursor, struct sdt_channel_info *info)
{
	unsigned long index = *cursor;
	struct sdt_channel *c;

	if (*cursor > U32_MAX)
		return false;
	rcu_read_lock();
	c = xa_find(&t->channels->ids, &index, U32_MAX, XA_PRESENT);
	if (c)
		fill_info(t, c, info);
	rcu_read_unlock();
	*cursor = c ? (u64)index + 1 : U32_MAX + 1ULL;
	return c;
}

/* ---- module -------------------------------------------------------------- */

int sdt_channels_module_init(void)
{
	BUILD_BUG_ON(offsetofend(struct sdt_channel, epoch) > 64);
	BUILD_BUG_ON(sizeof(struct sdt_channel) > 192 && SMP_CACHE_BYTES <= 64);

	channel_cache = kmem_cache_create("sdt_channel", sizeof(struct sdt_channel),
					  __alignof__(struct sdt_channel),
					  SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, NULL);
	if (!channel_cache)
		return -ENOMEM;
	customer_cache = kmem_cache_create("sdt_customer", sizeof(struct sdt_customer), 0,
					   SLAB_ACCOUNT, NULL);
	if (!customer_cache) {
		kmem_cache_destroy(channel_cache);
		return -ENOMEM;
	}
	return 0;
}

void sdt_channels_module_exit(void)
{
	kmem_cache_destroy(customer_cache);
	kmem_cache_destroy(channel_cache);
}
