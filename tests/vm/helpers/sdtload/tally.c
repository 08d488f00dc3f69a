// SPDX-License-Identifier: GPL-2.0
/* What was counted, and what was expected of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdtload.h"

static const char *const tally_names[TALLIES] = {
	"sent", "received", "lost", "changed", "duplicated", "misrouted", "wrong_source", "send_errors", "empty", "peers",
	"late", "renewed", "withheld",
};

uint64_t tally[TALLIES];

void expect(struct options *o, const char *text)
{
	struct expectation *e = &o->expect[o->expects++];
	size_t n = strcspn(text, "<>=");
	const char *value = text + n;

	if (o->expects > LIST_MAX || n >= sizeof(e->key) || !text[n])
		die("what is --expect %s?", text);
	memcpy(e->key, text, n);
	e->op = *value;
	value += value[1] == '=' ? 2 : 1;
	if (!strcmp(value, "any"))
		e->op = '*';
	else
		e->value = strtoull(value, NULL, 10);
}

void expect_default(struct options *o, const char *key)
{
	char text[32];
	unsigned int i;

	for (i = 0; i < o->expects; i++)
		if (!strcmp(o->expect[i].key, key))
			return;
	snprintf(text, sizeof(text), "%s=0", key);
	expect(o, text);
}

static bool holds(const struct expectation *e)
{
	unsigned int i;

	for (i = 0; i < TALLIES; i++) {
		if (strcmp(e->key, tally_names[i]))
			continue;
		switch (e->op) {
		case '=': return tally[i] == e->value;
		case '<': return tally[i] <= e->value;
		case '>': return tally[i] >= e->value;
		default: return true;
		}
	}
	die("there is no %s to expect anything of", e->key);
}

int report(const struct options *o)
{
	int status = 0;
	unsigned int i;

	printf("%s:", role_name);
	for (i = 0; i < TALLIES; i++)
		printf(" %s=%llu", tally_names[i], (unsigned long long)tally[i]);
	for (i = 0; i < o->expects; i++) {
		if (holds(&o->expect[i]))
			continue;
		printf(" (expected %s%c%llu)", o->expect[i].key, o->expect[i].op,
		       (unsigned long long)o->expect[i].value);
		status = 1;
	}
	putchar('\n');
	fflush(stdout);
	return status;
}
