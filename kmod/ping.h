/* SPDX-License-Identifier: GPL-2.0 */
/* Round trips that somebody asked for, through a link itself. */
#ifndef _SDT_PING_H
#define _SDT_PING_H

#include <linux/types.h>

struct sdt_link;

/**
 * sdt_ping_answered() - a PONG came: is it one that was asked for?
 * @link: the link
 * @lane: that it came on
 * @opaque: SDT_PING_LEN bytes
 *
 * Tells who asked.
 * Context: RCU, BH off.
 */
bool sdt_ping_answered(struct sdt_link *link, u8 lane, const u8 *opaque);

/** sdt_pings_free() - the link is being freed: nobody pings or hears any more */
void sdt_pings_free(struct sdt_link *link);

#endif /* _SDT_PING_H */
