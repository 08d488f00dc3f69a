/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mac1, mac2 and the type 3 message (cookie and challenge): pure functions.
 * Who is under load, and how old a cookie is, is the caller's business.
 */
#ifndef _SDT_COOKIE_H
#define _SDT_COOKIE_H

#include "prim.h"

/* Keys derived from one static public key, once. */
struct sdt_mac_keys {
	u8 mac1[SDT_HASH_LEN];		/* SHA256("sdt1-mac1" || public) */
	u8 cookie[SDT_HASH_LEN];	/* SHA256("sdt1-cookie" || public) */
};

void sdt_mac_keys_init(struct sdt_mac_keys *keys, const u8 pub[SDT_KEY_LEN]);

/**
 * sdt_mac_write() - mac1 and mac2 of a finished handshake message
 * @keys: of the RECEIVER's static public key
 * @msg: initiation or response, @len its whole length
 * @cookie: SDT_MAC_LEN bytes or NULL (mac2 = 0)
 */
void sdt_mac_write(const struct sdt_mac_keys *keys, void *msg, size_t len, const u8 *cookie);

/** sdt_mac1_valid() - @keys: of OUR static public key */
bool sdt_mac1_valid(const struct sdt_mac_keys *keys, const void *msg, size_t len);

/** sdt_mac2_valid() - against the cookie that we would give to this source now */
bool sdt_mac2_valid(const u8 cookie[SDT_MAC_LEN], const void *msg, size_t len);

/** sdt_cookie_of() - HMAC(R, 16-byte address || port)[0..15]; IPv4 is v4-mapped; port big-endian */
void sdt_cookie_of(u8 cookie[SDT_MAC_LEN], const u8 secret[SDT_KEY_LEN],
		   const u8 addr[16], __be16 port);

/**
 * sdt_cookie_write() - a type 3 message
 * @keys: of OUR static public key (K is derived from the sender's)
 * @what: enum sdt_cookie_what
 * @mac1: of the handshake message that it answers
 * @value: cookie or challenge
 * @salt: SDT_SALT_LEN random bytes
 */
void sdt_cookie_write(struct sdt_msg_cookie *msg, const struct sdt_mac_keys *keys, u8 suite,
		      u8 what, u32 receiver_index, const u8 mac1[SDT_MAC_LEN],
		      const u8 value[SDT_MAC_LEN], const u8 salt[SDT_SALT_LEN]);

/**
 * sdt_cookie_read() - verify and unseal
 * @keys: of the PEER's static public key
 * @mac1: of the last handshake message sent
 * Return: 0, -EPROTO malformed, -EBADMSG wrong tag
 */
int sdt_cookie_read(const struct sdt_msg_cookie *msg, const struct sdt_mac_keys *keys, u8 suite,
		    const u8 mac1[SDT_MAC_LEN], u8 value[SDT_MAC_LEN]);

#endif /* _SDT_COOKIE_H */
