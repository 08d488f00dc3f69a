// SPDX-License-Identifier: GPL-2.0
/* ICMP errors as bytes: what they mean, how they are made, how many are too many. Pure. */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "bytes.h"
#include "icmpmsg.h"

#define IP4_LEN		20
#define IP4_DF		0x4000
#define IP6_LEN		40
#define UDP_LEN		8
#define IP4_MTU_MIN	576	/* what every host of IPv4 can reassemble, RFC 1122, 3.3.2 */
#define IP6_MTU_MIN	1280	/* RFC 8200, 5 */
#define PROTO_UDP	17
#define PROTO_ICMPV6	58
#define QUOTED_TTL	64	/* what was left of it is not known */

/* ---- meaning -------------------------------------------------------------- */

static u8 dest_unreach_class(u8 code)
{
	switch (code) {
	case ICMP_NET_UNREACH:
	case ICMP_NET_UNKNOWN:
	case ICMP_NET_UNR_TOS:
		return SDT_UNREACH_NET;
	case ICMP_HOST_UNREACH:
	case ICMP_SR_FAILED:
	case ICMP_HOST_UNKNOWN:
	case ICMP_HOST_ISOLATED:
	case ICMP_HOST_UNR_TOS:
		return SDT_UNREACH_HOST;
	case ICMP_PROT_UNREACH:
	case ICMP_PORT_UNREACH:
		return SDT_UNREACH_PORT;
	case ICMP_FRAG_NEEDED:
		return SDT_UNREACH_TOO_BIG;
	case ICMP_NET_ANO:
	case ICMP_HOST_ANO:
	case ICMP_PKT_FILTERED:
	case ICMP_PREC_VIOLATION:
	case ICMP_PREC_CUTOFF:
		return SDT_UNREACH_PROHIBITED;
	default:
		return 0;
	}
}

u8 sdt_icmp4_class(u8 type, u8 code)
{
	if (type == ICMP_DEST_UNREACH)
		return dest_unreach_class(code);
	/* Our datagrams begin with a full TTL: what eats it all is a loop. */
	if (type == ICMP_TIME_EXCEEDED && code == ICMP_EXC_TTL)
		return SDT_UNREACH_HOST;
	return 0;
}

static u8 dest_unreach6_class(u8 code)
{
	switch (code) {
	case ICMPV6_NOROUTE:
		return SDT_UNREACH_NET;
	case ICMPV6_NOT_NEIGHBOUR:
	case ICMPV6_ADDR_UNREACH:
		return SDT_UNREACH_HOST;
	case ICMPV6_PORT_UNREACH:
		return SDT_UNREACH_PORT;
	case ICMPV6_ADM_PROHIBITED:
	case ICMPV6_POLICY_FAIL:
	case ICMPV6_REJECT_ROUTE:
		return SDT_UNREACH_PROHIBITED;
	default:
		return 0;
	}
}

u8 sdt_icmp6_class(u8 type, u8 code)
{
	if (type == ICMPV6_DEST_UNREACH)
		return dest_unreach6_class(code);
	if (type == ICMPV6_PKT_TOOBIG)
		return SDT_UNREACH_TOO_BIG;
	if (type == ICMPV6_TIME_EXCEED && code == ICMPV6_EXC_HOPLIMIT)
		return SDT_UNREACH_HOST;
	return 0;
}

unsigned int sdt_icmp_payload(bool v6, u32 mtu)
{
	unsigned int own = (v6 ? IP6_LEN : IP4_LEN) + UDP_LEN;

	/* Old routers tell 0; a link of IPv6 never takes less than its minimum. */
	if (mtu <= own)
		return 0;
	if (v6)
		mtu = mtu < IP6_MTU_MIN ? IP6_MTU_MIN : mtu;
	mtu -= own;
	return mtu < SDT_DATAGRAM_MAX ? mtu : SDT_DATAGRAM_MAX;
}

/* ---- making --------------------------------------------------------------- */

static u32 sum16(const u8 *p, unsigned int len, u32 sum)
{
	for (; len > 1; len -= 2, p += 2)
		sum += sdt_get_be16(p);
	return len ? sum + (u32)(*p << 8) : sum;
}

static u16 sum_fold(u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static void write_udp(u8 *p, const struct sdt_icmp_quote *q)
{
	sdt_put_be16(p, q->sport);
	sdt_put_be16(p + 2, q->dport);
	sdt_put_be16(p + 4, UDP_LEN + q->len);
	/* Not known; nobody verifies it. */
	sdt_put_be16(p + 6, 0);
}

static void write_ip4(u8 *p, bool df, const struct sdt_icmp_quote *q)
{
	memset(p, 0, IP4_LEN);
	p[0] = 4 << 4 | IP4_LEN / 4;
	p[1] = q->tos;
	sdt_put_be16(p + 2, IP4_LEN + UDP_LEN + q->len);
	sdt_put_be16(p + 6, df ? IP4_DF : 0);
	p[8] = QUOTED_TTL;
	p[9] = PROTO_UDP;
	memcpy(p + 12, q->src + 12, 4);
	memcpy(p + 16, q->dst + 12, 4);
	sdt_put_be16(p + 10, sum_fold(sum16(p, IP4_LEN, 0)));
}

static void write_ip6(u8 *p, const struct sdt_icmp_quote *q)
{
	sdt_put_be32(p, 6U << 28 | (u32)q->tos << 20);
	sdt_put_be16(p + 4, UDP_LEN + q->len);
	p[6] = PROTO_UDP;
	p[7] = QUOTED_TTL;
	memcpy(p + 8, q->src, 16);
	memcpy(p + 24, q->dst, 16);
}

static void write_hdr4(u8 *p, u8 class, unsigned int payload)
{
	static const u8 codes[] = {
		[SDT_UNREACH_NET]	 = ICMP_NET_UNREACH,
		[SDT_UNREACH_HOST]	 = ICMP_HOST_UNREACH,
		[SDT_UNREACH_PORT]	 = ICMP_PORT_UNREACH,
		[SDT_UNREACH_PROHIBITED] = ICMP_PKT_FILTERED,
		[SDT_UNREACH_TOO_BIG]	 = ICMP_FRAG_NEEDED,
	};
	unsigned int mtu = payload + IP4_LEN + UDP_LEN;

	memset(p, 0, SDT_ICMP_HDR_LEN);
	p[0] = ICMP_DEST_UNREACH;
	p[1] = codes[class];
	if (class == SDT_UNREACH_TOO_BIG)
		sdt_put_be16(p + 6, mtu < IP4_MTU_MIN ? IP4_MTU_MIN : mtu);
}

static void write_hdr6(u8 *p, u8 class, unsigned int payload)
{
	static const u8 codes[] = {
		[SDT_UNREACH_NET]	 = ICMPV6_NOROUTE,
		[SDT_UNREACH_HOST]	 = ICMPV6_ADDR_UNREACH,
		[SDT_UNREACH_PORT]	 = ICMPV6_PORT_UNREACH,
		[SDT_UNREACH_PROHIBITED] = ICMPV6_ADM_PROHIBITED,
	};
	unsigned int mtu = payload + IP6_LEN + UDP_LEN;

	memset(p, 0, SDT_ICMP_HDR_LEN);
	if (class == SDT_UNREACH_TOO_BIG) {
		p[0] = ICMPV6_PKT_TOOBIG;
		sdt_put_be32(p + 4, mtu < IP6_MTU_MIN ? IP6_MTU_MIN : mtu);
	} else {
		p[0] = ICMPV6_DEST_UNREACH;
		p[1] = codes[class];
	}
}

unsigned int sdt_icmp_write(u8 *buf, bool v6, u8 class, unsigned int payload,
			    const struct sdt_icmp_quote *q)
{
	unsigned int len = (v6 ? SDT_ICMP6_QUOTE_LEN : SDT_ICMP4_QUOTE_LEN) + q->data_len;
	u8 *ip = buf + SDT_ICMP_HDR_LEN;

	/* The MTU of what no datagram has may exceed the 16 bits that IPv4 has for it. */
	if (payload > SDT_DATAGRAM_MAX)
		payload = SDT_DATAGRAM_MAX;
	if (v6) {
		write_hdr6(buf, class, payload);
		write_ip6(ip, q);
		write_udp(ip + IP6_LEN, q);
		return len;
	}
	write_hdr4(buf, class, payload);
	/* That a datagram is too big is said to those who want it whole. */
	write_ip4(ip, class == SDT_UNREACH_TOO_BIG, q);
	write_udp(ip + IP4_LEN, q);
	sdt_put_be16(buf + 2, sum_fold(sum16(buf, len, 0)));
	return len;
}

void sdt_icmp6_checksum(u8 *buf, unsigned int len, const u8 src[16], const u8 dst[16])
{
	u32 sum = len + PROTO_ICMPV6;

	sum = sum16(src, 16, sum);
	sum = sum16(dst, 16, sum);
	sdt_put_be16(buf + 2, sum_fold(sum16(buf, len, sum)));
}

/* ---- how many ------------------------------------------------------------- */

/* How far @b is ahead of @now, ms. It is never more than @burst tokens: more means long ago. */
static u32 ahead(const struct sdt_icmp_bucket *b, u32 now, u32 each, u32 burst)
{
	u32 ms = READ_ONCE(b->full_at) - now;

	return ms <= each * burst ? ms : 0;
}

static bool has_token(const struct sdt_icmp_bucket *b, u32 now, u32 each, u32 burst)
{
	return ahead(b, now, each, burst) <= each * (burst - 1);
}

static void take_token(struct sdt_icmp_bucket *b, u32 now, u32 each, u32 burst)
{
	WRITE_ONCE(b->full_at, now + ahead(b, now, each, burst) + each);
}

bool sdt_icmp_bucket_take(struct sdt_icmp_bucket *b, u32 now)
{
	if (!has_token(b, now, SDT_ICMP_ALL_MS, SDT_ICMP_ALL_BURST))
		return false;
	take_token(b, now, SDT_ICMP_ALL_MS, SDT_ICMP_ALL_BURST);
	return true;
}

bool sdt_icmp_rate_take(struct sdt_icmp_rate *r, u32 hash, u32 now)
{
	struct sdt_icmp_bucket *slot = &r->slot[hash % SDT_ICMP_SLOTS];

	if (!has_token(slot, now, SDT_ICMP_SLOT_MS, SDT_ICMP_SLOT_BURST) ||
	    !sdt_icmp_bucket_take(&r->all, now))
		return false;
	take_token(slot, now, SDT_ICMP_SLOT_MS, SDT_ICMP_SLOT_BURST);
	return true;
}
