// SPDX-License-Identifier: GPL-2.0
/* Channels: what others are told of them: events, CLOSE, REFUSED. */
#include "channel_int.h"
#include "compat/compat.h"
#include "event.h"
#include "ingress.h"

#define SDT_HINTS_PER_SECOND	100	/* of a tunnel: CLOSE for unknown ids, REFUSED */

static u8 epoch_flag(const struct sdt_tunnel *t)
{
	return sdt_channels_at_server(t) ? SDT_TX_EPOCH_PEER : SDT_TX_EPOCH_OWN;
}

enum sdt_refuse_reason sdt_channel_refusal(enum sdt_stat why)
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

void sdt_channel_event(struct sdt_tunnel *t, enum sdt_event type, const struct sdt_channel *c,
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

	if (!sdt_channels_at_server(t)) {
		sdt_channel_customer(c, &customer);
		info.endpoint = &customer;
	}
	sdt_event_send(t->node, &info);
}

static void frame_of_channel(const struct sdt_tunnel *t, u32 id, struct sdt_frame *f)
{
	*f = (struct sdt_frame) {
		.control = true,
		.reply = sdt_channels_at_server(t),
		.tunnel = t->number,
		.has_channel = true,
		.channel = id,
	};
}

/*
 * Control frames of channels are hints: not worth a handshake, nor waiting for one.
 * RCU, BH off. Return: false: not sent.
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

void sdt_channel_send_refused(struct sdt_tunnel *t, u32 id, u64 epoch, u8 lane,
			      enum sdt_refuse_reason reason)
{
	const struct sdt_control c = { .op = SDT_OP_REFUSED, .reason = reason };

	if (hint_allowed(t->channels))
		send_control(t, id, epoch, lane, &c);
}

void sdt_channel_refuse_address(struct sdt_tunnel *t, const struct sdt_rx *rx, u32 id,
				const struct sdt_endpoint *to)
{
	const struct sdt_control c = { .op = SDT_OP_REFUSED, .reason = SDT_REFUSE_POLICY };
	struct sdt_frame f;

	if (!hint_allowed(t->channels))
		return;
	frame_of_channel(t, id, &f);
	put_address(&f, to);
	send_frame(t, &f, rx->peer_epoch, rx->lane, &c);
}

void sdt_channel_address_refused(struct sdt_tunnel *t, struct sdt_channel *c)
{
	sdt_stat_inc(t->stats, SDT_DROP_REFUSED_BY_PEER);
	sdt_channel_event(t, SDT_EVENT_CHANNEL_REFUSED, c, SDT_REFUSE_POLICY, true);
}

void sdt_channel_send_close(struct sdt_tunnel *t, u32 id, u64 epoch, u8 lane)
{
	const struct sdt_control c = { .op = SDT_OP_CLOSE };

	send_control(t, id, epoch, lane, &c);
}

void sdt_channel_unknown(struct sdt_tunnel *t, const struct sdt_rx *rx, u32 id)
{
	if (hint_allowed(t->channels))
		sdt_channel_send_close(t, id, rx->own_epoch, rx->lane);
}
