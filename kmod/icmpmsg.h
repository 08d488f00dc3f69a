/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ICMP errors as bytes: what they mean, how they are made, how many are too many. Pure.
 * Addresses are 16 bytes, IPv4 v4-mapped.
 */
#ifndef _SDT_ICMPMSG_H
#define _SDT_ICMPMSG_H

#include <linux/types.h>

#include <sdt/wire.h>

/**
 * sdt_icmp4_class() - what an ICMPv4 error means in an UNREACHABLE frame
 * @type: of the ICMP message
 * @code: its code
 * Return: enum sdt_unreach_class, or 0: nothing that a sender of datagrams should know.
 */
u8 sdt_icmp4_class(u8 type, u8 code);

/** sdt_icmp6_class() - the same for ICMPv6 */
u8 sdt_icmp6_class(u8 type, u8 code);

/**
 * sdt_icmp_payload() - what fits, from the MTU that a "too big" of ICMP tells
 * @v6: family of the packet that it quotes
 * @mtu: as told
 * Return: bytes of UDP payload without IP options, 0: it does not say.
 */
unsigned int sdt_icmp_payload(bool v6, u32 mtu);

/* The datagram that an error is about, as its sender sent it. */
struct sdt_icmp_quote {
	u8 src[16], dst[16];
	u16 sport, dport;
	u16 len;		/* of its payload; data_len if not known */
	u16 data_len;		/* of the payload that is quoted */
	u8 tos;
};

#define SDT_ICMP_HDR_LEN	8
#define SDT_ICMP4_QUOTE_LEN	(SDT_ICMP_HDR_LEN + 20 + 8)
#define SDT_ICMP6_QUOTE_LEN	(SDT_ICMP_HDR_LEN + 40 + 8)
/* Payload that fits a packet of 576 bytes (RFC 1812, 4.3.2.3), of 1280 (RFC 4443, 3.1) */
#define SDT_ICMP4_DATA_MAX	(576 - 20 - SDT_ICMP4_QUOTE_LEN)
#define SDT_ICMP6_DATA_MAX	(1280 - 40 - SDT_ICMP6_QUOTE_LEN)
#define SDT_ICMP_MAX		(SDT_ICMP6_QUOTE_LEN + SDT_ICMP6_DATA_MAX)

/**
 * sdt_icmp_write() - an ICMP error
 * @buf: the message; the quoted payload is there already, behind SDT_ICMP[46]_QUOTE_LEN bytes
 * @v6: family
 * @class: enum sdt_unreach_class
 * @payload: bytes of UDP payload that would do; for SDT_UNREACH_TOO_BIG only. Less than
 *           every host has to take is never told.
 * @q: the datagram
 * Return: its length. An ICMPv6 message has no checksum yet, see sdt_icmp6_checksum().
 */
unsigned int sdt_icmp_write(u8 *buf, bool v6, u8 class, unsigned int payload,
			    const struct sdt_icmp_quote *q);

/** sdt_icmp6_checksum() - of a message of @len bytes from @src to @dst, whose field is zero */
void sdt_icmp6_checksum(u8 *buf, unsigned int len, const u8 src[16], const u8 dst[16]);

/*
 * How many errors: so many a second, and a few at once. Written without a lock: when two
 * CPUs meet, one may get through that should not.
 */
struct sdt_icmp_bucket {
	u32 full_at;		/* ms: when all that was taken is there again */
};

#define SDT_ICMP_SLOTS	64

/*
 * One of these for a tunnel: none of its customers gets many, all together not very many.
 * Customers share a slot by their hash.
 */
struct sdt_icmp_rate {
	struct sdt_icmp_bucket all;
	struct sdt_icmp_bucket slot[SDT_ICMP_SLOTS];
};

#define SDT_ICMP_ALL_MS		10	/* 100 a second, */
#define SDT_ICMP_ALL_BURST	50	/*  50 at once; */
#define SDT_ICMP_SLOT_MS	100	/* 10 a second, */
#define SDT_ICMP_SLOT_BURST	10	/*  10 at once */

/** sdt_icmp_bucket_take() - one of a bucket like sdt_icmp_rate.all; false: it is empty */
bool sdt_icmp_bucket_take(struct sdt_icmp_bucket *b, u32 now);

/**
 * sdt_icmp_rate_take() - may one more error be sent?
 * @r: whose
 * @hash: of who is to get it
 * @now: ms, free running
 */
bool sdt_icmp_rate_take(struct sdt_icmp_rate *r, u32 hash, u32 now);

#endif /* _SDT_ICMPMSG_H */
