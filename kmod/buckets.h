/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Token buckets by source address, in a table of fixed size: sources that share
 * a slot share its tokens, and memory does not grow with an attack. Lock-free.
 */
#ifndef _SDT_BUCKETS_H
#define _SDT_BUCKETS_H

#include <linux/atomic.h>

#include "addr.h"
#include "pace.h"

#define SDT_BUCKETS	1024

/* Owner: the node. */
struct sdt_buckets {
	u32 seed;
	atomic64_t all;			/* over all sources */
	atomic64_t source[SDT_BUCKETS];
};

/** sdt_buckets_alloc() - process context; NULL if there is no memory */
struct sdt_buckets *sdt_buckets_alloc(void);
void sdt_buckets_free(struct sdt_buckets *b);

/**
 * sdt_buckets_take() - a token of the bucket of this source
 * @b: the table
 * @from: the source; port and interface do not count
 * @prefix4: leading bits of an IPv4 address that count
 * @prefix6: of an IPv6 address
 * @pace: the same in all calls for a table; ns
 * Context: any.
 */
bool sdt_buckets_take(struct sdt_buckets *b, const struct sdt_endpoint *from, unsigned int prefix4,
		      unsigned int prefix6, const struct sdt_pace *pace);

/** sdt_buckets_take_all() - a token of the bucket over all sources; any context */
bool sdt_buckets_take_all(struct sdt_buckets *b, const struct sdt_pace *pace);

#endif /* _SDT_BUCKETS_H */
