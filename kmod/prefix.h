/* SPDX-License-Identifier: GPL-2.0 */
/* Lists of address prefixes with ports (allow, client-allow): pure. */
#ifndef _SDT_PREFIX_H
#define _SDT_PREFIX_H

#include <linux/types.h>

#define SDT_PREFIX_V4_BITS	96	/* of a v4-mapped address, before the IPv4 address begins */

/* IPv4 as v4-mapped: so an IPv4 prefix has 96 to 128 bits, and never covers IPv6. */
struct sdt_prefix {
	u8 ip[16];		/* bits beyond @len are zero */
	u8 len;			/* 0..128 */
	u16 port_lo, port_hi;	/* both included */
};

/**
 * sdt_prefix_valid() - is it one: bits beyond its length zero, ports in order?
 * @p: the prefix
 */
bool sdt_prefix_valid(const struct sdt_prefix *p);

/**
 * sdt_prefix_covers() - does @p name this address and port?
 * @p: a valid prefix
 * @ip: 16 bytes, IPv4 as v4-mapped
 * @port: in the host's order
 *
 * An IPv6 prefix shorter than 96 bits does not cover v4-mapped addresses: ::/0 is IPv6 alone.
 */
bool sdt_prefix_covers(const struct sdt_prefix *p, const u8 ip[16], u16 port);

/**
 * sdt_prefix_any_covers() - does one of @n prefixes at @v? See sdt_prefix_covers().
 * @v: the prefixes
 * @n: how many
 * @ip: 16 bytes
 * @port: in the host's order
 */
bool sdt_prefix_any_covers(const struct sdt_prefix *v, unsigned int n, const u8 ip[16], u16 port);

#endif /* _SDT_PREFIX_H */
