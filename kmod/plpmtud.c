// SPDX-License-Identifier: GPL-2.0
#include <linux/string.h>

#include "plpmtud.h"

static u32 at_most(u32 a, u32 b)
{
	return a < b ? a : b;
}

static void probe(struct sdt_plpmtud *p, u32 size)
{
	p->probe = size;
	p->due = true;
	p->lost = 0;
}

static void no_probe(struct sdt_plpmtud *p)
{
	p->probe = 0;
	p->due = false;
	p->lost = 0;
}

static void nothing_failed(struct sdt_plpmtud *p)
{
	p->fail = p->max + 1;
	p->hinted = false;
}

static void search_over(struct sdt_plpmtud *p)
{
	p->state = SDT_PLPMTUD_COMPLETE;
	no_probe(p);
}

/*
 * What to try next between what passes and what does not. The greatest first: most paths
 * take what their first hop takes, and then one round trip settles it.
 */
static void seek(struct sdt_plpmtud *p)
{
	p->state = SDT_PLPMTUD_SEARCHING;
	if (p->fail > p->max && p->size < p->max)
		probe(p, p->max);
	else if (p->fail - p->size <= SDT_PLPMTU_GRAIN)
		search_over(p);
	else
		probe(p, (p->size + p->fail) / 2);
}

/* Before searching above it: does the base size pass? */
static void try_base(struct sdt_plpmtud *p)
{
	p->state = SDT_PLPMTUD_BASE;
	p->size = at_most(SDT_PLPMTU_BASE, p->max);
	/* The base size may be what failed just now: then it is asked anew. */
	if (p->fail <= p->size)
		nothing_failed(p);
	probe(p, p->size);
}

static void base_fails(struct sdt_plpmtud *p)
{
	p->state = SDT_PLPMTUD_ERROR;
	p->proved = false;
	p->size = at_most(SDT_PLPMTU_MIN, p->max);
	nothing_failed(p);
	no_probe(p);
}

void sdt_plpmtud_start(struct sdt_plpmtud *p, u32 max)
{
	memset(p, 0, sizeof(*p));
	p->max = max;
	p->size = at_most(SDT_PLPMTU_BASE, max);
	nothing_failed(p);
	seek(p);
}

void sdt_plpmtud_stop(struct sdt_plpmtud *p)
{
	memset(p, 0, sizeof(*p));
}

void sdt_plpmtud_bound(struct sdt_plpmtud *p, u32 max)
{
	bool none = p->fail > p->max;

	if (p->state == SDT_PLPMTUD_OFF || p->max == max)
		return;
	p->max = max;
	if (none || p->fail > max)
		nothing_failed(p);
	p->size = at_most(p->size, max);
	if (p->state == SDT_PLPMTUD_BASE)
		try_base(p);
	else if (p->state == SDT_PLPMTUD_ERROR)
		no_probe(p);
	else
		seek(p);
}

void sdt_plpmtud_acked(struct sdt_plpmtud *p)
{
	u32 size = p->probe;

	if (!size)
		return;
	no_probe(p);
	p->proved = true;
	p->size = size;
	if (p->state != SDT_PLPMTUD_COMPLETE)
		seek(p);
}

void sdt_plpmtud_lost(struct sdt_plpmtud *p)
{
	if (!p->probe)
		return;
	p->due = true;
	if (++p->lost < SDT_PLPMTU_PROBES)
		return;
	if (p->state == SDT_PLPMTUD_SEARCHING) {
		p->fail = p->probe;
		p->hinted = false;
		if (p->proved)
			seek(p);
		else
			try_base(p);
	} else if (p->state == SDT_PLPMTUD_COMPLETE && p->size > SDT_PLPMTU_BASE) {
		/* a black hole; or the path is dead, and all is as before when it comes back */
		nothing_failed(p);
		try_base(p);
	} else {
		base_fails(p);
	}
}

void sdt_plpmtud_hint(struct sdt_plpmtud *p, u32 size)
{
	u32 largest = p->probe > p->size ? p->probe : p->size;

	if (p->state != SDT_PLPMTUD_SEARCHING && p->state != SDT_PLPMTUD_COMPLETE)
		return;
	if (size < SDT_PLPMTU_BASE || size >= largest)
		return;
	if (size < p->size) {
		p->size = SDT_PLPMTU_BASE;
		p->proved = false;
	}
	p->fail = size + 1;
	p->hinted = true;
	if (size > p->size) {
		p->state = SDT_PLPMTUD_SEARCHING;
		probe(p, size);
	} else if (p->proved) {
		search_over(p);
	} else {
		try_base(p);
	}
}

void sdt_plpmtud_confirm(struct sdt_plpmtud *p)
{
	if (p->probe)
		return;
	if (p->state == SDT_PLPMTUD_COMPLETE)
		probe(p, p->size);
	else if (p->state == SDT_PLPMTUD_ERROR)
		probe(p, at_most(SDT_PLPMTU_BASE, p->max));
}

void sdt_plpmtud_raise(struct sdt_plpmtud *p)
{
	if (p->state != SDT_PLPMTUD_COMPLETE)
		return;
	nothing_failed(p);
	seek(p);
}

u32 sdt_plpmtud_tell(const struct sdt_plpmtud *p)
{
	switch (p->state) {
	case SDT_PLPMTUD_OFF:
		return (u32)-1;
	case SDT_PLPMTUD_COMPLETE:
		return p->size;
	default:
		return p->max;
	}
}
