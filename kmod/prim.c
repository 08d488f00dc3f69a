// SPDX-License-Identifier: GPL-2.0
/* The primitives of prim.h on the kernel's crypto. */
#include <crypto/aead.h>
#include <crypto/chacha20poly1305.h>
#include <crypto/curve25519.h>
#include <crypto/hash.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bytes.h"
#include "compat/compat.h"
#include "prim.h"

#define SHA256_BLOCK_LEN	64
#define HMAC_IPAD		0x36
#define HMAC_OPAD		0x5c

/* Holds no key and never changes after sdt_prim_init(). */
static struct crypto_shash *sha256_tfm;

int sdt_prim_init(void)
{
	struct crypto_shash *tfm;
	int err;

	err = wait_for_random_bytes();
	if (err)
		return err;
	tfm = crypto_alloc_shash("sha256", 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	sha256_tfm = tfm;
	return 0;
}

void sdt_prim_exit(void)
{
	crypto_free_shash(sha256_tfm);
	sha256_tfm = NULL;
}

/* SHA-256 over @prefix of one block, which may be NULL, and the parts. */
static void sha256_prefixed(u8 out[SDT_HASH_LEN], const u8 *prefix,
			    const struct sdt_buf *parts, unsigned int n)
{
	SHASH_DESC_ON_STACK(desc, sha256_tfm);
	unsigned int i;
	int err;

	desc->tfm = sha256_tfm;
	err = crypto_shash_init(desc);
	if (!err && prefix)
		err = crypto_shash_update(desc, prefix, SHA256_BLOCK_LEN);
	for (i = 0; !err && i < n; i++)
		err = crypto_shash_update(desc, parts[i].data, parts[i].len);
	if (!err)
		err = crypto_shash_final(desc, out);
	shash_desc_zero(desc);

	/* A software hash has no way to fail; should one find it, nobody must guess the result. */
	if (WARN_ON_ONCE(err))
		get_random_bytes(out, SDT_HASH_LEN);
}

void sdt_sha256(u8 out[SDT_HASH_LEN], const struct sdt_buf *parts, unsigned int n)
{
	sha256_prefixed(out, NULL, parts, n);
}

static void hmac_pad(u8 pad[SHA256_BLOCK_LEN], const u8 key[SHA256_BLOCK_LEN], u8 byte)
{
	unsigned int i;

	for (i = 0; i < SHA256_BLOCK_LEN; i++)
		pad[i] = key[i] ^ byte;
}

void sdt_hmac_sha256(u8 out[SDT_HASH_LEN], const void *key, size_t key_len,
		     const struct sdt_buf *parts, unsigned int n)
{
	u8 inner_hash[SDT_HASH_LEN];
	const struct sdt_buf inner = { inner_hash, sizeof(inner_hash) };
	const struct sdt_buf long_key = { key, key_len };
	u8 block_key[SHA256_BLOCK_LEN] = {};
	u8 pad[SHA256_BLOCK_LEN];

	if (key_len > SHA256_BLOCK_LEN)
		sdt_sha256(block_key, &long_key, 1);
	else
		memcpy(block_key, key, key_len);

	hmac_pad(pad, block_key, HMAC_IPAD);
	sha256_prefixed(inner_hash, pad, parts, n);
	hmac_pad(pad, block_key, HMAC_OPAD);
	sha256_prefixed(out, pad, &inner, 1);

	memzero_explicit(block_key, sizeof(block_key));
	memzero_explicit(pad, sizeof(pad));
	memzero_explicit(inner_hash, sizeof(inner_hash));
}

/* What a gcm(aes) request points to: the caller's buffers may be on a virtually mapped stack. */
struct gcm_buf {
	u8 iv[SDT_NONCE_LEN];
	u8 data[];		/* associated data, then the field and its tag, in place */
};

static int gcm_run(struct crypto_aead *tfm, struct gcm_buf *buf, size_t ad_len,
		   size_t len, bool seal)
{
	struct aead_request *req = aead_request_alloc(tfm, GFP_KERNEL);
	DECLARE_CRYPTO_WAIT(wait);
	struct scatterlist sg;
	int err;

	if (!req)
		return -ENOMEM;
	sg_init_one(&sg, buf->data, ad_len + len + (seal ? SDT_TAG_LEN : 0));
	aead_request_set_callback(req, CRYPTO_TFM_REQ_MAY_SLEEP | CRYPTO_TFM_REQ_MAY_BACKLOG,
				  crypto_req_done, &wait);
	aead_request_set_ad(req, ad_len);
	aead_request_set_crypt(req, &sg, &sg, len, buf->iv);
	err = crypto_wait_req(seal ? crypto_aead_encrypt(req) : crypto_aead_decrypt(req), &wait);
	aead_request_free(req);
	return err;
}

static int gcm_keyed_run(const u8 key[SDT_KEY_LEN], struct gcm_buf *buf, size_t ad_len,
			 size_t len, bool seal)
{
	struct crypto_aead *tfm = crypto_alloc_aead("gcm(aes)", 0, 0);
	int err;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = crypto_aead_setauthsize(tfm, SDT_TAG_LEN);
	if (!err)
		err = crypto_aead_setkey(tfm, key, SDT_KEY_LEN);
	if (!err)
		err = gcm_run(tfm, buf, ad_len, len, seal);
	crypto_free_aead(tfm);
	return err;
}

/* @len: what goes in, a tag included when opening. */
static int gcm_crypt(const u8 key[SDT_KEY_LEN], u64 counter, const void *ad, size_t ad_len,
		     const void *src, size_t len, void *dst, bool seal)
{
	size_t out_len = seal ? len + SDT_TAG_LEN : len - SDT_TAG_LEN;
	struct gcm_buf *buf;
	int err;

	buf = kmalloc(struct_size(buf, data, ad_len + max(len, out_len)), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	memset(buf->iv, 0, SDT_NONCE_LEN - sizeof(counter));
	sdt_put_be64(buf->iv + SDT_NONCE_LEN - sizeof(counter), counter);
	memcpy(buf->data, ad, ad_len);
	memcpy(buf->data + ad_len, src, len);

	err = gcm_keyed_run(key, buf, ad_len, len, seal);
	if (!err)
		memcpy(dst, buf->data + ad_len, out_len);
	kfree_sensitive(buf);
	return err;
}

int sdt_aead_seal(u8 suite, const u8 key[SDT_KEY_LEN], u64 counter,
		  const void *ad, size_t ad_len, const void *src, size_t len, void *dst)
{
	switch (suite) {
	case SDT_SUITE_CHACHAPOLY:
		chacha20poly1305_encrypt(dst, src, len, ad, ad_len, counter, key);
		return 0;
	case SDT_SUITE_AESGCM:
		return gcm_crypt(key, counter, ad, ad_len, src, len, dst, true);
	default:
		return -EOPNOTSUPP;
	}
}

int sdt_aead_open(u8 suite, const u8 key[SDT_KEY_LEN], u64 counter,
		  const void *ad, size_t ad_len, const void *src, size_t len, void *dst)
{
	if (len < SDT_TAG_LEN)
		return -EBADMSG;
	switch (suite) {
	case SDT_SUITE_CHACHAPOLY:
		if (!chacha20poly1305_decrypt(dst, src, len, ad, ad_len, counter, key))
			return -EBADMSG;
		return 0;
	case SDT_SUITE_AESGCM:
		return gcm_crypt(key, counter, ad, ad_len, src, len, dst, false);
	default:
		return -EOPNOTSUPP;
	}
}

bool sdt_dh(u8 out[SDT_KEY_LEN], const u8 priv[SDT_KEY_LEN], const u8 pub[SDT_KEY_LEN])
{
	u8 scalar[SDT_KEY_LEN];
	bool usable;

	memcpy(scalar, priv, sizeof(scalar));
	curve25519_clamp_secret(scalar);
	usable = curve25519(out, scalar, pub);
	memzero_explicit(scalar, sizeof(scalar));
	return usable;
}

bool sdt_dh_public(u8 pub[SDT_KEY_LEN], const u8 priv[SDT_KEY_LEN])
{
	static const u8 zero[SDT_KEY_LEN];
	u8 scalar[SDT_KEY_LEN];
	bool usable;

	if (sdt_equal(priv, zero, sizeof(zero)))
		return false;
	memcpy(scalar, priv, sizeof(scalar));
	curve25519_clamp_secret(scalar);
	usable = curve25519_generate_public(pub, scalar);
	memzero_explicit(scalar, sizeof(scalar));
	return usable;
}

void sdt_random(void *buf, size_t len)
{
	get_random_bytes(buf, len);
}

bool sdt_equal(const void *a, const void *b, size_t len)
{
	return !crypto_memneq(a, b, len);
}

void sdt_wipe(void *buf, size_t len)
{
	memzero_explicit(buf, len);
}
