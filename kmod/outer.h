/* SPDX-License-Identifier: GPL-2.0 */
/* The sockets on which a node has its links. */
#ifndef _SDT_OUTER_H
#define _SDT_OUTER_H

#include "socket.h"

struct netlink_ext_ack;
struct sdt_node;

/* Outer sockets of the node: lane 0 listens, others are opened on demand. */
struct sdt_sock {
	struct sdt_node *node;
	struct socket *sock;
	u8 lane;
	u16 family;
	__be16 port;
	struct rcu_head rcu;
};

/** sdt_node_sockets() - make sure that lanes 0..@lanes-1 have sockets; node->lock held */
int sdt_node_sockets(struct sdt_node *node, unsigned int lanes, struct netlink_ext_ack *extack);
/** sdt_node_sockets_close() - all of them; node->lock held; waits for a grace period */
void sdt_node_sockets_close(struct sdt_node *node);
/** sdt_node_sockets_mark() - they take on node->fwmark; node->lock held */
void sdt_node_sockets_mark(struct sdt_node *node);
/** sdt_node_rebind() - new listen address: new sockets first, then swap; node->lock held */
int sdt_node_rebind(struct sdt_node *node, const struct sdt_endpoint *listen, u32 ifindex,
		    struct netlink_ext_ack *extack);

#endif /* _SDT_OUTER_H */
