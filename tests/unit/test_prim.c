// SPDX-License-Identifier: GPL-2.0
/* The twin itself: what prim.h promises, on published vectors. */
#include <errno.h>

#include "../../kmod/prim.h"
#include "hex.h"
#include "ktap.h"
#include "prim_user.h"

static void sha256_of_parts(void)
{
	const struct sdt_buf whole = { "abc", 3 };
	const struct sdt_buf parts[] = { { "a", 1 }, { "", 0 }, { "bc", 2 } };
	u8 expected[SDT_HASH_LEN], out[SDT_HASH_LEN];

	/* FIPS 180-4 */
	unhex(expected, sizeof(expected),
	      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sdt_sha256(out, &whole, 1);
	EXPECT_MEM(out, expected, sizeof(out), "one part");
	sdt_sha256(out, parts, 3);
	EXPECT_MEM(out, expected, sizeof(out), "three parts");
}

static void hmac_of_short_and_long_keys(void)
{
	const struct sdt_buf parts[] = { { "what do ya want ", 16 }, { "for nothing?", 12 } };
	const struct sdt_buf text = {
		"Test Using Larger Than Block-Size Key - Hash Key First", 54
	};
	u8 expected[SDT_HASH_LEN], out[SDT_HASH_LEN];
	u8 long_key[131];

	/* RFC 4231, cases 2 and 6 */
	unhex(expected, sizeof(expected),
	      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	sdt_hmac_sha256(out, "Jefe", 4, parts, 2);
	EXPECT_MEM(out, expected, sizeof(out), "case 2");
	unhex(expected, sizeof(expected),
	      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	memset(long_key, 0xaa, sizeof(long_key));
	sdt_hmac_sha256(out, long_key, sizeof(long_key), &text, 1);
	EXPECT_MEM(out, expected, sizeof(out), "case 6");
}

static void x25519(void)
{
	u8 a[SDT_KEY_LEN], b[SDT_KEY_LEN], pub_a[SDT_KEY_LEN], pub_b[SDT_KEY_LEN];
	u8 expected[SDT_KEY_LEN], out[SDT_KEY_LEN], unclamped[SDT_KEY_LEN];
	const u8 zero[SDT_KEY_LEN] = {};

	/* RFC 7748, section 6.1 */
	unhex(a, sizeof(a), "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
	unhex(b, sizeof(b), "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
	unhex(expected, sizeof(expected),
	      "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
	EXPECT(sdt_dh_public(pub_a, a), "Alice's key");
	EXPECT_MEM(pub_a, expected, SDT_KEY_LEN, "Alice's public key");
	unhex(expected, sizeof(expected),
	      "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
	EXPECT(sdt_dh_public(pub_b, b), "Bob's key");
	EXPECT_MEM(pub_b, expected, SDT_KEY_LEN, "Bob's public key");
	unhex(expected, sizeof(expected),
	      "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
	EXPECT(sdt_dh(out, a, pub_b), "a with B");
	EXPECT_MEM(out, expected, SDT_KEY_LEN, "a with B");
	EXPECT(sdt_dh(out, b, pub_a), "b with A");
	EXPECT_MEM(out, expected, SDT_KEY_LEN, "b with A");

	memcpy(unclamped, a, sizeof(a));
	unclamped[0] ^= 7;
	unclamped[31] ^= 0xc0;
	EXPECT(sdt_dh(out, unclamped, pub_b), "unclamped");
	EXPECT_MEM(out, expected, SDT_KEY_LEN, "the scalar is clamped");
	pub_b[31] |= 0x80;
	EXPECT(sdt_dh(out, a, pub_b), "a non-canonical point");
	EXPECT_MEM(out, expected, SDT_KEY_LEN, "the point's highest bit is ignored");

	EXPECT(!sdt_dh(out, a, zero), "a zero point");
	EXPECT(!sdt_dh_public(out, zero), "a zero key");
}

static void aead_round_trip_and_tampering(void)
{
	static const u8 suites[] = { SDT_SUITE_CHACHAPOLY, SDT_SUITE_AESGCM };
	u8 key[SDT_KEY_LEN], ad[9], text[21], sealed[21 + SDT_TAG_LEN], buf[21 + SDT_TAG_LEN];
	unsigned int i, bit;

	for (i = 0; i < 2; i++) {
		u8 suite = suites[i];

		ktap_fill(key, sizeof(key));
		ktap_fill(ad, sizeof(ad));
		ktap_fill(text, sizeof(text));
		EXPECT(!sdt_aead_seal(suite, key, 7, ad, sizeof(ad), text, sizeof(text), sealed),
		       "seal");
		memcpy(buf, text, sizeof(text));
		EXPECT(!sdt_aead_seal(suite, key, 7, ad, sizeof(ad), buf, sizeof(text), buf),
		       "seal in place");
		EXPECT_MEM(buf, sealed, sizeof(buf), "in place is the same");
		EXPECT(!sdt_aead_open(suite, key, 7, ad, sizeof(ad), buf, sizeof(buf), buf),
		       "open in place");
		EXPECT_MEM(buf, text, sizeof(text), "opened");
		EXPECT(sdt_aead_open(suite, key, 8, ad, sizeof(ad), sealed, sizeof(sealed),
				     buf) == -EBADMSG, "another counter");
		EXPECT(sdt_aead_open(suite, key, 7, ad, sizeof(ad) - 1, sealed, sizeof(sealed),
				     buf) == -EBADMSG, "other associated data");
		for (bit = 0; bit < 8 * sizeof(sealed); bit++) {
			sealed[bit / 8] ^= 1 << (bit % 8);
			EXPECT(sdt_aead_open(suite, key, 7, ad, sizeof(ad), sealed,
					     sizeof(sealed), buf) == -EBADMSG, "bit %u", bit);
			EXPECT(ktap_all_zero(buf, sizeof(text)), "bit %u: plaintext", bit);
			sealed[bit / 8] ^= 1 << (bit % 8);
		}
		EXPECT(sdt_aead_open(suite, key, 7, ad, 0, sealed, SDT_TAG_LEN - 1,
				     buf) == -EBADMSG, "shorter than a tag");
	}
	EXPECT(sdt_aead_seal(3, key, 0, ad, 0, text, 1, buf) == -EOPNOTSUPP, "suite 3");
	EXPECT(sdt_aead_open(0, key, 0, ad, 0, sealed, 17, buf) == -EOPNOTSUPP, "suite 0");
}

static void random_equal_wipe(void)
{
	u8 a[32] = {}, b[32] = {};

	sdt_random(a, sizeof(a));
	sdt_random(b, sizeof(b));
	EXPECT(!sdt_equal(a, b, sizeof(a)), "two draws");
	prim_user_seed(4);
	sdt_random(a, sizeof(a));
	prim_user_seed(4);
	sdt_random(b, sizeof(b));
	EXPECT(sdt_equal(a, b, sizeof(a)), "the same seed");
	sdt_wipe(a, sizeof(a));
	EXPECT(ktap_all_zero(a, sizeof(a)), "wiped");
}

static const struct ktap_case cases[] = {
	KTAP_CASE(sha256_of_parts),
	KTAP_CASE(hmac_of_short_and_long_keys),
	KTAP_CASE(x25519),
	KTAP_CASE(aead_round_trip_and_tampering),
	KTAP_CASE(random_equal_wipe),
};

int main(void)
{
	return KTAP_RUN(cases);
}
