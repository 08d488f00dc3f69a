// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>

#ifndef __KERNEL__
#include <jansson.h>
#endif

#include "../../kmod/noise.h"
#include "hex.h"
#include "ktap.h"
#include "prim_user.h"

#define INIT_INDEX	0x00a1b2c3
#define RESP_INDEX	0x00d4e5f6
#define INITIATION_SEALED_LEN	offsetof(struct sdt_msg_initiation, mac1)
#define RESPONSE_SEALED_LEN	offsetof(struct sdt_msg_response, mac1)
#define MESSAGE_MAX	512

static const u8 suites[] = { SDT_SUITE_CHACHAPOLY, SDT_SUITE_AESGCM };

/* ------- the published vectors, which are a file ------- */

#ifndef __KERNEL__

struct vector {
	u8 suite;
	u8 prologue[64], psk[SDT_KEY_LEN];
	size_t prologue_len;
	struct sdt_identity init, resp;
	u8 init_e[SDT_KEY_LEN], resp_e[SDT_KEY_LEN];
	u8 init_rs[SDT_KEY_LEN];
	u8 hash[SDT_HASH_LEN];
	json_t *messages;
};

struct message {
	u8 payload[MESSAGE_MAX], ciphertext[MESSAGE_MAX];
	size_t payload_len, ciphertext_len;
};

static size_t json_bytes(const json_t *object, const char *name, u8 *buf, size_t room)
{
	return unhex(buf, room, json_string_value(json_object_get(object, name)));
}

static void load_message(const struct vector *v, size_t i, struct message *m)
{
	const json_t *object = json_array_get(v->messages, i);

	m->payload_len = json_bytes(object, "payload", m->payload, MESSAGE_MAX);
	m->ciphertext_len = json_bytes(object, "ciphertext", m->ciphertext, MESSAGE_MAX);
}

static void load_vector(const json_t *object, struct vector *v)
{
	const json_t *psk = json_array_get(json_object_get(object, "init_psks"), 0);

	v->prologue_len = json_bytes(object, "init_prologue", v->prologue, sizeof(v->prologue));
	unhex(v->psk, sizeof(v->psk), json_string_value(psk));
	json_bytes(object, "init_static", v->init.priv, SDT_KEY_LEN);
	json_bytes(object, "resp_static", v->resp.priv, SDT_KEY_LEN);
	json_bytes(object, "init_ephemeral", v->init_e, SDT_KEY_LEN);
	json_bytes(object, "resp_ephemeral", v->resp_e, SDT_KEY_LEN);
	json_bytes(object, "init_remote_static", v->init_rs, SDT_KEY_LEN);
	json_bytes(object, "handshake_hash", v->hash, SDT_HASH_LEN);
	v->messages = json_object_get(object, "messages");
	sdt_dh_public(v->init.pub, v->init.priv);
	sdt_dh_public(v->resp.pub, v->resp.priv);
}

static void run_first_message(const struct vector *v, struct sdt_noise *init,
			      struct sdt_noise *resp)
{
	u8 out[MESSAGE_MAX], payload[MESSAGE_MAX];
	struct message m;

	load_message(v, 0, &m);
	ASSERT(!sdt_noise_write_init(init, v->suite, &v->init, v->init_rs, v->init_e, v->prologue,
				     v->prologue_len, m.payload, m.payload_len, out), "write");
	EXPECT(m.ciphertext_len == 96 + m.payload_len, "length %zu", m.ciphertext_len);
	EXPECT_MEM(out, m.ciphertext, m.ciphertext_len, "message 0");
	ASSERT(!sdt_noise_read_init(resp, v->suite, &v->resp, v->prologue, v->prologue_len,
				    m.ciphertext, m.ciphertext_len, payload), "read");
	EXPECT_MEM(payload, m.payload, m.payload_len, "payload 0");
	EXPECT_MEM(resp->rs, v->init.pub, SDT_KEY_LEN, "the initiator's name");
}

static void run_second_message(const struct vector *v, struct sdt_noise *init,
			       struct sdt_noise *resp)
{
	u8 out[MESSAGE_MAX], payload[MESSAGE_MAX];
	struct message m;

	load_message(v, 1, &m);
	ASSERT(!sdt_noise_write_resp(resp, v->psk, v->resp_e, m.payload, m.payload_len, out),
	       "write");
	EXPECT(m.ciphertext_len == 48 + m.payload_len, "length %zu", m.ciphertext_len);
	EXPECT_MEM(out, m.ciphertext, m.ciphertext_len, "message 1");
	ASSERT(!sdt_noise_read_resp(init, &v->init, v->psk, m.ciphertext, m.ciphertext_len,
				    payload), "read");
	EXPECT_MEM(payload, m.payload, m.payload_len, "payload 1");
	EXPECT_MEM(init->h, v->hash, SDT_HASH_LEN, "the initiator's handshake hash");
	EXPECT_MEM(resp->h, v->hash, SDT_HASH_LEN, "the responder's handshake hash");
}

/* Message i is the initiator's if i is even; each side counts its own from 0. */
static void run_transport(const struct vector *v, const struct sdt_noise *init,
			  const struct sdt_noise *resp)
{
	u8 keys[2][SDT_KEY_LEN], mirrored[2][SDT_KEY_LEN];
	u8 out[MESSAGE_MAX];
	struct message m;
	size_t i;

	sdt_noise_split(init, keys[0], keys[1]);
	sdt_noise_split(resp, mirrored[0], mirrored[1]);
	EXPECT_MEM(keys, mirrored, sizeof(keys), "both sides split alike");
	EXPECT(json_array_size(v->messages) == 6, "%zu messages", json_array_size(v->messages));
	for (i = 2; i < json_array_size(v->messages); i++) {
		u64 counter = i / 2 - 1;

		load_message(v, i, &m);
		EXPECT(!sdt_aead_seal(v->suite, keys[i % 2], counter, NULL, 0, m.payload,
				      m.payload_len, out), "seal %zu", i);
		EXPECT_MEM(out, m.ciphertext, m.ciphertext_len, "message %zu", i);
		EXPECT(!sdt_aead_open(v->suite, mirrored[i % 2], counter, NULL, 0, m.ciphertext,
				      m.ciphertext_len, out), "open %zu", i);
		EXPECT_MEM(out, m.payload, m.payload_len, "payload %zu", i);
	}
}

static void run_vector(u8 suite, const char *name)
{
	json_error_t error;
	json_t *root = json_load_file(VECTORS, 0, &error);
	struct sdt_noise init, resp;
	unsigned int found = 0;
	json_t *object;
	struct vector v;
	size_t i;

	ASSERT(root, "%s: %s", VECTORS, error.text);
	json_array_foreach(json_object_get(root, "vectors"), i, object) {
		const json_t *protocol = json_object_get(object, "protocol_name");

		if (strcmp(json_string_value(protocol), name))
			continue;
		found++;
		v.suite = suite;
		load_vector(object, &v);
		EXPECT_MEM(v.resp.pub, v.init_rs, SDT_KEY_LEN, "the vector is about this key");
		run_first_message(&v, &init, &resp);
		run_second_message(&v, &init, &resp);
		run_transport(&v, &init, &resp);
	}
	EXPECT(found == 1, "%s found %u times", name, found);
	json_decref(root);
}

static void vectors_chachapoly(void)
{
	run_vector(SDT_SUITE_CHACHAPOLY, "Noise_IKpsk2_25519_ChaChaPoly_SHA256");
}

static void vectors_aesgcm(void)
{
	run_vector(SDT_SUITE_AESGCM, "Noise_IKpsk2_25519_AESGCM_SHA256");
}

#endif /* __KERNEL__ */

/* ------- the pattern's calls ------- */

struct pair {
	struct sdt_identity init, resp;
	u8 psk[SDT_KEY_LEN];
	u8 suite;
	struct sdt_noise init_hs, resp_hs;
	struct sdt_hs_payload init_payload, resp_payload;
	struct sdt_msg_initiation initiation;
	struct sdt_msg_response response;
};

static void new_identity(struct sdt_identity *id)
{
	ktap_fill(id->priv, sizeof(id->priv));
	sdt_dh_public(id->pub, id->priv);
}

static void random_payload(struct sdt_hs_payload *p)
{
	ktap_fill(p, sizeof(*p));
	p->lanes = 1 + ktap_below(SDT_LANES_MAX);
}

static int write_initiation(struct pair *p)
{
	return sdt_msg_write_initiation(&p->initiation, &p->init_hs, p->suite, &p->init,
					p->resp.pub, INIT_INDEX, &p->init_payload);
}

static int read_initiation(struct pair *p, struct sdt_hs_payload *payload)
{
	return sdt_msg_read_initiation(&p->initiation, &p->resp_hs, &p->resp, payload);
}

static int write_response(struct pair *p)
{
	return sdt_msg_write_response(&p->response, &p->resp_hs, p->psk, RESP_INDEX, INIT_INDEX,
				      &p->resp_payload);
}

static int read_response(struct pair *p, struct sdt_hs_payload *payload)
{
	return sdt_msg_read_response(&p->response, &p->init_hs, &p->init, p->psk, payload);
}

static void new_pair(struct pair *p, u8 suite)
{
	memset(p, 0, sizeof(*p));
	p->suite = suite;
	new_identity(&p->init);
	new_identity(&p->resp);
	ktap_fill(p->psk, sizeof(p->psk));
	random_payload(&p->init_payload);
	random_payload(&p->resp_payload);
}

/* Both messages written, the second not yet read. */
static void new_handshake(struct pair *p, u8 suite)
{
	struct sdt_hs_payload payload;

	new_pair(p, suite);
	EXPECT(!write_initiation(p), "write the initiation");
	EXPECT(!read_initiation(p, &payload), "read the initiation");
	EXPECT(!write_response(p), "write the response");
}

static bool same_keys(const struct pair *p)
{
	u8 init[2][SDT_KEY_LEN], resp[2][SDT_KEY_LEN];

	sdt_noise_split(&p->init_hs, init[0], init[1]);
	sdt_noise_split(&p->resp_hs, resp[0], resp[1]);
	return !memcmp(init, resp, sizeof(init)) && memcmp(init[0], init[1], SDT_KEY_LEN);
}

/* After a refusal the handshake still takes the genuine response. */
static void expect_still_usable(struct pair *p)
{
	struct sdt_hs_payload payload;

	EXPECT(!read_response(p, &payload), "the genuine response");
	EXPECT_MEM(&payload, &p->resp_payload, sizeof(payload), "its payload");
	EXPECT(same_keys(p), "its keys");
}

static void short_messages_are_refused(void)
{
	struct sdt_noise hs, before;
	struct pair p;
	unsigned int i;
	size_t len;
	u8 out[128];

	for (i = 0; i < 2; i++) {
		new_handshake(&p, suites[i]);
		for (len = 0; len < 96; len++) {
			u8 *in = malloc(len + 1);

			memset(&hs, 0xee, sizeof(hs));
			memcpy(in, p.initiation.ephemeral, len);
			EXPECT(sdt_noise_read_init(&hs, suites[i], &p.resp, "x", 1, in, len,
						   out) == -EBADMSG, "%zu bytes", len);
			EXPECT(ktap_all_zero(&hs, sizeof(hs)), "%zu bytes: wiped", len);
			free(in);
		}
		before = p.init_hs;
		for (len = 0; len < 48; len++) {
			u8 *in = malloc(len + 1);

			memcpy(in, p.response.ephemeral, len);
			EXPECT(sdt_noise_read_resp(&p.init_hs, &p.init, p.psk, in, len,
						   out) == -EBADMSG, "%zu bytes", len);
			EXPECT_MEM(&before, &p.init_hs, sizeof(before), "%zu bytes", len);
			free(in);
		}
		expect_still_usable(&p);
	}
}

static void empty_payloads_and_prologue(void)
{
	u8 first[96], second[48], e[SDT_KEY_LEN], none[1];
	struct pair p;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		new_pair(&p, suites[i]);
		ktap_fill(e, sizeof(e));
		EXPECT(!sdt_noise_write_init(&p.init_hs, suites[i], &p.init, p.resp.pub, e,
					     NULL, 0, NULL, 0, first), "write");
		EXPECT(!sdt_noise_read_init(&p.resp_hs, suites[i], &p.resp, NULL, 0, first,
					    sizeof(first), none), "read");
		ktap_fill(e, sizeof(e));
		EXPECT(!sdt_noise_write_resp(&p.resp_hs, p.psk, e, NULL, 0, second), "write");
		EXPECT(!sdt_noise_read_resp(&p.init_hs, &p.init, p.psk, second, sizeof(second),
					    none), "read");
		EXPECT(same_keys(&p), "keys");
	}
}

static void unknown_suites_are_refused(void)
{
	u8 out[256], e[SDT_KEY_LEN] = { 1 };
	struct sdt_noise hs;
	unsigned int suite;
	struct pair p;

	new_pair(&p, SDT_SUITE_AESGCM);
	for (suite = 0; suite < 256; suite += suite ? 1 : 3) {
		memset(&hs, 0xee, sizeof(hs));
		EXPECT(sdt_noise_write_init(&hs, suite, &p.init, p.resp.pub, e, "", 0, "", 0,
					    out) == -EPROTO, "suite %u", suite);
		EXPECT(ktap_all_zero(&hs, sizeof(hs)), "suite %u: wiped", suite);
		EXPECT(sdt_noise_read_init(&hs, suite, &p.resp, "", 0, out, 96, out + 96) == -EPROTO,
		       "suite %u", suite);
	}
}

/* ------- SDT's messages ------- */

static void round_trip(void)
{
	struct sdt_hs_payload got;
	struct pair p;
	unsigned int i;

	for (i = 0; i < 40; i++) {
		new_pair(&p, suites[i % 2]);
		EXPECT(!write_initiation(&p), "write");
		EXPECT(!read_initiation(&p, &got), "read");
		EXPECT_MEM(&got, &p.init_payload, sizeof(got), "the initiator's payload");
		EXPECT_MEM(p.resp_hs.rs, p.init.pub, SDT_KEY_LEN, "the initiator's name");
		EXPECT(p.resp_hs.suite == p.suite, "the suite is told");
		EXPECT(!write_response(&p), "write");
		EXPECT_MEM(p.resp_payload.timestamp, &p.response, SDT_TIMESTAMP_LEN, "the echo");
		EXPECT(!read_response(&p, &got), "read");
		EXPECT_MEM(&got, &p.resp_payload, sizeof(got), "the responder's payload");
		EXPECT_MEM(p.init_hs.h, p.resp_hs.h, SDT_HASH_LEN, "one handshake hash");
		EXPECT(same_keys(&p), "keys");
		EXPECT(ktap_all_zero(p.init_hs.e_priv, SDT_KEY_LEN) &&
		       ktap_all_zero(p.resp_hs.e_priv, SDT_KEY_LEN), "ephemerals are wiped");
		EXPECT(ktap_all_zero(p.init_hs.k, SDT_KEY_LEN) &&
		       ktap_all_zero(p.resp_hs.k, SDT_KEY_LEN), "keys are wiped");
	}
}

static void headers_as_on_the_wire(void)
{
	static const u8 init_hdr[] = { 0x10, 1, 2, 0, 0x00, 0xa1, 0xb2, 0xc3 };
	static const u8 resp_hdr[] = {
		0x20, 1, 2, 0, 0x00, 0xd4, 0xe5, 0xf6, 0x00, 0xa1, 0xb2, 0xc3
	};
	struct pair p;

	new_handshake(&p, SDT_SUITE_AESGCM);
	EXPECT_MEM(&p.initiation, init_hdr, sizeof(init_hdr), "initiation");
	EXPECT_MEM(&p.response, resp_hdr, sizeof(resp_hdr), "response");
}

/* The prologue is what the text says: an initiation built from the pattern alone is read. */
static void prologue_is_label_and_header(void)
{
	u8 prologue[12] = { 'S', 'D', 'T', '1' };
	struct sdt_hs_payload got;
	u8 e[SDT_KEY_LEN];
	struct pair p;

	new_pair(&p, SDT_SUITE_CHACHAPOLY);
	unhex((u8 *)&p.initiation, 8, "1001010000000001");
	memcpy(prologue + 4, &p.initiation, 8);
	ktap_fill(e, sizeof(e));
	EXPECT(!sdt_noise_write_init(&p.init_hs, p.suite, &p.init, p.resp.pub, e, prologue,
				     sizeof(prologue), &p.init_payload, sizeof(p.init_payload),
				     p.initiation.ephemeral), "write");
	EXPECT(!read_initiation(&p, &got), "read");
	EXPECT_MEM(&got, &p.init_payload, sizeof(got), "payload");
}

static void each_handshake_is_fresh(void)
{
	struct pair p;
	struct sdt_msg_initiation first;
	struct sdt_msg_response response;
	struct sdt_hs_payload payload;

	new_handshake(&p, SDT_SUITE_AESGCM);
	first = p.initiation;
	response = p.response;
	EXPECT(!write_initiation(&p), "again");
	EXPECT(memcmp(first.ephemeral, p.initiation.ephemeral, SDT_KEY_LEN), "ephemeral");
	EXPECT(!read_initiation(&p, &payload) && !write_response(&p), "again");
	EXPECT(memcmp(response.ephemeral, p.response.ephemeral, SDT_KEY_LEN), "ephemeral");
	EXPECT(memcmp(first.ephemeral, response.ephemeral, SDT_KEY_LEN), "of each side");
	p.response = response;
	EXPECT(read_response(&p, &payload) == -EBADMSG, "a response to an earlier initiation");
}

static void every_bit_of_an_initiation_altered_is_refused(void)
{
	struct sdt_hs_payload got;
	struct pair p;
	unsigned int i, bit;
	int err;

	for (i = 0; i < 2; i++) {
		new_pair(&p, suites[i]);
		EXPECT(!write_initiation(&p), "write");
		for (bit = 0; bit < 8 * INITIATION_SEALED_LEN; bit++) {
			u8 *byte = (u8 *)&p.initiation + bit / 8;

			*byte ^= 1 << (bit % 8);
			memset(&got, 0xee, sizeof(got));
			memset(&p.resp_hs, 0xee, sizeof(p.resp_hs));
			err = read_initiation(&p, &got);
			if (bit / 8 < 3 || bit / 8 == 4)
				EXPECT(err == -EPROTO, "bit %u: %d", bit, err);
			else
				EXPECT(err == -EBADMSG, "bit %u: %d", bit, err);
			EXPECT(ktap_all_zero(&got, sizeof(got)), "bit %u: payload", bit);
			EXPECT(ktap_all_zero(&p.resp_hs, sizeof(p.resp_hs)), "bit %u: state", bit);
			*byte ^= 1 << (bit % 8);
		}
		EXPECT(!read_initiation(&p, &got), "unaltered");
	}
}

static void every_bit_of_a_response_altered_is_refused(void)
{
	struct sdt_hs_payload got;
	struct sdt_noise before;
	struct pair p;
	unsigned int i, bit;
	int err;

	for (i = 0; i < 2; i++) {
		new_handshake(&p, suites[i]);
		before = p.init_hs;
		for (bit = 0; bit < 8 * RESPONSE_SEALED_LEN; bit++) {
			u8 *byte = (u8 *)&p.response + bit / 8;

			*byte ^= 1 << (bit % 8);
			memset(&got, 0xee, sizeof(got));
			err = read_response(&p, &got);
			if (bit / 8 < 3 || bit / 8 == 4 || bit / 8 == 8)
				EXPECT(err == -EPROTO, "bit %u: %d", bit, err);
			else
				EXPECT(err == -EBADMSG, "bit %u: %d", bit, err);
			EXPECT(ktap_all_zero(&got, sizeof(got)), "bit %u: payload", bit);
			EXPECT_MEM(&before, &p.init_hs, sizeof(before), "bit %u: state", bit);
			*byte ^= 1 << (bit % 8);
		}
		expect_still_usable(&p);
	}
}

/* Authentic, but against the header's rules: what the tag alone would let through. */
static void initiation_header_rules(void)
{
	static const u32 bad_indices[] = { 0, 0x01000000, 0xff000001, 0xffffffff };
	static const u32 good_indices[] = { 1, SDT_INDEX_MASK };
	struct sdt_hs_payload got;
	struct pair p;
	unsigned int i;

	new_pair(&p, SDT_SUITE_AESGCM);
	for (i = 0; i < 4; i++) {
		sdt_msg_write_initiation(&p.initiation, &p.init_hs, p.suite, &p.init, p.resp.pub,
					 bad_indices[i], &p.init_payload);
		EXPECT(read_initiation(&p, &got) == -EPROTO, "index %x", bad_indices[i]);
	}
	for (i = 0; i < 2; i++) {
		sdt_msg_write_initiation(&p.initiation, &p.init_hs, p.suite, &p.init, p.resp.pub,
					 good_indices[i], &p.init_payload);
		EXPECT(!read_initiation(&p, &got), "index %x", good_indices[i]);
	}
	for (i = 0; i < 256; i++) {
		EXPECT(!write_initiation(&p), "write");
		p.initiation.type = i;
		EXPECT(!!read_initiation(&p, &got) == (i != 0x10), "type %02x", i);
		p.initiation.type = 0x10;
		p.initiation.version = i;
		EXPECT(!!read_initiation(&p, &got) == (i != 1), "version %u", i);
		p.initiation.version = 1;
		p.initiation.suite = i;
		EXPECT(read_initiation(&p, &got) == (i == SDT_SUITE_AESGCM ? 0 :
		       i == SDT_SUITE_CHACHAPOLY ? -EBADMSG : -EPROTO), "suite %u", i);
	}
}

static void response_header_rules(void)
{
	static const u32 bad_indices[] = { 0, 0x01000000, 0xff000001, 0xffffffff };
	struct sdt_noise resp_hs, init_hs;
	struct sdt_hs_payload got;
	struct pair p;
	unsigned int i;

	new_pair(&p, SDT_SUITE_CHACHAPOLY);
	EXPECT(!write_initiation(&p) && !read_initiation(&p, &got), "initiation");
	resp_hs = p.resp_hs;
	init_hs = p.init_hs;
	for (i = 0; i < 8; i++) {
		u32 sender = i < 4 ? bad_indices[i] : RESP_INDEX;
		u32 receiver = i < 4 ? INIT_INDEX : bad_indices[i - 4];

		p.resp_hs = resp_hs;
		EXPECT(!sdt_msg_write_response(&p.response, &p.resp_hs, p.psk, sender, receiver,
					       &p.resp_payload), "write");
		EXPECT(read_response(&p, &got) == -EPROTO, "indices %x %x", sender, receiver);
		EXPECT_MEM(&p.init_hs, &init_hs, sizeof(init_hs), "state");
	}
	p.resp_hs = resp_hs;
	EXPECT(!write_response(&p), "write");
	for (i = 0; i < 256; i++) {
		p.response.type = i;
		if (i != 0x20)
			EXPECT(read_response(&p, &got) == -EPROTO, "type %02x", i);
		p.response.type = 0x20;
		p.response.version = i;
		if (i != 1)
			EXPECT(read_response(&p, &got) == -EPROTO, "version %u", i);
		p.response.version = 1;
		p.response.suite = i;
		if (i != p.suite)
			EXPECT(read_response(&p, &got) == -EPROTO, "suite %u", i);
		p.response.suite = p.suite;
	}
	expect_still_usable(&p);
}

static void lanes_are_1_to_16(void)
{
	struct sdt_hs_payload got;
	struct sdt_noise before;
	struct pair p;
	unsigned int lanes;

	for (lanes = 0; lanes < 256; lanes++) {
		int expected = lanes >= 1 && lanes <= 16 ? 0 : -EPROTO;

		new_pair(&p, suites[lanes % 2]);
		p.init_payload.lanes = lanes;
		EXPECT(!write_initiation(&p), "write");
		EXPECT(read_initiation(&p, &got) == expected, "initiation, %u lanes", lanes);
		EXPECT(ktap_all_zero(&got, sizeof(got)) == !!expected, "payload, %u lanes", lanes);
		EXPECT(ktap_all_zero(&p.resp_hs, sizeof(p.resp_hs)) == !!expected,
		       "state, %u lanes", lanes);

		p.init_payload.lanes = 1;
		EXPECT(!write_initiation(&p) && !read_initiation(&p, &got), "initiation");
		p.resp_payload.lanes = lanes;
		EXPECT(!write_response(&p), "write");
		before = p.init_hs;
		EXPECT(read_response(&p, &got) == expected, "response, %u lanes", lanes);
		EXPECT(!memcmp(&before, &p.init_hs, sizeof(before)) == !!expected,
		       "state, %u lanes", lanes);
		EXPECT(ktap_all_zero(&got, sizeof(got)) == !!expected, "payload, %u lanes", lanes);
	}
}

/* A response authentic as Noise, whose payload does not repeat the header. */
static void a_wrong_echo_is_refused(void)
{
	struct sdt_noise resp_hs, before;
	struct sdt_hs_payload got;
	u8 e[SDT_KEY_LEN];
	struct pair p;
	unsigned int i;

	new_handshake(&p, SDT_SUITE_AESGCM);
	before = p.init_hs;
	EXPECT(!read_initiation(&p, &got), "initiation");
	resp_hs = p.resp_hs;
	for (i = 0; i < SDT_TIMESTAMP_LEN; i++) {
		p.resp_hs = resp_hs;
		memcpy(p.resp_payload.timestamp, &p.response, SDT_TIMESTAMP_LEN);
		p.resp_payload.timestamp[i] ^= 1;
		ktap_fill(e, sizeof(e));
		EXPECT(!sdt_noise_write_resp(&p.resp_hs, p.psk, e, &p.resp_payload,
					     sizeof(p.resp_payload), p.response.ephemeral), "write");
		EXPECT(read_response(&p, &got) == -EBADMSG, "byte %u", i);
		EXPECT_MEM(&before, &p.init_hs, sizeof(before), "state");
		EXPECT(ktap_all_zero(&got, sizeof(got)), "payload");
	}
	p.resp_hs = resp_hs;
	EXPECT(!write_response(&p), "write");
	expect_still_usable(&p);
}

static void wrong_keys_are_refused(void)
{
	struct sdt_hs_payload got;
	struct sdt_noise before;
	struct sdt_identity other;
	struct pair p;
	unsigned int i, bit;

	for (i = 0; i < 2; i++) {
		new_handshake(&p, suites[i]);
		new_identity(&other);
		before = p.init_hs;
		EXPECT(sdt_msg_read_initiation(&p.initiation, &p.resp_hs, &other,
					       &got) == -EBADMSG, "for another responder");
		EXPECT(sdt_msg_read_response(&p.response, &p.init_hs, &other, p.psk,
					     &got) == -EBADMSG, "another initiator's key");
		for (bit = 0; bit < 8 * SDT_KEY_LEN; bit += 5) {
			p.psk[bit / 8] ^= 1 << (bit % 8);
			EXPECT(read_response(&p, &got) == -EBADMSG, "psk's bit %u", bit);
			p.psk[bit / 8] ^= 1 << (bit % 8);
		}
		EXPECT_MEM(&before, &p.init_hs, sizeof(before), "state");
		EXPECT(!read_initiation(&p, &got), "the genuine responder");
		EXPECT(!write_response(&p), "answers again");
		expect_still_usable(&p);
	}
}

static void one_initiation_means_one_thing(void)
{
	struct sdt_hs_payload a, b;
	struct sdt_noise first;
	struct pair p;

	new_pair(&p, SDT_SUITE_CHACHAPOLY);
	EXPECT(!write_initiation(&p) && !read_initiation(&p, &a), "once");
	first = p.resp_hs;
	EXPECT(!read_initiation(&p, &b), "twice");
	EXPECT_MEM(&a, &b, sizeof(a), "the same payload");
	EXPECT_MEM(&first, &p.resp_hs, sizeof(first), "the same state");
}

/* Points of small order and their aliases, little-endian (RFC 7748; see cr.yp.to/ecdh.html) */
static const char *const small_points[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

static void small_order_points_abort(void)
{
	struct sdt_hs_payload got;
	struct sdt_noise before, resp_hs;
	u8 point[SDT_KEY_LEN];
	struct pair p;
	unsigned int i;

	for (i = 0; i < sizeof(small_points) / sizeof(small_points[0]); i++) {
		unhex(point, sizeof(point), small_points[i]);

		new_handshake(&p, suites[i % 2]);
		memcpy(p.initiation.ephemeral, point, SDT_KEY_LEN);
		EXPECT(read_initiation(&p, &got) == -EKEYREJECTED, "as e, point %u", i);
		EXPECT(ktap_all_zero(&p.resp_hs, sizeof(p.resp_hs)), "wiped");

		memcpy(p.resp.pub, point, SDT_KEY_LEN);
		memset(&p.resp_hs, 0xee, sizeof(p.resp_hs));
		EXPECT(sdt_msg_write_initiation(&p.initiation, &p.resp_hs, p.suite, &p.init, point,
						INIT_INDEX, &p.init_payload) == -EKEYREJECTED,
		       "as the responder's s, point %u", i);
		EXPECT(ktap_all_zero(&p.resp_hs, sizeof(p.resp_hs)), "wiped");

		before = p.init_hs;
		memcpy(p.response.ephemeral, point, SDT_KEY_LEN);
		EXPECT(read_response(&p, &got) == -EKEYREJECTED, "as re, point %u", i);
		EXPECT_MEM(&before, &p.init_hs, sizeof(before), "state");

		new_pair(&p, suites[i % 2]);
		memcpy(p.init.pub, point, SDT_KEY_LEN);
		EXPECT(!write_initiation(&p), "a forger may write what it likes");
		EXPECT(read_initiation(&p, &got) == -EKEYREJECTED, "as the initiator's s, %u", i);

		new_handshake(&p, suites[i % 2]);
		EXPECT(!read_initiation(&p, &got), "again");
		resp_hs = p.resp_hs;
		memcpy(p.resp_hs.re, point, SDT_KEY_LEN);
		EXPECT(write_response(&p) == -EKEYREJECTED, "ee, point %u", i);
		EXPECT(ktap_all_zero(&p.resp_hs, sizeof(p.resp_hs)), "wiped");
		p.resp_hs = resp_hs;
		memcpy(p.resp_hs.rs, point, SDT_KEY_LEN);
		EXPECT(write_response(&p) == -EKEYREJECTED, "se, point %u", i);
		EXPECT(ktap_all_zero(&p.resp_hs, sizeof(p.resp_hs)), "wiped");
	}
}

static void an_unusable_ephemeral_is_refused(void)
{
	static const u8 zero[SDT_KEY_LEN];
	struct sdt_hs_payload got;
	struct pair p;
	u8 out[256];

	new_handshake(&p, SDT_SUITE_AESGCM);
	EXPECT(sdt_noise_write_init(&p.init_hs, p.suite, &p.init, p.resp.pub, zero, "", 0, "", 0,
				    out) == -EKEYREJECTED, "initiator");
	EXPECT(ktap_all_zero(&p.init_hs, sizeof(p.init_hs)), "wiped");
	EXPECT(!read_initiation(&p, &got), "read");
	EXPECT(sdt_noise_write_resp(&p.resp_hs, p.psk, zero, "", 0, out) == -EKEYREJECTED,
	       "responder");
	EXPECT(ktap_all_zero(&p.resp_hs, sizeof(p.resp_hs)), "wiped");
}

/* No memory for a cipher, at each of the five places where one is used. */
static void cipher_errors_are_passed_on(void)
{
	struct sdt_hs_payload got;
	struct sdt_noise before;
	struct pair p;
	unsigned int nth;

	for (nth = 1; nth <= 2; nth++) {
		new_handshake(&p, suites[nth - 1]);
		prim_user_fail_aead(nth, -ENOMEM);
		EXPECT(write_initiation(&p) == -ENOMEM, "write, %u", nth);
		EXPECT(ktap_all_zero(&p.init_hs, sizeof(p.init_hs)), "wiped");

		EXPECT(!write_initiation(&p), "write");
		prim_user_fail_aead(nth, -ENOMEM);
		EXPECT(read_initiation(&p, &got) == -ENOMEM, "read, %u", nth);
		EXPECT(ktap_all_zero(&p.resp_hs, sizeof(p.resp_hs)), "wiped");
		EXPECT(ktap_all_zero(&got, sizeof(got)), "payload");

		EXPECT(!read_initiation(&p, &got), "read");
		prim_user_fail_aead(1, -ENOMEM);
		EXPECT(write_response(&p) == -ENOMEM, "write");
		EXPECT(ktap_all_zero(&p.resp_hs, sizeof(p.resp_hs)), "wiped");

		EXPECT(!read_initiation(&p, &got) && !write_response(&p), "again");
		before = p.init_hs;
		prim_user_fail_aead(1, -ENOMEM);
		EXPECT(read_response(&p, &got) == -ENOMEM, "read");
		EXPECT_MEM(&before, &p.init_hs, sizeof(before), "state");
		expect_still_usable(&p);
	}
}

static void tai64n_labels(void)
{
	static const struct {
		u64 sec;
		u32 nsec;
		const char *hex;
	} known[] = {
		{ 0, 0, "400000000000000a00000000" },
		{ 0, 0x00ffffff, "400000000000000a00000000" },
		{ 0, 0x01000000, "400000000000000a01000000" },
		{ 0x5f5e1000, 999999999, "400000005f5e100a3b000000" },
		{ 0x100000000ULL, 0x01234567, "400000010000000a01000000" },
	};
	u8 expected[SDT_TIMESTAMP_LEN], label[SDT_TIMESTAMP_LEN], later[SDT_TIMESTAMP_LEN];
	unsigned int i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		unhex(expected, sizeof(expected), known[i].hex);
		sdt_tai64n(label, known[i].sec, known[i].nsec);
		EXPECT_MEM(label, expected, sizeof(label), "%s", known[i].hex);
	}
	for (i = 0; i < 10000; i++) {
		u64 sec = ktap_random() >> (8 + ktap_below(50));
		u32 nsec = ktap_below(1000000000);

		sdt_tai64n(label, sec, nsec);
		sdt_tai64n(later, sec + 1, 0);
		EXPECT(memcmp(label, later, sizeof(label)) < 0, "a later second is greater");
		if (nsec + (1U << 24) < 1000000000) {
			sdt_tai64n(later, sec, nsec + (1U << 24));
			EXPECT(memcmp(label, later, sizeof(label)) < 0, "2^24 ns later is greater");
		}
	}
}

static const struct ktap_case cases[] = {
#ifndef __KERNEL__
	KTAP_CASE(vectors_chachapoly),
	KTAP_CASE(vectors_aesgcm),
#endif
	KTAP_CASE(short_messages_are_refused),
	KTAP_CASE(empty_payloads_and_prologue),
	KTAP_CASE(unknown_suites_are_refused),
	KTAP_CASE(round_trip),
	KTAP_CASE(headers_as_on_the_wire),
	KTAP_CASE(prologue_is_label_and_header),
	KTAP_CASE(each_handshake_is_fresh),
	KTAP_CASE(every_bit_of_an_initiation_altered_is_refused),
	KTAP_CASE(every_bit_of_a_response_altered_is_refused),
	KTAP_CASE(initiation_header_rules),
	KTAP_CASE(response_header_rules),
	KTAP_CASE(lanes_are_1_to_16),
	KTAP_CASE(a_wrong_echo_is_refused),
	KTAP_CASE(wrong_keys_are_refused),
	KTAP_CASE(one_initiation_means_one_thing),
	KTAP_CASE(small_order_points_abort),
	KTAP_CASE(an_unusable_ephemeral_is_refused),
	KTAP_CASE(cipher_errors_are_passed_on),
	KTAP_CASE(tai64n_labels),
};

KTAP_MAIN(noise, cases)
