/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HEX_H
#define _HEX_H

#include <linux/types.h>
#ifdef __KERNEL__
#include "../kunit/ktap_kunit.h"
#else
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#endif

/* Bytes of the hexadecimal @text into @buf; returns their number, aborts on nonsense. */
static inline size_t unhex(u8 *buf, size_t room, const char *text)
{
	size_t n = strlen(text) / 2;
	unsigned int byte;
	size_t i;

	if (strlen(text) % 2 || n > room)
		abort();
	for (i = 0; i < n; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			abort();
		buf[i] = (u8)byte;
	}
	return n;
}

#endif
