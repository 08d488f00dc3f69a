// SPDX-License-Identifier: GPL-2.0
/* Control: a function that no kernel has must be noticed. */
#include <linux/skbuff.h>

void probe(struct sk_buff *skb)
{
	sdt_no_kernel_has_this(skb);
}
