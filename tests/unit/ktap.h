/* SPDX-License-Identifier: GPL-2.0 */
/* A minimal KTAP harness: a test program is a list of cases; in the kernel, a suite of KUnit. */
#ifndef _KTAP_H
#define _KTAP_H

#include <linux/types.h>
#ifdef __KERNEL__
#include "../kunit/ktap_kunit.h"
#else
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#endif

struct ktap_case {
	const char *name;
	void (*run)(void);
};

static unsigned int ktap_failures;	/* of the running case */
static unsigned long ktap_checks;	/* of the program */

#define KTAP_SHOWN_MAX	5		/* failures that one case explains */

#ifndef __KERNEL__
#define ktap_explain(cond, ...) do {						\
	printf("# %s:%d: expected %s: ", __FILE__, __LINE__, cond);		\
	printf(__VA_ARGS__);							\
	putchar('\n');								\
} while (0)
#endif

/*
 * EXPECT(condition, format, ...) records a failure and goes on; the format says
 * with which inputs. Cases count on it to be cheap.
 */
#define EXPECT(cond, ...) do {							\
	ktap_checks++;								\
	if (!(cond) && ktap_failures++ < KTAP_SHOWN_MAX)			\
		ktap_explain(#cond, __VA_ARGS__);				\
} while (0)

/* EXPECT, and the case ends if it does not hold. */
#define ASSERT(cond, ...) do {							\
	unsigned int before_ = ktap_failures;					\
	EXPECT(cond, __VA_ARGS__);						\
	if (ktap_failures != before_)						\
		return;								\
} while (0)

#define EXPECT_MEM(a, b, len, ...) EXPECT(!memcmp(a, b, len), __VA_ARGS__)

static inline bool ktap_all_zero(const void *p, size_t len)
{
	const u8 *b = p;

	while (len--)
		if (*b++)
			return false;
	return true;
}

static u64 ktap_random_state;

/* splitmix64; the same sequence in every run unless SDT_TEST_SEED says otherwise */
static inline u64 ktap_random(void)
{
	u64 z = ktap_random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline u32 ktap_below(u32 bound)
{
	return (u32)(ktap_random() % bound);
}

static inline void ktap_fill(void *p, size_t len)
{
	u8 *b = p;

	while (len--)
		*b++ = (u8)ktap_random();
}

#define KTAP_CASE(f)	{ #f, f }

#ifndef __KERNEL__
static inline int ktap_run(const struct ktap_case *cases, unsigned int n)
{
	const char *seed = getenv("SDT_TEST_SEED");
	unsigned int failed = 0;
	unsigned int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..%u\n", n);
	for (i = 0; i < n; i++) {
		ktap_random_state = seed ? strtoull(seed, NULL, 0) : 1;
		ktap_failures = 0;
		cases[i].run();
		if (ktap_failures)
			printf("# %u checks failed\n", ktap_failures);
		printf("%s %u %s\n", ktap_failures ? "not ok" : "ok", i + 1, cases[i].name);
		failed += !!ktap_failures;
	}
	printf("# checks: %lu\n", ktap_checks);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define KTAP_RUN(cases)	ktap_run(cases, sizeof(cases) / sizeof((cases)[0]))

#define KTAP_MAIN(name, cases)							\
int main(void)									\
{										\
	return KTAP_RUN(cases);							\
}
#endif

#endif
