// SPDX-License-Identifier: GPL-2.0
/* Channels: limits, and opening within them. */
#include "channel_int.h"
#include "compat/compat.h"
#include "event.h"

#define SDT_EVICT_SAMPLE	16	/* entries that one eviction looks at */
#define SDT_REFUSED_HOLD	1	/* s: see struct sdt_channel */

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
static struct sdt_channel *evictable(const struct sdt_tunnel *t, struct list_head *lru,
				     bool by_customer)
{
	unsigned long floor = sdt_seconds(SDT_EVICT_FLOOR);
	unsigned long idle, longest = 0;
	struct sdt_channel *c, *best = NULL;
	struct list_head *pos, *next;
	unsigned int n;

	for (n = 0, pos = lru->next; n < SDT_EVICT_SAMPLE && pos != lru; n++, pos = next) {
		next = pos->next;
		c = lru_entry(pos, by_customer);
		idle = sdt_channel_idle(t, c);
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
static bool evict(struct sdt_tunnel *t, struct sdt_ended *ended, struct list_head *lru,
		  bool by_customer)
{
	struct sdt_channel *c = NULL;

	if (READ_ONCE(t->at_limit) == SDT_AT_LIMIT_EVICT_IDLE)
		c = evictable(t, lru, by_customer);
	if (!c)
		return false;
	sdt_channel_end_later(t, ended, c, SDT_CLOSE_EVICTED);
	return true;
}

/*
 * The tunnel's own limit. Return: 0, or why not. Where the limit was lowered, one
 * goes for each that comes: it does not shrink at once, and never grows.
 */
static enum sdt_stat tunnel_admits(struct sdt_tunnel *t, struct sdt_ended *ended)
{
	struct sdt_channels *chs = t->channels;

	if (chs->count >= READ_ONCE(t->max_channels) && !evict(t, ended, &chs->lru, false))
		return SDT_DROP_LIMIT_TUNNEL;
	return 0;
}

/* @cust counts the new one already. */
static enum sdt_stat customer_admits(struct sdt_tunnel *t, struct sdt_customer *cust,
				     struct sdt_ended *ended)
{
	u32 max = READ_ONCE(t->max_channels_per_customer);

	if (max && cust->channels > max && !evict(t, ended, &cust->lru, true))
		return SDT_DROP_LIMIT_CUSTOMER;
	return 0;
}

/* ---- opening: proxy ------------------------------------------------------ */

/* t->lock. A channel of an earlier epoch that has the drawn id makes way. */
static void draw_id(struct sdt_tunnel *t, struct sdt_channel *c, struct sdt_ended *ended)
{
	struct sdt_channel *old;

	sdt_link_draw_id(t->link, &c->id, &c->epoch);
	old = sdt_channel_by_id(t, c->id);
	if (old)
		sdt_channel_end_later(t, ended, old, SDT_CLOSE_EPOCH);
}

/* t->lock, RCU. The customer's count holds @c from here on; undone by the caller. */
static enum sdt_stat insert_proxy(struct sdt_tunnel *t, struct sdt_channel *c,
				  struct sdt_customer *cust, struct sdt_ended *ended)
{
	struct sdt_channels *chs = t->channels;
	u32 rate = READ_ONCE(t->channel_rate);
	enum sdt_stat why;

	if (!rate_allows(chs, rate))
		return SDT_DROP_LIMIT_RATE;
	why = customer_admits(t, cust, ended);
	if (!why)
		why = tunnel_admits(t, ended);
	if (why)
		return why;
	draw_id(t, c, ended);
	sdt_channel_encode_hdr(t, c);
	if (sdt_channel_link_in(chs, c)) {
		sdt_link_id_done(t->link, c->epoch);
		return SDT_DROP_IN_NO_MEMORY;
	}
	/* Last: from here on datagrams find it. */
	if (rhashtable_insert_fast(&chs->tuples, &c->proxy.hash, sdt_tuple_params)) {
		sdt_channel_link_out(chs, c);
		sdt_link_id_done(t->link, c->epoch);
		return SDT_DROP_IN_NO_MEMORY;
	}
	rate_take(chs, rate);
	return 0;
}

static enum sdt_stat add_proxy(struct sdt_tunnel *t, struct sdt_channel *c, struct sdt_ended *ended)
{
	struct sdt_channels *chs = t->channels;
	struct sdt_customer *cust = sdt_customer_get(chs, &c->proxy.key);
	enum sdt_stat why;

	if (!cust)
		return SDT_DROP_IN_NO_MEMORY;
	/* Counted first: so no eviction below can end the customer itself. */
	cust->channels++;
	why = insert_proxy(t, c, cust, ended);
	if (why) {
		cust->channels--;
		sdt_customer_put(chs, cust);
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
	sdt_channel_event(t, SDT_EVENT_CHANNEL_OPENED, c, 0, false);
}

/* A flood of new tuples at a full tunnel costs neither lock nor memory. */
static bool surely_full(struct sdt_tunnel *t, const struct sdt_channel_key *key)
{
	return READ_ONCE(t->at_limit) == SDT_AT_LIMIT_REFUSE &&
	       READ_ONCE(t->channels->count) >= READ_ONCE(t->max_channels) &&
	       !sdt_channel_by_key(t, key);
}

static struct sdt_channel *open_proxy(struct sdt_tunnel *t, const struct sdt_channel_key *key,
				      enum sdt_stat *why)
{
	struct sdt_channel *c, *old;
	struct sdt_ended ended;

	if (surely_full(t, key)) {
		*why = SDT_DROP_LIMIT_TUNNEL;
		announce_refusal(t, key, SDT_REFUSE_TUNNEL_LIMIT);
		return NULL;
	}
	c = sdt_channel_alloc(t);
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
		sdt_channel_free_unused(c);
		return old;
	}
	if (old)
		sdt_channel_end_later(t, &ended, old, old->state == SDT_CHANNEL_REFUSED ?
						      SDT_CLOSE_PEER : SDT_CLOSE_EPOCH);
	*why = add_proxy(t, c, &ended);
	spin_unlock_bh(&t->lock);

	sdt_channel_announce_ended(t, &ended);
	if (*why) {
		/* It may have been in the table of ids for a moment. */
		call_rcu(&c->rcu, sdt_channel_free_rcu);
		announce_refusal(t, key, sdt_channel_refusal(*why));
		return NULL;
	}
	announce_opened(t, c);
	return c;
}

struct sdt_channel *sdt_channel_open_proxy(struct sdt_tunnel *t, const struct sdt_channel_key *key,
					   enum sdt_stat *why)
{
	struct mem_cgroup *before = sdt_compat_charge(t->memcg);
	struct sdt_channel *c = open_proxy(t, key, why);

	sdt_compat_charge(before);
	return c;
}

struct sdt_channel *sdt_channel_for_customer(struct sdt_tunnel *t,
					     const struct sdt_channel_key *key,
					     enum sdt_stat *why)
{
	struct sdt_channel *c = sdt_channel_by_key(t, key);

	if (likely(c && sdt_channel_current(t, c)))
		return c;
	if (c && sdt_channel_held(t->channels, c)) {
		*why = SDT_DROP_REFUSED_BY_PEER;
		return NULL;
	}
	return sdt_channel_open_proxy(t, key, why);
}

/* ---- opening: server ----------------------------------------------------- */

/*
 * Are channels that the peer opened under @epoch void? A frame that was opened just
 * before the peer's new epoch took effect must not bring the old one back.
 */
bool sdt_channel_epoch_void(struct sdt_link *link, u64 epoch)
{
	bool is_void;

	spin_lock_bh(&link->kp_lock);
	is_void = link->peer_epoch_valid && link->peer_epoch != epoch;
	spin_unlock_bh(&link->kp_lock);
	return is_void;
}

/* t->lock. The link's limit counts channels of all its tunnels. */
static enum sdt_stat link_admits(struct sdt_tunnel *t, struct sdt_ended *ended)
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
static enum sdt_stat add_server(struct sdt_tunnel *t, struct sdt_channel *c,
				struct sdt_ended *ended)
{
	struct sdt_channels *chs = t->channels;
	u32 rate = READ_ONCE(t->channel_rate);
	enum sdt_stat why;

	if (sdt_ports_exhausted(c->server.pool))
		return SDT_DROP_NO_PORT;
	if (!rate_allows(chs, rate))
		return SDT_DROP_LIMIT_RATE;
	why = tunnel_admits(t, ended);
	if (!why)
		why = link_admits(t, ended);
	if (why)
		return why;
	if (sdt_channel_link_in(chs, c)) {
		atomic_dec(&t->link->peer_channels);
		return SDT_DROP_OUT_NO_MEMORY;
	}
	rate_take(chs, rate);
	return 0;
}

/* t->lock. Return: 0; @found: the channel is there already */
static enum sdt_stat accept_server(struct sdt_tunnel *t, struct sdt_channel *c,
				   struct sdt_ended *ended, struct sdt_channel **found)
{
	struct sdt_channel *old = sdt_channel_by_id(t, c->id);

	if (old && old->epoch == c->epoch) {
		*found = old;
		return 0;
	}
	if (sdt_channel_epoch_void(t->link, c->epoch))
		return SDT_DROP_OUT_EPOCH;
	if (old)
		sdt_channel_end_later(t, ended, old, SDT_CLOSE_EPOCH);
	return add_server(t, c, ended);
}

static struct sdt_channel *open_server(struct sdt_tunnel *t, struct sdt_ports *pool,
				       const struct sdt_rx *rx, u32 id, enum sdt_stat *why)
{
	struct sdt_channel *c, *found = NULL;
	enum sdt_refuse_reason reason;
	struct sdt_ended ended;

	c = sdt_channel_alloc(t);
	if (!c) {
		*why = SDT_DROP_OUT_NO_MEMORY;
		return NULL;
	}
	c->id = id;
	c->epoch = rx->peer_epoch;
	c->lane = rx->lane;
	sdt_port_user_init(&c->server, pool);
	sdt_channel_encode_hdr(t, c);
	ended.n = 0;

	spin_lock_bh(&t->lock);
	*why = accept_server(t, c, &ended, &found);
	spin_unlock_bh(&t->lock);

	sdt_channel_announce_ended(t, &ended);
	if (found || *why)
		sdt_channel_free_unused(c);
	if (found)
		return found;
	if (*why) {
		reason = sdt_channel_refusal(*why);
		announce_refusal(t, NULL, reason);
		if (reason)
			sdt_channel_send_refused(t, id, rx->peer_epoch, rx->lane, reason);
		return NULL;
	}
	announce_opened(t, c);
	return c;
}

struct sdt_channel *sdt_channel_open_server(struct sdt_tunnel *t, struct sdt_ports *pool,
					    const struct sdt_rx *rx, u32 id, enum sdt_stat *why)
{
	struct mem_cgroup *before = sdt_compat_charge(t->memcg);
	struct sdt_channel *c = open_server(t, pool, rx, id, why);

	sdt_compat_charge(before);
	return c;
}

void sdt_channel_sent(struct sdt_tunnel *t, struct sdt_port_user *user)
{
	struct sdt_channel *c = container_of(user, struct sdt_channel, server);

	sdt_channel_used(t->channels, &c->out);
}

void sdt_channel_no_port(struct sdt_tunnel *t, struct sdt_port_user *user)
{
	struct sdt_channel *c = container_of(user, struct sdt_channel, server);
	struct sk_buff *parked;

	spin_lock_bh(&t->lock);
	if (c->state == SDT_CHANNEL_DEAD || rcu_access_pointer(c->server.port)) {
		spin_unlock_bh(&t->lock);
		return;
	}
	parked = sdt_channel_end(t, c);
	spin_unlock_bh(&t->lock);
	sdt_channel_event(t, SDT_EVENT_CHANNEL_REFUSED, c, SDT_REFUSE_NO_PORT, false);
	sdt_channel_send_refused(t, c->id, c->epoch, READ_ONCE(c->lane), SDT_REFUSE_NO_PORT);
	sdt_channel_bury(t, c, parked);
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
	sdt_channel_event(t, SDT_EVENT_CHANNEL_REFUSED, c, reason, true);
}

bool sdt_channel_held(const struct sdt_channels *chs, const struct sdt_channel *c)
{
	/* pairs with sdt_channel_refused(): that before when */
	return smp_load_acquire(&c->state) == SDT_CHANNEL_REFUSED &&
	       sdt_since(READ_ONCE(c->refused)) < chs->second * SDT_REFUSED_HOLD;
}
