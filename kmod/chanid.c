// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/kernel.h>

#include "chanid.h"

#define CHANID_END	(U32_MAX + 1ULL)

void sdt_chanid_init(struct sdt_chanid *c, u64 epoch, u32 first)
{
	c->epoch = epoch;
	c->next = first;
	c->live = 0;
	c->drawn = false;
}

int sdt_chanid_draw(struct sdt_chanid *c, u32 *id)
{
	if (c->next >= CHANID_END)
		return -ENOSPC;
	*id = (u32)c->next++;
	c->live++;
	c->drawn = true;
	return 0;
}

void sdt_chanid_done(struct sdt_chanid *c, u64 epoch)
{
	if (epoch == c->epoch)
		c->live--;
}

bool sdt_chanid_worn(const struct sdt_chanid *c)
{
	return c->next >= (c->drawn && !c->live ? SDT_CHANID_EARLY : CHANID_END);
}
