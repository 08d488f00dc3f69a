// SPDX-License-Identifier: GPL-2.0
/* Unaligned access has a header that is the same on all architectures. */
#include <linux/unaligned.h>

u32 probe(const void *p)
{
	return get_unaligned_be32(p);
}
