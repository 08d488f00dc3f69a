/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SDTCTL_STATS_H
#define _SDTCTL_STATS_H

#include <jansson.h>
#include <linux/sdt.h>

enum scope {
	SCOPE_NODE,
	SCOPE_LINK,
	SCOPE_TUNNEL,
};

/* What a counter is. */
struct counter {
	unsigned int id;
	enum scope scope;
	const char *name;		/* as in sdt.yaml, without stat- or drop- */
	const char *means;
	const char *advice;		/* what to do if it rises; NULL: nothing */
};

extern const struct counter counters[];
extern const unsigned int counter_count;

/** stats_of() - counters of the object @name, not zero; @type: SDT_A_STATS_LINK or _TUNNEL */
int stats_of(unsigned int type, const char *name, json_t **out);

#endif /* _SDTCTL_STATS_H */
