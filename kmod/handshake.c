// SPDX-License-Identifier: GPL-2.0
/*
 * The handshake's driver: what arrives is worked on here, in process context,
 * one worker a node; what is sent is made here. The mathematics are noise.c's
 * and cookie.c's.
 */
#include <linux/random.h>
#include <linux/ktime.h>

#include "bytes.h"
#include "compat/compat.h"
#include "handshake.h"
#include "lane.h"
#include "link.h"
#include "outer.h"
#include "socket.h"

#define SDT_MAX_MESSAGE	65507u	/* largest UDP payload that we take */
#define SDT_TS_STEP	(1u << 24)	/* ns, granularity of our timestamps */

/* ---- queues ------------------------------------------------------------- */

/* Messages of each class that may wait. */
static const unsigned int queue_max[SDT_HS_CLASSES] = {
	[SDT_HS_EXPECTED] = 256,
	[SDT_HS_KNOWN] = 512,
	[SDT_HS_COOKIE] = 512,
	[SDT_HS_PLAIN] = 1024,
};

void sdt_handshake_queues_init(struct sdt_node *node)
{
	unsigned int i;

	for (i = 0; i < SDT_HS_CLASSES; i++)
		skb_queue_head_init(&node->hs_queue[i]);
}

void sdt_handshake_queues_purge(struct sdt_node *node)
{
	unsigned int i;

	for (i = 0; i < SDT_HS_CLASSES; i++)
		skb_queue_purge(&node->hs_queue[i]);
}

bool sdt_handshake_queue(struct sdt_node *node, struct sk_buff *skb, enum sdt_hs_class class)
{
	struct sdt_hs_cb *cb = (struct sdt_hs_cb *)skb->cb;

	if (skb_queue_len_lockless(&node->hs_queue[class]) >= queue_max[class] ||
	    READ_ONCE(node->dead))
		return false;
	cb->queue = class;
	skb_queue_tail(&node->hs_queue[class], skb);
	queue_work(sdt_wq, &node->hs_work);
	return true;
}

/* ---- identity ----------------------------------------------------------- */

/* A copy, because the ciphers may sleep. Wipe it. */
static bool ident_copy(struct sdt_node *node, struct sdt_ident *copy)
{
	const struct sdt_ident *ident;

	rcu_read_lock();
	ident = rcu_dereference(node->ident);
	if (ident)
		*copy = *ident;
	rcu_read_unlock();
	return ident;
}

/* ---- out ---------------------------------------------------------------- */

static int send_message(struct sdt_node *node, const struct sdt_link *link, const void *msg,
			unsigned int len, const struct sdt_endpoint *to,
			const struct in6_addr *local, u8 sock_lane)
{
	struct sdt_flow flow = {
		.dst = to,
		.src = local,
		.src_hint = !link || !link->source.family,
		.mark = READ_ONCE(node->fwmark),
		.ifindex = READ_ONCE(node->ifindex),
		.tos = link ? sdt_link_own_tos(link) : 0,
		.ttl = link ? READ_ONCE(link->ttl) : 0,
		.df = true,
	};
	struct sdt_sock *s;
	struct sk_buff *skb;
	int err = -EAFNOSUPPORT;

	skb = alloc_skb(SDT_HEADROOM + len, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	skb_reserve(skb, SDT_HEADROOM);
	skb_put_data(skb, msg, len);
	local_bh_disable();
	rcu_read_lock();
	s = rcu_dereference(node->socks[sock_lane][to->family == AF_INET6]);
	if (s) {
		flow.sk = s->sock->sk;
		flow.sport = s->port;
		err = sdt_xmit(node->net, &flow, skb);
	} else {
		kfree_skb(skb);
	}
	rcu_read_unlock();
	local_bh_enable();
	return err;
}

/* Our next timestamp: the clock's, or one step after the last if that is not later. */
static void next_timestamp(struct sdt_link *link, u8 out[SDT_TIMESTAMP_LEN])
{
	struct timespec64 now;

	ktime_get_real_ts64(&now);
	sdt_tai64n(out, now.tv_sec, now.tv_nsec);
	if (memcmp(out, link->last_timestamp, SDT_TIMESTAMP_LEN) <= 0) {
		u64 sec = sdt_get_be64(link->last_timestamp);
		u32 nsec = sdt_get_be32(link->last_timestamp + 8);

		nsec += SDT_TS_STEP;
		if (nsec >= NSEC_PER_SEC) {
			nsec = 0;
			sec++;
		}
		sdt_put_be64(out, sec);
		sdt_put_be32(out + 8, nsec);
	}
	memcpy(link->last_timestamp, out, SDT_TIMESTAMP_LEN);
}

/* The peer's cookie for mac2, while it is young enough. */
static const u8 *valid_cookie(const struct sdt_link *link)
{
	const u64 life = sdt_seconds_ns(SDT_COOKIE_SECRET_TIME - SDT_COOKIE_LATENCY);

	if (link->cookie_valid && ktime_get_boottime_ns() - link->cookie_birth < life)
		return link->cookie;
	return NULL;
}

static void fill_payload(struct sdt_hs_payload *payload, const struct sdt_link *link, u64 epoch)
{
	memset(payload, 0, sizeof(*payload));
	payload->epoch = cpu_to_be64(epoch);
	payload->features = cpu_to_be32(SDT_FEATURES);
	payload->lanes = READ_ONCE(link->lane_limit);
	payload->max_message = cpu_to_be16(SDT_MAX_MESSAGE);
	payload->flags = READ_ONCE(link->has_peer) ? SDT_HS_FLAG_CONFIGURED : 0;
}

/**
 * sdt_handshake_clear() - forget the initiator's slot; hs_lock
 * @link: the link
 */
void sdt_handshake_clear(struct sdt_link *link)
{
	sdt_index_remove(link->node, &link->init.index);
	link->init.index.value = 0;
	WRITE_ONCE(link->init.active, false);
	sdt_wipe(&link->init.noise, sizeof(link->init.noise));
}

/**
 * sdt_handshake_initiate() - send a new initiation
 * @link: the link
 *
 * Context: process, link->hs_lock held.
 * Return: 0; -EDESTADDRREQ: the peer's address is not known; else -errno, and
 * the next attempt may fare better.
 */
int sdt_handshake_initiate(struct sdt_link *link)
{
	struct sdt_node *node = link->node;
	struct sdt_hs_payload payload;
	struct sdt_msg_initiation msg;
	struct sdt_endpoint to = {};
	struct in6_addr local;
	struct sdt_ident ident;
	struct sdt_path *path;
	u8 sock_lane = 0;
	int err;

	rcu_read_lock();
	path = rcu_dereference(link->lanes[0]->path);
	if (path) {
		to = path->remote;
		local = path->local;
		sock_lane = path->sock_lane;
	}
	rcu_read_unlock();
	if (!to.family)
		return -EDESTADDRREQ;
	if (READ_ONCE(sdt_frozen))
		return -EAGAIN;
	if (!ident_copy(node, &ident))
		return -ENOKEY;

	sdt_handshake_clear(link);
	err = sdt_index_insert(node, &link->init.index);
	if (err)
		goto out;
	link->init.own_epoch = sdt_link_announced_epoch(link);
	fill_payload(&payload, link, link->init.own_epoch);
	next_timestamp(link, payload.timestamp);
	if (link->answer_valid)
		memcpy(payload.challenge, link->answer, SDT_MAC_LEN);
	link->answer_valid = false;
	err = sdt_msg_write_initiation(&msg, &link->init.noise, link->suite, &ident.key,
				       link->peer_key, link->init.index.value, &payload);
	if (err)
		goto clear;
	sdt_mac_write(&link->peer_mac, &msg, sizeof(msg), valid_cookie(link));
	memcpy(link->init.last_mac1, msg.mac1, SDT_MAC_LEN);
	link->init.sent = ktime_get_boottime_ns();
	link->init.challenged = false;
	link->init.cookied = false;
	link->init.lanes = payload.lanes;
	WRITE_ONCE(link->init.active, true);
	err = send_message(node, link, &msg, sizeof(msg), &to, &local, sock_lane);
	if (err)
		sdt_count(link->stats, SDT_DROP_TX_NO_ROUTE);
	else
		sdt_count(link->stats, SDT_STAT_TX_INITIATIONS);
	goto out;
clear:
	sdt_handshake_clear(link);
out:
	sdt_wipe(&ident, sizeof(ident));
	sdt_wipe(&payload, sizeof(payload));
	return err;
}

/* ---- cookies ------------------------------------------------------------ */

static void mapped(const struct sdt_endpoint *from, u8 addr[16])
{
	memcpy(addr, &from->ip, 16);
}

static void fresh_secret(struct sdt_node *node)
{
	if (node->cookie_valid &&
	    time_before(jiffies, node->cookie_birth + sdt_seconds(SDT_COOKIE_SECRET_TIME)))
		return;
	sdt_random(node->cookie_secret, sizeof(node->cookie_secret));
	node->cookie_birth = jiffies;
	node->cookie_valid = true;
}

/*
 * Judged by what waits in the message's own class, so that a flood from anywhere
 * demands nothing of known peers. Who brings a cookie and who does not are one.
 */
static bool under_load(struct sdt_node *node, enum sdt_hs_class class)
{
	enum sdt_hs_class by = class == SDT_HS_COOKIE ? SDT_HS_PLAIN : class;
	struct sdt_hs_load *load = &node->hs_load[by];

	if (skb_queue_len(&node->hs_queue[class]) > queue_max[class] / 8 ||
	    skb_queue_len(&node->hs_queue[by]) > queue_max[by] / 8) {
		load->until = jiffies + HZ;
		load->was = true;
	} else if (load->was && time_after(jiffies, load->until)) {
		load->was = false;
	}
	return load->was;
}

/*
 * Under load, even a source that proved its address by a cookie gets so many
 * handshakes a second and no more.
 */
static bool source_allowed(struct sdt_node *node, const struct sdt_endpoint *from)
{
	static const struct sdt_pace pace = {
		.interval = NSEC_PER_SEC / SDT_SOURCE_PER_SECOND,
		.depth = SDT_SOURCE_PER_SECOND,
	};

	return sdt_buckets_take(node->source_rate, from, 32, 64, &pace);
}

static bool send_cookie(struct sdt_node *node, const struct sdt_ident *ident, u8 suite, u8 what,
			u32 receiver, const u8 *mac1, const u8 *value, const struct sdt_hs_cb *cb)
{
	struct sdt_msg_cookie msg;
	u8 salt[SDT_SALT_LEN];

	sdt_random(salt, sizeof(salt));
	sdt_cookie_write(&msg, &ident->mac, suite, what, receiver, mac1, value, salt);
	return !send_message(node, NULL, &msg, sizeof(msg), &cb->from, &cb->local, cb->sock_lane);
}

/*
 * mac1, and under load mac2: cheap, and nothing dear is done before them.
 * Return: 0, or the reason to drop.
 */
static enum sdt_stat admit(struct sdt_node *node, const struct sdt_ident *ident, const void *data,
			   unsigned int len, const struct sdt_hs_cb *cb)
{
	const u8 *mac1 = (const u8 *)data + len - 2 * SDT_MAC_LEN;
	const u8 *head = data;
	u8 cookie[SDT_MAC_LEN], addr[16];

	if (!sdt_mac1_valid(&ident->mac, data, len))
		return SDT_DROP_HS_MAC1;
	if (!under_load(node, cb->queue))
		return 0;
	fresh_secret(node);
	mapped(&cb->from, addr);
	sdt_cookie_of(cookie, node->cookie_secret, addr, cb->from.port);
	if (sdt_mac2_valid(cookie, data, len))
		return source_allowed(node, &cb->from) ? 0 : SDT_DROP_HS_SOURCE_RATE;
	if (send_cookie(node, ident, head[2], SDT_COOKIE_COOKIE, sdt_get_be32(head + 4), mac1,
			cookie, cb))
		sdt_count(node->stats, SDT_STAT_TX_COOKIES);
	return SDT_DROP_HS_COOKIE_NEEDED;
}

/* ---- initiation --------------------------------------------------------- */

static bool is_zero(const u8 *p, unsigned int len)
{
	return !memchr_inv(p, 0, len);
}

static bool rate_allows(struct sdt_link *link, u64 now)
{
	u64 second = div64_u64(now, sdt_seconds_ns(1));

	if (link->rate_window != second) {
		link->rate_window = second;
		link->rate_count = 0;
	}
	return ++link->rate_count <= SDT_INITIATIONS_PER_SECOND;
}

static bool newer(const struct sdt_link *link, const struct sdt_hs_payload *payload)
{
	return memcmp(payload->timestamp, link->greatest_timestamp, SDT_TIMESTAMP_LEN) > 0;
}

/*
 * Freshness: a timestamp greater than any seen from this peer, or the
 * challenge that we gave out.
 */
static bool fresh(const struct sdt_link *link, const struct sdt_hs_payload *payload, u64 now)
{
	return newer(link, payload) ||
	       (link->challenge_valid && !is_zero(payload->challenge, SDT_MAC_LEN) &&
		now - link->challenge_birth < sdt_seconds_ns(SDT_CHALLENGE_TIME) &&
		sdt_equal(payload->challenge, link->challenge, SDT_MAC_LEN));
}

/* The greatest timestamp never goes back, whatever the acceptance rests on. */
static void accepted(struct sdt_link *link, const struct sdt_hs_payload *payload)
{
	if (newer(link, payload))
		memcpy(link->greatest_timestamp, payload->timestamp, SDT_TIMESTAMP_LEN);
	link->challenge_valid = false;
	sdt_count(link->stats, SDT_STAT_RX_INITIATIONS);
}

/*
 * Once a second for the same initiation, so that a recording that is replayed
 * all the time cannot take the answers from a node whose clock went back; and
 * few in all. None is longer than what it answers.
 */
static bool challenge_allowed(struct sdt_link *link, const u8 *mac1, u64 now)
{
	u64 second = div64_u64(now, sdt_seconds_ns(1));

	if (link->challenge_window != second) {
		link->challenge_window = second;
		link->challenge_count = 0;
	}
	if (link->challenge_count >= SDT_CHALLENGES_PER_SECOND)
		return false;
	if (!memcmp(link->challenge_mac1, mac1, SDT_MAC_LEN) &&
	    now - link->challenge_sent < sdt_seconds_ns(1))
		return false;
	link->challenge_count++;
	memcpy(link->challenge_mac1, mac1, SDT_MAC_LEN);
	link->challenge_sent = now;
	return true;
}

/* Authentic but stale: ask who is there, at most once a second. */
static void challenge(struct sdt_link *link, const struct sdt_ident *ident,
		      const struct sdt_msg_initiation *msg, const struct sdt_hs_cb *cb, u64 now)
{
	if (link->challenge_valid &&
	    now - link->challenge_birth >= sdt_seconds_ns(SDT_CHALLENGE_TIME))
		link->challenge_valid = false;
	if (!link->challenge_valid) {
		do {
			sdt_random(link->challenge, SDT_MAC_LEN);
		} while (is_zero(link->challenge, SDT_MAC_LEN));
		link->challenge_birth = now;
		link->challenge_valid = true;
	}
	if (!challenge_allowed(link, msg->mac1, now))
		return;
	if (send_cookie(link->node, ident, link->suite, SDT_COOKIE_CHALLENGE,
			be32_to_cpu(msg->sender_index), msg->mac1, link->challenge, cb))
		sdt_count(link->stats, SDT_STAT_TX_CHALLENGES);
}

static int respond(struct sdt_link *link, struct sdt_noise *hs,
		   const struct sdt_hs_payload *theirs, u32 their_index,
		   const struct sdt_hs_cb *cb)
{
	struct sdt_node *node = link->node;
	u8 k1[SDT_KEY_LEN], k2[SDT_KEY_LEN];
	struct sdt_hs_payload payload;
	struct sdt_msg_response msg;
	struct sdt_keypair *kp;
	u64 epoch;
	int err;

	if (READ_ONCE(sdt_frozen))
		return -EAGAIN;
	epoch = sdt_link_announced_epoch(link);
	fill_payload(&payload, link, epoch);
	/* the index is announced before there is a keypair to carry it */
	err = sdt_index_insert(node, &link->resp_reserve);
	if (err)
		return err;
	err = sdt_msg_write_response(&msg, hs, link->psk, link->resp_reserve.value, their_index,
				     &payload);
	if (err)
		goto unreserve;
	sdt_noise_split(hs, k1, k2);
	kp = sdt_keypair_create(link, link->suite, k2, k1,
				min_t(u8, theirs->lanes, payload.lanes));
	sdt_wipe(k1, sizeof(k1));
	sdt_wipe(k2, sizeof(k2));
	if (IS_ERR(kp)) {
		err = PTR_ERR(kp);
		goto unreserve;
	}
	kp->initiator = false;
	kp->peer_configured = theirs->flags & SDT_HS_FLAG_CONFIGURED;
	kp->remote_index = their_index;
	kp->own_epoch = epoch;
	kp->peer_epoch = be64_to_cpu(theirs->epoch);
	kp->max_message = be16_to_cpu(theirs->max_message);
	kp->from = cb->from;
	kp->from_local = cb->local;
	sdt_keypair_take_index(kp, &link->resp_reserve);
	sdt_link_keypair_new(link, kp);
	/* even if it is never confirmed, its keys must not stay for ever */
	sdt_link_wake(link);

	sdt_mac_write(&link->peer_mac, &msg, sizeof(msg), valid_cookie(link));
	memcpy(link->resp_mac1, msg.mac1, SDT_MAC_LEN);
	link->resp_index = be32_to_cpu(msg.sender_index);
	link->resp_cookied = false;
	err = send_message(node, link, &msg, sizeof(msg), &cb->from, &cb->local, cb->sock_lane);
	sdt_count(link->stats, err ? SDT_DROP_TX_NO_ROUTE : SDT_STAT_TX_RESPONSES);
	return 0;

unreserve:
	sdt_index_remove(node, &link->resp_reserve);
	link->resp_reserve.value = 0;
	return err;
}

static enum sdt_stat receive_initiation(struct sdt_node *node, const struct sdt_ident *ident,
					const void *data, const struct sdt_hs_cb *cb,
					struct sdt_stats __percpu **stats)
{
	const struct sdt_msg_initiation *msg = data;
	struct sdt_hs_payload payload;
	enum sdt_stat reason = 0;
	struct sdt_link *link;
	struct sdt_noise hs;
	u64 now = ktime_get_boottime_ns();

	if (sdt_msg_read_initiation(msg, &hs, &ident->key, &payload))
		return SDT_DROP_HS_INVALID;
	rcu_read_lock();
	link = sdt_peer_lookup(node, hs.rs);
	rcu_read_unlock();
	if (!link) {
		reason = SDT_DROP_HS_PEER;
		goto wipe;
	}
	/* the link lives until node->hs_work, which runs us, is flushed */
	*stats = link->stats;
	if (msg->suite != link->suite) {
		reason = SDT_DROP_HS_CIPHER;
		goto wipe;
	}
	mutex_lock(&link->hs_lock);
	if (link->dead) {
		reason = SDT_DROP_HS_PEER;
	} else if (!fresh(link, &payload, now)) {
		challenge(link, ident, msg, cb, now);
		reason = SDT_DROP_HS_STALE;
	} else if (!rate_allows(link, now)) {
		/* after freshness: recordings, however many, must not use it up */
		reason = SDT_DROP_HS_RATE;
	} else {
		accepted(link, &payload);
		if (respond(link, &hs, &payload, be32_to_cpu(msg->sender_index), cb))
			reason = SDT_DROP_RX_NO_MEMORY;
	}
	mutex_unlock(&link->hs_lock);
wipe:
	sdt_wipe(&hs, sizeof(hs));
	sdt_wipe(&payload, sizeof(payload));
	return reason;
}

/* ---- response ----------------------------------------------------------- */

/* The link whose handshake slot or keypair has this index. */
static struct sdt_link *link_by_index(struct sdt_node *node, u32 value)
{
	struct sdt_link *link = NULL;
	struct sdt_index *index;

	rcu_read_lock();
	index = xa_load(&node->indices, value);
	if (index)
		link = index->link;
	rcu_read_unlock();
	return link;
}

static int adopt_response(struct sdt_link *link, const struct sdt_hs_payload *theirs,
			  u32 their_index, const struct sdt_hs_cb *cb)
{
	u8 k1[SDT_KEY_LEN], k2[SDT_KEY_LEN];
	struct sdt_keypair *kp;
	unsigned int i, lanes;

	sdt_noise_split(&link->init.noise, k1, k2);
	kp = sdt_keypair_create(link, link->suite, k1, k2,
				min(theirs->lanes, link->init.lanes));
	sdt_wipe(k1, sizeof(k1));
	sdt_wipe(k2, sizeof(k2));
	if (IS_ERR(kp))
		return PTR_ERR(kp);
	kp->initiator = true;
	kp->peer_configured = theirs->flags & SDT_HS_FLAG_CONFIGURED;
	kp->remote_index = their_index;
	kp->own_epoch = link->init.own_epoch;
	kp->peer_epoch = be64_to_cpu(theirs->epoch);
	kp->max_message = be16_to_cpu(theirs->max_message);
	kp->from = cb->from;
	kp->from_local = cb->local;
	lanes = kp->lanes;
	sdt_keypair_take_index(kp, &link->init.index);
	sdt_handshake_clear(link);
	sdt_link_keypair_new(link, kp);

	/* at once, so that the peer's side is confirmed: what waited, or a keepalive */
	sdt_link_flush_staged(link);
	for (i = 0; i < lanes; i++)
		sdt_lane_keepalive(link, i);
	return 0;
}

static enum sdt_stat receive_response(struct sdt_node *node, const struct sdt_ident *ident,
				      const void *data, const struct sdt_hs_cb *cb,
				      struct sdt_stats __percpu **stats)
{
	const struct sdt_msg_response *msg = data;
	u32 receiver = be32_to_cpu(msg->receiver_index);
	struct sdt_link *link = link_by_index(node, receiver);
	struct sdt_hs_payload payload;
	enum sdt_stat reason = 0;
	struct sdt_noise hs;

	if (!link)
		return SDT_DROP_RX_INDEX;
	*stats = link->stats;
	mutex_lock(&link->hs_lock);
	if (link->dead || !link->init.active || link->init.index.value != receiver) {
		reason = SDT_DROP_HS_UNEXPECTED;
		goto unlock;
	}
	hs = link->init.noise;
	if (sdt_msg_read_response(msg, &hs, &ident->key, link->psk, &payload)) {
		reason = SDT_DROP_HS_INVALID;
		goto wipe;
	}
	sdt_count(link->stats, SDT_STAT_RX_RESPONSES);
	link->init.noise = hs;
	if (adopt_response(link, &payload, be32_to_cpu(msg->sender_index), cb)) {
		sdt_handshake_clear(link);
		reason = SDT_DROP_RX_NO_MEMORY;
	}
wipe:
	sdt_wipe(&hs, sizeof(hs));
	sdt_wipe(&payload, sizeof(payload));
unlock:
	mutex_unlock(&link->hs_lock);
	return reason;
}

/* ---- cookie, challenge --------------------------------------------------- */

static enum sdt_stat receive_cookie(struct sdt_node *node, const void *data,
				    struct sdt_stats __percpu **stats)
{
	const struct sdt_msg_cookie *msg = data;
	u32 receiver = be32_to_cpu(msg->receiver_index);
	struct sdt_link *link = link_by_index(node, receiver);
	enum sdt_stat reason = 0;
	u8 value[SDT_MAC_LEN];
	const u8 *mac1;
	bool ours;

	if (!link)
		return SDT_DROP_RX_INDEX;
	*stats = link->stats;
	mutex_lock(&link->hs_lock);
	ours = link->init.active && link->init.index.value == receiver;
	mac1 = ours ? link->init.last_mac1 : link->resp_mac1;
	if (link->dead || (!ours && link->resp_index != receiver) ||
	    (!ours && msg->what != SDT_COOKIE_COOKIE)) {
		reason = SDT_DROP_HS_UNEXPECTED;
	} else if (sdt_cookie_read(msg, &link->peer_mac, link->suite, mac1, value)) {
		reason = SDT_DROP_HS_INVALID;
	} else if (msg->what == SDT_COOKIE_COOKIE && (ours ? link->init.cookied :
							       link->resp_cookied)) {
		/* one cookie a message: a recorded one must not look young again */
		reason = SDT_DROP_HS_UNEXPECTED;
	} else if (msg->what == SDT_COOKIE_COOKIE) {
		if (ours)
			link->init.cookied = true;
		else
			link->resp_cookied = true;
		memcpy(link->cookie, value, SDT_MAC_LEN);
		link->cookie_birth = ktime_get_boottime_ns();
		link->cookie_valid = true;
		sdt_count(link->stats, SDT_STAT_RX_COOKIES);
	} else if (link->init.challenged) {
		/* one challenge an attempt: anybody on the path can make one */
		reason = SDT_DROP_HS_UNEXPECTED;
	} else {
		memcpy(link->answer, value, SDT_MAC_LEN);
		link->answer_valid = true;
		sdt_count(link->stats, SDT_STAT_RX_CHALLENGES);
		if (!sdt_handshake_initiate(link))
			link->init.challenged = true;
	}
	mutex_unlock(&link->hs_lock);
	return reason;
}

/* ---- worker ------------------------------------------------------------- */

static void receive_one(struct sdt_node *node, const struct sdt_ident *ident, struct sk_buff *skb)
{
	struct sdt_stats __percpu *stats = node->stats;
	const struct sdt_hs_cb cb = *(struct sdt_hs_cb *)skb->cb;
	union {
		struct sdt_msg_initiation initiation;
		struct sdt_msg_response response;
		struct sdt_msg_cookie cookie;
		u8 bytes[SDT_INITIATION_LEN];
	} msg;
	unsigned int len = skb->len;
	enum sdt_stat reason = 0;

	/* lengths were checked when it was queued; a copy is aligned and linear */
	if (skb_copy_bits(skb, 0, &msg, min_t(unsigned int, len, sizeof(msg)))) {
		sdt_drop(stats, SDT_DROP_RX_TRUNCATED, skb);
		return;
	}
	switch (msg.bytes[0] >> 4) {
	case SDT_MSG_INITIATION:
		reason = admit(node, ident, &msg, len, &cb) ?:
			 receive_initiation(node, ident, &msg, &cb, &stats);
		break;
	case SDT_MSG_RESPONSE:
		reason = admit(node, ident, &msg, len, &cb) ?:
			 receive_response(node, ident, &msg, &cb, &stats);
		break;
	case SDT_MSG_COOKIE:
		reason = receive_cookie(node, &msg, &stats);
		break;
	}
	if (reason)
		sdt_drop(stats, reason, skb);
	else
		consume_skb(skb);
}

/* One of each class in turn. */
static struct sk_buff *next_message(struct sdt_node *node)
{
	unsigned int i;

	for (i = 0; i < SDT_HS_CLASSES; i++) {
		struct sk_buff *skb = skb_dequeue(&node->hs_queue[node->hs_turn]);

		node->hs_turn = (node->hs_turn + 1) % SDT_HS_CLASSES;
		if (skb)
			return skb;
	}
	return NULL;
}

static bool all_empty(struct sdt_node *node)
{
	unsigned int i;

	for (i = 0; i < SDT_HS_CLASSES; i++)
		if (!skb_queue_empty(&node->hs_queue[i]))
			return false;
	return true;
}

/**
 * sdt_handshake_work() - the node's handshake worker
 * @work: embedded in the owner
 *
 * A slice at a time, so that flushing it never waits for a whole flood.
 */
void sdt_handshake_work(struct work_struct *work)
{
	struct sdt_node *node = container_of(work, struct sdt_node, hs_work);
	struct sdt_ident ident;
	unsigned int slice = 16;
	struct sk_buff *skb;
	bool have;

	have = ident_copy(node, &ident);
	while (slice-- && (skb = next_message(node))) {
		if (have)
			receive_one(node, &ident, skb);
		else
			sdt_drop(node->stats, SDT_DROP_HS_NO_KEY, skb);
		cond_resched();
	}
	sdt_wipe(&ident, sizeof(ident));
	if (!all_empty(node))
		queue_work(sdt_wq, work);
}
