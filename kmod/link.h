/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A link: the secured association with one peer. Keypairs, paths (endpoints),
 * handshake slots, and the API that tunnels use to send.
 */
#ifndef _SDT_LINK_H
#define _SDT_LINK_H

#include <linux/netdevice.h>
#include <linux/percpu-refcount.h>
#include <linux/rhashtable-types.h>
#include <net/dst_cache.h>

#include "chanid.h"
#include "frag.h"
#include "frame.h"
#include "node.h"
#include "pmtu.h"
#include "pace.h"
#include "replay.h"

struct crypto_aead;

#define SDT_LANE_QUEUE_MAX	1024	/* skbs a lane queue holds */

enum sdt_index_kind {
	SDT_INDEX_HANDSHAKE,
	SDT_INDEX_KEYPAIR,
};

/* What node->indices points to; embedded in a link (initiator slot) or a keypair. */
struct sdt_index {
	u32 value;			/* 0: not in the table */
	enum sdt_index_kind kind;
	struct sdt_link *link;
};

/*
 * Where a lane's messages go. Immutable, with its own route cache, so that a
 * change of endpoint can never meet a stale route; freed by call_rcu.
 */
struct sdt_path {
	struct sdt_endpoint remote;
	struct in6_addr local;		/* any: the stack chooses */
	u8 sock_lane;			/* which of node->socks */
	bool listed;			/* in node->endpoints, see path.c */
	struct rhlist_head by_ip;
	struct dst_cache cache;
	struct rcu_head rcu;
};

/* Sending half of a lane under one keypair: touched by the lane's poll alone. */
struct sdt_tx_lane {
	u64 counter;			/* next to be used */
} ____cacheline_aligned_in_smp;

/* Receiving half. */
struct sdt_rx_lane {
	spinlock_t lock;		/* the window; BH */
	struct sdt_replay window;
} ____cacheline_aligned_in_smp;

/*
 * One session's keys. Owner: the link, through previous/current/next. End of
 * life, sdt_keypair_drop(): out of its slot, the index table and that of the
 * remote indices, then percpu_ref_kill(); users that came by RCU, and crypto requests in flight,
 * hold the reference; when the last is gone a work item frees the transforms
 * and the memory, zeroed. link->keypairs counts those not yet freed.
 */
struct sdt_keypair {
	struct sdt_index index;
	struct sdt_link *link;
	struct percpu_ref ref;
	struct work_struct free_work;

	struct crypto_aead *seal;
	struct crypto_aead *open;
	u32 remote_index;
	u8 suite;
	u8 lanes;			/* both ways: min(mine, yours) */
	bool initiator;
	bool confirmed;
	bool peer_configured;		/* the peer's configuration has our endpoint */
	u16 max_message;		/* UDP payload that the peer accepts */
	u64 own_epoch;
	u64 peer_epoch;
	u64 birth;			/* boot time, ns */
	unsigned long lanes_up;		/* bit i: authenticated on lane i */
	struct rhlist_head watch;	/* node->watched: a reset may name remote_index */
	bool is_watched;
	struct sdt_endpoint from;	/* responder: the initiation's source */
	struct in6_addr from_local;	/*  and where it was received */

	struct sdt_tx_lane *tx;		/* [lanes] */
	struct sdt_rx_lane *rx;		/* [lanes] */
};

/*
 * A lane of a link: queue and NAPI, the unit of parallelism. Owner: the link.
 * The poll is the only consumer of the queue and the only sender.
 */
struct sdt_lane {
	/* read by both ways, written seldom */
	struct sdt_link *link;
	u8 index;
	struct sdt_path __rcu *path;	/* writers: link->path_lock */

	/* towards the link */
	struct sk_buff_head queue ____cacheline_aligned_in_smp; /* struct sdt_tx_cb in cb */
	unsigned long flags;		/* SDT_LANE_* bits */
	struct napi_struct napi;
	/* poll only */
	unsigned long last_tx;		/* jiffies: any message sent */
	unsigned long last_tx_data;	/* jiffies: a message with frames sent */
	unsigned long last_tx_long;	/* jiffies: one that the base size would not take, or its pieces */
	u32 fragmented;			/* datagrams cut: the next one's id */

	/* receive path of this lane */
	unsigned long last_rx ____cacheline_aligned_in_smp;	/* any message authenticated */
	unsigned long last_rx_data;
} ____cacheline_aligned_in_smp;

#define SDT_LONG_AGO	(24 * 3600 * (unsigned long)HZ)	/* a stamp that means never */

#define SDT_LANE_KEEPALIVE	0	/* send a message even if there is nothing to say */

/* Initiator's side of a handshake. link->hs_lock. */
struct sdt_hs_slot {
	struct sdt_noise noise;
	struct sdt_index index;
	bool active;
	bool challenged;		/* a challenge was already answered with this attempt */
	bool cookied;			/* a cookie was already accepted for it */
	u8 lanes;			/* as announced */
	u8 last_mac1[SDT_MAC_LEN];
	u64 sent;			/* boot time, ns */
	u64 own_epoch;
};

enum sdt_lane_role {
	SDT_LANE_ROLE_OPEN,		/* undecided: no keypair was confirmed yet */
	SDT_LANE_ROLE_OWN,		/* own socket for each lane */
	SDT_LANE_ROLE_ANSWER,		/* all lanes from the listen socket */
};

/*
 * Owner: the node. Control fields change under node->lock; see each block.
 *
 * Teardown, sdt_link_destroy(), node->lock held, no tunnels left:
 *  1. dead = true under hs_lock and kp_lock: no keypair or handshake is added
 *     any more; handshake slot and keypairs out of node->indices; the link out
 *     of node->links and node->peers
 *  2. synchronize_rcu(): no receive or transmit path finds it or arms its tick
 *  3. flush node->hs_work: the handshake worker has let go of it
 *  4. the tick cancelled, the lanes' NAPIs disabled
 *  5. wait until keypairs is 0: every crypto request in flight has completed,
 *     and no fragment waits for the rest of its datagram any more
 *  6. synchronize_net(): the NAPIs have left the device; lanes, queues, paths
 *     freed; the link itself by call_rcu
 */
struct sdt_link {
	struct sdt_node *node;
	u32 id;
	char name[SDT_NAME_LEN];
	bool dead;

	/* configuration: node->lock to write, READ_ONCE to read */
	u8 peer_key[SDT_KEY_LEN];
	u8 psk[SDT_KEY_LEN];		/* hs_lock */
	u8 suite;
	u8 lane_limit;			/* configured lanes */
	u16 keepalive;			/* s */
	u16 pad;
	u8 ttl;
	bool roam;
	bool ecn;
	u8 dscp;
	bool has_peer;
	bool peer_changed;		/* and no handshake since: what comes from elsewhere is no reason to go there */
	struct sdt_endpoint peer;	/* as configured */
	struct sdt_endpoint source;	/* address only */
	u32 max_channels;		/* that the peer may open here */

	struct rhash_head peer_node;	/* node->peers */
	struct sdt_mac_keys peer_mac;

	/* data path */
	struct sdt_keypair __rcu *current_kp;	/* writers: kp_lock */
	struct sdt_keypair __rcu *previous_kp;
	struct sdt_keypair __rcu *next_kp;
	spinlock_t kp_lock;		/* BH */
	struct sdt_lane *lanes[SDT_LANES_MAX];	/* only grows: smp_load_acquire */
	struct xarray tunnels;		/* by number on the wire; readers: RCU */
	spinlock_t path_lock;		/* BH */
	enum sdt_lane_role lane_role;
	struct sk_buff_head staged;	/* wait for a keypair; bounded */
	u64 peer_epoch;			/* of the last confirmed keypair; kp_lock */
	bool peer_epoch_valid;

	/* own channel ids */
	spinlock_t id_lock;		/* BH */
	struct sdt_chanid ids;

	/* what the peer may open here */
	atomic_t peer_channels;

	struct sdt_pmtu pmtu;
	struct sdt_frags frags;

	/* roaming with path validation; path_lock */
	struct sdt_endpoint probe;	/* a PING is under way to it */
	u8 probe_opaque[SDT_PING_LEN];
	u8 probe_lane;
	unsigned long probe_sent;	/* jiffies */
	bool probe_valid;

	struct sdt_backoff reset;	/* path_lock: handshakes that resets cause */

	/* handshake, process context */
	struct mutex hs_lock;
	struct sdt_hs_slot init;
	u8 resp_mac1[SDT_MAC_LEN];	/* of the last response sent */
	bool resp_cookied;
	u32 resp_index;
	struct sdt_index resp_reserve;	/* while a response is being made */
	u8 cookie[SDT_MAC_LEN];		/* that the peer gave us */
	u64 cookie_birth;
	bool cookie_valid;
	u8 greatest_timestamp[SDT_TIMESTAMP_LEN];
	u8 last_timestamp[SDT_TIMESTAMP_LEN];	/* that we sent: strictly increasing */
	u8 challenge[SDT_MAC_LEN];	/* that we gave out */
	u64 challenge_birth, challenge_window;
	unsigned int challenge_count;
	u8 challenge_mac1[SDT_MAC_LEN];	/* of the initiation last answered so */
	u64 challenge_sent;
	bool challenge_valid;
	u8 answer[SDT_MAC_LEN];		/* the peer's challenge, for the next initiation */
	bool answer_valid;
	u64 rate_window;		/* initiations accepted in this second */
	unsigned int rate_count;

	/* timers: one tick, see timers.c */
	struct delayed_work tick;
	unsigned long requests;		/* SDT_LINK_* bits, set by anybody */
	bool trying;			/* a series of attempts is under way */
	u64 first_attempt, next_attempt;	/* boot time, ns */
	unsigned long quiet;		/* bit 0: the tick sleeps, traffic wakes it */
	u64 owed_since;			/* boot time, ns: received, not answered; 0: nothing owed */
	unsigned long owed_tx;		/*  and our last message by then */
	u64 unheard_since;		/* boot time, ns: sent, heard nothing; 0: no */
	unsigned long unheard_rx;	/*  and the last message heard by then */

	atomic_t keypairs;		/* not yet freed */
	atomic_t tunnel_count;
	u64 ping_second; unsigned int ping_count; /* answered; path_lock */
	u8 announced;			/* enum sdt_link_state of the last event */
	struct sdt_pings *pings;	/* ping.c; NULL: none was asked for yet */

	struct sdt_stats __percpu *stats;
	struct mem_cgroup *memcg;	/* of who made it, charged for sessions; NULL: none */
	struct rcu_head rcu;
};

/* bits of requests */
#define SDT_LINK_WANT_HANDSHAKE	0
#define SDT_LINK_WANT_REKEY	1
#define SDT_LINK_WANT_RESET	3	/* one initiation: the peer seems to have lost its keys */
#define SDT_LINK_SETTLED	2	/* a keypair took effect: no need to go on trying */

/* What add-link and set-link may say; bits of @set are 1 << SDT_A_LINK_*. */
struct sdt_link_cfg {
	u32 set;
	char name[SDT_NAME_LEN];
	u8 peer_key[SDT_KEY_LEN];
	struct sdt_endpoint peer;
	u8 psk[SDT_KEY_LEN];
	u8 cipher;
	u8 lanes;
	u16 keepalive;
	struct sdt_endpoint source;
	bool roam;
	u16 pad;
	u8 ttl;
	bool ecn;
	u8 dscp;
	u32 max_channels;
};

/* Control: node->lock held, process context; -errno with @extack set. */
struct sdt_link *sdt_link_create(struct sdt_node *node, const struct sdt_link_cfg *cfg,
				 struct netlink_ext_ack *extack);
int sdt_link_set(struct sdt_link *link, const struct sdt_link_cfg *cfg,
		 struct netlink_ext_ack *extack);
/** sdt_link_destroy() - may wait for a grace period and for crypto; no tunnels may be left */
void sdt_link_destroy(struct sdt_link *link);
struct sdt_link *sdt_link_find(struct sdt_node *node, const char *name);

/** sdt_link_speak() - the peer learns from a message where it is heard from now on; node->lock held */
void sdt_link_speak(struct sdt_link *link);

/* What show prints of a link; node->lock held. */
struct sdt_link_info {
	enum sdt_link_state state;
	struct sdt_endpoint endpoint;	/* family 0: none */
	bool has_handshake;
	u64 handshake_age_ms;
	u8 lanes_active;
	u16 max_message;
	u16 path_mtu;			/* 0: not known without a session */
	struct {
		__be16 local_port;
		struct sdt_endpoint endpoint;
		bool active;
	} lane[SDT_LANES_MAX];
	u8 lanes;
};
void sdt_link_info(struct sdt_link *link, struct sdt_link_info *info);

/*
 * In skb->cb of what tunnels hand to a link: skb->data .. len is the frame's
 * body; the header is here, without a length (the lane adds it when it bundles).
 */
struct sdt_tx_cb {
	u64 epoch;			/* must equal the keypair's, see flags */
	u8 hdr[SDT_FRAME_HDR_MAX];	/* encoded frame header, has_length = false */
	u8 hdr_len;
	u8 tos;				/* of the customer's packet */
	u8 flags;			/* SDT_TX_* */
	u8 lane;
};

#define SDT_TX_EPOCH_OWN	1	/* epoch is this node's: proxy role */
#define SDT_TX_EPOCH_PEER	2	/* epoch is the peer's: server role */
#define SDT_TX_PIECE		0x20	/* a FRAGMENT: cut already */
#define SDT_TX_EXACT		0x40	/* PING and PAD: neither padded nor bundled, cut or staged; not data */

static inline struct sdt_tx_cb *sdt_tx_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct sdt_tx_cb) > sizeof(skb->cb));
	return (struct sdt_tx_cb *)skb->cb;
}

/**
 * sdt_link_send() - hand one frame to the link
 * @skb: consumed. Body at skb->data, any shape (shared head, frags: never
 * written to); no dst, skb->dev NULL; sdt_tx_cb filled in.
 * Context: RCU read side, BH off. Lost datagrams are counted at the link.
 */
void sdt_link_send(struct sdt_link *link, struct sk_buff *skb);

/**
 * sdt_link_draw_id() - the id of a new channel, which no other has had under this epoch
 * @link: the link
 * @id: filled in
 * @epoch: filled in
 *
 * Begins a new epoch where the ids of the old one are used up.
 * Context: any but hard interrupts.
 */
void sdt_link_draw_id(struct sdt_link *link, u32 *id, u64 *epoch);

/** sdt_link_id_done() - the channel of such an id ended; any but hard interrupts */
void sdt_link_id_done(struct sdt_link *link, u64 epoch);

/** sdt_link_lane() - lane for a channel opened on this CPU; BH off */
u8 sdt_link_lane(struct sdt_link *link);

/** sdt_link_lane_for() - lane for what shall stay in order: the same @hash, the same lane; RCU */
u8 sdt_link_lane_for(struct sdt_link *link, u32 hash);

/* What an opened message tells the tunnels about itself. */
struct sdt_rx {
	struct sdt_link *link;
	const struct sdt_keypair *kp;	/* opened it */
	u64 own_epoch;			/* of the keypair that opened it */
	u64 peer_epoch;
	u8 lane;
	u8 tos;				/* of the outer packet, for ECN */
};

/* lane.c, seal.c: between the files of the link layer */
struct sdt_lane *sdt_lane_create(struct sdt_link *link, u8 index);
void sdt_lane_stop(struct sdt_lane *lane);
void sdt_lane_free(struct sdt_lane *lane);
void sdt_lane_keepalive(struct sdt_link *link, unsigned int lane);
void sdt_lane_kick(struct sdt_lane *lane);
void sdt_link_flush_staged(struct sdt_link *link);

/* receive.c: BH off, RCU; consumes */
void sdt_link_receive(struct sdt_node *node, struct sdt_sock *sock, struct sk_buff *skb,
		      const struct sdt_endpoint *from, const struct in6_addr *local, u8 tos);

/* link.c */
int sdt_index_insert(struct sdt_node *node, struct sdt_index *index);
void sdt_index_remove(struct sdt_node *node, struct sdt_index *index);
struct sdt_keypair *sdt_keypair_create(struct sdt_link *link, u8 suite, const u8 *send_key,
				       const u8 *recv_key, u8 lanes);
void sdt_keypair_drop(struct sdt_keypair *kp);	/* out of its slot already */
void sdt_link_keypair_new(struct sdt_link *link, struct sdt_keypair *kp);
bool sdt_link_confirm(struct sdt_link *link, struct sdt_keypair *kp);
void sdt_link_drop_keypairs(struct sdt_link *link);
bool sdt_link_has_keypairs(struct sdt_link *link);
bool sdt_keypair_usable(const struct sdt_keypair *kp);

/* handshake.c: process context */
void sdt_handshake_work(struct work_struct *work);
int sdt_handshake_initiate(struct sdt_link *link);	/* hs_lock held */
void sdt_handshake_clear(struct sdt_link *link);	/* hs_lock held */

/* timers.c */
void sdt_link_tick(struct work_struct *work);
void sdt_link_want(struct sdt_link *link, unsigned int request);	/* any context */
void sdt_link_wake(struct sdt_link *link);

#endif /* _SDT_LINK_H */
