// SPDX-License-Identifier: GPL-2.0
/*
 * The lane: queue and NAPI towards the link. One poll takes what is there,
 * seals it, and flushes before it returns: nothing waits, nothing survives a
 * poll. Bundles and GSO trains are built where lane_send() walks the batch.
 */
#include <linux/netdevice.h>
#include <linux/random.h>
#include <net/inet_ecn.h>

#include "compat/compat.h"
#include "lane.h"
#include "link.h"
#include "outer.h"
#include "socket.h"

/* ---- out ---------------------------------------------------------------- */

static enum sdt_stat xmit_reason(int err)
{
	switch (err) {
	case -EMSGSIZE:
		return SDT_DROP_TX_TOO_BIG;
	case -ENOMEM:
		return SDT_DROP_TX_NO_MEMORY;
	case -EAFNOSUPPORT:
		return SDT_DROP_TX_SOCKET;
	default:
		return SDT_DROP_TX_NO_ROUTE;
	}
}

/**
 * sdt_lane_path() - where a lane sends to now, or NULL; RCU
 * @lane: the lane
 *
 * The answering node follows a lane's own endpoint while it is fresh, else lane 0's.
 */
struct sdt_path *sdt_lane_path(struct sdt_lane *lane)
{
	struct sdt_path *path = rcu_dereference(lane->path);
	struct sdt_link *link = lane->link;

	if (lane->index && READ_ONCE(link->lane_role) == SDT_LANE_ROLE_ANSWER &&
	    (!path || time_after(jiffies, READ_ONCE(lane->last_rx) + sdt_lane_fresh)))
		path = NULL;
	return path ?: rcu_dereference(link->lanes[0]->path);
}

/* Where a message of @lane goes now. Return: 0, or the reason to drop. RCU. */
static enum sdt_stat flow_of(struct sdt_lane *lane, const struct sdt_tx_to *to, u8 tos,
			     struct sdt_flow *flow)
{
	struct sdt_path *path = to ? NULL : sdt_lane_path(lane);
	struct sdt_link *link = lane->link;
	struct sdt_node *node = link->node;
	struct sdt_sock *s;

	if (unlikely(!to && !path))
		return SDT_DROP_TX_NO_ENDPOINT;
	*flow = (struct sdt_flow) {
		.dst = to ? &to->remote : &path->remote,
		.src = to ? &to->local : &path->local,
		.src_hint = !READ_ONCE(link->source.family),
		.mark = READ_ONCE(node->fwmark),
		.ifindex = READ_ONCE(node->ifindex),
		.tos = tos,
		.ttl = READ_ONCE(link->ttl),
		.df = true,
		.cache = path ? &path->cache : NULL,
	};
	s = rcu_dereference(node->socks[to ? to->sock_lane : path->sock_lane]
				       [flow->dst->family == AF_INET6]);
	if (unlikely(!s))
		return SDT_DROP_TX_SOCKET;
	flow->sk = s->sock->sk;
	flow->sport = s->port;
	return 0;
}

/**
 * sdt_lane_out() - THE way of a sealed message to the wire
 * @lane: the lane
 * @skb: the message
 * @tos: TOS or traffic class of the outer packet
 * @to: explicit destination, NULL: the lane's path
 *
 * Context: RCU, BH off. Consumes @skb, counts.
 */
void sdt_lane_out(struct sdt_lane *lane, struct sk_buff *skb, u8 tos, const struct sdt_tx_to *to)
{
	struct sdt_link *link = lane->link;
	unsigned int len = skb->len;
	struct sdt_flow flow;
	enum sdt_stat why;
	int err;

	why = flow_of(lane, to, tos, &flow);
	if (unlikely(why)) {
		sdt_drop(link->stats, why, skb);
		return;
	}
	err = sdt_xmit(link->node->net, &flow, skb);
	if (unlikely(err))
		sdt_drop(link->stats, xmit_reason(err), NULL);
	else
		sdt_stat_packet(link->stats, SDT_STAT_TX_MESSAGES, len);
	if (unlikely(err == -EMSGSIZE))
		sdt_pmtu_recheck(link);
}

/* ---- sizes ---------------------------------------------------------------- */

/* What one poll knows and did. */
struct round {
	struct sdt_keypair *kp;
	unsigned int room;		/* longest message that may be sent; 0: not asked yet */
	unsigned int sent;		/* messages */
};

/**
 * sdt_lane_room() - longest message that the lane's route takes now
 * @lane: the lane
 *
 * Context: RCU, BH off. Return: bytes or -errno.
 */
int sdt_lane_room(struct sdt_lane *lane)
{
	struct sdt_flow flow;

	if (flow_of(lane, NULL, 0, &flow))
		return -ENETUNREACH;
	return sdt_route_mtu(lane->link->node->net, &flow);
}

/*
 * May a message of @len bytes be sent whole? The route is asked once a poll, and only for
 * what is longer than any route that is worth the name takes.
 */
static bool fits(struct sdt_lane *lane, struct round *r, unsigned int len)
{
	unsigned int most = min_t(unsigned int, sdt_pmtu_payload(lane->link), r->kp->max_message);
	int route;

	if (len <= min_t(unsigned int, most, SDT_PLPMTU_BASE))
		return true;
	if (!r->room) {
		route = sdt_lane_room(lane);
		r->room = route > 0 ? min_t(unsigned int, most, route) : most;
	}
	return len <= r->room;
}

/* ---- seal --------------------------------------------------------------- */

static u8 outer_tos(const struct sdt_link *link, u8 tos)
{
	u8 dscp = READ_ONCE(link->dscp), out;

	out = dscp == SDT_DSCP_COPY ? tos & ~INET_ECN_MASK : dscp << 2;
	if (READ_ONCE(link->ecn))
		out |= tos & INET_ECN_MASK;
	return out;
}

static void write_header(struct sk_buff *out, const struct sdt_keypair *kp, u8 lane, u32 counter)
{
	struct sdt_msg_data *h = skb_put(out, sizeof(*h));

	h->type_lane_index = cpu_to_be32((u32)SDT_MSG_DATA << 28 | (u32)lane << 24 |
					 kp->remote_index);
	h->counter = cpu_to_be32(counter);
}

/*
 * Length of the PAD frame that brings @plain bytes to a multiple of link->pad; a
 * data frame in front of it grows by its length field. 0: none, or the padded
 * message would not fit where the bare one may.
 */
static unsigned int pad_len(struct sdt_lane *lane, struct round *r, unsigned int plain)
{
	unsigned int pad = READ_ONCE(lane->link->pad), n;

	if (likely(!pad))
		return 0;
	plain += 2;
	n = roundup(plain + 2, pad) - plain;
	return fits(lane, r, SDT_DATA_MIN_LEN + plain + n) ? n : 0;
}

/* Frame header with its length put in, for a frame that is not the last. */
static void write_frame_with_length(struct sk_buff *out, const struct sdt_tx_cb *cb, u32 body)
{
	u16 after = cb->hdr_len - 1 + body;
	u8 *p = skb_put(out, cb->hdr_len + 2);

	p[0] = cb->hdr[0] | SDT_FRAME_LENGTH;
	p[1] = after >> 8;
	p[2] = after;
	memcpy(p + 3, cb->hdr + 1, cb->hdr_len - 1);
}

static void write_pad(struct sk_buff *out, unsigned int n)
{
	u8 *p = skb_put_zero(out, n);

	p[0] = SDT_FRAME_CONTROL;
	p[1] = SDT_OP_PAD;
}

/* Next nonce of this lane; only its poll calls. False: the keypair is used up. */
static bool take_counter(struct sdt_lane *lane, struct sdt_keypair *kp, u32 *counter)
{
	struct sdt_tx_lane *tx = &kp->tx[lane->index];

	if (unlikely(tx->counter >= SDT_REJECT_AFTER_COUNTER))
		return false;
	/* once: the tick looks at the counters, too */
	if (unlikely(tx->counter == SDT_REKEY_AFTER_MESSAGES))
		sdt_link_want(lane->link, SDT_LINK_WANT_REKEY);
	*counter = tx->counter;
	WRITE_ONCE(tx->counter, tx->counter + 1);
	return true;
}

/* A message without frames. */
static void send_keepalive(struct sdt_lane *lane, struct sdt_keypair *kp)
{
	struct sdt_link *link = lane->link;
	struct sdt_seal_parts p = { .tos = sdt_link_own_tos(link) };
	u32 counter;
	int err;

	p.out = alloc_skb(SDT_HEADROOM + SDT_DATA_MIN_LEN, GFP_ATOMIC | __GFP_NOWARN);
	if (!p.out) {
		sdt_drop(link->stats, SDT_DROP_TX_NO_MEMORY, NULL);
		return;
	}
	if (!take_counter(lane, kp, &counter)) {
		kfree_skb(p.out);
		return;
	}
	skb_reserve(p.out, SDT_HEADROOM);
	write_header(p.out, kp, lane->index, counter);
	err = sdt_seal(lane, kp, counter, &p);
	if (!err)
		sdt_lane_out(lane, p.out, p.tos, NULL);
	else if (err == -ENOMEM)
		sdt_drop(link->stats, SDT_DROP_TX_NO_MEMORY, p.out);
	sdt_stamp(&lane->last_tx);
	sdt_stat_inc(link->stats, SDT_STAT_TX_KEEPALIVES);
}

static void stage(struct sdt_link *link, struct sk_buff *skb)
{
	struct sk_buff *oldest = NULL;

	spin_lock(&link->staged.lock);
	if (skb_queue_len(&link->staged) >= SDT_STAGED_MAX)
		oldest = __skb_dequeue(&link->staged);
	__skb_queue_tail(&link->staged, skb);
	spin_unlock(&link->staged.lock);
	if (oldest)
		sdt_drop(link->stats, SDT_DROP_TX_STAGED, oldest);
	sdt_stat_inc(link->stats, SDT_STAT_STAGED);
}

/* May the frame be sealed under @kp? Counts and consumes, or stages, if not. */
static bool epoch_fits(struct sdt_link *link, const struct sdt_keypair *kp, struct sk_buff *skb)
{
	const struct sdt_tx_cb *cb = sdt_tx_cb(skb);

	if (cb->flags & SDT_TX_EPOCH_OWN && unlikely(cb->epoch != kp->own_epoch)) {
		/* drawn under the new epoch, whose keypair is still to come */
		if (cb->epoch == READ_ONCE(link->ids.epoch)) {
			stage(link, skb);
			/* one that is under way may announce the old epoch still */
			if (!READ_ONCE(link->trying) || test_bit(SDT_LINK_SETTLED, &link->requests))
				sdt_link_want(link, SDT_LINK_WANT_REKEY);
		} else {
			sdt_drop(link->stats, SDT_DROP_TX_EPOCH, skb);
		}
		return false;
	}
	if (cb->flags & SDT_TX_EPOCH_PEER && unlikely(cb->epoch != kp->peer_epoch)) {
		sdt_drop(link->stats, SDT_DROP_TX_EPOCH, skb);
		return false;
	}
	return true;
}

static void send_pieces(struct sdt_lane *lane, struct round *r, struct sk_buff *skb);

/* Counts and consumes what is longer than the peer takes, and cuts what is longer than the path does. */
static bool too_long(struct sdt_lane *lane, struct round *r, struct sk_buff *skb, unsigned int len)
{
	u8 flags = sdt_tx_cb(skb)->flags;

	if (flags & (SDT_TX_TO | SDT_TX_EXACT)) {
		if (likely(len <= r->kp->max_message))
			return false;
	} else {
		if (unlikely(len > SDT_PLPMTU_BASE))
			sdt_stamp(&lane->last_tx_long);
		if (likely(fits(lane, r, len)))
			return false;
		if (!(flags & SDT_TX_PIECE)) {
			send_pieces(lane, r, skb);
			return true;
		}
	}
	sdt_drop(lane->link->stats, SDT_DROP_TX_TOO_BIG, skb);
	return true;
}

static void send_one(struct sdt_lane *lane, struct round *r, struct sk_buff *skb)
{
	const struct sdt_tx_cb *cb = sdt_tx_cb(skb);
	struct sdt_link *link = lane->link;
	struct sdt_keypair *kp = r->kp;
	struct sdt_seal_parts p = { .src = skb, .tos = outer_tos(link, cb->tos) };
	unsigned int plain, pad;
	const u8 cb_flags = cb->flags;
	struct sdt_tx_to to;
	u32 counter;
	int err;

	if (!epoch_fits(link, kp, skb))
		return;
	if (unlikely(cb->flags & SDT_TX_TO)) {
		/* made by path.c: linear */
		memcpy(&to, skb->data, sizeof(to));
		__skb_pull(skb, sizeof(to));
		p.to = &to;
	}
	plain = cb->hdr_len + skb->len;
	if (unlikely(too_long(lane, r, skb, SDT_DATA_MIN_LEN + plain)))
		return;
	r->sent++;
	pad = cb->flags & SDT_TX_EXACT ? 0 : pad_len(lane, r, plain);
	p.out = alloc_skb(SDT_HEADROOM + SDT_DATA_MIN_LEN + plain + (pad ? pad + 2 : 0),
			  GFP_ATOMIC | __GFP_NOWARN);
	if (unlikely(!p.out)) {
		sdt_drop(link->stats, SDT_DROP_TX_NO_MEMORY, skb);
		return;
	}
	if (unlikely(!take_counter(lane, kp, &counter))) {
		kfree_skb(p.out);
		if (cb_flags & (SDT_TX_EXACT | SDT_TX_PIECE))
			sdt_drop(link->stats, SDT_DROP_TX_STAGED, skb);
		else
			stage(link, skb);
		if (!READ_ONCE(link->trying))
			sdt_link_want(link, SDT_LINK_WANT_REKEY);
		return;
	}
	skb_reserve(p.out, SDT_HEADROOM);
	write_header(p.out, kp, lane->index, counter);
	if (pad) {
		/* the pad stands behind the body: everything is copied */
		write_frame_with_length(p.out, cb, skb->len);
		if (skb_copy_bits(skb, 0, skb_put(p.out, skb->len), skb->len))
			goto no_memory;
		write_pad(p.out, pad);
		consume_skb(skb);
		p.src = NULL;
	} else {
		skb_put_data(p.out, cb->hdr, cb->hdr_len);
	}
	sdt_stamp(&lane->last_tx);
	if (!(cb_flags & (SDT_TX_TO | SDT_TX_EXACT)))
		sdt_stamp(&lane->last_tx_data);
	err = sdt_seal(lane, kp, counter, &p);
	if (likely(!err)) {
		sdt_lane_out(lane, p.out, p.tos, p.to);
		return;
	}
	if (err == -EINPROGRESS || err == -EIO)
		return;
	skb = p.src;
no_memory:
	kfree_skb(p.out);
	sdt_drop(link->stats, SDT_DROP_TX_NO_MEMORY, skb);
}

/* ---- fragments -------------------------------------------------------------- */

/* Bytes [@off, @off + @n) of @skb, whose frame is @cb's, as a FRAGMENT. */
static struct sk_buff *piece_of(struct sk_buff *skb, struct sdt_control *c, unsigned int off,
				unsigned int n)
{
	struct sk_buff *piece;
	struct sdt_tx_cb *cb;

	piece = alloc_skb(SDT_FRAGMENT_HDR_LEN + n, GFP_ATOMIC | __GFP_NOWARN);
	if (unlikely(!piece))
		return NULL;
	c->fragment.offset = off;
	c->fragment.more = off + n < skb->len;
	skb_put(piece, sdt_control_encode(skb_tail_pointer(piece), c));
	if (skb_copy_bits(skb, off, skb_put(piece, n), n)) {
		kfree_skb(piece);
		return NULL;
	}
	cb = sdt_tx_cb(piece);
	*cb = *sdt_tx_cb(skb);
	cb->hdr[0] |= SDT_FRAME_CONTROL;
	cb->flags |= SDT_TX_PIECE;
	return piece;
}

/*
 * Cut here, when the keypair and the size of this moment are known: all pieces are
 * sealed under one keypair, and in the queue the datagram was one. Ids of lanes
 * never meet: what was moved to lane 0 keeps its own lane's.
 */
static void send_pieces(struct sdt_lane *lane, struct round *r, struct sk_buff *skb)
{
	struct sdt_control c = { .op = SDT_OP_FRAGMENT };
	struct sdt_stats __percpu *stats = lane->link->stats;
	unsigned int most, off, n;
	struct sk_buff *piece;

	most = SDT_DATA_MIN_LEN + sdt_tx_cb(skb)->hdr_len + SDT_FRAGMENT_HDR_LEN;
	most = r->room > most ? rounddown(r->room - most, SDT_FRAGMENT_UNIT) : 0;
	if (!most || skb->len > SDT_DATAGRAM_MAX ||
	    DIV_ROUND_UP(skb->len, most) > SDT_FRAGMENTS_MAX) {
		sdt_drop(stats, SDT_DROP_TX_TOO_BIG, skb);
		return;
	}
	c.fragment.id = (u32)lane->index << 28 | (lane->fragmented++ & 0x0fffffff);
	for (off = 0; off < skb->len; off += n) {
		n = min(most, skb->len - off);
		piece = piece_of(skb, &c, off, n);
		if (!piece) {
			sdt_drop(stats, SDT_DROP_TX_NO_MEMORY, skb);
			return;
		}
		send_one(lane, r, piece);
		sdt_stat_inc(stats, SDT_STAT_TX_FRAGMENTS);
	}
	consume_skb(skb);
}

/* No keypair: everything waits for one. */
static void lane_stage(struct sdt_link *link, struct sk_buff_head *batch)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(batch))) {
		if (sdt_tx_cb(skb)->flags & (SDT_TX_TO | SDT_TX_EXACT))
			sdt_drop(link->stats, SDT_DROP_TX_STAGED, skb);
		else
			stage(link, skb);
	}
	sdt_link_want(link, SDT_LINK_WANT_HANDSHAKE);
	/* one may have come while the last of them was put away */
	if (sdt_keypair_usable(rcu_dereference(link->current_kp)))
		sdt_link_flush_staged(link);
}

/*
 * The keypair changed under what was queued: data goes by lane 0 until this
 * lane is proved again. What tests a path stays if the lane exists at all.
 */
static void reroute(struct sdt_link *link, struct sk_buff_head *batch, bool lane_exists)
{
	struct sk_buff_head keep;
	struct sk_buff *skb;

	__skb_queue_head_init(&keep);
	while ((skb = __skb_dequeue(batch))) {
		if (!(sdt_tx_cb(skb)->flags & SDT_TX_TO)) {
			sdt_tx_cb(skb)->lane = 0;
			sdt_link_send(link, skb);
		} else if (lane_exists) {
			__skb_queue_tail(&keep, skb);
		} else {
			sdt_drop(link->stats, SDT_DROP_TX_STAGED, skb);
		}
	}
	skb_queue_splice_init(&keep, batch);
}

/* Stops after @budget messages, with the rest in @batch: a datagram may come to many. */
static void lane_send(struct sdt_lane *lane, struct sk_buff_head *batch, unsigned int budget)
{
	struct sdt_link *link = lane->link;
	struct sdt_keypair *kp = rcu_dereference(link->current_kp);
	struct round r = { .kp = kp };
	bool keepalive = test_and_clear_bit(SDT_LANE_KEEPALIVE, &lane->flags);
	struct sk_buff *skb;

	if (unlikely(!sdt_keypair_usable(kp))) {
		if (!skb_queue_empty(batch))
			lane_stage(link, batch);
		return;
	}
	if (unlikely(lane->index >= kp->lanes)) {
		reroute(link, batch, false);
		return;
	}
	if (unlikely(lane->index && !test_bit(lane->index, &kp->lanes_up)))
		reroute(link, batch, true);
	/* whatever else there is: it may all turn out not to be sendable */
	if (keepalive)
		send_keepalive(lane, kp);
	while (r.sent < budget && (skb = __skb_dequeue(batch)))
		send_one(lane, &r, skb);
	if (unlikely(test_bit(0, &link->quiet)))
		sdt_link_wake(link);
}

static int lane_poll(struct napi_struct *napi, int budget)
{
	struct sdt_lane *lane = container_of(napi, struct sdt_lane, napi);
	struct sk_buff_head batch;
	int work = 0;

	if (!budget)
		return 0;
	__skb_queue_head_init(&batch);
	spin_lock_bh(&lane->queue.lock);
	if (skb_queue_len(&lane->queue) <= budget) {
		work = skb_queue_len(&lane->queue);
		skb_queue_splice_init(&lane->queue, &batch);
	} else {
		while (work < budget) {
			__skb_queue_tail(&batch, __skb_dequeue(&lane->queue));
			work++;
		}
	}
	spin_unlock_bh(&lane->queue.lock);

	rcu_read_lock();
	lane_send(lane, &batch, budget);
	rcu_read_unlock();
	if (unlikely(!skb_queue_empty(&batch))) {
		spin_lock_bh(&lane->queue.lock);
		skb_queue_splice(&batch, &lane->queue);
		spin_unlock_bh(&lane->queue.lock);
		return budget;
	}
	if (work < budget)
		napi_complete_done(napi, work);
	return work;
}

/* ---- in ----------------------------------------------------------------- */

/**
 * sdt_lane_kick() - let the lane's poll run; BH off, or process context
 * @lane: the lane
 */
void sdt_lane_kick(struct sdt_lane *lane)
{
	local_bh_disable();
	napi_schedule(&lane->napi);
	local_bh_enable();
}

/**
 * sdt_lane_keepalive() - a message on this lane even if there is nothing to say
 * @link: the link
 * @i: lane number
 */
void sdt_lane_keepalive(struct sdt_link *link, unsigned int i)
{
	/* pairs with the store in grow_lanes() */
	struct sdt_lane *lane = smp_load_acquire(&link->lanes[i]);

	if (!lane || READ_ONCE(link->dead))
		return;
	set_bit(SDT_LANE_KEEPALIVE, &lane->flags);
	sdt_lane_kick(lane);
}

static unsigned int lanes_now(struct sdt_link *link)
{
	struct sdt_keypair *kp = rcu_dereference(link->current_kp);

	return kp ? kp->lanes : READ_ONCE(link->lane_limit);
}

u8 sdt_link_lane(struct sdt_link *link)
{
	return raw_smp_processor_id() % lanes_now(link);
}

u8 sdt_link_lane_for(struct sdt_link *link, u32 hash)
{
	return reciprocal_scale(hash, lanes_now(link));
}

void sdt_link_send(struct sdt_link *link, struct sk_buff *skb)
{
	struct sdt_tx_cb *cb = sdt_tx_cb(skb);
	unsigned int i = cb->lane;
	struct sdt_lane *lane;

	/* a lane carries data once something was authenticated on it */
	if (i && !(cb->flags & SDT_TX_TO)) {
		struct sdt_keypair *kp = rcu_dereference(link->current_kp);

		if (!kp || i >= kp->lanes || !test_bit(i, &kp->lanes_up))
			i = 0;
	}
	/* pairs with the store in grow_lanes() */
	lane = smp_load_acquire(&link->lanes[i]);
	spin_lock(&lane->queue.lock);
	if (unlikely(skb_queue_len(&lane->queue) >= SDT_LANE_QUEUE_MAX || READ_ONCE(link->dead))) {
		spin_unlock(&lane->queue.lock);
		sdt_drop(link->stats, SDT_DROP_TX_QUEUE, skb);
		return;
	}
	__skb_queue_tail(&lane->queue, skb);
	spin_unlock(&lane->queue.lock);
	napi_schedule(&lane->napi);
}

/**
 * sdt_link_flush_staged() - a keypair is there: what waited goes on its way
 * @link: the link
 */
void sdt_link_flush_staged(struct sdt_link *link)
{
	struct sk_buff_head batch;
	struct sk_buff *skb;

	__skb_queue_head_init(&batch);
	local_bh_disable();
	rcu_read_lock();
	spin_lock(&link->staged.lock);
	skb_queue_splice_init(&link->staged, &batch);
	spin_unlock(&link->staged.lock);
	while ((skb = __skb_dequeue(&batch)))
		sdt_link_send(link, skb);
	rcu_read_unlock();
	local_bh_enable();
}

/**
 * sdt_link_drop_staged() - no keypair came, or the link goes
 * @link: the link
 */
void sdt_link_drop_staged(struct sdt_link *link)
{
	struct sk_buff_head batch;
	struct sk_buff *skb;

	__skb_queue_head_init(&batch);
	spin_lock_bh(&link->staged.lock);
	skb_queue_splice_init(&link->staged, &batch);
	spin_unlock_bh(&link->staged.lock);
	while ((skb = __skb_dequeue(&batch)))
		sdt_drop(link->stats, SDT_DROP_TX_STAGED, skb);
}

/* ---- life --------------------------------------------------------------- */

/**
 * sdt_lane_create() - node->lock held, process context. Return: lane or NULL.
 * @link: the link
 * @index: slot to fill in
 */
struct sdt_lane *sdt_lane_create(struct sdt_link *link, u8 index)
{
	struct sdt_lane *lane;

	lane = kzalloc(sizeof(*lane), GFP_KERNEL_ACCOUNT);
	if (!lane)
		return NULL;
	lane->link = link;
	lane->index = index;
	skb_queue_head_init(&lane->queue);
	lane->last_rx = jiffies - SDT_LONG_AGO;
	lane->last_rx_data = lane->last_rx;
	lane->last_tx = lane->last_rx;
	lane->last_tx_data = lane->last_rx;
	lane->last_tx_long = lane->last_rx;
	lane->fragmented = get_random_u32();
	set_bit(NAPI_STATE_NO_BUSY_POLL, &lane->napi.state);
	sdt_compat_napi_add(link->node->napi_dev, &lane->napi, lane_poll);
	napi_enable(&lane->napi);
	return lane;
}

/**
 * sdt_lane_stop() - its poll has ended and will not run again; process context
 * @lane: the lane
 */
void sdt_lane_stop(struct sdt_lane *lane)
{
	napi_disable(&lane->napi);
	__netif_napi_del(&lane->napi);
}

/**
 * sdt_lane_free() - after sdt_lane_stop() and synchronize_net()
 * @lane: the lane
 */
void sdt_lane_free(struct sdt_lane *lane)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&lane->queue)))
		sdt_drop(lane->link->stats, SDT_DROP_TX_QUEUE, skb);
	sdt_path_drop(lane);
	kfree(lane);
}
