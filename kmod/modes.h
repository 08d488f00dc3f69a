/* SPDX-License-Identifier: GPL-2.0 */
/* What tunnel.c and the modes know of each other. */
#ifndef _SDT_MODES_H
#define _SDT_MODES_H

#include <linux/bits.h>

#include "tunnel.h"

/* Attributes that go together; struct sdt_tunnel_cfg.set */
#define SDT_CFG_LIMITS	(BIT(SDT_A_TUNNEL_MAX_CHANNELS) | \
			 BIT(SDT_A_TUNNEL_MAX_CHANNELS_PER_CUSTOMER) | \
			 BIT(SDT_A_TUNNEL_CHANNEL_RATE) | \
			 BIT(SDT_A_TUNNEL_IDLE) | \
			 BIT(SDT_A_TUNNEL_IDLE_ONESHOT) | \
			 BIT(SDT_A_TUNNEL_IDLE_REFRESH) | \
			 BIT(SDT_A_TUNNEL_AT_LIMIT))
#define SDT_CFG_EGRESS	(BIT(SDT_A_TUNNEL_EGRESS) | \
			 BIT(SDT_A_TUNNEL_EGRESS_LAST) | \
			 BIT(SDT_A_TUNNEL_EGRESS_PORT_LO) | \
			 BIT(SDT_A_TUNNEL_EGRESS_PORT_HI))
#define SDT_CFG_CLIENT	(BIT(SDT_A_TUNNEL_CLIENT_ADDRESS) | \
			 BIT(SDT_A_TUNNEL_CLIENT_ALLOW))
#define SDT_CFG_ROUTER	(BIT(SDT_A_TUNNEL_ALLOW) | \
			 BIT(SDT_A_TUNNEL_FILTER))

extern const struct sdt_mode_ops sdt_mode_direct;
extern const struct sdt_mode_ops sdt_mode_server;
extern const struct sdt_mode_ops sdt_mode_stream;
extern const struct sdt_mode_ops sdt_mode_router;

/* Of validate(), what modes with channels have in common. Return: 0 or -errno with @extack set. */

/** sdt_mode_check_limits() - of channels: number, idle time, what happens at the limit */
int sdt_mode_check_limits(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack);

/** sdt_mode_check_oneshot() - idle-oneshot of the server role */
int sdt_mode_check_oneshot(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack);

/** sdt_mode_check_ports() - egress ports, and as many of them as channels */
int sdt_mode_check_ports(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack);

/** sdt_tunnel_cfg_ports() - egress ports times addresses, as @cfg, complete, has them */
u32 sdt_tunnel_cfg_ports(const struct sdt_tunnel_cfg *cfg);

/** sdt_mode_frame_fits() - does @f come from the other role, in the shape of modes with channels? */
static inline bool sdt_mode_frame_fits(const struct sdt_tunnel *t, const struct sdt_frame *f)
{
	return f->has_channel && f->reply == (t->role == SDT_ROLE_PROXY);
}

/** sdt_mode_target_control() - what the proxy role may tell of @c, which may be NULL; RCU, softirq */
void sdt_mode_target_control(struct sdt_tunnel *t, const struct sdt_rx *rx, struct sdt_channel *c,
			     const struct sdt_control *ctl);

/*
 * What a mode's start() may make; tunnel.c ends it. Context: process, node->lock.
 * Return: 0 or -errno with @extack set.
 */

/** sdt_tunnel_listen() - listeners for t->listen; last, since datagrams arrive at once */
int sdt_tunnel_listen(struct sdt_tunnel *t, struct netlink_ext_ack *extack);

/** sdt_tunnel_meet_customer() - t->dest for t->customer, from what t->listen says */
int sdt_tunnel_meet_customer(struct sdt_tunnel *t);

/** sdt_tunnel_send_to() - @dest becomes t->dest, the one before it ends */
void sdt_tunnel_send_to(struct sdt_tunnel *t, struct sdt_dest *dest);

#endif /* _SDT_MODES_H */
