// SPDX-License-Identifier: GPL-2.0
/*
 * Mistakes on purpose, one for each detector of the debug kernel: what is written to
 * /sys/module/planted/parameters/bug names the mistake that is made at once. Never part of what is shipped: it shows
 * that a detector is awake, so that its silence about sdt means something.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#define SIZE	120

static int table[8];
static volatile unsigned int eight = 8, forty = 40;
static void *volatile sink;
static DEFINE_SPINLOCK(spin);
static DEFINE_MUTEX(mutex_a);
static DEFINE_MUTEX(mutex_b);
static LIST_HEAD(list);
static int value;
static int __rcu *pointer;

static u8 *memory(void)
{
	u8 *p = kzalloc(SIZE, GFP_KERNEL);

	/* So that the compiler does not see through it. */
	OPTIMIZER_HIDE_VAR(p);
	return p;
}

static void slab_overrun(void)
{
	u8 *p = memory();

	p[SIZE] = 1;
	kfree(p);
}

static void vmalloc_overrun(void)
{
	/* Beyond the end, yet in the page. */
	u8 *p = vzalloc(PAGE_SIZE - 16);

	OPTIMIZER_HIDE_VAR(p);
	sink = (void *)(unsigned long)READ_ONCE(p[PAGE_SIZE - 15]);
	vfree(p);
}

static void stack_overrun(void)
{
	u8 local[SIZE] = {};
	u8 *p = local;

	OPTIMIZER_HIDE_VAR(p);
	p[SIZE] = 1;
	barrier_data(p);
}

static void use_after_free(void)
{
	u8 *p = memory();

	kfree(p);
	sink = (void *)(unsigned long)READ_ONCE(p[1]);
}

static void double_free(void)
{
	u8 *p = memory();
	u8 *again = p;

	OPTIMIZER_HIDE_VAR(again);
	kfree(p);
	kfree(again);
}

/* Several: an old pointer to one may be left somewhere on a stack, and then it counts as in use. */
static void leak(void)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		sink = memory();
	sink = NULL;
}

static void array_index(void)
{
	value += table[eight];
}

static void shift_too_far(void)
{
	value += 1 << forty;
}

static void not_a_bool(void)
{
	u8 three = 3;
	bool *p = (bool *)&three;

	OPTIMIZER_HIDE_VAR(p);
	if (*p)
		value++;
}

static void sleep_with_lock(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void sleep_in_rcu(void)
{
	rcu_read_lock();
	might_sleep();
	rcu_read_unlock();
}

static void rcu_without_lock(void)
{
	sink = rcu_dereference(pointer);
}

struct timed {
	struct timer_list timer;
};

static void never(struct timer_list *timer)
{
}

static void free_active_timer(void)
{
	struct timed *t = kzalloc(sizeof(*t), GFP_KERNEL);

	timer_setup(&t->timer, never, 0);
	mod_timer(&t->timer, jiffies + 1000 * HZ);
	/* The report takes it off the timers' list. */
	kfree(t);
}

static struct rcu_head twice;

static void nothing(struct rcu_head *rcu)
{
}

static void call_rcu_twice(void)
{
	rcu_read_lock();
	call_rcu(&twice, nothing);
	call_rcu(&twice, nothing);
	rcu_read_unlock();
	rcu_barrier();
}

static void list_add_twice(void)
{
	struct list_head *entry = kzalloc(sizeof(*entry), GFP_KERNEL);

	list_add(entry, &list);
	list_add(entry, &list);
	INIT_LIST_HEAD(&list);
	kfree(entry);
}

static void reference_put_twice(void)
{
	netns_tracker tracker;
	struct net *net = get_net_track(current->nsproxy->net_ns, &tracker, GFP_KERNEL);
	netns_tracker copy = tracker;

	get_net(net);
	put_net_track(net, &tracker);
	put_net_track(net, &copy);
}

static void lock_order(void)
{
	mutex_lock(&mutex_a);
	mutex_lock(&mutex_b);
	mutex_unlock(&mutex_b);
	mutex_unlock(&mutex_a);
	mutex_lock(&mutex_b);
	mutex_lock(&mutex_a);
	mutex_unlock(&mutex_a);
	mutex_unlock(&mutex_b);
}

static const struct {
	const char *name;
	void (*make)(void);
} bugs[] = {
	{ "slab-overrun", slab_overrun },
	{ "vmalloc-overrun", vmalloc_overrun },
	{ "stack-overrun", stack_overrun },
	{ "use-after-free", use_after_free },
	{ "double-free", double_free },
	{ "leak", leak },
	{ "array-index", array_index },
	{ "shift", shift_too_far },
	{ "bool", not_a_bool },
	{ "sleep-with-lock", sleep_with_lock },
	{ "sleep-in-rcu", sleep_in_rcu },
	{ "rcu-without-lock", rcu_without_lock },
	{ "free-active-timer", free_active_timer },
	{ "call-rcu-twice", call_rcu_twice },
	{ "list-add-twice", list_add_twice },
	{ "reference-put-twice", reference_put_twice },
	{ "lock-order", lock_order },
};

static int bug_set(const char *name, const struct kernel_param *kp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++)
		if (sysfs_streq(name, bugs[i].name)) {
			bugs[i].make();
			return 0;
		}
	return -EINVAL;
}

static const struct kernel_param_ops bug_ops = { .set = bug_set };
module_param_cb(bug, &bug_ops, NULL, 0200);
MODULE_PARM_DESC(bug, "Makes this mistake, now");

/* What an allocation says: for fault injection, whose way is to make it fail. */
static int alloc_set(const char *name, const struct kernel_param *kp)
{
	void *p = kmalloc(SIZE, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	kfree(p);
	return 0;
}

static const struct kernel_param_ops alloc_ops = { .set = alloc_set };
module_param_cb(alloc, &alloc_ops, NULL, 0200);
MODULE_PARM_DESC(alloc, "Allocates memory, and says whether it got some");

static int __init planted_init(void)
{
	RCU_INIT_POINTER(pointer, &value);
	return 0;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_DESCRIPTION("Mistakes on purpose, for detectors to find");
MODULE_LICENSE("GPL");
