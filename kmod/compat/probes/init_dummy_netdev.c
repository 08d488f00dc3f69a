// SPDX-License-Identifier: GPL-2.0
/*
 * init_dummy_netdev() for memory that a caller allocated
 * exported: init_dummy_netdev
 */
#include <linux/netdevice.h>

void probe(struct net_device *dev)
{
	init_dummy_netdev(dev);
}
