// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family: parse, find, one call, answer. Control is
 * serialised by the node's lock, which every command takes itself
 * (parallel_ops), so that namespaces do not wait for one another.
 */
#include <linux/module.h>

#include "compat/compat.h"
#include "event.h"
#include "netlink.h"

struct sdt_node *sdt_nl_lock(struct genl_info *info)
{
	struct sdt_node *node = sdt_node_get(genl_info_net(info));

	mutex_lock(&node->lock);
	if (!node->dead)
		return node;
	mutex_unlock(&node->lock);
	NL_SET_ERR_MSG(info->extack, "the network namespace is going away");
	return ERR_PTR(-ENODEV);
}

/* No key shall stay behind in the request's buffer. */
static void wipe_key(const struct nlattr *nest, int type)
{
	struct nlattr *nla = nest ? nla_find_nested(nest, type) : NULL;

	if (nla)
		memzero_explicit(nla_data(nla), nla_len(nla));
}

static int set_node(struct sk_buff *skb, struct genl_info *info)
{
	struct sdt_node_cfg cfg = {};
	struct sdt_node *node;
	int err;

	err = sdt_nl_parse_node(info->attrs, &cfg, info->extack);
	if (err)
		goto out_wipe;
	node = sdt_nl_lock(info);
	if (IS_ERR(node)) {
		err = PTR_ERR(node);
		goto out_wipe;
	}
	err = sdt_node_set(node, &cfg, info->extack);
	mutex_unlock(&node->lock);

out_wipe:
	memzero_explicit(&cfg, sizeof(cfg));
	wipe_key(info->attrs[SDT_A_NODE], SDT_A_NODE_PRIVATE_KEY);
	return err;
}

/* The names are free, and fit to be names; @nest of the new object. */
static int new_link_name(struct sdt_node *node, const struct nlattr *nla,
			 struct netlink_ext_ack *extack)
{
	int err = sdt_nl_new_name(nla, extack);

	if (err)
		return err;
	if (sdt_link_find(node, nla_data(nla))) {
		NL_SET_ERR_MSG_ATTR(extack, nla, "a link of this name exists");
		return -EEXIST;
	}
	return 0;
}

static int new_tunnel_name(struct sdt_node *node, const struct nlattr *nla,
			   struct netlink_ext_ack *extack)
{
	int err = sdt_nl_new_name(nla, extack);

	if (err)
		return err;
	if (sdt_tunnel_find(node, nla_data(nla))) {
		NL_SET_ERR_MSG_ATTR(extack, nla, "a tunnel of this name exists");
		return -EEXIST;
	}
	return 0;
}

static struct sdt_link *make_link(struct sdt_node *node, const struct sdt_link_cfg *cfg,
				  struct netlink_ext_ack *extack)
{
	struct sdt_link *link;

	if (!(cfg->set & BIT(SDT_A_LINK_PEER_KEY))) {
		NL_SET_ERR_MSG(extack, "a new link needs a peer-key");
		return ERR_PTR(-EINVAL);
	}
	link = sdt_link_create(node, cfg, extack);
	if (!IS_ERR(link))
		node->generation++;
	return link;
}

static void unmake_link(struct sdt_link *link)
{
	link->node->generation++;
	sdt_link_destroy(link);
}

static int add_link(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *nest = info->attrs[SDT_A_LINK];
	struct sdt_link_cfg cfg = {};
	struct sdt_node *node;
	struct sdt_link *link;
	int err;

	err = sdt_nl_parse_link(info->attrs, &cfg, info->extack);
	if (err)
		goto out_wipe;
	node = sdt_nl_lock(info);
	if (IS_ERR(node)) {
		err = PTR_ERR(node);
		goto out_wipe;
	}
	err = new_link_name(node, nla_find_nested(nest, SDT_A_LINK_NAME), info->extack);
	if (!err) {
		link = make_link(node, &cfg, info->extack);
		err = PTR_ERR_OR_ZERO(link);
	}
	mutex_unlock(&node->lock);

out_wipe:
	memzero_explicit(&cfg, sizeof(cfg));
	wipe_key(nest, SDT_A_LINK_PSK);
	return err;
}

static int set_link(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *nest = info->attrs[SDT_A_LINK];
	struct sdt_link_cfg cfg = {};
	struct sdt_node *node;
	struct sdt_link *link;
	int err;

	err = sdt_nl_parse_link(info->attrs, &cfg, info->extack);
	if (err)
		goto out_wipe;
	node = sdt_nl_lock(info);
	if (IS_ERR(node)) {
		err = PTR_ERR(node);
		goto out_wipe;
	}
	link = sdt_nl_find_link(node, nest, info->extack);
	err = IS_ERR(link) ? PTR_ERR(link) : sdt_link_set(link, &cfg, info->extack);
	if (!err)
		node->generation++;
	mutex_unlock(&node->lock);

out_wipe:
	memzero_explicit(&cfg, sizeof(cfg));
	wipe_key(nest, SDT_A_LINK_PSK);
	return err;
}

static int del_link(struct sk_buff *skb, struct genl_info *info)
{
	struct sdt_node *node = sdt_nl_lock(info);
	struct sdt_link *link;
	int err = 0;

	if (IS_ERR(node))
		return PTR_ERR(node);
	link = sdt_nl_find_link(node, info->attrs[SDT_A_LINK], info->extack);
	if (IS_ERR(link)) {
		err = PTR_ERR(link);
	} else if (atomic_read(&link->tunnel_count)) {
		NL_SET_ERR_MSG(info->extack, "tunnels use this link: delete them first");
		err = -EBUSY;
	} else {
		unmake_link(link);
	}
	mutex_unlock(&node->lock);
	return err;
}

/* What add-tunnel says of the tunnel's link. */
struct tunnel_link {
	char name[SDT_NAME_LEN];
	struct sdt_link_cfg cfg;
	bool make;			/* there is more than a name */
};

static int parse_tunnel_link(struct nlattr **attrs, struct tunnel_link *l,
			     struct netlink_ext_ack *extack)
{
	int err;

	if (attrs[SDT_A_LINK]) {
		err = sdt_nl_parse_link(attrs, &l->cfg, extack);
		if (err)
			return err;
		if ((l->cfg.set & BIT(SDT_A_LINK_NAME)) && strcmp(l->cfg.name, l->name)) {
			NL_SET_ERR_MSG_ATTR(extack, attrs[SDT_A_LINK],
					    "the new link's name is not the tunnel's link");
			return -EINVAL;
		}
		strscpy(l->cfg.name, l->name, SDT_NAME_LEN);
		l->make = l->cfg.set & ~BIT(SDT_A_LINK_NAME);
		l->cfg.set |= BIT(SDT_A_LINK_NAME);
	}
	if (!l->name[0]) {
		NL_SET_ERR_MSG(extack, "a tunnel needs a link");
		return -EINVAL;
	}
	return 0;
}

/* The link of a new tunnel, found or made. */
static struct sdt_link *tunnel_link(struct sdt_node *node, const struct tunnel_link *l,
				    const struct nlattr *nla, struct netlink_ext_ack *extack)
{
	struct sdt_link *link;
	int err;

	if (l->make) {
		err = new_link_name(node, nla, extack);
		return err ? ERR_PTR(err) : make_link(node, &l->cfg, extack);
	}
	link = sdt_link_find(node, l->name);
	if (link)
		return link;
	NL_SET_ERR_MSG_ATTR(extack, nla, "there is no such link");
	return ERR_PTR(-ENOENT);
}

/* Link and tunnel, or neither; node->lock held. */
static int make_tunnel(struct sdt_node *node, const struct nlattr *nest,
		       struct sdt_tunnel_cfg *cfg, const struct tunnel_link *l,
		       struct netlink_ext_ack *extack)
{
	struct sdt_tunnel *t;
	struct sdt_link *link;
	int err;

	lockdep_assert_held(&node->lock);
	err = new_tunnel_name(node, nla_find_nested(nest, SDT_A_TUNNEL_NAME), extack);
	if (err)
		return err;
	link = tunnel_link(node, l, nla_find_nested(nest, SDT_A_TUNNEL_LINK), extack);
	if (IS_ERR(link))
		return PTR_ERR(link);
	t = sdt_tunnel_create(node, link, cfg, extack);
	if (IS_ERR(t)) {
		if (l->make)
			unmake_link(link);
		return PTR_ERR(t);
	}
	node->generation++;
	return 0;
}

static int add_tunnel(struct sk_buff *skb, struct genl_info *info)
{
	struct sdt_tunnel_cfg cfg = {};
	struct tunnel_link l = {};
	struct sdt_node *node;
	int err;

	err = sdt_nl_parse_tunnel(info->attrs, &cfg, l.name, info->extack);
	if (!err)
		err = parse_tunnel_link(info->attrs, &l, info->extack);
	if (err)
		goto out_wipe;
	node = sdt_nl_lock(info);
	if (IS_ERR(node)) {
		err = PTR_ERR(node);
		goto out_wipe;
	}
	err = make_tunnel(node, info->attrs[SDT_A_TUNNEL], &cfg, &l, info->extack);
	mutex_unlock(&node->lock);

out_wipe:
	sdt_tunnel_cfg_release(&cfg);
	memzero_explicit(&l, sizeof(l));
	wipe_key(info->attrs[SDT_A_LINK], SDT_A_LINK_PSK);
	return err;
}

static int set_tunnel(struct sk_buff *skb, struct genl_info *info)
{
	struct sdt_tunnel_cfg cfg = {};
	char link[SDT_NAME_LEN];
	struct sdt_node *node;
	struct sdt_tunnel *t;
	int err;

	err = sdt_nl_parse_tunnel(info->attrs, &cfg, link, info->extack);
	if (err)
		goto out_release;
	node = sdt_nl_lock(info);
	if (IS_ERR(node)) {
		err = PTR_ERR(node);
		goto out_release;
	}
	t = sdt_nl_find_tunnel(node, info->attrs[SDT_A_TUNNEL], info->extack);
	/* saying what is so already is no change */
	if (!IS_ERR(t) && !strcmp(link, t->link->name))
		cfg.set &= ~BIT(SDT_A_TUNNEL_LINK);
	err = IS_ERR(t) ? PTR_ERR(t) : sdt_tunnel_set(t, &cfg, info->extack);
	if (!err)
		node->generation++;
	mutex_unlock(&node->lock);

out_release:
	sdt_tunnel_cfg_release(&cfg);
	return err;
}

static int del_tunnel(struct sk_buff *skb, struct genl_info *info)
{
	struct sdt_node *node = sdt_nl_lock(info);
	struct sdt_tunnel *t;

	if (IS_ERR(node))
		return PTR_ERR(node);
	t = sdt_nl_find_tunnel(node, info->attrs[SDT_A_TUNNEL], info->extack);
	if (!IS_ERR(t)) {
		node->generation++;
		sdt_tunnel_destroy(t);
	}
	mutex_unlock(&node->lock);
	return PTR_ERR_OR_ZERO(t);
}

#define TAKES(p)	.policy = (p), .maxattr = SDT_A_MAX

static const struct genl_ops ops[] = {
	{
		.cmd	= SDT_CMD_NODE_GET,
		.doit	= sdt_nl_node_get,
		TAKES(sdt_nl_nothing_policy),
	}, {
		.cmd	= SDT_CMD_NODE_SET,
		.flags	= GENL_UNS_ADMIN_PERM,
		.doit	= set_node,
		TAKES(sdt_nl_node_set_policy),
	}, {
		.cmd	= SDT_CMD_LINK_GET,
		.doit	= sdt_nl_link_get,
		.dumpit	= sdt_nl_link_dump,
		TAKES(sdt_nl_link_name_policy),
	}, {
		.cmd	= SDT_CMD_LINK_ADD,
		.flags	= GENL_UNS_ADMIN_PERM,
		.doit	= add_link,
		TAKES(sdt_nl_link_policy),
	}, {
		.cmd	= SDT_CMD_LINK_SET,
		.flags	= GENL_UNS_ADMIN_PERM,
		.doit	= set_link,
		TAKES(sdt_nl_link_policy),
	}, {
		.cmd	= SDT_CMD_LINK_DEL,
		.flags	= GENL_UNS_ADMIN_PERM,
		.doit	= del_link,
		TAKES(sdt_nl_link_name_policy),
	}, {
		.cmd	= SDT_CMD_TUNNEL_GET,
		.doit	= sdt_nl_tunnel_get,
		.start	= sdt_nl_tunnel_dump_start,
		.dumpit	= sdt_nl_tunnel_dump,
		TAKES(sdt_nl_tunnel_name_policy),
	}, {
		.cmd	= SDT_CMD_TUNNEL_ADD,
		.flags	= GENL_UNS_ADMIN_PERM,
		.doit	= add_tunnel,
		TAKES(sdt_nl_tunnel_add_policy),
	}, {
		.cmd	= SDT_CMD_TUNNEL_SET,
		.flags	= GENL_UNS_ADMIN_PERM,
		.doit	= set_tunnel,
		TAKES(sdt_nl_tunnel_set_policy),
	}, {
		.cmd	= SDT_CMD_TUNNEL_DEL,
		.flags	= GENL_UNS_ADMIN_PERM,
		.doit	= del_tunnel,
		TAKES(sdt_nl_tunnel_name_policy),
	}, {
		.cmd	= SDT_CMD_CHANNEL_GET,
		.flags	= GENL_UNS_ADMIN_PERM,
		.dumpit	= sdt_nl_channel_dump,
		TAKES(sdt_nl_channel_get_policy),
	}, {
		.cmd	= SDT_CMD_STATS_GET,
		.dumpit	= sdt_nl_stats_dump,
		TAKES(sdt_nl_stats_get_policy),
	}, {
		.cmd	= SDT_CMD_LINK_PING,
		.flags	= GENL_UNS_ADMIN_PERM,
		.doit	= sdt_nl_link_ping,
		TAKES(sdt_nl_link_ping_policy),
	},
};

static const struct genl_multicast_group groups[] = {
	{
		.name	= SDT_MCGRP_EVENTS,
		.flags	= SDT_COMPAT_GENL_MCAST_ADMIN,
	},
};

struct genl_family sdt_genl_family __ro_after_init = {
	.name		= SDT_FAMILY_NAME,
	.version	= SDT_FAMILY_VERSION,
	.maxattr	= SDT_A_MAX,
	.module		= THIS_MODULE,
	.netnsok	= true,
	.parallel_ops	= true,
	.ops		= ops,
	.n_ops		= ARRAY_SIZE(ops),
	.mcgrps		= groups,
	.n_mcgrps	= ARRAY_SIZE(groups),
};

int __init sdt_netlink_init(void)
{
	return genl_register_family(&sdt_genl_family);
}

void sdt_netlink_exit(void)
{
	genl_unregister_family(&sdt_genl_family);
}

MODULE_ALIAS_GENL_FAMILY(SDT_FAMILY_NAME);
