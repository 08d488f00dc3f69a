// SPDX-License-Identifier: GPL-2.0
/* ICMP errors: of the networks on both sides, told across the link, and made for customers. */
#include "compat/compat.h"
#include "icmp.h"

void sdt_icmp_too_big(struct sdt_tunnel *t, const struct sdt_packet *p, const struct sk_buff *skb,
		      unsigned int mtu_payload)
{
}

void sdt_icmp_unreachable(struct sdt_tunnel *t, const struct sdt_endpoint *customer,
			  const struct sdt_endpoint *local, u32 ifindex,
			  const struct sdt_control *c)
{
}
