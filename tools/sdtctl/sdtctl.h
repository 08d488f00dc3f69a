/* SPDX-License-Identifier: GPL-2.0 */
/* What every file of the tool sees: verbs, options, and how something is refused. */
#ifndef _SDTCTL_H
#define _SDTCTL_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes; functions that return int return one of them. */
enum {
	EXIT_DONE,
	EXIT_USAGE,		/* the command, a file it names, or this machine */
	EXIT_REFUSED,		/* by the kernel */
};

struct options {
	bool json;
	bool pretty;
	bool statistics;
	bool force;
	int family;		/* AF_UNSPEC, AF_INET, AF_INET6: names resolve to this */
	bool stdin_taken;	/* the batch comes from there */
};

extern struct options opt;

/* A verb is one of these, defined where it is implemented; nothing else knows of it. */
struct verb {
	const char *name;
	const char *usage;	/* what follows the name, lines after the first indented */
	const char *help;	/* one line */
	int (*run)(int argc, char **argv);	/* argv[0]: the first word after the verb */
};

#define VERB(id, ...)								\
	static const struct verb verb_##id = { __VA_ARGS__ };			\
	static const struct verb *const verb_ptr_##id				\
	__attribute__((used, section("sdtctl_verbs"))) = &verb_##id

/** complain() - one line on stderr, with the batch's line in front; returns EXIT_USAGE */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** refuse() - the same; returns EXIT_REFUSED */
int refuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** note() - a line on stderr that is no error */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** safe() - @s with every unprintable byte as ?; up to 8 results live at once */
const char *safe(const char *s);

#endif /* _SDTCTL_H */
