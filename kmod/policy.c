// SPDX-License-Identifier: GPL-2.0
/* What a peer may make this node do, whatever is allowed. */
#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/route.h>

#include "addr.h"
#include "addrclass.h"
#include "policy.h"

/* The local table knows broadcast addresses too; a VRF's addresses are not in it. */
static bool own4(struct net *net, __be32 ip)
{
	return inet_addr_type(net, ip) != RTN_UNICAST || __ip_dev_find(net, ip, false);
}

static bool own6(struct net *net, const struct in6_addr *ip)
{
#if IS_ENABLED(CONFIG_IPV6)
	/* None is banned: a tentative address is ours as well. */
	return ipv6_chk_addr_and_flags(net, ip, NULL, true, 0, 0);
#else
	return false;
#endif
}

bool sdt_policy_refuses(struct net *net, const struct in6_addr *ip, __be16 port)
{
	if (!port || sdt_address_special(ip->s6_addr))
		return true;
	return ipv6_addr_v4mapped(ip) ? own4(net, sdt_ip_to4(ip)) : own6(net, ip);
}
