/* SPDX-License-Identifier: GPL-2.0 */
/* ICMP errors to customers and targets. */
#ifndef _SDT_ICMP_H
#define _SDT_ICMP_H

#include "tunnel.h"

/**
 * sdt_icmp_too_big() - tell p->from that its datagram to p->to must not exceed a size
 * @t: the tunnel
 * @p: what the datagram said about itself
 * @skb: the datagram, data at the UDP payload; not consumed
 * @mtu_payload: bytes of UDP payload that fit
 *
 * Context: RCU, BH off.
 */
static inline void sdt_icmp_too_big(struct sdt_tunnel *t, const struct sdt_packet *p,
				    const struct sk_buff *skb, unsigned int mtu_payload)
{
}

#endif /* _SDT_ICMP_H */
