// SPDX-License-Identifier: GPL-2.0
/* What requests may say, and how that becomes a configuration. */
#include <linux/inetdevice.h>
#include <net/ipv6.h>

#include "compat/compat.h"
#include "netlink.h"
#include "range.h"

#define SDT_IDLE_LIMIT		604800	/* s, a week */
#define SDT_PAD_LIMIT		1024
#define SDT_LANE_LAST		15

#define READ_ONLY	{ .type = NLA_REJECT, .reject_message = "this is read-only" }
#define NAME		{ .type = NLA_NUL_STRING, .len = SDT_NAME_LEN - 1 }
#define KEY		NLA_POLICY_EXACT_LEN(SDT_KEY_SIZE)
#define NEST(policy)	NLA_POLICY_NESTED(policy)

/* Not const: kernels up to 6.1 declare the policy's pointer so. */
static struct netlink_range_validation max_channels_range = {
	.min = 1,
	.max = SDT_CHANNELS_LIMIT,
};

static struct netlink_range_validation customer_channels_range = {
	.max = SDT_CHANNELS_LIMIT,
};

static struct netlink_range_validation idle_range = {
	.min = 1,
	.max = SDT_IDLE_LIMIT,
};

static struct netlink_range_validation oneshot_range = {
	.max = SDT_IDLE_LIMIT,
};

static const struct nla_policy endpoint_policy[] = {
	[SDT_A_ENDPOINT_IPV4]	= { .type = NLA_U32 },
	[SDT_A_ENDPOINT_IPV6]	= NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[SDT_A_ENDPOINT_PORT]	= { .type = NLA_U16 },
	[SDT_A_ENDPOINT_SCOPE]	= NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy address_policy[] = {
	[SDT_A_ENDPOINT_IPV4]	= { .type = NLA_U32 },
	[SDT_A_ENDPOINT_IPV6]	= NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[SDT_A_ENDPOINT_PORT]	= { .type = NLA_REJECT,
				    .reject_message = "an address without a port is wanted" },
	[SDT_A_ENDPOINT_SCOPE]	= NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy node_set_policy[] = {
	[SDT_A_NODE_ABI]		= READ_ONLY,
	[SDT_A_NODE_VERSION]		= READ_ONLY,
	[SDT_A_NODE_PRIVATE_KEY]	= KEY,
	[SDT_A_NODE_PUBLIC_KEY]		= READ_ONLY,
	[SDT_A_NODE_LISTEN]		= NEST(endpoint_policy),
	[SDT_A_NODE_FWMARK]		= { .type = NLA_U32 },
	[SDT_A_NODE_LINKS]		= READ_ONLY,
	[SDT_A_NODE_TUNNELS]		= READ_ONLY,
	[SDT_A_NODE_CHANNELS]		= READ_ONLY,
	[SDT_A_NODE_IF_NO_KEY]		= { .type = NLA_FLAG },
	[SDT_A_NODE_RESET]		= NLA_POLICY_MAX(NLA_U8, SDT_RESET_ANY),
	[SDT_A_NODE_DEV]		= { .type = NLA_U32 },
};

static const struct nla_policy link_name_policy[] = {
	[SDT_A_LINK_NAME]		= NAME,
};

static const struct nla_policy link_policy[] = {
	[SDT_A_LINK_INDEX]		= READ_ONLY,
	[SDT_A_LINK_NAME]		= NAME,
	[SDT_A_LINK_PEER_KEY]		= KEY,
	[SDT_A_LINK_PEER]		= NEST(endpoint_policy),
	[SDT_A_LINK_PSK]		= KEY,
	[SDT_A_LINK_CIPHER]		= NLA_POLICY_RANGE(NLA_U8, SDT_CIPHER_CHACHA20_POLY1305,
							   SDT_CIPHER_AES_GCM),
	[SDT_A_LINK_LANES]		= NLA_POLICY_RANGE(NLA_U8, 1, SDT_LANES_LIMIT),
	[SDT_A_LINK_KEEPALIVE]		= { .type = NLA_U16 },
	[SDT_A_LINK_SOURCE]		= NEST(address_policy),
	[SDT_A_LINK_ROAM]		= NLA_POLICY_MAX(NLA_U8, 1),
	[SDT_A_LINK_PAD]		= NLA_POLICY_MAX(NLA_U16, SDT_PAD_LIMIT),
	[SDT_A_LINK_TTL]		= { .type = NLA_U8 },
	[SDT_A_LINK_ECN]		= NLA_POLICY_MAX(NLA_U8, 1),
	[SDT_A_LINK_DSCP]		= { .type = NLA_U8 },
	[SDT_A_LINK_MAX_CHANNELS]	= { .type = NLA_U32 },
	[SDT_A_LINK_STATE]		= READ_ONLY,
	[SDT_A_LINK_ENDPOINT]		= READ_ONLY,
	[SDT_A_LINK_HANDSHAKE_AGE]	= READ_ONLY,
	[SDT_A_LINK_LANES_ACTIVE]	= READ_ONLY,
	[SDT_A_LINK_MAX_MESSAGE]	= READ_ONLY,
	[SDT_A_LINK_TUNNELS]		= READ_ONLY,
	[SDT_A_LINK_LANE]		= READ_ONLY,
	[SDT_A_LINK_PATH_MTU]		= READ_ONLY,
};

static const struct nla_policy tunnel_name_policy[] = {
	[SDT_A_TUNNEL_NAME]		= NAME,
};

static const struct nla_policy prefix_policy[] = {
	[SDT_A_PREFIX_IPV4]		= { .type = NLA_U32 },
	[SDT_A_PREFIX_IPV6]		= NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[SDT_A_PREFIX_LEN]		= NLA_POLICY_MAX(NLA_U8, 128),
	[SDT_A_PREFIX_PORT_LO]		= { .type = NLA_U16 },
	[SDT_A_PREFIX_PORT_HI]		= { .type = NLA_U16 },
};

static const struct nla_policy prefixes_policy[] = {
	[SDT_A_PREFIXES_ENTRY]		= NEST(prefix_policy),
};

static const struct nla_policy tunnel_policy[] = {
	[SDT_A_TUNNEL_INDEX]		= READ_ONLY,
	[SDT_A_TUNNEL_NAME]		= NAME,
	[SDT_A_TUNNEL_LINK]		= NAME,
	[SDT_A_TUNNEL_ID]		= { .type = NLA_U16 },
	[SDT_A_TUNNEL_MODE]		= NLA_POLICY_RANGE(NLA_U8, SDT_MODE_DIRECT,
							   SDT_MODE_ROUTER),
	[SDT_A_TUNNEL_ROLE]		= NLA_POLICY_MAX(NLA_U8, SDT_ROLE_SERVER),
	[SDT_A_TUNNEL_LISTEN]		= NEST(endpoint_policy),
	[SDT_A_TUNNEL_CUSTOMER]		= NEST(endpoint_policy),
	[SDT_A_TUNNEL_TARGET]		= NEST(endpoint_policy),
	[SDT_A_TUNNEL_MAX_CHANNELS]	= NLA_POLICY_FULL_RANGE(NLA_U32, &max_channels_range),
	[SDT_A_TUNNEL_MAX_CHANNELS_PER_CUSTOMER] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &customer_channels_range),
	[SDT_A_TUNNEL_CHANNEL_RATE]	= { .type = NLA_U32 },
	[SDT_A_TUNNEL_IDLE]		= NLA_POLICY_FULL_RANGE(NLA_U32, &idle_range),
	[SDT_A_TUNNEL_AT_LIMIT]		= NLA_POLICY_MAX(NLA_U8, SDT_AT_LIMIT_EVICT_IDLE),
	[SDT_A_TUNNEL_EGRESS]		= NEST(address_policy),
	[SDT_A_TUNNEL_EGRESS_PORT_LO]	= NLA_POLICY_MIN(NLA_U16, 1),
	[SDT_A_TUNNEL_EGRESS_PORT_HI]	= NLA_POLICY_MIN(NLA_U16, 1),
	[SDT_A_TUNNEL_CHANNELS]		= READ_ONLY,
	[SDT_A_TUNNEL_IN_DATAGRAMS]	= READ_ONLY,
	[SDT_A_TUNNEL_OUT_DATAGRAMS]	= READ_ONLY,
	[SDT_A_TUNNEL_IDLE_ONESHOT]	= NLA_POLICY_FULL_RANGE(NLA_U32, &oneshot_range),
	[SDT_A_TUNNEL_EGRESS_LAST]	= NEST(address_policy),
	[SDT_A_TUNNEL_CLIENT_ADDRESS]	= NLA_POLICY_MAX(NLA_U8, SDT_CLIENT_TRANSPARENT),
	[SDT_A_TUNNEL_CLIENT_ALLOW]	= NEST(prefixes_policy),
	[SDT_A_TUNNEL_ALLOW]		= NEST(prefixes_policy),
	[SDT_A_TUNNEL_FILTER]		= NLA_POLICY_MAX(NLA_U8, SDT_FILTER_NONE),
	[SDT_A_TUNNEL_PORTS]		= READ_ONLY,
	[SDT_A_TUNNEL_PORTS_ACTIVE]	= READ_ONLY,
	[SDT_A_TUNNEL_PORTS_RESTING]	= READ_ONLY,
	[SDT_A_TUNNEL_IDLE_REFRESH]	= NLA_POLICY_MAX(NLA_U8, SDT_IDLE_REFRESH_CUSTOMER),
};

static const struct nla_policy channel_get_policy[] = {
	[SDT_A_CHANNEL_TUNNEL]		= NAME,
};

static const struct nla_policy stats_get_policy[] = {
	[SDT_A_STATS_LINK]		= NAME,
	[SDT_A_STATS_TUNNEL]		= NAME,
};

static const struct nla_policy ping_policy[] = {
	[SDT_A_PING_LINK]		= NAME,
	[SDT_A_PING_NUMBER]		= { .type = NLA_U32 },
	[SDT_A_PING_LANE]		= NLA_POLICY_MAX(NLA_U8, SDT_LANE_LAST),
	[SDT_A_PING_SIZE]		= { .type = NLA_U16 },
};

const struct nla_policy sdt_nl_nothing_policy[SDT_A_MAX + 1] = {
	[SDT_A_NODE]	= { .type = NLA_REJECT, .reject_message = "no attributes are wanted" },
};

const struct nla_policy sdt_nl_node_set_policy[SDT_A_MAX + 1] = {
	[SDT_A_NODE]	= NEST(node_set_policy),
};

const struct nla_policy sdt_nl_link_name_policy[SDT_A_MAX + 1] = {
	[SDT_A_LINK]	= NEST(link_name_policy),
};

const struct nla_policy sdt_nl_link_policy[SDT_A_MAX + 1] = {
	[SDT_A_LINK]	= NEST(link_policy),
};

const struct nla_policy sdt_nl_tunnel_name_policy[SDT_A_MAX + 1] = {
	[SDT_A_TUNNEL]	= NEST(tunnel_name_policy),
};

const struct nla_policy sdt_nl_tunnel_add_policy[SDT_A_MAX + 1] = {
	[SDT_A_LINK]	= NEST(link_policy),
	[SDT_A_TUNNEL]	= NEST(tunnel_policy),
};

const struct nla_policy sdt_nl_tunnel_set_policy[SDT_A_MAX + 1] = {
	[SDT_A_TUNNEL]	= NEST(tunnel_policy),
};

const struct nla_policy sdt_nl_channel_get_policy[SDT_A_MAX + 1] = {
	[SDT_A_CHANNEL]	= NEST(channel_get_policy),
};

const struct nla_policy sdt_nl_stats_get_policy[SDT_A_MAX + 1] = {
	[SDT_A_STATS]	= NEST(stats_get_policy),
};

const struct nla_policy sdt_nl_link_ping_policy[SDT_A_MAX + 1] = {
	[SDT_A_PING]	= NEST(ping_policy),
};

static bool endpoint_unicast(const struct sdt_endpoint *ep)
{
	__be32 v4 = sdt_ip_to4(&ep->ip);

	if (sdt_ip_any(&ep->ip))
		return false;
	if (ep->family == AF_INET)
		return !ipv4_is_multicast(v4) && !ipv4_is_lbcast(v4) && !ipv4_is_zeronet(v4);
	return !ipv6_addr_is_multicast(&ep->ip);
}

static int parse_endpoint(const struct nlattr *nest, struct sdt_endpoint *ep,
			  struct netlink_ext_ack *extack)
{
	struct nlattr *tb[SDT_A_ENDPOINT_MAX + 1];
	bool link_local;
	int err;

	err = nla_parse_nested(tb, SDT_A_ENDPOINT_MAX, nest, NULL, extack);
	if (err)
		return err;
	memset(ep, 0, sizeof(*ep));
	if (tb[SDT_A_ENDPOINT_IPV4] && tb[SDT_A_ENDPOINT_IPV6]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "either an IPv4 or an IPv6 address, not both");
		return -EINVAL;
	}
	if (tb[SDT_A_ENDPOINT_IPV4]) {
		ep->family = AF_INET;
		ep->ip = sdt_ip_from4(nla_get_in_addr(tb[SDT_A_ENDPOINT_IPV4]));
	} else if (tb[SDT_A_ENDPOINT_IPV6]) {
		ep->family = AF_INET6;
		ep->ip = nla_get_in6_addr(tb[SDT_A_ENDPOINT_IPV6]);
		if (ipv6_addr_v4mapped(&ep->ip)) {
			NL_SET_ERR_MSG_ATTR(extack, nest, "an IPv4 address must be given as such");
			return -EINVAL;
		}
	}
	if (tb[SDT_A_ENDPOINT_PORT])
		ep->port = nla_get_be16(tb[SDT_A_ENDPOINT_PORT]);
	link_local = ep->family == AF_INET6 &&
		     (ipv6_addr_type(&ep->ip) & IPV6_ADDR_LINKLOCAL);
	if (link_local && !tb[SDT_A_ENDPOINT_SCOPE]) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "a link-local address needs its interface (ADDR%IFNAME)");
		return -EINVAL;
	}
	if (!link_local && tb[SDT_A_ENDPOINT_SCOPE]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "only a link-local address has an interface");
		return -EINVAL;
	}
	if (link_local)
		ep->ifindex = nla_get_u32(tb[SDT_A_ENDPOINT_SCOPE]);
	return 0;
}

/* Where datagrams are sent to. */
static int parse_remote(const struct nlattr *nest, struct sdt_endpoint *ep,
			struct netlink_ext_ack *extack)
{
	int err = parse_endpoint(nest, ep, extack);

	if (err)
		return err;
	if (!ep->family || !endpoint_unicast(ep)) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "a unicast address is wanted");
		return -EINVAL;
	}
	if (!ep->port) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "a port is wanted");
		return -EINVAL;
	}
	return 0;
}

/* An own address; the unspecified one and none at all leave it to the system. */
static int parse_local(const struct nlattr *nest, struct sdt_endpoint *ep,
		       struct netlink_ext_ack *extack)
{
	int err = parse_endpoint(nest, ep, extack);

	if (err)
		return err;
	if (ep->family && !sdt_ip_any(&ep->ip) && !endpoint_unicast(ep)) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "a unicast address is wanted");
		return -EINVAL;
	}
	return 0;
}

/* An own address with a port that customers write to. */
static int parse_listen(const struct nlattr *nest, struct sdt_endpoint *ep,
			struct netlink_ext_ack *extack)
{
	int err = parse_local(nest, ep, extack);

	if (!err && !ep->port) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "a port is wanted");
		return -EINVAL;
	}
	return err;
}

static int name_missing(struct netlink_ext_ack *extack)
{
	NL_SET_ERR_MSG(extack, "the name is missing");
	return -EINVAL;
}

int sdt_nl_new_name(const struct nlattr *nla, struct netlink_ext_ack *extack)
{
	const char *name, *c;

	if (!nla)
		return name_missing(extack);
	name = nla_data(nla);
	for (c = name; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '/')
			break;
	if (*c || !*name || *name == '-') {
		NL_SET_ERR_MSG_ATTR(extack, nla,
				    "a name is 1 to 31 printable ASCII characters without / or space, no - in front");
		return -EINVAL;
	}
	return 0;
}

/* All bits of the attributes in @tb that are there. */
static u32 present(struct nlattr **tb, int max)
{
	u32 set = 0;
	int i;

	for (i = 1; i <= max; i++)
		if (tb[i])
			set |= BIT(i);
	return set;
}

int sdt_nl_parse_node(struct nlattr **attrs, struct sdt_node_cfg *cfg,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[SDT_A_NODE_MAX + 1];
	int err;

	BUILD_BUG_ON(SDT_A_NODE_MAX >= 32);
	if (!attrs[SDT_A_NODE]) {
		NL_SET_ERR_MSG(extack, "nothing to set");
		return -EINVAL;
	}
	err = nla_parse_nested(tb, SDT_A_NODE_MAX, attrs[SDT_A_NODE], NULL, extack);
	if (err)
		return err;
	cfg->set = present(tb, SDT_A_NODE_MAX) & ~BIT(SDT_A_NODE_IF_NO_KEY);
	cfg->if_no_key = !!tb[SDT_A_NODE_IF_NO_KEY];
	if (tb[SDT_A_NODE_PRIVATE_KEY])
		nla_memcpy(cfg->private_key, tb[SDT_A_NODE_PRIVATE_KEY], SDT_KEY_LEN);
	if (tb[SDT_A_NODE_LISTEN])
		err = parse_local(tb[SDT_A_NODE_LISTEN], &cfg->listen, extack);
	if (tb[SDT_A_NODE_FWMARK])
		cfg->fwmark = nla_get_u32(tb[SDT_A_NODE_FWMARK]);
	if (tb[SDT_A_NODE_DEV])
		cfg->ifindex = nla_get_u32(tb[SDT_A_NODE_DEV]);
	if (tb[SDT_A_NODE_RESET])
		cfg->reset = nla_get_u8(tb[SDT_A_NODE_RESET]);
	return err;
}

int sdt_nl_parse_link(struct nlattr **attrs, struct sdt_link_cfg *cfg,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[SDT_A_LINK_MAX + 1];
	int err;

	BUILD_BUG_ON(SDT_A_LINK_MAX >= 32);
	if (!attrs[SDT_A_LINK])
		return name_missing(extack);
	err = nla_parse_nested(tb, SDT_A_LINK_MAX, attrs[SDT_A_LINK], NULL, extack);
	if (err)
		return err;
	cfg->set = present(tb, SDT_A_LINK_MAX);
	if (tb[SDT_A_LINK_NAME])
		sdt_compat_nla_strscpy(cfg->name, tb[SDT_A_LINK_NAME], SDT_NAME_LEN);
	if (tb[SDT_A_LINK_PEER_KEY])
		nla_memcpy(cfg->peer_key, tb[SDT_A_LINK_PEER_KEY], SDT_KEY_LEN);
	if (tb[SDT_A_LINK_PSK])
		nla_memcpy(cfg->psk, tb[SDT_A_LINK_PSK], SDT_KEY_LEN);
	if (tb[SDT_A_LINK_CIPHER])
		cfg->cipher = nla_get_u8(tb[SDT_A_LINK_CIPHER]);
	if (tb[SDT_A_LINK_LANES])
		cfg->lanes = nla_get_u8(tb[SDT_A_LINK_LANES]);
	if (tb[SDT_A_LINK_KEEPALIVE])
		cfg->keepalive = nla_get_u16(tb[SDT_A_LINK_KEEPALIVE]);
	if (tb[SDT_A_LINK_ROAM])
		cfg->roam = nla_get_u8(tb[SDT_A_LINK_ROAM]);
	if (tb[SDT_A_LINK_PAD])
		cfg->pad = nla_get_u16(tb[SDT_A_LINK_PAD]);
	if (tb[SDT_A_LINK_TTL])
		cfg->ttl = nla_get_u8(tb[SDT_A_LINK_TTL]);
	if (tb[SDT_A_LINK_ECN])
		cfg->ecn = nla_get_u8(tb[SDT_A_LINK_ECN]);
	if (tb[SDT_A_LINK_MAX_CHANNELS])
		cfg->max_channels = nla_get_u32(tb[SDT_A_LINK_MAX_CHANNELS]);
	if (tb[SDT_A_LINK_DSCP]) {
		cfg->dscp = nla_get_u8(tb[SDT_A_LINK_DSCP]);
		if (cfg->dscp > 63 && cfg->dscp != SDT_DSCP_COPY) {
			NL_SET_ERR_MSG_ATTR(extack, tb[SDT_A_LINK_DSCP],
					    "dscp is 0 to 63, or copy");
			return -EINVAL;
		}
	}
	if (tb[SDT_A_LINK_PEER])
		err = parse_remote(tb[SDT_A_LINK_PEER], &cfg->peer, extack);
	if (!err && tb[SDT_A_LINK_SOURCE])
		err = parse_local(tb[SDT_A_LINK_SOURCE], &cfg->source, extack);
	if (sdt_ip_any(&cfg->source.ip))
		cfg->source.family = 0;
	return err;
}

static int parse_egress(struct nlattr **tb, struct sdt_tunnel_cfg *cfg,
			struct netlink_ext_ack *extack)
{
	const struct nlattr *last = tb[SDT_A_TUNNEL_EGRESS_LAST];
	int err = 0;
	u32 n;

	if (tb[SDT_A_TUNNEL_EGRESS])
		err = parse_local(tb[SDT_A_TUNNEL_EGRESS], &cfg->egress, extack);
	if (err || !last)
		return err;
	if (!cfg->egress.family || sdt_ip_any(&cfg->egress.ip)) {
		NL_SET_ERR_MSG_ATTR(extack, last, "an egress range needs its first address");
		return -EINVAL;
	}
	err = parse_local(last, &cfg->egress_last, extack);
	if (err)
		return err;
	n = sdt_range_count(cfg->egress.ip.s6_addr, cfg->egress_last.ip.s6_addr);
	if (cfg->egress_last.family != cfg->egress.family ||
	    cfg->egress_last.ifindex != cfg->egress.ifindex || !n) {
		NL_SET_ERR_MSG_ATTR(extack, last, "an egress range goes up, from an address to one of its family");
		return -EINVAL;
	}
	if (n > SDT_EGRESS_LIMIT) {
		NL_SET_ERR_MSG_ATTR(extack, last, "an egress range has at most 256 addresses");
		return -ERANGE;
	}
	if (n == 1)
		memset(&cfg->egress_last, 0, sizeof(cfg->egress_last));
	return 0;
}

static int parse_prefix(const struct nlattr *nest, struct sdt_prefix *p,
			struct netlink_ext_ack *extack)
{
	struct nlattr *tb[SDT_A_PREFIX_MAX + 1];
	struct in6_addr ip;
	int err;

	err = nla_parse_nested(tb, SDT_A_PREFIX_MAX, nest, prefix_policy, extack);
	if (err)
		return err;
	if (!tb[SDT_A_PREFIX_IPV4] == !tb[SDT_A_PREFIX_IPV6] || !tb[SDT_A_PREFIX_LEN] ||
	    !tb[SDT_A_PREFIX_PORT_LO] != !tb[SDT_A_PREFIX_PORT_HI]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "a prefix is an address, a length, and two ports or none");
		return -EINVAL;
	}
	memset(p, 0, sizeof(*p));
	p->len = nla_get_u8(tb[SDT_A_PREFIX_LEN]);
	if (tb[SDT_A_PREFIX_IPV4]) {
		ip = sdt_ip_from4(nla_get_in_addr(tb[SDT_A_PREFIX_IPV4]));
		if (p->len > 32) {
			NL_SET_ERR_MSG_ATTR(extack, nest, "a prefix of IPv4 has at most 32 bits");
			return -ERANGE;
		}
		p->len += SDT_PREFIX_V4_BITS;
	} else {
		ip = nla_get_in6_addr(tb[SDT_A_PREFIX_IPV6]);
		if (ipv6_addr_v4mapped(&ip)) {
			NL_SET_ERR_MSG_ATTR(extack, nest, "an IPv4 address must be given as such");
			return -EINVAL;
		}
	}
	memcpy(p->ip, &ip, sizeof(p->ip));
	p->port_hi = U16_MAX;
	if (tb[SDT_A_PREFIX_PORT_LO]) {
		p->port_lo = nla_get_u16(tb[SDT_A_PREFIX_PORT_LO]);
		p->port_hi = nla_get_u16(tb[SDT_A_PREFIX_PORT_HI]);
	}
	if (sdt_prefix_valid(p))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, nest, "a prefix has no bits beyond its length, and its ports go up");
	return -EINVAL;
}

/* An empty nest is an empty list: *@list stays NULL. */
static int parse_prefixes(const struct nlattr *nest, struct sdt_prefixes **list,
			  struct netlink_ext_ack *extack)
{
	struct sdt_prefixes *l;
	unsigned int n = 0;
	struct nlattr *nla;
	int rem, err;

	if (!nest)
		return 0;
	nla_for_each_nested(nla, nest, rem)
		n++;
	if (n > SDT_PREFIXES_LIMIT) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "a list has at most 64 prefixes");
		return -E2BIG;
	}
	if (!n)
		return 0;
	l = kzalloc(struct_size(l, v, n), GFP_KERNEL_ACCOUNT);
	if (!l)
		return -ENOMEM;
	nla_for_each_nested(nla, nest, rem) {
		err = parse_prefix(nla, &l->v[l->n], extack);
		if (err) {
			kfree(l);
			return err;
		}
		l->n++;
	}
	*list = l;
	return 0;
}

static int parse_tunnel_endpoints(struct nlattr **tb, struct sdt_tunnel_cfg *cfg,
				  struct netlink_ext_ack *extack)
{
	int err = 0;

	if (tb[SDT_A_TUNNEL_LISTEN])
		err = parse_listen(tb[SDT_A_TUNNEL_LISTEN], &cfg->listen, extack);
	if (!err && tb[SDT_A_TUNNEL_CUSTOMER])
		err = parse_remote(tb[SDT_A_TUNNEL_CUSTOMER], &cfg->customer, extack);
	if (!err && tb[SDT_A_TUNNEL_TARGET])
		err = parse_remote(tb[SDT_A_TUNNEL_TARGET], &cfg->target, extack);
	return err ?: parse_egress(tb, cfg, extack);
}

static int parse_egress_ports(struct nlattr **tb, struct sdt_tunnel_cfg *cfg,
			      struct netlink_ext_ack *extack)
{
	const struct nlattr *lo = tb[SDT_A_TUNNEL_EGRESS_PORT_LO];
	const struct nlattr *hi = tb[SDT_A_TUNNEL_EGRESS_PORT_HI];

	if (!lo && !hi)
		return 0;
	if (!lo || !hi) {
		NL_SET_ERR_MSG_ATTR(extack, lo ?: hi, "egress-ports needs both its ends");
		return -EINVAL;
	}
	cfg->egress_port_lo = nla_get_u16(lo);
	cfg->egress_port_hi = nla_get_u16(hi);
	if (cfg->egress_port_lo > cfg->egress_port_hi) {
		NL_SET_ERR_MSG_ATTR(extack, lo, "egress-ports begins above its end");
		return -EINVAL;
	}
	return 0;
}

int sdt_nl_parse_tunnel(struct nlattr **attrs, struct sdt_tunnel_cfg *cfg,
			char link[SDT_NAME_LEN], struct netlink_ext_ack *extack)
{
	struct nlattr *tb[SDT_A_TUNNEL_MAX + 1];
	int err;

	BUILD_BUG_ON(SDT_A_TUNNEL_MAX >= 32);
	link[0] = '\0';
	if (!attrs[SDT_A_TUNNEL])
		return name_missing(extack);
	err = nla_parse_nested(tb, SDT_A_TUNNEL_MAX, attrs[SDT_A_TUNNEL], NULL, extack);
	if (err)
		return err;
	cfg->set = present(tb, SDT_A_TUNNEL_MAX);
	if (tb[SDT_A_TUNNEL_NAME])
		sdt_compat_nla_strscpy(cfg->name, tb[SDT_A_TUNNEL_NAME], SDT_NAME_LEN);
	if (tb[SDT_A_TUNNEL_LINK])
		sdt_compat_nla_strscpy(link, tb[SDT_A_TUNNEL_LINK], SDT_NAME_LEN);
	if (tb[SDT_A_TUNNEL_ID])
		cfg->number = nla_get_u16(tb[SDT_A_TUNNEL_ID]);
	if (tb[SDT_A_TUNNEL_MODE])
		cfg->mode = nla_get_u8(tb[SDT_A_TUNNEL_MODE]);
	if (tb[SDT_A_TUNNEL_ROLE])
		cfg->role = nla_get_u8(tb[SDT_A_TUNNEL_ROLE]);
	if (tb[SDT_A_TUNNEL_MAX_CHANNELS])
		cfg->max_channels = nla_get_u32(tb[SDT_A_TUNNEL_MAX_CHANNELS]);
	if (tb[SDT_A_TUNNEL_MAX_CHANNELS_PER_CUSTOMER])
		cfg->max_channels_per_customer =
			nla_get_u32(tb[SDT_A_TUNNEL_MAX_CHANNELS_PER_CUSTOMER]);
	if (tb[SDT_A_TUNNEL_CHANNEL_RATE])
		cfg->channel_rate = nla_get_u32(tb[SDT_A_TUNNEL_CHANNEL_RATE]);
	if (tb[SDT_A_TUNNEL_IDLE])
		cfg->idle = nla_get_u32(tb[SDT_A_TUNNEL_IDLE]);
	if (tb[SDT_A_TUNNEL_AT_LIMIT])
		cfg->at_limit = nla_get_u8(tb[SDT_A_TUNNEL_AT_LIMIT]);
	if (tb[SDT_A_TUNNEL_IDLE_REFRESH])
		cfg->idle_refresh = nla_get_u8(tb[SDT_A_TUNNEL_IDLE_REFRESH]);
	if (tb[SDT_A_TUNNEL_IDLE_ONESHOT])
		cfg->idle_oneshot = nla_get_u32(tb[SDT_A_TUNNEL_IDLE_ONESHOT]);
	if (tb[SDT_A_TUNNEL_CLIENT_ADDRESS])
		cfg->client_address = nla_get_u8(tb[SDT_A_TUNNEL_CLIENT_ADDRESS]);
	if (tb[SDT_A_TUNNEL_FILTER])
		cfg->filter = nla_get_u8(tb[SDT_A_TUNNEL_FILTER]);
	return parse_tunnel_endpoints(tb, cfg, extack) ?:
	       parse_egress_ports(tb, cfg, extack) ?:
	       parse_prefixes(tb[SDT_A_TUNNEL_ALLOW], &cfg->allow, extack) ?:
	       parse_prefixes(tb[SDT_A_TUNNEL_CLIENT_ALLOW], &cfg->client_allow, extack);
}

/* The attribute @type in @nest, or NULL. */
static const struct nlattr *name_in(const struct nlattr *nest, int type,
				    struct netlink_ext_ack *extack)
{
	const struct nlattr *nla = nest ? nla_find_nested(nest, type) : NULL;

	if (!nla)
		name_missing(extack);
	return nla;
}

struct sdt_link *sdt_nl_find_link(struct sdt_node *node, const struct nlattr *nest,
				  struct netlink_ext_ack *extack)
{
	return sdt_nl_named_link(node, nest ? nla_find_nested(nest, SDT_A_LINK_NAME) : NULL, extack);
}

struct sdt_link *sdt_nl_named_link(struct sdt_node *node, const struct nlattr *name,
				   struct netlink_ext_ack *extack)
{
	struct sdt_link *link;

	BUILD_BUG_ON(SDT_LANES_LIMIT - 1 != SDT_LANE_LAST);
	if (!name) {
		name_missing(extack);
		return ERR_PTR(-EINVAL);
	}
	link = sdt_link_find(node, nla_data(name));
	if (link)
		return link;
	NL_SET_ERR_MSG_ATTR(extack, name, "there is no such link");
	return ERR_PTR(-ENOENT);
}

struct sdt_tunnel *sdt_nl_find_tunnel(struct sdt_node *node, const struct nlattr *nest,
				      struct netlink_ext_ack *extack)
{
	const struct nlattr *name = name_in(nest, SDT_A_TUNNEL_NAME, extack);
	struct sdt_tunnel *t;

	if (!name)
		return ERR_PTR(-EINVAL);
	t = sdt_tunnel_find(node, nla_data(name));
	if (t)
		return t;
	NL_SET_ERR_MSG_ATTR(extack, name, "there is no such tunnel");
	return ERR_PTR(-ENOENT);
}
