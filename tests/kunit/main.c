// SPDX-License-Identifier: GPL-2.0
/* The suites of SDT as a module; their results are in /sys/kernel/debug/kunit. */
#include <linux/module.h>

#include "../../kmod/prim.h"
#include "ktap_kunit.h"

#define TEXT_MAX	256

struct kunit *ktap_test;

void ktap_tell(const char *file, int line, const char *cond, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vscnprintf(text, sizeof(text), format, args);
	va_end(args);
	kunit_err(ktap_test, "%s:%d: expected %s: %s\n", kbasename(file), line, cond, text);
}

/* Suites run once this is done. */
static int __init tests_init(void)
{
	return sdt_prim_init();
}

static void __exit tests_exit(void)
{
	sdt_prim_exit();
}

module_init(tests_init);
module_exit(tests_exit);
MODULE_DESCRIPTION("Unit tests of SDT, in the kernel");
MODULE_LICENSE("GPL");
