/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What captures the datagrams of a router tunnel's customers, and answers to customers
 * whom targets know by their own address: rules and routes as text.
 */
#ifndef _SDTCTL_CAPTURE_H
#define _SDTCTL_CAPTURE_H

#include <stdint.h>
#include <stdio.h>

#include "prefix.h"

#define CAPTURE_LIST_MAX	64
#define CAPTURE_TABLE_MAX	160	/* name of the nft table */
#define CAPTURE_PRIORITY	738	/* of the policy rule: before the system's, after local's */

/* Marks and routing tables unless others are given: this and a hash of the tunnel's name. */
#define CAPTURE_BASE		0x5d740000u

enum capture_family {
	CAPTURE_V4,
	CAPTURE_V6,
	CAPTURE_FAMILIES,
};

/* What a captured datagram is marked with, and where the mark leads. */
struct capture_way {
	uint32_t mark;
	uint32_t table;
	uint32_t priority;
};

struct capture {
	const char *tunnel;
	char nft_table[CAPTURE_TABLE_MAX];
	struct capture_way way;

	/* of the tunnel */
	bool answers;			/* what targets send to customers, and not the reverse */
	bool family[CAPTURE_FAMILIES];	/* datagrams of these are wanted */
	unsigned char listen[IP_MAX];	/* all zero: any; else of the one family */
	uint16_t port;
	struct {			/* the other node, as configured and as heard */
		int family;
		unsigned char ip[IP_MAX];
		uint16_t port;
	} peer[2];
	unsigned int peers;

	/* what of the traffic: empty lists are everything */
	const char *in[CAPTURE_LIST_MAX];
	struct prefix from[CAPTURE_LIST_MAX];
	struct prefix to[CAPTURE_LIST_MAX];
	struct prefix except[CAPTURE_LIST_MAX];
	unsigned int ins, froms, tos, excepts;
};

/** capture_names() - @c's table, and its way of default, follow from the tunnel's name */
void capture_names(struct capture *c);

/** capture_serves() - is anything of this family captured? */
bool capture_serves(const struct capture *c, enum capture_family f);

/** capture_nft() - the rules, for nft -f -: they replace what the table had, at once */
void capture_nft(const struct capture *c, FILE *out);

/** capture_way_of() - the way that installed rules, as nft lists them, say. False: they say none. */
bool capture_way_of(const char *listing, struct capture_way *way);

#endif /* _SDTCTL_CAPTURE_H */
