// SPDX-License-Identifier: GPL-2.0
/* Path MTU of a link's lanes. */
#include "compat/compat.h"
#include "pmtu.h"

void sdt_pmtu_icmp(struct sdt_link *link, unsigned int lane, unsigned int payload)
{
}
