/* SPDX-License-Identifier: GPL-2.0 */
/* Big-endian integers at any alignment, alike in the kernel and in user space. */
#ifndef _SDT_BYTES_H
#define _SDT_BYTES_H

#include <linux/types.h>

static inline u16 sdt_get_be16(const void *p)
{
	const u8 *b = p;

	return (u16)(b[0] << 8 | b[1]);
}

static inline u32 sdt_get_be32(const void *p)
{
	const u8 *b = p;

	return (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3];
}

static inline u64 sdt_get_be64(const void *p)
{
	const u8 *b = p;

	return (u64)sdt_get_be32(b) << 32 | sdt_get_be32(b + 4);
}

static inline void sdt_put_be16(void *p, u16 v)
{
	u8 *b = p;

	b[0] = v >> 8;
	b[1] = v & 0xff;
}

static inline void sdt_put_be32(void *p, u32 v)
{
	u8 *b = p;

	sdt_put_be16(b, v >> 16);
	sdt_put_be16(b + 2, v & 0xffff);
}

static inline void sdt_put_be64(void *p, u64 v)
{
	u8 *b = p;

	sdt_put_be32(b, v >> 32);
	sdt_put_be32(b + 4, v & 0xffffffff);
}

/* Is the IPv6 address of 16 bytes an IPv4 one, ::ffff:a.b.c.d? */
static inline bool sdt_bytes_v4mapped(const u8 *ip)
{
	return !sdt_get_be64(ip) && sdt_get_be32(ip + 8) == 0xffff;
}

#endif /* _SDT_BYTES_H */
