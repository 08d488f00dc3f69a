// SPDX-License-Identifier: GPL-2.0
/*
 * The readers of handshake messages. Input: which message, how it comes about, and
 * bytes. "How" decides how deep the reader is got into: raw bytes; raw bytes with good
 * macs; a genuine message with some bytes altered, its macs renewed or not; a payload of
 * the fuzzer's choice, sealed as a peer that holds the keys would.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "../../kmod/cookie.h"
#include "../../kmod/noise.h"
#include "../unit/prim_user.h"
#include "fuzz.h"

#define INIT_INDEX	0x111111
#define RESP_INDEX	0x222222

enum how { RAW, RAW_WITH_MACS, ALTERED, ALTERED_WITH_MACS, OWN_PAYLOAD, HOWS };

/* One pair of nodes, with a handshake of each suite under way. */
static struct sdt_identity init, resp;
static struct sdt_mac_keys init_keys, resp_keys;
static const u8 psk[SDT_KEY_LEN] = { 42 };

struct scene {
	struct sdt_noise init_hs, resp_hs;	/* after the initiation */
	struct sdt_msg_initiation initiation;
	struct sdt_msg_response response;
	struct sdt_msg_cookie cookie;
};

static struct scene scenes[2];

struct input {
	const uint8_t *data;
	size_t size;
};

static void set_up_scene(struct scene *s, u8 suite)
{
	struct sdt_hs_payload payload = { .lanes = 1 };
	struct sdt_noise resp_hs;

	REQUIRE(!sdt_msg_write_initiation(&s->initiation, &s->init_hs, suite, &init, resp.pub,
					  INIT_INDEX, &payload));
	sdt_mac_write(&resp_keys, &s->initiation, sizeof(s->initiation), NULL);
	REQUIRE(!sdt_msg_read_initiation(&s->initiation, &s->resp_hs, &resp, &payload));
	resp_hs = s->resp_hs;
	REQUIRE(!sdt_msg_write_response(&s->response, &resp_hs, psk, RESP_INDEX, INIT_INDEX,
					&payload));
	sdt_mac_write(&init_keys, &s->response, sizeof(s->response), NULL);
	sdt_cookie_write(&s->cookie, &resp_keys, suite, SDT_COOKIE_COOKIE, INIT_INDEX,
			 s->initiation.mac1, psk, (const u8 *)"a salt of twenty-four b.");
}

static void set_up(void)
{
	prim_user_seed(1);
	sdt_random(init.priv, SDT_KEY_LEN);
	sdt_random(resp.priv, SDT_KEY_LEN);
	REQUIRE(sdt_dh_public(init.pub, init.priv) && sdt_dh_public(resp.pub, resp.priv));
	sdt_mac_keys_init(&init_keys, init.pub);
	sdt_mac_keys_init(&resp_keys, resp.pub);
	set_up_scene(&scenes[0], SDT_SUITE_CHACHAPOLY);
	set_up_scene(&scenes[1], SDT_SUITE_AESGCM);
}

static u8 take(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static void take_into(struct input *in, void *to, size_t len)
{
	u8 *p = to;

	while (len--)
		*p++ = take(in);
}

/* Up to four bytes of @msg altered: pairs of position and difference. */
static void alter(struct input *in, void *msg, size_t len)
{
	unsigned int i;

	for (i = 0; i < 4 && in->size; i++) {
		u8 position = take(in);

		((u8 *)msg)[position % len] ^= take(in);
	}
}

/* @msg is genuine before; afterwards what @how and the input make of it. */
static void come_about(struct input *in, enum how how, const struct sdt_mac_keys *keys,
		       void *msg, size_t len)
{
	if (how == RAW || how == RAW_WITH_MACS)
		take_into(in, msg, len);
	else
		alter(in, msg, len);
	if (how == RAW_WITH_MACS || how == ALTERED_WITH_MACS)
		sdt_mac_write(keys, msg, len, NULL);
}

static bool sealed_part_is(const void *msg, const void *genuine, size_t len)
{
	return !memcmp(msg, genuine, len);
}

static void read_initiation(struct input *in, const struct scene *s, enum how how)
{
	struct sdt_msg_initiation msg = s->initiation;
	struct sdt_hs_payload sent, got;
	struct sdt_noise hs, peer_hs;
	int err;

	if (how == OWN_PAYLOAD) {
		take_into(in, &sent, sizeof(sent));
		REQUIRE(!sdt_msg_write_initiation(&msg, &peer_hs, s->init_hs.suite, &init,
						  resp.pub, INIT_INDEX, &sent));
	} else {
		come_about(in, how, &resp_keys, &msg, sizeof(msg));
	}
	err = sdt_msg_read_initiation(&msg, &hs, &resp, &got);
	if (how == OWN_PAYLOAD) {
		REQUIRE(err == (sent.lanes >= 1 && sent.lanes <= 16 ? 0 : -EPROTO));
		REQUIRE(err || !memcmp(&sent, &got, sizeof(got)));
	} else {
		REQUIRE(!err == sealed_part_is(&msg, &s->initiation,
					       offsetof(struct sdt_msg_initiation, mac1)));
		if (how == ALTERED_WITH_MACS || how == RAW_WITH_MACS)
			REQUIRE(sdt_mac1_valid(&resp_keys, &msg, sizeof(msg)));
	}
}

static void read_response(struct input *in, const struct scene *s, enum how how)
{
	struct sdt_msg_response msg = s->response;
	struct sdt_noise hs = s->init_hs, resp_hs = s->resp_hs;
	struct sdt_hs_payload sent, got;
	int err;

	if (how == OWN_PAYLOAD) {
		take_into(in, &sent, sizeof(sent));
		REQUIRE(!sdt_msg_write_response(&msg, &resp_hs, psk, RESP_INDEX, INIT_INDEX,
						&sent));
	} else {
		come_about(in, how, &init_keys, &msg, sizeof(msg));
	}
	err = sdt_msg_read_response(&msg, &hs, &init, psk, &got);
	if (err)
		REQUIRE(!memcmp(&hs, &s->init_hs, sizeof(hs)));
	if (how == OWN_PAYLOAD) {
		REQUIRE(err == (sent.lanes >= 1 && sent.lanes <= 16 ? 0 : -EPROTO));
		REQUIRE(err || !memcmp(&sent, &got, sizeof(got)));
	} else {
		REQUIRE(!err == sealed_part_is(&msg, &s->response,
					       offsetof(struct sdt_msg_response, mac1)));
	}
}

static void read_cookie(struct input *in, const struct scene *s, enum how how)
{
	u8 sent[SDT_MAC_LEN], got[SDT_MAC_LEN], salt[SDT_SALT_LEN];
	struct sdt_msg_cookie msg = s->cookie;
	u8 suite = s->init_hs.suite;
	u8 what;
	int err;

	if (how == OWN_PAYLOAD) {
		what = take(in);
		take_into(in, sent, sizeof(sent));
		take_into(in, salt, sizeof(salt));
		sdt_cookie_write(&msg, &resp_keys, suite, what, INIT_INDEX, s->initiation.mac1,
				 sent, salt);
	} else {
		come_about(in, how == RAW_WITH_MACS ? RAW : how == ALTERED_WITH_MACS ? ALTERED : how,
			   &resp_keys, &msg, sizeof(msg));
	}
	err = sdt_cookie_read(&msg, &resp_keys, suite, s->initiation.mac1, got);
	if (how == OWN_PAYLOAD) {
		REQUIRE(err == (what == 1 || what == 2 ? 0 : -EPROTO));
		REQUIRE(err || !memcmp(sent, got, sizeof(got)));
	} else {
		REQUIRE(!err == !memcmp(&msg, &s->cookie, sizeof(msg)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct input in = { data, size };
	const struct scene *s;
	enum how how;
	u8 choice;

	if (!ready) {
		set_up();
		ready = true;
	}
	prim_user_seed(2);
	choice = take(&in);
	s = &scenes[choice & 1];
	how = (choice >> 3) % HOWS;
	switch (choice >> 1 & 3) {
	case 0:
		read_initiation(&in, s, how);
		break;
	case 1:
		read_response(&in, s, how);
		break;
	default:
		read_cookie(&in, s, how);
	}
	return 0;
}
