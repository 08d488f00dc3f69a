// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/string.h>

#include "prefix.h"

#define IP_BITS		128

/* Are the @bits first bits of both alike? */
static bool same_bits(const u8 *a, const u8 *b, unsigned int bits)
{
	unsigned int bytes = bits / 8;
	u8 mask = 0xff << (8 - bits % 8);

	return !memcmp(a, b, bytes) && (!(bits % 8) || !((a[bytes] ^ b[bytes]) & mask));
}

static bool is_v4(const u8 *ip)
{
	static const u8 mapped[SDT_PREFIX_V4_BITS / 8] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(ip, mapped, sizeof(mapped));
}

bool sdt_prefix_valid(const struct sdt_prefix *p)
{
	unsigned int i;

	if (p->len > IP_BITS || p->port_lo > p->port_hi)
		return false;
	for (i = p->len; i < IP_BITS; i++)
		if (p->ip[i / 8] & 0x80 >> i % 8)
			return false;
	return true;
}

bool sdt_prefix_covers(const struct sdt_prefix *p, const u8 ip[16], u16 port)
{
	if (port < p->port_lo || port > p->port_hi)
		return false;
	if (p->len < SDT_PREFIX_V4_BITS && is_v4(ip))
		return false;
	return same_bits(p->ip, ip, p->len);
}

bool sdt_prefix_any_covers(const struct sdt_prefix *v, unsigned int n, const u8 ip[16], u16 port)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (sdt_prefix_covers(&v[i], ip, port))
			return true;
	return false;
}
