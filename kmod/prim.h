/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few primitives that the handshake stands on. The module takes them from
 * the kernel (prim.c); unit tests and fuzzers link a user-space twin. Process
 * context unless said otherwise: none is on a datagram's way.
 */
#ifndef _SDT_PRIM_H
#define _SDT_PRIM_H

#include <linux/types.h>

#include <sdt/wire.h>

/**
 * sdt_prim_init() - before any other call here; once, at module load
 * Waits until the kernel's random generator is seeded, so that sdt_random() never has to.
 * Context: process, may sleep.
 * Return: 0 or -errno.
 */
int sdt_prim_init(void);

/** sdt_prim_exit() - after the last call here */
void sdt_prim_exit(void);

/* One part of a message to be hashed; parts are hashed in order. */
struct sdt_buf {
	const void *data;
	size_t len;
};

/**
 * sdt_sha256() - SHA-256 over @n parts (FIPS 180-4)
 * Context: any. Cannot fail.
 */
void sdt_sha256(u8 out[SDT_HASH_LEN], const struct sdt_buf *parts, unsigned int n);

/**
 * sdt_hmac_sha256() - HMAC-SHA-256 over @n parts (RFC 2104)
 * Context: any. Cannot fail.
 */
void sdt_hmac_sha256(u8 out[SDT_HASH_LEN], const void *key, size_t key_len,
		     const struct sdt_buf *parts, unsigned int n);

/**
 * sdt_aead_seal() - seal one handshake field
 * @suite: enum sdt_suite
 * @counter: Noise nonce; little-endian in the IV for ChaChaPoly, big-endian for AESGCM
 * @dst: @len + SDT_TAG_LEN bytes, may equal @src
 * Return: 0 or -errno (the kernel lacks the cipher, no memory).
 */
int sdt_aead_seal(u8 suite, const u8 key[SDT_KEY_LEN], u64 counter,
		  const void *ad, size_t ad_len, const void *src, size_t len, void *dst);

/**
 * sdt_aead_open() - open one handshake field
 * @len: length of the ciphertext with its tag
 * @dst: @len - SDT_TAG_LEN bytes, may equal @src
 * Return: 0, -EBADMSG on a wrong tag, or another -errno; on error @dst holds no plaintext.
 */
int sdt_aead_open(u8 suite, const u8 key[SDT_KEY_LEN], u64 counter,
		  const void *ad, size_t ad_len, const void *src, size_t len, void *dst);

/** sdt_dh() - X25519 (RFC 7748), @priv need not be clamped; false: the result is all zero. */
bool sdt_dh(u8 out[SDT_KEY_LEN], const u8 priv[SDT_KEY_LEN], const u8 pub[SDT_KEY_LEN]);

/** sdt_dh_public() - public key of @priv; false: @priv is no usable key (all zero). */
bool sdt_dh_public(u8 pub[SDT_KEY_LEN], const u8 priv[SDT_KEY_LEN]);

/** sdt_random() - bytes fit for keys. Context: any. */
void sdt_random(void *buf, size_t len);

/** sdt_equal() - constant-time comparison. Context: any. */
bool sdt_equal(const void *a, const void *b, size_t len);

/** sdt_wipe() - zero memory that held a secret; never optimised away. Context: any. */
void sdt_wipe(void *buf, size_t len);

#endif /* _SDT_PRIM_H */
