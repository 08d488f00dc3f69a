/* SPDX-License-Identifier: GPL-2.0 */
/* The only file that knows UDP tunnels, bind, routes and how a packet leaves. */
#ifndef _SDT_SOCKET_H
#define _SDT_SOCKET_H

#include <net/sock.h>

#include "addr.h"

struct dst_cache;

typedef int (*sdt_encap_rcv)(struct sock *sk, struct sk_buff *skb);

/* Everything that a UDP socket of ours needs at birth. */
struct sdt_socket_cfg {
	u16 family;			/* AF_INET, AF_INET6 (v6-only always) */
	struct sdt_endpoint local;	/* family 0: wildcard; port 0: kernel's choice */
	struct sdt_endpoint peer;	/* family 0: not connected */
	u32 ifindex;			/* bound to this interface; 0: none */
	u32 mark;
	bool transparent;		/* @local need not be an address of this host */
	sdt_encap_rcv rcv;
	/*
	 * An ICMP error quotes what was sent from the socket's address and port, or so it says:
	 * data and network header are at the quoted IP header, transport header at that of UDP, the
	 * ICMP header 8 bytes before data. Context: RCU, BH off. Return: 0, or not 0 to keep
	 * a path MTU from the stack. NULL: nobody cares.
	 */
	sdt_encap_rcv err;
	bool own_pmtu;			/* the stack learns no path MTU from ICMP on its behalf */
	void *user_data;
};

/**
 * sdt_socket_open() - create, bind, (connect,) hook
 * Context: process. Return: socket or ERR_PTR.
 */
struct socket *sdt_socket_open(struct net *net, const struct sdt_socket_cfg *cfg);

/**
 * sdt_socket_connect() - a connected socket gets another peer of its family; it stays bound
 * @sock: the socket
 * @peer: the new one
 *
 * Context: process.
 * Return: 0 or -errno; the socket may be without a peer then.
 */
int sdt_socket_connect(struct socket *sock, const struct sdt_endpoint *peer);

/**
 * sdt_socket_detach() - no further packet reaches the hook once a grace
 * period has passed; callable in a batch before sdt_socket_close()
 */
void sdt_socket_detach(struct socket *sock);

/**
 * sdt_socket_close() - shut down and release; sleeps. What user_data points to
 * may be freed only after synchronize_rcu() since sdt_socket_detach().
 */
void sdt_socket_close(struct socket *sock);

/** sdt_socket_local() - the address it is bound to */
void sdt_socket_local(struct socket *sock, struct sdt_endpoint *local);

/** sdt_source_for() - the local address that the stack would use towards @dst; process context */
int sdt_source_for(struct net *net, const struct sdt_endpoint *dst, u32 ifindex, u32 mark,
		   struct in6_addr *local);

/* How one datagram leaves. */
struct sdt_flow {
	struct sock *sk;
	const struct sdt_endpoint *dst;
	const struct in6_addr *src;	/* NULL or any: the stack chooses */
	bool src_hint;			/* if @src is gone, another one will do */
	bool forged;			/* @src need not be an address of this host */
	bool foreign;			/* @dst must not be: no route to this host, no group */
	__be16 sport;
	u32 ifindex;			/* 0: any */
	u32 mark;
	u8 tos;
	u8 ttl;				/* 0: route's default */
	bool df;
	struct dst_cache *cache;	/* NULL: a route look-up each time */
};

/**
 * sdt_xmit() - THE transmit function: plain and outer datagrams alike
 * @skb: consumed; data is the UDP payload, linear head writable not required
 * Context: RCU read side, BH off.
 * Return: 0; -EHOSTUNREACH, -ENETUNREACH: no route; -EPERM: @flow->foreign, but @flow->dst
 * is an address of this host or a group's; -EMSGSIZE: @flow->df and it does not
 * fit; -ENOMEM. On error skb is freed by this function; the caller counts.
 */
int sdt_xmit(struct net *net, const struct sdt_flow *flow, struct sk_buff *skb);

/**
 * sdt_route_mtu() - largest UDP payload that fits the route of @flow now
 *
 * IPv4: what the first hop and the route's own setting take; what ICMP told the stack of
 * the path does not count (anybody can forge it, down to 552 bytes). IPv6: ICMP counts,
 * the stack sends nothing against it; it cannot say less than 1280.
 * Context: RCU read side, BH off. Return: bytes or -errno.
 */
int sdt_route_mtu(struct net *net, const struct sdt_flow *flow);

/**
 * sdt_xmit_icmp() - an ICMP error leaves
 * @net: the namespace
 * @flow: dst is who gets it; src, if any, who sends it. Neither socket nor cache.
 * @forge: src need not be this host's address; else one that is not is replaced by
 *         what the stack chooses
 * @skb: consumed; linear, data is the ICMP message; of ICMPv6 without its checksum
 *
 * Context: RCU read side, BH off.
 * Return: 0 or -errno as sdt_xmit().
 */
int sdt_xmit_icmp(struct net *net, const struct sdt_flow *flow, bool forge, struct sk_buff *skb);

/* What a received UDP packet says about itself. */
struct sdt_packet {
	struct sdt_endpoint from;
	struct sdt_endpoint to;		/* local address and port it was sent to */
	u8 tos;
	bool whole;			/* not to be fragmented: DF, or IPv6 that was not by its sender */
	u32 ifindex;			/* it came in on */
	u32 vrf;			/* L3 master of that, or 0 */
};

/**
 * sdt_packet_parse() - take addresses, then strip the packet for a new life
 * @skb: as encap_rcv got it. On success data is the UDP payload (header
 * pulled, trimmed to the UDP length), dst dropped, dev NULL, next cleared.
 * Return: 0; -EINVAL: not readable; -EADDRNOTAVAIL: broadcast or multicast
 * destination. @skb is not freed.
 */
int sdt_packet_parse(struct sk_buff *skb, struct sdt_packet *p);

#endif /* _SDT_SOCKET_H */
