// SPDX-License-Identifier: GPL-2.0
/* Control: every supported kernel compiles this. */
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <crypto/aead.h>
#include <net/genetlink.h>
#include <net/udp_tunnel.h>

bool probe(struct sk_buff *skb, struct udp_tunnel_sock_cfg *cfg)
{
	cfg->encap_type = 1;
	return pskb_may_pull(skb, sizeof(struct udphdr));
}
