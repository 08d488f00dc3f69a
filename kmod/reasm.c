// SPDX-License-Identifier: GPL-2.0
#include <linux/string.h>

#include "reasm.h"

static u32 begin_of(const struct sdt_reasm *r, u32 i)
{
	return r->piece[i].offset * SDT_FRAGMENT_UNIT;
}

static u32 end_of(const struct sdt_reasm *r, u32 i)
{
	return begin_of(r, i) + r->piece[i].len;
}

/* The first piece that does not begin before @offset. Mostly the last one came last. */
static u32 place(const struct sdt_reasm *r, u32 offset)
{
	u32 i = r->pieces;

	while (i && begin_of(r, i - 1) >= offset)
		i--;
	return i;
}

static bool well_formed(u32 offset, u32 len, bool more)
{
	if (!len || offset % SDT_FRAGMENT_UNIT || (more && len % SDT_FRAGMENT_UNIT))
		return false;
	return offset <= SDT_DATAGRAM_MAX && len <= SDT_DATAGRAM_MAX - offset;
}

/* Does [@offset, @offset + @len) lie free before piece @i, and the datagram's end where it may? */
static bool fits(const struct sdt_reasm *r, u32 i, u32 offset, u32 len, bool more)
{
	if (i && end_of(r, i - 1) > offset)
		return false;
	if (i < r->pieces)
		return more && offset + len <= begin_of(r, i);
	return !r->end;
}

static void insert(struct sdt_reasm *r, u32 i, u32 offset, u32 len)
{
	memmove(&r->piece[i + 1], &r->piece[i], (r->pieces - i) * sizeof(r->piece[0]));
	r->piece[i].offset = offset / SDT_FRAGMENT_UNIT;
	r->piece[i].len = len;
	r->pieces++;
	r->got += len;
}

enum sdt_reasm_verdict sdt_reasm_add(struct sdt_reasm *r, u32 offset, u32 len, bool more)
{
	u32 i;

	if (!well_formed(offset, len, more))
		return SDT_REASM_SHAPE;
	i = place(r, offset);
	if (i < r->pieces && begin_of(r, i) == offset && r->piece[i].len == len &&
	    more == (r->end != offset + len))
		return SDT_REASM_DUPLICATE;
	if (!fits(r, i, offset, len, more))
		return SDT_REASM_OVERLAP;
	if (r->pieces == SDT_FRAGMENTS_MAX)
		return SDT_REASM_SHAPE;
	insert(r, i, offset, len);
	if (!more)
		r->end = offset + len;
	return r->got == r->end ? SDT_REASM_WHOLE : SDT_REASM_NEW;
}
