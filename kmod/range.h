/* SPDX-License-Identifier: GPL-2.0 */
/* Ranges of addresses and of ports, and how much a pool of both can serve: pure. */
#ifndef _SDT_RANGE_H
#define _SDT_RANGE_H

#include <linux/types.h>

/*
 * Addresses are 16 bytes, IPv4 as v4-mapped. Those of a range differ in their last 32
 * bits only, which is all of an IPv4 address.
 */

/**
 * sdt_range_count() - addresses in [@first, @last]
 * Return: 0 if that is no range: @last is smaller, or differs too early; at most U32_MAX.
 */
u32 sdt_range_count(const u8 first[16], const u8 last[16]);

/** sdt_range_at() - the address @i places behind @first, which the range has */
void sdt_range_at(const u8 first[16], u32 i, u8 ip[16]);

/**
 * sdt_range_find() - is @ip one of the @n addresses from @first on?
 * Return: if so, @i is its place: sdt_range_at() of it is @ip.
 */
bool sdt_range_find(const u8 first[16], u32 n, const u8 ip[16], u32 *i);

/**
 * sdt_range_ports() - how many sockets a pool can have
 * @addresses: how many
 * @lo: first port
 * @hi: last port; less than @lo: there are none
 * Return: ports times addresses, at most U32_MAX.
 */
u32 sdt_range_ports(u32 addresses, u16 lo, u16 hi);

#endif /* _SDT_RANGE_H */
