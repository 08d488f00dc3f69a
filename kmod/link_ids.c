// SPDX-License-Identifier: GPL-2.0
/* A link's own channel ids, and the epoch under which they are drawn. */
#include <linux/moduleparam.h>
#include <linux/random.h>

#include "lane.h"
#include "link.h"

static unsigned int test_first_id;
module_param(test_first_id, uint, 0600);
MODULE_PARM_DESC(test_first_id, "For tests only: first channel id of a new link's first epoch");

/* id_lock */
static void renumber(struct sdt_link *link, u32 first)
{
	u64 epoch;

	do {
		get_random_bytes(&epoch, sizeof(epoch));
	} while (epoch == link->ids.epoch);
	sdt_chanid_init(&link->ids, epoch, first);
}

/**
 * sdt_link_ids_init() - a new link's first epoch; nobody else knows the link
 * @link: the link
 */
void sdt_link_ids_init(struct sdt_link *link)
{
	spin_lock_init(&link->id_lock);
	renumber(link, READ_ONCE(test_first_id));
}

/**
 * sdt_link_new_epoch() - start the link's own channel ids afresh; any context
 * @link: the link
 */
void sdt_link_new_epoch(struct sdt_link *link)
{
	spin_lock_bh(&link->id_lock);
	renumber(link, 0);
	spin_unlock_bh(&link->id_lock);
}

/**
 * sdt_link_announced_epoch() - what a handshake is to say; a new epoch where one is due
 * @link: the link
 *
 * Context: process.
 */
u64 sdt_link_announced_epoch(struct sdt_link *link)
{
	u64 epoch;

	spin_lock_bh(&link->id_lock);
	if (sdt_chanid_worn(&link->ids))
		renumber(link, 0);
	epoch = link->ids.epoch;
	spin_unlock_bh(&link->id_lock);
	return epoch;
}

void sdt_link_draw_id(struct sdt_link *link, u32 *id, u64 *epoch)
{
	bool used_up;

	spin_lock_bh(&link->id_lock);
	used_up = sdt_chanid_draw(&link->ids, id);
	if (used_up) {
		renumber(link, 0);
		sdt_chanid_draw(&link->ids, id);
	}
	*epoch = link->ids.epoch;
	spin_unlock_bh(&link->id_lock);
	/* what is sent under the new epoch waits for a keypair that has it */
	if (used_up)
		sdt_link_want(link, SDT_LINK_WANT_REKEY);
}

void sdt_link_id_done(struct sdt_link *link, u64 epoch)
{
	spin_lock_bh(&link->id_lock);
	sdt_chanid_done(&link->ids, epoch);
	spin_unlock_bh(&link->id_lock);
}
