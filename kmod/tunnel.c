// SPDX-License-Identifier: GPL-2.0
/* Tunnels: registry, configuration, life and end; frames to their mode. */
#include <linux/slab.h>

#include "channel.h"
#include "compat/compat.h"
#include "contacts.h"
#include "egress.h"
#include "ingress.h"
#include "modes.h"
#include "ports.h"
#include "range.h"

static const struct sdt_mode_ops *const modes[] = {
	&sdt_mode_direct,
	&sdt_mode_server,
	&sdt_mode_stream,
	&sdt_mode_router,
};

static const struct sdt_mode_ops *mode_find(u8 mode)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		if (modes[i]->mode == mode)
			return modes[i];
	return NULL;
}

/* ---- from the link layer ------------------------------------------------- */

void sdt_tunnels_frame(const struct sdt_rx *rx, const struct sdt_frame *f, struct sk_buff *skb)
{
	struct sdt_tunnel *t = xa_load(&rx->link->tunnels, f->tunnel);

	if (unlikely(!t))
		sdt_drop(rx->link->stats, SDT_DROP_RX_TUNNEL, skb);
	else
		t->ops->egress(t, rx, f, skb);
}

void sdt_tunnels_control(const struct sdt_rx *rx, const struct sdt_frame *f,
			 const struct sdt_control *c)
{
	struct sdt_tunnel *t = xa_load(&rx->link->tunnels, f->tunnel);

	if (unlikely(!t))
		sdt_drop(rx->link->stats, SDT_DROP_RX_TUNNEL, NULL);
	else
		t->ops->control(t, rx, f, c);
}

/*
 * The sweep compares each channel's epoch with the one that the link has now, so
 * that two changes in a row are no special case; @old is what it will not find.
 */
void sdt_tunnels_peer_epoch(struct sdt_link *link, u64 old)
{
	struct sdt_tunnel *t;
	unsigned long number;

	xa_for_each(&link->tunnels, number, t)
		if (t->role == SDT_ROLE_SERVER && t->channels)
			sdt_channels_sweep_soon(t);
}

/* ---- configuration ------------------------------------------------------- */

static void merge(struct sdt_tunnel_cfg *full, const struct sdt_tunnel_cfg *cfg)
{
	const u32 set = cfg->set;

	full->set = set;
	if (set & BIT(SDT_A_TUNNEL_LISTEN))
		full->listen = cfg->listen;
	if (set & BIT(SDT_A_TUNNEL_CUSTOMER))
		full->customer = cfg->customer;
	if (set & BIT(SDT_A_TUNNEL_TARGET))
		full->target = cfg->target;
	if (set & BIT(SDT_A_TUNNEL_MAX_CHANNELS))
		full->max_channels = cfg->max_channels;
	if (set & BIT(SDT_A_TUNNEL_MAX_CHANNELS_PER_CUSTOMER))
		full->max_channels_per_customer = cfg->max_channels_per_customer;
	if (set & BIT(SDT_A_TUNNEL_CHANNEL_RATE))
		full->channel_rate = cfg->channel_rate;
	if (set & BIT(SDT_A_TUNNEL_IDLE))
		full->idle = cfg->idle;
	if (set & BIT(SDT_A_TUNNEL_AT_LIMIT))
		full->at_limit = cfg->at_limit;
	/* a first address alone is a range of one */
	if (set & (BIT(SDT_A_TUNNEL_EGRESS) | BIT(SDT_A_TUNNEL_EGRESS_LAST))) {
		full->egress = cfg->egress;
		full->egress_last = cfg->egress_last;
	}
	if (set & BIT(SDT_A_TUNNEL_EGRESS_PORT_LO))
		full->egress_port_lo = cfg->egress_port_lo;
	if (set & BIT(SDT_A_TUNNEL_EGRESS_PORT_HI))
		full->egress_port_hi = cfg->egress_port_hi;
	if (set & BIT(SDT_A_TUNNEL_IDLE_REFRESH))
		full->idle_refresh = cfg->idle_refresh;
	if (set & BIT(SDT_A_TUNNEL_IDLE_ONESHOT))
		full->idle_oneshot = cfg->idle_oneshot;
	if (set & BIT(SDT_A_TUNNEL_CLIENT_ADDRESS))
		full->client_address = cfg->client_address;
	if (set & BIT(SDT_A_TUNNEL_FILTER))
		full->filter = cfg->filter;
	if (set & BIT(SDT_A_TUNNEL_ALLOW))
		full->allow = cfg->allow;
	if (set & BIT(SDT_A_TUNNEL_CLIENT_ALLOW))
		full->client_allow = cfg->client_allow;
}

/* What a new tunnel is when nothing else is said. */
static void defaults(struct sdt_tunnel_cfg *full, const struct sdt_tunnel_cfg *cfg)
{
	const u32 set = cfg->set;

	memset(full, 0, sizeof(*full));
	strscpy(full->name, cfg->name, sizeof(full->name));
	full->number = cfg->number;
	full->mode = cfg->mode;
	if (set & BIT(SDT_A_TUNNEL_ROLE))
		full->role = cfg->role;
	else if (cfg->mode == SDT_MODE_DIRECT)
		full->role = SDT_ROLE_DIRECT;
	else if (set & BIT(SDT_A_TUNNEL_LISTEN))
		full->role = SDT_ROLE_PROXY;
	else if (set & BIT(SDT_A_TUNNEL_TARGET))
		full->role = SDT_ROLE_SERVER;
	full->idle = SDT_IDLE_DEFAULT;
	full->max_channels = SDT_PROXY_CHANNELS_DEFAULT;
	full->at_limit = SDT_AT_LIMIT_REFUSE;
	if (full->role == SDT_ROLE_SERVER) {
		full->idle_oneshot = SDT_IDLE_ONESHOT_DEFAULT;
		full->egress_port_lo = SDT_EGRESS_PORT_LO;
		full->egress_port_hi = SDT_EGRESS_PORT_HI;
	}
}

u32 sdt_tunnel_cfg_ports(const struct sdt_tunnel_cfg *cfg)
{
	u32 addresses = 1;

	if (cfg->egress.family && cfg->egress_last.family)
		addresses = sdt_range_count(cfg->egress.ip.s6_addr, cfg->egress_last.ip.s6_addr);
	return sdt_range_ports(addresses, cfg->egress_port_lo, cfg->egress_port_hi);
}

/* The default follows the ports that the request gives. */
static void default_server_channels(struct sdt_tunnel_cfg *full)
{
	u32 ports = sdt_tunnel_cfg_ports(full);

	/* without any, the mode says what is wrong */
	if (full->role == SDT_ROLE_SERVER && !(full->set & BIT(SDT_A_TUNNEL_MAX_CHANNELS)) && ports)
		full->max_channels = min_t(u32, SDT_SERVER_CHANNELS_DEFAULT, ports);
}

static struct sdt_prefixes *prefixes(const struct sdt_tunnel *t,
				     struct sdt_prefixes __rcu *where)
{
	return rcu_dereference_protected(where, lockdep_is_held(&t->node->lock));
}

static void current_cfg(const struct sdt_tunnel *t, struct sdt_tunnel_cfg *full)
{
	memset(full, 0, sizeof(*full));
	full->number = t->number;
	full->mode = t->ops->mode;
	full->role = t->role;
	full->listen = t->listen;
	full->customer = t->customer;
	full->target = t->target;
	full->max_channels = t->max_channels;
	full->max_channels_per_customer = t->max_channels_per_customer;
	full->channel_rate = t->channel_rate;
	full->idle = t->idle;
	full->at_limit = t->at_limit;
	full->egress = t->egress;
	full->egress_last = t->egress_last;
	full->egress_port_lo = t->egress_port_lo;
	full->egress_port_hi = t->egress_port_hi;
	full->idle_oneshot = t->idle_oneshot;
	full->idle_refresh = t->idle_refresh;
	full->client_address = t->client_address;
	full->filter = t->filter;
	full->allow = prefixes(t, t->allow);
	full->client_allow = prefixes(t, t->client_allow);
}

/* @list becomes the tunnel's; the old one goes when nobody reads it any more. */
static void prefixes_swap(struct sdt_tunnel *t, struct sdt_prefixes __rcu **where,
			  struct sdt_prefixes *list)
{
	struct sdt_prefixes *old = prefixes(t, *where);

	if (old == list)
		return;
	rcu_assign_pointer(*where, list);
	if (old)
		kfree_rcu(old, rcu);
}

/* The lists of @full become the tunnel's: node->lock. */
static void store_cfg(struct sdt_tunnel *t, const struct sdt_tunnel_cfg *full)
{
	t->listen = full->listen;
	t->customer = full->customer;
	t->target = full->target;
	t->egress = full->egress;
	t->egress_last = full->egress_last;
	t->egress_port_lo = full->egress_port_lo;
	t->egress_port_hi = full->egress_port_hi;
	WRITE_ONCE(t->max_channels, full->max_channels);
	WRITE_ONCE(t->max_channels_per_customer, full->max_channels_per_customer);
	WRITE_ONCE(t->channel_rate, full->channel_rate);
	WRITE_ONCE(t->idle, full->idle);
	WRITE_ONCE(t->at_limit, full->at_limit);
	WRITE_ONCE(t->idle_oneshot, full->idle_oneshot);
	WRITE_ONCE(t->idle_refresh, full->idle_refresh);
	WRITE_ONCE(t->client_address, full->client_address);
	WRITE_ONCE(t->filter, full->filter);
	prefixes_swap(t, &t->allow, full->allow);
	prefixes_swap(t, &t->client_allow, full->client_allow);
}

void sdt_tunnel_cfg_release(struct sdt_tunnel_cfg *cfg)
{
	kfree(cfg->allow);
	kfree(cfg->client_allow);
	cfg->allow = NULL;
	cfg->client_allow = NULL;
}

/* A tunnel holds the lists now. */
static void cfg_taken(struct sdt_tunnel_cfg *cfg)
{
	cfg->allow = NULL;
	cfg->client_allow = NULL;
}

static bool is_group(const struct sdt_endpoint *e)
{
	if (e->family == AF_INET)
		return ipv4_is_multicast(sdt_ip_to4(&e->ip)) ||
		       ipv4_is_lbcast(sdt_ip_to4(&e->ip));
	return ipv6_addr_is_multicast(&e->ip);
}

/* An address of one host, with its port. Unset is the mode's business. */
static bool is_host(const struct sdt_endpoint *e)
{
	if (!e->family && !e->port)
		return true;
	return e->family && e->port && !sdt_ip_any(&e->ip) && !is_group(e);
}

static int check_endpoints(const struct sdt_tunnel_cfg *full, struct netlink_ext_ack *extack)
{
	if (is_group(&full->listen))
		NL_SET_ERR_MSG(extack, "listen must not be a group address");
	else if (!is_host(&full->customer))
		NL_SET_ERR_MSG(extack, "customer must be the address and port of one host");
	else if (!is_host(&full->target))
		NL_SET_ERR_MSG(extack, "target must be the address and port of one host");
	else
		return 0;
	return -EINVAL;
}

static int check_fixed(const struct sdt_tunnel *t, const struct sdt_tunnel_cfg *cfg,
		       struct netlink_ext_ack *extack)
{
	if (cfg->set & BIT(SDT_A_TUNNEL_LINK)) {
		NL_SET_ERR_MSG(extack, "link cannot change: the tunnel's channels live on it; delete and add the tunnel");
		return -EINVAL;
	}
	if (cfg->set & BIT(SDT_A_TUNNEL_ID) && cfg->number != t->number) {
		NL_SET_ERR_MSG(extack, "id cannot change: the other node knows the tunnel by it; delete and add the tunnel");
		return -EINVAL;
	}
	if (cfg->set & BIT(SDT_A_TUNNEL_MODE) && cfg->mode != t->ops->mode) {
		NL_SET_ERR_MSG(extack, "mode cannot change: both nodes' channels depend on it; delete and add the tunnel");
		return -EINVAL;
	}
	if (cfg->set & BIT(SDT_A_TUNNEL_ROLE) && cfg->role != t->role) {
		NL_SET_ERR_MSG(extack, "role cannot change: the other node holds the opposite one; delete and add the tunnel");
		return -EINVAL;
	}
	return 0;
}

/* ---- what modes start ---------------------------------------------------- */

int sdt_tunnel_listen(struct sdt_tunnel *t, struct netlink_ext_ack *extack)
{
	struct sdt_listeners l;
	int err = sdt_listen_open(t, &t->listen, &l, extack);

	if (!err)
		sdt_listen_swap(t, &l);
	return err;
}

/* A direct tunnel's customer, as it is answered: from the listener's own address, if it has one. */
static struct sdt_dest *customer_dest(const struct sdt_endpoint *listen,
				      const struct sdt_endpoint *customer)
{
	bool own = listen->family && !sdt_ip_any(&listen->ip);
	struct sdt_dest *dest;

	dest = sdt_dest_alloc(customer, own ? &listen->ip : &in6addr_any, 0, GFP_KERNEL_ACCOUNT);
	if (!dest)
		return NULL;
	dest->sport = listen->port;
	dest->local_hint = !own;
	return dest;
}

/* Return: the old one, for the caller to free. */
static struct sdt_dest *dest_swap(struct sdt_tunnel *t, struct sdt_dest *dest)
{
	spin_lock_bh(&t->lock);
	dest = rcu_replace_pointer(t->dest, dest, lockdep_is_held(&t->lock));
	spin_unlock_bh(&t->lock);
	return dest;
}

void sdt_tunnel_send_to(struct sdt_tunnel *t, struct sdt_dest *dest)
{
	sdt_dest_free(dest_swap(t, dest));
}

int sdt_tunnel_meet_customer(struct sdt_tunnel *t)
{
	struct sdt_dest *dest = customer_dest(&t->listen, &t->customer);

	if (!dest)
		return -ENOMEM;
	sdt_tunnel_send_to(t, dest);
	return 0;
}

/* ---- end ------------------------------------------------------------------ */

/* Steps 1 and 2 of the teardown, see struct sdt_tunnel. A grace period follows. */
static void tunnel_retire(struct sdt_tunnel *t)
{
	lockdep_assert_held(&t->node->lock);
	spin_lock_bh(&t->lock);
	WRITE_ONCE(t->dead, true);
	spin_unlock_bh(&t->lock);
	xa_erase_bh(&t->link->tunnels, t->number);
	xa_erase(&t->node->tunnels, t->id);
	sdt_ports_stop(t);
	sdt_listen_swap(t, &t->closing);
	sdt_listen_detach(&t->closing);
}

static void tunnel_free(struct sdt_tunnel *t)
{
	sdt_compat_memcg_put(t->memcg);
	free_percpu(t->stats);
	kfree(t);
}

/* Steps 4 to 6, after it. */
static void tunnel_finish(struct sdt_tunnel *t, bool tell)
{
	if (t->channels) {
		sdt_channels_stop(t);
		sdt_channels_free(t, tell);
	}
	if (t->contacts)
		sdt_contacts_free(t);
	sdt_ports_free(t);
	sdt_listen_close(&t->closing);
	sdt_dest_free_now(dest_swap(t, NULL));
	atomic_dec(&t->link->tunnel_count);
	t->node->tunnel_count--;
	/* a grace period is over: nobody reads them */
	kfree(prefixes(t, t->allow));
	kfree(prefixes(t, t->client_allow));
	tunnel_free(t);
}

void sdt_tunnel_destroy(struct sdt_tunnel *t)
{
	tunnel_retire(t);
	synchronize_rcu();
	tunnel_finish(t, true);
}

void sdt_tunnels_destroy_all(struct sdt_node *node)
{
	struct sdt_tunnel *t, *next;
	unsigned long id;
	LIST_HEAD(all);

	lockdep_assert_held(&node->lock);
	xa_for_each(&node->tunnels, id, t) {
		tunnel_retire(t);
		list_add_tail(&t->ending, &all);
	}
	if (list_empty(&all))
		return;
	synchronize_rcu();
	list_for_each_entry_safe(t, next, &all, ending)
		tunnel_finish(t, false);
}

/* ---- birth ----------------------------------------------------------------- */

static void encode_hdr(struct sdt_tunnel *t)
{
	const struct sdt_frame f = {
		.reply = t->role == SDT_ROLE_SERVER,
		.tunnel = t->number,
	};
	u8 hdr[SDT_FRAME_HDR_MAX];

	t->hdr_len = sdt_frame_encode(hdr, &f);
	memcpy(t->hdr, hdr, sizeof(t->hdr));
}

static struct sdt_tunnel *tunnel_alloc(struct sdt_node *node, struct sdt_link *link,
				       const struct sdt_tunnel_cfg *full)
{
	struct sdt_tunnel *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return NULL;
	t->stats = sdt_stats_alloc();
	if (!t->stats) {
		kfree(t);
		return NULL;
	}
	t->memcg = sdt_compat_memcg_get();
	t->node = node;
	t->link = link;
	t->ops = mode_find(full->mode);
	strscpy(t->name, full->name, sizeof(t->name));
	t->number = full->number;
	t->role = full->role;
	t->lane = SDT_LANE_UNSET;
	t->client_rules = 1;
	spin_lock_init(&t->lock);
	encode_hdr(t);
	return t;
}

/* Places in both tables, empty as yet: what is stored there later needs no memory. */
static int tunnel_reserve(struct sdt_tunnel *t)
{
	int err;

	err = xa_alloc_cyclic(&t->node->tunnels, &t->id, NULL, XA_LIMIT(1, INT_MAX),
			      &t->node->tunnel_cursor, GFP_KERNEL_ACCOUNT);
	if (err < 0)
		return err;
	err = xa_reserve_bh(&t->link->tunnels, t->number, GFP_KERNEL_ACCOUNT);
	if (err)
		xa_erase(&t->node->tunnels, t->id);
	return err;
}

static void tunnel_publish(struct sdt_tunnel *t)
{
	xa_store(&t->node->tunnels, t->id, t, GFP_KERNEL);
	xa_store_bh(&t->link->tunnels, t->number, t, GFP_KERNEL);
}

static int check_new(struct sdt_node *node, struct sdt_link *link,
		     const struct sdt_tunnel_cfg *full, struct netlink_ext_ack *extack)
{
	const struct sdt_mode_ops *ops = mode_find(full->mode);

	if (!full->name[0]) {
		NL_SET_ERR_MSG(extack, "a tunnel needs a name");
		return -EINVAL;
	}
	if (sdt_tunnel_find(node, full->name)) {
		NL_SET_ERR_MSG(extack, "a tunnel of this name exists");
		return -EEXIST;
	}
	if (xa_load(&link->tunnels, full->number)) {
		NL_SET_ERR_MSG(extack, "the link has a tunnel of this id");
		return -EEXIST;
	}
	if (!full->mode) {
		NL_SET_ERR_MSG(extack, "a tunnel needs a mode");
		return -EINVAL;
	}
	if (!ops) {
		NL_SET_ERR_MSG(extack, "this version has no such mode");
		return -EOPNOTSUPP;
	}
	return check_endpoints(full, extack) ?: ops->validate(full, extack);
}

struct sdt_tunnel *sdt_tunnel_create(struct sdt_node *node, struct sdt_link *link,
				     struct sdt_tunnel_cfg *cfg,
				     struct netlink_ext_ack *extack)
{
	struct sdt_tunnel_cfg full;
	struct sdt_tunnel *t;
	int err;

	lockdep_assert_held(&node->lock);
	if (node->dead)
		return ERR_PTR(-ENETDOWN);
	defaults(&full, cfg);
	merge(&full, cfg);
	default_server_channels(&full);
	err = check_new(node, link, &full, extack);
	if (err)
		return ERR_PTR(err);

	t = tunnel_alloc(node, link, &full);
	if (!t)
		return ERR_PTR(-ENOMEM);
	err = tunnel_reserve(t);
	if (err) {
		tunnel_free(t);
		return ERR_PTR(err);
	}
	store_cfg(t, &full);
	cfg_taken(cfg);
	atomic_inc(&link->tunnel_count);
	node->tunnel_count++;
	err = t->ops->start(t, extack);
	if (err) {
		tunnel_retire(t);
		synchronize_rcu();
		tunnel_finish(t, false);
		return ERR_PTR(err);
	}
	tunnel_publish(t);
	return t;
}

/* ---- change ---------------------------------------------------------------- */

/* What must be made before anything changes, because making it can fail. */
struct change {
	struct sdt_listeners listeners;
	bool relisten;
	struct sdt_dest *dest;		/* NULL: stays */
	bool ports;			/* the pool binds anew */
	bool move;			/*  and open channels follow */
};

static bool is_transparent(u8 client_address)
{
	return client_address == SDT_CLIENT_TRANSPARENT;
}

static int change_prepare(struct sdt_tunnel *t, const struct sdt_tunnel_cfg *full,
			  struct change *ch, struct netlink_ext_ack *extack)
{
	bool listen = !sdt_endpoint_equal(&full->listen, &t->listen);
	int err = 0;

	memset(ch, 0, sizeof(*ch));
	ch->move = !sdt_endpoint_equal(&full->target, &t->target) ||
		   is_transparent(full->client_address) != is_transparent(t->client_address);
	ch->ports = ch->move || !sdt_endpoint_equal(&full->egress, &t->egress) ||
		    !sdt_endpoint_equal(&full->egress_last, &t->egress_last) ||
		    full->egress_port_lo != t->egress_port_lo ||
		    full->egress_port_hi != t->egress_port_hi;
	if (rcu_access_pointer(t->dest) &&
	    (listen || !sdt_endpoint_equal(&full->customer, &t->customer))) {
		ch->dest = customer_dest(&full->listen, &full->customer);
		if (!ch->dest)
			return -ENOMEM;
	}
	if (listen) {
		err = sdt_listen_open(t, &full->listen, &ch->listeners, extack);
		if (err) {
			sdt_dest_free(ch->dest);
			return err;
		}
		ch->relisten = true;
	}
	if (t->ops->prepare && !listen) {
		err = t->ops->prepare(t, full, &ch->listeners, &ch->dest, extack);
		ch->relisten = !err && ch->dest;
	}
	return err;
}

/* Whom a peer may name is to be judged anew, by what the tunnel says from here on. */
static void next_client_rules(struct sdt_tunnel *t)
{
	u32 next = t->client_rules + 1;

	/* pairs with sdt_client_keep() */
	smp_store_release(&t->client_rules, next ?: 1);
}

/* Cannot fail. */
static void change_commit(struct sdt_tunnel *t, const struct sdt_tunnel_cfg *full,
			  struct change *ch)
{
	store_cfg(t, full);
	next_client_rules(t);
	if (ch->dest)
		sdt_tunnel_send_to(t, ch->dest);
	if (ch->ports)
		sdt_ports_configure(t, ch->move);
	if (ch->relisten) {
		sdt_listen_swap(t, &ch->listeners);
		sdt_listen_detach(&ch->listeners);
		synchronize_rcu();
		sdt_listen_close(&ch->listeners);
		if (t->channels)
			sdt_channels_relisten(t, &t->listen);
	}
	if (t->channels)
		sdt_channels_sweep_soon(t);
}

int sdt_tunnel_set(struct sdt_tunnel *t, struct sdt_tunnel_cfg *cfg,
		   struct netlink_ext_ack *extack)
{
	struct sdt_tunnel_cfg full;
	struct change ch;
	int err;

	lockdep_assert_held(&t->node->lock);
	err = check_fixed(t, cfg, extack);
	if (err)
		return err;
	current_cfg(t, &full);
	merge(&full, cfg);
	err = check_endpoints(&full, extack) ?: t->ops->validate(&full, extack);
	if (!err)
		err = change_prepare(t, &full, &ch, extack);
	if (!err) {
		change_commit(t, &full, &ch);
		cfg_taken(cfg);
	}
	return err;
}

/* ---- registry --------------------------------------------------------------- */

struct sdt_tunnel *sdt_tunnel_find(struct sdt_node *node, const char *name)
{
	struct sdt_tunnel *t;
	unsigned long id;

	lockdep_assert_held(&node->lock);
	xa_for_each(&node->tunnels, id, t)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

u32 sdt_tunnel_channel_count(struct sdt_tunnel *t)
{
	return t->channels ? READ_ONCE(t->channels->count) : 0;
}

bool sdt_tunnel_channel_next(struct sdt_tunnel *t, u64 *cursor, struct sdt_channel_info *info)
{
	lockdep_assert_held(&t->node->lock);
	return t->channels && sdt_channel_next(t, cursor, info);
}

int sdt_tunnels_module_init(void)
{
	int err = sdt_channels_module_init();

	if (err)
		return err;
	err = sdt_ports_module_init();
	if (err)
		goto exit_channels;
	err = sdt_contacts_module_init();
	if (err)
		goto exit_ports;
	return 0;

exit_ports:
	sdt_ports_module_exit();
exit_channels:
	sdt_channels_module_exit();
	return err;
}

void sdt_tunnels_module_exit(void)
{
	sdt_contacts_module_exit();
	sdt_ports_module_exit();
	sdt_channels_module_exit();
}
