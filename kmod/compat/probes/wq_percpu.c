// SPDX-License-Identifier: GPL-2.0
/* A workqueue that is not unbound has to say so. */
#include <linux/workqueue.h>

struct workqueue_struct *probe(void)
{
	return alloc_workqueue("probe", WQ_PERCPU, 0);
}
