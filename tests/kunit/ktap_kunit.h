/* SPDX-License-Identifier: GPL-2.0 */
/* What the unit tests of user space need to be suites of KUnit: ../unit/ktap.h and hex.h read it in the kernel. */
#ifndef _KTAP_KUNIT_H
#define _KTAP_KUNIT_H

#include <kunit/test.h>
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#define malloc(n)	kmalloc(n, GFP_KERNEL | __GFP_NOFAIL)
#define calloc(n, size)	kcalloc(n, size, GFP_KERNEL | __GFP_NOFAIL)
#define free(p)		kfree(p)
#define abort()		BUG()

/* The case that runs now: KUnit runs one at a time. */
extern struct kunit *ktap_test;

__printf(4, 5) void ktap_tell(const char *file, int line, const char *cond, const char *format, ...);

#define ktap_explain(cond, ...)	ktap_tell(__FILE__, __LINE__, cond, __VA_ARGS__)

/* One suite a file, with the cases as parameters of its only test, so that each has a result of its own. */
#define KTAP_MAIN(suite, cases)							\
static const void *next_case(const void *before, char *name)			\
{										\
	const struct ktap_case *c = before ? (const struct ktap_case *)before + 1 : (cases); \
										\
	if (c == (cases) + ARRAY_SIZE(cases))					\
		return NULL;							\
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);				\
	return c;								\
}										\
										\
static void run_case(struct kunit *test)					\
{										\
	const struct ktap_case *c = test->param_value;				\
										\
	ktap_test = test;							\
	ktap_random_state = 1;							\
	ktap_failures = 0;							\
	ktap_checks = 0;							\
	c->run();								\
	KUNIT_EXPECT_EQ(test, ktap_failures, 0);				\
	KUNIT_EXPECT_GT(test, ktap_checks, 0);					\
}										\
										\
static struct kunit_case suite##_cases[] = {					\
	KUNIT_CASE_PARAM(run_case, next_case),					\
	{}									\
};										\
										\
static struct kunit_suite suite##_suite = {					\
	.name = "sdt_" #suite,							\
	.test_cases = suite##_cases,						\
};										\
kunit_test_suite(suite##_suite);

#endif
