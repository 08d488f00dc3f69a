/* SPDX-License-Identifier: GPL-2.0 */
/* Knobs that only the user-space twin of prim.c has. */
#ifndef _PRIM_USER_H
#define _PRIM_USER_H

#include <linux/types.h>

/* From now on sdt_random() repeats the sequence that @seed names. */
void prim_user_seed(u64 seed);

/* The @nth next sealing or opening (1 = the very next) fails with @err; 0 = none. */
void prim_user_fail_aead(unsigned int nth, int err);

#endif
