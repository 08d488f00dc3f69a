// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "../../kmod/cookie.h"
#include "hex.h"
#include "ktap.h"
#include "prim_user.h"

#define INDEX	0x123456

struct fixture {
	u8 pub[SDT_KEY_LEN];
	struct sdt_mac_keys keys;
	u8 mac1[SDT_MAC_LEN];
	u8 value[SDT_MAC_LEN];
	u8 salt[SDT_SALT_LEN];
	struct sdt_msg_cookie msg;
};

static void set_up(struct fixture *f, u8 suite, u8 what)
{
	ktap_fill(f, sizeof(*f));
	sdt_mac_keys_init(&f->keys, f->pub);
	sdt_cookie_write(&f->msg, &f->keys, suite, what, INDEX, f->mac1, f->value, f->salt);
}

/* Against bytes computed with Python's hashlib and hmac from the text of the protocol. */
static void known_answers(void)
{
	static const char addr_hex[] = "00000000000000000000ffffc0000201";
	struct sdt_mac_keys keys;
	u8 pub[SDT_KEY_LEN], secret[SDT_KEY_LEN], salt[SDT_SALT_LEN];
	u8 msg[SDT_RESPONSE_LEN], addr[16], expected[64], cookie[SDT_MAC_LEN], value[SDT_MAC_LEN];
	struct sdt_msg_cookie type3;
	const u8 port_bytes[2] = { 0x12, 0x34 };
	__be16 port;
	unsigned int i;

	for (i = 0; i < sizeof(pub); i++) {
		pub[i] = i;
		secret[i] = 0x40 + i;
	}
	for (i = 0; i < sizeof(msg); i++)
		msg[i] = i < sizeof(msg) - 32 ? i * 7 + 3 : 0xee;
	for (i = 0; i < sizeof(salt); i++)
		salt[i] = 0xa0 + i;
	unhex(addr, sizeof(addr), addr_hex);
	memcpy(&port, port_bytes, sizeof(port));

	sdt_mac_keys_init(&keys, pub);
	unhex(expected, 64, "655e7886eb8fb6598ee993bbd142ececa926810c0c18d44aca90ba2c3a08d939"
			    "ae942daa44e633c53de02489f53fa01e2938e2cb5c48c66aeb042b03b5a6134b");
	EXPECT_MEM(keys.mac1, expected, 32, "key of mac1");
	EXPECT_MEM(keys.cookie, expected + 32, 32, "key of type 3");

	sdt_cookie_of(cookie, secret, addr, port);
	unhex(expected, 64, "d59133d87e399b0deef1034f0ed28bc7");
	EXPECT_MEM(cookie, expected, 16, "cookie");

	sdt_mac_write(&keys, msg, sizeof(msg), cookie);
	unhex(expected, 64, "6c438d80a69189b790df9a4907c4b18ad9ec98d50ba653b82825106336571397");
	EXPECT_MEM(msg + sizeof(msg) - 32, expected, 16, "mac1");
	EXPECT_MEM(msg + sizeof(msg) - 16, expected + 16, 16, "mac2");

	sdt_cookie_write(&type3, &keys, SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE, INDEX, expected,
			 cookie, salt);
	unhex(expected, 64, "3001020100123456a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
			    "dd9a11f632f31784e476864d78170e5f905d2d4972b66e3cd7df775b23e41e8b");
	EXPECT_MEM(&type3, expected, SDT_COOKIE_LEN, "type 3");
	EXPECT(!sdt_cookie_read(&type3, &keys, SDT_SUITE_AESGCM, msg + sizeof(msg) - 32, value),
	       "read");
	EXPECT_MEM(value, cookie, SDT_MAC_LEN, "value");
}

static void macs_cover_every_bit(void)
{
	static const size_t lens[] = { SDT_INITIATION_LEN, SDT_RESPONSE_LEN };
	u8 msg[SDT_INITIATION_LEN], cookie[SDT_MAC_LEN];
	struct fixture f;
	size_t len, bit;
	unsigned int i;

	set_up(&f, SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE);
	ktap_fill(cookie, sizeof(cookie));
	for (i = 0; i < 2; i++) {
		len = lens[i];
		ktap_fill(msg, sizeof(msg));
		sdt_mac_write(&f.keys, msg, len, cookie);
		EXPECT(sdt_mac1_valid(&f.keys, msg, len), "length %zu", len);
		EXPECT(sdt_mac2_valid(cookie, msg, len), "length %zu", len);
		for (bit = 0; bit < 8 * len; bit++) {
			bool in_mac2 = bit / 8 >= len - SDT_MAC_LEN;

			msg[bit / 8] ^= 1 << (bit % 8);
			EXPECT(sdt_mac1_valid(&f.keys, msg, len) == in_mac2, "bit %zu", bit);
			EXPECT(!sdt_mac2_valid(cookie, msg, len), "bit %zu", bit);
			msg[bit / 8] ^= 1 << (bit % 8);
		}
	}
}

static void macs_need_their_key(void)
{
	u8 msg[SDT_INITIATION_LEN], cookie[SDT_MAC_LEN], other_cookie[SDT_MAC_LEN];
	struct fixture f, other;

	set_up(&f, SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE);
	set_up(&other, SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE);
	ktap_fill(msg, sizeof(msg));
	ktap_fill(cookie, sizeof(cookie));
	memcpy(other_cookie, cookie, sizeof(cookie));
	other_cookie[15] ^= 1;
	sdt_mac_write(&f.keys, msg, sizeof(msg), cookie);
	EXPECT(!sdt_mac1_valid(&other.keys, msg, sizeof(msg)), "another node's key");
	EXPECT(!sdt_mac2_valid(other_cookie, msg, sizeof(msg)), "another cookie");
	EXPECT(memcmp(f.keys.mac1, f.keys.cookie, SDT_HASH_LEN), "two keys, not one");
}

static void mac2_is_zero_without_a_cookie(void)
{
	u8 msg[SDT_INITIATION_LEN];
	struct fixture f;

	set_up(&f, SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE);
	ktap_fill(msg, sizeof(msg));
	sdt_mac_write(&f.keys, msg, sizeof(msg), NULL);
	EXPECT(sdt_mac1_valid(&f.keys, msg, sizeof(msg)), "mac1");
	EXPECT(ktap_all_zero(msg + sizeof(msg) - SDT_MAC_LEN, SDT_MAC_LEN), "mac2");
	EXPECT(!sdt_mac2_valid(f.value, msg, sizeof(msg)), "zero is no valid mac2");
}

static void too_short_for_macs_is_invalid(void)
{
	struct fixture f;
	size_t len;

	set_up(&f, SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE);
	for (len = 0; len < 2 * SDT_MAC_LEN; len++) {
		u8 *msg = malloc(len + 1);

		ktap_fill(msg, len + 1);
		EXPECT(!sdt_mac1_valid(&f.keys, msg, len), "length %zu", len);
		EXPECT(!sdt_mac2_valid(f.value, msg, len), "length %zu", len);
		free(msg);
	}
}

static void a_cookie_belongs_to_secret_address_and_port(void)
{
	u8 secret[SDT_KEY_LEN], addr[16], a[SDT_MAC_LEN], b[SDT_MAC_LEN];
	__be16 port = 0x3412;
	unsigned int bit;

	ktap_fill(secret, sizeof(secret));
	ktap_fill(addr, sizeof(addr));
	sdt_cookie_of(a, secret, addr, port);
	sdt_cookie_of(b, secret, addr, port);
	EXPECT_MEM(a, b, sizeof(a), "the same twice");
	for (bit = 0; bit < 8 * sizeof(secret); bit++) {
		secret[bit / 8] ^= 1 << (bit % 8);
		sdt_cookie_of(b, secret, addr, port);
		EXPECT(memcmp(a, b, sizeof(a)), "secret's bit %u", bit);
		secret[bit / 8] ^= 1 << (bit % 8);
	}
	for (bit = 0; bit < 8 * sizeof(addr); bit++) {
		addr[bit / 8] ^= 1 << (bit % 8);
		sdt_cookie_of(b, secret, addr, port);
		EXPECT(memcmp(a, b, sizeof(a)), "address's bit %u", bit);
		addr[bit / 8] ^= 1 << (bit % 8);
	}
	for (bit = 0; bit < 16; bit++) {
		sdt_cookie_of(b, secret, addr, port ^ (__be16)(1 << bit));
		EXPECT(memcmp(a, b, sizeof(a)), "port's bit %u", bit);
	}
}

static void type3_round_trip(void)
{
	static const u8 suites[] = { SDT_SUITE_CHACHAPOLY, SDT_SUITE_AESGCM };
	static const u8 whats[] = { SDT_COOKIE_COOKIE, SDT_COOKIE_CHALLENGE };
	u8 value[SDT_MAC_LEN];
	struct fixture f;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		set_up(&f, suites[i / 2], whats[i % 2]);
		EXPECT(f.msg.type == 0x30 && f.msg.version == 1 && f.msg.suite == suites[i / 2] &&
		       f.msg.what == whats[i % 2], "header %u", i);
		EXPECT(memcmp(f.msg.sealed, f.value, SDT_MAC_LEN), "the value is sealed");
		memset(value, 0, sizeof(value));
		EXPECT(!sdt_cookie_read(&f.msg, &f.keys, suites[i / 2], f.mac1, value),
		       "case %u", i);
		EXPECT_MEM(value, f.value, SDT_MAC_LEN, "case %u", i);
	}
}

static void type3_every_bit_altered_is_refused(void)
{
	u8 value[SDT_MAC_LEN], untouched[SDT_MAC_LEN];
	struct fixture f;
	unsigned int bit;
	int err;

	set_up(&f, SDT_SUITE_CHACHAPOLY, SDT_COOKIE_CHALLENGE);
	ktap_fill(value, sizeof(value));
	memcpy(untouched, value, sizeof(value));
	for (bit = 0; bit < 8 * SDT_COOKIE_LEN; bit++) {
		((u8 *)&f.msg)[bit / 8] ^= 1 << (bit % 8);
		err = sdt_cookie_read(&f.msg, &f.keys, SDT_SUITE_CHACHAPOLY, f.mac1, value);
		if (bit / 8 < 3)
			EXPECT(err == -EPROTO, "bit %u: %d", bit, err);
		else
			EXPECT(err == -EBADMSG || (bit / 8 < 5 && err == -EPROTO),
			       "bit %u: %d", bit, err);
		EXPECT_MEM(value, untouched, sizeof(value), "bit %u: no value comes out", bit);
		((u8 *)&f.msg)[bit / 8] ^= 1 << (bit % 8);
	}
	EXPECT(!sdt_cookie_read(&f.msg, &f.keys, SDT_SUITE_CHACHAPOLY, f.mac1, value), "whole");
}

static void type3_needs_key_and_mac1(void)
{
	u8 value[SDT_MAC_LEN];
	struct fixture f, other;
	unsigned int i;

	set_up(&f, SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE);
	set_up(&other, SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE);
	EXPECT(sdt_cookie_read(&f.msg, &other.keys, SDT_SUITE_AESGCM, f.mac1, value) == -EBADMSG,
	       "another peer's key");
	for (i = 0; i < SDT_MAC_LEN; i++) {
		f.mac1[i] ^= 0x80;
		EXPECT(sdt_cookie_read(&f.msg, &f.keys, SDT_SUITE_AESGCM, f.mac1,
				       value) == -EBADMSG, "another message's mac1, byte %u", i);
		f.mac1[i] ^= 0x80;
	}
}

/* Well sealed, and still not acceptable: what the tag alone would let through. */
static void type3_header_rules(void)
{
	static const struct {
		u8 suite, what;
		u32 index;
		int err;
	} rules[] = {
		{ SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE, 1, 0 },
		{ SDT_SUITE_AESGCM, SDT_COOKIE_CHALLENGE, SDT_INDEX_MASK, 0 },
		{ SDT_SUITE_CHACHAPOLY, SDT_COOKIE_COOKIE, 1, -EPROTO },
		{ SDT_SUITE_AESGCM, 0, 1, -EPROTO },
		{ SDT_SUITE_AESGCM, 3, 1, -EPROTO },
		{ SDT_SUITE_AESGCM, 255, 1, -EPROTO },
		{ SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE, 0, -EPROTO },
		{ SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE, 0x01000000, -EPROTO },
		{ SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE, 0xffffffff, -EPROTO },
	};
	u8 value[SDT_MAC_LEN];
	struct fixture f;
	unsigned int i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		set_up(&f, SDT_SUITE_AESGCM, SDT_COOKIE_COOKIE);
		sdt_cookie_write(&f.msg, &f.keys, rules[i].suite, rules[i].what, rules[i].index,
				 f.mac1, f.value, f.salt);
		EXPECT(sdt_cookie_read(&f.msg, &f.keys, SDT_SUITE_AESGCM, f.mac1, value) ==
		       rules[i].err, "rule %u", i);
	}
}

static const struct ktap_case cases[] = {
	KTAP_CASE(known_answers),
	KTAP_CASE(macs_cover_every_bit),
	KTAP_CASE(macs_need_their_key),
	KTAP_CASE(mac2_is_zero_without_a_cookie),
	KTAP_CASE(too_short_for_macs_is_invalid),
	KTAP_CASE(a_cookie_belongs_to_secret_address_and_port),
	KTAP_CASE(type3_round_trip),
	KTAP_CASE(type3_every_bit_altered_is_refused),
	KTAP_CASE(type3_needs_key_and_mac1),
	KTAP_CASE(type3_header_rules),
};

int main(void)
{
	return KTAP_RUN(cases);
}
