// SPDX-License-Identifier: GPL-2.0
#include "../../kmod/prefix.h"
#include "ktap.h"

#define V4(a, b, c, d) { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d }

static const u8 doc[16] = V4(192, 0, 2, 53);
static const u8 ten[16] = V4(10, 1, 2, 3);
static const u8 six[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };

static struct sdt_prefix any_port(const u8 ip[16], u8 len)
{
	struct sdt_prefix p = { .len = len, .port_lo = 0, .port_hi = 65535 };

	memcpy(p.ip, ip, sizeof(p.ip));
	return p;
}

/* The slow and obvious way. */
static bool model(const struct sdt_prefix *p, const u8 *ip, u16 port)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned int i;

	for (i = 0; i < p->len; i++)
		if (((p->ip[i / 8] ^ ip[i / 8]) >> (7 - i % 8)) & 1)
			return false;
	if (!memcmp(ip, mapped, 12) && p->len < 96)
		return false;
	return port >= p->port_lo && port <= p->port_hi;
}

static void clear_beyond(struct sdt_prefix *p)
{
	unsigned int i;

	for (i = p->len; i < 128; i++)
		p->ip[i / 8] &= ~(0x80 >> i % 8);
}

static void validity(void)
{
	struct sdt_prefix p = any_port(doc, 128);
	unsigned int i;

	EXPECT(sdt_prefix_valid(&p), "a host");
	p.len = 129;
	EXPECT(!sdt_prefix_valid(&p), "129 bits");
	p.len = 127;
	EXPECT(!sdt_prefix_valid(&p), "a host bit beyond the mask");
	p.ip[15] &= 0xfe;
	EXPECT(sdt_prefix_valid(&p), "without it");
	p.port_lo = 2;
	p.port_hi = 1;
	EXPECT(!sdt_prefix_valid(&p), "ports in the wrong order");
	p.port_hi = 2;
	EXPECT(sdt_prefix_valid(&p), "one port");
	memset(&p, 0, sizeof(p));
	EXPECT(sdt_prefix_valid(&p), "everything, port 0");
	for (i = 0; i < 128; i++) {
		memset(&p, 0, sizeof(p));
		p.len = i;
		p.ip[i / 8] = 0x80 >> i % 8;
		EXPECT(!sdt_prefix_valid(&p), "bit %u of /%u", i, i);
		p.len = i + 1;
		EXPECT(sdt_prefix_valid(&p), "bit %u of /%u", i, i + 1);
	}
}

static void covers_by_bits(void)
{
	struct sdt_prefix p = any_port(doc, 120);
	u8 ip[16];

	p.ip[15] = 0;
	EXPECT(sdt_prefix_covers(&p, doc, 53), "its own network");
	EXPECT(!sdt_prefix_covers(&p, ten, 53), "another");
	EXPECT(!sdt_prefix_covers(&p, six, 53), "IPv6");
	memcpy(ip, doc, sizeof(ip));
	ip[14] ^= 1;
	EXPECT(!sdt_prefix_covers(&p, ip, 53), "the network beside it");
}

static void all_of_ipv6_is_not_ipv4(void)
{
	struct sdt_prefix all6 = { .port_hi = 65535 };
	u8 zero4[16] = V4(0, 0, 0, 0);
	struct sdt_prefix all4 = any_port(zero4, 96);

	EXPECT(sdt_prefix_covers(&all6, six, 1), "::/0 has IPv6");
	EXPECT(!sdt_prefix_covers(&all6, doc, 1), "::/0 has no IPv4");
	EXPECT(sdt_prefix_covers(&all4, doc, 1), "0.0.0.0/0 has IPv4");
	EXPECT(!sdt_prefix_covers(&all4, six, 1), "0.0.0.0/0 has no IPv6");
}

static void ports(void)
{
	struct sdt_prefix p = any_port(doc, 128);

	p.port_lo = 53;
	p.port_hi = 853;
	EXPECT(!sdt_prefix_covers(&p, doc, 52), "below");
	EXPECT(sdt_prefix_covers(&p, doc, 53), "the first");
	EXPECT(sdt_prefix_covers(&p, doc, 853), "the last");
	EXPECT(!sdt_prefix_covers(&p, doc, 854), "above");
}

static void lists(void)
{
	struct sdt_prefix v[2] = { any_port(doc, 128), any_port(six, 128) };

	EXPECT(!sdt_prefix_any_covers(v, 0, doc, 1), "an empty list covers nothing");
	EXPECT(sdt_prefix_any_covers(v, 2, doc, 1), "the first");
	EXPECT(sdt_prefix_any_covers(v, 2, six, 1), "the last");
	EXPECT(!sdt_prefix_any_covers(v, 1, six, 1), "not beyond the end");
	EXPECT(!sdt_prefix_any_covers(v, 2, ten, 1), "none");
}

static void as_the_model_says(void)
{
	unsigned int n, covered = 0;

	for (n = 0; n < 200000; n++) {
		struct sdt_prefix p;
		u8 ip[16];
		u16 port = ktap_below(8);

		ktap_fill(&p, sizeof(p));
		if (ktap_below(2))
			memcpy(p.ip, doc, sizeof(p.ip));
		p.len = ktap_below(129);
		p.port_lo = ktap_below(4);
		p.port_hi = p.port_lo + ktap_below(4);
		clear_beyond(&p);
		EXPECT(sdt_prefix_valid(&p), "random /%u", p.len);
		memcpy(ip, p.ip, sizeof(ip));
		ip[ktap_below(16)] ^= 1 << ktap_below(8);
		EXPECT(sdt_prefix_covers(&p, ip, port) == model(&p, ip, port), "random /%u", p.len);
		covered += model(&p, ip, port);
	}
	EXPECT(covered > 1000, "only %u were covered", covered);
}

static const struct ktap_case cases[] = {
	KTAP_CASE(validity),
	KTAP_CASE(covers_by_bits),
	KTAP_CASE(all_of_ipv6_is_not_ipv4),
	KTAP_CASE(ports),
	KTAP_CASE(lists),
	KTAP_CASE(as_the_model_says),
};

int main(void)
{
	return KTAP_RUN(cases);
}
