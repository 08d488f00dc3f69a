// SPDX-License-Identifier: GPL-2.0
/* monitor: one line an event. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "nl.h"
#include "sdtctl.h"

static int print_event(json_t *event)
{
	const char *key;
	json_t *value;

	if (opt.json) {
		json_dumpf(event, stdout, JSON_COMPACT);
	} else {
		fputs(json_string_value(json_object_get(event, "type")) ?: "unknown", stdout);
		json_object_foreach(event, key, value) {
			if (!strcmp(key, "type"))
				continue;
			printf(" %s ", key);
			json_print_word(value);
		}
	}
	putchar('\n');
	json_decref(event);
	if (fflush(stdout))
		return complain("standard output: %s", strerror(errno));
	return EXIT_DONE;
}

static int handle_event(const struct nlattr *const *attrs, void *arg)
{
	(void)arg;
	return attrs[SDT_A_EVENT] ? print_event(json_event(attrs[SDT_A_EVENT])) : EXIT_DONE;
}

/* They came faster than they were read: how many is not known. */
static int handle_lost(void *arg)
{
	(void)arg;
	return print_event(json_pack("{s:s}", "type", "events-lost"));
}

static int run_monitor(int argc, char **argv)
{
	if (argc)
		return complain("monitor: '%s' is too much", safe(argv[0]));
	return nl_open(false) ?: nl_listen(handle_event, handle_lost, NULL);
}

VERB(monitor,
	.name = "monitor",
	.usage = "",
	.help = "events as they happen, one a line",
	.run = run_monitor);
