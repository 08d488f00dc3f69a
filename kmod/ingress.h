/* SPDX-License-Identifier: GPL-2.0 */
/* Customer -> link: listeners, and frames on their way to a lane. */
#ifndef _SDT_INGRESS_H
#define _SDT_INGRESS_H

#include "tunnel.h"

struct sdt_channel;

/**
 * sdt_listen_open() - sockets for a listen address, beside those that the tunnel has
 * @t: the tunnel
 * @listen: where
 * @l: filled in
 * @extack: says why not
 *
 * Those of a family whose address and port stay are kept, not opened again.
 * Packets may arrive on them as soon as they are open.
 * Context: process, node->lock.
 * Return: 0 or -errno with nothing open.
 */
int sdt_listen_open(struct sdt_tunnel *t, const struct sdt_endpoint *listen,
		    struct sdt_listeners *l, struct netlink_ext_ack *extack);

/** sdt_listen_swap() - @l's sockets become the tunnel's; @l then holds the old ones */
void sdt_listen_swap(struct sdt_tunnel *t, struct sdt_listeners *l);

/** sdt_listen_detach() - first half of the end of @l; a grace period follows */
void sdt_listen_detach(struct sdt_listeners *l);

/** sdt_listen_close() - second half, after the grace period */
void sdt_listen_close(struct sdt_listeners *l);

/**
 * sdt_listen_covers() - does a socket on @listen hear what is sent to @local?
 *
 * A channel that is bound to no local port hears what is captured, wherever the listener is.
 */
bool sdt_listen_covers(const struct sdt_endpoint *listen, const struct sdt_endpoint *local);

/**
 * sdt_ingress_frame() - one datagram to the link, whose frame header the caller made
 * @t: the tunnel
 * @p: what it said about itself
 * @skb: body is data .. len; hdr, hdr_len, epoch, flags and lane of its sdt_tx_cb are set; consumed
 *
 * One that is too big for the link, and must not be cut, is answered by ICMP.
 *
 * Context: RCU read side, BH off.
 * Return: false: it was too big, and is counted so.
 */
bool sdt_ingress_frame(struct sdt_tunnel *t, const struct sdt_packet *p, struct sk_buff *skb);

/**
 * sdt_ingress_send() - one datagram without a channel to the link
 * @t: the tunnel
 * @p: what it said about itself
 * @skb: body is data .. len; consumed
 *
 * What is too big for the path, and not to be cut, is dropped and its sender told.
 *
 * Context: RCU read side, BH off.
 */
void sdt_ingress_send(struct sdt_tunnel *t, const struct sdt_packet *p, struct sk_buff *skb);

/**
 * sdt_ingress_stream() - the same for one of many customers
 * @t: the tunnel
 * @p: what the packet says about itself; the customer's datagrams stay in order
 * @skb: body is data .. len; consumed
 *
 * Context: as sdt_ingress_send().
 */
void sdt_ingress_stream(struct sdt_tunnel *t, const struct sdt_packet *p, struct sk_buff *skb);

/**
 * sdt_ingress_channel() - one datagram of a channel to the link
 * @t: the tunnel
 * @c: the channel
 * @epoch_flag: SDT_TX_EPOCH_OWN or SDT_TX_EPOCH_PEER: whose epoch c->epoch is
 * @p: what it said about itself
 * @skb: body is data .. len; consumed
 *
 * As sdt_ingress_send().
 *
 * Context: RCU read side, BH off.
 */
void sdt_ingress_channel(struct sdt_tunnel *t, struct sdt_channel *c, u8 epoch_flag,
			 const struct sdt_packet *p, struct sk_buff *skb);

/**
 * sdt_ingress_address() - the same, with an address that the frame carries
 * @t: the tunnel
 * @c: the channel
 * @about: the address
 * @epoch_flag: as for sdt_ingress_channel()
 * @p: what the datagram said about itself
 * @skb: body is data .. len; consumed
 *
 * Context: RCU read side, BH off.
 */
void sdt_ingress_address(struct sdt_tunnel *t, struct sdt_channel *c,
			 const struct sdt_endpoint *about, u8 epoch_flag,
			 const struct sdt_packet *p, struct sk_buff *skb);

#endif /* _SDT_INGRESS_H */
