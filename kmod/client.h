/* SPDX-License-Identifier: GPL-2.0 */
/* The customer's address at the server: whom the peer may name, and how the target is told. */
#ifndef _SDT_CLIENT_H
#define _SDT_CLIENT_H

#include "channel.h"
#include "tunnel.h"

/** sdt_client_by_header() - does the target learn of the customer by the PROXY protocol? */
static inline bool sdt_client_by_header(u8 client_address)
{
	return client_address == SDT_CLIENT_PROXY_V2 || client_address == SDT_CLIENT_PROXY_V2_EVERY;
}

/** sdt_client_is() - is it @client's channel? */
static inline bool sdt_client_is(const struct sdt_channel *c, const struct sdt_endpoint *client)
{
	return c->client.port == client->port && ipv6_addr_equal(&c->client.ip, &client->ip);
}

/**
 * sdt_client_validate() - do client-address and client-allow of @cfg make sense?
 * Return: 0, or -EINVAL with @extack set.
 */
int sdt_client_validate(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack);

/**
 * sdt_client_of() - the customer that a data frame from the proxy names
 * @client_address: of the tunnel, enum sdt_client_address
 * @f: the frame
 * @client: filled in; family 0: none is named, and none is wanted
 *
 * Return: 0, or the reason to drop.
 */
enum sdt_stat sdt_client_of(u8 client_address, const struct sdt_frame *f,
			    struct sdt_endpoint *client);

/**
 * sdt_client_allowed() - may the peer name this customer?
 * @t: the tunnel, of the server role
 * @client: whom
 *
 * Context: RCU read side.
 */
bool sdt_client_allowed(struct sdt_tunnel *t, const struct sdt_endpoint *client);

/**
 * sdt_client_keep() - a frame of a channel named its customer
 * @t: the tunnel, of the server role
 * @c: the channel
 * @client: who was named
 *
 * The first one named stays the channel's. A channel whose customer is allowed no
 * longer is closed. Context: RCU read side, BH off.
 * Return: 0, or SDT_DROP_OUT_CLIENT.
 */
enum sdt_stat sdt_client_keep(struct sdt_tunnel *t, struct sdt_channel *c,
			      const struct sdt_endpoint *client);

/**
 * sdt_client_push() - put a PROXY protocol header in front of a datagram
 * @skb: the datagram; still the caller's if this fails
 * @client: who sent it
 * @target: to whom
 *
 * Return: 0, or the reason to drop.
 */
enum sdt_stat sdt_client_push(struct sk_buff *skb, const struct sdt_endpoint *client,
			      const struct sdt_endpoint *target);

/**
 * sdt_client_tell() - the same for a channel's port, where the tunnel's setting says so
 * @t: the tunnel
 * @port: where it will leave
 * @dest: where to
 * @skb: the datagram; still the caller's if this fails
 * @first: set: the target counts as told of the channel; if the datagram cannot be
 *	sent, sdt_client_untold() takes that back
 *
 * Context: RCU read side, BH off.
 * Return: 0, or the reason to drop.
 */
enum sdt_stat sdt_client_tell(struct sdt_tunnel *t, struct sdt_port *port,
			      const struct sdt_dest *dest, struct sk_buff *skb, bool *first);

/** sdt_client_untold() - see sdt_client_tell() */
void sdt_client_untold(struct sdt_port *port, const struct sdt_dest *dest);

#endif /* _SDT_CLIENT_H */
