/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The netlink family's rooms: netlink.c has the family and the commands that
 * change something, netlink_policy.c turns requests into configurations,
 * netlink_put.c turns objects into messages, event.c multicasts.
 */
#ifndef _SDT_NETLINK_H
#define _SDT_NETLINK_H

#include <net/genetlink.h>

#include "link.h"
#include "node.h"
#include "tunnel.h"

extern struct genl_family sdt_genl_family;

/* netlink_policy.c: what each command takes at its top level */
extern const struct nla_policy sdt_nl_nothing_policy[SDT_A_MAX + 1];
extern const struct nla_policy sdt_nl_node_set_policy[SDT_A_MAX + 1];
extern const struct nla_policy sdt_nl_link_name_policy[SDT_A_MAX + 1];
extern const struct nla_policy sdt_nl_link_policy[SDT_A_MAX + 1];
extern const struct nla_policy sdt_nl_tunnel_name_policy[SDT_A_MAX + 1];
extern const struct nla_policy sdt_nl_tunnel_add_policy[SDT_A_MAX + 1];
extern const struct nla_policy sdt_nl_tunnel_set_policy[SDT_A_MAX + 1];
extern const struct nla_policy sdt_nl_channel_get_policy[SDT_A_MAX + 1];
extern const struct nla_policy sdt_nl_stats_get_policy[SDT_A_MAX + 1];
extern const struct nla_policy sdt_nl_link_ping_policy[SDT_A_MAX + 1];

/*
 * Requests to configurations. @attrs: the top level, validated by the policy.
 * -EINVAL with @extack set if a nest or a value that must be there is not, or
 * if values do not fit together. Configurations hold keys and lists: the caller
 * wipes and releases them, on error as well.
 */
int sdt_nl_parse_node(struct nlattr **attrs, struct sdt_node_cfg *cfg,
		      struct netlink_ext_ack *extack);
int sdt_nl_parse_link(struct nlattr **attrs, struct sdt_link_cfg *cfg,
		      struct netlink_ext_ack *extack);
/** sdt_nl_parse_tunnel() - @link: the name of its link, empty if not given */
int sdt_nl_parse_tunnel(struct nlattr **attrs, struct sdt_tunnel_cfg *cfg,
			char link[SDT_NAME_LEN], struct netlink_ext_ack *extack);

/** sdt_nl_new_name() - is @nla fit to name a new object? NULL: it is missing */
int sdt_nl_new_name(const struct nlattr *nla, struct netlink_ext_ack *extack);

/** sdt_nl_find_link() - by the name in the request's nest; ERR_PTR with @extack set */
struct sdt_link *sdt_nl_find_link(struct sdt_node *node, const struct nlattr *nest,
				  struct netlink_ext_ack *extack);
/** sdt_nl_named_link() - the same by its name itself; NULL: the name is missing */
struct sdt_link *sdt_nl_named_link(struct sdt_node *node, const struct nlattr *name,
				   struct netlink_ext_ack *extack);
struct sdt_tunnel *sdt_nl_find_tunnel(struct sdt_node *node, const struct nlattr *nest,
				      struct netlink_ext_ack *extack);

/** sdt_nl_lock() - the request's node, locked and alive, or ERR_PTR; mutex_unlock() it */
struct sdt_node *sdt_nl_lock(struct genl_info *info);

/* netlink_put.c */
int sdt_nl_put_endpoint(struct sk_buff *skb, int type, const struct sdt_endpoint *ep);
int sdt_nl_node_get(struct sk_buff *skb, struct genl_info *info);
int sdt_nl_link_get(struct sk_buff *skb, struct genl_info *info);
int sdt_nl_link_dump(struct sk_buff *skb, struct netlink_callback *cb);
int sdt_nl_tunnel_get(struct sk_buff *skb, struct genl_info *info);
int sdt_nl_tunnel_dump_start(struct netlink_callback *cb);
int sdt_nl_tunnel_dump(struct sk_buff *skb, struct netlink_callback *cb);
int sdt_nl_channel_dump(struct sk_buff *skb, struct netlink_callback *cb);
int sdt_nl_stats_dump(struct sk_buff *skb, struct netlink_callback *cb);

/* ping.c */
int sdt_nl_link_ping(struct sk_buff *skb, struct genl_info *info);

#endif /* _SDT_NETLINK_H */
