// SPDX-License-Identifier: GPL-2.0
/* Counters, and where every dropped datagram passes. */
#include <linux/bottom_half.h>

#include "compat/compat.h"
#include "stats.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

struct sdt_stats __percpu *sdt_stats_alloc(void)
{
	struct sdt_stats __percpu *stats = alloc_percpu_gfp(struct sdt_stats, GFP_KERNEL_ACCOUNT);
	int cpu;

	if (!stats)
		return NULL;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(stats, cpu)->sync);
	return stats;
}

/*
 * A counter is read whole, but counters are not read at one moment: the loop
 * is short, so that a busy writer cannot hold up the reader.
 */
static u64 stats_read_one(const struct sdt_stats *s, enum sdt_stat id)
{
	unsigned int start;
	u64 value;

	do {
		start = sdt_compat_u64_stats_fetch_begin(&s->sync);
		value = u64_stats_read(&s->v[id]);
	} while (sdt_compat_u64_stats_fetch_retry(&s->sync, start));
	return value;
}

void sdt_stats_read(struct sdt_stats __percpu *stats, u64 *out)
{
	enum sdt_stat id;
	int cpu;

	memset(out, 0, __SDT_STAT_MAX * sizeof(*out));
	for_each_possible_cpu(cpu) {
		const struct sdt_stats *s = per_cpu_ptr(stats, cpu);

		for (id = 0; id < __SDT_STAT_MAX; id++)
			out[id] += stats_read_one(s, id);
	}
}

void sdt_count(struct sdt_stats __percpu *stats, enum sdt_stat id)
{
	local_bh_disable();
	sdt_stat_inc(stats, id);
	local_bh_enable();
}

/* Out of line, so that the tracepoint can tell who dropped. */
noinline void sdt_drop(struct sdt_stats __percpu *stats, enum sdt_stat reason, struct sk_buff *skb)
{
	sdt_count(stats, reason);
	trace_sdt_drop(reason, skb, __builtin_return_address(0));
	kfree_skb(skb);
}
