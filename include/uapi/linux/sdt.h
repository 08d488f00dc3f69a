/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * SDT generic netlink family: the contract between module and tools.
 * sdt.yaml beside this file says the same for YNL clients; a test keeps them equal.
 *
 * Requests that change anything, and channel dumps (they show customers'
 * addresses), need CAP_NET_ADMIN in the user namespace of the network
 * namespace. Links, tunnels, node and counters are readable by anybody; keys
 * are readable by nobody.
 */
#ifndef _UAPI_LINUX_SDT_H
#define _UAPI_LINUX_SDT_H

#define SDT_FAMILY_NAME		"sdt"
#define SDT_FAMILY_VERSION	1
#define SDT_ABI_VERSION		1	/* answers to SDT_CMD_NODE_GET carry the module's */
#define SDT_MCGRP_EVENTS	"events"

#define SDT_NAME_LEN		32	/* link and tunnel names, with the final NUL */
#define SDT_KEY_SIZE		32
#define SDT_PORT_DEFAULT	7380	/* listen port of a node that was told none */
#define SDT_LANES_LIMIT		16
#define SDT_DSCP_COPY		255
#define SDT_CHANNELS_LIMIT	0x00100000	/* greatest max-channels of a tunnel */
#define SDT_PREFIXES_LIMIT	64	/* entries of allow or client-allow */
#define SDT_EGRESS_LIMIT	256	/* addresses of an egress range */

enum sdt_cmd {
	SDT_CMD_UNSPEC,
	SDT_CMD_NODE_GET,
	SDT_CMD_NODE_SET,
	SDT_CMD_LINK_GET,	/* do: by name; dump: all */
	SDT_CMD_LINK_ADD,
	SDT_CMD_LINK_SET,
	SDT_CMD_LINK_DEL,	/* refused while tunnels use it */
	SDT_CMD_TUNNEL_GET,	/* do: by name; dump: all */
	SDT_CMD_TUNNEL_ADD,	/* with SDT_A_LINK: makes link and tunnel, or neither */
	SDT_CMD_TUNNEL_SET,
	SDT_CMD_TUNNEL_DEL,
	SDT_CMD_CHANNEL_GET,	/* dump only: all, or of one tunnel */
	SDT_CMD_STATS_GET,	/* dump: node, then links, then tunnels; or one by name */
	SDT_CMD_EVENT,		/* multicast to SDT_MCGRP_EVENTS */
	SDT_CMD_LINK_PING,	/* sends one; each answer that comes is a message of the same kind */

	__SDT_CMD_MAX,
};
#define SDT_CMD_MAX (__SDT_CMD_MAX - 1)

/* Top level of every message. */
enum sdt_attr {
	SDT_A_UNSPEC,
	SDT_A_NODE,		/* nest, enum sdt_node_attr */
	SDT_A_LINK,		/* nest, enum sdt_link_attr */
	SDT_A_TUNNEL,		/* nest, enum sdt_tunnel_attr */
	SDT_A_CHANNEL,		/* nest, enum sdt_channel_attr */
	SDT_A_STATS,		/* nest, enum sdt_stats_attr */
	SDT_A_EVENT,		/* nest, enum sdt_event_attr */
	SDT_A_PING,		/* nest, enum sdt_ping_attr */

	__SDT_A_MAX,
};
#define SDT_A_MAX (__SDT_A_MAX - 1)

/* An address with a port. Neither IPV4 nor IPV6: any address of both families. */
enum sdt_endpoint_attr {
	SDT_A_ENDPOINT_UNSPEC,
	SDT_A_ENDPOINT_IPV4,	/* be32 */
	SDT_A_ENDPOINT_IPV6,	/* 16 bytes */
	SDT_A_ENDPOINT_PORT,	/* be16 */
	SDT_A_ENDPOINT_SCOPE,	/* u32, ifindex of a link-local address */

	__SDT_A_ENDPOINT_MAX,
};
#define SDT_A_ENDPOINT_MAX (__SDT_A_ENDPOINT_MAX - 1)

enum sdt_node_attr {
	SDT_A_NODE_UNSPEC,
	SDT_A_NODE_ABI,			/* u32, read only */
	SDT_A_NODE_VERSION,		/* string, read only: module version */
	SDT_A_NODE_PRIVATE_KEY,		/* 32 bytes, write only */
	SDT_A_NODE_PUBLIC_KEY,		/* 32 bytes, read only; absent: the node has no key */
	SDT_A_NODE_LISTEN,		/* endpoint */
	SDT_A_NODE_FWMARK,		/* u32, of outer packets */
	SDT_A_NODE_LINKS,		/* u32, read only */
	SDT_A_NODE_TUNNELS,		/* u32, read only */
	SDT_A_NODE_CHANNELS,		/* u64, read only */
	SDT_A_NODE_IF_NO_KEY,		/* flag: set the key only if the node has none */
	SDT_A_NODE_RESET,		/* u8, enum sdt_reset_policy */
	SDT_A_NODE_DEV,			/* u32, ifindex outer sockets are bound to; 0: none */

	__SDT_A_NODE_MAX,
};
#define SDT_A_NODE_MAX (__SDT_A_NODE_MAX - 1)

enum sdt_reset_policy {
	SDT_RESET_OFF,
	SDT_RESET_PEERS,
	SDT_RESET_ANY,
};

enum sdt_cipher {
	SDT_CIPHER_CHACHA20_POLY1305	= 1,
	SDT_CIPHER_AES_GCM		= 2,
};

enum sdt_link_state {
	SDT_LINK_DOWN,			/* no usable keypair */
	SDT_LINK_CONNECTING,		/* a handshake is under way */
	SDT_LINK_UP,
};

enum sdt_link_attr {
	SDT_A_LINK_UNSPEC,
	SDT_A_LINK_INDEX,		/* u32, of the object on this node, read only */
	SDT_A_LINK_NAME,		/* string */
	SDT_A_LINK_PEER_KEY,		/* 32 bytes; fixed for the life of the link */
	SDT_A_LINK_PEER,		/* endpoint as configured */
	SDT_A_LINK_PSK,			/* 32 bytes, write only; all zero: none */
	SDT_A_LINK_CIPHER,		/* u8, enum sdt_cipher; fixed for the life of the link */
	SDT_A_LINK_LANES,		/* u8, 1..16; takes effect with the next handshake */
	SDT_A_LINK_KEEPALIVE,		/* u16, seconds, 0: off */
	SDT_A_LINK_SOURCE,		/* endpoint without a port: local address of outer packets */
	SDT_A_LINK_ROAM,		/* u8, 0 or 1 */
	SDT_A_LINK_PAD,			/* u16, messages padded to a multiple; 0: off */
	SDT_A_LINK_TTL,			/* u8, 0: the system's default */
	SDT_A_LINK_ECN,			/* u8, 0 or 1 */
	SDT_A_LINK_DSCP,		/* u8, 0..63 or SDT_DSCP_COPY */
	SDT_A_LINK_MAX_CHANNELS,	/* u32, that the peer may open here, all tunnels */
	SDT_A_LINK_STATE,		/* u8, enum sdt_link_state, read only */
	SDT_A_LINK_ENDPOINT,		/* endpoint in use on lane 0, read only */
	SDT_A_LINK_HANDSHAKE_AGE,	/* u64, ms since the current keypair was confirmed, read only */
	SDT_A_LINK_LANES_ACTIVE,	/* u8, lanes that carry data now, read only */
	SDT_A_LINK_MAX_MESSAGE,		/* u16, largest UDP payload towards the peer, read only */
	SDT_A_LINK_TUNNELS,		/* u32, read only */
	SDT_A_LINK_LANE,		/* nest, multi, enum sdt_lane_attr, read only */
	SDT_A_LINK_PATH_MTU,		/* u16, largest UDP payload that the path takes now, read only */

	__SDT_A_LINK_MAX,
};
#define SDT_A_LINK_MAX (__SDT_A_LINK_MAX - 1)

enum sdt_lane_attr {
	SDT_A_LANE_UNSPEC,
	SDT_A_LANE_INDEX,		/* u8 */
	SDT_A_LANE_LOCAL_PORT,		/* be16 */
	SDT_A_LANE_ENDPOINT,		/* endpoint */
	SDT_A_LANE_ACTIVE,		/* u8, 0 or 1 */

	__SDT_A_LANE_MAX,
};
#define SDT_A_LANE_MAX (__SDT_A_LANE_MAX - 1)

enum sdt_mode {
	SDT_MODE_DIRECT		= 1,
	SDT_MODE_SERVER		= 2,
	SDT_MODE_STREAM		= 3,
	SDT_MODE_ROUTER		= 4,
};

enum sdt_role {
	SDT_ROLE_DIRECT		= 0,	/* direct mode: both ends alike */
	SDT_ROLE_PROXY		= 1,	/* customers are here */
	SDT_ROLE_SERVER		= 2,	/* the target is here */
};

enum sdt_at_limit {
	SDT_AT_LIMIT_REFUSE	= 0,
	SDT_AT_LIMIT_EVICT_IDLE	= 1,
};

/* Whose datagrams keep a channel from being idle: RFC 4787 REQ-6. */
enum sdt_idle_refresh {
	SDT_IDLE_REFRESH_BOTH		= 0,	/* the customer's, and answers to it */
	SDT_IDLE_REFRESH_CUSTOMER	= 1,	/* the customer's alone */
};

enum sdt_tunnel_attr {
	SDT_A_TUNNEL_UNSPEC,
	SDT_A_TUNNEL_INDEX,		/* u32, of the object on this node, read only */
	SDT_A_TUNNEL_NAME,		/* string */
	SDT_A_TUNNEL_LINK,		/* string, name of its link */
	SDT_A_TUNNEL_ID,		/* u16, on the wire; same on both nodes */
	SDT_A_TUNNEL_MODE,		/* u8, enum sdt_mode */
	SDT_A_TUNNEL_ROLE,		/* u8, enum sdt_role */
	SDT_A_TUNNEL_LISTEN,		/* endpoint */
	SDT_A_TUNNEL_CUSTOMER,		/* endpoint, direct mode */
	SDT_A_TUNNEL_TARGET,		/* endpoint */
	SDT_A_TUNNEL_MAX_CHANNELS,	/* u32 */
	SDT_A_TUNNEL_MAX_CHANNELS_PER_CUSTOMER, /* u32, 0: only max-channels counts */
	SDT_A_TUNNEL_CHANNEL_RATE,	/* u32, new channels a second, 0: no limit */
	SDT_A_TUNNEL_IDLE,		/* u32, seconds */
	SDT_A_TUNNEL_AT_LIMIT,		/* u8, enum sdt_at_limit */
	SDT_A_TUNNEL_EGRESS,		/* endpoint without a port: source address towards the target */
	SDT_A_TUNNEL_EGRESS_PORT_LO,	/* u16 */
	SDT_A_TUNNEL_EGRESS_PORT_HI,	/* u16 */
	SDT_A_TUNNEL_CHANNELS,		/* u32, open now, read only */
	SDT_A_TUNNEL_IN_DATAGRAMS,	/* u64, from customers or target, read only */
	SDT_A_TUNNEL_OUT_DATAGRAMS,	/* u64, to customers or target, read only */
	SDT_A_TUNNEL_IDLE_ONESHOT,	/* u32, seconds, for channels of one datagram each way; 0: as idle */
	SDT_A_TUNNEL_EGRESS_LAST,	/* endpoint without a port: EGRESS is the first of a range up to this */
	SDT_A_TUNNEL_CLIENT_ADDRESS,	/* u8, enum sdt_client_address; server and stream mode */
	SDT_A_TUNNEL_CLIENT_ALLOW,	/* nest, enum sdt_prefixes_attr: addresses that the peer may name */
	SDT_A_TUNNEL_ALLOW,		/* nest, enum sdt_prefixes_attr: where a router's server may send to */
	SDT_A_TUNNEL_FILTER,		/* u8, enum sdt_filter */
	SDT_A_TUNNEL_PORTS,		/* u32, egress ports times addresses, read only */
	SDT_A_TUNNEL_PORTS_ACTIVE,	/* u32, of them: in use by channels, read only */
	SDT_A_TUNNEL_PORTS_RESTING,	/* u32, of them: at rest after a channel, read only */
	SDT_A_TUNNEL_IDLE_REFRESH,	/* u8, enum sdt_idle_refresh */

	__SDT_A_TUNNEL_MAX,
};
#define SDT_A_TUNNEL_MAX (__SDT_A_TUNNEL_MAX - 1)

/* What the target learns of the customer; the proxy sends its address if this is not NONE. */
enum sdt_client_address {
	SDT_CLIENT_NONE			= 0,
	SDT_CLIENT_PROXY_V2		= 1,	/* PROXY protocol v2 before the first datagram's data */
	SDT_CLIENT_PROXY_V2_EVERY	= 2,	/*  before each one's */
	SDT_CLIENT_TRANSPARENT		= 3,	/* it is the source address */
};

/* Whose answers reach a router's customer: RFC 4787 section 5. */
enum sdt_filter {
	SDT_FILTER_ADDRESS_PORT		= 0,	/* from where it sent to */
	SDT_FILTER_ADDRESS		= 1,	/* from any port of an address that it sent to */
	SDT_FILTER_NONE			= 2,	/* from anywhere that allow names */
};

enum sdt_prefix_attr {
	SDT_A_PREFIX_UNSPEC,
	SDT_A_PREFIX_IPV4,		/* be32 */
	SDT_A_PREFIX_IPV6,		/* 16 bytes */
	SDT_A_PREFIX_LEN,		/* u8, bits */
	SDT_A_PREFIX_PORT_LO,		/* u16; without both ports: any */
	SDT_A_PREFIX_PORT_HI,		/* u16 */

	__SDT_A_PREFIX_MAX,
};
#define SDT_A_PREFIX_MAX (__SDT_A_PREFIX_MAX - 1)

/* In the nest of ALLOW and CLIENT_ALLOW: any number of these. */
enum sdt_prefixes_attr {
	SDT_A_PREFIXES_UNSPEC,
	SDT_A_PREFIXES_ENTRY,		/* nest, multi, enum sdt_prefix_attr */

	__SDT_A_PREFIXES_MAX,
};
#define SDT_A_PREFIXES_MAX (__SDT_A_PREFIXES_MAX - 1)

enum sdt_channel_attr {
	SDT_A_CHANNEL_UNSPEC,
	SDT_A_CHANNEL_TUNNEL,		/* string; in a request: only this tunnel's */
	SDT_A_CHANNEL_ID,		/* u32, on the wire */
	SDT_A_CHANNEL_CUSTOMER,		/* endpoint, proxy role */
	SDT_A_CHANNEL_LOCAL,		/* endpoint: what the customer wrote to, or the egress socket */
	SDT_A_CHANNEL_TARGET,		/* endpoint, server role */
	SDT_A_CHANNEL_IDLE_MS,		/* u64, since the last datagram */
	SDT_A_CHANNEL_LANE,		/* u8 */
	SDT_A_CHANNEL_IN_DATAGRAMS,	/* u64, from the customer or target */
	SDT_A_CHANNEL_OUT_DATAGRAMS,	/* u64, to the customer or target */

	__SDT_A_CHANNEL_MAX,
};
#define SDT_A_CHANNEL_MAX (__SDT_A_CHANNEL_MAX - 1)

enum sdt_stats_attr {
	SDT_A_STATS_UNSPEC,
	SDT_A_STATS_LINK,		/* string: counters of this link */
	SDT_A_STATS_TUNNEL,		/* string: counters of this tunnel; neither: the node's own */
	SDT_A_STATS_COUNTER,		/* nest, multi, enum sdt_counter_attr */

	__SDT_A_STATS_MAX,
};
#define SDT_A_STATS_MAX (__SDT_A_STATS_MAX - 1)

enum sdt_counter_attr {
	SDT_A_COUNTER_UNSPEC,
	SDT_A_COUNTER_ID,		/* u32, enum sdt_stat */
	SDT_A_COUNTER_VALUE,		/* u64 */
	SDT_A_COUNTER_PAD,

	__SDT_A_COUNTER_MAX,
};
#define SDT_A_COUNTER_MAX (__SDT_A_COUNTER_MAX - 1)

enum sdt_event {
	SDT_EVENT_LINK_UP		= 1,
	SDT_EVENT_LINK_DOWN		= 2,
	SDT_EVENT_LINK_ENDPOINT		= 3,	/* the peer moved */
	SDT_EVENT_CHANNEL_OPENED	= 4,
	SDT_EVENT_CHANNEL_CLOSED	= 5,
	SDT_EVENT_CHANNEL_REFUSED	= 6,	/* at a limit */
	SDT_EVENT_PORTS_EXHAUSTED	= 7,
	SDT_EVENT_PATH_MTU		= 8,	/* the path takes other sizes than before */
	SDT_EVENT_EGRESS_GONE		= 9,	/* an egress address is not this host's, others serve */
	SDT_EVENT_EGRESS_BACK		= 10,	/*  and is again */
};

enum sdt_close_reason {
	SDT_CLOSE_IDLE			= 1,
	SDT_CLOSE_PEER			= 2,	/* a CLOSE frame */
	SDT_CLOSE_TUNNEL_DELETED	= 3,
	SDT_CLOSE_EPOCH			= 4,	/* the node that opened it started afresh */
	SDT_CLOSE_EVICTED		= 5,
	SDT_CLOSE_CONFIG		= 6,	/* a setting changed under it */
};

/* as in REFUSED frames */
enum sdt_refuse_reason {
	SDT_REFUSE_TUNNEL_LIMIT		= 1,
	SDT_REFUSE_CUSTOMER_LIMIT	= 2,
	SDT_REFUSE_LINK_LIMIT		= 3,
	SDT_REFUSE_RATE			= 4,
	SDT_REFUSE_NO_PORT		= 5,
	SDT_REFUSE_POLICY		= 6,
};

enum sdt_event_attr {
	SDT_A_EVENT_UNSPEC,
	SDT_A_EVENT_TYPE,		/* u8, enum sdt_event */
	SDT_A_EVENT_LINK,		/* string */
	SDT_A_EVENT_TUNNEL,		/* string */
	SDT_A_EVENT_CHANNEL,		/* u32 */
	SDT_A_EVENT_ENDPOINT,		/* endpoint: peer or customer */
	SDT_A_EVENT_REASON,		/* u8, enum sdt_close_reason or sdt_refuse_reason */
	SDT_A_EVENT_REMOTE,		/* flag: the peer's node refused */
	SDT_A_EVENT_LOST,		/* u32, events left out before this one */
	SDT_A_EVENT_PATH_MTU,		/* u16, as SDT_A_LINK_PATH_MTU */

	__SDT_A_EVENT_MAX,
};
#define SDT_A_EVENT_MAX (__SDT_A_EVENT_MAX - 1)

enum sdt_ping_attr {
	SDT_A_PING_UNSPEC,
	SDT_A_PING_LINK,		/* string */
	SDT_A_PING_NUMBER,		/* u32, the caller's own; the answer has it */
	SDT_A_PING_LANE,		/* u8; 0 if not given */
	SDT_A_PING_SIZE,		/* u16, bytes of the message's UDP payload, with padding; not given: bare */
	SDT_A_PING_RTT,			/* u64, ns; answers only */

	__SDT_A_PING_MAX,
};
#define SDT_A_PING_MAX (__SDT_A_PING_MAX - 1)

/*
 * Counters. Traffic first, then one for each reason to drop. Numbers never
 * change their meaning; new ones are added at the end of their block's gap.
 */
enum sdt_stat {
	SDT_STAT_UNSPEC			= 0,

	/* traffic: tunnels */
	SDT_STAT_IN_DATAGRAMS		= 1,	/* plain, from customers or target */
	SDT_STAT_IN_BYTES		= 2,
	SDT_STAT_OUT_DATAGRAMS		= 3,	/* plain, to customers or target */
	SDT_STAT_OUT_BYTES		= 4,
	SDT_STAT_CHANNELS_OPENED	= 5,
	SDT_STAT_CHANNELS_CLOSED	= 6,
	SDT_STAT_PARKED			= 7,	/* first datagrams that waited for a socket */
	/* traffic: links */
	SDT_STAT_TX_MESSAGES		= 8,	/* sealed data messages, keepalives included */
	SDT_STAT_TX_BYTES		= 9,	/* their UDP payload */
	SDT_STAT_RX_MESSAGES		= 10,	/* authenticated and fresh */
	SDT_STAT_RX_BYTES		= 11,
	SDT_STAT_TX_KEEPALIVES		= 12,
	SDT_STAT_RX_KEEPALIVES		= 13,
	SDT_STAT_TX_INITIATIONS		= 14,
	SDT_STAT_RX_INITIATIONS		= 15,	/* accepted */
	SDT_STAT_TX_RESPONSES		= 16,
	SDT_STAT_RX_RESPONSES		= 17,	/* accepted */
	SDT_STAT_TX_COOKIES		= 18,	/* node: no link is known yet */
	SDT_STAT_RX_COOKIES		= 19,
	SDT_STAT_TX_CHALLENGES		= 20,
	SDT_STAT_RX_CHALLENGES		= 21,
	SDT_STAT_KEYPAIRS		= 22,	/* confirmed */
	SDT_STAT_STAGED			= 23,	/* datagrams that waited for a keypair */
	SDT_STAT_ENDPOINT_MOVED		= 24,
	SDT_STAT_TX_RESETS		= 25,
	SDT_STAT_RX_RESETS		= 26,	/* acted upon */
	SDT_STAT_ASYNC_CRYPTO		= 27,	/* operations that completed later */
	SDT_STAT_TX_FRAGMENTS		= 28,
	SDT_STAT_RX_FRAGMENTS		= 29,
	SDT_STAT_REASSEMBLED		= 30,	/* datagrams */
	SDT_STAT_TX_PROBES		= 31,	/* of the path MTU */
	SDT_STAT_PATH_MTU_CHANGED	= 32,
	/* traffic: tunnels, again */
	SDT_STAT_TX_ICMP		= 33,	/* ICMP errors sent to customers */
	SDT_STAT_TX_UNREACHABLE		= 34,	/* ICMP errors of the target told to the peer */
	SDT_STAT_RX_UNREACHABLE		= 35,	/* told by the peer */
	SDT_STAT_HAIRPIN		= 36,	/* from one of the tunnel's customers to another */
	/* traffic: links, again */
	SDT_STAT_TX_PINGS		= 37,	/* asked for, path validation and probes left out */
	SDT_STAT_RX_PONGS		= 38,	/*  and answered */
	/* traffic: tunnels, once more */
	SDT_STAT_EGRESS_GONE		= 39,	/* times that an egress address was not this host's (any more) */

	/* drops: outer messages, counted at the node (no link is known yet) */
	SDT_DROP_RX_TRUNCATED		= 40,	/* shorter than its type allows */
	SDT_DROP_RX_TYPE		= 41,	/* unknown type, wrong length or reserved bits */
	SDT_DROP_RX_MULTICAST		= 42,	/* sent to a group or broadcast address */
	SDT_DROP_RX_INDEX		= 43,	/* no keypair or handshake has this index */
	SDT_DROP_HS_QUEUE		= 44,	/* handshake queue full */
	SDT_DROP_HS_NO_KEY		= 45,	/* this node has no private key yet */
	SDT_DROP_HS_MAC1		= 46,	/* mac1 wrong: not meant for this node's key */
	SDT_DROP_HS_COOKIE_NEEDED	= 47,	/* under load, a cookie was sent instead */
	SDT_DROP_HS_SOURCE_RATE		= 48,	/* under load, too many from one address */
	SDT_DROP_HS_INVALID		= 49,	/* did not decrypt, or malformed */
	SDT_DROP_HS_PEER		= 50,	/* authentic, but from a key that no link has */
	SDT_DROP_RX_RESET_IGNORED	= 51,	/* a reset that proved nothing */
	SDT_DROP_RESET_RATE		= 52,	/* a reset that was due, but too many were sent */
	SDT_DROP_RX_ICMP		= 53,	/* an ICMP error about a message that no link sends so, or one of too many */

	/* drops: outer messages, counted at the link */
	SDT_DROP_HS_CIPHER		= 60,	/* the peer is set to another cipher */
	SDT_DROP_HS_STALE		= 61,	/* old timestamp: replayed, or the peer's clock went back */
	SDT_DROP_HS_RATE		= 62,	/* more initiations a second than a peer may send */
	SDT_DROP_HS_UNEXPECTED		= 63,	/* response or cookie to nothing outstanding */
	SDT_DROP_RX_LANE		= 64,	/* a lane that was not negotiated */
	SDT_DROP_RX_KEY_EXPIRED		= 65,	/* the keypair is too old */
	SDT_DROP_RX_TAG			= 66,	/* does not authenticate: forged or damaged */
	SDT_DROP_RX_REPLAY		= 67,	/* seen before */
	SDT_DROP_RX_OLD			= 68,	/* left of the replay window */
	SDT_DROP_RX_FRAME		= 69,	/* malformed frame */
	SDT_DROP_RX_CONTROL		= 70,	/* malformed control frame */
	SDT_DROP_RX_OP			= 71,	/* unknown control operation */
	SDT_DROP_RX_TUNNEL		= 72,	/* no such tunnel on this link */
	SDT_DROP_RX_NO_MEMORY		= 73,
	SDT_DROP_RX_PING_RATE		= 74,
	SDT_DROP_RX_ROAM		= 75,	/* peer heard from a new address that roam off ignores (the datagram was used) */
	SDT_DROP_RX_CRYPTO		= 76,	/* the cipher failed, not the message */
	SDT_DROP_RX_LENGTH		= 77,	/* longer than max_message allows */
	SDT_DROP_FRAG_OVERLAP		= 78,	/* fragments that contradict each other */
	SDT_DROP_FRAG_TIMEOUT		= 79,	/* a datagram whose fragments did not all come in time */
	SDT_DROP_FRAG_MEMORY		= 80,	/* too much waits for its fragments */
	SDT_DROP_FRAG_SHAPE		= 81,	/* a fragment that cannot be one */
	SDT_DROP_FRAG_DUPLICATE		= 82,	/* one that was there already */
	SDT_DROP_RX_ICMP_PEER		= 83,	/* an ICMP error that calls the peer unreachable */

	/* drops: towards the link */
	SDT_DROP_TX_QUEUE		= 90,	/* lane queue full */
	SDT_DROP_TX_STAGED		= 91,	/* waited for a handshake, pushed out or given up */
	SDT_DROP_TX_NO_ENDPOINT		= 92,	/* the peer's address is not known yet */
	SDT_DROP_TX_NO_ROUTE		= 93,
	SDT_DROP_TX_TOO_BIG		= 94,	/* does not fit the path to the peer */
	SDT_DROP_TX_NO_MEMORY		= 95,
	SDT_DROP_TX_CRYPTO		= 96,
	SDT_DROP_TX_EPOCH		= 97,	/* its channel belongs to an epoch that ended */
	SDT_DROP_TX_SOCKET		= 98,	/* no socket of the needed family */
	SDT_DROP_TX_ERROR		= 99,	/* the stack refused the outer packet */
	SDT_DROP_TX_TOLD_TOO_BIG	= 100,	/* does not fit, and its sender was told by ICMP */

	/* drops: tunnels */
	SDT_DROP_IN_MULTICAST		= 120,	/* sent to a group or broadcast address */
	SDT_DROP_IN_CUSTOMER		= 121,	/* direct mode: not from the configured customer */
	SDT_DROP_IN_SOURCE		= 122,	/* an answer that is not from the target */
	SDT_DROP_IN_RESTING		= 123,	/* an answer for a channel that is closed */
	SDT_DROP_IN_SHAPE		= 124,	/* not readable as a UDP datagram */
	SDT_DROP_LIMIT_TUNNEL		= 125,
	SDT_DROP_LIMIT_CUSTOMER		= 126,
	SDT_DROP_LIMIT_LINK		= 127,
	SDT_DROP_LIMIT_RATE		= 128,
	SDT_DROP_NO_PORT		= 129,	/* egress ports exhausted */
	SDT_DROP_PARK_FULL		= 130,	/* too many first datagrams wait for a socket */
	SDT_DROP_PARK_TIMEOUT		= 131,	/* no socket came in time */
	SDT_DROP_OUT_ROLE		= 132,	/* frame does not fit this end's role or mode */
	SDT_DROP_OUT_CHANNEL		= 133,	/* answer for a channel that is not (any more) */
	SDT_DROP_OUT_NO_ROUTE		= 134,
	SDT_DROP_OUT_NO_MEMORY		= 135,
	SDT_DROP_OUT_ERROR		= 136,	/* the stack refused the plain datagram */
	SDT_DROP_IN_NO_MEMORY		= 137,
	SDT_DROP_REFUSED_BY_PEER	= 138,	/* channel refused by the other node */
	SDT_DROP_OUT_EPOCH		= 139,	/* frame of an epoch that ended */
	SDT_DROP_DELETED		= 140,	/* tunnel or channel went away under the datagram */
	SDT_DROP_OUT_POLICY		= 141,	/* router: to where the peer may not send */
	SDT_DROP_OUT_FILTER		= 142,	/* router: from whom the customer did not write to */
	SDT_DROP_IN_FILTER		= 143,	/* the same, found at the server */
	SDT_DROP_IN_CAPTURE		= 144,	/* captured on its way to where no tunnel leads */
	SDT_DROP_IN_STREAM		= 145,	/* what a stream's target answered */
	SDT_DROP_OUT_CLIENT		= 146,	/* the customer's address is missing, or one that the peer may not name */
	SDT_DROP_IN_ICMP		= 147,	/* an ICMP error that nobody can be told of, or that quotes nothing of ours */
	SDT_DROP_ICMP_RATE		= 148,	/* an ICMP error that was due, but too many were sent */
	SDT_DROP_OUT_SIZE		= 149,	/* with the header in front of it, longer than a datagram may be */

	__SDT_STAT_MAX,
};
#define SDT_STAT_MAX (__SDT_STAT_MAX - 1)
#define SDT_STAT_FIRST_DROP SDT_DROP_RX_TRUNCATED

#endif /* _UAPI_LINUX_SDT_H */
