/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reset: a hint that a node has lost its keys. Sent to whoever uses a
 * session that is not there; received, it can cause a handshake and nothing else.
 */
#ifndef _SDT_RESET_H
#define _SDT_RESET_H

#include "link.h"

struct sdt_sock;

int sdt_reset_init(struct sdt_node *node);
void sdt_reset_free(struct sdt_node *node);

/**
 * sdt_reset_send() - a data message named an index that no keypair has
 * @node: the node
 * @sock: the socket that heard it
 * @header: SDT_DATA_HDR_LEN bytes of the message
 * @from: its source
 * @local: our address that it was sent to
 *
 * Context: RCU, BH off. Sends one, or not: policy and rates decide.
 */
void sdt_reset_send(struct sdt_node *node, struct sdt_sock *sock, const u8 *header,
		    const struct sdt_endpoint *from, const struct in6_addr *local);

/**
 * sdt_reset_receive() - a reset came in
 * @node: the node
 * @skb: SDT_RESET_LEN bytes, linear; consumed
 * @from: its source
 *
 * Context: RCU, BH off. The cost does not depend on the number of links.
 */
void sdt_reset_receive(struct sdt_node *node, struct sk_buff *skb,
		       const struct sdt_endpoint *from);

/** sdt_reset_watch() - @kp becomes current: resets may name it; link->kp_lock */
void sdt_reset_watch(struct sdt_keypair *kp);

/** sdt_reset_unwatch() - end of @kp's life; any context but hard interrupts */
void sdt_reset_unwatch(struct sdt_keypair *kp);

#endif /* _SDT_RESET_H */
