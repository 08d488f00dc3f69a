// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "../../kmod/range.h"
#include "ktap.h"

#define U32_MAX	0xffffffffU

/* An address that ends with these 32 bits, and begins with @head. */
static const u8 *ip(u8 head, u32 tail)
{
	static u8 buf[4][16];
	static unsigned int at;
	u8 *p = buf[at++ % 4];

	memset(p, head, 12);
	p[12] = tail >> 24;
	p[13] = tail >> 16;
	p[14] = tail >> 8;
	p[15] = tail;
	return p;
}

static void counts_what_lies_between(void)
{
	EXPECT(sdt_range_count(ip(1, 7), ip(1, 7)) == 1, "one address");
	EXPECT(sdt_range_count(ip(1, 0x0a0000ff), ip(1, 0x0a000100)) == 2, "over a byte's end");
	EXPECT(sdt_range_count(ip(1, 0xffffff00), ip(1, 0xffffffff)) == 256, "to the very last");
	EXPECT(sdt_range_count(ip(1, 1), ip(1, U32_MAX)) == U32_MAX, "nearly all");
	EXPECT(sdt_range_count(ip(1, 0), ip(1, U32_MAX)) == U32_MAX, "more than can be told");
}

static void is_no_range(void)
{
	u8 a[16], b[16];
	unsigned int i;

	EXPECT(!sdt_range_count(ip(1, 8), ip(1, 7)), "downwards");
	for (i = 0; i < 12; i++) {
		memcpy(a, ip(1, 7), 16);
		memcpy(b, ip(1, 9), 16);
		b[i]++;
		EXPECT(!sdt_range_count(a, b), "differs in byte %u", i);
	}
}

static void finds_each_place(void)
{
	const u32 firsts[] = { 0, 0x0a0000f0, 0xfffffff0 };
	unsigned int f;
	u32 i, at;
	u8 buf[16];

	for (f = 0; f < 3; f++)
		for (i = 0; i < 16; i++) {
			memset(buf, 0xee, sizeof(buf));
			sdt_range_at(ip(3, firsts[f]), i, buf);
			EXPECT(!memcmp(buf, ip(3, firsts[f] + i), 16), "place %u", i);
			at = ~0U;
			EXPECT(sdt_range_find(ip(3, firsts[f]), 16, buf, &at) && at == i,
			       "%u is found at %u", i, at);
		}
}

static void finds_nothing_outside(void)
{
	u32 at = 4711;

	EXPECT(!sdt_range_find(ip(3, 100), 16, ip(3, 99), &at), "before");
	EXPECT(!sdt_range_find(ip(3, 100), 16, ip(3, 116), &at), "behind");
	EXPECT(!sdt_range_find(ip(3, 100), 16, ip(4, 100), &at), "beside");
	EXPECT(!sdt_range_find(ip(3, 100), 0, ip(3, 100), &at), "in none");
	EXPECT(at == 4711, "and leaves the place alone: %u", at);
}

static void multiplies_ports(void)
{
	EXPECT(sdt_range_ports(1, 32768, 60999) == 28232, "one address");
	EXPECT(sdt_range_ports(256, 1024, 65535) == 256 * 64512, "many");
	EXPECT(sdt_range_ports(3, 5000, 5000) == 3, "one port");
	EXPECT(!sdt_range_ports(3, 5001, 5000), "none");
	EXPECT(!sdt_range_ports(0, 1, 2), "no address");
	EXPECT(sdt_range_ports(U32_MAX, 1, 65535) == U32_MAX, "more than can be told");
	EXPECT(sdt_range_ports(65537, 1, 65535) == 65537U * 65535, "just not");
}

static const struct ktap_case cases[] = {
	KTAP_CASE(counts_what_lies_between),
	KTAP_CASE(is_no_range),
	KTAP_CASE(finds_each_place),
	KTAP_CASE(finds_nothing_outside),
	KTAP_CASE(multiplies_ports),
};

int main(void)
{
	return KTAP_RUN(cases);
}
