/* SPDX-License-Identifier: GPL-2.0 */
/* Inside the link layer: lanes, sealing, paths. Tunnels use link.h alone. */
#ifndef _SDT_LANE_H
#define _SDT_LANE_H

#include "link.h"

struct sdt_sock;

/* Room in front of a sealed message for everything that goes before it. */
#define SDT_HEADROOM	(LL_MAX_HEADER + sizeof(struct ipv6hdr) + 8 + 16)

/*
 * Destination of a control message that does not go to the lane's endpoint
 * (PING to an address under test, PONG to a PING's source): stands in front of
 * the body in the skb, marked by SDT_TX_TO.
 */
struct sdt_tx_to {
	struct sdt_endpoint remote;
	struct in6_addr local;
	u8 sock_lane;
};

#define SDT_TX_TO	0x80

/* A time stamp of a lane: its cache line is written when the value changes, not a packet. */
static inline void sdt_stamp(unsigned long *where)
{
	unsigned long now = jiffies;

	if (READ_ONCE(*where) != now)
		WRITE_ONCE(*where, now);
}

/* TOS of outer packets that carry nobody's datagram: never ECN-capable. */
static inline u8 sdt_link_own_tos(const struct sdt_link *link)
{
	u8 dscp = READ_ONCE(link->dscp);

	return dscp == SDT_DSCP_COPY ? 0 : dscp << 2;
}

/* In skb->cb of a received message on its way through open. */
struct sdt_rx_cb {
	struct sdt_endpoint from;
	struct in6_addr local;
	u32 counter;
	u8 lane;
	u8 tos;
	u8 sock_lane;
};

static inline struct sdt_rx_cb *sdt_rx_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct sdt_rx_cb) > sizeof(skb->cb));
	return (struct sdt_rx_cb *)skb->cb;
}

/* seal.c */
struct crypto_aead *sdt_aead_alloc(u8 suite, const u8 *key);

/* What to seal. */
struct sdt_seal_parts {
	struct sk_buff *out;		/* header written; tailroom for @src's data and the tag */
	struct sk_buff *src;		/* its data goes behind what @out has; NULL: nothing */
	const struct sdt_tx_to *to;	/* NULL: the lane's path */
	u8 tos;				/* of the outer packet */
};

/**
 * sdt_seal() - seal one message
 * @lane: whose poll calls
 * @counter: nonce; the header already says the same
 * Context: RCU, BH off.
 * Return: 0: done, p->out is sealed, p->src consumed. -EINPROGRESS: the
 * completion owns both and will call sdt_lane_out(). -EIO: both consumed and
 * counted. -ENOMEM, -EFAULT: both are still the caller's.
 */
int sdt_seal(struct sdt_lane *lane, struct sdt_keypair *kp, u32 counter,
	     const struct sdt_seal_parts *p);

/**
 * sdt_open() - authenticate and decrypt a data message in place
 * @skb: linear, unshared, data at the header; sdt_rx_cb filled in
 * Return: 0: done; -EINPROGRESS: sdt_link_opened() will be called; else -errno.
 */
int sdt_open(struct sdt_keypair *kp, struct sk_buff *skb);

void sdt_seal_exit(void);

/* lane.c: a sealed message leaves. RCU, BH off; consumes. */
void sdt_lane_out(struct sdt_lane *lane, struct sk_buff *skb, u8 tos, const struct sdt_tx_to *to);
void sdt_link_drop_staged(struct sdt_link *link);
int sdt_lane_room(struct sdt_lane *lane);
struct sdt_path *sdt_lane_path(struct sdt_lane *lane);	/* RCU */

/* receive.c: an opened message, @err as of sdt_open(). RCU, BH off; consumes. */
void sdt_link_opened(struct sdt_keypair *kp, struct sk_buff *skb, int err);

/* path.c */
/**
 * sdt_path_control() - PING or PONG for sdt_link_send(), which consumes it
 * @to: explicit destination; NULL: the lane's path
 * @lane: on which
 * @op: SDT_OP_PING or SDT_OP_PONG
 * @opaque: SDT_PING_LEN bytes
 * @plain: bytes of the message's frames, which a PAD fills up; 0: as they come
 *
 * @plain is that of the bare frame, or at least four more: the frame's length and
 * the shortest PAD. Context: any. Return: NULL without memory.
 */
struct sk_buff *sdt_path_control(const struct sdt_tx_to *to, u8 lane, u8 op, const u8 *opaque,
				 unsigned int plain);
int sdt_path_set(struct sdt_link *link, unsigned int lane, const struct sdt_endpoint *remote,
		 const struct in6_addr *local, u8 sock_lane);
int sdt_path_configured(struct sdt_link *link);
int sdt_path_fill(struct sdt_link *link);
void sdt_path_confirmed(struct sdt_link *link, const struct sdt_endpoint *from,
			const struct in6_addr *local, bool role_changed);
void sdt_path_heard(struct sdt_link *link, struct sdt_keypair *kp, const struct sdt_rx_cb *cb);
void sdt_path_ping(struct sdt_link *link, const struct sdt_rx_cb *cb, const u8 *opaque);
void sdt_path_pong(struct sdt_link *link, const struct sdt_rx_cb *cb, const u8 *opaque);
void sdt_path_drop(struct sdt_lane *lane);
int sdt_path_source(struct sdt_link *link);
void sdt_link_paths_reset(struct sdt_link *link);
int sdt_paths_init(struct sdt_node *node);
void sdt_paths_exit(struct sdt_node *node);
bool sdt_path_known(struct sdt_node *node, const struct sdt_endpoint *from);

/* link.c */
void sdt_links_destroy_all(struct sdt_node *node);
int sdt_peers_init(struct sdt_node *node);
struct sdt_link *sdt_peer_lookup(struct sdt_node *node, const u8 key[SDT_KEY_LEN]);
bool sdt_link_expire_keypairs(struct sdt_link *link);
void sdt_keypair_take_index(struct sdt_keypair *kp, struct sdt_index *from);
void sdt_link_ids_init(struct sdt_link *link);
void sdt_link_new_epoch(struct sdt_link *link);
u64 sdt_link_announced_epoch(struct sdt_link *link);
void sdt_link_void(struct sdt_link *link, bool epoch);
void sdt_link_announce(struct sdt_link *link, enum sdt_link_state state);

/*
 * In skb->cb of a handshake message between softirq and worker.
 */
struct sdt_hs_cb {
	struct sdt_endpoint from;
	struct in6_addr local;
	u8 sock_lane;
	u8 queue;			/* enum sdt_hs_class */
};

#endif /* _SDT_LANE_H */
