/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SDT wire contract, version 1: message and frame layout, and every number
 * that two nodes must agree upon. Pure C, no kernel or libc dependency beyond
 * <linux/types.h>. docs/PROTOCOL.md is the text that belongs to it.
 */
#ifndef _SDT_WIRE_H
#define _SDT_WIRE_H

#include <linux/types.h>

#define SDT_WIRE_VERSION	1

/* byte 0 of every outer message: type << 4 | lane */
enum sdt_msg_type {
	SDT_MSG_INITIATION	= 1,
	SDT_MSG_RESPONSE	= 2,
	SDT_MSG_COOKIE		= 3,
	SDT_MSG_DATA		= 4,
	SDT_MSG_RESET		= 5,
};

enum sdt_suite {
	SDT_SUITE_CHACHAPOLY	= 1,
	SDT_SUITE_AESGCM	= 2,
};

/* "what" byte of a type 3 message */
enum sdt_cookie_what {
	SDT_COOKIE_COOKIE	= 1,
	SDT_COOKIE_CHALLENGE	= 2,
};

#define SDT_KEY_LEN		32	/* X25519 keys, PSK, AEAD keys */
#define SDT_HASH_LEN		32	/* SHA-256 */
#define SDT_TAG_LEN		16	/* AEAD tag */
#define SDT_NONCE_LEN		12	/* AEAD nonce */
#define SDT_MAC_LEN		16	/* mac1, mac2, cookie, challenge */
#define SDT_TIMESTAMP_LEN	12	/* TAI64N */
#define SDT_SALT_LEN		24
#define SDT_LANES_MAX		16
#define SDT_WINDOW_BITS		8192	/* replay window of a lane, RFC 6479 */
#define SDT_FEATURES		0	/* features of version 1 */

/* Names that enter hashes and keys, without their final zero. */
#define SDT_NAME_CHACHAPOLY	"Noise_IKpsk2_25519_ChaChaPoly_SHA256"
#define SDT_NAME_AESGCM		"Noise_IKpsk2_25519_AESGCM_SHA256"
#define SDT_LABEL_PROLOGUE	"SDT1"
#define SDT_LABEL_MAC1		"sdt1-mac1"
#define SDT_LABEL_COOKIE	"sdt1-cookie"

#define SDT_TIMESTAMP_NSEC_BITS	24	/* low bits of a timestamp's nanoseconds are zero */

#define SDT_INDEX_BITS		24
#define SDT_INDEX_MASK		0x00ffffffu

/* Handshake payload, sealed in initiation and response. */
struct sdt_hs_payload {
	__u8	timestamp[SDT_TIMESTAMP_LEN];	/* response: its own bytes 0..11 */
	__be64	epoch;
	__u8	challenge[SDT_MAC_LEN];
	__be32	features;
	__u8	lanes;
	__u8	flags;
	__be16	max_message;
	__u8	reserved[12];
} __attribute__((packed));

/* sdt_hs_payload.flags; unknown bits are ignored */
#define SDT_HS_FLAG_CONFIGURED	0x01	/* the sender's configuration has its peer's endpoint */

struct sdt_msg_initiation {
	__u8	type;				/* SDT_MSG_INITIATION << 4 */
	__u8	version;
	__u8	suite;
	__u8	reserved;
	__be32	sender_index;			/* top byte zero */
	__u8	ephemeral[SDT_KEY_LEN];
	__u8	enc_static[SDT_KEY_LEN + SDT_TAG_LEN];
	__u8	enc_payload[sizeof(struct sdt_hs_payload) + SDT_TAG_LEN];
	__u8	mac1[SDT_MAC_LEN];
	__u8	mac2[SDT_MAC_LEN];
} __attribute__((packed));

struct sdt_msg_response {
	__u8	type;				/* SDT_MSG_RESPONSE << 4 */
	__u8	version;
	__u8	suite;
	__u8	reserved;
	__be32	sender_index;
	__be32	receiver_index;
	__u8	ephemeral[SDT_KEY_LEN];
	__u8	enc_payload[sizeof(struct sdt_hs_payload) + SDT_TAG_LEN];
	__u8	mac1[SDT_MAC_LEN];
	__u8	mac2[SDT_MAC_LEN];
} __attribute__((packed));

struct sdt_msg_cookie {
	__u8	type;				/* SDT_MSG_COOKIE << 4 */
	__u8	version;
	__u8	suite;
	__u8	what;				/* enum sdt_cookie_what */
	__be32	receiver_index;
	__u8	salt[SDT_SALT_LEN];
	__u8	sealed[SDT_MAC_LEN];
	__u8	tag[SDT_MAC_LEN];
} __attribute__((packed));

/* Header of a data message; a reset is the same 8 bytes with its type changed. */
struct sdt_msg_data {
	__be32	type_lane_index;		/* type:4 lane:4 receiver_index:24 */
	__be32	counter;
} __attribute__((packed));

#define SDT_INITIATION_LEN	192
#define SDT_RESPONSE_LEN	148
#define SDT_COOKIE_LEN		64
#define SDT_DATA_HDR_LEN	8
#define SDT_RESET_LEN		8
#define SDT_DATA_MIN_LEN	(SDT_DATA_HDR_LEN + SDT_TAG_LEN)
#define SDT_PROLOGUE_HDR_LEN	8	/* bytes of the initiation in the prologue */

_Static_assert(sizeof(struct sdt_hs_payload) == 56, "handshake payload");
_Static_assert(sizeof(struct sdt_msg_initiation) == SDT_INITIATION_LEN, "initiation");
_Static_assert(sizeof(struct sdt_msg_response) == SDT_RESPONSE_LEN, "response");
_Static_assert(sizeof(struct sdt_msg_cookie) == SDT_COOKIE_LEN, "cookie");
_Static_assert(sizeof(struct sdt_msg_data) == SDT_DATA_HDR_LEN, "data header");

/*
 * Frames. First byte, most significant bit first:
 * control:1 length:1 reply:1 tunnel:1 form:4, form = chlen + 5 * address family.
 */
#define SDT_FRAME_CONTROL	0x80
#define SDT_FRAME_LENGTH	0x40
#define SDT_FRAME_REPLY		0x20
#define SDT_FRAME_TUNNEL	0x10
#define SDT_FRAME_FORM		0x0f
#define SDT_FRAME_FORM_INVALID	15
#define SDT_FRAME_CHLEN_MAX	4
#define SDT_FRAME_AF_STEP	5	/* form = chlen + SDT_FRAME_AF_STEP * af */
#define SDT_FRAME_HDR_MAX	(1 + 2 + 2 + 4 + 18)

enum sdt_frame_af {
	SDT_FRAME_AF_NONE	= 0,
	SDT_FRAME_AF_IPV4	= 1,	/* 4 bytes address, 2 bytes port */
	SDT_FRAME_AF_IPV6	= 2,	/* 16 bytes address, 2 bytes port */
};

enum sdt_control_op {
	SDT_OP_PAD		= 0,
	SDT_OP_FRAGMENT		= 1,
	SDT_OP_CLOSE		= 2,
	SDT_OP_REFUSED		= 3,
	SDT_OP_UNREACHABLE	= 4,
	SDT_OP_PING		= 5,
	SDT_OP_PONG		= 6,
};

enum sdt_refused_reason {
	SDT_REFUSED_TUNNEL	= 1,
	SDT_REFUSED_CUSTOMER	= 2,
	SDT_REFUSED_LINK	= 3,
	SDT_REFUSED_RATE	= 4,
	SDT_REFUSED_NO_PORT	= 5,
	SDT_REFUSED_POLICY	= 6,
};

enum sdt_unreach_class {
	SDT_UNREACH_NET		= 1,
	SDT_UNREACH_HOST	= 2,
	SDT_UNREACH_PORT	= 3,
	SDT_UNREACH_PROHIBITED	= 4,
	SDT_UNREACH_TOO_BIG	= 5,
};

#define SDT_PING_LEN		8	/* opaque bytes of PING and PONG */

/* FRAGMENT: id u32, then more:1 zero:2 offset:13 in units of 8 bytes */
#define SDT_FRAGMENT_MORE	0x8000
#define SDT_FRAGMENT_ZERO	0x6000
#define SDT_FRAGMENT_OFFSET	0x1fff
#define SDT_FRAGMENT_UNIT	8
#define SDT_FRAGMENT_HDR_LEN	7	/* op, id and offset: bytes of a FRAGMENT's body before its data */
#define SDT_DATAGRAM_MAX	65507	/* bytes of a reassembled datagram */
#define SDT_FRAGMENTS_MAX	192	/* pieces of a datagram */

/* Limits on keys; times are protocol times, see kmod/timers.h for the units */
#define SDT_REKEY_AFTER_MESSAGES	(1u << 28)	/* of a lane; AES-GCM: of all lanes */
#define SDT_REJECT_AFTER_COUNTER	0xffffffffu	/* this counter value is never sent */
#define SDT_REKEY_AFTER_TIME		120	/* s, at the keypair's initiator */
#define SDT_REKEY_AFTER_TIME_RESPONDER	165	/* s, if it has data */
#define SDT_REJECT_AFTER_TIME		180	/* s */
#define SDT_REKEY_ATTEMPT_TIME		90	/* s */
#define SDT_REKEY_TIMEOUT		5	/* s, plus jitter */
#define SDT_KEEPALIVE_TIMEOUT		10	/* s */
#define SDT_NEW_HANDSHAKE_TIMEOUT	15	/* s */
#define SDT_COOKIE_SECRET_TIME		120	/* s, life of the secret behind cookies */
#define SDT_COOKIE_LATENCY		5	/* s: a cookie is used up to 115 s */
#define SDT_CHALLENGE_TIME		120	/* s */
#define SDT_LANE_FRESH_TIME		20	/* s: a lane's own endpoint is used so long */
#define SDT_RESET_WAIT_MIN		5	/* s, between two handshakes that resets cause */
#define SDT_RESET_WAIT_MAX		120	/* s, while such sessions live shorter than this */
#define SDT_PORT_REST_TIME		120	/* s, RFC 6888 REQ-8 */
#define SDT_INITIATIONS_PER_SECOND	50	/* accepted from one peer */
#define SDT_PINGS_PER_SECOND		10	/* answered on one link */
#define SDT_STAGED_MAX			128	/* datagrams a link, while a handshake runs */

#endif /* _SDT_WIRE_H */
