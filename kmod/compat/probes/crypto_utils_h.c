// SPDX-License-Identifier: GPL-2.0
/* crypto_memneq() has a header of its own. */
#include <crypto/utils.h>

bool probe(const void *a, const void *b)
{
	return crypto_memneq(a, b, 1);
}
