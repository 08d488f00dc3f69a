// SPDX-License-Identifier: GPL-2.0
/* Objects to messages: what show and stats read. Keys but public ones stay inside. */
#include <sdt/version.h>

#include "compat/compat.h"
#include "netlink.h"
#include "ports.h"

/*
 * Where a dump stands, in cb->ctx. An object is named by its id, never by a
 * pointer or a count, so that a dump goes on whatever was deleted meanwhile.
 */
struct cursor {
	u64 next;	/* id of the next object; beyond U32_MAX: done */
	u64 channel;	/* opaque, within the tunnel @next */
	u64 only;	/* id of the one object asked for, see has_only */
	u8 step;	/* STATS_* */
	bool has_only;
	bool started;
};

enum {
	STATS_NODE,
	STATS_LINKS,
	STATS_TUNNELS,
	STATS_DONE,
};

static struct cursor *dump_cursor(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct cursor) > sizeof(cb->ctx));
	return (struct cursor *)cb->ctx;
}

/* The first object with an id from @next on; @next becomes its id. */
static void *next_object(struct xarray *xa, u64 *next)
{
	unsigned long id = *next;
	void *p;

	if (*next > U32_MAX)
		return NULL;
	p = xa_find(xa, &id, U32_MAX, XA_PRESENT);
	if (p)
		*next = id;
	return p;
}

static int put_u64(struct sk_buff *skb, int type, u64 value)
{
	return nla_put(skb, type, sizeof(value), &value);
}

static int put_address(struct sk_buff *skb, const struct sdt_endpoint *ep)
{
	switch (ep->family) {
	case AF_INET:
		return nla_put_in_addr(skb, SDT_A_ENDPOINT_IPV4, sdt_ip_to4(&ep->ip));
	case AF_INET6:
		return nla_put_in6_addr(skb, SDT_A_ENDPOINT_IPV6, &ep->ip);
	default:
		return 0;
	}
}

int sdt_nl_put_endpoint(struct sk_buff *skb, int type, const struct sdt_endpoint *ep)
{
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest || put_address(skb, ep) ||
	    (ep->port && nla_put_be16(skb, SDT_A_ENDPOINT_PORT, ep->port)) ||
	    (ep->ifindex && nla_put_u32(skb, SDT_A_ENDPOINT_SCOPE, ep->ifindex)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* An endpoint that may be unset. */
static int put_optional(struct sk_buff *skb, int type, const struct sdt_endpoint *ep)
{
	return ep->family ? sdt_nl_put_endpoint(skb, type, ep) : 0;
}

static u64 node_channels(struct sdt_node *node)
{
	struct sdt_tunnel *t;
	unsigned long id;
	u64 sum = 0;

	lockdep_assert_held(&node->lock);
	xa_for_each(&node->tunnels, id, t)
		sum += sdt_tunnel_channel_count(t);
	return sum;
}

static int put_public_key(struct sk_buff *skb, struct sdt_node *node)
{
	const struct sdt_ident *ident;

	ident = rcu_dereference_protected(node->ident, lockdep_is_held(&node->lock));
	return ident ? nla_put(skb, SDT_A_NODE_PUBLIC_KEY, SDT_KEY_LEN, ident->key.pub) : 0;
}

static int put_node(struct sk_buff *skb, struct sdt_node *node)
{
	struct sdt_endpoint listen = node->listen;
	struct nlattr *nest;

	lockdep_assert_held(&node->lock);
	if (!listen.port)
		listen.port = htons(SDT_PORT_DEFAULT);
	nest = nla_nest_start(skb, SDT_A_NODE);
	if (!nest ||
	    nla_put_u32(skb, SDT_A_NODE_ABI, SDT_ABI_VERSION) ||
	    nla_put_string(skb, SDT_A_NODE_VERSION, SDT_VERSION) ||
	    put_public_key(skb, node) ||
	    sdt_nl_put_endpoint(skb, SDT_A_NODE_LISTEN, &listen) ||
	    nla_put_u32(skb, SDT_A_NODE_FWMARK, node->fwmark) ||
	    nla_put_u32(skb, SDT_A_NODE_LINKS, node->link_count) ||
	    nla_put_u32(skb, SDT_A_NODE_TUNNELS, node->tunnel_count) ||
	    put_u64(skb, SDT_A_NODE_CHANNELS, node_channels(node)) ||
	    nla_put_u8(skb, SDT_A_NODE_RESET, node->reset) ||
	    nla_put_u32(skb, SDT_A_NODE_DEV, node->ifindex))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_lane(struct sk_buff *skb, const struct sdt_link_info *info, unsigned int i)
{
	struct nlattr *nest = nla_nest_start(skb, SDT_A_LINK_LANE);

	if (!nest ||
	    nla_put_u8(skb, SDT_A_LANE_INDEX, i) ||
	    nla_put_be16(skb, SDT_A_LANE_LOCAL_PORT, info->lane[i].local_port) ||
	    put_optional(skb, SDT_A_LANE_ENDPOINT, &info->lane[i].endpoint) ||
	    nla_put_u8(skb, SDT_A_LANE_ACTIVE, info->lane[i].active))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_link_settings(struct sk_buff *skb, const struct sdt_link *link)
{
	if (nla_put_u32(skb, SDT_A_LINK_INDEX, link->id) ||
	    nla_put_string(skb, SDT_A_LINK_NAME, link->name) ||
	    nla_put(skb, SDT_A_LINK_PEER_KEY, SDT_KEY_LEN, link->peer_key) ||
	    (link->has_peer && sdt_nl_put_endpoint(skb, SDT_A_LINK_PEER, &link->peer)) ||
	    nla_put_u8(skb, SDT_A_LINK_CIPHER, link->suite) ||
	    nla_put_u8(skb, SDT_A_LINK_LANES, link->lane_limit) ||
	    nla_put_u16(skb, SDT_A_LINK_KEEPALIVE, link->keepalive) ||
	    put_optional(skb, SDT_A_LINK_SOURCE, &link->source) ||
	    nla_put_u8(skb, SDT_A_LINK_ROAM, link->roam) ||
	    nla_put_u16(skb, SDT_A_LINK_PAD, link->pad) ||
	    nla_put_u8(skb, SDT_A_LINK_TTL, link->ttl) ||
	    nla_put_u8(skb, SDT_A_LINK_ECN, link->ecn) ||
	    nla_put_u8(skb, SDT_A_LINK_DSCP, link->dscp) ||
	    nla_put_u32(skb, SDT_A_LINK_MAX_CHANNELS, link->max_channels))
		return -EMSGSIZE;
	return 0;
}

static int put_link_state(struct sk_buff *skb, struct sdt_link *link,
			  const struct sdt_link_info *info)
{
	unsigned int i;

	if (nla_put_u8(skb, SDT_A_LINK_STATE, info->state) ||
	    put_optional(skb, SDT_A_LINK_ENDPOINT, &info->endpoint) ||
	    (info->has_handshake &&
	     put_u64(skb, SDT_A_LINK_HANDSHAKE_AGE, info->handshake_age_ms)) ||
	    nla_put_u8(skb, SDT_A_LINK_LANES_ACTIVE, info->lanes_active) ||
	    nla_put_u16(skb, SDT_A_LINK_MAX_MESSAGE, info->max_message) ||
	    (info->path_mtu && nla_put_u16(skb, SDT_A_LINK_PATH_MTU, info->path_mtu)) ||
	    nla_put_u32(skb, SDT_A_LINK_TUNNELS, atomic_read(&link->tunnel_count)))
		return -EMSGSIZE;
	for (i = 0; i < info->lanes; i++)
		if (put_lane(skb, info, i))
			return -EMSGSIZE;
	return 0;
}

static int put_link(struct sk_buff *skb, struct sdt_link *link)
{
	struct sdt_link_info info = {};
	struct nlattr *nest;

	lockdep_assert_held(&link->node->lock);
	BUILD_BUG_ON((int)SDT_CIPHER_CHACHA20_POLY1305 != (int)SDT_SUITE_CHACHAPOLY);
	BUILD_BUG_ON((int)SDT_CIPHER_AES_GCM != (int)SDT_SUITE_AESGCM);
	sdt_link_info(link, &info);
	nest = nla_nest_start(skb, SDT_A_LINK);
	if (!nest || put_link_settings(skb, link) || put_link_state(skb, link, &info))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_tunnel_settings(struct sk_buff *skb, const struct sdt_tunnel *t)
{
	if (nla_put_u32(skb, SDT_A_TUNNEL_INDEX, t->id) ||
	    nla_put_string(skb, SDT_A_TUNNEL_NAME, t->name) ||
	    nla_put_string(skb, SDT_A_TUNNEL_LINK, t->link->name) ||
	    nla_put_u16(skb, SDT_A_TUNNEL_ID, t->number) ||
	    nla_put_u8(skb, SDT_A_TUNNEL_MODE, t->ops->mode) ||
	    nla_put_u8(skb, SDT_A_TUNNEL_ROLE, t->role) ||
	    (t->listen.port && sdt_nl_put_endpoint(skb, SDT_A_TUNNEL_LISTEN, &t->listen)) ||
	    put_optional(skb, SDT_A_TUNNEL_CUSTOMER, &t->customer) ||
	    put_optional(skb, SDT_A_TUNNEL_TARGET, &t->target))
		return -EMSGSIZE;
	return 0;
}

static int put_prefix(struct sk_buff *skb, const struct sdt_prefix *p)
{
	struct nlattr *nest = nla_nest_start(skb, SDT_A_PREFIXES_ENTRY);
	const struct in6_addr *ip = (const struct in6_addr *)p->ip;
	bool v4 = ipv6_addr_v4mapped(ip);

	if (!nest ||
	    (v4 ? nla_put_in_addr(skb, SDT_A_PREFIX_IPV4, sdt_ip_to4(ip)) :
		  nla_put_in6_addr(skb, SDT_A_PREFIX_IPV6, ip)) ||
	    nla_put_u8(skb, SDT_A_PREFIX_LEN, v4 ? p->len - SDT_PREFIX_V4_BITS : p->len))
		return -EMSGSIZE;
	if ((p->port_lo || p->port_hi != U16_MAX) &&
	    (nla_put_u16(skb, SDT_A_PREFIX_PORT_LO, p->port_lo) ||
	     nla_put_u16(skb, SDT_A_PREFIX_PORT_HI, p->port_hi)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* An empty list is left out. */
static int put_prefixes(struct sk_buff *skb, int type, const struct sdt_prefixes *list)
{
	struct nlattr *nest;
	unsigned int i;

	if (!list)
		return 0;
	nest = nla_nest_start(skb, type);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < list->n; i++)
		if (put_prefix(skb, &list->v[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static const struct sdt_prefixes *prefixes(const struct sdt_tunnel *t,
					   const struct sdt_prefixes __rcu *list)
{
	return rcu_dereference_protected(list, lockdep_is_held(&t->node->lock));
}

/* What the peer may make this node do, and what the target learns. */
static int put_tunnel_policy(struct sk_buff *skb, const struct sdt_tunnel *t)
{
	if ((t->client_address &&
	     nla_put_u8(skb, SDT_A_TUNNEL_CLIENT_ADDRESS, t->client_address)) ||
	    put_prefixes(skb, SDT_A_TUNNEL_CLIENT_ALLOW, prefixes(t, t->client_allow)) ||
	    put_prefixes(skb, SDT_A_TUNNEL_ALLOW, prefixes(t, t->allow)) ||
	    (t->ops->mode == SDT_MODE_ROUTER && nla_put_u8(skb, SDT_A_TUNNEL_FILTER, t->filter)))
		return -EMSGSIZE;
	return 0;
}

static int put_usage(struct sk_buff *skb, struct sdt_tunnel *t)
{
	u32 total, active, resting;

	sdt_ports_usage(t, &total, &active, &resting);
	if (total && (nla_put_u32(skb, SDT_A_TUNNEL_PORTS, total) ||
		      nla_put_u32(skb, SDT_A_TUNNEL_PORTS_ACTIVE, active) ||
		      nla_put_u32(skb, SDT_A_TUNNEL_PORTS_RESTING, resting)))
		return -EMSGSIZE;
	return 0;
}

static int put_egress(struct sk_buff *skb, struct sdt_tunnel *t)
{
	if (put_optional(skb, SDT_A_TUNNEL_EGRESS, &t->egress) ||
	    put_optional(skb, SDT_A_TUNNEL_EGRESS_LAST, &t->egress_last) ||
	    (t->egress_port_lo &&
	     nla_put_u16(skb, SDT_A_TUNNEL_EGRESS_PORT_LO, t->egress_port_lo)) ||
	    (t->egress_port_hi &&
	     nla_put_u16(skb, SDT_A_TUNNEL_EGRESS_PORT_HI, t->egress_port_hi)))
		return -EMSGSIZE;
	return put_usage(skb, t);
}

/* What only tunnels with channels have. */
static int put_tunnel_limits(struct sk_buff *skb, const struct sdt_tunnel *t)
{
	if (!t->channels)
		return 0;
	if (nla_put_u32(skb, SDT_A_TUNNEL_MAX_CHANNELS, t->max_channels) ||
	    nla_put_u32(skb, SDT_A_TUNNEL_MAX_CHANNELS_PER_CUSTOMER,
			t->max_channels_per_customer) ||
	    nla_put_u32(skb, SDT_A_TUNNEL_CHANNEL_RATE, t->channel_rate) ||
	    nla_put_u32(skb, SDT_A_TUNNEL_IDLE, t->idle) ||
	    nla_put_u8(skb, SDT_A_TUNNEL_AT_LIMIT, t->at_limit) ||
	    nla_put_u32(skb, SDT_A_TUNNEL_IDLE_ONESHOT, sdt_tunnel_idle_oneshot(t)) ||
	    nla_put_u8(skb, SDT_A_TUNNEL_IDLE_REFRESH, t->idle_refresh))
		return -EMSGSIZE;
	return 0;
}

static int put_tunnel(struct sk_buff *skb, struct sdt_tunnel *t, u64 *counters)
{
	struct nlattr *nest;

	lockdep_assert_held(&t->node->lock);
	sdt_stats_read(t->stats, counters);
	nest = nla_nest_start(skb, SDT_A_TUNNEL);
	if (!nest || put_tunnel_settings(skb, t) || put_tunnel_limits(skb, t) ||
	    put_egress(skb, t) || put_tunnel_policy(skb, t) ||
	    nla_put_u32(skb, SDT_A_TUNNEL_CHANNELS, sdt_tunnel_channel_count(t)) ||
	    put_u64(skb, SDT_A_TUNNEL_IN_DATAGRAMS, counters[SDT_STAT_IN_DATAGRAMS]) ||
	    put_u64(skb, SDT_A_TUNNEL_OUT_DATAGRAMS, counters[SDT_STAT_OUT_DATAGRAMS]))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_channel(struct sk_buff *skb, const struct sdt_tunnel *t,
		       const struct sdt_channel_info *c)
{
	struct nlattr *nest = nla_nest_start(skb, SDT_A_CHANNEL);

	if (!nest ||
	    nla_put_string(skb, SDT_A_CHANNEL_TUNNEL, t->name) ||
	    nla_put_u32(skb, SDT_A_CHANNEL_ID, c->id) ||
	    put_optional(skb, SDT_A_CHANNEL_CUSTOMER, &c->customer) ||
	    put_optional(skb, SDT_A_CHANNEL_LOCAL, &c->local) ||
	    put_optional(skb, SDT_A_CHANNEL_TARGET, &c->target) ||
	    put_u64(skb, SDT_A_CHANNEL_IDLE_MS, c->idle_ms) ||
	    nla_put_u8(skb, SDT_A_CHANNEL_LANE, c->lane) ||
	    put_u64(skb, SDT_A_CHANNEL_IN_DATAGRAMS, c->in_datagrams) ||
	    put_u64(skb, SDT_A_CHANNEL_OUT_DATAGRAMS, c->out_datagrams))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Counters at zero are left out. @type: SDT_A_STATS_* of @name, 0 for the node. */
static int put_stats(struct sk_buff *skb, int type, const char *name,
		     const u64 *counters)
{
	struct nlattr *nest = nla_nest_start(skb, SDT_A_STATS);
	struct nlattr *inner;
	u32 id;

	if (!nest || (type && nla_put_string(skb, type, name)))
		return -EMSGSIZE;
	for (id = 1; id <= SDT_STAT_MAX; id++) {
		if (!counters[id])
			continue;
		inner = nla_nest_start(skb, SDT_A_STATS_COUNTER);
		if (!inner || nla_put_u32(skb, SDT_A_COUNTER_ID, id) ||
		    put_u64(skb, SDT_A_COUNTER_VALUE, counters[id]))
			return -EMSGSIZE;
		nla_nest_end(skb, inner);
	}
	nla_nest_end(skb, nest);
	return 0;
}

/*
 * One message of an answer: a header, what a put function appends, and the
 * end; or nothing at all and -EMSGSIZE.
 */
static void *answer_start(struct sk_buff *skb, struct genl_info *info, u8 cmd)
{
	return genlmsg_put_reply(skb, info, &sdt_genl_family, 0, cmd);
}

static void *dump_start(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				&sdt_genl_family, NLM_F_MULTI, cmd);

	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}

static int finish(struct sk_buff *skb, void *hdr, int err)
{
	if (err)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	return err;
}

static u64 *alloc_counters(void)
{
	return kcalloc(__SDT_STAT_MAX, sizeof(u64), GFP_KERNEL);
}

int sdt_nl_node_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sdt_node *node;
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	hdr = answer_start(msg, info, SDT_CMD_NODE_GET);
	node = sdt_nl_lock(info);
	if (IS_ERR(node)) {
		err = PTR_ERR(node);
		goto err_free;
	}
	err = finish(msg, hdr, put_node(msg, node));
	mutex_unlock(&node->lock);
	if (err)
		goto err_free;
	return genlmsg_reply(msg, info);

err_free:
	nlmsg_free(msg);
	return err;
}

int sdt_nl_link_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sdt_node *node;
	struct sdt_link *link;
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	hdr = answer_start(msg, info, SDT_CMD_LINK_GET);
	node = sdt_nl_lock(info);
	if (IS_ERR(node)) {
		err = PTR_ERR(node);
		goto err_free;
	}
	link = sdt_nl_find_link(node, info->attrs[SDT_A_LINK], info->extack);
	err = IS_ERR(link) ? PTR_ERR(link) : finish(msg, hdr, put_link(msg, link));
	mutex_unlock(&node->lock);
	if (err)
		goto err_free;
	return genlmsg_reply(msg, info);

err_free:
	nlmsg_free(msg);
	return err;
}

/*
 * A tunnel with both its lists full, IPv6 with ports: 48 bytes an entry, and
 * what else there is of it.
 */
#define TUNNEL_MESSAGE_SIZE	(2 * SDT_PREFIXES_LIMIT * 48 + 1024)

int sdt_nl_tunnel_dump_start(struct netlink_callback *cb)
{
	cb->min_dump_alloc = TUNNEL_MESSAGE_SIZE;
	return 0;
}

int sdt_nl_tunnel_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sdt_node *node;
	struct sdt_tunnel *t;
	struct sk_buff *msg;
	u64 *counters;
	void *hdr;
	int err = -ENOMEM;

	msg = genlmsg_new(TUNNEL_MESSAGE_SIZE, GFP_KERNEL);
	counters = alloc_counters();
	if (!msg || !counters)
		goto out_free;
	hdr = answer_start(msg, info, SDT_CMD_TUNNEL_GET);
	node = sdt_nl_lock(info);
	if (IS_ERR(node)) {
		err = PTR_ERR(node);
		goto out_free;
	}
	t = sdt_nl_find_tunnel(node, info->attrs[SDT_A_TUNNEL], info->extack);
	err = IS_ERR(t) ? PTR_ERR(t) : finish(msg, hdr, put_tunnel(msg, t, counters));
	mutex_unlock(&node->lock);
	if (!err) {
		err = genlmsg_reply(msg, info);
		msg = NULL;
	}

out_free:
	kfree(counters);
	nlmsg_free(msg);
	return err;
}

/* A dump's share of the lock, and what it returns to be called again. */
static struct sdt_node *dump_lock(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct sdt_node *node = sdt_node_get(sock_net(skb->sk));

	mutex_lock(&node->lock);
	cb->seq = node->generation + 1;
	return node;
}

static int dump_unlock(struct sdt_node *node, struct sk_buff *skb, int err)
{
	mutex_unlock(&node->lock);
	return skb->len ? skb->len : err;
}

int sdt_nl_link_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct sdt_node *node = dump_lock(skb, cb);
	struct cursor *c = dump_cursor(cb);
	struct sdt_link *link;
	int err = 0;
	void *hdr;

	while (!err && (link = next_object(&node->links, &c->next))) {
		hdr = dump_start(skb, cb, SDT_CMD_LINK_GET);
		err = hdr ? finish(skb, hdr, put_link(skb, link)) : -EMSGSIZE;
		if (!err)
			c->next++;
	}
	return dump_unlock(node, skb, err);
}

int sdt_nl_tunnel_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct cursor *c = dump_cursor(cb);
	u64 *counters = alloc_counters();
	struct sdt_node *node;
	struct sdt_tunnel *t;
	int err = 0;
	void *hdr;

	if (!counters)
		return -ENOMEM;
	node = dump_lock(skb, cb);
	while (!err && (t = next_object(&node->tunnels, &c->next))) {
		hdr = dump_start(skb, cb, SDT_CMD_TUNNEL_GET);
		err = hdr ? finish(skb, hdr, put_tunnel(skb, t, counters)) : -EMSGSIZE;
		if (!err)
			c->next++;
	}
	err = dump_unlock(node, skb, err);
	kfree(counters);
	return err;
}

/* The request's nest of type @nest; NULL in @tb: none of its attributes. */
static int dump_request(struct netlink_callback *cb, const struct nla_policy *policy, int nest,
			struct nlattr **tb, int max)
{
	struct nlattr *attrs[SDT_A_MAX + 1];
	int err;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	err = nlmsg_parse(cb->nlh, GENL_HDRLEN, attrs, SDT_A_MAX, policy, cb->extack);
	if (err || !attrs[nest])
		return err;
	return nla_parse_nested(tb, max, attrs[nest], NULL, cb->extack);
}

static int channel_dump_begin(struct sdt_node *node, struct netlink_callback *cb)
{
	struct nlattr *tb[SDT_A_CHANNEL_MAX + 1];
	struct cursor *c = dump_cursor(cb);
	struct sdt_tunnel *t;
	int err;

	err = dump_request(cb, sdt_nl_channel_get_policy, SDT_A_CHANNEL, tb, SDT_A_CHANNEL_MAX);
	if (err)
		return err;
	if (tb[SDT_A_CHANNEL_TUNNEL]) {
		t = sdt_tunnel_find(node, nla_data(tb[SDT_A_CHANNEL_TUNNEL]));
		if (!t) {
			NL_SET_ERR_MSG_ATTR(cb->extack, tb[SDT_A_CHANNEL_TUNNEL],
					    "there is no such tunnel");
			return -ENOENT;
		}
		c->has_only = true;
		c->only = t->id;
		c->next = t->id;
	}
	c->started = true;
	return 0;
}

/* Channels of @t from the cursor on; -EMSGSIZE: the message buffer is full */
static int dump_tunnel_channels(struct sk_buff *skb, struct netlink_callback *cb,
				struct sdt_tunnel *t)
{
	struct cursor *c = dump_cursor(cb);
	struct sdt_channel_info info;
	u64 position = c->channel;
	void *hdr;
	int err;

	while (sdt_tunnel_channel_next(t, &position, &info)) {
		hdr = dump_start(skb, cb, SDT_CMD_CHANNEL_GET);
		err = hdr ? finish(skb, hdr, put_channel(skb, t, &info)) : -EMSGSIZE;
		if (err)
			return err;
		c->channel = position;
	}
	return 0;
}

int sdt_nl_channel_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct sdt_node *node = dump_lock(skb, cb);
	struct cursor *c = dump_cursor(cb);
	struct sdt_tunnel *t;
	u64 before;
	int err = 0;

	if (!c->started)
		err = channel_dump_begin(node, cb);
	while (!err) {
		before = c->next;
		t = next_object(&node->tunnels, &c->next);
		if (!t || (c->has_only && c->next != c->only))
			break;
		if (c->next != before)
			c->channel = 0;
		err = dump_tunnel_channels(skb, cb, t);
		if (!err) {
			c->next++;
			c->channel = 0;
		}
	}
	return dump_unlock(node, skb, err);
}

static int stats_dump_begin(struct sdt_node *node, struct netlink_callback *cb)
{
	struct nlattr *tb[SDT_A_STATS_MAX + 1];
	struct cursor *c = dump_cursor(cb);
	struct sdt_tunnel *t;
	struct sdt_link *link;
	int err;

	err = dump_request(cb, sdt_nl_stats_get_policy, SDT_A_STATS, tb, SDT_A_STATS_MAX);
	if (err)
		return err;
	if (tb[SDT_A_STATS_LINK] && tb[SDT_A_STATS_TUNNEL]) {
		NL_SET_ERR_MSG(cb->extack, "either a link or a tunnel, not both");
		return -EINVAL;
	}
	if (tb[SDT_A_STATS_LINK]) {
		link = sdt_link_find(node, nla_data(tb[SDT_A_STATS_LINK]));
		if (!link) {
			NL_SET_ERR_MSG_ATTR(cb->extack, tb[SDT_A_STATS_LINK],
					    "there is no such link");
			return -ENOENT;
		}
		c->step = STATS_LINKS;
		c->has_only = true;
		c->only = link->id;
	} else if (tb[SDT_A_STATS_TUNNEL]) {
		t = sdt_tunnel_find(node, nla_data(tb[SDT_A_STATS_TUNNEL]));
		if (!t) {
			NL_SET_ERR_MSG_ATTR(cb->extack, tb[SDT_A_STATS_TUNNEL],
					    "there is no such tunnel");
			return -ENOENT;
		}
		c->step = STATS_TUNNELS;
		c->has_only = true;
		c->only = t->id;
	}
	c->next = c->only;
	c->started = true;
	return 0;
}

/* What the cursor points to: its counters and its name. False: the step is over. */
static bool stats_subject(struct sdt_node *node, struct cursor *c,
			  struct sdt_stats __percpu **stats, int *type, const char **name)
{
	struct sdt_tunnel *t;
	struct sdt_link *link;

	switch (c->step) {
	case STATS_NODE:
		*stats = node->stats;
		*type = 0;
		*name = NULL;
		return !c->next;
	case STATS_LINKS:
		link = next_object(&node->links, &c->next);
		if (!link)
			return false;
		*stats = link->stats;
		*type = SDT_A_STATS_LINK;
		*name = link->name;
		break;
	default:
		t = next_object(&node->tunnels, &c->next);
		if (!t)
			return false;
		*stats = t->stats;
		*type = SDT_A_STATS_TUNNEL;
		*name = t->name;
	}
	return !c->has_only || c->next == c->only;
}

static int dump_stats_step(struct sk_buff *skb, struct netlink_callback *cb,
			   struct sdt_node *node, u64 *counters)
{
	struct cursor *c = dump_cursor(cb);
	struct sdt_stats __percpu *stats;
	const char *name;
	void *hdr;
	int type;
	int err;

	while (stats_subject(node, c, &stats, &type, &name)) {
		sdt_stats_read(stats, counters);
		hdr = dump_start(skb, cb, SDT_CMD_STATS_GET);
		err = hdr ? finish(skb, hdr, put_stats(skb, type, name, counters)) : -EMSGSIZE;
		if (err)
			return err;
		c->next++;
	}
	return 0;
}

int sdt_nl_stats_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct cursor *c = dump_cursor(cb);
	u64 *counters = alloc_counters();
	struct sdt_node *node;
	int err = 0;

	if (!counters)
		return -ENOMEM;
	node = dump_lock(skb, cb);
	if (!c->started)
		err = stats_dump_begin(node, cb);
	while (!err && c->step < STATS_DONE) {
		err = dump_stats_step(skb, cb, node, counters);
		if (!err) {
			c->step = c->has_only ? STATS_DONE : c->step + 1;
			c->next = 0;
		}
	}
	err = dump_unlock(node, skb, err);
	kfree(counters);
	return err;
}
