// SPDX-License-Identifier: GPL-2.0
/* Round trips that somebody asked for: which PING was whose, and how long it took. */
#include <linux/ktime.h>
#include <linux/random.h>

#include "compat/compat.h"
#include "lane.h"
#include "netlink.h"
#include "ping.h"

#define SDT_PINGS_MAX		32	/* outstanding, a link; the oldest makes room */
#define SDT_PING_TIMEOUT_NS	(10 * (u64)NSEC_PER_SEC)
#define SDT_PING_MESSAGE_SIZE	256

/* Fixed parts of a message that holds a PING, and of the PAD behind it. */
#define SDT_PING_BARE	(SDT_DATA_MIN_LEN + 1 + SDT_CONTROL_MAX)
#define SDT_PING_PADDED	(SDT_PING_BARE + 2 + 2)	/* a length, then the shortest PAD */

struct ping {
	u8 opaque[SDT_PING_LEN];
	u64 sent;			/* ns; 0: answered, or never used */
	u32 portid, seq;		/* who asked, in which request */
	u32 number;
	u16 size;			/* of the message, exactly; 0: as it comes */
	u8 lane;
};

/* Owner: the link, which frees it with itself. Made with the first ping. */
struct sdt_pings {
	spinlock_t lock;		/* BH */
	unsigned int next;		/* the oldest */
	struct ping v[SDT_PINGS_MAX];
};

static struct sdt_pings *pings_of(struct sdt_link *link)
{
	struct sdt_pings *p = link->pings;

	lockdep_assert_held(&link->node->lock);
	if (p)
		return p;
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return NULL;
	spin_lock_init(&p->lock);
	/* pairs with the load in sdt_ping_answered() */
	smp_store_release(&link->pings, p);
	return p;
}

/* ---- out ------------------------------------------------------------------ */

/* May @ping be sent now? RCU. */
static int check_lane(struct sdt_link *link, const struct ping *ping,
		      struct netlink_ext_ack *extack)
{
	const struct sdt_keypair *kp = rcu_dereference(link->current_kp);

	if (!sdt_keypair_usable(kp)) {
		/* as any datagram would */
		sdt_link_want(link, SDT_LINK_WANT_HANDSHAKE);
		NL_SET_ERR_MSG(extack, "the link is not up");
		return -ENETDOWN;
	}
	if (ping->lane >= kp->lanes || (ping->lane && !test_bit(ping->lane, &kp->lanes_up))) {
		NL_SET_ERR_MSG(extack, "nothing was heard on this lane since the last handshake");
		return -EHOSTUNREACH;
	}
	if (ping->size > kp->max_message) {
		NL_SET_ERR_MSG(extack, "the size is more than the peer accepts");
		return -EMSGSIZE;
	}
	return 0;
}

static int check_size(u16 size, struct netlink_ext_ack *extack)
{
	if (size == SDT_PING_BARE || size >= SDT_PING_PADDED)
		return 0;
	BUILD_BUG_ON(SDT_PING_BARE != 34 || SDT_PING_PADDED != 38);
	NL_SET_ERR_MSG(extack, "a message with a ping has 34 bytes, or 38 and more");
	return -ERANGE;
}

static void remember(struct sdt_pings *p, const struct ping *ping)
{
	spin_lock_bh(&p->lock);
	p->v[p->next] = *ping;
	p->next = (p->next + 1) % SDT_PINGS_MAX;
	spin_unlock_bh(&p->lock);
}

static int send(struct sdt_link *link, struct ping *ping, struct netlink_ext_ack *extack)
{
	struct sdt_pings *p = pings_of(link);
	struct sk_buff *skb;
	int err;

	if (!p)
		return -ENOMEM;
	get_random_bytes(ping->opaque, sizeof(ping->opaque));
	local_bh_disable();
	rcu_read_lock();
	err = check_lane(link, ping, extack);
	if (err)
		goto out;
	skb = sdt_path_control(NULL, ping->lane, SDT_OP_PING, ping->opaque,
			       ping->size ? ping->size - SDT_DATA_MIN_LEN : 0);
	if (!skb) {
		err = -ENOMEM;
		goto out;
	}
	ping->sent = ktime_get_ns();
	remember(p, ping);
	sdt_stat_inc(link->stats, SDT_STAT_TX_PINGS);
	sdt_link_send(link, skb);
out:
	rcu_read_unlock();
	local_bh_enable();
	return err;
}

int sdt_nl_link_ping(struct sk_buff *skb, struct genl_info *info)
{
	struct ping ping = { .portid = info->snd_portid, .seq = info->snd_seq };
	struct nlattr *tb[SDT_A_PING_MAX + 1];
	struct sdt_node *node;
	struct sdt_link *link;
	int err;

	if (!info->attrs[SDT_A_PING]) {
		NL_SET_ERR_MSG(info->extack, "the link's name is missing");
		return -EINVAL;
	}
	err = nla_parse_nested(tb, SDT_A_PING_MAX, info->attrs[SDT_A_PING], NULL, info->extack);
	if (err)
		return err;
	ping.number = tb[SDT_A_PING_NUMBER] ? nla_get_u32(tb[SDT_A_PING_NUMBER]) : 0;
	ping.lane = tb[SDT_A_PING_LANE] ? nla_get_u8(tb[SDT_A_PING_LANE]) : 0;
	ping.size = tb[SDT_A_PING_SIZE] ? nla_get_u16(tb[SDT_A_PING_SIZE]) : 0;
	err = tb[SDT_A_PING_SIZE] ? check_size(ping.size, info->extack) : 0;
	if (err)
		return err;
	node = sdt_nl_lock(info);
	if (IS_ERR(node))
		return PTR_ERR(node);
	link = sdt_nl_named_link(node, tb[SDT_A_PING_LINK], info->extack);
	err = IS_ERR(link) ? PTR_ERR(link) : send(link, &ping, info->extack);
	mutex_unlock(&node->lock);
	return err;
}

/* ---- in ------------------------------------------------------------------- */

/* Take out what was outstanding under @opaque on @lane. */
static bool take(struct sdt_pings *p, u8 lane, const u8 *opaque, u64 now, struct ping *ping)
{
	bool found = false;
	unsigned int i;

	spin_lock_bh(&p->lock);
	for (i = 0; i < SDT_PINGS_MAX && !found; i++) {
		struct ping *v = &p->v[i];

		if (!v->sent || v->lane != lane || memcmp(v->opaque, opaque, SDT_PING_LEN))
			continue;
		*ping = *v;
		v->sent = 0;
		found = true;
	}
	spin_unlock_bh(&p->lock);
	return found && now - ping->sent < SDT_PING_TIMEOUT_NS;
}

static int put_answer(struct sk_buff *skb, const struct sdt_link *link, const struct ping *ping,
		      u64 rtt)
{
	struct nlattr *nest = nla_nest_start(skb, SDT_A_PING);

	if (!nest ||
	    nla_put_string(skb, SDT_A_PING_LINK, link->name) ||
	    nla_put_u32(skb, SDT_A_PING_NUMBER, ping->number) ||
	    nla_put_u8(skb, SDT_A_PING_LANE, ping->lane) ||
	    (ping->size && nla_put_u16(skb, SDT_A_PING_SIZE, ping->size)) ||
	    nla_put(skb, SDT_A_PING_RTT, sizeof(rtt), &rtt))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* To the socket that asked; if it is closed meanwhile, to nobody. */
static void answer(const struct sdt_link *link, const struct ping *ping, u64 rtt)
{
	struct sk_buff *skb = genlmsg_new(SDT_PING_MESSAGE_SIZE, GFP_ATOMIC);
	void *hdr;

	if (!skb)
		return;
	hdr = genlmsg_put(skb, ping->portid, ping->seq, &sdt_genl_family, 0, SDT_CMD_LINK_PING);
	if (!hdr || put_answer(skb, link, ping, rtt)) {
		WARN_ON_ONCE(1);
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_unicast(link->node->net, skb, ping->portid);
}

bool sdt_ping_answered(struct sdt_link *link, u8 lane, const u8 *opaque)
{
	/* pairs with the store in pings_of() */
	struct sdt_pings *p = smp_load_acquire(&link->pings);
	u64 now = ktime_get_ns();
	struct ping ping;

	if (!p || !take(p, lane, opaque, now, &ping))
		return false;
	sdt_stat_inc(link->stats, SDT_STAT_RX_PONGS);
	answer(link, &ping, now - ping.sent);
	return true;
}

void sdt_pings_free(struct sdt_link *link)
{
	kfree(link->pings);
}
