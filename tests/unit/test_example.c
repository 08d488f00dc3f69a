// SPDX-License-Identifier: GPL-2.0
/*
 * The examples that tests/peer/examples.py made from docs/PROTOCOL.md
 * alone: a second implementation and the module's sources agree, byte by byte.
 */
#include <errno.h>
#include <jansson.h>

#include "../../kmod/bytes.h"
#include "../../kmod/cookie.h"
#include "../../kmod/frame.h"
#include "../../kmod/noise.h"
#include "hex.h"
#include "ktap.h"

static json_t *load(const char *name)
{
	char path[512];
	json_error_t err;
	json_t *root;

	snprintf(path, sizeof(path), "%s/%s", EXAMPLES, name);
	root = json_load_file(path, 0, &err);
	if (!root) {
		printf("# %s:%d: %s\n", path, err.line, err.text);
		abort();
	}
	return root;
}

static json_t *member(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!value) {
		printf("# no member %s\n", key);
		abort();
	}
	return value;
}

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(member(object, key));
}

static u64 number(const json_t *object, const char *key)
{
	return (u64)json_integer_value(member(object, key));
}

static size_t bytes(const json_t *object, const char *key, void *buf, size_t room)
{
	return unhex(buf, room, text(object, key));
}

/* A field whose length is known. */
static void exactly(const json_t *object, const char *key, void *buf, size_t len)
{
	if (bytes(object, key, buf, len) != len)
		abort();
}

/* What both sides of an example know beforehand, and its two messages. */
struct session {
	json_t *json;
	u8 suite;
	struct sdt_identity initiator, responder;
	u8 e_initiator[SDT_KEY_LEN], e_responder[SDT_KEY_LEN];
	u8 psk[SDT_KEY_LEN];
	u8 prologue[64];
	size_t prologue_len;
	u8 init_payload[sizeof(struct sdt_hs_payload)];
	u8 resp_payload[sizeof(struct sdt_hs_payload)];
	struct sdt_msg_initiation init;
	struct sdt_msg_response resp;
	struct sdt_mac_keys initiator_mac, responder_mac;
};

static const char *const sessions[] = {
	"sdt-example-chachapoly.json", "sdt-example-aesgcm.json",
};

static void set_up(struct session *s, const char *name)
{
	json_t *j = load(name);

	s->json = j;
	s->suite = (u8)number(j, "suite");
	exactly(j, "initiator_static_private", s->initiator.priv, SDT_KEY_LEN);
	exactly(j, "initiator_static_public", s->initiator.pub, SDT_KEY_LEN);
	exactly(j, "responder_static_private", s->responder.priv, SDT_KEY_LEN);
	exactly(j, "responder_static_public", s->responder.pub, SDT_KEY_LEN);
	exactly(j, "initiator_ephemeral_private", s->e_initiator, SDT_KEY_LEN);
	exactly(j, "responder_ephemeral_private", s->e_responder, SDT_KEY_LEN);
	exactly(j, "psk", s->psk, SDT_KEY_LEN);
	s->prologue_len = bytes(j, "prologue", s->prologue, sizeof(s->prologue));
	exactly(j, "initiation_payload", s->init_payload, sizeof(s->init_payload));
	exactly(j, "response_payload", s->resp_payload, sizeof(s->resp_payload));
	exactly(j, "initiation", &s->init, sizeof(s->init));
	exactly(j, "response", &s->resp, sizeof(s->resp));
	sdt_mac_keys_init(&s->initiator_mac, s->initiator.pub);
	sdt_mac_keys_init(&s->responder_mac, s->responder.pub);
}

static void tear_down(struct session *s)
{
	json_decref(s->json);
}

static void each_session(void (*run)(struct session *s))
{
	struct session s;
	unsigned int i;

	for (i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		set_up(&s, sessions[i]);
		run(&s);
		tear_down(&s);
	}
}

/* The initiator's handshake after the example's initiation. */
static int initiate(const struct session *s, struct sdt_noise *hs, struct sdt_msg_initiation *out)
{
	memcpy(out, &s->init, SDT_PROLOGUE_HDR_LEN);
	return sdt_noise_write_init(hs, s->suite, &s->initiator, s->responder.pub, s->e_initiator,
				    s->prologue, s->prologue_len, s->init_payload,
				    sizeof(s->init_payload), out->ephemeral);
}

static void writes_the_initiation(struct session *s)
{
	struct sdt_msg_initiation out;
	struct sdt_noise hs;

	ASSERT(!initiate(s, &hs, &out), "suite %u", s->suite);
	sdt_mac_write(&s->responder_mac, &out, sizeof(out), NULL);
	EXPECT_MEM(&out, &s->init, sizeof(out), "suite %u", s->suite);
}

static void reads_the_initiation(struct session *s)
{
	struct sdt_hs_payload payload;
	struct sdt_noise hs;

	EXPECT(sdt_mac1_valid(&s->responder_mac, &s->init, sizeof(s->init)), "suite %u", s->suite);
	ASSERT(!sdt_msg_read_initiation(&s->init, &hs, &s->responder, &payload), "suite %u",
	       s->suite);
	EXPECT(hs.suite == s->suite, "suite %u", hs.suite);
	EXPECT_MEM(hs.rs, s->initiator.pub, SDT_KEY_LEN, "suite %u", s->suite);
	EXPECT_MEM(&payload, s->init_payload, sizeof(payload), "suite %u", s->suite);
	EXPECT(sdt_get_be32(&s->init.sender_index) == number(s->json, "initiator_index"), "index");
}

static void writes_the_response(struct session *s)
{
	struct sdt_msg_response out = s->resp;
	struct sdt_hs_payload payload;
	struct sdt_noise hs;

	ASSERT(!sdt_msg_read_initiation(&s->init, &hs, &s->responder, &payload), "suite %u",
	       s->suite);
	memset(out.ephemeral, 0, sizeof(out) - offsetof(struct sdt_msg_response, ephemeral));
	ASSERT(!sdt_noise_write_resp(&hs, s->psk, s->e_responder, s->resp_payload,
				     sizeof(s->resp_payload), out.ephemeral), "suite %u", s->suite);
	sdt_mac_write(&s->initiator_mac, &out, sizeof(out), NULL);
	EXPECT_MEM(&out, &s->resp, sizeof(out), "suite %u", s->suite);
}

static void reads_the_response(struct session *s)
{
	u8 k1[SDT_KEY_LEN], k2[SDT_KEY_LEN], expected[SDT_KEY_LEN];
	struct sdt_msg_initiation init;
	struct sdt_hs_payload payload;
	struct sdt_noise hs;

	ASSERT(!initiate(s, &hs, &init), "suite %u", s->suite);
	EXPECT(sdt_mac1_valid(&s->initiator_mac, &s->resp, sizeof(s->resp)), "suite %u", s->suite);
	ASSERT(!sdt_msg_read_response(&s->resp, &hs, &s->initiator, s->psk, &payload), "suite %u",
	       s->suite);
	EXPECT_MEM(&payload, s->resp_payload, sizeof(payload), "suite %u", s->suite);

	exactly(s->json, "handshake_hash", expected, sizeof(expected));
	EXPECT_MEM(hs.h, expected, sizeof(expected), "suite %u", s->suite);
	sdt_noise_split(&hs, k1, k2);
	exactly(s->json, "key_initiator_to_responder", expected, sizeof(expected));
	EXPECT_MEM(k1, expected, sizeof(k1), "suite %u", s->suite);
	exactly(s->json, "key_responder_to_initiator", expected, sizeof(expected));
	EXPECT_MEM(k2, expected, sizeof(k2), "suite %u", s->suite);
}

static void labels_the_time(struct session *s)
{
	u8 label[SDT_TIMESTAMP_LEN], expected[SDT_TIMESTAMP_LEN];

	exactly(s->json, "timestamp", expected, sizeof(expected));
	sdt_tai64n(label, number(s->json, "time_seconds"), (u32)number(s->json, "time_nanoseconds"));
	EXPECT_MEM(label, expected, sizeof(label), "timestamp");
}

static void check_type3(struct session *s, const json_t *example, u8 what)
{
	struct sdt_msg_cookie msg, out;
	u8 value[SDT_MAC_LEN], got[SDT_MAC_LEN], salt[SDT_SALT_LEN];

	exactly(example, "value", value, sizeof(value));
	exactly(example, "salt", salt, sizeof(salt));
	exactly(example, "message", &msg, sizeof(msg));
	sdt_cookie_write(&out, &s->responder_mac, s->suite, what,
			 (u32)number(s->json, "initiator_index"), s->init.mac1, value, salt);
	EXPECT_MEM(&out, &msg, sizeof(msg), "suite %u, what %u", s->suite, what);
	ASSERT(!sdt_cookie_read(&msg, &s->responder_mac, s->suite, s->init.mac1, got),
	       "suite %u, what %u", s->suite, what);
	EXPECT_MEM(got, value, sizeof(value), "suite %u, what %u", s->suite, what);
}

static void cookie_and_challenge(struct session *s)
{
	const json_t *example = member(s->json, "cookie");
	u8 secret[SDT_KEY_LEN], addr[16], port_bytes[2], expected[SDT_MAC_LEN], cookie[SDT_MAC_LEN];
	__be16 port;

	exactly(example, "secret", secret, sizeof(secret));
	exactly(example, "source_address", addr, sizeof(addr));
	sdt_put_be16(port_bytes, (u16)number(example, "source_port"));
	memcpy(&port, port_bytes, sizeof(port));
	exactly(example, "value", expected, sizeof(expected));
	sdt_cookie_of(cookie, secret, addr, port);
	EXPECT_MEM(cookie, expected, sizeof(cookie), "cookie");

	check_type3(s, example, SDT_COOKIE_COOKIE);
	check_type3(s, member(s->json, "challenge"), SDT_COOKIE_CHALLENGE);
}

static void second_initiation(struct session *s)
{
	const json_t *example = member(s->json, "second_initiation");
	u8 expected[sizeof(struct sdt_hs_payload)], value[SDT_MAC_LEN];
	struct sdt_msg_initiation msg;
	struct sdt_hs_payload payload;
	struct sdt_noise hs;

	exactly(example, "message", &msg, sizeof(msg));
	exactly(example, "payload", expected, sizeof(expected));
	EXPECT(sdt_mac1_valid(&s->responder_mac, &msg, sizeof(msg)), "mac1");
	exactly(member(s->json, "cookie"), "value", value, sizeof(value));
	EXPECT(sdt_mac2_valid(value, &msg, sizeof(msg)), "mac2");
	ASSERT(!sdt_msg_read_initiation(&msg, &hs, &s->responder, &payload), "suite %u", s->suite);
	EXPECT_MEM(&payload, expected, sizeof(payload), "payload");
	exactly(member(s->json, "challenge"), "value", value, sizeof(value));
	EXPECT_MEM(payload.challenge, value, sizeof(value), "challenge");
	EXPECT(memcmp(payload.timestamp, s->init_payload, SDT_TIMESTAMP_LEN) > 0, "timestamps rise");
}

static void data_messages(struct session *s)
{
	u8 key[SDT_KEY_LEN], frames[256], message[512], out[512];
	const json_t *m;
	size_t i;

	json_array_foreach(member(s->json, "messages"), i, m) {
		bool initiator = !strcmp(text(m, "sender"), "initiator");
		u64 lane = number(m, "lane"), counter = number(m, "counter");
		size_t len = bytes(m, "message", message, sizeof(message));
		size_t flen = bytes(m, "frames", frames, sizeof(frames));

		exactly(s->json, initiator ? "key_initiator_to_responder" :
			"key_responder_to_initiator", key, sizeof(key));
		ASSERT(len == SDT_DATA_MIN_LEN + flen, "%s", text(m, "what"));
		sdt_put_be32(out, (u32)SDT_MSG_DATA << 28 | (u32)lane << 24 |
			     (u32)number(s->json, initiator ? "responder_index" : "initiator_index"));
		sdt_put_be32(out + 4, (u32)counter);
		ASSERT(!sdt_aead_seal(s->suite, key, lane << 56 | counter, out, SDT_DATA_HDR_LEN,
				      frames, flen, out + SDT_DATA_HDR_LEN), "%s", text(m, "what"));
		EXPECT_MEM(out, message, len, "%s", text(m, "what"));
		EXPECT(!sdt_aead_open(s->suite, key, lane << 56 | counter, message, SDT_DATA_HDR_LEN,
				      message + SDT_DATA_HDR_LEN, len - SDT_DATA_HDR_LEN, out),
		       "%s", text(m, "what"));
		EXPECT_MEM(out, frames, flen, "%s", text(m, "what"));
	}
}

static void check_frame(const json_t *e, const char *what)
{
	struct sdt_frame f, in = { .control = json_is_true(member(e, "control")) };
	u8 expected[256], body[256], out[SDT_FRAME_HDR_MAX + 256], addr[18];
	size_t len = bytes(e, "frame", expected, sizeof(expected));
	size_t body_len = bytes(e, "body", body, sizeof(body));
	size_t addr_len = bytes(e, "address", addr, sizeof(addr));
	struct sdt_control c;
	unsigned int hdr;
	u32 off = 0;

	in.reply = json_is_true(member(e, "reply"));
	in.has_length = json_is_true(member(e, "length"));
	in.tunnel = (u16)number(e, "tunnel");
	in.has_channel = json_is_integer(member(e, "channel"));
	in.channel = in.has_channel ? (u32)number(e, "channel") : 0;
	in.af = addr_len == 18 ? SDT_FRAME_AF_IPV6 : addr_len ? SDT_FRAME_AF_IPV4 : SDT_FRAME_AF_NONE;
	if (addr_len) {
		memcpy(in.addr, addr, addr_len - 2);
		memcpy(&in.port, addr + addr_len - 2, 2);
	}
	in.body_len = (u32)body_len;

	hdr = sdt_frame_encode(out, &in);
	memcpy(out + hdr, body, body_len);
	ASSERT(hdr + body_len == len, "%s", what);
	EXPECT_MEM(out, expected, len, "%s", what);

	ASSERT(!sdt_frame_decode(expected, (u32)len, &off, &f), "%s", what);
	EXPECT(off == len && f.body_len == body_len, "%s", what);
	EXPECT_MEM(expected + f.body_off, body, body_len, "%s", what);
	in.body_off = f.body_off;
	EXPECT(f.control == in.control && f.reply == in.reply && f.has_length == in.has_length &&
	       f.tunnel == in.tunnel && f.has_channel == in.has_channel &&
	       f.channel == in.channel && f.af == in.af && f.port == in.port, "%s", what);
	EXPECT_MEM(f.addr, in.addr, sizeof(f.addr), "%s", what);
	if (f.control)
		EXPECT(!sdt_control_decode(&f, body, f.body_len, &c), "%s", what);
}

/* One bad frame; where it can be skipped, a good one with "next" follows. */
static void check_bad(const json_t *e, const char *what)
{
	bool skipped = !strcmp(text(e, "outcome"), "skipped");
	u8 message[64];
	u32 len = (u32)bytes(e, "message", message, sizeof(message));
	struct sdt_frame f;
	u32 off = 0;

	EXPECT(sdt_frame_decode(message, len, &off, &f) == (skipped ? -EBADMSG : -EPROTO), "%s", what);
	if (!skipped) {
		EXPECT(off == len, "%s", what);
		return;
	}
	ASSERT(!sdt_frame_decode(message, len, &off, &f), "%s", what);
	EXPECT(f.body_len == 4 && !memcmp(message + f.body_off, "next", 4), "%s", what);
}

static void initiations_are_written_alike(void)
{
	each_session(writes_the_initiation);
}

static void initiations_are_read(void)
{
	each_session(reads_the_initiation);
}

static void responses_are_written_alike(void)
{
	each_session(writes_the_response);
}

static void responses_are_read(void)
{
	each_session(reads_the_response);
}

static void timestamps(void)
{
	each_session(labels_the_time);
}

static void type_3_messages(void)
{
	each_session(cookie_and_challenge);
}

static void initiation_with_cookie_and_challenge(void)
{
	each_session(second_initiation);
}

static void data(void)
{
	each_session(data_messages);
}

static void frames(void)
{
	json_t *root = load("sdt-example-frames.json");
	const json_t *e;
	size_t i;

	json_array_foreach(member(root, "valid"), i, e)
		check_frame(e, text(e, "what"));
	json_array_foreach(member(root, "bad"), i, e)
		check_bad(e, text(e, "what"));
	json_decref(root);
}

static const struct ktap_case cases[] = {
	KTAP_CASE(initiations_are_written_alike),
	KTAP_CASE(initiations_are_read),
	KTAP_CASE(responses_are_written_alike),
	KTAP_CASE(responses_are_read),
	KTAP_CASE(timestamps),
	KTAP_CASE(type_3_messages),
	KTAP_CASE(initiation_with_cookie_and_challenge),
	KTAP_CASE(data),
	KTAP_CASE(frames),
};

int main(void)
{
	return KTAP_RUN(cases);
}
