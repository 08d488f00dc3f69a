// SPDX-License-Identifier: GPL-2.0
/* What sdtctl capture has to say: rules and routes as text. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "capture.h"

static const struct {
	int af;
	const char *nft, *nfproto;
} families[CAPTURE_FAMILIES] = {
	{ AF_INET, "ip", "ipv4" },
	{ AF_INET6, "ip6", "ipv6" },
};

/* ---- names ---------------------------------------------------------------- */

/* FNV-1a, folded to 16 bits: the same on every machine, for ever. */
static uint32_t hash16(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return (h >> 16 ^ h) & 0xffff;
}

/* Two tunnels never share a table: what nft does not take in a name is /XX, and so is a slash. */
static void table_name(char *out, size_t size, const char *tunnel)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t n = snprintf(out, size, "sdt_");

	for (; *tunnel && n < size; tunnel++)
		n += strchr(plain, *tunnel) ? snprintf(out + n, size - n, "%c", *tunnel) :
					      snprintf(out + n, size - n, "/%02x",
						       (unsigned char)*tunnel);
}

void capture_names(struct capture *c)
{
	table_name(c->nft_table, sizeof(c->nft_table), c->tunnel);
	c->way.mark = CAPTURE_BASE | hash16(c->tunnel);
	c->way.table = c->way.mark;
	c->way.priority = CAPTURE_PRIORITY;
}

/* ---- rules ----------------------------------------------------------------- */

static bool any_of(const struct prefix *list, unsigned int n, int af)
{
	for (; n; n--, list++)
		if (list->family == af)
			return true;
	return false;
}

/* A list that names only the other family leaves nothing of this one. */
bool capture_serves(const struct capture *c, enum capture_family f)
{
	return c->family[f] && (!c->froms || any_of(c->from, c->froms, families[f].af)) &&
	       (!c->tos || any_of(c->to, c->tos, families[f].af));
}

static void put_prefix(FILE *out, const struct prefix *p)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(p->family, p->ip, text, sizeof(text));
	fprintf(out, "%s/%u", text, p->len);
}

/* " ip daddr { A, B }", of the entries of this family without ports. */
static void put_set(FILE *out, enum capture_family f, const char *field, const struct prefix *list,
		    unsigned int n)
{
	const char *glue = "{ ";

	fprintf(out, "%s %s ", families[f].nft, field);
	for (; n; n--, list++) {
		if (list->family != families[f].af)
			continue;
		fputs(glue, out);
		put_prefix(out, list);
		glue = ", ";
	}
	fputs(" } ", out);
}

static void put_exceptions(FILE *out, const struct capture *c, enum capture_family f)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int i;

	for (i = 0; i < c->peers; i++) {
		if (c->peer[i].family != families[f].af)
			continue;
		inet_ntop(c->peer[i].family, c->peer[i].ip, text, sizeof(text));
		fprintf(out, "\t\t%s daddr %s udp dport %u return\n", families[f].nft, text,
			c->peer[i].port);
	}
	if (any_of(c->except, c->excepts, families[f].af)) {
		fputs("\t\t", out);
		put_set(out, f, "daddr", c->except, c->excepts);
		fputs("return\n", out);
	}
}

static void put_interfaces(FILE *out, const struct capture *c)
{
	unsigned int i;

	if (!c->ins)
		return;
	fputs("iifname ", out);
	for (i = 0; i < c->ins; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "{ ", c->in[i]);
	fputs(" } ", out);
}

/* The end of a rule. What the comment says is for capture_way_of(). */
static void put_mark(FILE *out, const struct capture *c)
{
	fprintf(out, "meta mark set 0x%08" PRIx32 " accept", c->way.mark);
	fprintf(out, " comment \"sdt: mark 0x%08" PRIx32 " table %" PRIu32 " priority %" PRIu32 "\"\n",
		c->way.mark, c->way.table, c->way.priority);
}

static void put_tproxy(FILE *out, const struct capture *c, enum capture_family f)
{
	static const unsigned char any[IP_MAX];
	char text[INET6_ADDRSTRLEN] = "";

	if (memcmp(c->listen, any, sizeof(any)))
		inet_ntop(families[f].af, c->listen, text, sizeof(text));
	fprintf(out, "tproxy %s to %s%s%s:%u ", families[f].nft, *text && f == CAPTURE_V6 ? "[" : "",
		text, *text && f == CAPTURE_V6 ? "]" : "", c->port);
	put_mark(out, c);
}

/* One rule; @to: the destination that it is for, or NULL. */
static void put_rule(FILE *out, const struct capture *c, enum capture_family f,
		     const struct prefix *to)
{
	fputs("\t\t", out);
	put_interfaces(out, c);
	if (c->froms)
		put_set(out, f, "saddr", c->from, c->froms);
	if (to)
		put_set(out, f, "daddr", to, 1);
	if (to && to->ports)
		fprintf(out, "udp dport %u-%u ", to->port_lo, to->port_hi);
	if (!to && !c->froms)
		fprintf(out, "meta nfproto %s ", families[f].nfproto);
	/* said again, because tproxy wants it in its own rule */
	fputs("meta l4proto udp ", out);
	put_tproxy(out, c, f);
}

static void put_rules(FILE *out, const struct capture *c, enum capture_family f)
{
	unsigned int i;

	if (!c->tos)
		put_rule(out, c, f, NULL);
	for (i = 0; i < c->tos; i++)
		if (c->to[i].family == families[f].af)
			put_rule(out, c, f, &c->to[i]);
}

static void put_customers_datagrams(FILE *out, const struct capture *c)
{
	int f;

	fputs("\t\tmeta l4proto != udp return\n"
	      "\t\tfib daddr type { local, broadcast, anycast, multicast } return\n"
	      "\t\tip daddr 169.254.0.0/16 return\n"
	      "\t\tip6 daddr fe80::/10 return\n", out);
	for (f = 0; f < CAPTURE_FAMILIES; f++)
		if (capture_serves(c, f))
			put_exceptions(out, c, f);
	for (f = 0; f < CAPTURE_FAMILIES; f++)
		if (capture_serves(c, f))
			put_rules(out, c, f);
}

/* Whomever they are addressed to: a socket of this host has that address. So have ICMP errors about what it sent. */
static void put_answers(FILE *out, const struct capture *c)
{
	fputs("\t\t", out);
	put_interfaces(out, c);
	fputs("meta l4proto { udp, icmp, ipv6-icmp } socket transparent 1 ", out);
	put_mark(out, c);
}

void capture_nft(const struct capture *c, FILE *out)
{
	/* Added first, so that there is one to delete. */
	fprintf(out, "add table inet %s\ndelete table inet %s\n", c->nft_table, c->nft_table);
	fprintf(out, "table inet %s {\n\tchain prerouting {\n", c->nft_table);
	fputs("\t\ttype filter hook prerouting priority mangle; policy accept;\n", out);
	if (c->answers)
		put_answers(out, c);
	else
		put_customers_datagrams(out, c);
	fputs("\t}\n}\n", out);
}

bool capture_way_of(const char *listing, struct capture_way *way)
{
	const char *p = strstr(listing, "comment \"sdt: ");

	return p && sscanf(p, "comment \"sdt: mark %" SCNx32 " table %" SCNu32 " priority %" SCNu32 "\"",
			   &way->mark, &way->table, &way->priority) == 3;
}
