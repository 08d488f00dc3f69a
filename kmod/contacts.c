// SPDX-License-Identifier: GPL-2.0
/* Router mode: whom the customer of a channel wrote to, hence who may answer. */
#include <linux/slab.h>

#include "channel.h"
#include "compat/compat.h"
#include "contacts.h"

#define SDT_CONTACTS_SAMPLE	16	/* looked at for one that makes room, or to be trimmed */

static struct kmem_cache *contact_cache;

static const struct rhashtable_params contact_params = {
	.head_offset = offsetof(struct sdt_contact, hash),
	.key_offset = offsetof(struct sdt_contact, key),
	.key_len = sizeof(struct sdt_contact_key),
	.automatic_shrinking = true,
};

static struct sdt_contact_key contact_key(const struct sdt_channel *c, const struct in6_addr *ip,
					  __be16 port)
{
	return (struct sdt_contact_key) {
		.channel = (unsigned long)c,
		.ip = *ip,
		.port = (__force u16)port,
	};
}

/* As the filter of now wants to know it. */
static struct sdt_contact_key wanted_key(const struct sdt_tunnel *t, const struct sdt_channel *c,
					 const struct sdt_endpoint *e)
{
	return contact_key(c, &e->ip,
			   READ_ONCE(t->filter) == SDT_FILTER_ADDRESS_PORT ? e->port : 0);
}

static bool counts(const struct sdt_tunnel *t, const struct sdt_contact *contact)
{
	/* seen lags behind by up to a second */
	return sdt_since(READ_ONCE(contact->seen)) <=
	       sdt_seconds(READ_ONCE(t->idle)) + t->channels->second;
}

/* RCU */
static struct sdt_contact *contact_find(const struct sdt_tunnel *t,
					const struct sdt_contact_key *key)
{
	struct sdt_contact *contact;

	contact = rhashtable_lookup(&t->contacts->table, key, contact_params);
	return contact && counts(t, contact) ? contact : NULL;
}

static void contact_used(const struct sdt_tunnel *t, struct sdt_contact *contact)
{
	if (sdt_since(READ_ONCE(contact->seen)) >= t->channels->second)
		WRITE_ONCE(contact->seen, jiffies);
}

/* ---- the data path -------------------------------------------------------- */

bool sdt_contact_known(struct sdt_tunnel *t, struct sdt_channel *c, const struct sdt_endpoint *to)
{
	struct sdt_contact_key key = wanted_key(t, c, to);
	struct sdt_contact *contact = to->port ? contact_find(t, &key) : NULL;

	if (contact)
		contact_used(t, contact);
	return contact;
}

/*
 * The exact one counts whatever the filter: so answers go on when a filter is widened.
 * When it is narrowed, what is known by address alone is not enough any more.
 */
static struct sdt_contact *answerer(const struct sdt_tunnel *t, const struct sdt_channel *c,
				    const struct sdt_endpoint *from)
{
	struct sdt_contact_key key = contact_key(c, &from->ip, from->port);
	struct sdt_contact *contact = contact_find(t, &key);

	if (contact || READ_ONCE(t->filter) == SDT_FILTER_ADDRESS_PORT)
		return contact;
	key.port = 0;
	return contact_find(t, &key);
}

bool sdt_contact_wrote(struct sdt_tunnel *t, struct sdt_channel *c, const struct sdt_endpoint *to)
{
	return answerer(t, c, to);
}

bool sdt_contact_admits(struct sdt_tunnel *t, struct sdt_channel *c,
			const struct sdt_endpoint *from)
{
	struct sdt_contact *contact = answerer(t, c, from);

	/* as the channel itself */
	if (contact && READ_ONCE(t->idle_refresh) == SDT_IDLE_REFRESH_BOTH)
		contact_used(t, contact);
	return contact || READ_ONCE(t->filter) == SDT_FILTER_NONE;
}

/* ---- coming and going; t->lock ------------------------------------------- */

static void contact_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(contact_cache, container_of(rcu, struct sdt_contact, rcu));
}

static void contact_end(struct sdt_tunnel *t, struct sdt_channel *c, struct sdt_contact *contact)
{
	lockdep_assert_held(&t->lock);
	rhashtable_remove_fast(&t->contacts->table, &contact->hash, contact_params);
	list_del(&contact->list);
	c->contact_count--;
	t->contacts->count--;
	call_rcu(&contact->rcu, contact_free_rcu);
}

static bool full(const struct sdt_tunnel *t, const struct sdt_channel *c)
{
	u64 budget = max_t(u64, (u64)READ_ONCE(t->max_channels) * SDT_CONTACTS_SHARE,
			   SDT_CONTACTS_MIN);

	return c->contact_count >= SDT_CONTACTS_CHANNEL ||
	       (c->contact_count && t->contacts->count >= budget);
}

/*
 * The longest unused of those at the list's head makes room; the others go to the
 * tail. So the cost is bounded, and one in use is pushed out only after as many
 * new ones as the channel has in all came within a short time.
 */
static void make_room(struct sdt_tunnel *t, struct sdt_channel *c)
{
	struct sdt_contact *contact, *oldest = NULL;
	unsigned int n = min_t(unsigned int, SDT_CONTACTS_SAMPLE, c->contact_count);

	while (n--) {
		contact = list_first_entry(&c->contacts, struct sdt_contact, list);
		list_move_tail(&contact->list, &c->contacts);
		if (!oldest || sdt_since(READ_ONCE(contact->seen)) >
			       sdt_since(READ_ONCE(oldest->seen)))
			oldest = contact;
	}
	contact_end(t, c, oldest);
}

/* One that does not count may be in the way of a new one. Return: is it there now? */
static bool contact_insert(struct sdt_tunnel *t, struct sdt_channel *c,
			   struct sdt_contact *contact)
{
	struct sdt_contact *old;

	if (c->state == SDT_CHANNEL_DEAD)
		return false;
	old = rhashtable_lookup(&t->contacts->table, &contact->key, contact_params);
	if (old) {
		WRITE_ONCE(old->seen, jiffies);
		return false;
	}
	if (full(t, c))
		make_room(t, c);
	if (rhashtable_insert_fast(&t->contacts->table, &contact->hash, contact_params))
		return false;
	list_add_tail(&contact->list, &c->contacts);
	c->contact_count++;
	t->contacts->count++;
	return true;
}

void sdt_contact_add(struct sdt_tunnel *t, struct sdt_channel *c, const struct sdt_endpoint *to)
{
	struct mem_cgroup *before = sdt_compat_charge(t->memcg);
	struct sdt_contact *contact;
	bool inserted;

	contact = kmem_cache_alloc(contact_cache, GFP_NOWAIT | __GFP_NOWARN);
	sdt_compat_charge(before);
	if (!contact)
		return;
	contact->key = wanted_key(t, c, to);
	contact->seen = jiffies;
	spin_lock_bh(&t->lock);
	inserted = contact_insert(t, c, contact);
	spin_unlock_bh(&t->lock);
	if (!inserted)
		kmem_cache_free(contact_cache, contact);
}

void sdt_contacts_trim(struct sdt_tunnel *t, struct sdt_channel *c)
{
	struct sdt_contact *contact;
	unsigned int n;

	if (!READ_ONCE(c->contact_count))
		return;
	spin_lock_bh(&t->lock);
	for (n = min_t(unsigned int, SDT_CONTACTS_SAMPLE, c->contact_count); n; n--) {
		contact = list_first_entry(&c->contacts, struct sdt_contact, list);
		if (counts(t, contact))
			list_move_tail(&contact->list, &c->contacts);
		else
			contact_end(t, c, contact);
	}
	spin_unlock_bh(&t->lock);
}

void sdt_contacts_forget(struct sdt_tunnel *t, struct sdt_channel *c)
{
	struct sdt_contact *contact, *next;

	list_for_each_entry_safe(contact, next, &c->contacts, list)
		contact_end(t, c, contact);
}

/* ---- life ------------------------------------------------------------------ */

int sdt_contacts_create(struct sdt_tunnel *t)
{
	struct sdt_contacts *contacts = kzalloc(sizeof(*contacts), GFP_KERNEL_ACCOUNT);
	int err;

	if (!contacts)
		return -ENOMEM;
	err = rhashtable_init(&contacts->table, &contact_params);
	if (err) {
		kfree(contacts);
		return err;
	}
	t->contacts = contacts;
	return 0;
}

void sdt_contacts_free(struct sdt_tunnel *t)
{
	struct sdt_contacts *contacts = t->contacts;

	WARN_ON_ONCE(contacts->count);
	t->contacts = NULL;
	rhashtable_destroy(&contacts->table);
	kfree(contacts);
}

int sdt_contacts_module_init(void)
{
	contact_cache = kmem_cache_create("sdt_contact", sizeof(struct sdt_contact), 0,
					  SLAB_ACCOUNT, NULL);
	return contact_cache ? 0 : -ENOMEM;
}

void sdt_contacts_module_exit(void)
{
	kmem_cache_destroy(contact_cache);
}
