/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Noise_IKpsk2_25519_{ChaChaPoly,AESGCM}_SHA256 over buffers (Noise
 * specification, revision 34): no skb, no socket, no clock.
 */
#ifndef _SDT_NOISE_H
#define _SDT_NOISE_H

#include "prim.h"

/* The node's own key pair. */
struct sdt_identity {
	u8 priv[SDT_KEY_LEN];
	u8 pub[SDT_KEY_LEN];
};

/*
 * One handshake under way, at either side. Holds secrets: sdt_wipe() it when
 * it ends. Copying it is allowed and how a caller makes consumption atomic.
 */
struct sdt_noise {
	u8 h[SDT_HASH_LEN];
	u8 ck[SDT_HASH_LEN];
	u8 k[SDT_KEY_LEN];		/* key after the last MixKey */
	u8 e_priv[SDT_KEY_LEN];		/* own ephemeral */
	u8 re[SDT_KEY_LEN];		/* peer's ephemeral */
	u8 rs[SDT_KEY_LEN];		/* peer's static */
	u8 suite;
};

/**
 * sdt_noise_write_init() - initiator: first message
 * @hs: set up by this call
 * @e_priv: fresh random; the vectors pass theirs
 * @out: ephemeral[32] enc_static[48] enc_payload[@payload_len + 16]
 * Return: 0, -EKEYREJECTED if a DH result is all zero, or another -errno; on
 * error @hs is wiped.
 */
int sdt_noise_write_init(struct sdt_noise *hs, u8 suite, const struct sdt_identity *self,
			 const u8 rs[SDT_KEY_LEN], const u8 e_priv[SDT_KEY_LEN],
			 const void *prologue, size_t prologue_len,
			 const void *payload, size_t payload_len, u8 *out);

/**
 * sdt_noise_read_init() - responder: first message
 * @hs: set up by this call; hs->rs names the initiator afterwards
 * @in: @in_len = 32 + 48 + payload + 16 bytes
 * @payload: @in_len - 96 bytes
 * Return: 0, -EBADMSG, -EKEYREJECTED, or another -errno; on error @hs is wiped.
 */
int sdt_noise_read_init(struct sdt_noise *hs, u8 suite, const struct sdt_identity *self,
			const void *prologue, size_t prologue_len,
			const u8 *in, size_t in_len, u8 *payload);

/**
 * sdt_noise_write_resp() - responder: second message, ephemeral[32] enc_payload[len + 16]
 * On error @hs is wiped.
 */
int sdt_noise_write_resp(struct sdt_noise *hs, const u8 psk[SDT_KEY_LEN],
			 const u8 e_priv[SDT_KEY_LEN],
			 const void *payload, size_t payload_len, u8 *out);

/**
 * sdt_noise_read_resp() - initiator: second message
 * @hs: unchanged on error, so a forged response cannot end a handshake
 * @payload: @in_len - 48 bytes
 */
int sdt_noise_read_resp(struct sdt_noise *hs, const struct sdt_identity *self,
			const u8 psk[SDT_KEY_LEN], const u8 *in, size_t in_len, u8 *payload);

/** sdt_noise_split() - k1: the initiator sends with it; k2: the responder does */
void sdt_noise_split(const struct sdt_noise *hs, u8 k1[SDT_KEY_LEN], u8 k2[SDT_KEY_LEN]);

/*
 * The two messages of SDT around the pattern. Both fill in everything up to
 * mac1; macs are cookie.h's.
 */

/** sdt_msg_write_initiation() - @msg->type .. enc_payload; @sender_index is not zero, 24 bits */
int sdt_msg_write_initiation(struct sdt_msg_initiation *msg, struct sdt_noise *hs, u8 suite,
			     const struct sdt_identity *self, const u8 rs[SDT_KEY_LEN],
			     u32 sender_index, const struct sdt_hs_payload *payload);

/**
 * sdt_msg_read_initiation() - verify header bytes, open; hs->rs is the peer
 * Return: 0; -EPROTO for a malformed header (type, lane nibble, version, suite unknown,
 * index zero or too large); -EBADMSG, -EKEYREJECTED as the Noise calls. The
 * payload's lanes (1..16) is verified too: -EPROTO. On error @hs and @payload are wiped.
 * That hs->suite is the link's is for the caller to verify, once hs->rs has named the link.
 */
int sdt_msg_read_initiation(const struct sdt_msg_initiation *msg, struct sdt_noise *hs,
			    const struct sdt_identity *self, struct sdt_hs_payload *payload);

/** sdt_msg_write_response() - sets payload->timestamp itself: the response's bytes 0..11 */
int sdt_msg_write_response(struct sdt_msg_response *msg, struct sdt_noise *hs,
			   const u8 psk[SDT_KEY_LEN], u32 sender_index, u32 receiver_index,
			   struct sdt_hs_payload *payload);

/**
 * sdt_msg_read_response() - verifies header, echo of bytes 0..11, suite == hs->suite, lanes
 * Return: as sdt_msg_read_initiation(); -EBADMSG also for a wrong echo. On error @hs is
 * unchanged and @payload wiped.
 */
int sdt_msg_read_response(const struct sdt_msg_response *msg, struct sdt_noise *hs,
			  const struct sdt_identity *self, const u8 psk[SDT_KEY_LEN],
			  struct sdt_hs_payload *payload);

/** sdt_tai64n() - TAI64N label, nanoseconds rounded down to 2^24; @sec, @nsec of CLOCK_REALTIME */
void sdt_tai64n(u8 out[SDT_TIMESTAMP_LEN], u64 sec, u32 nsec);

#endif /* _SDT_NOISE_H */
