// SPDX-License-Identifier: GPL-2.0
/* What datagrams consist of: the head of main.c describes it. */
#include <string.h>

#include "sdtload.h"

#define TABLE_LEN	65536	/* a power of two: offsets are taken modulo this */

static uint8_t table[TABLE_LEN + PAYLOAD_MAX + 1];

uint32_t mix(uint32_t a, uint32_t b)
{
	uint64_t x = ((uint64_t)a << 32 | b) + 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return (uint32_t)(x ^ (x >> 31));
}

void make_table(void)
{
	uint32_t i;

	for (i = 0; i < sizeof(table); i++)
		table[i] = (uint8_t)mix(i, 0x5d7);
}

unsigned int content_size(const struct options *o, uint32_t sock, uint32_t seq)
{
	return o->lo + mix(mix(o->run ^ 0x517e, sock), seq) % (o->hi - o->lo + 1);
}

void content_make(uint8_t *p, unsigned int len, uint32_t run, uint32_t sock, uint32_t seq)
{
	uint32_t h;

	if (len >= HEADER_LEN) {
		uint32_t header[4] = { run, sock, seq };

		h = mix(mix(run, sock), mix(seq, len));
		header[3] = h;
		memcpy(p, header, HEADER_LEN);
		memcpy(p + HEADER_LEN, table + h % TABLE_LEN, len - HEADER_LEN);
		return;
	}
	if (len > 0)
		p[0] = (uint8_t)seq;
	if (len > 1) {
		p[1] = (uint8_t)sock;
		memcpy(p + 2, table + mix(p[0] << 8 | p[1], len) % TABLE_LEN, len - 2);
	}
}

/* Whether @p is what content_make() makes of what it says of itself. */
bool content_whole(const uint8_t *p, unsigned int len)
{
	uint32_t header[4];

	if (len >= HEADER_LEN) {
		memcpy(header, p, HEADER_LEN);
		if (header[3] != mix(mix(header[0], header[1]), mix(header[2], len)))
			return false;
		return !memcmp(p + HEADER_LEN, table + header[3] % TABLE_LEN, len - HEADER_LEN);
	}
	return len < 3 || !memcmp(p + 2, table + mix(p[0] << 8 | p[1], len) % TABLE_LEN, len - 2);
}

bool bit_test_and_set(uint8_t *bits, uint32_t i)
{
	uint8_t mask = (uint8_t)(1 << (i & 7));
	bool was = bits[i >> 3] & mask;

	bits[i >> 3] |= mask;
	return was;
}
