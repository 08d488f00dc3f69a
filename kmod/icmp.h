/* SPDX-License-Identifier: GPL-2.0 */
/* ICMP errors: of the networks on both sides, told across the link, and made for customers. */
#ifndef _SDT_ICMP_H
#define _SDT_ICMP_H

#include "tunnel.h"

/**
 * sdt_icmp_too_big() - tell the sender of a datagram that it is too long
 * @t: the tunnel
 * @p: how the datagram came: from a customer or the target
 * @skb: the datagram, data .. len its payload; only read
 * @mtu_payload: bytes of UDP payload that would do
 *
 * ICMPv4 "fragmentation needed" or ICMPv6 "packet too big". Whether the sender wants
 * to hear that (DF, or IPv6 unfragmented, and a size worth telling) is the caller's to
 * know. Limited in rate and counted here; the caller drops and counts @skb.
 * Context: RCU read side, BH off.
 */
void sdt_icmp_too_big(struct sdt_tunnel *t, const struct sdt_packet *p, const struct sk_buff *skb,
		      unsigned int mtu_payload);

/**
 * sdt_icmp_unreachable() - proxy role: tell a customer what the server's node told
 * @t: the tunnel
 * @customer: who
 * @local: what it wrote to
 * @ifindex: VRF that the customer is in; 0: none
 * @c: the UNREACHABLE frame
 *
 * The caller has verified that @customer wrote to @local by the frame's channel. Limited
 * in rate and counted here.
 * Context: RCU read side, BH off.
 */
void sdt_icmp_unreachable(struct sdt_tunnel *t, const struct sdt_endpoint *customer,
			  const struct sdt_endpoint *local, u32 ifindex,
			  const struct sdt_control *c);

#endif /* _SDT_ICMP_H */
