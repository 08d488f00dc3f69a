// SPDX-License-Identifier: GPL-2.0
/* A link's life: configuration, keypairs and their slots, paths, teardown. */
#include <crypto/aead.h>
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/wait_bit.h>

#include "compat/compat.h"
#include "event.h"
#include "lane.h"
#include "link.h"
#include "outer.h"
#include "ping.h"
#include "reset.h"
#include "tunnel.h"

#define SDT_LINK_MAX_CHANNELS_DEFAULT	65536

static const struct rhashtable_params peer_params = {
	.key_len = SDT_KEY_LEN,
	.key_offset = offsetof(struct sdt_link, peer_key),
	.head_offset = offsetof(struct sdt_link, peer_node),
	/* bytes, not words: nobody aligns keys */
	.hashfn = jhash,
	.automatic_shrinking = true,
};

int sdt_peers_init(struct sdt_node *node)
{
	return rhashtable_init(&node->peers, &peer_params);
}

struct sdt_link *sdt_peer_lookup(struct sdt_node *node, const u8 key[SDT_KEY_LEN])
{
	return rhashtable_lookup(&node->peers, key, peer_params);
}

/* ---- index table -------------------------------------------------------- */

/**
 * sdt_index_insert() - give @index a random, unused, non-zero 24-bit value
 * @node: the node
 * @index: slot to fill in
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int sdt_index_insert(struct sdt_node *node, struct sdt_index *index)
{
	int err;

	do {
		do {
			index->value = get_random_u32() & SDT_INDEX_MASK;
		} while (!index->value);
		err = xa_insert_bh(&node->indices, index->value, index, GFP_KERNEL);
	} while (err == -EBUSY);
	if (err)
		index->value = 0;
	return err;
}

/**
 * sdt_index_remove() - take @index out, if it is still what its value points to
 * @node: the node
 * @index: slot to fill in
 *
 * Context: any but hard interrupts. Readers may see it for a grace period.
 */
void sdt_index_remove(struct sdt_node *node, struct sdt_index *index)
{
	if (!index->value)
		return;
	xa_lock_bh(&node->indices);
	if (xa_load(&node->indices, index->value) == index)
		__xa_erase(&node->indices, index->value);
	xa_unlock_bh(&node->indices);
}

/* The keypair takes over the value that its handshake announced. */
static void index_replace(struct sdt_node *node, struct sdt_index *from, struct sdt_index *to)
{
	to->value = from->value;
	/* same slot, entry present: xa_store() needs no memory and cannot fail */
	xa_store_bh(&node->indices, to->value, to, GFP_ATOMIC);
	from->value = 0;
}

/* ---- keypairs ----------------------------------------------------------- */

static void keypair_free_work(struct work_struct *work)
{
	struct sdt_keypair *kp = container_of(work, struct sdt_keypair, free_work);
	struct sdt_link *link = kp->link;

	sdt_frags_flush(link, kp);
	crypto_free_aead(kp->seal);
	crypto_free_aead(kp->open);
	percpu_ref_exit(&kp->ref);
	kvfree(kp->rx);
	kvfree(kp->tx);
	kfree(kp);
	/* The link may be freed as soon as it reads 0; the wait queue is not in it. */
	if (atomic_dec_and_test(&link->keypairs))
		wake_up_var(&link->keypairs);
}

static void keypair_release(struct percpu_ref *ref)
{
	struct sdt_keypair *kp = container_of(ref, struct sdt_keypair, ref);

	queue_work(sdt_wq, &kp->free_work);
}

static struct sdt_keypair *keypair_create(struct sdt_link *link, u8 suite, const u8 *send_key,
					  const u8 *recv_key, u8 lanes)
{
	struct sdt_keypair *kp;
	int err = -ENOMEM;
	unsigned int i;

	kp = kzalloc(sizeof(*kp), GFP_KERNEL_ACCOUNT);
	if (!kp)
		return ERR_PTR(-ENOMEM);
	kp->tx = kvcalloc(lanes, sizeof(*kp->tx), GFP_KERNEL_ACCOUNT);
	kp->rx = kvcalloc(lanes, sizeof(*kp->rx), GFP_KERNEL_ACCOUNT);
	if (!kp->tx || !kp->rx)
		goto free;
	for (i = 0; i < lanes; i++)
		spin_lock_init(&kp->rx[i].lock);
	kp->seal = sdt_aead_alloc(suite, send_key);
	if (IS_ERR(kp->seal)) {
		err = PTR_ERR(kp->seal);
		goto free;
	}
	kp->open = sdt_aead_alloc(suite, recv_key);
	if (IS_ERR(kp->open)) {
		err = PTR_ERR(kp->open);
		goto free_seal;
	}
	err = percpu_ref_init(&kp->ref, keypair_release, 0, GFP_KERNEL);
	if (err)
		goto free_open;
	INIT_WORK(&kp->free_work, keypair_free_work);
	kp->link = link;
	kp->index.kind = SDT_INDEX_KEYPAIR;
	kp->index.link = link;
	kp->suite = suite;
	kp->lanes = lanes;
	kp->birth = ktime_get_coarse_boottime_ns();
	atomic_inc(&link->keypairs);
	return kp;

free_open:
	crypto_free_aead(kp->open);
free_seal:
	crypto_free_aead(kp->seal);
free:
	kvfree(kp->rx);
	kvfree(kp->tx);
	kfree(kp);
	return ERR_PTR(err);
}

/**
 * sdt_keypair_create() - transforms, windows, no slot and no index yet
 * @link: the link
 * @suite: enum sdt_suite
 * @send_key: Noise key of our direction
 * @recv_key: of the peer's
 * @lanes: both ways
 *
 * Context: process, link->hs_lock. Return: keypair or ERR_PTR.
 */
struct sdt_keypair *sdt_keypair_create(struct sdt_link *link, u8 suite, const u8 *send_key,
				       const u8 *recv_key, u8 lanes)
{
	/* made by a worker, who has no control group */
	struct mem_cgroup *before = sdt_compat_charge(link->memcg);
	struct sdt_keypair *kp = keypair_create(link, suite, send_key, recv_key, lanes);

	sdt_compat_charge(before);
	return kp;
}

/**
 * sdt_keypair_drop() - end of life; @kp is in no slot (any more)
 * @kp: the keypair
 *
 * Context: any but hard interrupts. NULL is allowed.
 */
void sdt_keypair_drop(struct sdt_keypair *kp)
{
	if (!kp)
		return;
	sdt_index_remove(kp->link->node, &kp->index);
	sdt_reset_unwatch(kp);
	percpu_ref_kill(&kp->ref);
}

/**
 * sdt_keypair_usable() - may something be sealed with it now? Any context.
 * @kp: the keypair
 */
bool sdt_keypair_usable(const struct sdt_keypair *kp)
{
	return kp && READ_ONCE(kp->confirmed) &&
	       ktime_get_coarse_boottime_ns() - kp->birth < sdt_reject_ns;
}

static struct sdt_keypair *slot(struct sdt_link *link, struct sdt_keypair __rcu **where)
{
	return rcu_dereference_protected(*where, lockdep_is_held(&link->kp_lock));
}

/* Take a keypair out of its slot if its epoch is @epoch. kp_lock. */
static struct sdt_keypair *take_if_epoch(struct sdt_link *link, struct sdt_keypair __rcu **where,
					 u64 epoch)
{
	struct sdt_keypair *kp = slot(link, where);

	if (!kp || kp->peer_epoch != epoch)
		return NULL;
	RCU_INIT_POINTER(*where, NULL);
	return kp;
}

/* What a keypair's taking effect leaves to do when kp_lock is released. */
struct effect {
	struct sdt_keypair *gone[3];
	bool epoch_changed;
	u64 old_epoch;
};

/*
 * @kp becomes the current one. If the peer started a new epoch, what is left of
 * the old one goes with it. kp_lock.
 */
static void make_current(struct sdt_link *link, struct sdt_keypair *kp, struct effect *e)
{
	memset(e, 0, sizeof(*e));
	kp->confirmed = true;
	e->gone[0] = slot(link, &link->previous_kp);
	rcu_assign_pointer(link->previous_kp, slot(link, &link->current_kp));
	rcu_assign_pointer(link->current_kp, kp);
	sdt_reset_watch(kp);
	e->epoch_changed = link->peer_epoch_valid && link->peer_epoch != kp->peer_epoch;
	if (e->epoch_changed) {
		e->old_epoch = link->peer_epoch;
		e->gone[1] = take_if_epoch(link, &link->previous_kp, e->old_epoch);
		e->gone[2] = take_if_epoch(link, &link->next_kp, e->old_epoch);
	}
	link->peer_epoch = kp->peer_epoch;
	link->peer_epoch_valid = true;
}

/*
 * Who has a socket for each lane, and who answers: the node that has its peer's
 * endpoint configured; where both have, the one with the smaller public key. So
 * both come to the same, whoever restarts and whoever initiates. RCU.
 */
static enum sdt_lane_role role_of(struct sdt_link *link, const struct sdt_keypair *kp)
{
	const struct sdt_ident *ident = rcu_dereference(link->node->ident);

	if (!READ_ONCE(link->has_peer))
		return SDT_LANE_ROLE_ANSWER;
	if (!kp->peer_configured || !ident)
		return SDT_LANE_ROLE_OWN;
	return memcmp(ident->key.pub, link->peer_key, SDT_KEY_LEN) < 0 ? SDT_LANE_ROLE_OWN :
									   SDT_LANE_ROLE_ANSWER;
}

/* Now, and not before confirmation, what the handshake of @kp said becomes true. */
static void took_effect(struct sdt_link *link, struct sdt_keypair *kp, const struct effect *e)
{
	enum sdt_lane_role role;
	bool role_changed;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(e->gone); i++)
		sdt_keypair_drop(e->gone[i]);
	local_bh_disable();
	rcu_read_lock();
	role = role_of(link, kp);
	spin_lock(&link->path_lock);
	role_changed = role != link->lane_role;
	WRITE_ONCE(link->lane_role, role);
	sdt_backoff_session(&link->reset, ktime_get_coarse_boottime_ns());
	spin_unlock(&link->path_lock);
	sdt_path_confirmed(link, &kp->from, &kp->from_local, role_changed);
	sdt_stat_inc(link->stats, SDT_STAT_KEYPAIRS);
	if (e->epoch_changed)
		sdt_tunnels_peer_epoch(link, e->old_epoch);
	set_bit(SDT_LINK_SETTLED, &link->requests);
	sdt_link_announce(link, SDT_LINK_UP);
	sdt_pmtu_session(link);
	sdt_link_wake(link);
	rcu_read_unlock();
	local_bh_enable();
}

/**
 * sdt_link_keypair_new() - put a finished handshake's keypair into its slot
 * @link: the link
 * @kp: initiator: confirmed by the verified response, becomes current;
 *	responder: becomes next, and nothing else changes
 *
 * Context: process, link->hs_lock.
 */
void sdt_link_keypair_new(struct sdt_link *link, struct sdt_keypair *kp)
{
	struct sdt_keypair *gone = NULL;
	bool initiator = kp->initiator;
	struct effect e;

	/* a responder's may be confirmed, and end, as soon as it is in its slot */
	rcu_read_lock();
	spin_lock_bh(&link->kp_lock);
	if (initiator) {
		make_current(link, kp, &e);
	} else {
		gone = slot(link, &link->next_kp);
		rcu_assign_pointer(link->next_kp, kp);
	}
	spin_unlock_bh(&link->kp_lock);
	sdt_keypair_drop(gone);
	if (initiator)
		took_effect(link, kp, &e);
	rcu_read_unlock();
}

/**
 * sdt_link_confirm() - first data message verified under a responder's keypair
 * @link: the link
 * @kp: the keypair
 *
 * Context: RCU read side, BH off. Return: true if @kp became current by this call.
 */
bool sdt_link_confirm(struct sdt_link *link, struct sdt_keypair *kp)
{
	struct effect e;

	spin_lock_bh(&link->kp_lock);
	if (slot(link, &link->next_kp) != kp || link->dead) {
		spin_unlock_bh(&link->kp_lock);
		return false;
	}
	RCU_INIT_POINTER(link->next_kp, NULL);
	make_current(link, kp, &e);
	spin_unlock_bh(&link->kp_lock);
	took_effect(link, kp, &e);
	return true;
}

/**
 * sdt_link_drop_keypairs() - all slots; any context but hard interrupts
 * @link: the link
 */
void sdt_link_drop_keypairs(struct sdt_link *link)
{
	struct sdt_keypair *gone[3];
	unsigned int i;

	spin_lock_bh(&link->kp_lock);
	gone[0] = slot(link, &link->previous_kp);
	gone[1] = slot(link, &link->current_kp);
	gone[2] = slot(link, &link->next_kp);
	RCU_INIT_POINTER(link->previous_kp, NULL);
	RCU_INIT_POINTER(link->current_kp, NULL);
	RCU_INIT_POINTER(link->next_kp, NULL);
	spin_unlock_bh(&link->kp_lock);
	for (i = 0; i < 3; i++)
		sdt_keypair_drop(gone[i]);
}

/**
 * sdt_link_has_keypairs() - in any slot; any context
 * @link: the link
 */
bool sdt_link_has_keypairs(struct sdt_link *link)
{
	return rcu_access_pointer(link->current_kp) || rcu_access_pointer(link->previous_kp) ||
	       rcu_access_pointer(link->next_kp);
}

/**
 * sdt_link_expire_keypairs() - drop what is too old even to receive with
 * @link: the link
 *
 * Context: process. Return: true if the current one went.
 */
bool sdt_link_expire_keypairs(struct sdt_link *link)
{
	struct sdt_keypair __rcu **slots[3] = {
		&link->previous_kp, &link->current_kp, &link->next_kp,
	};
	u64 now = ktime_get_coarse_boottime_ns();
	bool current_gone = false;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct sdt_keypair *kp;

		spin_lock_bh(&link->kp_lock);
		kp = slot(link, slots[i]);
		if (kp && now - kp->birth >= sdt_reject_ns)
			RCU_INIT_POINTER(*slots[i], NULL);
		else
			kp = NULL;
		spin_unlock_bh(&link->kp_lock);
		if (kp && slots[i] == &link->current_kp)
			current_gone = true;
		sdt_keypair_drop(kp);
	}
	return current_gone;
}

/**
 * sdt_keypair_take_index() - the initiator's keypair takes over the
 * @kp: the keypair
 * @from: source of the message
 *
 * handshake slot's index
 */
void sdt_keypair_take_index(struct sdt_keypair *kp, struct sdt_index *from)
{
	index_replace(kp->link->node, from, &kp->index);
}

/* ---- life --------------------------------------------------------------- */

struct sdt_link *sdt_link_find(struct sdt_node *node, const char *name)
{
	struct sdt_link *link;
	unsigned long id;

	lockdep_assert_held(&node->lock);
	xa_for_each(&node->links, id, link)
		if (!strcmp(link->name, name))
			return link;
	return NULL;
}

/* Lanes and, where this node knows the peer's address, their own sockets. */
static int grow_lanes(struct sdt_link *link, unsigned int lanes, struct netlink_ext_ack *extack)
{
	unsigned int i;
	int err;

	err = sdt_node_sockets(link->node, link->has_peer ? lanes : 1, extack);
	if (err)
		return err;
	for (i = 0; i < lanes; i++) {
		struct sdt_lane *lane;

		if (link->lanes[i])
			continue;
		lane = sdt_lane_create(link, i);
		if (!lane) {
			NL_SET_ERR_MSG(extack, "no memory for the link's lanes");
			return -ENOMEM;
		}
		/* pairs with the loads wherever lanes are walked without node->lock */
		smp_store_release(&link->lanes[i], lane);
	}
	return 0;
}

static void store_cfg(struct sdt_link *link, const struct sdt_link_cfg *cfg)
{
	const u32 set = cfg->set;

	if (set & BIT(SDT_A_LINK_KEEPALIVE))
		WRITE_ONCE(link->keepalive, cfg->keepalive);
	if (set & BIT(SDT_A_LINK_SOURCE)) {
		spin_lock_bh(&link->path_lock);
		link->source = cfg->source;
		spin_unlock_bh(&link->path_lock);
	}
	if (set & BIT(SDT_A_LINK_ROAM))
		WRITE_ONCE(link->roam, cfg->roam);
	if (set & BIT(SDT_A_LINK_PAD))
		WRITE_ONCE(link->pad, cfg->pad);
	if (set & BIT(SDT_A_LINK_TTL))
		WRITE_ONCE(link->ttl, cfg->ttl);
	if (set & BIT(SDT_A_LINK_ECN))
		WRITE_ONCE(link->ecn, cfg->ecn);
	if (set & BIT(SDT_A_LINK_DSCP))
		WRITE_ONCE(link->dscp, cfg->dscp);
	if (set & BIT(SDT_A_LINK_MAX_CHANNELS))
		WRITE_ONCE(link->max_channels, cfg->max_channels);
	if (set & BIT(SDT_A_LINK_LANES))
		WRITE_ONCE(link->lane_limit, cfg->lanes);
	if (set & BIT(SDT_A_LINK_PSK)) {
		mutex_lock(&link->hs_lock);
		memcpy(link->psk, cfg->psk, SDT_KEY_LEN);
		mutex_unlock(&link->hs_lock);
	}
}

static int check_source(const struct sdt_endpoint *peer, const struct sdt_endpoint *source,
			struct netlink_ext_ack *extack)
{
	if (source->family && peer->family && source->family != peer->family) {
		NL_SET_ERR_MSG(extack, "source and peer are of different address families");
		return -EINVAL;
	}
	return 0;
}

static void link_free_rcu(struct rcu_head *rcu)
{
	struct sdt_link *link = container_of(rcu, struct sdt_link, rcu);

	sdt_pings_free(link);
	sdt_compat_memcg_put(link->memcg);
	free_percpu(link->stats);
	kfree_sensitive(link);
}

/* Step 1 of the teardown at struct sdt_link. node->lock. */
static void link_unpublish(struct sdt_link *link)
{
	struct sdt_node *node = link->node;

	WARN_ON(atomic_read(&link->tunnel_count));
	/* hs_lock: who holds it next finds the link dead, and adds nothing to it */
	mutex_lock(&link->hs_lock);
	spin_lock_bh(&link->kp_lock);
	WRITE_ONCE(link->dead, true);
	spin_unlock_bh(&link->kp_lock);
	sdt_handshake_clear(link);
	mutex_unlock(&link->hs_lock);
	xa_erase(&node->links, link->id);
	node->link_count--;
	rhashtable_remove_fast(&node->peers, &link->peer_node, peer_params);
	sdt_link_drop_keypairs(link);
}

/* Steps 4 and 5: nobody can find the link any more. */
static void link_quiesce(struct sdt_link *link)
{
	unsigned int i;

	cancel_delayed_work_sync(&link->tick);
	for (i = 0; i < SDT_LANES_MAX; i++)
		if (link->lanes[i])
			sdt_lane_stop(link->lanes[i]);
	wait_var_event(&link->keypairs, !atomic_read(&link->keypairs));
	sdt_link_drop_staged(link);
}

/* Step 6, after synchronize_net(). */
static void link_free(struct sdt_link *link)
{
	unsigned int i;

	for (i = 0; i < SDT_LANES_MAX; i++)
		if (link->lanes[i])
			sdt_lane_free(link->lanes[i]);
	xa_destroy(&link->tunnels);
	call_rcu(&link->rcu, link_free_rcu);
}

static int link_publish(struct sdt_link *link, struct netlink_ext_ack *extack)
{
	struct sdt_node *node = link->node;
	int err;

	err = xa_alloc_cyclic(&node->links, &link->id, NULL, XA_LIMIT(1, S32_MAX),
			      &node->link_cursor, GFP_KERNEL_ACCOUNT);
	if (err < 0)
		return err;
	err = rhashtable_insert_fast(&node->peers, &link->peer_node, peer_params);
	if (err) {
		xa_erase(&node->links, link->id);
		NL_SET_ERR_MSG(extack, "no memory for the link");
		return err;
	}
	xa_store(&node->links, link->id, link, GFP_KERNEL_ACCOUNT);
	node->link_count++;
	return 0;
}

struct sdt_link *sdt_link_create(struct sdt_node *node, const struct sdt_link_cfg *cfg,
				 struct netlink_ext_ack *extack)
{
	struct sdt_ident *ident;
	struct sdt_link *link;
	bool known;
	int err;

	lockdep_assert_held(&node->lock);
	ident = rcu_dereference_protected(node->ident, lockdep_is_held(&node->lock));
	if (!ident) {
		NL_SET_ERR_MSG(extack, "the node has no private key yet: set-node private-key");
		return ERR_PTR(-ENOKEY);
	}
	if (sdt_link_find(node, cfg->name)) {
		NL_SET_ERR_MSG(extack, "a link of this name exists");
		return ERR_PTR(-EEXIST);
	}
	if (!memcmp(ident->key.pub, cfg->peer_key, SDT_KEY_LEN)) {
		NL_SET_ERR_MSG(extack, "peer-key is this node's own key");
		return ERR_PTR(-EINVAL);
	}
	rcu_read_lock();
	known = sdt_peer_lookup(node, cfg->peer_key);
	rcu_read_unlock();
	if (known) {
		NL_SET_ERR_MSG(extack, "another link has this peer-key");
		return ERR_PTR(-EEXIST);
	}
	err = check_source(&cfg->peer, &cfg->source, extack);
	if (err)
		return ERR_PTR(err);

	link = kzalloc(sizeof(*link), GFP_KERNEL_ACCOUNT);
	if (!link)
		return ERR_PTR(-ENOMEM);
	link->stats = sdt_stats_alloc();
	if (!link->stats) {
		kfree(link);
		return ERR_PTR(-ENOMEM);
	}
	link->memcg = sdt_compat_memcg_get();
	link->node = node;
	strscpy(link->name, cfg->name, sizeof(link->name));
	memcpy(link->peer_key, cfg->peer_key, SDT_KEY_LEN);
	sdt_mac_keys_init(&link->peer_mac, link->peer_key);
	link->suite = cfg->set & BIT(SDT_A_LINK_CIPHER) ? cfg->cipher : SDT_SUITE_AESGCM;
	link->lane_limit = 1;
	link->roam = true;
	link->ecn = true;
	link->max_channels = SDT_LINK_MAX_CHANNELS_DEFAULT;
	link->init.index.kind = SDT_INDEX_HANDSHAKE;
	link->init.index.link = link;
	link->resp_reserve = link->init.index;
	spin_lock_init(&link->kp_lock);
	spin_lock_init(&link->path_lock);
	sdt_pmtu_init(link);
	sdt_frags_init(link);
	mutex_init(&link->hs_lock);
	skb_queue_head_init(&link->staged);
	xa_init_flags(&link->tunnels, XA_FLAGS_LOCK_BH);
	INIT_DELAYED_WORK(&link->tick, sdt_link_tick);
	set_bit(0, &link->quiet);
	sdt_link_ids_init(link);
	if (cfg->set & BIT(SDT_A_LINK_PEER)) {
		link->has_peer = true;
		link->peer = cfg->peer;
	}
	store_cfg(link, cfg);

	err = grow_lanes(link, link->lane_limit, extack);
	if (!err && link->has_peer)
		err = sdt_path_configured(link);
	if (err)
		goto release;
	err = link_publish(link, extack);
	if (err)
		goto release;
	if (link->has_peer)
		sdt_link_want(link, SDT_LINK_WANT_HANDSHAKE);
	else
		sdt_link_wake(link);
	return link;

release:
	WRITE_ONCE(link->dead, true);
	link_quiesce(link);
	synchronize_net();
	link_free(link);
	return ERR_PTR(err);
}

void sdt_link_speak(struct sdt_link *link)
{
	unsigned int i;

	lockdep_assert_held(&link->node->lock);
	if (!sdt_link_has_keypairs(link))
		return;
	for (i = 0; i < link->lane_limit; i++)
		sdt_lane_keepalive(link, i);
}

int sdt_link_set(struct sdt_link *link, const struct sdt_link_cfg *cfg,
		 struct netlink_ext_ack *extack)
{
	const struct sdt_endpoint *peer = cfg->set & BIT(SDT_A_LINK_PEER) ? &cfg->peer :
									    &link->peer;
	const struct sdt_endpoint *source = cfg->set & BIT(SDT_A_LINK_SOURCE) ? &cfg->source :
										&link->source;
	bool had_peer = link->has_peer;
	unsigned int lanes;
	int err;

	lockdep_assert_held(&link->node->lock);
	if (cfg->set & BIT(SDT_A_LINK_PEER_KEY) &&
	    memcmp(cfg->peer_key, link->peer_key, SDT_KEY_LEN)) {
		NL_SET_ERR_MSG(extack, "peer-key cannot change: delete the link and add it");
		return -EINVAL;
	}
	if (cfg->set & BIT(SDT_A_LINK_CIPHER) && cfg->cipher != link->suite) {
		NL_SET_ERR_MSG(extack, "cipher cannot change: delete the link and add it");
		return -EINVAL;
	}
	err = check_source(peer, source, extack);
	if (err)
		return err;
	lanes = cfg->set & BIT(SDT_A_LINK_LANES) ? cfg->lanes : link->lane_limit;
	if (cfg->set & BIT(SDT_A_LINK_PEER))
		link->has_peer = true;
	/* lanes and sockets that turn out not to be used do no harm */
	err = grow_lanes(link, lanes, extack);
	if (!err && cfg->set & BIT(SDT_A_LINK_LANES))
		err = sdt_path_fill(link);
	if (err) {
		link->has_peer = had_peer;
		return err;
	}
	if (cfg->set & BIT(SDT_A_LINK_PEER)) {
		struct sdt_endpoint old = link->peer;

		/* before the paths: the peer's messages from its former address are still coming */
		WRITE_ONCE(link->peer_changed, true);
		link->peer = cfg->peer;
		err = sdt_path_configured(link);
		if (err) {
			WRITE_ONCE(link->peer_changed, false);
			link->peer = old;
			link->has_peer = had_peer;
			return err;
		}
	}
	store_cfg(link, cfg);
	if (cfg->set & BIT(SDT_A_LINK_SOURCE)) {
		err = sdt_path_source(link);
		if (err)
			return err;
		sdt_link_speak(link);
	}
	if (cfg->set & BIT(SDT_A_LINK_DSCP))
		sdt_link_paths_reset(link);
	if (cfg->set & (BIT(SDT_A_LINK_PEER) | BIT(SDT_A_LINK_LANES)))
		sdt_link_want(link, SDT_LINK_WANT_REKEY);
	sdt_link_wake(link);
	return 0;
}

void sdt_link_destroy(struct sdt_link *link)
{
	lockdep_assert_held(&link->node->lock);
	link_unpublish(link);
	synchronize_rcu();
	flush_work(&link->node->hs_work);
	link_quiesce(link);
	synchronize_net();
	link_free(link);
}

/**
 * sdt_links_destroy_all() - all links of a node for a fixed number of grace periods
 * @node: the node
 */
void sdt_links_destroy_all(struct sdt_node *node)
{
	struct sdt_link *link, **all;
	unsigned int n = 0, i;
	unsigned long id;

	lockdep_assert_held(&node->lock);
	if (!node->link_count)
		return;
	all = kvmalloc_array(node->link_count, sizeof(*all), GFP_KERNEL | __GFP_NOFAIL);
	xa_for_each(&node->links, id, link)
		all[n++] = link;
	for (i = 0; i < n; i++)
		link_unpublish(all[i]);
	synchronize_rcu();
	flush_work(&node->hs_work);
	for (i = 0; i < n; i++)
		link_quiesce(all[i]);
	synchronize_net();
	for (i = 0; i < n; i++)
		link_free(all[i]);
	kvfree(all);
}

void sdt_link_info(struct sdt_link *link, struct sdt_link_info *info)
{
	struct sdt_keypair *kp;
	unsigned int i;

	lockdep_assert_held(&link->node->lock);
	memset(info, 0, sizeof(*info));
	rcu_read_lock();
	kp = rcu_dereference(link->current_kp);
	if (sdt_keypair_usable(kp)) {
		info->state = SDT_LINK_UP;
		info->has_handshake = true;
		info->handshake_age_ms = div_u64(ktime_get_coarse_boottime_ns() - kp->birth,
						 NSEC_PER_MSEC);
		info->max_message = kp->max_message;
		info->path_mtu = min_t(u16, sdt_pmtu_payload(link), kp->max_message);
	} else if (READ_ONCE(link->init.active)) {
		info->state = SDT_LINK_CONNECTING;
	}
	info->lanes = link->lane_limit;
	for (i = 0; i < link->lane_limit; i++) {
		struct sdt_lane *lane = link->lanes[i];
		struct sdt_path *path = rcu_dereference(lane->path);
		struct sdt_sock *s;

		if (!path)
			path = rcu_dereference(link->lanes[0]->path);
		if (!path)
			continue;
		info->lane[i].endpoint = path->remote;
		s = rcu_dereference(link->node->socks[path->sock_lane]
						     [path->remote.family == AF_INET6]);
		if (s)
			info->lane[i].local_port = s->port;
		info->lane[i].active = info->state == SDT_LINK_UP && i < kp->lanes &&
				       (!i || test_bit(i, &kp->lanes_up));
		info->lanes_active += info->lane[i].active;
	}
	info->endpoint = info->lane[0].endpoint;
	rcu_read_unlock();
}

/**
 * sdt_link_announce() - tell listeners if the state is news; any context
 * @link: the link
 * @state: enum sdt_link_state
 */
void sdt_link_announce(struct sdt_link *link, enum sdt_link_state state)
{
	struct sdt_event_info info = {
		.type = state == SDT_LINK_UP ? SDT_EVENT_LINK_UP : SDT_EVENT_LINK_DOWN,
		.link = link->name,
	};
	bool news;

	spin_lock_bh(&link->path_lock);
	news = link->announced != state;
	link->announced = state;
	spin_unlock_bh(&link->path_lock);
	if (news)
		sdt_event_send(link->node, &info);
}

/**
 * sdt_link_void() - end all sessions: keys or counters cannot be trusted any more
 * @link: the link
 * @epoch: redraw the epoch of own channels, too
 *
 * Context: process, node->lock held.
 */
void sdt_link_void(struct sdt_link *link, bool epoch)
{
	lockdep_assert_held(&link->node->lock);
	mutex_lock(&link->hs_lock);
	sdt_handshake_clear(link);
	link->init.sent = 0;
	clear_bit(SDT_LINK_SETTLED, &link->requests);
	WRITE_ONCE(link->trying, false);
	/* another copy of this machine may know them, too */
	link->cookie_valid = false;
	link->challenge_valid = false;
	link->answer_valid = false;
	if (epoch)
		sdt_link_new_epoch(link);
	sdt_link_drop_keypairs(link);
	mutex_unlock(&link->hs_lock);
	sdt_link_announce(link, SDT_LINK_DOWN);
	if (link->has_peer)
		sdt_link_want(link, SDT_LINK_WANT_HANDSHAKE);
}
