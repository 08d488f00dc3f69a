// SPDX-License-Identifier: GPL-2.0
/*
 * Memory can be charged to another control group than the running task's, in
 * softirq too. Without control groups for memory nothing is exported, or needed.
 * exported: int_active_memcg get_mem_cgroup_from_mm
 */
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>

void probe(struct mm_struct *mm)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(mm);

	set_active_memcg(set_active_memcg(memcg));
	mem_cgroup_put(memcg);
}
