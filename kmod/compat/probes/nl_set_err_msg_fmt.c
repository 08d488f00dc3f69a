// SPDX-License-Identifier: GPL-2.0
/* Answers to netlink requests may carry formatted texts. */
#include <linux/netlink.h>

void probe(struct netlink_ext_ack *extack, u32 number)
{
	NL_SET_ERR_MSG_FMT(extack, "%u", number);
}
