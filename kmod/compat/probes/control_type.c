// SPDX-License-Identifier: GPL-2.0
/* Control: an argument of another type must be noticed. */
#include <linux/skbuff.h>

void probe(struct net_device *dev)
{
	kfree_skb(dev);
}
