/* SPDX-License-Identifier: GPL-2.0 */
/* Bounds of the handshake's worker. */
#ifndef _SDT_HANDSHAKE_H
#define _SDT_HANDSHAKE_H

#include <linux/types.h>

#include "bytes.h"

#define SDT_HS_QUEUE_MAX	1024	/* messages that wait for the worker */
#define SDT_CHALLENGES_PER_SECOND 10	/* a link */
#define SDT_SOURCE_BUCKETS	1024
#define SDT_SOURCE_PER_SECOND	20	/* handshakes from one source under load */

struct sdt_source_bucket {
	unsigned long second;		/* jiffies when it began */
	u32 used;
};

/* Owner: the node. Touched by the handshake worker alone. */
struct sdt_source_rate {
	u32 seed;
	struct sdt_source_bucket bucket[SDT_SOURCE_BUCKETS];
};

#endif /* _SDT_HANDSHAKE_H */
