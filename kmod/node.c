// SPDX-License-Identifier: GPL-2.0
/* The node: one network namespace's keys, sockets, links, tunnels. */
#include <linux/moduleparam.h>
#include <linux/netdevice.h>
#include <linux/random.h>

#include "compat/compat.h"
#include "handshake.h"
#include "lane.h"
#include "link.h"
#include "node.h"
#include "outer.h"
#include "reset.h"
#include "tunnel.h"

static unsigned int test_time_div = 1;
module_param(test_time_div, uint, 0444);
bool sdt_frozen;
u64 sdt_reject_ns __read_mostly;
unsigned long sdt_lane_fresh __read_mostly;
MODULE_PARM_DESC(test_time_div, "For tests only: divides every protocol time (1..1000)");

unsigned long sdt_seconds(unsigned int s)
{
	return max_t(unsigned long, 1, (unsigned long)s * HZ / test_time_div);
}

u64 sdt_seconds_ns(unsigned int s)
{
	return div_u64((u64)s * NSEC_PER_SEC, test_time_div);
}

/** sdt_node_params() - refuse a nonsensical module parameter at load time */
int sdt_node_params(void)
{
	if (test_time_div < 1 || test_time_div > 1000)
		return -EINVAL;
	sdt_reject_ns = sdt_seconds_ns(SDT_REJECT_AFTER_TIME);
	sdt_lane_fresh = sdt_seconds(SDT_LANE_FRESH_TIME);
	return 0;
}

static void ident_free(struct rcu_head *rcu)
{
	kfree_sensitive(container_of(rcu, struct sdt_ident, rcu));
}

static struct lock_class_key indices_lock_key;

int sdt_node_init(struct sdt_node *node, struct net *net)
{
	int err = -ENOMEM;

	node->net = net;
	mutex_init(&node->lock);
	node->reset = SDT_RESET_ANY;
	xa_init_flags(&node->links, XA_FLAGS_ALLOC1);
	xa_init_flags(&node->tunnels, XA_FLAGS_ALLOC1);
	xa_init_flags(&node->indices, XA_FLAGS_LOCK_BH);
	/* taken in softirq, which the other two are not: another class for lockdep */
	lockdep_set_class(&node->indices.xa_lock, &indices_lock_key);
	sdt_handshake_queues_init(node);
	INIT_WORK(&node->hs_work, sdt_handshake_work);
	node->source_rate = sdt_buckets_alloc();
	if (!node->source_rate)
		return -ENOMEM;
	node->stats = sdt_stats_alloc();
	if (!node->stats)
		goto free_rate;
	node->napi_dev = sdt_compat_dummy_alloc();
	if (!node->napi_dev)
		goto free_stats;
	err = sdt_peers_init(node);
	if (err)
		goto free_dev;
	err = sdt_paths_init(node);
	if (err)
		goto free_peers;
	err = sdt_reset_init(node);
	if (err)
		goto free_paths;
	return 0;

free_paths:
	sdt_paths_exit(node);
free_peers:
	rhashtable_destroy(&node->peers);
free_dev:
	sdt_compat_dummy_free(node->napi_dev);
free_stats:
	free_percpu(node->stats);
free_rate:
	sdt_buckets_free(node->source_rate);
	return err;
}

void sdt_node_stop(struct sdt_node *node)
{
	mutex_lock(&node->lock);
	WRITE_ONCE(node->dead, true);
	sdt_tunnels_destroy_all(node);
	/* no packet comes in any more, and every handshake that did is dealt with */
	sdt_node_sockets_close(node);
	sdt_links_destroy_all(node);
	cancel_work_sync(&node->hs_work);
	sdt_handshake_queues_purge(node);
	mutex_unlock(&node->lock);
	/* paths freed by call_rcu hold routes, and these hold the namespace's devices */
	rcu_barrier();
}

void sdt_node_free(struct sdt_node *node)
{
	struct sdt_ident *ident = rcu_dereference_protected(node->ident, true);

	sdt_reset_free(node);
	sdt_paths_exit(node);
	rhashtable_destroy(&node->peers);
	xa_destroy(&node->indices);
	xa_destroy(&node->tunnels);
	xa_destroy(&node->links);
	sdt_compat_dummy_free(node->napi_dev);
	kfree_sensitive(ident);
	memzero_explicit(node->cookie_secret, sizeof(node->cookie_secret));
	free_percpu(node->stats);
	sdt_buckets_free(node->source_rate);
}

/**
 * sdt_node_void() - end all sessions of the node
 * @node: the node
 * @epoch: channel ids start afresh, too
 *
 * Context: process, node->lock held.
 */
void sdt_node_void(struct sdt_node *node, bool epoch)
{
	struct sdt_link *link;
	unsigned long id;

	lockdep_assert_held(&node->lock);
	/* a handshake that is being worked on must not end up in a slot afterwards */
	flush_work(&node->hs_work);
	xa_for_each(&node->links, id, link)
		sdt_link_void(link, epoch);
}

static bool key_is_peers(struct sdt_node *node, const u8 *pub)
{
	bool found;

	rcu_read_lock();
	found = sdt_peer_lookup(node, pub);
	rcu_read_unlock();
	return found;
}

static struct sdt_ident *ident_make(struct sdt_node *node, const u8 *priv,
				    struct netlink_ext_ack *extack)
{
	struct sdt_ident *ident = kzalloc(sizeof(*ident), GFP_KERNEL_ACCOUNT);

	if (!ident)
		return ERR_PTR(-ENOMEM);
	memcpy(ident->key.priv, priv, SDT_KEY_LEN);
	if (!sdt_dh_public(ident->key.pub, ident->key.priv)) {
		NL_SET_ERR_MSG(extack, "private-key is no usable X25519 key");
		kfree_sensitive(ident);
		return ERR_PTR(-EINVAL);
	}
	if (key_is_peers(node, ident->key.pub)) {
		NL_SET_ERR_MSG(extack, "private-key belongs to the peer of a link here");
		kfree_sensitive(ident);
		return ERR_PTR(-EINVAL);
	}
	sdt_mac_keys_init(&ident->mac, ident->key.pub);
	return ident;
}

/* Peers learn from a message where this node is heard from now on. */
static void speak(struct sdt_node *node)
{
	struct sdt_link *link;
	unsigned long id;

	lockdep_assert_held(&node->lock);
	xa_for_each(&node->links, id, link)
		sdt_link_speak(link);
}

int sdt_node_set(struct sdt_node *node, const struct sdt_node_cfg *cfg,
		 struct netlink_ext_ack *extack)
{
	struct sdt_endpoint listen = cfg->set & BIT(SDT_A_NODE_LISTEN) ? cfg->listen :
									 node->listen;
	u32 ifindex = cfg->set & BIT(SDT_A_NODE_DEV) ? cfg->ifindex : node->ifindex;
	struct sdt_ident *old, *ident = NULL;
	int err;

	lockdep_assert_held(&node->lock);
	old = rcu_dereference_protected(node->ident, lockdep_is_held(&node->lock));
	if (cfg->set & BIT(SDT_A_NODE_PRIVATE_KEY) && !(old && cfg->if_no_key)) {
		ident = ident_make(node, cfg->private_key, extack);
		if (IS_ERR(ident))
			return PTR_ERR(ident);
	}
	if (ident && old && sdt_equal(ident->key.priv, old->key.priv, SDT_KEY_LEN)) {
		kfree_sensitive(ident);
		ident = NULL;
	}
	if (cfg->set & (BIT(SDT_A_NODE_LISTEN) | BIT(SDT_A_NODE_DEV))) {
		err = sdt_node_rebind(node, &listen, ifindex, extack);
		if (!err && cfg->set & BIT(SDT_A_NODE_LISTEN))
			err = sdt_node_open(node, extack);
		sdt_paths_reset(node);
		if (err) {
			kfree_sensitive(ident);
			return err;
		}
		speak(node);
	}
	if (cfg->set & BIT(SDT_A_NODE_FWMARK)) {
		WRITE_ONCE(node->fwmark, cfg->fwmark);
		sdt_node_sockets_mark(node);
		sdt_paths_reset(node);
	}
	if (cfg->set & BIT(SDT_A_NODE_RESET))
		WRITE_ONCE(node->reset, cfg->reset);
	if (ident) {
		rcu_assign_pointer(node->ident, ident);
		if (old)
			call_rcu(&old->rcu, ident_free);
		sdt_node_void(node, false);
	}
	return 0;
}

int sdt_node_open(struct sdt_node *node, struct netlink_ext_ack *extack)
{
	return sdt_node_sockets(node, 1, extack);
}
