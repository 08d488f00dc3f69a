// SPDX-License-Identifier: GPL-2.0
/* dst_dev(): dst->dev may change under its readers. */
#include <net/dst.h>

struct net_device *probe(const struct dst_entry *dst)
{
	return dst_dev(dst);
}
