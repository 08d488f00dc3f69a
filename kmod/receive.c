// SPDX-License-Identifier: GPL-2.0
/* From the link: outer messages in, opened frames out to the tunnels. */
#include <linux/ktime.h>

#include "bytes.h"
#include "compat/compat.h"
#include "handshake.h"
#include "lane.h"
#include "link.h"
#include "outer.h"
#include "ping.h"
#include "reset.h"
#include "socket.h"
#include "tunnel.h"

/* ---- handshake messages: to the worker ----------------------------------- */

static bool is_ours(struct sdt_node *node, const u8 *index)
{
	return xa_load(&node->indices, sdt_get_be32(index));
}

/* @msg has its type's length. Nothing here is proof of anything; see enum sdt_hs_class. */
static enum sdt_hs_class class_of(struct sdt_node *node, const u8 *msg,
				  const struct sdt_endpoint *from)
{
	switch (msg[0] >> 4) {
	case SDT_MSG_RESPONSE:
		if (is_ours(node, msg + offsetof(struct sdt_msg_response, receiver_index)))
			return SDT_HS_EXPECTED;
		break;
	case SDT_MSG_COOKIE:
		if (is_ours(node, msg + offsetof(struct sdt_msg_cookie, receiver_index)))
			return SDT_HS_EXPECTED;
		break;
	default:
		if (sdt_path_known(node, from))
			return SDT_HS_KNOWN;
		if (memchr_inv(msg + offsetof(struct sdt_msg_initiation, mac2), 0, SDT_MAC_LEN))
			return SDT_HS_COOKIE;
	}
	return SDT_HS_PLAIN;
}

static void to_worker(struct sdt_node *node, struct sdt_sock *sock, struct sk_buff *skb,
		      const struct sdt_endpoint *from, const struct in6_addr *local)
{
	struct sdt_hs_cb *cb = (struct sdt_hs_cb *)skb->cb;

	BUILD_BUG_ON(sizeof(*cb) > sizeof(skb->cb));
	if (unlikely(!pskb_may_pull(skb, skb->len))) {
		sdt_drop(node->stats, SDT_DROP_RX_TRUNCATED, skb);
		return;
	}
	cb->from = *from;
	cb->local = *local;
	cb->sock_lane = sock->lane;
	if (!sdt_handshake_queue(node, skb, class_of(node, skb->data, from)))
		sdt_drop(node->stats, SDT_DROP_HS_QUEUE, skb);
}

/* ---- frames --------------------------------------------------------------- */

/* A frame that is not the message's last gets an skb of its own. */
static struct sk_buff *frame_skb(struct sk_buff *skb, const struct sdt_frame *f, bool last)
{
	struct sk_buff *own;

	if (last) {
		__skb_pull(skb, f->body_off);
		skb_trim(skb, f->body_len);
		return skb;
	}
	own = alloc_skb(SDT_HEADROOM + f->body_len, GFP_ATOMIC | __GFP_NOWARN);
	if (!own)
		return NULL;
	skb_reserve(own, SDT_HEADROOM);
	skb_put_data(own, skb->data + f->body_off, f->body_len);
	return own;
}

static enum sdt_stat control_reason(int err, u8 op)
{
	if (err == -EOPNOTSUPP)
		return SDT_DROP_RX_OP;
	return op == SDT_OP_FRAGMENT ? SDT_DROP_FRAG_SHAPE : SDT_DROP_RX_CONTROL;
}

/* Something of a tunnel's. The link's own PING, PONG and PAD keep no session alive. */
static void data_heard(const struct sdt_rx *rx)
{
	sdt_stamp(&rx->link->lanes[rx->lane]->last_rx_data);
}

static void control(const struct sdt_rx *rx, const struct sdt_frame *f, const u8 *body,
		    const struct sdt_rx_cb *cb)
{
	struct sdt_link *link = rx->link;
	struct sdt_control c;
	int err;

	err = sdt_control_decode(f, body, f->body_len, &c);
	if (unlikely(err)) {
		sdt_stat_inc(link->stats, control_reason(err, c.op));
		return;
	}
	switch (c.op) {
	case SDT_OP_PAD:
		break;
	case SDT_OP_PING:
		sdt_path_ping(link, cb, c.opaque);
		break;
	case SDT_OP_PONG:
		if (!sdt_ping_answered(link, cb->lane, c.opaque))
			sdt_path_pong(link, cb, c.opaque);
		break;
	case SDT_OP_FRAGMENT:
		data_heard(rx);
		sdt_frag_receive(rx, f, &c, body + c.fragment.data_off);
		break;
	default:
		data_heard(rx);
		sdt_tunnels_control(rx, f, &c);
	}
}

/* The plaintext of one message; @skb linear, data at the first frame. Consumes. */
static void frames(const struct sdt_rx *rx, struct sk_buff *skb, const struct sdt_rx_cb *cb)
{
	struct sdt_link *link = rx->link;
	u32 off = 0, len = skb->len;
	struct sdt_frame f;

	while (off < len) {
		struct sk_buff *own;
		bool last;
		int err;

		err = sdt_frame_decode(skb->data, len, &off, &f);
		if (unlikely(err)) {
			sdt_stat_inc(link->stats, SDT_DROP_RX_FRAME);
			continue;
		}
		if (f.control) {
			control(rx, &f, skb->data + f.body_off, cb);
			continue;
		}
		data_heard(rx);
		last = off >= len;
		own = frame_skb(skb, &f, last);
		if (likely(own))
			sdt_tunnels_frame(rx, &f, own);
		else
			sdt_stat_inc(link->stats, SDT_DROP_RX_NO_MEMORY);
		if (last)
			return;
	}
	consume_skb(skb);
}

/* ---- opened ---------------------------------------------------------------- */

/*
 * First message on a lane under this keypair: the lane is proved, and the
 * node that answers says so there, once.
 */
static void lane_came_up(struct sdt_link *link, struct sdt_keypair *kp, u8 lane)
{
	if (test_and_set_bit(lane, &kp->lanes_up))
		return;
	if (!kp->initiator)
		sdt_lane_keepalive(link, lane);
}

static bool replayed(struct sdt_link *link, struct sdt_keypair *kp, const struct sdt_rx_cb *cb,
		     bool *newest, struct sk_buff *skb)
{
	struct sdt_rx_lane *rx = &kp->rx[cb->lane];
	enum sdt_replay_verdict v;

	spin_lock(&rx->lock);
	v = sdt_replay_accept(&rx->window, cb->counter);
	spin_unlock(&rx->lock);
	*newest = v == SDT_REPLAY_NEWEST;
	if (likely(v == SDT_REPLAY_NEW || v == SDT_REPLAY_NEWEST))
		return false;
	sdt_drop(link->stats, v == SDT_REPLAY_SEEN ? SDT_DROP_RX_REPLAY : SDT_DROP_RX_OLD, skb);
	return true;
}

void sdt_link_opened(struct sdt_keypair *kp, struct sk_buff *skb, int err)
{
	const struct sdt_rx_cb cb = *sdt_rx_cb(skb);
	struct sdt_link *link = kp->link;
	/* the keypair was made after its lanes */
	struct sdt_lane *lane = link->lanes[cb.lane];
	struct sdt_rx rx = {
		.link = link,
		.kp = kp,
		.own_epoch = kp->own_epoch,
		.peer_epoch = kp->peer_epoch,
		.lane = cb.lane,
		.tos = cb.tos,
	};
	bool newest;

	if (unlikely(err)) {
		sdt_drop(link->stats, err == -EBADMSG ? SDT_DROP_RX_TAG : SDT_DROP_RX_CRYPTO, skb);
		return;
	}
	if (replayed(link, kp, &cb, &newest, skb))
		return;
	if (unlikely(!READ_ONCE(kp->confirmed)) && sdt_link_confirm(link, kp))
		sdt_link_flush_staged(link);
	sdt_stamp(&lane->last_rx);
	if (unlikely(!test_bit(cb.lane, &kp->lanes_up)))
		lane_came_up(link, kp, cb.lane);
	if (likely(newest))
		sdt_path_heard(link, kp, &cb);
	if (unlikely(test_bit(0, &link->quiet)))
		sdt_link_wake(link);
	sdt_stat_packet(link->stats, SDT_STAT_RX_MESSAGES, skb->len);

	__skb_pull(skb, SDT_DATA_HDR_LEN);
	skb_trim(skb, skb->len - SDT_TAG_LEN);
	if (!skb->len) {
		sdt_stat_inc(link->stats, SDT_STAT_RX_KEEPALIVES);
		consume_skb(skb);
		return;
	}
	frames(&rx, skb, &cb);
}

/* ---- data messages ---------------------------------------------------------- */

/*
 * Decryption works in place; what is shared or scattered is copied first, with
 * room in front for the plain packet's way out.
 */
static struct sk_buff *private_linear(struct sk_buff *skb)
{
	struct sk_buff *own;

	if (likely(!skb_is_nonlinear(skb) && !skb_cloned(skb)))
		return skb;
	own = alloc_skb(SDT_HEADROOM + skb->len, GFP_ATOMIC | __GFP_NOWARN);
	if (unlikely(!own))
		return NULL;
	skb_reserve(own, SDT_HEADROOM);
	if (skb_copy_bits(skb, 0, skb_put(own, skb->len), skb->len)) {
		kfree_skb(own);
		return NULL;
	}
	memcpy(own->cb, skb->cb, sizeof(own->cb));
	consume_skb(skb);
	return own;
}

static void data(struct sdt_node *node, struct sdt_sock *sock, struct sk_buff *skb,
		 const struct sdt_endpoint *from, const struct in6_addr *local, u8 tos)
{
	u32 head = sdt_get_be32(skb->data);
	struct sdt_keypair *kp;
	struct sdt_index *index;
	struct sdt_link *link;
	struct sdt_rx_cb *cb;
	struct sk_buff *own;
	int err;

	if (unlikely(skb->len < SDT_DATA_MIN_LEN)) {
		sdt_drop(node->stats, SDT_DROP_RX_TRUNCATED, skb);
		return;
	}
	index = xa_load(&node->indices, head & SDT_INDEX_MASK);
	if (unlikely(!index || index->kind != SDT_INDEX_KEYPAIR)) {
		if (!index)
			sdt_reset_send(node, sock, skb->data, from, local);
		sdt_drop(node->stats, SDT_DROP_RX_INDEX, skb);
		return;
	}
	kp = container_of(index, struct sdt_keypair, index);
	link = kp->link;
	cb = sdt_rx_cb(skb);
	cb->counter = sdt_get_be32(skb->data + 4);
	cb->lane = head >> 24 & 0xf;
	if (unlikely(cb->lane >= kp->lanes)) {
		sdt_drop(link->stats, SDT_DROP_RX_LANE, skb);
		return;
	}
	if (unlikely(ktime_get_coarse_boottime_ns() - kp->birth >= sdt_reject_ns)) {
		sdt_drop(link->stats, SDT_DROP_RX_KEY_EXPIRED, skb);
		return;
	}
	cb->from = *from;
	cb->local = *local;
	cb->tos = tos;
	cb->sock_lane = sock->lane;
	own = private_linear(skb);
	if (unlikely(!own)) {
		sdt_drop(link->stats, SDT_DROP_RX_NO_MEMORY, skb);
		return;
	}
	own->ip_summed = CHECKSUM_NONE;
	err = sdt_open(kp, own);
	if (unlikely(err == -EINPROGRESS))
		return;
	if (unlikely(err == -ENOMEM)) {
		sdt_drop(link->stats, SDT_DROP_RX_NO_MEMORY, own);
		return;
	}
	sdt_link_opened(kp, own, err);
}

/**
 * sdt_link_receive() - one outer message
 * @node: the node
 * @sock: the socket that heard it
 * @skb: data at the message, stripped by sdt_packet_parse(); consumed
 * @from: source of the message
 * @local: our address that it was sent to
 * @tos: TOS or traffic class of the outer packet
 *
 * Context: RCU, BH off.
 */
void sdt_link_receive(struct sdt_node *node, struct sdt_sock *sock, struct sk_buff *skb,
		      const struct sdt_endpoint *from, const struct in6_addr *local, u8 tos)
{
	unsigned int want = 0;
	u8 first;

	if (unlikely(!pskb_may_pull(skb, SDT_DATA_HDR_LEN))) {
		sdt_drop(node->stats, SDT_DROP_RX_TRUNCATED, skb);
		return;
	}
	first = skb->data[0];
	if (likely(first >> 4 == SDT_MSG_DATA)) {
		data(node, sock, skb, from, local, tos);
		return;
	}
	switch (first) {
	case SDT_MSG_INITIATION << 4:
		want = SDT_INITIATION_LEN;
		break;
	case SDT_MSG_RESPONSE << 4:
		want = SDT_RESPONSE_LEN;
		break;
	case SDT_MSG_COOKIE << 4:
		want = SDT_COOKIE_LEN;
		break;
	}
	if (want && skb->len == want)
		to_worker(node, sock, skb, from, local);
	else if (first >> 4 == SDT_MSG_RESET && skb->len == SDT_RESET_LEN)
		sdt_reset_receive(node, skb, from);
	else
		sdt_drop(node->stats, SDT_DROP_RX_TYPE, skb);
}
