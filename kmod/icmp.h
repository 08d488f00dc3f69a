/* SPDX-License-Identifier: GPL-2.0 */
/* ICMP errors: of the networks on both sides, told across the link, and made for customers. */
#ifndef _SDT_ICMP_H
#define _SDT_ICMP_H

#include "tunnel.h"

struct sdt_channel;
struct sdt_port;

/*
 * Made for customers and targets. Context: RCU read side, BH off.
 */

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
 */
void sdt_icmp_unreachable(struct sdt_tunnel *t, const struct sdt_endpoint *customer,
			  const struct sdt_endpoint *local, u32 ifindex,
			  const struct sdt_control *c);

/*
 * Server role: told to the peer. Context: RCU read side, BH off.
 */

/**
 * sdt_icmp_report() - an UNREACHABLE frame of a channel
 * @t: the tunnel
 * @c: the channel
 * @target: what could not be reached, where the mode's frames carry addresses; else NULL
 * @ctl: the frame
 *
 * Limited in rate and counted here. The channel stays as it is.
 */
void sdt_icmp_report(struct sdt_tunnel *t, const struct sdt_channel *c,
		     const struct sdt_endpoint *target, const struct sdt_control *ctl);

/**
 * sdt_icmp_not_sent() - this host could not send from @port: as if the network had said so
 * @t: the tunnel
 * @port: whose datagram it was
 * @to: where to
 * @err: of sdt_xmit()
 */
void sdt_icmp_not_sent(struct sdt_tunnel *t, struct sdt_port *port, const struct sdt_endpoint *to,
		       int err);

/** sdt_icmp_class() - what an error of routes is in an UNREACHABLE frame; 0: nothing */
u8 sdt_icmp_class(int err);

/*
 * Heard: struct sdt_socket_cfg.err of each kind of socket.
 */
int sdt_icmp_port_error(struct sock *sk, struct sk_buff *skb);
int sdt_icmp_listener_error(struct sock *sk, struct sk_buff *skb);
int sdt_icmp_outer_error(struct sock *sk, struct sk_buff *skb);

#endif /* _SDT_ICMP_H */
