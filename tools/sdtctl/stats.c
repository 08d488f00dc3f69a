// SPDX-License-Identifier: GPL-2.0
/* stats: the module's counters, and what they mean. */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "nl.h"
#include "sdtctl.h"
#include "stats.h"
#include "words.h"

static const struct counter *find_counter(unsigned int id)
{
	unsigned int i;

	for (i = 0; i < counter_count; i++)
		if (counters[i].id == id)
			return &counters[i];
	return NULL;
}

static const struct counter *counter_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < counter_count; i++)
		if (!strcmp(counters[i].name, name))
			return &counters[i];
	return NULL;
}

static void add_counter(json_t *values, const struct nlattr *nest)
{
	const struct nlattr *tb[SDT_A_COUNTER_MAX + 1];
	const struct counter *c;
	char name[32];
	uint64_t value;
	uint32_t id;

	nl_parse_nest(nest, tb, SDT_A_COUNTER_MAX);
	if (!tb[SDT_A_COUNTER_ID] || !tb[SDT_A_COUNTER_VALUE])
		return;
	id = nl_number(tb[SDT_A_COUNTER_ID]);
	value = nl_number(tb[SDT_A_COUNTER_VALUE]);
	c = find_counter(id);
	snprintf(name, sizeof(name), "unknown-%u", id);
	json_object_set_new(values, c ? c->name : name, json_integer(value));
}

/* {"link": name, "counters": {name: value}}, or "tunnel", or neither: the node's */
static json_t *to_json(const struct nlattr *nest)
{
	json_t *object = json_object(), *values = json_object();
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case SDT_A_STATS_LINK:
			json_object_set_new(object, "link", json_string(nl_string(attr)));
			break;
		case SDT_A_STATS_TUNNEL:
			json_object_set_new(object, "tunnel", json_string(nl_string(attr)));
			break;
		case SDT_A_STATS_COUNTER:
			add_counter(values, attr);
			break;
		}
	}
	json_object_set_new(object, "counters", values);
	return object;
}

/* Whose counters these are, and what is called so. */
static enum scope subject(const json_t *object, const char **name)
{
	*name = json_string_value(json_object_get(object, "tunnel"));
	if (*name)
		return SCOPE_TUNNEL;
	*name = json_string_value(json_object_get(object, "link"));
	return *name ? SCOPE_LINK : SCOPE_NODE;
}

static int collect(const struct nlattr *const *attrs, void *arg)
{
	if (attrs[SDT_A_STATS])
		json_array_append_new(arg, to_json(attrs[SDT_A_STATS]));
	return EXIT_DONE;
}

/* @type 0: everything */
static int read_stats(unsigned int type, const char *name, json_t *list)
{
	bool interrupted = false;
	struct nl_request req;
	struct nlattr *nest;
	int err = EXIT_DONE;

	nl_request_init(&req, SDT_CMD_STATS_GET, "stats");
	if (type) {
		nest = mnl_attr_nest_start(&req.nlh, SDT_A_STATS);
		err = words_put_name(&req, type, "stats", name);
		mnl_attr_nest_end(&req.nlh, nest);
	}
	if (!err)
		err = nl_dump(&req, collect, list, &interrupted);
	if (!err && interrupted)
		note("links or tunnels changed while their counters were read");
	return err;
}

int stats_of(unsigned int type, const char *name, json_t **out)
{
	json_t *list = json_array();
	int err = read_stats(type, name, list);

	if (!err)
		*out = json_incref(json_object_get(json_array_get(list, 0), "counters")) ?:
		       json_object();
	json_decref(list);
	return err;
}

/* All of a kind's counters in the table's order, those at zero too. */
static void fill_up(json_t *object)
{
	json_t *values = json_object_get(object, "counters");
	json_t *full = json_object();
	enum scope scope;
	const char *name;
	unsigned int i;

	scope = subject(object, &name);
	for (i = 0; i < counter_count; i++)
		if (counters[i].scope == scope)
			json_object_set_new(full, counters[i].name, json_integer(0));
	json_object_update(full, values);
	json_object_set_new(object, "counters", full);
}

static void explain(json_t *object)
{
	json_t *texts = json_object(), *text, *value;
	const struct counter *c;
	const char *name;

	json_object_foreach(json_object_get(object, "counters"), name, value) {
		c = counter_named(name);
		if (!c)
			continue;
		text = json_object();
		json_object_set_new(text, "means", json_string(c->means));
		if (c->advice)
			json_object_set_new(text, "do", json_string(c->advice));
		json_object_set_new(texts, name, text);
	}
	json_object_set_new(object, "explain", texts);
}

static void print_text(const json_t *object)
{
	static const char *const kinds[] = { "node", "link", "tunnel" };
	const json_t *texts = json_object_get(object, "explain"), *text, *advice;
	const char *name, *whose;
	enum scope scope;
	json_t *value;

	scope = subject(object, &whose);
	printf("%s%s%s\n", kinds[scope], whose ? " " : "", whose ?: "");
	json_object_foreach(json_object_get(object, "counters"), name, value) {
		printf("  %s %lld\n", name, (long long)json_integer_value(value));
		text = json_object_get(texts, name);
		if (!text)
			continue;
		printf("      %s\n", json_string_value(json_object_get(text, "means")));
		advice = json_object_get(text, "do");
		if (advice)
			printf("      -> %s\n", json_string_value(advice));
	}
}

static int print_stats(json_t *list, bool all, bool explained)
{
	json_t *object;
	size_t i;

	json_array_foreach(list, i, object) {
		if (all)
			fill_up(object);
		if (explained)
			explain(object);
		if (!opt.json)
			print_text(object);
	}
	if (opt.json)
		json_print(list);
	return EXIT_DONE;
}

static int keep_named(const char *name, json_t *list)
{
	size_t i = json_array_size(list);
	const char *have;

	while (i-- > 0) {
		subject(json_array_get(list, i), &have);
		if (!have || strcmp(have, name))
			json_array_remove(list, i);
	}
	if (!json_array_size(list))
		return refuse("stats '%s': there is no link or tunnel of this name", safe(name));
	return EXIT_DONE;
}

static int run_stats(int argc, char **argv)
{
	bool all = false, explained = false;
	const char *name = NULL;
	json_t *list;
	int err, i;

	for (i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--all"))
			all = true;
		else if (!strcmp(argv[i], "--explain"))
			explained = true;
		else if (argv[i][0] == '-')
			return complain("stats: unknown option '%s': see sdtctl help stats",
					safe(argv[i]));
		else if (name)
			return complain("stats: '%s' is too much", safe(argv[i]));
		else
			name = argv[i];
	}
	list = json_array();
	err = nl_open(false) ?: read_stats(0, NULL, list);
	if (!err && name)
		err = keep_named(name, list);
	if (!err)
		err = print_stats(list, all, explained);
	json_decref(list);
	return err;
}

VERB(stats,
	.name = "stats",
	.usage = "[NAME] [--explain] [--all]",
	.help = "counters that are not zero, or all; what they mean and what to do",
	.run = run_stats);
