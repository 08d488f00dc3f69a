// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefix.h"
#include "sdtctl.h"

#define TEXT_MAX	64

unsigned int ip_size(int family)
{
	return family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
}

static int bad(const char *what, const char *value, const char *wanted)
{
	return complain("%s '%s': %s", what, safe(value), wanted);
}

/* Return: the family, or 0 */
static int parse_ip(const char *text, unsigned char ip[IP_MAX])
{
	if (inet_pton(AF_INET, text, ip) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, ip) == 1 ? AF_INET6 : 0;
}

/* Digits and nothing else, up to @max. */
static bool parse_decimal(const char *text, unsigned long max, unsigned int *out)
{
	char *end = NULL;
	unsigned long n = 0;

	if (text[0] >= '0' && text[0] <= '9')
		n = strtoul(text, &end, 10);
	if (!end || *end || end - text > 5 || n > max)
		return false;
	*out = n;
	return true;
}

static bool bit(const unsigned char *ip, unsigned int i)
{
	return ip[i / 8] & (0x80 >> i % 8);
}

static void set_bits(unsigned char *ip, unsigned int from, unsigned int to)
{
	for (; from < to; from++)
		ip[from / 8] |= 0x80 >> from % 8;
}

/* "ADDR" or "ADDR/LEN"; @text is cut. */
static int parse_net(const char *what, const char *value, char *text, struct prefix *p)
{
	char *slash = strchr(text, '/');
	unsigned int bits, i;

	if (slash)
		*slash = '\0';
	p->family = parse_ip(text, p->ip);
	if (!p->family)
		return bad(what, value, "an IP address, or one with /LEN, is wanted");
	bits = 8 * ip_size(p->family);
	p->len = bits;
	if (slash && !parse_decimal(slash + 1, bits, &p->len))
		return complain("%s '%s': a length from 0 to %u is wanted after the slash", what,
				safe(value), bits);
	for (i = p->len; i < bits; i++)
		if (bit(p->ip, i))
			return complain("%s '%s': the address has bits beyond the first %u", what,
					safe(value), p->len);
	return EXIT_DONE;
}

static int parse_ports(const char *what, const char *value, char *text, struct prefix *p)
{
	char *dash = strchr(text, '-');
	unsigned int lo, hi;

	if (dash)
		*dash = '\0';
	if (!parse_decimal(text, 65535, &lo) || !parse_decimal(dash ? dash + 1 : text, 65535, &hi) ||
	    !lo || lo > hi)
		return bad(what, value, "a port, or LO-HI, from 1 to 65535 is wanted after the last colon");
	p->port_lo = lo;
	p->port_hi = hi;
	p->ports = true;
	return EXIT_DONE;
}

/* Where @text, which is cut, has its prefix and its ports; @ports: NULL, there are none. */
static int split(const char *what, const char *value, char *text, char **net, char **ports)
{
	char *colon = strchr(text, ':'), *end;

	*net = text;
	*ports = NULL;
	if (text[0] == '[') {
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return bad(what, value, "an IPv6 prefix with ports is written [PREFIX]:PORTS");
		*end = '\0';
		*net = text + 1;
		if (end[1])
			*ports = end + 2;
	} else if (colon && !strchr(colon + 1, ':')) {
		*colon = '\0';
		*ports = colon + 1;
	} else if (colon && strchr(text, '/') && strchr(strchr(text, '/'), ':')) {
		return bad(what, value, "an IPv6 prefix with ports is written [PREFIX]:PORTS");
	}
	return EXIT_DONE;
}

int prefix_parse(const char *what, const char *value, struct prefix *p)
{
	char text[TEXT_MAX], *net, *ports;
	int err;

	memset(p, 0, sizeof(*p));
	if (strlen(value) >= sizeof(text))
		return bad(what, value, "that is too long");
	strcpy(text, value);
	err = split(what, value, text, &net, &ports) ?: parse_net(what, value, net, p);
	return err || !ports ? err : parse_ports(what, value, ports, p);
}

bool prefix_covers(const struct prefix *p, int family, const void *ip, uint16_t port)
{
	unsigned int i;

	if (family != p->family || (p->ports && (port < p->port_lo || port > p->port_hi)))
		return false;
	for (i = 0; i < p->len; i++)
		if (bit(p->ip, i) != bit(ip, i))
			return false;
	return true;
}

/* The dash between two addresses; that of an interface's name is another. */
static const char *dash_of(const char *value)
{
	const char *dash = strchr(value, '-');

	return dash && !memchr(value, '%', dash - value) ? dash : NULL;
}

bool range_is(const char *value)
{
	return dash_of(value) || strchr(value, '/');
}

/* Are there more than @limit? @r is in order. */
static bool exceeds(const struct range *r, unsigned int limit)
{
	unsigned int size = ip_size(r->family), i;
	unsigned long long n = 0;

	for (i = 0; i < size; i++) {
		n = n * 256 + r->last[i] - r->first[i];
		if (n >= 65536)
			return true;
	}
	return n >= limit;
}

int range_parse(const char *what, const char *value, unsigned int limit, struct range *r)
{
	const char *dash = dash_of(value);
	char text[2 * TEXT_MAX];
	struct prefix p;
	int family, err;

	memset(r, 0, sizeof(*r));
	if (strlen(value) >= sizeof(text))
		return bad(what, value, "that is too long");
	strcpy(text, value);
	if (dash) {
		text[dash - value] = '\0';
		r->family = parse_ip(text, r->first);
		family = parse_ip(dash + 1, r->last);
		if (!r->family || !family)
			return bad(what, value, "two IP addresses, ADDR-ADDR, are wanted");
		if (family != r->family || memcmp(r->first, r->last, ip_size(family)) > 0)
			return bad(what, value, "the second address is to follow the first");
	} else {
		err = parse_net(what, value, text, &p);
		if (err)
			return err;
		r->family = p.family;
		memcpy(r->first, p.ip, sizeof(r->first));
		memcpy(r->last, p.ip, sizeof(r->last));
		set_bits(r->last, p.len, 8 * ip_size(p.family));
	}
	if (exceeds(r, limit))
		return complain("%s '%s': more than %u addresses", what, safe(value), limit);
	return EXIT_DONE;
}
