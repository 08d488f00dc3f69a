// SPDX-License-Identifier: GPL-2.0
#include "../../kmod/icmpmsg.h"
#include "hex.h"
#include "ktap.h"

static void classes_of_icmp4(void)
{
	/* by code of "destination unreachable", RFC 792, 1122, 1812 */
	static const u8 expected[] = { 1, 2, 3, 3, 5, 2, 1, 2, 2, 4, 4, 1, 2, 4, 4, 4, 0, 0 };
	unsigned int type, code;

	for (code = 0; code < sizeof(expected); code++)
		EXPECT(sdt_icmp4_class(3, code) == expected[code], "code %u", code);
	EXPECT(sdt_icmp4_class(11, 0) == SDT_UNREACH_HOST, "TTL");
	EXPECT(!sdt_icmp4_class(11, 1), "reassembly");
	for (type = 0; type < 256; type++)
		if (type != 3 && type != 11)
			EXPECT(!sdt_icmp4_class(type, 0) && !sdt_icmp4_class(type, 3), "type %u", type);
}

static void classes_of_icmp6(void)
{
	/* by code of "destination unreachable", RFC 4443 */
	static const u8 expected[] = { 1, 4, 2, 2, 3, 4, 4, 0, 0 };
	unsigned int type, code;

	for (code = 0; code < sizeof(expected); code++)
		EXPECT(sdt_icmp6_class(1, code) == expected[code], "code %u", code);
	EXPECT(sdt_icmp6_class(2, 0) == SDT_UNREACH_TOO_BIG, "too big");
	EXPECT(sdt_icmp6_class(3, 0) == SDT_UNREACH_HOST, "hop limit");
	EXPECT(!sdt_icmp6_class(3, 1), "reassembly");
	for (type = 4; type < 256; type++)
		EXPECT(!sdt_icmp6_class(type, 0) && !sdt_icmp6_class(type, 7), "type %u", type);
	EXPECT(!sdt_icmp6_class(0, 0), "type 0");
}

static void payload_that_fits(void)
{
	EXPECT(sdt_icmp_payload(false, 1500) == 1472, "v4");
	EXPECT(sdt_icmp_payload(true, 1500) == 1452, "v6");
	EXPECT(sdt_icmp_payload(false, 68) == 40, "the least of v4");
	EXPECT(sdt_icmp_payload(false, 29) == 1, "one byte");
	EXPECT(!sdt_icmp_payload(false, 28) && !sdt_icmp_payload(false, 0), "none");
	EXPECT(!sdt_icmp_payload(true, 48) && !sdt_icmp_payload(true, 0), "none");
	EXPECT(sdt_icmp_payload(true, 1280) == 1232, "the least of v6");
	EXPECT(sdt_icmp_payload(true, 49) == 1232, "less than that");
	EXPECT(sdt_icmp_payload(true, 1279) == 1232, "less than that");
	EXPECT(sdt_icmp_payload(false, 65535) == 65507, "the most of v4");
	EXPECT(sdt_icmp_payload(true, 0xffffffff) == 65507, "more than a datagram");
}

/* Made by hand and by another program. */
static const struct {
	const char *name;
	bool v6;
	u8 class;
	unsigned int payload;
	u16 len;
	u8 tos;
	const char *data;
	const char *message;
} messages[] = {
	{
		"v4, port", false, SDT_UNREACH_PORT, 0, 0, 0, "",
		"03034c00000000004500001c0000000040118e9ac0000201c63364029c4014b400080000"
	}, {
		"v4, too big", false, SDT_UNREACH_TOO_BIG, 1372, 1433, 0xb8, "abcde",
		"030417270000057845b805b50000400040114849c0000201c63364029c4014b405a10000"
		"6162636465"
	}, {
		"v6, port", true, SDT_UNREACH_PORT, 0, 0, 0, "",
		"0104255300000000600000000008114020010db800000000000000000000000120010db8"
		"0000000000000000000000029c4014b400080000"
	}, {
		"v6, too big", true, SDT_UNREACH_TOO_BIG, 1352, 1433, 0xb8, "abcde",
		"0200de60000005786b80000005a1114020010db800000000000000000000000120010db8"
		"0000000000000000000000029c4014b405a100006162636465"
	},
};

static void fill_quote(struct sdt_icmp_quote *q, bool v6)
{
	memset(q, 0, sizeof(*q));
	unhex(q->src, 16, v6 ? "20010db8000000000000000000000001" :
			       "00000000000000000000ffffc0000201");
	unhex(q->dst, 16, v6 ? "20010db8000000000000000000000002" :
			       "00000000000000000000ffffc6336402");
	q->sport = 40000;
	q->dport = 5300;
}

static void writes_what_others_read(void)
{
	u8 buf[SDT_ICMP_MAX], expected[SDT_ICMP_MAX], from[16], to[16];
	struct sdt_icmp_quote q;
	unsigned int i, len;

	unhex(from, 16, "20010db8000000000000000000000009");
	unhex(to, 16, "20010db8000000000000000000000001");
	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		bool v6 = messages[i].v6;

		memset(buf, 0xa5, sizeof(buf));
		fill_quote(&q, v6);
		q.len = messages[i].len;
		q.tos = messages[i].tos;
		q.data_len = strlen(messages[i].data);
		memcpy(buf + (v6 ? SDT_ICMP6_QUOTE_LEN : SDT_ICMP4_QUOTE_LEN), messages[i].data,
		       q.data_len);
		len = sdt_icmp_write(buf, v6, messages[i].class, messages[i].payload, &q);
		if (v6)
			sdt_icmp6_checksum(buf, len, from, to);
		EXPECT(len == unhex(expected, sizeof(expected), messages[i].message),
		       "%s: length %u", messages[i].name, len);
		EXPECT_MEM(buf, expected, len, "%s", messages[i].name);
		EXPECT(buf[len] == 0xa5, "%s: no byte more", messages[i].name);
	}
}

static void each_class_has_its_type(void)
{
	static const u8 type4[] = { 0, 3, 3, 3, 3, 3 }, code4[] = { 0, 0, 1, 3, 13, 4 };
	static const u8 type6[] = { 0, 1, 1, 1, 1, 2 }, code6[] = { 0, 0, 3, 4, 1, 0 };
	struct sdt_icmp_quote q;
	u8 buf[SDT_ICMP_MAX];
	u8 class;

	for (class = SDT_UNREACH_NET; class <= SDT_UNREACH_TOO_BIG; class++) {
		fill_quote(&q, false);
		sdt_icmp_write(buf, false, class, 1000, &q);
		EXPECT(buf[0] == type4[class] && buf[1] == code4[class], "v4 class %u", class);
		EXPECT(class == SDT_UNREACH_TOO_BIG || ktap_all_zero(buf + 4, 4), "v4 class %u", class);
		EXPECT(sdt_icmp4_class(buf[0], buf[1]) == class, "v4 class %u, read", class);
		fill_quote(&q, true);
		sdt_icmp_write(buf, true, class, 1300, &q);
		EXPECT(buf[0] == type6[class] && buf[1] == code6[class], "v6 class %u", class);
		EXPECT(class == SDT_UNREACH_TOO_BIG || ktap_all_zero(buf + 4, 4), "v6 class %u", class);
		EXPECT(sdt_icmp6_class(buf[0], buf[1]) == class, "v6 class %u, read", class);
	}
}

static void never_tells_less_than_hosts_must_take(void)
{
	struct sdt_icmp_quote q;
	u8 buf[SDT_ICMP_MAX];

	fill_quote(&q, false);
	sdt_icmp_write(buf, false, SDT_UNREACH_TOO_BIG, 548, &q);
	EXPECT(buf[6] << 8 == 512 && buf[7] == 64, "576");
	sdt_icmp_write(buf, false, SDT_UNREACH_TOO_BIG, 547, &q);
	EXPECT(buf[6] << 8 == 512 && buf[7] == 64, "not 575");
	/* A peer may say 65535, for which an MTU of IPv4 has no room. */
	sdt_icmp_write(buf, false, SDT_UNREACH_TOO_BIG, 65508, &q);
	EXPECT(buf[6] == 0xff && buf[7] == 0xff, "65535, and not %u", buf[6] << 8 | buf[7]);
	sdt_icmp_write(buf, false, SDT_UNREACH_TOO_BIG, 65535, &q);
	EXPECT(buf[6] == 0xff && buf[7] == 0xff, "65535, and not %u", buf[6] << 8 | buf[7]);
	fill_quote(&q, true);
	sdt_icmp_write(buf, true, SDT_UNREACH_TOO_BIG, 1233, &q);
	EXPECT(buf[6] << 8 == 1280 && buf[7] == 1, "1281");
	sdt_icmp_write(buf, true, SDT_UNREACH_TOO_BIG, 0, &q);
	EXPECT(buf[6] << 8 == 1280 && buf[7] == 0, "not less than 1280");
}

static u32 sum(const u8 *p, unsigned int len)
{
	u32 s = 0;
	unsigned int i;

	for (i = 0; i < len; i++)
		s += i % 2 ? p[i] : p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void checksums_hold_for_any_content(void)
{
	struct sdt_icmp_quote q;
	u8 buf[SDT_ICMP_MAX];
	unsigned int i, n, len;

	for (i = 0; i < 2000; i++) {
		fill_quote(&q, false);
		q.data_len = ktap_below(SDT_ICMP4_DATA_MAX + 1);
		q.len = q.data_len;
		q.sport = ktap_random() & 0xffff;
		for (n = 0; n < sizeof(buf); n++)
			buf[n] = ktap_random() & 0xff;
		len = sdt_icmp_write(buf, false, 1 + ktap_below(5), ktap_below(1500), &q);
		EXPECT(len <= 576 - 20, "%u bytes", len);
		EXPECT(sum(buf, len) == 0xffff, "message of %u bytes", len);
		EXPECT(sum(buf + 8, 20) == 0xffff, "quoted header");
	}
}

#define SLOT	5

static void a_customer_gets_few(void)
{
	struct sdt_icmp_rate r = {};
	u32 now, start = 0xfffff000;	/* the clock turns over on the way */
	unsigned int n = 0;

	for (now = 0; now < 10; now++)
		EXPECT(sdt_icmp_rate_take(&r, SLOT, start), "burst %u", now);
	EXPECT(!sdt_icmp_rate_take(&r, SLOT, start), "not an eleventh");
	EXPECT(sdt_icmp_rate_take(&r, SLOT + 1, start), "another customer");
	EXPECT(!sdt_icmp_rate_take(&r, SLOT + SDT_ICMP_SLOTS, start), "one of the same slot");
	for (now = 1; now <= 10000; now++)
		n += sdt_icmp_rate_take(&r, SLOT, start + now);
	EXPECT(n == 100, "%u in ten seconds", n);
	for (n = 0; n < 20 && sdt_icmp_rate_take(&r, SLOT, start + 1000000); n++)
		;
	EXPECT(n == 10, "after a long time: %u at once", n);
}

static void all_together_get_not_many(void)
{
	struct sdt_icmp_rate r = {};
	unsigned int n, hash;
	u32 now;

	for (n = 0, hash = 0; hash < 1000; hash++)
		n += sdt_icmp_rate_take(&r, hash, 77);
	EXPECT(n == 50, "%u at once", n);
	for (n = 0, now = 1; now <= 10000; now++)
		for (hash = 0; hash < SDT_ICMP_SLOTS; hash++)
			n += sdt_icmp_rate_take(&r, hash, 77 + now);
	EXPECT(n == 1000, "%u in ten seconds", n);
}

/* Who is refused for all does not pay for it as one. */
static void refused_takes_nothing(void)
{
	struct sdt_icmp_rate r = {};
	unsigned int i, n = 0;

	for (i = 0; i < 50; i++)
		EXPECT(sdt_icmp_bucket_take(&r.all, 1000), "%u", i);
	for (i = 0; i < 10; i++)
		EXPECT(!sdt_icmp_rate_take(&r, SLOT, 1000), "%u", i);
	for (i = 0; i < 20; i++)
		n += sdt_icmp_rate_take(&r, SLOT, 2000);
	EXPECT(n == 10, "%u", n);
}

static const struct ktap_case cases[] = {
	KTAP_CASE(classes_of_icmp4),
	KTAP_CASE(classes_of_icmp6),
	KTAP_CASE(payload_that_fits),
	KTAP_CASE(writes_what_others_read),
	KTAP_CASE(each_class_has_its_type),
	KTAP_CASE(never_tells_less_than_hosts_must_take),
	KTAP_CASE(checksums_hold_for_any_content),
	KTAP_CASE(a_customer_gets_few),
	KTAP_CASE(all_together_get_not_many),
	KTAP_CASE(refused_takes_nothing),
};

int main(void)
{
	return KTAP_RUN(cases);
}
