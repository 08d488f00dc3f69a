// SPDX-License-Identifier: GPL-2.0
/* Readers of counters that softirqs write say so. */
#include <linux/u64_stats_sync.h>

bool probe(struct u64_stats_sync *sync)
{
	return u64_stats_fetch_retry_irq(sync, u64_stats_fetch_begin_irq(sync));
}
