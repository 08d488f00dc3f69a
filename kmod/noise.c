// SPDX-License-Identifier: GPL-2.0
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "bytes.h"
#include "noise.h"

/* The pattern seals once under each key, so that no counter but this is used. */
#define COUNTER		0

#define ENC_STATIC_LEN	(SDT_KEY_LEN + SDT_TAG_LEN)
#define INIT_OVERHEAD	(SDT_KEY_LEN + ENC_STATIC_LEN + SDT_TAG_LEN)
#define RESP_OVERHEAD	(SDT_KEY_LEN + SDT_TAG_LEN)

#define TYPE_INITIATION	(SDT_MSG_INITIATION << 4)
#define TYPE_RESPONSE	(SDT_MSG_RESPONSE << 4)

#define TAI64_EPOCH	0x400000000000000aULL

static_assert(offsetof(struct sdt_msg_initiation, ephemeral) == SDT_PROLOGUE_HDR_LEN,
	      "the prologue ends where Noise's first message begins");
static_assert(offsetof(struct sdt_msg_response, ephemeral) == SDT_TIMESTAMP_LEN,
	      "the response's timestamp field echoes its whole header");
static_assert(offsetof(struct sdt_msg_initiation, mac1) -
	      offsetof(struct sdt_msg_initiation, ephemeral) ==
	      INIT_OVERHEAD + sizeof(struct sdt_hs_payload), "initiation without gaps");
static_assert(offsetof(struct sdt_msg_response, mac1) -
	      offsetof(struct sdt_msg_response, ephemeral) ==
	      RESP_OVERHEAD + sizeof(struct sdt_hs_payload), "response without gaps");

static_assert(sizeof(SDT_NAME_CHACHAPOLY) - 1 > SDT_HASH_LEN, "this name is hashed");
static_assert(sizeof(SDT_NAME_AESGCM) - 1 == SDT_HASH_LEN, "this name is taken as it is");

/* ------- symmetric state: Noise specification, section 5.2 ------- */

static void mix_hash(struct sdt_noise *hs, const void *data, size_t len)
{
	const struct sdt_buf parts[] = { { hs->h, SDT_HASH_LEN }, { data, len } };

	sdt_sha256(hs->h, parts, ARRAY_SIZE(parts));
}

/* Section 4.3; @out3 may be NULL. An output may overwrite @ck. */
static void hkdf(u8 *out1, u8 *out2, u8 *out3, const u8 ck[SDT_HASH_LEN],
		 const void *ikm, size_t ikm_len)
{
	const struct sdt_buf input = { ikm, ikm_len };
	u8 temp[SDT_HASH_LEN];
	u8 block[SDT_HASH_LEN + 1];
	const struct sdt_buf first = { block + SDT_HASH_LEN, 1 };
	const struct sdt_buf next = { block, sizeof(block) };

	sdt_hmac_sha256(temp, ck, SDT_HASH_LEN, &input, 1);

	block[SDT_HASH_LEN] = 1;
	sdt_hmac_sha256(block, temp, sizeof(temp), &first, 1);
	memcpy(out1, block, SDT_HASH_LEN);

	block[SDT_HASH_LEN] = 2;
	sdt_hmac_sha256(block, temp, sizeof(temp), &next, 1);
	memcpy(out2, block, SDT_HASH_LEN);

	if (out3) {
		block[SDT_HASH_LEN] = 3;
		sdt_hmac_sha256(block, temp, sizeof(temp), &next, 1);
		memcpy(out3, block, SDT_HASH_LEN);
	}
	sdt_wipe(temp, sizeof(temp));
	sdt_wipe(block, sizeof(block));
}

static void mix_key(struct sdt_noise *hs, const u8 ikm[SDT_KEY_LEN])
{
	hkdf(hs->ck, hs->k, NULL, hs->ck, ikm, SDT_KEY_LEN);
}

static void mix_key_and_hash(struct sdt_noise *hs, const u8 ikm[SDT_KEY_LEN])
{
	u8 temp[SDT_HASH_LEN];

	hkdf(hs->ck, temp, hs->k, hs->ck, ikm, SDT_KEY_LEN);
	mix_hash(hs, temp, sizeof(temp));
	sdt_wipe(temp, sizeof(temp));
}

static int mix_dh(struct sdt_noise *hs, const u8 priv[SDT_KEY_LEN], const u8 pub[SDT_KEY_LEN])
{
	u8 shared[SDT_KEY_LEN];
	bool usable = sdt_dh(shared, priv, pub);

	if (usable)
		mix_key(hs, shared);
	sdt_wipe(shared, sizeof(shared));
	return usable ? 0 : -EKEYREJECTED;
}

/* An ephemeral key goes into hash and, as PSK patterns demand, key. */
static void mix_ephemeral(struct sdt_noise *hs, const u8 pub[SDT_KEY_LEN])
{
	mix_hash(hs, pub, SDT_KEY_LEN);
	mix_key(hs, pub);
}

static int encrypt_and_hash(struct sdt_noise *hs, const void *src, size_t len, u8 *dst)
{
	int err = sdt_aead_seal(hs->suite, hs->k, COUNTER, hs->h, SDT_HASH_LEN, src, len, dst);

	if (!err)
		mix_hash(hs, dst, len + SDT_TAG_LEN);
	return err;
}

/* @len with the tag; @dst must not be @src, which is hashed afterwards. */
static int decrypt_and_hash(struct sdt_noise *hs, const void *src, size_t len, u8 *dst)
{
	int err = sdt_aead_open(hs->suite, hs->k, COUNTER, hs->h, SDT_HASH_LEN, src, len, dst);

	if (!err)
		mix_hash(hs, src, len);
	return err;
}

/* Section 5.2, InitializeSymmetric; a name that fits is padded instead of hashed. */
static int init_symmetric(struct sdt_noise *hs, u8 suite)
{
	const struct sdt_buf chachapoly = { SDT_NAME_CHACHAPOLY, sizeof(SDT_NAME_CHACHAPOLY) - 1 };

	memset(hs, 0, sizeof(*hs));
	switch (suite) {
	case SDT_SUITE_CHACHAPOLY:
		sdt_sha256(hs->h, &chachapoly, 1);
		break;
	case SDT_SUITE_AESGCM:
		memcpy(hs->h, SDT_NAME_AESGCM, SDT_HASH_LEN);
		break;
	default:
		return -EPROTO;
	}
	memcpy(hs->ck, hs->h, SDT_HASH_LEN);
	hs->suite = suite;
	return 0;
}

/* The pattern's pre-message: the initiator knows the responder's static key. */
static int start(struct sdt_noise *hs, u8 suite, const void *prologue, size_t prologue_len,
		 const u8 responder[SDT_KEY_LEN])
{
	int err = init_symmetric(hs, suite);

	if (err)
		return err;
	mix_hash(hs, prologue, prologue_len);
	mix_hash(hs, responder, SDT_KEY_LEN);
	return 0;
}

/* After the second message only hash and chaining key are of use. */
static void finish(struct sdt_noise *hs)
{
	sdt_wipe(hs->k, sizeof(hs->k));
	sdt_wipe(hs->e_priv, sizeof(hs->e_priv));
}

static int write_ephemeral(struct sdt_noise *hs, const u8 e_priv[SDT_KEY_LEN], u8 *out)
{
	memcpy(hs->e_priv, e_priv, SDT_KEY_LEN);
	if (!sdt_dh_public(out, e_priv))
		return -EKEYREJECTED;
	mix_ephemeral(hs, out);
	return 0;
}

/* ------- the pattern IKpsk2 ------- */

/* -> e, es, s, ss */
static int write_init_tokens(struct sdt_noise *hs, const struct sdt_identity *self,
			     const u8 e_priv[SDT_KEY_LEN],
			     const void *payload, size_t payload_len, u8 *out)
{
	int err;

	err = write_ephemeral(hs, e_priv, out);
	if (err)
		return err;
	err = mix_dh(hs, hs->e_priv, hs->rs);
	if (err)
		return err;
	err = encrypt_and_hash(hs, self->pub, SDT_KEY_LEN, out + SDT_KEY_LEN);
	if (err)
		return err;
	err = mix_dh(hs, self->priv, hs->rs);
	if (err)
		return err;
	return encrypt_and_hash(hs, payload, payload_len, out + SDT_KEY_LEN + ENC_STATIC_LEN);
}

int sdt_noise_write_init(struct sdt_noise *hs, u8 suite, const struct sdt_identity *self,
			 const u8 rs[SDT_KEY_LEN], const u8 e_priv[SDT_KEY_LEN],
			 const void *prologue, size_t prologue_len,
			 const void *payload, size_t payload_len, u8 *out)
{
	int err;

	err = start(hs, suite, prologue, prologue_len, rs);
	if (!err) {
		memcpy(hs->rs, rs, SDT_KEY_LEN);
		err = write_init_tokens(hs, self, e_priv, payload, payload_len, out);
	}
	if (err)
		sdt_wipe(hs, sizeof(*hs));
	return err;
}

static int read_init_tokens(struct sdt_noise *hs, const struct sdt_identity *self,
			    const u8 *in, size_t in_len, u8 *payload)
{
	const u8 *enc_static = in + SDT_KEY_LEN;
	const u8 *enc_payload = enc_static + ENC_STATIC_LEN;
	int err;

	memcpy(hs->re, in, SDT_KEY_LEN);
	mix_ephemeral(hs, hs->re);
	err = mix_dh(hs, self->priv, hs->re);
	if (err)
		return err;
	err = decrypt_and_hash(hs, enc_static, ENC_STATIC_LEN, hs->rs);
	if (err)
		return err;
	err = mix_dh(hs, self->priv, hs->rs);
	if (err)
		return err;
	return decrypt_and_hash(hs, enc_payload, in_len - SDT_KEY_LEN - ENC_STATIC_LEN, payload);
}

int sdt_noise_read_init(struct sdt_noise *hs, u8 suite, const struct sdt_identity *self,
			const void *prologue, size_t prologue_len,
			const u8 *in, size_t in_len, u8 *payload)
{
	int err;

	err = start(hs, suite, prologue, prologue_len, self->pub);
	if (!err)
		err = in_len < INIT_OVERHEAD ? -EBADMSG :
		      read_init_tokens(hs, self, in, in_len, payload);
	if (err)
		sdt_wipe(hs, sizeof(*hs));
	return err;
}

/* <- e, ee, se, psk */
static int write_resp_tokens(struct sdt_noise *hs, const u8 psk[SDT_KEY_LEN],
			     const u8 e_priv[SDT_KEY_LEN],
			     const void *payload, size_t payload_len, u8 *out)
{
	int err;

	err = write_ephemeral(hs, e_priv, out);
	if (err)
		return err;
	err = mix_dh(hs, hs->e_priv, hs->re);
	if (err)
		return err;
	err = mix_dh(hs, hs->e_priv, hs->rs);
	if (err)
		return err;
	mix_key_and_hash(hs, psk);
	return encrypt_and_hash(hs, payload, payload_len, out + SDT_KEY_LEN);
}

int sdt_noise_write_resp(struct sdt_noise *hs, const u8 psk[SDT_KEY_LEN],
			 const u8 e_priv[SDT_KEY_LEN],
			 const void *payload, size_t payload_len, u8 *out)
{
	int err = write_resp_tokens(hs, psk, e_priv, payload, payload_len, out);

	if (err)
		sdt_wipe(hs, sizeof(*hs));
	else
		finish(hs);
	return err;
}

static int read_resp_tokens(struct sdt_noise *hs, const struct sdt_identity *self,
			    const u8 psk[SDT_KEY_LEN], const u8 *in, size_t in_len, u8 *payload)
{
	int err;

	memcpy(hs->re, in, SDT_KEY_LEN);
	mix_ephemeral(hs, hs->re);
	err = mix_dh(hs, hs->e_priv, hs->re);
	if (err)
		return err;
	err = mix_dh(hs, self->priv, hs->re);
	if (err)
		return err;
	mix_key_and_hash(hs, psk);
	return decrypt_and_hash(hs, in + SDT_KEY_LEN, in_len - SDT_KEY_LEN, payload);
}

int sdt_noise_read_resp(struct sdt_noise *hs, const struct sdt_identity *self,
			const u8 psk[SDT_KEY_LEN], const u8 *in, size_t in_len, u8 *payload)
{
	struct sdt_noise next = *hs;
	int err;

	err = in_len < RESP_OVERHEAD ? -EBADMSG :
	      read_resp_tokens(&next, self, psk, in, in_len, payload);
	if (!err) {
		finish(&next);
		*hs = next;
	}
	sdt_wipe(&next, sizeof(next));
	return err;
}

void sdt_noise_split(const struct sdt_noise *hs, u8 k1[SDT_KEY_LEN], u8 k2[SDT_KEY_LEN])
{
	hkdf(k1, k2, NULL, hs->ck, NULL, 0);
}

/* ------- SDT's two messages ------- */

struct prologue {
	u8 label[sizeof(SDT_LABEL_PROLOGUE) - 1];
	u8 hdr[SDT_PROLOGUE_HDR_LEN];
} __packed;

static void prologue_of(struct prologue *p, const struct sdt_msg_initiation *msg)
{
	memcpy(p->label, SDT_LABEL_PROLOGUE, sizeof(p->label));
	memcpy(p->hdr, msg, sizeof(p->hdr));
}

static bool index_valid(const void *index)
{
	u32 v = sdt_get_be32(index);

	return v && v <= SDT_INDEX_MASK;
}

static bool lanes_valid(const struct sdt_hs_payload *payload)
{
	return payload->lanes && payload->lanes <= SDT_LANES_MAX;
}

int sdt_msg_write_initiation(struct sdt_msg_initiation *msg, struct sdt_noise *hs, u8 suite,
			     const struct sdt_identity *self, const u8 rs[SDT_KEY_LEN],
			     u32 sender_index, const struct sdt_hs_payload *payload)
{
	struct prologue prologue;
	u8 e_priv[SDT_KEY_LEN];
	int err;

	msg->type = TYPE_INITIATION;
	msg->version = SDT_WIRE_VERSION;
	msg->suite = suite;
	msg->reserved = 0;
	sdt_put_be32(&msg->sender_index, sender_index);
	prologue_of(&prologue, msg);

	sdt_random(e_priv, sizeof(e_priv));
	err = sdt_noise_write_init(hs, suite, self, rs, e_priv, &prologue, sizeof(prologue),
				   payload, sizeof(*payload), msg->ephemeral);
	sdt_wipe(e_priv, sizeof(e_priv));
	return err;
}

static bool initiation_hdr_valid(const struct sdt_msg_initiation *msg)
{
	return msg->type == TYPE_INITIATION && msg->version == SDT_WIRE_VERSION &&
	       (msg->suite == SDT_SUITE_CHACHAPOLY || msg->suite == SDT_SUITE_AESGCM) &&
	       index_valid(&msg->sender_index);
}

int sdt_msg_read_initiation(const struct sdt_msg_initiation *msg, struct sdt_noise *hs,
			    const struct sdt_identity *self, struct sdt_hs_payload *payload)
{
	struct prologue prologue;
	int err;

	if (!initiation_hdr_valid(msg)) {
		err = -EPROTO;
		goto err_wipe;
	}
	prologue_of(&prologue, msg);
	err = sdt_noise_read_init(hs, msg->suite, self, &prologue, sizeof(prologue),
				  msg->ephemeral, offsetof(struct sdt_msg_initiation, mac1) -
				  offsetof(struct sdt_msg_initiation, ephemeral), (u8 *)payload);
	if (err)
		goto err_wipe;
	if (!lanes_valid(payload)) {
		err = -EPROTO;
		goto err_wipe;
	}
	return 0;

err_wipe:
	sdt_wipe(hs, sizeof(*hs));
	sdt_wipe(payload, sizeof(*payload));
	return err;
}

int sdt_msg_write_response(struct sdt_msg_response *msg, struct sdt_noise *hs,
			   const u8 psk[SDT_KEY_LEN], u32 sender_index, u32 receiver_index,
			   struct sdt_hs_payload *payload)
{
	u8 e_priv[SDT_KEY_LEN];
	int err;

	msg->type = TYPE_RESPONSE;
	msg->version = SDT_WIRE_VERSION;
	msg->suite = hs->suite;
	msg->reserved = 0;
	sdt_put_be32(&msg->sender_index, sender_index);
	sdt_put_be32(&msg->receiver_index, receiver_index);
	memcpy(payload->timestamp, msg, sizeof(payload->timestamp));

	sdt_random(e_priv, sizeof(e_priv));
	err = sdt_noise_write_resp(hs, psk, e_priv, payload, sizeof(*payload), msg->ephemeral);
	sdt_wipe(e_priv, sizeof(e_priv));
	return err;
}

static bool response_hdr_valid(const struct sdt_msg_response *msg, u8 suite)
{
	return msg->type == TYPE_RESPONSE && msg->version == SDT_WIRE_VERSION &&
	       msg->suite == suite &&
	       index_valid(&msg->sender_index) && index_valid(&msg->receiver_index);
}

int sdt_msg_read_response(const struct sdt_msg_response *msg, struct sdt_noise *hs,
			  const struct sdt_identity *self, const u8 psk[SDT_KEY_LEN],
			  struct sdt_hs_payload *payload)
{
	struct sdt_noise next = *hs;
	int err;

	if (!response_hdr_valid(msg, hs->suite)) {
		err = -EPROTO;
		goto err_wipe;
	}
	err = sdt_noise_read_resp(&next, self, psk, msg->ephemeral,
				  offsetof(struct sdt_msg_response, mac1) -
				  offsetof(struct sdt_msg_response, ephemeral), (u8 *)payload);
	if (err)
		goto err_wipe;
	if (!sdt_equal(payload->timestamp, msg, sizeof(payload->timestamp))) {
		err = -EBADMSG;
		goto err_wipe;
	}
	if (!lanes_valid(payload)) {
		err = -EPROTO;
		goto err_wipe;
	}
	*hs = next;
	sdt_wipe(&next, sizeof(next));
	return 0;

err_wipe:
	sdt_wipe(&next, sizeof(next));
	sdt_wipe(payload, sizeof(*payload));
	return err;
}

void sdt_tai64n(u8 out[SDT_TIMESTAMP_LEN], u64 sec, u32 nsec)
{
	sdt_put_be64(out, TAI64_EPOCH + sec);
	sdt_put_be32(out + 8, nsec & ~((1U << SDT_TIMESTAMP_NSEC_BITS) - 1));
}
