// SPDX-License-Identifier: GPL-2.0
#include <linux/jhash.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/timekeeping.h>

#include "buckets.h"
#include "compat/compat.h"

struct sdt_buckets *sdt_buckets_alloc(void)
{
	struct sdt_buckets *b = kvzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);

	if (b)
		b->seed = get_random_u32();
	return b;
}

void sdt_buckets_free(struct sdt_buckets *b)
{
	kvfree(b);
}

static bool take(atomic64_t *bucket, const struct sdt_pace *pace)
{
	u64 now = ktime_get_coarse_boottime_ns(), next;
	s64 was = atomic64_read(bucket);

	do {
		if (!sdt_bucket_take(was, now, pace, &next))
			return false;
	} while (!atomic64_try_cmpxchg(bucket, &was, next));
	return true;
}

bool sdt_buckets_take(struct sdt_buckets *b, const struct sdt_endpoint *from, unsigned int prefix4,
		      unsigned int prefix6, const struct sdt_pace *pace)
{
	struct in6_addr net;

	/* IPv4 addresses are in the last 32 of the 128 bits */
	ipv6_addr_prefix(&net, &from->ip, from->family == AF_INET ? 96 + prefix4 : prefix6);
	return take(&b->source[jhash(&net, sizeof(net), b->seed) % SDT_BUCKETS], pace);
}

bool sdt_buckets_take_all(struct sdt_buckets *b, const struct sdt_pace *pace)
{
	return take(&b->all, pace);
}
