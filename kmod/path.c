// SPDX-License-Identifier: GPL-2.0
/* Where a link's lanes send to: configured, confirmed, heard, probed. */
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/rhashtable.h>

#include "compat/compat.h"
#include "event.h"
#include "lane.h"
#include "link.h"

/* Peers behind one NAT share an address; links that differ in the interface alone are rarer still. */
#define SDT_KNOWN_WALK_MAX	16

/* Lane 0's paths by the peer's address, so that it is cheap to ask whether an address is known. */
static const struct rhashtable_params known_params = {
	.key_len = sizeof_field(struct sdt_path, remote.ip),
	.key_offset = offsetof(struct sdt_path, remote.ip),
	.head_offset = offsetof(struct sdt_path, by_ip),
	.automatic_shrinking = true,
};

int sdt_paths_init(struct sdt_node *node)
{
	return rhltable_init(&node->endpoints, &known_params);
}

void sdt_paths_exit(struct sdt_node *node)
{
	rhltable_destroy(&node->endpoints);
}

/**
 * sdt_path_known() - is this the address of some link's peer, as far as this node knows?
 * @node: the node
 * @from: an endpoint; its port does not count
 *
 * Context: RCU, any but hard interrupts. The cost does not depend on the number of links.
 */
bool sdt_path_known(struct sdt_node *node, const struct sdt_endpoint *from)
{
	struct rhlist_head *list, *pos;
	unsigned int left = SDT_KNOWN_WALK_MAX;
	struct sdt_path *path;

	list = rhltable_lookup(&node->endpoints, &from->ip, known_params);
	rhl_for_each_entry_rcu(path, pos, list, by_ip) {
		if (!left--)
			break;
		if (sdt_ip_equal(&path->remote, from))
			return true;
	}
	return false;
}

/* Both: link->path_lock, @path of lane 0. Without memory for it, the address counts as unknown. */
static void list_path(struct sdt_link *link, struct sdt_path *path)
{
	path->listed = !rhltable_insert(&link->node->endpoints, &path->by_ip, known_params);
}

static void unlist_path(struct sdt_link *link, struct sdt_path *path)
{
	if (path && path->listed)
		rhltable_remove(&link->node->endpoints, &path->by_ip, known_params);
}

static void path_free(struct rcu_head *rcu)
{
	struct sdt_path *path = container_of(rcu, struct sdt_path, rcu);

	dst_cache_destroy(&path->cache);
	kfree(path);
}

static struct sdt_path *locked_path(struct sdt_link *link, unsigned int lane)
{
	return rcu_dereference_protected(link->lanes[lane]->path, lockdep_is_held(&link->path_lock));
}

/* Is there a configured source address for what goes to @remote? */
static bool source_holds(const struct sdt_link *link, const struct sdt_endpoint *remote)
{
	return READ_ONCE(link->source.family) == remote->family;
}

/**
 * sdt_path_set() - a new, immutable path for a lane
 * @link: the link
 * @lane: the lane
 * @remote: destination
 * @local: source address; NULL or any: the stack chooses
 * @sock_lane: which of the node's sockets sends
 *
 * Context: any but hard interrupts, path_lock not held. Return: 0 or -ENOMEM, nothing changed then.
 */
int sdt_path_set(struct sdt_link *link, unsigned int lane, const struct sdt_endpoint *remote,
		 const struct in6_addr *local, u8 sock_lane)
{
	struct sdt_path *path, *old;
	bool moved;

	path = kzalloc(sizeof(*path), GFP_ATOMIC);
	if (!path)
		return -ENOMEM;
	if (dst_cache_init(&path->cache, GFP_ATOMIC)) {
		kfree(path);
		return -ENOMEM;
	}
	path->remote = *remote;
	path->sock_lane = sock_lane;
	spin_lock_bh(&link->path_lock);
	/* a configured source address wins over the one that the peer wrote to */
	if (source_holds(link, remote))
		path->local = link->source.ip;
	else if (local)
		path->local = *local;
	old = locked_path(link, lane);
	moved = !lane && !(old && sdt_ip_equal(&old->remote, remote));
	rcu_assign_pointer(link->lanes[lane]->path, path);
	unlist_path(link, old);
	if (!lane)
		list_path(link, path);
	spin_unlock_bh(&link->path_lock);
	if (old)
		call_rcu(&old->rcu, path_free);
	if (moved)
		sdt_pmtu_restart(link);
	return 0;
}

/**
 * sdt_path_drop() - forget a lane's path; any context but hard interrupts
 * @lane: the lane
 */
void sdt_path_drop(struct sdt_lane *lane)
{
	struct sdt_link *link = lane->link;
	struct sdt_path *old;

	spin_lock_bh(&link->path_lock);
	old = rcu_dereference_protected(lane->path, lockdep_is_held(&link->path_lock));
	RCU_INIT_POINTER(lane->path, NULL);
	unlist_path(link, old);
	spin_unlock_bh(&link->path_lock);
	if (old)
		call_rcu(&old->rcu, path_free);
}

static u8 sock_lane_of(const struct sdt_link *link, unsigned int lane)
{
	return READ_ONCE(link->lane_role) == SDT_LANE_ROLE_ANSWER ? 0 : lane;
}

/**
 * sdt_path_fill() - lanes without a path get lane 0's peer; node->lock
 * @link: the link
 *
 * Return: 0 or -ENOMEM.
 */
int sdt_path_fill(struct sdt_link *link)
{
	struct sdt_endpoint to = {};
	struct sdt_path *path;
	unsigned int i;
	int err = 0;

	rcu_read_lock();
	path = rcu_dereference(link->lanes[0]->path);
	if (path)
		to = path->remote;
	rcu_read_unlock();
	if (!to.family || READ_ONCE(link->lane_role) == SDT_LANE_ROLE_ANSWER)
		return 0;
	for (i = 1; i < SDT_LANES_MAX && !err; i++)
		if (link->lanes[i] && !rcu_access_pointer(link->lanes[i]->path))
			err = sdt_path_set(link, i, &to, NULL, i);
	return err;
}

/**
 * sdt_path_configured() - all lanes towards the configured peer; node->lock
 * @link: the link
 */
int sdt_path_configured(struct sdt_link *link)
{
	unsigned int i;
	int err;

	for (i = 0; i < SDT_LANES_MAX; i++) {
		if (!link->lanes[i])
			continue;
		if (i && sock_lane_of(link, i) != i) {
			sdt_path_drop(link->lanes[i]);
			continue;
		}
		err = sdt_path_set(link, i, &link->peer, NULL, sock_lane_of(link, i));
		if (err)
			return err;
	}
	return 0;
}

/**
 * sdt_path_source() - link->source changed: lanes send to where they do, from there; node->lock
 * @link: the link
 *
 * Return: 0 or -ENOMEM; some lanes may have changed then.
 */
int sdt_path_source(struct sdt_link *link)
{
	struct sdt_endpoint to;
	struct sdt_path *path;
	u8 sock_lane = 0;
	unsigned int i;
	int err = 0;

	for (i = 0; i < SDT_LANES_MAX && !err; i++) {
		if (!link->lanes[i])
			continue;
		rcu_read_lock();
		path = rcu_dereference(link->lanes[i]->path);
		if (path) {
			to = path->remote;
			sock_lane = path->sock_lane;
		}
		rcu_read_unlock();
		if (path)
			err = sdt_path_set(link, i, &to, NULL, sock_lane);
	}
	return err;
}

static void announce_endpoint(struct sdt_link *link, const struct sdt_endpoint *to)
{
	struct sdt_event_info info = {
		.type = SDT_EVENT_LINK_ENDPOINT,
		.link = link->name,
		.endpoint = to,
	};

	sdt_count(link->stats, SDT_STAT_ENDPOINT_MOVED);
	sdt_event_send(link->node, &info);
}

/**
 * sdt_path_confirmed() - a keypair took effect whose handshake came from @from
 * @link: the link
 * @from: source of the message
 * @local: our address that it was sent to
 * @role_changed: the lanes' sockets are others than before
 *
 * Context: any but hard interrupts.
 */
void sdt_path_confirmed(struct sdt_link *link, const struct sdt_endpoint *from,
			const struct in6_addr *local, bool role_changed)
{
	bool answer = READ_ONCE(link->lane_role) == SDT_LANE_ROLE_ANSWER;
	bool have, same, same_peer, same_ip;
	struct sdt_path *path;
	unsigned int i;

	WRITE_ONCE(link->peer_changed, false);
	rcu_read_lock();
	path = rcu_dereference(link->lanes[0]->path);
	have = path;
	same_peer = path && sdt_endpoint_equal(&path->remote, from);
	same_ip = path && sdt_ip_equal(&path->remote, from);
	same = same_peer && path->sock_lane == 0 &&
	       (!answer || source_holds(link, from) || ipv6_addr_equal(&path->local, local));
	rcu_read_unlock();

	if (have && !READ_ONCE(link->roam) && !same_ip) {
		/* the peer is where we were told it is; only the sockets may change */
		if (!role_changed)
			return;
		from = &link->peer;
	} else if (!same && !sdt_path_set(link, 0, from, answer ? local : NULL, 0) && have &&
		   !same_ip) {
		announce_endpoint(link, from);
	}
	for (i = 1; i < SDT_LANES_MAX; i++) {
		/* pairs with the store in grow_lanes() */
		struct sdt_lane *lane = smp_load_acquire(&link->lanes[i]);

		/* the answering node's lanes have ports of their own to answer to */
		if (!lane || (!role_changed && (answer ? same_ip : same_peer)))
			continue;
		if (answer)
			sdt_path_drop(lane);
		else
			sdt_path_set(link, i, from, NULL, i);
	}
}

/* Is @kp one whose messages may move an endpoint? RCU. */
static bool may_move(struct sdt_link *link, const struct sdt_keypair *kp)
{
	const struct sdt_keypair *cur = rcu_dereference(link->current_kp);

	if (kp == cur)
		return true;
	/* crossing initiations: both keypairs are as good as current */
	return cur && kp == rcu_dereference(link->previous_kp) && kp->initiator != cur->initiator &&
	       abs((s64)(cur->birth - kp->birth)) < (s64)sdt_seconds_ns(SDT_REKEY_TIMEOUT);
}

/* The frame gets a length, and a PAD stands behind it: @plain bytes in all. */
static void fill_up(struct sk_buff *skb, struct sdt_tx_cb *cb, unsigned int body,
		    unsigned int plain)
{
	struct sdt_frame f = { .control = true, .has_length = true, .body_len = body };
	u8 *pad;

	cb->hdr_len = sdt_frame_encode(cb->hdr, &f);
	pad = skb_put_zero(skb, plain - cb->hdr_len - body);
	pad[0] = SDT_FRAME_CONTROL;
	pad[1] = SDT_OP_PAD;
}

struct sk_buff *sdt_path_control(const struct sdt_tx_to *to, u8 lane, u8 op, const u8 *opaque,
				 unsigned int plain)
{
	struct sdt_frame f = { .control = true };
	struct sdt_control c = { .op = op };
	struct sdt_tx_cb *cb;
	struct sk_buff *skb;
	unsigned int body;

	skb = alloc_skb(sizeof(*to) + SDT_CONTROL_MAX + plain, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	cb = sdt_tx_cb(skb);
	memset(cb, 0, sizeof(*cb));
	cb->lane = lane;
	if (to) {
		skb_put_data(skb, to, sizeof(*to));
		cb->flags |= SDT_TX_TO;
	}
	memcpy(c.opaque, opaque, SDT_PING_LEN);
	body = sdt_control_encode(skb_tail_pointer(skb), &c);
	skb_put(skb, body);
	cb->hdr_len = sdt_frame_encode(cb->hdr, &f);
	if (plain)
		cb->flags |= SDT_TX_EXACT;
	if (plain > cb->hdr_len + body)
		fill_up(skb, cb, body, plain);
	return skb;
}

/* One PING a second to an address that a verified message came from. */
static void probe(struct sdt_link *link, const struct sdt_rx_cb *cb, u8 sock_lane)
{
	struct sdt_tx_to to = {
		.remote = cb->from,
		.local = cb->local,
		.sock_lane = sock_lane,
	};
	struct sk_buff *skb;
	u8 opaque[SDT_PING_LEN];

	spin_lock_bh(&link->path_lock);
	if (link->probe_valid && time_before(jiffies, link->probe_sent + sdt_seconds(1))) {
		spin_unlock_bh(&link->path_lock);
		return;
	}
	/* the same again to the same address: its answer may be slower than a second */
	if (!link->probe_valid || link->probe_lane != cb->lane ||
	    !sdt_endpoint_equal(&link->probe, &cb->from))
		get_random_bytes(link->probe_opaque, sizeof(link->probe_opaque));
	memcpy(opaque, link->probe_opaque, sizeof(opaque));
	link->probe = cb->from;
	link->probe_lane = cb->lane;
	link->probe_sent = jiffies;
	link->probe_valid = true;
	spin_unlock_bh(&link->path_lock);

	skb = sdt_path_control(&to, cb->lane, SDT_OP_PING, opaque, 0);
	if (skb)
		sdt_link_send(link, skb);
	else
		sdt_count(link->stats, SDT_DROP_TX_NO_MEMORY);
}

/**
 * sdt_path_heard() - a verified message raised its lane's highest counter
 * @link: the link
 * @kp: the keypair
 * @cb: what the receive path knows of the message
 *
 * Same address, new port: adopted at once for that lane. New address: probed,
 * and adopted when the probe comes back from there; not while set-link peer
 * waits for its handshake, or the peer's former address would win.
 * Context: RCU, BH off.
 */
void sdt_path_heard(struct sdt_link *link, struct sdt_keypair *kp, const struct sdt_rx_cb *cb)
{
	struct sdt_path *path = rcu_dereference(link->lanes[cb->lane]->path);
	bool answer = READ_ONCE(link->lane_role) == SDT_LANE_ROLE_ANSWER;
	struct sdt_path *first;
	bool known_ip;

	if (likely(path && sdt_endpoint_equal(&path->remote, &cb->from) &&
		   (!answer || source_holds(link, &cb->from) ||
		    ipv6_addr_equal(&path->local, &cb->local))))
		return;
	if (!may_move(link, kp))
		return;
	first = rcu_dereference(link->lanes[0]->path);
	known_ip = (path && sdt_ip_equal(&path->remote, &cb->from)) ||
		   (first && sdt_ip_equal(&first->remote, &cb->from));
	if (!READ_ONCE(link->roam) && !known_ip) {
		sdt_stat_inc(link->stats, SDT_DROP_RX_ROAM);
		return;
	}
	if (!known_ip) {
		if (!READ_ONCE(link->peer_changed))
			probe(link, cb, sock_lane_of(link, cb->lane));
		return;
	}
	if (!sdt_path_set(link, cb->lane, &cb->from, answer ? &cb->local : NULL,
			  sock_lane_of(link, cb->lane)) &&
	    path && !sdt_endpoint_equal(&path->remote, &cb->from))
		announce_endpoint(link, &cb->from);
}

/**
 * sdt_path_ping() - answer a PING on its lane, to its source; RCU, BH off
 * @link: the link
 * @cb: what the receive path knows of the message
 * @opaque: SDT_PING_LEN bytes
 */
void sdt_path_ping(struct sdt_link *link, const struct sdt_rx_cb *cb, const u8 *opaque)
{
	struct sdt_tx_to to = {
		.remote = cb->from,
		.local = cb->local,
		.sock_lane = cb->sock_lane,
	};
	u64 now = div64_u64(ktime_get_coarse_boottime_ns(), sdt_seconds_ns(1));
	struct sk_buff *skb;
	bool refuse;

	spin_lock_bh(&link->path_lock);
	if (link->ping_second != now) {
		link->ping_second = now;
		link->ping_count = 0;
	}
	refuse = ++link->ping_count > SDT_PINGS_PER_SECOND;
	spin_unlock_bh(&link->path_lock);
	if (refuse) {
		sdt_stat_inc(link->stats, SDT_DROP_RX_PING_RATE);
		return;
	}
	skb = sdt_path_control(&to, cb->lane, SDT_OP_PONG, opaque, 0);
	if (skb)
		sdt_link_send(link, skb);
	else
		sdt_stat_inc(link->stats, SDT_DROP_TX_NO_MEMORY);
}

/**
 * sdt_path_pong() - a probe came back, of the path's MTU or of an address; RCU, BH off
 * @link: the link
 * @cb: what the receive path knows of the message
 * @opaque: SDT_PING_LEN bytes
 */
void sdt_path_pong(struct sdt_link *link, const struct sdt_rx_cb *cb, const u8 *opaque)
{
	bool answer = READ_ONCE(link->lane_role) == SDT_LANE_ROLE_ANSWER;
	struct sdt_path *first;
	bool ours;

	if (sdt_pmtu_pong(link, opaque))
		return;
	spin_lock_bh(&link->path_lock);
	ours = link->probe_valid && link->probe_lane == cb->lane &&
	       sdt_endpoint_equal(&link->probe, &cb->from) &&
	       !memcmp(link->probe_opaque, opaque, SDT_PING_LEN);
	if (ours)
		link->probe_valid = false;
	spin_unlock_bh(&link->path_lock);
	if (!ours)
		return;
	/* lane 0 moves with the first lane that is proved: the others adopt what they hear then */
	first = rcu_dereference(link->lanes[0]->path);
	if (cb->lane && first && !sdt_ip_equal(&first->remote, &cb->from))
		sdt_path_set(link, 0, &cb->from, answer ? &cb->local : NULL, 0);
	if (!sdt_path_set(link, cb->lane, &cb->from, answer ? &cb->local : NULL,
			  sock_lane_of(link, cb->lane)))
		announce_endpoint(link, &cb->from);
}

/**
 * sdt_link_paths_reset() - routes of the link are looked up anew; node->lock
 * @link: the link
 */
void sdt_link_paths_reset(struct sdt_link *link)
{
	struct sdt_path *path;
	unsigned int i;

	for (i = 0; i < SDT_LANES_MAX; i++) {
		if (!link->lanes[i])
			continue;
		rcu_read_lock();
		path = rcu_dereference(link->lanes[i]->path);
		if (path)
			dst_cache_reset(&path->cache);
		rcu_read_unlock();
	}
}

void sdt_paths_reset(struct sdt_node *node)
{
	struct sdt_link *link;
	unsigned long id;

	lockdep_assert_held(&node->lock);
	xa_for_each(&node->links, id, link)
		sdt_link_paths_reset(link);
}
