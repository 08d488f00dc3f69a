/* SPDX-License-Identifier: GPL-2.0 */
/* The PROXY protocol, version 2, as it stands in front of a UDP datagram; pure. */
#ifndef _SDT_PROXYV2_H
#define _SDT_PROXYV2_H

#include <linux/types.h>

#define SDT_PROXY_V2_MAX	52	/* bytes of a header with IPv6 addresses */

/* An address and port; IPv4 as v4-mapped. */
struct sdt_proxy_v2_end {
	u8 ip[16];
	__be16 port;
};

/**
 * sdt_proxy_v2_encode() - write a header: what follows is a datagram from @src to @dst
 * @buf: SDT_PROXY_V2_MAX bytes
 * @src: who sent it; its family is the header's
 * @dst: whom it was sent to. An IPv4 address stands v4-mapped in a header of IPv6. An IPv6
 * address cannot stand in one of IPv4: it becomes 0.0.0.0, and the port stays.
 *
 * Return: bytes written.
 */
unsigned int sdt_proxy_v2_encode(u8 *buf, const struct sdt_proxy_v2_end *src,
				 const struct sdt_proxy_v2_end *dst);

#endif /* _SDT_PROXYV2_H */
