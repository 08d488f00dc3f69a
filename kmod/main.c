// SPDX-License-Identifier: GPL-2.0
/* Module life: every line of init has its line in exit, in reverse. */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rtnetlink.h>
#include <linux/suspend.h>
#include <net/net_namespace.h>

#include <sdt/version.h>

#include "compat/compat.h"
#include "event.h"
#include "lane.h"
#include "node.h"
#include "tunnel.h"

unsigned int sdt_net_id __read_mostly;
struct workqueue_struct *sdt_wq;
struct workqueue_struct *sdt_sock_wq;

static int __net_init net_init(struct net *net)
{
	return sdt_node_init(sdt_node_get(net), net);
}

static void __net_exit net_pre_exit(struct net *net)
{
	sdt_node_stop(sdt_node_get(net));
}

static void __net_exit net_exit(struct net *net)
{
	sdt_node_free(sdt_node_get(net));
}

/*
 * The machine was cloned or woken from a stored image: counters may have been
 * where they are now once before, and a nonce must not be used twice.
 */
static void void_all(void)
{
	struct net *net;

	down_read(&net_rwsem);
	for_each_net(net) {
		struct sdt_node *node = sdt_node_get(net);

		mutex_lock(&node->lock);
		if (!node->dead)
			sdt_node_void(node, true);
		mutex_unlock(&node->lock);
	}
	up_read(&net_rwsem);
	/*
	 * Every lane's poll and every completion that still saw an old keypair is over:
	 * from now on nothing is sealed, or leaves, under a key of before.
	 */
	synchronize_net();
}

static int vmfork_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	void_all();
	return 0;
}

static int pm_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	/*
	 * No key is in the stored image, and none is made until it is certain which
	 * of the two lives of this memory is the one that goes on.
	 */
	switch (action) {
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		WRITE_ONCE(sdt_frozen, true);
		void_all();
		break;
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		WRITE_ONCE(sdt_frozen, false);
		void_all();
		break;
	}
	return 0;
}

static struct notifier_block vmfork_nb = { .notifier_call = vmfork_notify };
static struct notifier_block pm_nb = { .notifier_call = pm_notify };

/*
 * For tests only: what the kernel would tell us. Written by whoever owns the
 * machine; not at load time, when there is nothing to be told about.
 */
static bool notified;

static int test_notify_set(const char *value, const struct kernel_param *kp)
{
	if (!notified)
		return -EBUSY;
	if (sysfs_streq(value, "vmfork"))
		vmfork_notify(&vmfork_nb, 0, NULL);
	else if (sysfs_streq(value, "hibernate"))
		pm_notify(&pm_nb, PM_HIBERNATION_PREPARE, NULL);
	else if (sysfs_streq(value, "resume"))
		pm_notify(&pm_nb, PM_POST_HIBERNATION, NULL);
	else
		return -EINVAL;
	return 0;
}

static const struct kernel_param_ops test_notify_ops = { .set = test_notify_set };
module_param_cb(test_notify, &test_notify_ops, NULL, 0200);
MODULE_PARM_DESC(test_notify, "For tests only: behave as if the machine did this: vmfork, hibernate, resume");

static void set_notified(bool on)
{
	kernel_param_lock(THIS_MODULE);
	notified = on;
	kernel_param_unlock(THIS_MODULE);
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.pre_exit = net_pre_exit,
	.exit = net_exit,
	.id = &sdt_net_id,
	.size = sizeof(struct sdt_node),
};

static int __init sdt_init(void)
{
	int err;

	err = sdt_node_params();
	if (err)
		return err;
	err = sdt_prim_init();
	if (err)
		return err;
	err = -ENOMEM;
	sdt_wq = sdt_compat_alloc_workqueue("sdt", true);
	if (!sdt_wq)
		goto exit_prim;
	sdt_sock_wq = sdt_compat_alloc_workqueue("sdt_sock", true);
	if (!sdt_sock_wq)
		goto destroy_wq;
	err = sdt_tunnels_module_init();
	if (err)
		goto destroy_sock_wq;
	err = register_pernet_subsys(&net_ops);
	if (err)
		goto exit_tunnels;
	err = sdt_compat_vmfork_register(&vmfork_nb);
	if (err)
		goto unregister_pernet;
	err = register_pm_notifier(&pm_nb);
	if (err)
		goto unregister_vmfork;
	err = sdt_netlink_init();
	if (err)
		goto unregister_pm;
	set_notified(true);
	pr_info("sdt: secure datagram tunnels %s\n", SDT_VERSION);
	return 0;

unregister_pm:
	unregister_pm_notifier(&pm_nb);
unregister_vmfork:
	sdt_compat_vmfork_unregister(&vmfork_nb);
unregister_pernet:
	unregister_pernet_subsys(&net_ops);
exit_tunnels:
	sdt_tunnels_module_exit();
destroy_sock_wq:
	destroy_workqueue(sdt_sock_wq);
destroy_wq:
	destroy_workqueue(sdt_wq);
exit_prim:
	sdt_prim_exit();
	return err;
}

static void __exit sdt_exit(void)
{
	set_notified(false);
	sdt_netlink_exit();
	unregister_pm_notifier(&pm_nb);
	sdt_compat_vmfork_unregister(&vmfork_nb);
	unregister_pernet_subsys(&net_ops);
	/* links, paths, channels are freed by call_rcu; sockets' hooks are our text */
	rcu_barrier();
	sdt_tunnels_module_exit();
	destroy_workqueue(sdt_sock_wq);
	destroy_workqueue(sdt_wq);
	sdt_seal_exit();
	sdt_prim_exit();
}

module_init(sdt_init);
module_exit(sdt_exit);
MODULE_DESCRIPTION("SDT: secure datagram tunnels");
MODULE_LICENSE("GPL");
MODULE_VERSION(SDT_VERSION);
MODULE_ALIAS_GENL_FAMILY("sdt");
/* What udev loads by the processor's features, in case nothing did: far faster AES-GCM. */
MODULE_SOFTDEP("pre: aesni_intel ghash_clmulni_intel");
