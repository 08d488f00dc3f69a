// SPDX-License-Identifier: GPL-2.0
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "bytes.h"
#include "cookie.h"

#define TYPE_COOKIE	(SDT_MSG_COOKIE << 4)

/* Both macs end the message: mac1, then mac2. */
#define MACS_LEN	(2 * SDT_MAC_LEN)

/* K of a type 3 message: one half seals the value, the other authenticates. */
#define SEAL_KEY_LEN	SDT_MAC_LEN
#define TAG_KEY_LEN	(SDT_HASH_LEN - SEAL_KEY_LEN)

static_assert(offsetof(struct sdt_msg_cookie, sealed) == 32, "K covers bytes 0..31");
static_assert(offsetof(struct sdt_msg_cookie, tag) == 48, "the tag covers bytes 0..47");
static_assert(SEAL_KEY_LEN == SDT_MAC_LEN, "the value is sealed by one XOR");

static void hmac_mac(u8 mac[SDT_MAC_LEN], const void *key, size_t key_len,
		     const struct sdt_buf *parts, unsigned int n)
{
	u8 full[SDT_HASH_LEN];

	sdt_hmac_sha256(full, key, key_len, parts, n);
	memcpy(mac, full, SDT_MAC_LEN);
	sdt_wipe(full, sizeof(full));
}

static void label_hash(u8 out[SDT_HASH_LEN], const char *label, const u8 pub[SDT_KEY_LEN])
{
	const struct sdt_buf parts[] = { { label, strlen(label) }, { pub, SDT_KEY_LEN } };

	sdt_sha256(out, parts, 2);
}

/**
 * sdt_mac_keys_init() - keys that follow from one static public key
 * @keys: filled in
 * @pub: the static public key of the node that receives (mac1) or sends (type 3)
 */
void sdt_mac_keys_init(struct sdt_mac_keys *keys, const u8 pub[SDT_KEY_LEN])
{
	label_hash(keys->mac1, SDT_LABEL_MAC1, pub);
	label_hash(keys->cookie, SDT_LABEL_COOKIE, pub);
}

static void mac1_of(u8 mac[SDT_MAC_LEN], const struct sdt_mac_keys *keys,
		    const void *msg, size_t len)
{
	const struct sdt_buf part = { msg, len - MACS_LEN };

	hmac_mac(mac, keys->mac1, sizeof(keys->mac1), &part, 1);
}

static void mac2_of(u8 mac[SDT_MAC_LEN], const u8 cookie[SDT_MAC_LEN],
		    const void *msg, size_t len)
{
	const struct sdt_buf part = { msg, len - SDT_MAC_LEN };

	hmac_mac(mac, cookie, SDT_MAC_LEN, &part, 1);
}

void sdt_mac_write(const struct sdt_mac_keys *keys, void *msg, size_t len, const u8 *cookie)
{
	u8 *mac1 = (u8 *)msg + len - MACS_LEN;
	u8 *mac2 = mac1 + SDT_MAC_LEN;

	mac1_of(mac1, keys, msg, len);
	if (cookie)
		mac2_of(mac2, cookie, msg, len);
	else
		memset(mac2, 0, SDT_MAC_LEN);
}

bool sdt_mac1_valid(const struct sdt_mac_keys *keys, const void *msg, size_t len)
{
	u8 mac[SDT_MAC_LEN];
	bool valid;

	if (len < MACS_LEN)
		return false;
	mac1_of(mac, keys, msg, len);
	valid = sdt_equal(mac, (const u8 *)msg + len - MACS_LEN, SDT_MAC_LEN);
	sdt_wipe(mac, sizeof(mac));
	return valid;
}

bool sdt_mac2_valid(const u8 cookie[SDT_MAC_LEN], const void *msg, size_t len)
{
	u8 mac[SDT_MAC_LEN];
	bool valid;

	if (len < MACS_LEN)
		return false;
	mac2_of(mac, cookie, msg, len);
	valid = sdt_equal(mac, (const u8 *)msg + len - SDT_MAC_LEN, SDT_MAC_LEN);
	sdt_wipe(mac, sizeof(mac));
	return valid;
}

void sdt_cookie_of(u8 cookie[SDT_MAC_LEN], const u8 secret[SDT_KEY_LEN],
		   const u8 addr[16], __be16 port)
{
	const struct sdt_buf parts[] = { { addr, 16 }, { &port, sizeof(port) } };

	hmac_mac(cookie, secret, SDT_KEY_LEN, parts, 2);
}

static void seal_key_of(u8 k[SDT_HASH_LEN], const struct sdt_mac_keys *keys,
			const u8 mac1[SDT_MAC_LEN], const struct sdt_msg_cookie *msg)
{
	const struct sdt_buf parts[] = {
		{ mac1, SDT_MAC_LEN },
		{ msg, offsetof(struct sdt_msg_cookie, sealed) },
	};

	sdt_hmac_sha256(k, keys->cookie, sizeof(keys->cookie), parts, 2);
}

static void tag_of(u8 tag[SDT_MAC_LEN], const u8 k[SDT_HASH_LEN],
		   const struct sdt_msg_cookie *msg)
{
	const struct sdt_buf part = { msg, offsetof(struct sdt_msg_cookie, tag) };

	hmac_mac(tag, k + SEAL_KEY_LEN, TAG_KEY_LEN, &part, 1);
}

/* Seals and unseals alike; every K serves one message only, its salt sees to that. */
static void xor_value(u8 *dst, const u8 *src, const u8 *k)
{
	unsigned int i;

	for (i = 0; i < SDT_MAC_LEN; i++)
		dst[i] = src[i] ^ k[i];
}

void sdt_cookie_write(struct sdt_msg_cookie *msg, const struct sdt_mac_keys *keys, u8 suite,
		      u8 what, u32 receiver_index, const u8 mac1[SDT_MAC_LEN],
		      const u8 value[SDT_MAC_LEN], const u8 salt[SDT_SALT_LEN])
{
	u8 k[SDT_HASH_LEN];

	msg->type = TYPE_COOKIE;
	msg->version = SDT_WIRE_VERSION;
	msg->suite = suite;
	msg->what = what;
	sdt_put_be32(&msg->receiver_index, receiver_index);
	memcpy(msg->salt, salt, SDT_SALT_LEN);

	seal_key_of(k, keys, mac1, msg);
	xor_value(msg->sealed, value, k);
	tag_of(msg->tag, k, msg);
	sdt_wipe(k, sizeof(k));
}

static bool header_valid(const struct sdt_msg_cookie *msg, u8 suite)
{
	u32 index = sdt_get_be32(&msg->receiver_index);

	return msg->type == TYPE_COOKIE && msg->version == SDT_WIRE_VERSION &&
	       msg->suite == suite &&
	       (msg->what == SDT_COOKIE_COOKIE || msg->what == SDT_COOKIE_CHALLENGE) &&
	       index && index <= SDT_INDEX_MASK;
}

int sdt_cookie_read(const struct sdt_msg_cookie *msg, const struct sdt_mac_keys *keys, u8 suite,
		    const u8 mac1[SDT_MAC_LEN], u8 value[SDT_MAC_LEN])
{
	u8 k[SDT_HASH_LEN];
	u8 tag[SDT_MAC_LEN];
	int err = -EBADMSG;

	if (!header_valid(msg, suite))
		return -EPROTO;

	seal_key_of(k, keys, mac1, msg);
	tag_of(tag, k, msg);
	if (sdt_equal(tag, msg->tag, SDT_MAC_LEN)) {
		xor_value(value, msg->sealed, k);
		err = 0;
	}
	sdt_wipe(k, sizeof(k));
	sdt_wipe(tag, sizeof(tag));
	return err;
}
