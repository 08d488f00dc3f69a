// SPDX-License-Identifier: GPL-2.0
/*
 * What is too small for a target of its own: prefixes, classes and ranges of addresses,
 * PROXY headers, ICMP errors. The first byte chooses. Everything is held against a second,
 * slow way to say the same, or read back.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "../../kmod/addrclass.h"
#include "../../kmod/icmpmsg.h"
#include "../../kmod/prefix.h"
#include "../../kmod/proxyv2.h"
#include "../../kmod/range.h"
#include "fuzz.h"

#define CANARY	0xa5

struct input {
	const uint8_t *data;
	size_t size;
};

static u8 take(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static u16 take16(struct input *in)
{
	u16 high = take(in);

	return high << 8 | take(in);
}

static void take_into(struct input *in, void *to, size_t len)
{
	u8 *p = to;

	while (len--)
		*p++ = take(in);
}

static bool v4mapped(const u8 *ip)
{
	static const u8 start[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(ip, start, sizeof(start));
}

/* Of any family; mostly IPv4, or nothing of it would ever meet. */
static void take_ip(struct input *in, u8 ip[16])
{
	static const u8 starts[][12] = {
		{ [10] = 0xff, [11] = 0xff }, { 0 }, { 0xfe, 0x80 }, { 0xff, 2 }, { 0x20, 1 },
	};
	u8 choice = take(in);

	if (choice & 0x80) {
		take_into(in, ip, 16);
		return;
	}
	memcpy(ip, starts[choice % 5], 12);
	take_into(in, ip + 12, 4);
}

static bool bit(const u8 *p, unsigned int i)
{
	return p[i / 8] >> (7 - i % 8) & 1;
}

/* ---- prefixes ---------------------------------------------------------------- */

static bool covers_slowly(const struct sdt_prefix *p, const u8 *ip, u16 port)
{
	unsigned int i;

	if (port < p->port_lo || port > p->port_hi || (p->len < 96 && v4mapped(ip)))
		return false;
	for (i = 0; i < p->len; i++)
		if (bit(p->ip, i) != bit(ip, i))
			return false;
	return true;
}

static bool valid_slowly(const struct sdt_prefix *p)
{
	unsigned int i;

	if (p->len > 128 || p->port_lo > p->port_hi)
		return false;
	for (i = p->len; i < 128; i++)
		if (bit(p->ip, i))
			return false;
	return true;
}

static void prefixes(struct input *in)
{
	struct sdt_prefix p[4];
	unsigned int i, n = take(in) % 5;
	bool any = false;
	u8 ip[16];
	u16 port;

	for (i = 0; i < n; i++) {
		take_ip(in, p[i].ip);
		p[i].len = take(in);
		p[i].port_lo = take16(in);
		p[i].port_hi = take16(in);
		REQUIRE(sdt_prefix_valid(&p[i]) == valid_slowly(&p[i]));
		/* Covering is asked of valid ones only. */
		if (p[i].len > 128)
			p[i].len = 128;
	}
	take_ip(in, ip);
	port = take16(in);
	for (i = 0; i < n; i++) {
		bool covers = covers_slowly(&p[i], ip, port);

		REQUIRE(sdt_prefix_covers(&p[i], ip, port) == covers);
		any |= covers;
	}
	REQUIRE(sdt_prefix_any_covers(p, n, ip, port) == any);
}

/* ---- classes and ranges ------------------------------------------------------- */

static bool special_slowly(const u8 *ip)
{
	struct in6_addr a;
	uint32_t v4;

	memcpy(&a, ip, 16);
	if (IN6_IS_ADDR_V4MAPPED(&a)) {
		memcpy(&v4, ip + 12, 4);
		v4 = ntohl(v4);
		return v4 >> 24 == 0 || v4 >> 24 == 127 || v4 >> 16 == 0xa9fe || IN_MULTICAST(v4) ||
		       v4 == INADDR_BROADCAST;
	}
	return IN6_IS_ADDR_UNSPECIFIED(&a) || IN6_IS_ADDR_LOOPBACK(&a) || IN6_IS_ADDR_V4COMPAT(&a) ||
	       IN6_IS_ADDR_LINKLOCAL(&a) || IN6_IS_ADDR_MULTICAST(&a);
}

static void classes(struct input *in)
{
	u8 ip[16];

	take_ip(in, ip);
	REQUIRE(sdt_address_special(ip) == special_slowly(ip));
}

static void ranges(struct input *in)
{
	u32 count, i, wanted, lo, hi;
	u8 first[16], last[16], ip[16];
	u64 ports;

	take_ip(in, first);
	take_ip(in, last);
	memcpy(&lo, first + 12, 4);
	memcpy(&hi, last + 12, 4);
	lo = ntohl(lo);
	hi = ntohl(hi);
	count = sdt_range_count(first, last);
	if (memcmp(first, last, 12) || hi < lo)
		REQUIRE(!count);
	else
		REQUIRE(count == hi - lo + 1 || (hi - lo == UINT32_MAX && count == UINT32_MAX));
	if (count) {
		wanted = ((u32)take16(in) << 16 | take16(in)) % count;
		sdt_range_at(first, wanted, ip);
		REQUIRE(sdt_range_find(first, count, ip, &i) && i == wanted);
		REQUIRE(memcmp(ip, first, 16) >= 0 && memcmp(ip, last, 16) <= 0);
	}
	take_ip(in, ip);
	if (sdt_range_find(first, count, ip, &i)) {
		u8 again[16];

		REQUIRE(i < count);
		sdt_range_at(first, i, again);
		REQUIRE(!memcmp(again, ip, 16));
	}
	lo = take16(in);
	hi = take16(in);
	ports = hi < lo ? 0 : (u64)count * (hi - lo + 1);
	REQUIRE(sdt_range_ports(count, lo, hi) == (ports > UINT32_MAX ? UINT32_MAX : ports));
}

/* ---- PROXY headers ------------------------------------------------------------- */

static void proxy(struct input *in)
{
	static const u8 start[12] = "\r\n\r\n\0\r\nQUIT\n";
	struct sdt_proxy_v2_end src, dst;
	u8 buf[SDT_PROXY_V2_MAX + 1];
	unsigned int n, size;

	take_ip(in, src.ip);
	take_ip(in, dst.ip);
	src.port = take16(in);
	dst.port = take16(in);
	memset(buf, CANARY, sizeof(buf));
	n = sdt_proxy_v2_encode(buf, &src, &dst);
	size = v4mapped(src.ip) ? 4 : 16;
	REQUIRE(n == 16 + 2 * size + 4 && buf[n] == CANARY);
	REQUIRE(!memcmp(buf, start, 12) && buf[12] == 0x21 && buf[13] == (size == 4 ? 0x12 : 0x22));
	REQUIRE((buf[14] << 8 | buf[15]) == (int)n - 16);
	REQUIRE(!memcmp(buf + 16, src.ip + 16 - size, size));
	if (size == 16 || v4mapped(dst.ip))
		REQUIRE(!memcmp(buf + 16 + size, dst.ip + 16 - size, size));
	else
		REQUIRE(!memcmp(buf + 16 + size, "\0\0\0\0", 4));
	REQUIRE(!memcmp(buf + n - 4, &src.port, 2) && !memcmp(buf + n - 2, &dst.port, 2));
}

/* ---- ICMP errors ---------------------------------------------------------------- */

/* RFC 1071, from the end. */
static u16 checksum(const u8 *p, size_t len, u32 sum)
{
	while (len--)
		sum += (u32)p[len] << (len % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static u32 pseudo_sum(const u8 *src, const u8 *dst, unsigned int len)
{
	return checksum(src, 16, 0) + checksum(dst, 16, 0) + len + IPPROTO_ICMPV6;
}

static void quoted(const u8 *ip, bool v6, const struct sdt_icmp_quote *q)
{
	const u8 *udp = ip + (v6 ? 40 : 20);
	unsigned int tos = v6 ? (ip[0] << 4 | ip[1] >> 4) & 0xff : ip[1];

	REQUIRE(ip[0] >> 4 == (v6 ? 6 : 4) && tos == q->tos && (v6 ? ip[6] : ip[9]) == IPPROTO_UDP);
	REQUIRE(!memcmp(ip + (v6 ? 8 : 12), v6 ? q->src : q->src + 12, v6 ? 16 : 4));
	REQUIRE(!memcmp(ip + (v6 ? 24 : 16), v6 ? q->dst : q->dst + 12, v6 ? 16 : 4));
	if (!v6)
		REQUIRE((ip[0] & 15) == 5 && checksum(ip, 20, 0) == 0xffff);
	REQUIRE((udp[0] << 8 | udp[1]) == q->sport && (udp[2] << 8 | udp[3]) == q->dport);
	REQUIRE((udp[4] << 8 | udp[5]) == q->len + 8);
}

static void icmp(struct input *in)
{
	u8 flags = take(in), class = take(in) % 5 + 1, buf[SDT_ICMP_MAX + 1], src[16], dst[16], told;
	unsigned int payload = take16(in), data_off, data_max, n, mtu;
	bool v6 = flags & 1;
	struct sdt_icmp_quote q;

	take_ip(in, q.src);
	take_ip(in, q.dst);
	take_ip(in, src);
	take_ip(in, dst);
	q.sport = take16(in);
	q.dport = take16(in);
	q.len = take16(in) % (SDT_DATAGRAM_MAX + 1);
	q.tos = take(in);
	data_off = v6 ? SDT_ICMP6_QUOTE_LEN : SDT_ICMP4_QUOTE_LEN;
	data_max = v6 ? SDT_ICMP6_DATA_MAX : SDT_ICMP4_DATA_MAX;
	q.data_len = take16(in) % (data_max + 1);
	memset(buf, CANARY, sizeof(buf));
	take_into(in, buf + data_off, q.data_len);
	n = sdt_icmp_write(buf, v6, class, payload, &q);
	REQUIRE(n == data_off + q.data_len && buf[n] == CANARY);
	if (v6) {
		sdt_icmp6_checksum(buf, n, src, dst);
		REQUIRE(checksum(buf, n, pseudo_sum(src, dst, n)) == 0xffff);
	} else {
		REQUIRE(checksum(buf, n, 0) == 0xffff);
	}
	/* Who gets it understands what was meant, and is told of no less than every host takes. */
	told = v6 ? sdt_icmp6_class(buf[0], buf[1]) : sdt_icmp4_class(buf[0], buf[1]);
	REQUIRE(told == class);
	if (class == SDT_UNREACH_TOO_BIG) {
		mtu = buf[6] << 8 | buf[7] | (v6 ? (u32)buf[4] << 24 | buf[5] << 16 : 0);
		REQUIRE(mtu >= (v6 ? 1280 : 576));
		REQUIRE(sdt_icmp_payload(v6, mtu) >= payload || payload > SDT_DATAGRAM_MAX);
	}
	quoted(buf + SDT_ICMP_HDR_LEN, v6, &q);
}

/* Any error, and any MTU that one tells. */
static void understood(struct input *in)
{
	u8 type = take(in), code = take(in);
	u32 mtu = (u32)take16(in) << 16 | take16(in);
	bool v6 = take(in) & 1;
	unsigned int payload = sdt_icmp_payload(v6, mtu);

	REQUIRE(sdt_icmp4_class(type, code) <= SDT_UNREACH_TOO_BIG);
	REQUIRE(sdt_icmp6_class(type, code) <= SDT_UNREACH_TOO_BIG);
	REQUIRE(payload <= SDT_DATAGRAM_MAX);
	REQUIRE(!payload || payload <= mtu - 28 || (v6 && payload == 1280 - 48));
}

/* Never more at once, nor a second, than the limit; a clock that turns over changes nothing. */
static void rates(struct input *in)
{
	static struct sdt_icmp_rate r;
	u32 now = (u32)take16(in) << 16 | take16(in), begin;
	unsigned int n = 0, of_slot = 0;

	memset(&r, 0, sizeof(r));
	/* Full at first, whatever the clock says. */
	r.all.full_at = now;
	memset(r.slot, 0, sizeof(r.slot));
	for (begin = 0; begin < SDT_ICMP_SLOTS; begin++)
		r.slot[begin].full_at = now;
	begin = now;
	while (in->size && now - begin < 100000) {
		u8 hash = take(in);

		now += take(in);
		if (!sdt_icmp_rate_take(&r, hash, now))
			continue;
		n++;
		of_slot += hash % SDT_ICMP_SLOTS == 0;
	}
	REQUIRE(n <= SDT_ICMP_ALL_BURST + (now - begin) / SDT_ICMP_ALL_MS);
	REQUIRE(of_slot <= SDT_ICMP_SLOT_BURST + (now - begin) / SDT_ICMP_SLOT_MS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parts[])(struct input *in) = {
		prefixes, classes, ranges, proxy, icmp, understood, rates,
	};
	struct input in = { data, size };

	parts[take(&in) % (sizeof(parts) / sizeof(*parts))](&in);
	return 0;
}
