// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/string.h>

#include "bytes.h"
#include "frame.h"
#include "proxyv2.h"

#define VERSION_2_PROXY	0x21	/* version 2, command PROXY */
#define UDP_OVER_IPV4	0x12
#define UDP_OVER_IPV6	0x22
#define PORT_LEN	2

static const u8 signature[] = {
	0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
};

static u8 *put_ipv4(u8 *p, const struct sdt_proxy_v2_end *end)
{
	if (sdt_bytes_v4mapped(end->ip))
		memcpy(p, end->ip + 12, 4);
	else
		memset(p, 0, 4);
	return p + 4;
}

static u8 *put_ipv6(u8 *p, const struct sdt_proxy_v2_end *end)
{
	memcpy(p, end->ip, 16);
	return p + 16;
}

unsigned int sdt_proxy_v2_encode(u8 *buf, const struct sdt_proxy_v2_end *src,
				 const struct sdt_proxy_v2_end *dst)
{
	bool ipv4 = sdt_bytes_v4mapped(src->ip);
	u8 *p = buf, *length;

	memcpy(p, signature, sizeof(signature));
	p += sizeof(signature);
	*p++ = VERSION_2_PROXY;
	*p++ = ipv4 ? UDP_OVER_IPV4 : UDP_OVER_IPV6;
	length = p;
	p += 2;
	p = ipv4 ? put_ipv4(p, src) : put_ipv6(p, src);
	p = ipv4 ? put_ipv4(p, dst) : put_ipv6(p, dst);
	memcpy(p, &src->port, PORT_LEN);
	memcpy(p + PORT_LEN, &dst->port, PORT_LEN);
	p += 2 * PORT_LEN;
	sdt_put_be16(length, p - length - 2);
	return p - buf;
}
