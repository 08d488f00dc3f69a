// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "key.h"
#include "prefix.h"
#include "sdtctl.h"
#include "words.h"

#define HOST_MAX	256

static const struct word *find_word(const struct word *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

int words_parse(struct given *given, const char *verb, const struct word *table,
		int argc, char **argv)
{
	const struct word *word;
	int i;

	memset(given, 0, sizeof(*given));
	given->verb = verb;
	for (i = 0; i < argc; i += 2) {
		word = find_word(table, argv[i]);
		if (!word)
			return complain("%s: unknown word '%s': see sdtctl help %s", verb,
					safe(argv[i]), verb);
		if (i + 1 == argc)
			return complain("%s: the value of '%s' is missing", verb, word->name);
		if (word->kind != WORD_PREFIX && words_value(given, word->name))
			return complain("%s: '%s' is given twice", verb, word->name);
		if (given->count == WORDS_GIVEN_MAX)
			return complain("%s: too many words", verb);
		given->items[given->count].word = word;
		given->items[given->count].value = argv[i + 1];
		given->count++;
	}
	return EXIT_DONE;
}

const char *words_value(const struct given *given, const char *name)
{
	unsigned int i;

	for (i = 0; i < given->count; i++)
		if (!strcmp(given->items[i].word->name, name))
			return given->items[i].value;
	return NULL;
}

bool words_any(const struct given *given, unsigned int nest)
{
	unsigned int i;

	for (i = 0; i < given->count; i++)
		if (given->items[i].word->nest == nest)
			return true;
	return false;
}

/* ---- values -------------------------------------------------------------- */

static int bad(const struct word *word, const char *value, const char *wanted)
{
	return complain("%s '%s': %s", word->name, safe(value), wanted);
}

static int parse_number(const struct word *word, const char *value, const char *suffix,
			unsigned long *out)
{
	char *end = NULL;

	errno = 0;
	if (value[0] >= '0' && value[0] <= '9')
		*out = strtoul(value, &end, 0);
	if (!end || errno || (*end && strcmp(end, suffix)) || *out < word->min || *out > word->max)
		return complain("%s '%s': a number from %lu to %lu is wanted", word->name,
				safe(value), word->min, word->max);
	return EXIT_DONE;
}

static void put_number(struct nl_request *req, unsigned int attr, unsigned int size,
		       unsigned long n)
{
	if (size == 1)
		mnl_attr_put_u8(&req->nlh, attr, n);
	else if (size == 2)
		mnl_attr_put_u16(&req->nlh, attr, n);
	else
		mnl_attr_put_u32(&req->nlh, attr, n);
}

static int put_given_number(struct nl_request *req, const struct word *word, const char *value)
{
	unsigned long n;
	int err = parse_number(word, value, word->kind == WORD_RATE ? "/s" : "", &n);

	if (!err)
		put_number(req, word->attr, word->size, n);
	return err;
}

static int put_enum(struct nl_request *req, const struct word *word, const char *value)
{
	const struct name *n;
	char list[160] = "";
	size_t len = 0;

	for (n = word->names; n->name; n++) {
		if (!strcmp(n->name, value)) {
			put_number(req, word->attr, 1, n->value);
			return EXIT_DONE;
		}
		len += snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "", n->name);
	}
	return complain("%s '%s': one of %s is wanted", word->name, safe(value), list);
}

static int put_switch(struct nl_request *req, const struct word *word, const char *value)
{
	if (strcmp(value, "on") && strcmp(value, "off"))
		return bad(word, value, "on or off is wanted");
	put_number(req, word->attr, 1, !strcmp(value, "on"));
	return EXIT_DONE;
}

static int put_dscp(struct nl_request *req, const struct word *word, const char *value)
{
	unsigned long n = SDT_DSCP_COPY;
	int err = strcmp(value, "copy") ? parse_number(word, value, "", &n) : EXIT_DONE;

	if (!err)
		put_number(req, word->attr, 1, n);
	return err;
}

static int put_device(struct nl_request *req, const struct word *word, const char *value)
{
	unsigned int index = strcmp(value, "none") ? if_nametoindex(value) : 0;

	if (!index && strcmp(value, "none"))
		return bad(word, value, "there is no such interface");
	put_number(req, word->attr, 4, index);
	return EXIT_DONE;
}

static int put_key(struct nl_request *req, const struct word *word, const char *value)
{
	unsigned char key[SDT_KEY_SIZE] = { 0 };
	int err;

	mlock(key, sizeof(key));
	err = key_read(word->name, value, word->kind == WORD_SECRET_KEY, key);
	if (!err)
		mnl_attr_put(&req->nlh, word->attr, sizeof(key), key);
	explicit_bzero(key, sizeof(key));
	return err;
}

static const char *check_name(const char *name)
{
	const char *c;

	if (strlen(name) >= SDT_NAME_LEN)
		return "a name has 31 characters at most";
	for (c = name; *c > ' ' && *c <= '~' && *c != '/'; c++)
		;
	if (*c || !*name || *name == '-')
		return "a name has printable ASCII characters, no / or space, and no - in front";
	return NULL;
}

static int put_name(struct nl_request *req, const struct word *word, const char *value)
{
	const char *wrong = check_name(value);

	if (wrong)
		return bad(word, value, wrong);
	mnl_attr_put_strz(&req->nlh, word->attr, value);
	return EXIT_DONE;
}

/* ---- addresses ----------------------------------------------------------- */

static void put_sockaddr(struct nl_request *req, const struct sockaddr *sa)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	if (sa->sa_family == AF_INET) {
		mnl_attr_put(&req->nlh, SDT_A_ENDPOINT_IPV4, sizeof(v4->sin_addr), &v4->sin_addr);
		return;
	}
	mnl_attr_put(&req->nlh, SDT_A_ENDPOINT_IPV6, sizeof(v6->sin6_addr), &v6->sin6_addr);
	if (v6->sin6_scope_id)
		mnl_attr_put_u32(&req->nlh, SDT_A_ENDPOINT_SCOPE, v6->sin6_scope_id);
}

static int put_host(struct nl_request *req, const struct word *word, const char *value,
		    const char *host)
{
	struct addrinfo hints = {
		.ai_family = opt.family,
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = word->kind == WORD_HOST ? AI_ADDRCONFIG : AI_NUMERICHOST,
	};
	struct addrinfo *list;
	int err = getaddrinfo(host, NULL, &hints, &list);

	/* AI_ADDRCONFIG is for names: an address may be set up before the interfaces are. */
	if (err && word->kind == WORD_HOST) {
		hints.ai_flags = AI_NUMERICHOST;
		if (!getaddrinfo(host, NULL, &hints, &list))
			err = 0;
	}
	if (err && word->kind != WORD_HOST)
		return bad(word, value, "an IP address is wanted there");
	if (err)
		return bad(word, value, gai_strerror(err));
	put_sockaddr(req, list->ai_addr);
	freeaddrinfo(list);
	return EXIT_DONE;
}

/* An address alone is wanted. */
static bool port_less(const struct word *word)
{
	return word->kind == WORD_ADDRESS || word->kind == WORD_EGRESS;
}

/*
 * @value as host and port; host is empty for :PORT, port is NULL if there is
 * none. An IPv6 address with a port stands in brackets.
 */
static int split_host(const struct word *word, const char *value, char host[HOST_MAX],
		      const char **port)
{
	const char *begin = value, *end, *colon = strrchr(value, ':');

	if (value[0] == '[') {
		begin++;
		end = strchr(value, ']');
		if (!end || (end[1] && end[1] != ':'))
			return bad(word, value, "an IPv6 address with a port is written [ADDR]:PORT");
		*port = end[1] ? end + 2 : NULL;
	} else if (colon && strchr(value, ':') == colon) {
		end = colon;
		*port = colon + 1;
	} else if (colon && !port_less(word)) {
		return bad(word, value, "an IPv6 address with a port is written [ADDR]:PORT");
	} else {
		end = value + strlen(value);
		*port = NULL;
	}
	if (end - begin >= HOST_MAX)
		return bad(word, value, "that is too long");
	memcpy(host, begin, end - begin);
	host[end - begin] = '\0';
	return EXIT_DONE;
}

static int parse_port(const struct word *word, const char *value, const char *port, uint16_t *out)
{
	char *end = NULL;
	unsigned long n = 0;

	if (port && port[0] >= '0' && port[0] <= '9')
		n = strtoul(port, &end, 10);
	if (!end || *end || n < 1 || n > 65535)
		return bad(word, value, "a port from 1 to 65535 is wanted after the last colon");
	*out = n;
	return EXIT_DONE;
}

static int put_endpoint(struct nl_request *req, const struct word *word, const char *value)
{
	struct nlattr *nest;
	char host[HOST_MAX];
	const char *text = NULL;
	uint16_t port = 0;
	int err;

	err = split_host(word, value, host, &text);
	if (err)
		return err;
	if (port_less(word) && text)
		return bad(word, value, "an address without a port is wanted");
	if (!port_less(word))
		err = parse_port(word, value, text, &port);
	if (err)
		return err;
	if (!host[0] && word->kind != WORD_LISTEN)
		return bad(word, value, "the address is missing");
	nest = mnl_attr_nest_start(&req->nlh, word->attr);
	if (host[0] && !(port_less(word) && !strcmp(host, "none")))
		err = put_host(req, word, value, host);
	if (port)
		mnl_attr_put_u16(&req->nlh, SDT_A_ENDPOINT_PORT, htons(port));
	mnl_attr_nest_end(&req->nlh, nest);
	return err;
}

static int put_ports(struct nl_request *req, const struct word *word, const char *value)
{
	unsigned int lo, hi;
	int end = 0;

	if (sscanf(value, "%5u-%5u%n", &lo, &hi, &end) != 2 || value[end] || !lo || lo > hi ||
	    hi > 65535)
		return bad(word, value, "two ports, LO-HI, from 1 to 65535 are wanted");
	put_number(req, word->attr, 2, lo);
	put_number(req, word->attr + 1, 2, hi);
	return EXIT_DONE;
}

/* ---- ranges -------------------------------------------------------------- */

static void put_ip(struct nl_request *req, int family, const unsigned char *ip)
{
	/* SDT_A_ENDPOINT_IPV4 and _IPV6 are those of a prefix too. */
	mnl_attr_put(&req->nlh, family == AF_INET ? SDT_A_PREFIX_IPV4 : SDT_A_PREFIX_IPV6,
		     ip_size(family), ip);
}

static void put_ip_nest(struct nl_request *req, unsigned int attr, int family,
			const unsigned char *ip)
{
	struct nlattr *nest = mnl_attr_nest_start(&req->nlh, attr);

	put_ip(req, family, ip);
	mnl_attr_nest_end(&req->nlh, nest);
}

static int put_egress(struct nl_request *req, const struct word *word, const char *value)
{
	struct range r;
	int err;

	if (!range_is(value))
		return put_endpoint(req, word, value);
	err = range_parse(word->name, value, word->max, &r);
	if (err)
		return err;
	put_ip_nest(req, SDT_A_TUNNEL_EGRESS, r.family, r.first);
	put_ip_nest(req, SDT_A_TUNNEL_EGRESS_LAST, r.family, r.last);
	return EXIT_DONE;
}

static int put_prefix(struct nl_request *req, const struct word *word, const char *value)
{
	struct nlattr *nest;
	struct prefix p;
	int err = prefix_parse(word->name, value, &p);

	if (err)
		return err;
	if (p.ports && !word->min)
		return bad(word, value, "a prefix without ports is wanted");
	nest = mnl_attr_nest_start(&req->nlh, SDT_A_PREFIXES_ENTRY);
	put_ip(req, p.family, p.ip);
	put_number(req, SDT_A_PREFIX_LEN, 1, p.len);
	if (p.ports) {
		put_number(req, SDT_A_PREFIX_PORT_LO, 2, p.port_lo);
		put_number(req, SDT_A_PREFIX_PORT_HI, 2, p.port_hi);
	}
	mnl_attr_nest_end(&req->nlh, nest);
	return EXIT_DONE;
}

/* All values of the word of item @first, in one nest; a later item of that word has had its turn. */
static int put_list(struct nl_request *req, const struct given *given, unsigned int first)
{
	const struct word *word = given->items[first].word;
	unsigned int i, count = 0;
	bool none = false;
	struct nlattr *nest;
	int err = EXIT_DONE;

	for (i = 0; i < first; i++)
		if (given->items[i].word == word)
			return EXIT_DONE;
	nl_mark(req, word->name, given->items[first].value);
	nest = mnl_attr_nest_start(&req->nlh, word->attr);
	for (i = first; !err && i < given->count; i++) {
		if (given->items[i].word != word)
			continue;
		if (none || (!strcmp(given->items[i].value, "none") && count))
			return bad(word, given->items[i].value, "'none' stands alone");
		if (count++ == word->max)
			return complain("%s '%s': more than %lu prefixes", word->name,
					safe(given->items[i].value), word->max);
		none = !strcmp(given->items[i].value, "none");
		nl_mark(req, word->name, given->items[i].value);
		if (!none)
			err = put_prefix(req, word, given->items[i].value);
	}
	mnl_attr_nest_end(&req->nlh, nest);
	return err;
}

static int put_value(struct nl_request *req, const struct word *word, const char *value)
{
	switch (word->kind) {
	case WORD_NUMBER:
	case WORD_RATE:
		return put_given_number(req, word, value);
	case WORD_ENUM:
		return put_enum(req, word, value);
	case WORD_SWITCH:
		return put_switch(req, word, value);
	case WORD_DSCP:
		return put_dscp(req, word, value);
	case WORD_NAME:
		return put_name(req, word, value);
	case WORD_DEVICE:
		return put_device(req, word, value);
	case WORD_PUBLIC_KEY:
	case WORD_SECRET_KEY:
		return put_key(req, word, value);
	case WORD_LISTEN:
	case WORD_HOST:
	case WORD_PEER:
	case WORD_ADDRESS:
		return put_endpoint(req, word, value);
	case WORD_PORTS:
		return put_ports(req, word, value);
	case WORD_EGRESS:
		return put_egress(req, word, value);
	case WORD_PREFIX:
		break;
	}
	return EXIT_USAGE;
}

int words_put(const struct given *given, unsigned int nest, struct nl_request *req)
{
	unsigned int i;
	int err = EXIT_DONE;

	for (i = 0; !err && i < given->count; i++) {
		if (given->items[i].word->nest != nest)
			continue;
		if (given->items[i].word->kind == WORD_PREFIX) {
			err = put_list(req, given, i);
			continue;
		}
		nl_mark(req, given->items[i].word->name, given->items[i].value);
		err = put_value(req, given->items[i].word, given->items[i].value);
	}
	return err;
}

int words_put_name(struct nl_request *req, unsigned int attr, const char *what, const char *name)
{
	const char *wrong = check_name(name);

	if (wrong)
		return complain("%s '%s': %s", what, safe(name), wrong);
	nl_mark(req, what, name);
	mnl_attr_put_strz(&req->nlh, attr, name);
	return EXIT_DONE;
}
