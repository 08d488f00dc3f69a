// SPDX-License-Identifier: GPL-2.0
/* The primitives of kmod/prim.h on OpenSSL's libcrypto, for tests and fuzzers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "../../kmod/prim.h"
#include "prim_user.h"

static bool seeded;
static u64 random_state;
static unsigned int fail_countdown;
static int fail_error;

#define must(expr) must_hold(!!(expr), #expr)

static void must_hold(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "prim_user: %s failed\n", what);
		abort();
	}
}

int sdt_prim_init(void)
{
	return 0;
}

void sdt_prim_exit(void)
{
}

void prim_user_seed(u64 seed)
{
	seeded = true;
	random_state = seed;
}

void prim_user_fail_aead(unsigned int nth, int err)
{
	fail_countdown = nth;
	fail_error = err;
}

static int injected_error(void)
{
	return fail_countdown && !--fail_countdown ? fail_error : 0;
}

void sdt_sha256(u8 out[SDT_HASH_LEN], const struct sdt_buf *parts, unsigned int n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned int i;

	must(ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL));
	for (i = 0; i < n; i++)
		must(EVP_DigestUpdate(ctx, parts[i].data, parts[i].len));
	must(EVP_DigestFinal_ex(ctx, out, NULL));
	EVP_MD_CTX_free(ctx);
}

static EVP_MAC *hmac_method(void)
{
	static EVP_MAC *mac;

	if (!mac)
		mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	must(mac);
	return mac;
}

void sdt_hmac_sha256(u8 out[SDT_HASH_LEN], const void *key, size_t key_len,
		     const struct sdt_buf *parts, unsigned int n)
{
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac_method());
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string("digest", (char *)"SHA256", 6),
		OSSL_PARAM_END,
	};
	size_t out_len;
	unsigned int i;

	must(ctx && EVP_MAC_init(ctx, key, key_len, params));
	for (i = 0; i < n; i++)
		must(EVP_MAC_update(ctx, parts[i].data, parts[i].len));
	must(EVP_MAC_final(ctx, out, &out_len, SDT_HASH_LEN));
	EVP_MAC_CTX_free(ctx);
}

static const EVP_CIPHER *cipher_of(u8 suite)
{
	switch (suite) {
	case SDT_SUITE_CHACHAPOLY:
		return EVP_chacha20_poly1305();
	case SDT_SUITE_AESGCM:
		return EVP_aes_256_gcm();
	default:
		return NULL;
	}
}

static void nonce_of(u8 nonce[SDT_NONCE_LEN], u8 suite, u64 counter)
{
	unsigned int i;

	memset(nonce, 0, SDT_NONCE_LEN);
	for (i = 0; i < 8; i++)
		nonce[suite == SDT_SUITE_AESGCM ? 11 - i : 4 + i] = counter >> (8 * i) & 0xff;
}

static EVP_CIPHER_CTX *cipher_start(u8 suite, const u8 *key, u64 counter,
				    const void *ad, size_t ad_len, int seal)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	u8 nonce[SDT_NONCE_LEN];
	int done;

	nonce_of(nonce, suite, counter);
	must(ctx && EVP_CipherInit_ex(ctx, cipher_of(suite), NULL, key, nonce, seal));
	if (ad_len)
		must(EVP_CipherUpdate(ctx, NULL, &done, ad, (int)ad_len));
	return ctx;
}

int sdt_aead_seal(u8 suite, const u8 key[SDT_KEY_LEN], u64 counter,
		  const void *ad, size_t ad_len, const void *src, size_t len, void *dst)
{
	EVP_CIPHER_CTX *ctx;
	u8 *out = dst;
	int err = injected_error();
	int done;

	if (err)
		return err;
	if (!cipher_of(suite))
		return -EOPNOTSUPP;
	ctx = cipher_start(suite, key, counter, ad, ad_len, 1);
	if (len)
		must(EVP_CipherUpdate(ctx, out, &done, src, (int)len));
	must(EVP_CipherFinal_ex(ctx, out + len, &done));
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SDT_TAG_LEN, out + len));
	EVP_CIPHER_CTX_free(ctx);
	return 0;
}

int sdt_aead_open(u8 suite, const u8 key[SDT_KEY_LEN], u64 counter,
		  const void *ad, size_t ad_len, const void *src, size_t len, void *dst)
{
	EVP_CIPHER_CTX *ctx;
	u8 tag[SDT_TAG_LEN];
	u8 end[SDT_TAG_LEN];
	int err = injected_error();
	int done;

	if (err)
		return err;
	if (!cipher_of(suite))
		return -EOPNOTSUPP;
	if (len < SDT_TAG_LEN)
		return -EBADMSG;
	len -= SDT_TAG_LEN;
	memcpy(tag, (const u8 *)src + len, SDT_TAG_LEN);

	ctx = cipher_start(suite, key, counter, ad, ad_len, 0);
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SDT_TAG_LEN, tag));
	if (len)
		must(EVP_CipherUpdate(ctx, dst, &done, src, (int)len));
	if (EVP_CipherFinal_ex(ctx, end, &done) != 1) {
		OPENSSL_cleanse(dst, len);
		err = -EBADMSG;
	}
	EVP_CIPHER_CTX_free(ctx);
	return err;
}

bool sdt_dh(u8 out[SDT_KEY_LEN], const u8 priv[SDT_KEY_LEN], const u8 pub[SDT_KEY_LEN])
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, SDT_KEY_LEN);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, pub, SDT_KEY_LEN);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	size_t len = SDT_KEY_LEN;
	bool usable;

	must(own && peer && ctx && EVP_PKEY_derive_init(ctx) == 1);
	must(EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1);
	usable = EVP_PKEY_derive(ctx, out, &len) == 1;
	if (!usable)
		memset(out, 0, SDT_KEY_LEN);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(own);
	return usable;
}

bool sdt_dh_public(u8 pub[SDT_KEY_LEN], const u8 priv[SDT_KEY_LEN])
{
	static const u8 zero[SDT_KEY_LEN];
	size_t len = SDT_KEY_LEN;
	EVP_PKEY *own;

	if (!memcmp(priv, zero, sizeof(zero)))
		return false;
	own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, SDT_KEY_LEN);
	must(own && EVP_PKEY_get_raw_public_key(own, pub, &len) == 1);
	EVP_PKEY_free(own);
	return true;
}

/* splitmix64 */
static u8 next_seeded_byte(void)
{
	u64 z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (u8)(z >> 56);
}

void sdt_random(void *buf, size_t len)
{
	u8 *p = buf;

	if (!seeded) {
		must(RAND_bytes(buf, (int)len) == 1);
		return;
	}
	while (len--)
		*p++ = next_seeded_byte();
}

bool sdt_equal(const void *a, const void *b, size_t len)
{
	return !CRYPTO_memcmp(a, b, len);
}

void sdt_wipe(void *buf, size_t len)
{
	OPENSSL_cleanse(buf, len);
}
