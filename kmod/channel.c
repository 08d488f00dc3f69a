// SPDX-License-Identifier: GPL-2.0
/* Channels of a tunnel: tables, and their life. */
#include <linux/slab.h>

#include "channel_int.h"
#include "compat/compat.h"
#include "contacts.h"
#include "event.h"
#include "ingress.h"

static struct kmem_cache *channel_cache;
static struct kmem_cache *customer_cache;

const struct rhashtable_params sdt_tuple_params = {
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

/* ---- tables; t->lock ----------------------------------------------------- */

struct sdt_channel *sdt_channel_by_key(struct sdt_tunnel *t, const struct sdt_channel_key *key)
{
	return rhashtable_lookup(&t->channels->tuples, key, sdt_tuple_params);
}

struct sdt_customer *sdt_customer_get(struct sdt_channels *chs,
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
	cust = kmem_cache_zalloc(customer_cache, GFP_NOWAIT | __GFP_NOWARN);
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
void sdt_customer_put(struct sdt_channels *chs, struct sdt_customer *cust)
{
	if (cust->channels)
		return;
	rhashtable_remove_fast(&chs->customers, &cust->hash, customer_params);
	call_rcu(&cust->rcu, customer_free_rcu);
}

struct sdt_channel *sdt_channel_alloc(struct sdt_tunnel *t)
{
	struct sdt_channel *c = kmem_cache_zalloc(channel_cache, GFP_NOWAIT | __GFP_NOWARN);

	if (c) {
		if (t->contacts)
			INIT_LIST_HEAD(&c->contacts);
		c->in.seen = jiffies;
		c->out.seen = jiffies;
	}
	return c;
}

void sdt_channel_free_unused(struct sdt_channel *c)
{
	kmem_cache_free(channel_cache, c);
}

void sdt_channel_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(channel_cache, container_of(rcu, struct sdt_channel, rcu));
}

void sdt_channel_encode_hdr(const struct sdt_tunnel *t, struct sdt_channel *c)
{
	struct sdt_frame f = {
		.reply = sdt_channels_at_server(t),
		.tunnel = t->number,
		.has_channel = true,
		.channel = c->id,
	};
	u8 hdr[SDT_FRAME_HDR_MAX];

	c->hdr_len = sdt_frame_encode(hdr, &f);
	memcpy(c->hdr, hdr, sizeof(c->hdr));
}

/* Into the table of ids and the lists; the slot for its id is empty. */
int sdt_channel_link_in(struct sdt_channels *chs, struct sdt_channel *c)
{
	int err = xa_err(xa_store(&chs->ids, c->id, c, GFP_NOWAIT | __GFP_NOWARN));

	if (err)
		return err;
	list_add_tail(&c->lru, &chs->lru);
	WRITE_ONCE(chs->count, chs->count + 1);
	if (chs->count == 1)
		queue_delayed_work(sdt_wq, &chs->sweep, chs->second);
	return 0;
}

void sdt_channel_link_out(struct sdt_channels *chs, struct sdt_channel *c)
{
	xa_erase(&chs->ids, c->id);
	list_del(&c->lru);
	WRITE_ONCE(chs->count, chs->count - 1);
}

/* Out of everything. Return: the datagram that it had parked, or NULL. */
struct sk_buff *sdt_channel_end(struct sdt_tunnel *t, struct sdt_channel *c)
{
	struct sdt_channels *chs = t->channels;

	lockdep_assert_held(&t->lock);
	WRITE_ONCE(c->state, SDT_CHANNEL_DEAD);
	sdt_channel_link_out(chs, c);
	if (t->contacts)
		sdt_contacts_forget(t, c);
	if (sdt_channels_at_server(t)) {
		atomic_dec(&t->link->peer_channels);
		return sdt_ports_leave(t, &c->server);
	}
	sdt_link_id_done(t->link, c->epoch);
	rhashtable_remove_fast(&chs->tuples, &c->proxy.hash, sdt_tuple_params);
	list_del(&c->customer_lru);
	c->customer->channels--;
	sdt_customer_put(chs, c->customer);
	return NULL;
}

void sdt_channel_end_later(struct sdt_tunnel *t, struct sdt_ended *ended, struct sdt_channel *c,
			   enum sdt_close_reason reason)
{
	struct sk_buff *parked = sdt_channel_end(t, c);

	ended->v[ended->n].c = c;
	ended->v[ended->n].parked = parked;
	ended->v[ended->n].reason = reason;
	ended->n++;
}

/* Last words of a channel that is out of the tables. RCU; not t->lock. */
void sdt_channel_bury(struct sdt_tunnel *t, struct sdt_channel *c, struct sk_buff *parked)
{
	if (parked)
		sdt_drop(t->stats, SDT_DROP_DELETED, parked);
	sdt_count(t->stats, SDT_STAT_CHANNELS_CLOSED);
	call_rcu(&c->rcu, sdt_channel_free_rcu);
}

void sdt_channel_announce_end(struct sdt_tunnel *t, struct sdt_channel *c,
			      enum sdt_close_reason reason)
{
	sdt_channel_event(t, SDT_EVENT_CHANNEL_CLOSED, c, reason, false);
	/* The peer said so, or its epoch is over and no keypair could carry it. */
	if (reason == SDT_CLOSE_PEER || reason == SDT_CLOSE_EPOCH)
		return;
	local_bh_disable();
	sdt_channel_send_close(t, c->id, c->epoch, READ_ONCE(c->lane));
	local_bh_enable();
}

void sdt_channel_announce_ended(struct sdt_tunnel *t, const struct sdt_ended *ended)
{
	unsigned int i;

	for (i = 0; i < ended->n; i++) {
		sdt_channel_announce_end(t, ended->v[i].c, ended->v[i].reason);
		sdt_channel_bury(t, ended->v[i].c, ended->v[i].parked);
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
	parked = sdt_channel_end(t, c);
	spin_unlock_bh(&t->lock);
	sdt_channel_announce_end(t, c, reason);
	sdt_channel_bury(t, c, parked);
	return true;
}

/* ---- life of the tables -------------------------------------------------- */

int sdt_channels_create(struct sdt_tunnel *t)
{
	struct sdt_channels *chs = kzalloc(sizeof(*chs), GFP_KERNEL_ACCOUNT);
	int err;

	if (!chs)
		return -ENOMEM;
	err = rhashtable_init(&chs->tuples, &sdt_tuple_params);
	if (err)
		goto free;
	err = rhashtable_init(&chs->customers, &customer_params);
	if (err)
		goto free_tuples;
	xa_init_flags(&chs->ids, XA_FLAGS_LOCK_BH | XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&chs->lru);
	INIT_DELAYED_WORK(&chs->sweep, sdt_channels_sweep_work);
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
	parked = sdt_channel_end(t, c);
	spin_unlock_bh(&t->lock);
	sdt_channel_bury(t, c, parked);
	return false;
}

void sdt_channels_free(struct sdt_tunnel *t, bool tell)
{
	struct sdt_channels *chs = t->channels;

	sdt_channels_walk(t, visit_delete, &tell);
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
	info->idle_ms = jiffies_to_msecs(sdt_channel_unused(c));
	info->lane = READ_ONCE(c->lane);
	info->in_datagrams = READ_ONCE(c->in.datagrams);
	info->out_datagrams = READ_ONCE(c->out.datagrams);
	if (!sdt_channels_at_server(t)) {
		sdt_channel_customer(c, &info->customer);
		if (c->proxy.key.local_port)
			sdt_channel_local(c, &info->local);
		return;
	}
	if (!t->contacts && READ_ONCE(c->client.port))
		sdt_endpoint_make(&info->customer, &c->client.ip, c->client.port, 0);
	port = rcu_dereference(c->server.port);
	if (!port)
		return;
	dest = rcu_dereference(port->dest);
	if (dest->remote.port)
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

