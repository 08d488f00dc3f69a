/* SPDX-License-Identifier: GPL-2.0 */
/* Per-CPU counters of a node, link or tunnel, and the one way to drop an skb. */
#ifndef _SDT_STATS_H
#define _SDT_STATS_H

#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>

#include <uapi/linux/sdt.h>

/* A block of counters, indexed by enum sdt_stat. Written with BH off only. */
struct sdt_stats {
	u64_stats_t v[__SDT_STAT_MAX];
	struct u64_stats_sync sync;
};

struct sdt_stats __percpu *sdt_stats_alloc(void);

/** sdt_stats_read() - sum over CPUs into @out[__SDT_STAT_MAX]; process context */
void sdt_stats_read(struct sdt_stats __percpu *stats, u64 *out);

/* BH off */
static inline void sdt_stat_inc(struct sdt_stats __percpu *stats, enum sdt_stat id)
{
	struct sdt_stats *s = this_cpu_ptr(stats);

	u64_stats_update_begin(&s->sync);
	u64_stats_inc(&s->v[id]);
	u64_stats_update_end(&s->sync);
}

/* Datagrams and their bytes: @id and @id + 1. BH off. */
static inline void sdt_stat_packet(struct sdt_stats __percpu *stats, enum sdt_stat id,
				   unsigned int len)
{
	struct sdt_stats *s = this_cpu_ptr(stats);

	u64_stats_update_begin(&s->sync);
	u64_stats_inc(&s->v[id]);
	u64_stats_add(&s->v[id + 1], len);
	u64_stats_update_end(&s->sync);
}

/** sdt_count() - sdt_stat_inc() from any context but hard interrupts */
void sdt_count(struct sdt_stats __percpu *stats, enum sdt_stat id);

/**
 * sdt_drop() - count, trace and free
 * @stats: where it counts
 * @reason: one of SDT_DROP_*
 * @skb: freed; may be NULL (something was lost that has no skb)
 * Context: any but hard interrupts.
 */
void sdt_drop(struct sdt_stats __percpu *stats, enum sdt_stat reason, struct sk_buff *skb);

#endif /* _SDT_STATS_H */
