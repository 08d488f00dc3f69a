/* SPDX-License-Identifier: GPL-2.0 */
/* What may be said of a link, by add-link, set-link, and add-tunnel that makes one. */
#ifndef _SDTCTL_LINK_H
#define _SDTCTL_LINK_H

#include "words.h"

#define LINK_WORDS								\
	{ "peer-key", WORD_PUBLIC_KEY, SDT_A_LINK, SDT_A_LINK_PEER_KEY, 0, 0, 0, NULL }, \
	{ "peer", WORD_HOST, SDT_A_LINK, SDT_A_LINK_PEER, 0, 0, 0, NULL },	\
	{ "psk", WORD_SECRET_KEY, SDT_A_LINK, SDT_A_LINK_PSK, 0, 0, 0, NULL },	\
	{ "cipher", WORD_ENUM, SDT_A_LINK, SDT_A_LINK_CIPHER, 1, 0, 0, cipher_names }, \
	{ "lanes", WORD_NUMBER, SDT_A_LINK, SDT_A_LINK_LANES, 1, 1, SDT_LANES_LIMIT, NULL }, \
	{ "keepalive", WORD_NUMBER, SDT_A_LINK, SDT_A_LINK_KEEPALIVE, 2, 0, 65535, NULL }, \
	{ "source", WORD_ADDRESS, SDT_A_LINK, SDT_A_LINK_SOURCE, 0, 0, 0, NULL }, \
	{ "roam", WORD_SWITCH, SDT_A_LINK, SDT_A_LINK_ROAM, 1, 0, 0, NULL },	\
	{ "pad", WORD_NUMBER, SDT_A_LINK, SDT_A_LINK_PAD, 2, 0, 1024, NULL },	\
	{ "ttl", WORD_NUMBER, SDT_A_LINK, SDT_A_LINK_TTL, 1, 0, 255, NULL },	\
	{ "ecn", WORD_SWITCH, SDT_A_LINK, SDT_A_LINK_ECN, 1, 0, 0, NULL },	\
	{ "dscp", WORD_DSCP, SDT_A_LINK, SDT_A_LINK_DSCP, 1, 0, 63, NULL },	\
	{ "link-max-channels", WORD_NUMBER, SDT_A_LINK, SDT_A_LINK_MAX_CHANNELS, 4, 0,	\
	  4294967295UL, NULL }

#define LINK_USAGE								\
	"        [peer-key KEY|@FILE] [peer HOST:PORT] [psk @FILE]\n"		\
	"        [cipher aes-gcm|chacha20-poly1305] [lanes N] [keepalive SEC] [source ADDR]\n" \
	"        [roam on|off] [pad N] [ttl N] [ecn on|off] [dscp copy|N] [link-max-channels N]"

#endif /* _SDTCTL_LINK_H */
