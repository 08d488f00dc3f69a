/* SPDX-License-Identifier: GPL-2.0 */
/* Ranges of addresses and ports, as words of the command say them. */
#ifndef _SDTCTL_PREFIX_H
#define _SDTCTL_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#define IP_MAX	16

/* Addresses with the first @len bits of @ip, and ports from @port_lo to @port_hi. */
struct prefix {
	int family;
	unsigned char ip[IP_MAX];
	unsigned int len;
	uint16_t port_lo, port_hi;
	bool ports;			/* else any */
};

/* Addresses of a family, both ends included. */
struct range {
	int family;
	unsigned char first[IP_MAX], last[IP_MAX];
};

/** ip_size() - bytes of an address of this family */
unsigned int ip_size(int family);

/**
 * prefix_parse() - PREFIX, PREFIX:PORTS, and with IPv6 [PREFIX]:PORTS
 * @what: the word, for complaints
 * PREFIX is an address, or address/bits without bits beyond those; PORTS is a port or LO-HI.
 */
int prefix_parse(const char *what, const char *value, struct prefix *p);

/** prefix_covers() - is the address, with @port, one of them? */
bool prefix_covers(const struct prefix *p, int family, const void *ip, uint16_t port);

/** range_is() - has @value the shape of a range, ADDR-ADDR or ADDR/LEN? */
bool range_is(const char *value);

/** range_parse() - a range of at most @limit addresses; as prefix_parse() */
int range_parse(const char *what, const char *value, unsigned int limit, struct range *r);

#endif /* _SDTCTL_PREFIX_H */
