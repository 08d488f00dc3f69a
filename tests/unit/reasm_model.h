/* SPDX-License-Identifier: GPL-2.0 */
/* What reasm.c has to come to, said byte by byte and without any thought for speed. */
#ifndef _REASM_MODEL_H
#define _REASM_MODEL_H

#include <linux/string.h>

#include "../../kmod/reasm.h"

struct reasm_model {
	u8 there[SDT_DATAGRAM_MAX];
	u32 pieces;
	struct {
		u32 offset, len;
		bool more;
	} piece[SDT_FRAGMENTS_MAX];
};

static inline bool reasm_model_contradicts(const struct reasm_model *m, u32 offset, u32 len, bool more)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (m->there[offset + i])
			return true;
	for (i = 0; i < m->pieces; i++) {
		u32 end = m->piece[i].offset + m->piece[i].len;

		if (!m->piece[i].more && (!more || offset + len > end))
			return true;
		if (!more && end > offset + len)
			return true;
	}
	return false;
}

static inline bool reasm_model_whole(const struct reasm_model *m)
{
	u32 end = 0, i;

	for (i = 0; i < m->pieces; i++)
		if (!m->piece[i].more)
			end = m->piece[i].offset + m->piece[i].len;
	for (i = 0; i < end; i++)
		if (!m->there[i])
			return false;
	return end;
}

static inline enum sdt_reasm_verdict reasm_model_add(struct reasm_model *m, u32 offset, u32 len,
						     bool more)
{
	u32 i;

	if (!len || offset % 8 || (more && len % 8) || offset > SDT_DATAGRAM_MAX ||
	    len > SDT_DATAGRAM_MAX || offset + len > SDT_DATAGRAM_MAX)
		return SDT_REASM_SHAPE;
	for (i = 0; i < m->pieces; i++)
		if (m->piece[i].offset == offset && m->piece[i].len == len &&
		    m->piece[i].more == more)
			return SDT_REASM_DUPLICATE;
	if (reasm_model_contradicts(m, offset, len, more))
		return SDT_REASM_OVERLAP;
	if (m->pieces == SDT_FRAGMENTS_MAX)
		return SDT_REASM_SHAPE;
	m->piece[m->pieces].offset = offset;
	m->piece[m->pieces].len = len;
	m->piece[m->pieces++].more = more;
	memset(m->there + offset, 1, len);
	return reasm_model_whole(m) ? SDT_REASM_WHOLE : SDT_REASM_NEW;
}

#endif
