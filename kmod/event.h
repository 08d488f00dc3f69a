/* SPDX-License-Identifier: GPL-2.0 */
/* Multicast events (sdtctl monitor). */
#ifndef _SDT_EVENT_H
#define _SDT_EVENT_H

#include "addr.h"
#include <uapi/linux/sdt.h>

struct sdt_link;
struct sdt_node;
struct sdt_tunnel;

struct sdt_event_info {
	enum sdt_event type;
	const char *link;		/* NULL: none */
	const char *tunnel;
	bool has_channel;
	u32 channel;
	const struct sdt_endpoint *endpoint;
	u8 reason;
	bool remote;
	u16 path_mtu;			/* 0: none */
};

/**
 * sdt_event_send() - tell listeners, if there are any; rate-limited a node
 * Context: any but hard interrupts; GFP_ATOMIC. Never fails the caller.
 */
void sdt_event_send(struct sdt_node *node, const struct sdt_event_info *info);

int sdt_netlink_init(void);
void sdt_netlink_exit(void);

#endif /* _SDT_EVENT_H */
