/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses as every file of the module sees them. */
#ifndef _SDT_ADDR_H
#define _SDT_ADDR_H

#include <linux/in6.h>
#include <linux/skbuff.h>
#include <net/ipv6.h>

/*
 * IP address (IPv4 as v4-mapped), port, and the interface of a link-local
 * address. No padding: usable as a hash key when made by these helpers.
 */
struct sdt_endpoint {
	struct in6_addr ip;
	__be16 port;
	u16 family;		/* AF_INET, AF_INET6; 0: unset, or any of both */
	u32 ifindex;		/* only for link-local addresses, else 0 */
};

static inline struct in6_addr sdt_ip_from4(__be32 v4)
{
	struct in6_addr ip;

	ipv6_addr_set_v4mapped(v4, &ip);
	return ip;
}

static inline __be32 sdt_ip_to4(const struct in6_addr *ip)
{
	return ip->s6_addr32[3];
}

/** sdt_ip_any() - unset: all zero, or v4-mapped 0.0.0.0 */
static inline bool sdt_ip_any(const struct in6_addr *ip)
{
	return ipv6_addr_any(ip) ||
	       (ipv6_addr_v4mapped(ip) && !ip->s6_addr32[3]);
}

/** sdt_endpoint_make() - from its parts; @ifindex counts for link-local addresses only */
static inline void sdt_endpoint_make(struct sdt_endpoint *e, const struct in6_addr *ip,
				     __be16 port, u32 ifindex)
{
	e->ip = *ip;
	e->port = port;
	e->family = ipv6_addr_v4mapped(ip) ? AF_INET : AF_INET6;
	e->ifindex = ipv6_addr_type(ip) & IPV6_ADDR_LINKLOCAL ? ifindex : 0;
}

static inline bool sdt_endpoint_equal(const struct sdt_endpoint *a, const struct sdt_endpoint *b)
{
	return a->port == b->port && a->family == b->family && a->ifindex == b->ifindex &&
	       ipv6_addr_equal(&a->ip, &b->ip);
}

/** sdt_ip_equal() - addresses alone, with their interface */
static inline bool sdt_ip_equal(const struct sdt_endpoint *a, const struct sdt_endpoint *b)
{
	return a->family == b->family && a->ifindex == b->ifindex &&
	       ipv6_addr_equal(&a->ip, &b->ip);
}

#endif /* _SDT_ADDR_H */
