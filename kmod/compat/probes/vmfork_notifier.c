// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel tells that a virtual machine was cloned or restored. It may
 * declare this and have it configured away.
 * exported: register_random_vmfork_notifier unregister_random_vmfork_notifier
 */
#include <linux/notifier.h>
#include <linux/random.h>

int probe(struct notifier_block *nb)
{
	return register_random_vmfork_notifier(nb) ?: unregister_random_vmfork_notifier(nb);
}
