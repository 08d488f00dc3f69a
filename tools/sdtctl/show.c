// SPDX-License-Identifier: GPL-2.0
/* show: what there is. Links and tunnels are read whole; channels pass by one at a time. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "nl.h"
#include "prefix.h"
#include "sdtctl.h"
#include "stats.h"
#include "words.h"

#define TRIES_MAX	10

/* What show can show. */
struct section {
	const char *word;		/* of the command and the JSON */
	const char *one;		/* in text */
	unsigned int cmd;
	unsigned int nest;
	unsigned int name_attr;		/* of one object's name, in the request's nest */
	unsigned int stats;		/* SDT_A_STATS_*, 0: none */
	json_t *(*to_json)(const struct nlattr *nest);
};

static const struct section sections[] = {
	{ "node", "node", SDT_CMD_NODE_GET, SDT_A_NODE, 0, 0, json_node },
	{ "links", "link", SDT_CMD_LINK_GET, SDT_A_LINK, SDT_A_LINK_NAME, SDT_A_STATS_LINK,
	  json_link },
	{ "tunnels", "tunnel", SDT_CMD_TUNNEL_GET, SDT_A_TUNNEL, SDT_A_TUNNEL_NAME,
	  SDT_A_STATS_TUNNEL, json_tunnel },
	{ "channels", "channel", SDT_CMD_CHANNEL_GET, SDT_A_CHANNEL, SDT_A_CHANNEL_TUNNEL, 0,
	  json_channel },
};

#define CHANNELS	(&sections[3])

/* ---- text ---------------------------------------------------------------- */

static void print_pairs(const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		printf(" %s ", key);
		json_print_word(value);
	}
}

/* Of a list: what there are several of has a line for each. */
static void print_element(const char *key, const json_t *element)
{
	printf("  %s", key);
	if (json_is_object(element)) {
		print_pairs(element);
	} else {
		putchar(' ');
		json_print_word(element);
	}
	putchar('\n');
}

static void print_object(const char *what, const json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	const char *key;
	json_t *value, *element;
	size_t i;

	printf("%s%s%s\n", what, name ? " " : "", name ?: "");
	json_object_foreach((json_t *)object, key, value) {
		if (name && !strcmp(key, "name"))
			continue;
		if (json_is_array(value)) {
			json_array_foreach(value, i, element)
				print_element(key, element);
			continue;
		}
		printf("  %s", key);
		if (json_is_object(value)) {
			print_pairs(value);
		} else {
			putchar(' ');
			json_print_word(value);
		}
		putchar('\n');
	}
}

/* ---- node, links, tunnels ------------------------------------------------ */

struct collect {
	const struct section *section;
	json_t *list;
};

static int collect(const struct nlattr *const *attrs, void *arg)
{
	struct collect *c = arg;

	if (attrs[c->section->nest])
		json_array_append_new(c->list, c->section->to_json(attrs[c->section->nest]));
	return EXIT_DONE;
}

static int request(struct nl_request *req, const struct section *s, const char *name)
{
	struct nlattr *nest;
	int err;

	nl_request_init(req, s->cmd, "show");
	if (!name)
		return EXIT_DONE;
	nest = mnl_attr_nest_start(&req->nlh, s->nest);
	err = words_put_name(req, s->name_attr, "show", name);
	mnl_attr_nest_end(&req->nlh, nest);
	return err;
}

/* All of a section; again if something came or went meanwhile. */
static int read_section(const struct section *s, const char *name, json_t **list)
{
	struct collect c = { .section = s };
	struct nl_request req;
	bool interrupted;
	int tries = 0;
	int err;

	do {
		c.list = json_array();
		interrupted = false;
		err = request(&req, s, name);
		if (!err && (name || !s->name_attr))
			err = nl_talk(&req, collect, &c);
		else if (!err)
			err = nl_dump(&req, collect, &c, &interrupted);
		if (err || (interrupted && ++tries < TRIES_MAX))
			json_decref(c.list);
	} while (!err && interrupted && tries < TRIES_MAX);
	if (!err && interrupted)
		note("the list of %s changed while it was read", s->word);
	*list = err ? NULL : c.list;
	return err;
}

static int add_statistics(const struct section *s, json_t *list)
{
	json_t *object, *values;
	const char *name;
	size_t i;
	int err;

	json_array_foreach(list, i, object) {
		name = json_string_value(json_object_get(object, "name"));
		if (!name)
			continue;
		err = stats_of(s->stats, name, &values);
		if (err)
			return err;
		json_object_set_new(object, "counters", values);
	}
	return EXIT_DONE;
}

static void print_section(const struct section *s, json_t *list)
{
	json_t *object;
	size_t i;

	json_array_foreach(list, i, object)
		print_object(s->one, object);
}

/* One section: printed as text, or as JSON in @out, a list but for the node. */
static int show_section(const struct section *s, const char *name, json_t **out)
{
	json_t *list;
	int err = read_section(s, name, &list);

	*out = NULL;
	if (err)
		return err;
	if (opt.statistics && s->stats)
		err = add_statistics(s, list);
	if (!err && !opt.json)
		print_section(s, list);
	else if (!err)
		*out = json_incref(s->name_attr ? list : json_array_get(list, 0));
	json_decref(list);
	return err;
}

/* ---- channels ------------------------------------------------------------ */

/* Which channels are wanted, and how many were shown. */
struct channel_filter {
	const char *tunnel;		/* NULL: any */
	const char *state;		/* NULL: any */
	bool by_customer;
	struct prefix customer;
	unsigned long count;
};

static const char *const channel_states[] = { "unreplied", "oneshot", "established", NULL };

static bool customer_matches(const struct prefix *wanted, const struct nlattr *channel)
{
	const struct nlattr *tb[SDT_A_CHANNEL_MAX + 1], *ep[SDT_A_ENDPOINT_MAX + 1], *ip;
	int family;

	nl_parse_nest(channel, tb, SDT_A_CHANNEL_MAX);
	if (!tb[SDT_A_CHANNEL_CUSTOMER])
		return false;
	nl_parse_nest(tb[SDT_A_CHANNEL_CUSTOMER], ep, SDT_A_ENDPOINT_MAX);
	family = ep[SDT_A_ENDPOINT_IPV4] ? AF_INET : AF_INET6;
	ip = ep[SDT_A_ENDPOINT_IPV4] ?: ep[SDT_A_ENDPOINT_IPV6];
	if (!ip || !ep[SDT_A_ENDPOINT_PORT] || mnl_attr_get_payload_len(ip) != ip_size(family))
		return false;
	return prefix_covers(wanted, family, mnl_attr_get_payload(ip),
			     ntohs(nl_number(ep[SDT_A_ENDPOINT_PORT])));
}

static bool channel_wanted(const struct channel_filter *f, const struct nlattr *nest,
			   const json_t *channel)
{
	const char *state = json_string_value(json_object_get(channel, "state"));

	if (f->state && (!state || strcmp(state, f->state)))
		return false;
	return !f->by_customer || customer_matches(&f->customer, nest);
}

static int print_channel(const struct nlattr *const *attrs, void *arg)
{
	struct channel_filter *f = arg;
	json_t *channel;

	if (!attrs[SDT_A_CHANNEL])
		return EXIT_DONE;
	channel = json_channel(attrs[SDT_A_CHANNEL]);
	if (!channel_wanted(f, attrs[SDT_A_CHANNEL], channel)) {
		json_decref(channel);
		return EXIT_DONE;
	}
	if (opt.json) {
		fputs(f->count ? ",\n" : "\n", stdout);
		json_dumpf(channel, stdout, JSON_COMPACT);
	} else {
		fputs("channel", stdout);
		print_pairs(channel);
		putchar('\n');
	}
	json_decref(channel);
	f->count++;
	return ferror(stdout) ? complain("standard output: %s", strerror(errno)) : EXIT_DONE;
}

static int parse_state(const char *value, const char **state)
{
	unsigned int i;

	for (i = 0; channel_states[i]; i++)
		if (!strcmp(channel_states[i], value)) {
			*state = channel_states[i];
			return EXIT_DONE;
		}
	return complain("state '%s': one of unreplied, oneshot, established is wanted",
			safe(value));
}

/* [TUNNEL] [customer PREFIX[:PORTS]] [state STATE]; a tunnel of such a name needs 'tunnel' in front */
static int parse_channel_filter(int argc, char **argv, struct channel_filter *f)
{
	int err = EXIT_DONE;
	int i = 0;

	memset(f, 0, sizeof(*f));
	if (argc % 2)
		f->tunnel = argv[i++];
	for (; !err && i < argc; i += 2) {
		if (!strcmp(argv[i], "tunnel") && !f->tunnel) {
			f->tunnel = argv[i + 1];
		} else if (!strcmp(argv[i], "customer") && !f->by_customer) {
			f->by_customer = true;
			err = prefix_parse("customer", argv[i + 1], &f->customer);
		} else if (!strcmp(argv[i], "state") && !f->state) {
			err = parse_state(argv[i + 1], &f->state);
		} else {
			return complain("show: unknown word '%s', or it is given twice: see sdtctl help show",
					safe(argv[i]));
		}
	}
	return err;
}

static int show_channels(struct channel_filter *f)
{
	bool interrupted = false;
	struct nl_request req;
	int err;

	err = request(&req, CHANNELS, f->tunnel);
	if (err)
		return err;
	if (opt.json)
		putchar('[');
	err = nl_dump(&req, print_channel, f, &interrupted);
	if (opt.json)
		puts("]");
	if (!err && interrupted)
		note("tunnels changed while their channels were read");
	return err;
}

/* -------------------------------------------------------------------------- */

static int show_one(const struct section *s, const char *name)
{
	json_t *value;
	int err = show_section(s, name, &value);

	if (!err && opt.json)
		json_print(value);
	json_decref(value);
	return err;
}

/* All but channels, which may be a million. */
static int show_all(void)
{
	json_t *whole = json_object(), *value;
	const struct section *s;
	int err = EXIT_DONE;

	for (s = sections; !err && s < CHANNELS; s++) {
		err = show_section(s, NULL, &value);
		if (value)
			json_object_set_new(whole, s->word, value);
	}
	if (!err && opt.json)
		json_print(whole);
	json_decref(whole);
	return err;
}

static const struct section *find_section(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		if (!strcmp(sections[i].word, word) || !strcmp(sections[i].one, word))
			return &sections[i];
	return NULL;
}

static int run_show(int argc, char **argv)
{
	const struct section *s = NULL;
	struct channel_filter filter;
	int err;

	if (argc) {
		s = find_section(argv[0]);
		if (!s)
			return complain("show: unknown word '%s': see sdtctl help show",
					safe(argv[0]));
	}
	if (s == CHANNELS) {
		err = parse_channel_filter(argc - 1, argv + 1, &filter);
		if (err)
			return err;
	} else if (argc > 2 || (argc == 2 && !s->name_attr)) {
		return complain("show: '%s' is too much", safe(argv[argc - 1]));
	}
	err = nl_open(false);
	if (err)
		return err;
	if (!s)
		return show_all();
	return s == CHANNELS ? show_channels(&filter) : show_one(s, argv[1]);
}

VERB(show,
	.name = "show",
	.usage = "[node | links [LINK] | tunnels [TUNNEL]]\n"
		 "        | channels [TUNNEL] [customer PREFIX[:PORTS]]\n"
		 "        [state unreplied|oneshot|established]",
	.help = "what there is; channels need CAP_NET_ADMIN",
	.run = run_show);
