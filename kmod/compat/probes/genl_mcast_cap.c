// SPDX-License-Identifier: GPL-2.0
/* Multicast groups that only a network administrator may join. */
#include <net/genetlink.h>

const struct genl_multicast_group probe = {
	.name = "probe",
	.flags = GENL_MCAST_CAP_NET_ADMIN,
};
