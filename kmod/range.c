// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/string.h>

#include "bytes.h"
#include "range.h"

#define HEAD	12	/* bytes that all addresses of a range share */

u32 sdt_range_count(const u8 first[16], const u8 last[16])
{
	u32 lo = sdt_get_be32(first + HEAD), hi = sdt_get_be32(last + HEAD);

	if (memcmp(first, last, HEAD) || lo > hi)
		return 0;
	return hi - lo == U32_MAX ? U32_MAX : hi - lo + 1;
}

void sdt_range_at(const u8 first[16], u32 i, u8 ip[16])
{
	memcpy(ip, first, HEAD);
	sdt_put_be32(ip + HEAD, sdt_get_be32(first + HEAD) + i);
}

bool sdt_range_find(const u8 first[16], u32 n, const u8 ip[16], u32 *i)
{
	u32 at = sdt_get_be32(ip + HEAD) - sdt_get_be32(first + HEAD);

	if (memcmp(first, ip, HEAD) || at >= n)
		return false;
	*i = at;
	return true;
}

u32 sdt_range_ports(u32 addresses, u16 lo, u16 hi)
{
	u64 ports = lo <= hi ? (u64)addresses * (hi - lo + 1) : 0;

	return ports < U32_MAX ? ports : U32_MAX;
}
