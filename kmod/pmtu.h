/* SPDX-License-Identifier: GPL-2.0 */
/* Path MTU of a link's lanes. */
#ifndef _SDT_PMTU_H
#define _SDT_PMTU_H

#include "link.h"

/**
 * sdt_pmtu_icmp() - somebody on the way, or who poses as such, says that messages are too long
 * @link: the link
 * @lane: whose path was quoted
 * @payload: bytes of UDP payload that would do
 *
 * Context: RCU read side, BH off. Limited in rate by the caller.
 */
void sdt_pmtu_icmp(struct sdt_link *link, unsigned int lane, unsigned int payload);

#endif /* _SDT_PMTU_H */
