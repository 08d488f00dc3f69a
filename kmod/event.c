// SPDX-License-Identifier: GPL-2.0
/* Events to whoever listens, from any place of the data path. */
#include <linux/ktime.h>

#include "compat/compat.h"
#include "event.h"
#include "netlink.h"

#define EVENTS_A_SECOND		100
#define EVENT_INTERVAL_NS	(NSEC_PER_SEC / EVENTS_A_SECOND)
#define EVENT_MESSAGE_SIZE	512

/*
 * A bucket of a second's events without a lock: node->event_time is when all
 * those sent would be over, one an interval; it runs ahead of the clock by one
 * second at most.
 */
static bool event_allowed(struct sdt_node *node)
{
	s64 now = ktime_get_ns();
	s64 old, time;

	do {
		old = atomic64_read(&node->event_time);
		time = max(old, now) + EVENT_INTERVAL_NS;
		if (time - now > (s64)NSEC_PER_SEC)
			return false;
	} while (atomic64_cmpxchg(&node->event_time, old, time) != old);
	return true;
}

/* A link going up or down is rare, and what a watchdog waits for. */
static bool event_exempt(enum sdt_event type)
{
	return type == SDT_EVENT_LINK_UP || type == SDT_EVENT_LINK_DOWN;
}

static int put_event(struct sk_buff *skb, const struct sdt_event_info *info, u32 lost)
{
	struct nlattr *nest = nla_nest_start(skb, SDT_A_EVENT);

	if (!nest ||
	    nla_put_u8(skb, SDT_A_EVENT_TYPE, info->type) ||
	    (info->link && nla_put_string(skb, SDT_A_EVENT_LINK, info->link)) ||
	    (info->tunnel && nla_put_string(skb, SDT_A_EVENT_TUNNEL, info->tunnel)) ||
	    (info->has_channel && nla_put_u32(skb, SDT_A_EVENT_CHANNEL, info->channel)) ||
	    (info->endpoint && info->endpoint->family &&
	     sdt_nl_put_endpoint(skb, SDT_A_EVENT_ENDPOINT, info->endpoint)) ||
	    (info->reason && nla_put_u8(skb, SDT_A_EVENT_REASON, info->reason)) ||
	    (info->remote && nla_put_flag(skb, SDT_A_EVENT_REMOTE)) ||
	    (info->path_mtu && nla_put_u16(skb, SDT_A_EVENT_PATH_MTU, info->path_mtu)) ||
	    (lost && nla_put_u32(skb, SDT_A_EVENT_LOST, lost)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

void sdt_event_send(struct sdt_node *node, const struct sdt_event_info *info)
{
	struct sk_buff *skb;
	u32 lost;
	void *hdr;

	if (!genl_has_listeners(&sdt_genl_family, node->net, 0))
		return;
	if (!event_exempt(info->type) && !event_allowed(node)) {
		atomic_inc(&node->events_lost);
		return;
	}
	skb = genlmsg_new(EVENT_MESSAGE_SIZE, GFP_ATOMIC);
	if (!skb) {
		atomic_inc(&node->events_lost);
		return;
	}
	lost = atomic_xchg(&node->events_lost, 0);
	hdr = genlmsg_put(skb, 0, 0, &sdt_genl_family, 0, SDT_CMD_EVENT);
	if (!hdr || put_event(skb, info, lost)) {
		WARN_ON_ONCE(1);
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&sdt_genl_family, node->net, skb, 0, 0, GFP_ATOMIC);
}
