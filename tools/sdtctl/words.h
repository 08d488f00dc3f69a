/* SPDX-License-Identifier: GPL-2.0 */
/* From words of the command line to attributes of a request. */
#ifndef _SDTCTL_WORDS_H
#define _SDTCTL_WORDS_H

#include "names.h"
#include "nl.h"

#define WORDS_GIVEN_MAX	192

enum word_kind {
	WORD_NUMBER,		/* min to max */
	WORD_RATE,		/* the same, /s may follow */
	WORD_ENUM,		/* one of names */
	WORD_SWITCH,		/* on or off */
	WORD_DSCP,		/* 0 to 63, or copy */
	WORD_NAME,
	WORD_DEVICE,		/* an interface, or none */
	WORD_PUBLIC_KEY,
	WORD_SECRET_KEY,
	WORD_LISTEN,		/* [ADDR]:PORT */
	WORD_HOST,		/* HOST:PORT, resolved */
	WORD_PEER,		/* ADDR:PORT, not resolved */
	WORD_ADDRESS,		/* ADDR, or none */
	WORD_PORTS,		/* LO-HI, to attr and attr + 1 */
	WORD_EGRESS,		/* the same, ADDR-ADDR or ADDR/LEN, at most max; to _EGRESS, _EGRESS_LAST */
	WORD_PREFIX,		/* a list: may be given again; ports: min is 1; none empties it */
};

/* What a word means. A table of them ends with a NULL name. */
struct word {
	const char *name;
	enum word_kind kind;
	unsigned short nest;		/* SDT_A_NODE, SDT_A_LINK or SDT_A_TUNNEL */
	unsigned short attr;
	unsigned char size;		/* of a number: 1, 2, 4 */
	unsigned long min, max;
	const struct name *names;
};

/* What was given, in the order of the command. */
struct given {
	const char *verb;
	struct {
		const struct word *word;
		const char *value;
	} items[WORDS_GIVEN_MAX];
	unsigned int count;
};

/** words_parse() - pairs of word and value; each word at most once, but for lists */
int words_parse(struct given *given, const char *verb, const struct word *table,
		int argc, char **argv);

/** words_value() - of the word @name; NULL: not given */
const char *words_value(const struct given *given, const char *name);

/** words_any() - was anything given that goes into @nest? */
bool words_any(const struct given *given, unsigned int nest);

/** words_put() - append what goes into @nest to @req, whose nest is open */
int words_put(const struct given *given, unsigned int nest, struct nl_request *req);

/** words_put_name() - the object's own name, checked */
int words_put_name(struct nl_request *req, unsigned int attr, const char *what, const char *name);

#endif /* _SDTCTL_WORDS_H */
