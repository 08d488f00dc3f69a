/* SPDX-License-Identifier: GPL-2.0 */
/* Classes of addresses that no host elsewhere can have: pure. */
#ifndef _SDT_ADDRCLASS_H
#define _SDT_ADDRCLASS_H

#include <linux/types.h>

/**
 * sdt_address_special() - can @ip be no single host's, or only this one's?
 * @ip: 16 bytes; IPv4 addresses v4-mapped
 *
 * Return: true for unspecified, loopback, link-local, multicast and limited broadcast
 * addresses, all of 0.0.0.0/8, and the deprecated IPv4-compatible ::/96, in which each
 * of the others could hide.
 */
bool sdt_address_special(const u8 ip[16]);

#endif /* _SDT_ADDRCLASS_H */
