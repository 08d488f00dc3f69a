// SPDX-License-Identifier: GPL-2.0
#include <linux/string.h>

#include "addrclass.h"

static const u8 v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
static const u8 v4_compatible[12];	/* :: and ::1 are of them */

static bool special4(const u8 ip[4])
{
	static const u8 broadcast[4] = { 255, 255, 255, 255 };

	return ip[0] == 0 || ip[0] == 127 || (ip[0] == 169 && ip[1] == 254) ||
	       (ip[0] & 0xf0) == 0xe0 || !memcmp(ip, broadcast, sizeof(broadcast));
}

bool sdt_address_special(const u8 ip[16])
{
	if (!memcmp(ip, v4_mapped, sizeof(v4_mapped)))
		return special4(ip + sizeof(v4_mapped));
	return !memcmp(ip, v4_compatible, sizeof(v4_compatible)) || ip[0] == 0xff ||
	       (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80);
}
