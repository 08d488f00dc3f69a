// SPDX-License-Identifier: GPL-2.0
/* Role raw. */
#include <stdio.h>

#include "sdtload.h"

static unsigned int unhex(const char *text, uint8_t *p)
{
	unsigned int n, byte;

	for (n = 0; text[2 * n] && text[2 * n + 1] && n < PAYLOAD_MAX; n++) {
		if (sscanf(text + 2 * n, "%2x", &byte) != 1)
			die("what is %s in hex?", text);
		p[n] = (uint8_t)byte;
	}
	return n;
}

/* Random bytes whose first ones lead into every branch of a receiver of SDT messages. */
static unsigned int random_message(uint32_t seed, uint32_t i, uint8_t *p)
{
	static const unsigned int sizes[] = { 0, 1, 7, 8, 9, 23, 24, 25, 64, 148, 192, 191, 193, 1400 };
	uint32_t r = mix(seed, i), len = sizes[r % (sizeof(sizes) / sizeof(*sizes))], k;

	if (r & 0x10000)
		len = (r >> 17) % 1473;
	for (k = 0; k < len; k++)
		p[k] = (uint8_t)mix(r, k);
	if (len && r & 0x8000)
		p[0] = (uint8_t)(((r >> 8) % 6) << 4 | (r & 0x4000 ? 0 : r & 15));
	if (len > 3 && r & 0x2000) {
		p[1] = 1;
		p[2] = (uint8_t)(1 + (r >> 12) % 2);
		p[3] = 0;
	}
	return len;
}

static void raw_send(struct customer *c, const struct options *o, const uint8_t *p, unsigned int len)
{
	tally[SENT]++;
	if (!customer_write(c, o, p, len, 0, 0))
		tally[SEND_ERRORS]++;
}

int run_raw(struct options *o)
{
	uint8_t *buffer = allocate(PAYLOAD_MAX + 1, 1);
	struct customer *c;
	unsigned int round, i;
	int k;

	o->sockets = o->tos;
	o->count = 0;
	c = customers_open(o);
	ready();
	for (round = 0; round < o->repeat; round++) {
		for (i = 0; i < o->random; i++) {
			unsigned int len = random_message(mix(o->seed, round), i, buffer);

			raw_send(&c[i % o->tos], o, buffer, len);
		}
		for (k = 0; k < o->rests; k++)
			raw_send(&c[0], o, buffer, unhex(o->rest[k], buffer));
	}
	return report(o);
}
