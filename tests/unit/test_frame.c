// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>

#include "../../kmod/chanid.h"
#include "../../kmod/frame.h"
#include "hex.h"
#include "ktap.h"

#define BODY_MAX	40

/* A frame as the protocol's text says it, built byte by byte, right or wrong on purpose. */
struct raw {
	u8 bytes[70000];
	u32 len;
};

static void raw_byte(struct raw *r, u8 byte)
{
	r->bytes[r->len++] = byte;
}

static void raw_number(struct raw *r, u64 v, unsigned int len)
{
	while (len--)
		raw_byte(r, v >> (8 * len) & 0xff);
}

static void raw_hex(struct raw *r, const char *hex)
{
	r->len += (u32)unhex(r->bytes + r->len, sizeof(r->bytes) - r->len, hex);
}

/* Decodes from a heap copy of exactly the readable bytes: the sanitizer sees any read beyond. */
static int decode_at(const struct raw *r, u32 *off, struct sdt_frame *f)
{
	u8 *copy = malloc(r->len ? r->len : 1);
	int err;

	memcpy(copy, r->bytes, r->len);
	err = sdt_frame_decode(r->len ? copy : copy + 1, r->len, off, f);
	free(copy);
	return err;
}

static int decode(const struct raw *r, struct sdt_frame *f)
{
	u32 off = 0;

	return decode_at(r, &off, f);
}

static u32 random_id_of_len(unsigned int len)
{
	static const u32 least[] = { 0, 0, 0x100, 0x10000, 0x1000000 };
	static const u32 most[] = { 0, 0xff, 0xffff, 0xffffff, 0xffffffff };

	switch (ktap_below(4)) {
	case 0:
		return least[len];
	case 1:
		return most[len];
	default:
		return least[len] + (u32)(ktap_random() % ((u64)most[len] - least[len] + 1));
	}
}

static void random_frame(struct sdt_frame *f)
{
	u64 bits = ktap_random();

	memset(f, 0, sizeof(*f));
	f->control = bits & 1;
	f->reply = bits & 2;
	f->has_length = bits & 4;
	f->has_channel = bits & 8;
	f->tunnel = bits & 16 ? 1 + ktap_below(0xffff) : 0;
	f->af = ktap_below(3);
	if (f->has_channel)
		f->channel = random_id_of_len(1 + ktap_below(SDT_FRAME_CHLEN_MAX));
	if (f->af != SDT_FRAME_AF_NONE) {
		ktap_fill(f->addr, f->af == SDT_FRAME_AF_IPV4 ? 4 : 16);
		ktap_fill(&f->port, sizeof(f->port));
	}
	f->body_len = ktap_below(BODY_MAX + 1);
}

static bool same_frame(const struct sdt_frame *a, const struct sdt_frame *b)
{
	return a->control == b->control && a->reply == b->reply &&
	       a->has_length == b->has_length && a->has_channel == b->has_channel &&
	       a->af == b->af && a->tunnel == b->tunnel && a->channel == b->channel &&
	       !memcmp(a->addr, b->addr, sizeof(a->addr)) && a->port == b->port &&
	       a->body_len == b->body_len;
}

static void raw_frame(struct raw *r, const struct sdt_frame *f)
{
	u32 i;

	r->len += sdt_frame_encode(r->bytes + r->len, f);
	for (i = 0; i < f->body_len; i++)
		raw_byte(r, (u8)ktap_random());
}

static void known_bytes(void)
{
	static const struct {
		const char *hex;
		struct sdt_frame f;
	} known[] = {
		{ "00", { .body_len = 0 } },
		{ "00aabb", { .body_len = 2 } },
		{ "400000", { .has_length = true, .body_len = 0 } },
		{ "40000161", { .has_length = true, .body_len = 1 } },
		{ "0100", { .has_channel = true, .channel = 0 } },
		{ "21ff62", { .reply = true, .has_channel = true, .channel = 255, .body_len = 1 } },
		{ "020100", { .has_channel = true, .channel = 256 } },
		{ "1212340100aa",
		  { .tunnel = 0x1234, .has_channel = true, .channel = 0x100, .body_len = 1 } },
		{ "71000400050901", { .has_length = true, .reply = true, .tunnel = 5,
				      .has_channel = true, .channel = 9, .body_len = 1 } },
		{ "80", { .control = true } },
		{ "05c000020104d2", { .af = SDT_FRAME_AF_IPV4, .addr = { 192, 0, 2, 1 } } },
		{ "0b2a20010db800000000000000000000000104d261",
		  { .has_channel = true, .channel = 0x2a, .af = SDT_FRAME_AF_IPV6,
		    .addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, .body_len = 1 } },
		{ "0ec0deface20010db800000000000000000000000104d2",
		  { .has_channel = true, .channel = 0xc0deface, .af = SDT_FRAME_AF_IPV6,
		    .addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } } },
	};
	static const u8 port[2] = { 0x04, 0xd2 };
	static struct raw r;
	struct sdt_frame expected, f;
	u8 buf[SDT_FRAME_HDR_MAX];
	unsigned int i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		expected = known[i].f;
		if (expected.af != SDT_FRAME_AF_NONE)
			memcpy(&expected.port, port, sizeof(port));
		r.len = 0;
		raw_hex(&r, known[i].hex);
		EXPECT(!decode(&r, &f), "%s", known[i].hex);
		EXPECT(same_frame(&f, &expected), "%s", known[i].hex);
		EXPECT(f.body_off + f.body_len == r.len, "%s", known[i].hex);
		EXPECT(sdt_frame_encode(buf, &expected) == f.body_off, "%s", known[i].hex);
		EXPECT_MEM(buf, r.bytes, f.body_off, "%s", known[i].hex);
	}
}

static void every_first_byte(void)
{
	static struct raw r;
	struct sdt_frame f;
	unsigned int first;

	for (first = 0; first < 256; first++) {
		unsigned int form = first & 15, chlen = form % 5, af = form / 5;
		unsigned int addr = af == 0 ? 0 : af == 1 ? 6 : 18;
		bool tunnel = first & 16, reply = first & 32, length = first & 64;
		u32 channel = random_id_of_len(chlen);
		u32 off = 0;
		int err;

		r.len = 0;
		raw_byte(&r, first);
		if (length)
			raw_number(&r, (tunnel ? 2 : 0) + chlen + addr + 3, 2);
		if (tunnel)
			raw_number(&r, 0xbeef, 2);
		raw_number(&r, channel, chlen);
		while (addr--)
			raw_byte(&r, 0xa0 + addr);
		raw_number(&r, 0x010203, 3);

		err = decode_at(&r, &off, &f);
		EXPECT(off == r.len, "first byte %02x: next at %u of %u", first, off, r.len);
		if (form == 15) {
			EXPECT(err == (length ? -EBADMSG : -EPROTO), "form 15: %d", err);
			continue;
		}
		EXPECT(!err, "first byte %02x: %d", first, err);
		EXPECT(f.control == !!(first & 128), "first byte %02x", first);
		EXPECT(f.has_length == length && f.reply == reply, "first byte %02x", first);
		EXPECT(f.tunnel == (tunnel ? 0xbeef : 0), "first byte %02x", first);
		EXPECT(f.has_channel == !!chlen, "first byte %02x", first);
		EXPECT(f.channel == channel, "first byte %02x", first);
		EXPECT(f.af == af, "first byte %02x", first);
		EXPECT(f.body_len == 3 && f.body_off == r.len - 3, "first byte %02x", first);
		if (af) {
			unsigned int ip = af == 1 ? 4 : 16;

			EXPECT_MEM(f.addr, r.bytes + r.len - 3 - 2 - ip, ip, "%02x", first);
			EXPECT_MEM(&f.port, r.bytes + r.len - 3 - 2, 2, "%02x", first);
			EXPECT(ktap_all_zero(f.addr + ip, 16 - ip), "%02x", first);
		}
	}
}

static void round_trip_of_random_frames(void)
{
	static struct raw r;
	struct sdt_frame sent, got;
	unsigned int i;
	u32 off;

	for (i = 0; i < 100000; i++) {
		random_frame(&sent);
		r.len = 0;
		raw_frame(&r, &sent);
		EXPECT(r.len == sdt_frame_hdr_len(&sent) + sent.body_len, "length of the header");
		EXPECT(r.len - sent.body_len <= SDT_FRAME_HDR_MAX, "longest header");
		off = 0;
		EXPECT(!decode_at(&r, &off, &got), "decodes");
		EXPECT(same_frame(&sent, &got), "comes back the same");
		EXPECT(off == r.len, "ends where it ends");
		EXPECT(got.body_off == r.len - sent.body_len, "body");
	}
}

/* What decodes at all has one encoding, and it was the one read. */
static void decoding_is_canonical(void)
{
	static struct raw r;
	u8 again[SDT_FRAME_HDR_MAX];
	unsigned int i, n, accepted = 0;
	struct sdt_frame f;

	for (i = 0; i < 300000; i++) {
		u32 off = 0;
		int err;

		r.len = ktap_below(40);
		ktap_fill(r.bytes, r.len);
		if (r.len > 2 && ktap_below(2)) {
			r.bytes[1] = 0;
			r.bytes[2] = ktap_below(40);
		}
		err = decode_at(&r, &off, &f);
		EXPECT(off <= r.len, "never beyond the end");
		EXPECT(off > 0 || r.len == 0, "always forward");
		if (err) {
			EXPECT(err == -EBADMSG || (err == -EPROTO && off == r.len), "%d", err);
			continue;
		}
		accepted++;
		n = sdt_frame_encode(again, &f);
		EXPECT(n == f.body_off && n == sdt_frame_hdr_len(&f), "length of the header");
		EXPECT_MEM(again, r.bytes, n, "frame %u", i);
		EXPECT(f.body_off + f.body_len == off, "the body ends the frame");
	}
	EXPECT(accepted > 30000, "only %u frames were good", accepted);
}

static void every_truncation(void)
{
	static struct raw r;
	struct sdt_frame sent, got;
	unsigned int i;
	u32 whole, hdr, off;
	int err;

	for (i = 0; i < 3000; i++) {
		random_frame(&sent);
		r.len = 0;
		raw_frame(&r, &sent);
		whole = r.len;
		hdr = sdt_frame_hdr_len(&sent);
		for (r.len = 0; r.len < whole; r.len++) {
			off = 0;
			err = decode_at(&r, &off, &got);
			EXPECT(off == r.len, "cut at %u of %u", r.len, whole);
			if (sent.has_length || r.len < hdr)
				EXPECT(err == -EPROTO, "cut at %u of %u: %d", r.len, whole, err);
			else
				EXPECT(!err && got.body_len == r.len - hdr, "cut at %u", r.len);
		}
	}
}

static void nothing_left_to_decode(void)
{
	struct sdt_frame f;
	struct raw *r = calloc(1, sizeof(*r));
	u32 off = 0;

	EXPECT(decode_at(r, &off, &f) == -EPROTO && off == 0, "an empty message");
	raw_number(r, 0, 2);
	off = 2;
	EXPECT(decode_at(r, &off, &f) == -EPROTO && off == 2, "at the end");
	off = 0xffffffff;
	EXPECT(decode_at(r, &off, &f) == -EPROTO && off == 2, "beyond the end");
	free(r);
}

static void ids_in_too_many_bytes_are_bad(void)
{
	static struct raw r;
	unsigned int chlen, needed, length;
	struct sdt_frame f;

	for (length = 0; length < 2; length++) {
		for (chlen = 1; chlen <= 4; chlen++) {
			for (needed = 1; needed <= chlen; needed++) {
				int err = length ? -EBADMSG : -EPROTO;
				int i;

				for (i = 0; i < 100; i++) {
					r.len = 0;
					raw_byte(&r, chlen | (length ? 0x40 : 0));
					if (length)
						raw_number(&r, chlen, 2);
					raw_number(&r, random_id_of_len(needed), chlen);
					EXPECT(decode(&r, &f) == (needed == chlen ? 0 : err),
					       "an id of %u in %u bytes", needed, chlen);
				}
			}
		}
	}
}

static void tunnel_0_is_not_named(void)
{
	static struct raw r;
	struct sdt_frame f = { .body_len = 1 };
	u8 buf[SDT_FRAME_HDR_MAX];

	raw_hex(&r, "10000061");
	EXPECT(decode(&r, &f) == -EPROTO, "without a length");
	r.len = 0;
	raw_hex(&r, "500003000061");
	EXPECT(decode(&r, &f) == -EBADMSG, "with a length");
	r.len = 0;
	raw_hex(&r, "10000161");
	EXPECT(!decode(&r, &f) && f.tunnel == 1, "tunnel 1");
	r.len = 0;
	raw_hex(&r, "10010061");
	EXPECT(!decode(&r, &f) && f.tunnel == 256, "tunnel 256");
	memset(&f, 0, sizeof(f));
	EXPECT(sdt_frame_encode(buf, &f) == 1 && buf[0] == 0, "encoding tunnel 0");
}

static void lengths_too_short_for_the_header_are_skipped(void)
{
	static struct raw r;
	struct sdt_frame sent, got;
	unsigned int i;
	u32 off, tail, flen;

	for (i = 0; i < 5000; i++) {
		random_frame(&sent);
		sent.has_length = true;
		r.len = 0;
		raw_frame(&r, &sent);
		tail = sdt_frame_hdr_len(&sent) - 3;
		for (flen = 0; flen < tail; flen++) {
			r.bytes[1] = 0;
			r.bytes[2] = flen;
			off = 0;
			EXPECT(decode_at(&r, &off, &got) == -EBADMSG, "length %u of %u", flen, tail);
			EXPECT(off == 3 + flen, "length %u: next at %u", flen, off);
		}
	}
}

static void lengths_beyond_the_message_end_it(void)
{
	static struct raw r;
	struct sdt_frame f;
	u32 off, flen;

	for (flen = 0; flen < 0x10000; flen += flen < 300 ? 1 : 251) {
		r.len = 0;
		raw_byte(&r, 0x40);
		raw_number(&r, flen, 2);
		memset(r.bytes + 3, 0x55, flen);
		r.len += flen;
		off = 0;
		EXPECT(!decode_at(&r, &off, &f) && f.body_len == flen, "length %u fits", flen);
		if (!flen)
			continue;
		r.len--;
		off = 0;
		EXPECT(decode_at(&r, &off, &f) == -EPROTO, "length %u is one too long", flen);
		EXPECT(off == r.len, "the rest is dropped");
	}
	r.len = 0;
	raw_hex(&r, "40ffff");
	EXPECT(decode(&r, &f) == -EPROTO, "nothing after the longest length");
}

/* Frames in a row: good ones come back, bad ones with a length are stepped over. */
static void bundles(void)
{
	static struct raw r;
	struct sdt_frame sent[20], got;
	unsigned int round, i, n;
	bool bad[20];
	u32 off, start;

	for (round = 0; round < 5000; round++) {
		n = 1 + ktap_below(20);
		r.len = 0;
		for (i = 0; i < n; i++) {
			random_frame(&sent[i]);
			sent[i].has_length = i < n - 1 || ktap_below(2);
			bad[i] = i < n - 1 && !ktap_below(4);
			start = r.len;
			raw_frame(&r, &sent[i]);
			if (bad[i])
				r.bytes[start] |= SDT_FRAME_FORM;
		}
		off = 0;
		for (i = 0; i < n; i++) {
			int err = decode_at(&r, &off, &got);

			ASSERT(err == (bad[i] ? -EBADMSG : 0), "frame %u of %u: %d", i, n, err);
			if (!bad[i])
				EXPECT(same_frame(&sent[i], &got), "frame %u of %u", i, n);
		}
		EXPECT(off == r.len, "the end");
	}
}

static void a_bad_frame_without_length_ends_the_message(void)
{
	static struct raw r;
	struct sdt_frame f;
	u32 off = 0;

	raw_hex(&r, "40000161" "0f" "40000161");
	EXPECT(!decode_at(&r, &off, &f) && off == 4, "the good one before");
	EXPECT(decode_at(&r, &off, &f) == -EPROTO && off == r.len, "the bad one");
}

/* ------- control ------- */

static int decode_control(const struct sdt_frame *f, const char *hex, struct sdt_control *c)
{
	u8 bytes[64];
	u32 len = (u32)unhex(bytes, sizeof(bytes), hex);
	u8 *copy = malloc(len ? len : 1);
	int err;

	memcpy(copy, bytes, len);
	err = sdt_control_decode(f, copy, len, c);
	free(copy);
	return err;
}

static const struct sdt_frame plain = { .control = true };

static void control_known_bytes(void)
{
	struct sdt_control c;
	u8 ping[SDT_PING_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	EXPECT(!decode_control(&plain, "00", &c) && c.op == SDT_OP_PAD, "PAD");
	EXPECT(!decode_control(&plain, "00ffffff", &c) && c.op == SDT_OP_PAD, "PAD with a rest");
	EXPECT(!decode_control(&plain, "02", &c) && c.op == SDT_OP_CLOSE, "CLOSE");
	EXPECT(!decode_control(&plain, "0304", &c) && c.reason == SDT_REFUSED_RATE, "REFUSED");
	EXPECT(!decode_control(&plain, "04030000", &c) && c.op == SDT_OP_UNREACHABLE &&
	       c.unreach.class == SDT_UNREACH_PORT && c.unreach.mtu == 0, "UNREACHABLE");
	EXPECT(!decode_control(&plain, "040505a0", &c) &&
	       c.unreach.class == SDT_UNREACH_TOO_BIG && c.unreach.mtu == 1440, "too big");
	EXPECT(!decode_control(&plain, "050102030405060708", &c) && c.op == SDT_OP_PING, "PING");
	EXPECT_MEM(c.opaque, ping, sizeof(ping), "PING");
	EXPECT(!decode_control(&plain, "060102030405060708", &c) && c.op == SDT_OP_PONG, "PONG");
	EXPECT_MEM(c.opaque, ping, sizeof(ping), "PONG");
	EXPECT(!decode_control(&plain, "01deadbeef80030011223344556677", &c), "FRAGMENT");
	EXPECT(c.op == SDT_OP_FRAGMENT && c.fragment.id == 0xdeadbeef && c.fragment.more &&
	       c.fragment.offset == 24 && c.fragment.data_off == 7, "FRAGMENT");
	EXPECT(!decode_control(&plain, "010000000100ff61", &c), "the last FRAGMENT");
	EXPECT(c.fragment.id == 1 && !c.fragment.more && c.fragment.offset == 2040,
	       "the last FRAGMENT");
}

static void control_every_truncation_and_trailing_bytes(void)
{
	static const struct {
		const char *hex;
		u32 least;
		bool trailing;
	} ops[] = {
		{ "00", 1, true },
		{ "01deadbeef000161", 8, false },
		{ "02", 1, true },
		{ "0301", 2, true },
		{ "04050100", 4, true },
		{ "050102030405060708", 9, true },
		{ "060102030405060708", 9, true },
	};
	struct sdt_control c;
	unsigned int i, len;
	char hex[64];

	EXPECT(decode_control(&plain, "", &c) == -EBADMSG, "no op at all");
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		for (len = 1; len <= ops[i].least; len++) {
			snprintf(hex, sizeof(hex), "%.*s", (int)(2 * len), ops[i].hex);
			EXPECT(decode_control(&plain, hex, &c) ==
			       (len == ops[i].least ? 0 : -EBADMSG), "%s", hex);
		}
		snprintf(hex, sizeof(hex), "%s%s", ops[i].hex, "ffffff");
		if (ops[i].trailing)
			EXPECT(!decode_control(&plain, hex, &c), "%s", hex);
	}
}

static void control_unknown_ops(void)
{
	struct sdt_control c;
	unsigned int op;
	u8 body[32];

	for (op = SDT_OP_PONG + 1; op < 256; op++) {
		memset(body, 1, sizeof(body));
		body[0] = op;
		EXPECT(sdt_control_decode(&plain, body, 1, &c) == -EOPNOTSUPP, "op %u", op);
		EXPECT(sdt_control_decode(&plain, body, 32, &c) == -EOPNOTSUPP, "op %u", op);
		EXPECT(c.op == op, "op %u is told", op);
	}
}

static void control_value_ranges(void)
{
	struct sdt_control c;
	unsigned int v, mtu;
	u8 body[4];

	for (v = 0; v < 256; v++) {
		body[0] = SDT_OP_REFUSED;
		body[1] = v;
		EXPECT(sdt_control_decode(&plain, body, 2, &c) == (v >= 1 && v <= 6 ? 0 : -EBADMSG),
		       "reason %u", v);
		for (mtu = 0; mtu < 0x10000; mtu += mtu < 3 ? 1 : 0x0ffd) {
			body[0] = SDT_OP_UNREACHABLE;
			body[1] = v;
			body[2] = mtu >> 8;
			body[3] = mtu & 255;
			EXPECT(sdt_control_decode(&plain, body, 4, &c) ==
			       (v == 5 || (v >= 1 && v <= 4 && !mtu) ? 0 : -EBADMSG),
			       "class %u mtu %u", v, mtu);
		}
	}
}

static void control_of_the_link_carries_no_address(void)
{
	static const char *const own[] = { "00", "050102030405060708", "060102030405060708" };
	static const char *const others[] = { "010000000000ff61", "02", "0301", "04010000" };
	static const struct sdt_frame wrong[] = {
		{ .control = true, .reply = true },
		{ .control = true, .tunnel = 1 },
		{ .control = true, .has_channel = true },
		{ .control = true, .has_channel = true, .channel = 7 },
		{ .control = true, .af = SDT_FRAME_AF_IPV4 },
		{ .control = true, .af = SDT_FRAME_AF_IPV6 },
	};
	struct sdt_control c;
	unsigned int i, j;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		for (j = 0; j < 3; j++)
			EXPECT(decode_control(&wrong[i], own[j], &c) == -EBADMSG, "%s, %u",
			       own[j], i);
		for (j = 0; j < 4; j++)
			EXPECT(!decode_control(&wrong[i], others[j], &c), "%s, %u", others[j], i);
	}
}

static int decode_fragment(u16 word, u32 data_len, struct sdt_control *c)
{
	u32 len = 7 + data_len;
	u8 *body = calloc(1, len);
	int err;

	body[0] = SDT_OP_FRAGMENT;
	body[4] = 9;
	body[5] = word >> 8;
	body[6] = word & 255;
	err = sdt_control_decode(&plain, body, len, c);
	free(body);
	return err;
}

static void fragment_rules(void)
{
	struct sdt_control c;
	unsigned int bit;
	u32 len;

	for (len = 0; len < 100; len++) {
		EXPECT(decode_fragment(0x8000, len, &c) == (len && len % 8 == 0 ? 0 : -EBADMSG),
		       "%u bytes, more to come", len);
		EXPECT(decode_fragment(0x0001, len, &c) == (len ? 0 : -EBADMSG),
		       "%u bytes, the last", len);
	}
	for (bit = 0; bit < 16; bit++) {
		bool zero = bit == 13 || bit == 14;

		EXPECT(decode_fragment(1 << bit, 8, &c) == (zero ? -EBADMSG : 0), "bit %u", bit);
		if (!zero)
			EXPECT(c.fragment.offset == (bit < 13 ? 8U << bit : 0) &&
			       c.fragment.more == (bit == 15), "bit %u", bit);
	}
	EXPECT(!decode_fragment(0, 65507, &c), "the longest datagram at once");
	EXPECT(decode_fragment(0, 65508, &c) == -EBADMSG, "longer than a datagram");
	EXPECT(!decode_fragment(0x1ffb, 65507 - 65496, &c), "up to the longest datagram");
	EXPECT(decode_fragment(0x1ffb, 65508 - 65496, &c) == -EBADMSG, "beyond it");
	EXPECT(!decode_fragment(0x1ffc, 3, &c), "the last possible offset");
	EXPECT(decode_fragment(0x1ffd, 1, &c) == -EBADMSG, "an offset beyond");
	EXPECT(decode_fragment(0x1fff, 1, &c) == -EBADMSG, "the greatest offset");
}

static void random_control(struct sdt_control *c)
{
	memset(c, 0, sizeof(*c));
	c->op = ktap_below(SDT_OP_PONG + 1);
	switch (c->op) {
	case SDT_OP_FRAGMENT:
		c->fragment.id = (u32)ktap_random();
		c->fragment.more = ktap_below(2);
		c->fragment.offset = 8 * ktap_below(8000);
		c->fragment.data_off = 7;
		break;
	case SDT_OP_REFUSED:
		c->reason = 1 + ktap_below(6);
		break;
	case SDT_OP_UNREACHABLE:
		c->unreach.class = 1 + ktap_below(5);
		c->unreach.mtu = c->unreach.class == 5 ? ktap_below(0x10000) : 0;
		break;
	case SDT_OP_PING:
	case SDT_OP_PONG:
		ktap_fill(c->opaque, sizeof(c->opaque));
		break;
	}
}

static void control_round_trip(void)
{
	struct sdt_control sent, got;
	u8 buf[SDT_CONTROL_MAX + 8];
	unsigned int i, n;

	for (i = 0; i < 100000; i++) {
		random_control(&sent);
		memset(buf, 0xee, sizeof(buf));
		n = sdt_control_encode(buf, &sent);
		EXPECT(n <= SDT_CONTROL_MAX, "%u bytes", n);
		EXPECT(buf[n] == 0xee, "nothing written beyond");
		if (sent.op == SDT_OP_FRAGMENT)
			n += 8;
		EXPECT(!sdt_control_decode(&plain, buf, n, &got), "op %u", sent.op);
		EXPECT_MEM(&sent, &got, sizeof(got), "op %u", sent.op);
	}
}

/* A header without an address, and the same with one put in afterwards or from the start. */
static void an_address_can_be_added(void)
{
	u8 added[SDT_FRAME_HDR_MAX + 1], whole[SDT_FRAME_HDR_MAX], ip[16];
	unsigned int n, added_len, i;
	struct sdt_frame f;

	for (i = 0; i < 100000; i++) {
		random_frame(&f);
		f.has_length = false;
		if (f.af == SDT_FRAME_AF_NONE)
			f.af = SDT_FRAME_AF_IPV4;
		/* An IPv6 address that is an IPv4 one would be told as such. */
		if (f.af == SDT_FRAME_AF_IPV6)
			f.addr[0] |= 1;
		n = sdt_frame_encode(whole, &f);
		sdt_frame_ip(&f, ip);
		f.af = SDT_FRAME_AF_NONE;
		memset(added, 0xee, sizeof(added));
		added_len = sdt_frame_encode(added, &f);
		added_len = sdt_frame_add_addr(added, added_len, ip, f.port);
		EXPECT(added_len == n, "%u bytes, not %u", added_len, n);
		EXPECT_MEM(added, whole, n, "frame %u", i);
		EXPECT(added[n] == 0xee, "nothing written beyond");
	}
}

static void addresses_are_16_bytes(void)
{
	static const u8 v4[16] = { [10] = 0xff, 0xff, 192, 0, 2, 53 };
	static const u8 v6[16] = { 0x20, 1, 0xd, 0xb8, [14] = 0xff, 0xff };
	struct sdt_frame f = { .af = SDT_FRAME_AF_IPV4, .addr = { 192, 0, 2, 53, 1, 2, 3, 4 } };
	u8 ip[16], hdr[SDT_FRAME_HDR_MAX] = { 0 };

	memset(ip, 0xee, sizeof(ip));
	sdt_frame_ip(&f, ip);
	EXPECT_MEM(ip, v4, 16, "IPv4");
	/* The long form of an IPv4 address is the same address. */
	f.af = SDT_FRAME_AF_IPV6;
	memcpy(f.addr, v4, 16);
	sdt_frame_ip(&f, ip);
	EXPECT_MEM(ip, v4, 16, "v4-mapped");
	memcpy(f.addr, v6, 16);
	sdt_frame_ip(&f, ip);
	EXPECT_MEM(ip, v6, 16, "IPv6");
	EXPECT(sdt_frame_add_addr(hdr, 1, v4, 0) == 7 && hdr[0] == 5, "IPv4 form %u", hdr[0]);
	hdr[0] = 0;
	EXPECT(sdt_frame_add_addr(hdr, 1, v6, 0) == 19 && hdr[0] == 10, "IPv6 form %u", hdr[0]);
}

static const struct ktap_case cases[] = {
	KTAP_CASE(known_bytes),
	KTAP_CASE(every_first_byte),
	KTAP_CASE(round_trip_of_random_frames),
	KTAP_CASE(decoding_is_canonical),
	KTAP_CASE(every_truncation),
	KTAP_CASE(nothing_left_to_decode),
	KTAP_CASE(ids_in_too_many_bytes_are_bad),
	KTAP_CASE(tunnel_0_is_not_named),
	KTAP_CASE(lengths_too_short_for_the_header_are_skipped),
	KTAP_CASE(lengths_beyond_the_message_end_it),
	KTAP_CASE(bundles),
	KTAP_CASE(a_bad_frame_without_length_ends_the_message),
	KTAP_CASE(control_known_bytes),
	KTAP_CASE(control_every_truncation_and_trailing_bytes),
	KTAP_CASE(control_unknown_ops),
	KTAP_CASE(control_value_ranges),
	KTAP_CASE(control_of_the_link_carries_no_address),
	KTAP_CASE(fragment_rules),
	KTAP_CASE(control_round_trip),
	KTAP_CASE(an_address_can_be_added),
	KTAP_CASE(addresses_are_16_bytes),
};

KTAP_MAIN(frame, cases)
