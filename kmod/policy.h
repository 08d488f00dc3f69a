/* SPDX-License-Identifier: GPL-2.0 */
/* What a peer may make this node do, whatever is allowed. */
#ifndef _SDT_POLICY_H
#define _SDT_POLICY_H

#include <linux/in6.h>
#include <net/net_namespace.h>

/**
 * sdt_policy_refuses() - is an address that a peer named none that it may name?
 * @net: the node's namespace
 * @ip: IPv4 addresses v4-mapped: what a frame brings as IPv6 within ::ffff:0:0/96 is judged
 *	as IPv4
 * @port: of the datagram
 *
 * Refused are this host's own addresses, whatever device or VRF has them in IPv4, and
 * those outside of VRFs in IPv6; addresses that are no single host's (unspecified,
 * multicast, broadcast, that of a connected subnet too); loopback and link-local ones; port 0.
 * A route says more: who transmits to such an address must set sdt_flow.foreign too.
 *
 * Context: RCU read side.
 */
bool sdt_policy_refuses(struct net *net, const struct in6_addr *ip, __be16 port);

#endif /* _SDT_POLICY_H */
