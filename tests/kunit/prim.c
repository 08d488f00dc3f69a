// SPDX-License-Identifier: GPL-2.0
/* The module's own primitives, whose ciphers fail when a test says so, as those of ../unit/prim_user.c do. */
#define sdt_aead_seal	kernel_aead_seal
#define sdt_aead_open	kernel_aead_open
#include "../../kmod/prim.c"
#undef sdt_aead_seal
#undef sdt_aead_open

#include "../unit/prim_user.h"

int sdt_aead_seal(u8 suite, const u8 key[SDT_KEY_LEN], u64 counter,
		  const void *ad, size_t ad_len, const void *src, size_t len, void *dst);
int sdt_aead_open(u8 suite, const u8 key[SDT_KEY_LEN], u64 counter,
		  const void *ad, size_t ad_len, const void *src, size_t len, void *dst);

static unsigned int fail_nth;
static int fail_err;

void prim_user_fail_aead(unsigned int nth, int err)
{
	fail_nth = nth;
	fail_err = err;
}

static int due_failure(void)
{
	return fail_nth && !--fail_nth ? fail_err : 0;
}

int sdt_aead_seal(u8 suite, const u8 key[SDT_KEY_LEN], u64 counter,
		  const void *ad, size_t ad_len, const void *src, size_t len, void *dst)
{
	return due_failure() ?: kernel_aead_seal(suite, key, counter, ad, ad_len, src, len, dst);
}

int sdt_aead_open(u8 suite, const u8 key[SDT_KEY_LEN], u64 counter,
		  const void *ad, size_t ad_len, const void *src, size_t len, void *dst)
{
	return due_failure() ?: kernel_aead_open(suite, key, counter, ad, ad_len, src, len, dst);
}
