// SPDX-License-Identifier: GPL-2.0
/*
 * Direct mode: one customer at each end, both ends alike. The tunnel is the
 * channel: no ids, no tables, no expiry; either side may speak first.
 */
#include "channel.h"
#include "compat/compat.h"
#include "egress.h"
#include "ingress.h"
#include "modes.h"

static int direct_validate(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (cfg->role != SDT_ROLE_DIRECT) {
		NL_SET_ERR_MSG(extack, "direct mode has no roles: both ends are alike");
		return -EINVAL;
	}
	if (cfg->set & (SDT_CFG_LIMITS | SDT_CFG_EGRESS | SDT_CFG_CLIENT | SDT_CFG_ROUTER |
			BIT(SDT_A_TUNNEL_TARGET))) {
		NL_SET_ERR_MSG(extack, "direct mode takes listen and customer, and has neither channels nor a target");
		return -EINVAL;
	}
	if (!cfg->listen.port || !cfg->customer.port) {
		NL_SET_ERR_MSG(extack, "direct mode needs listen and customer");
		return -EINVAL;
	}
	if (cfg->listen.family && cfg->listen.family != cfg->customer.family) {
		NL_SET_ERR_MSG(extack, "listen and customer are of different address families");
		return -EINVAL;
	}
	return 0;
}

static int direct_start(struct sdt_tunnel *t, struct netlink_ext_ack *extack)
{
	return sdt_tunnel_meet_customer(t) ?: sdt_tunnel_listen(t, extack);
}

/*
 * Did the customer write to another local address, or from another VRF, than before?
 * After the first time one change a second is followed: whoever forges sources
 * can alternate.
 */
static bool local_changed(const struct sdt_dest *dest, const struct sdt_packet *p)
{
	if (likely(ipv6_addr_equal(&p->to.ip, &dest->local) && p->vrf == dest->ifindex))
		return false;
	return !dest->learned || sdt_since(dest->born) >= HZ;
}

/* Answer from there, from now on. */
static void learn_local(struct sdt_tunnel *t, const struct sdt_packet *p)
{
	struct sdt_dest *dest, *fresh, *gone = NULL;

	fresh = sdt_dest_alloc(&p->from, &p->to.ip, p->vrf, GFP_ATOMIC | __GFP_NOWARN);
	if (!fresh)
		return;
	fresh->learned = true;
	spin_lock_bh(&t->lock);
	dest = rcu_dereference_protected(t->dest, lockdep_is_held(&t->lock));
	/* Unless listen or customer was changed meanwhile, or another CPU did the same. */
	if (sdt_endpoint_equal(&dest->remote, &p->from) && dest->sport == p->to.port &&
	    (dest->local_hint || ipv6_addr_equal(&p->to.ip, &dest->local)) &&
	    local_changed(dest, p)) {
		gone = dest;
		fresh->sport = dest->sport;
		fresh->local_hint = dest->local_hint;
		rcu_assign_pointer(t->dest, fresh);
		fresh = NULL;
	}
	spin_unlock_bh(&t->lock);
	sdt_dest_free(gone);
	sdt_dest_free(fresh);
}

static void direct_ingress(struct sdt_tunnel *t, struct sk_buff *skb, const struct sdt_packet *p)
{
	const struct sdt_dest *dest = rcu_dereference(t->dest);

	if (unlikely(!sdt_endpoint_equal(&p->from, &dest->remote))) {
		sdt_drop(t->stats, SDT_DROP_IN_CUSTOMER, skb);
		return;
	}
	if (unlikely(local_changed(dest, p)))
		learn_local(t, p);
	sdt_ingress_send(t, p, skb);
}

static void direct_egress(struct sdt_tunnel *t, const struct sdt_rx *rx, const struct sdt_frame *f,
			  struct sk_buff *skb)
{
	struct sdt_dest *dest = rcu_dereference(t->dest);
	struct sdt_flow flow;

	if (unlikely(f->reply || f->has_channel || f->af != SDT_FRAME_AF_NONE)) {
		sdt_drop(t->stats, SDT_DROP_OUT_ROLE, skb);
		return;
	}
	flow = (struct sdt_flow) {
		.sk = sdt_egress_listener(t, dest->remote.family),
		.dst = &dest->remote,
		.src = &dest->local,
		.src_hint = dest->local_hint,
		.sport = dest->sport,
		.ifindex = dest->remote.ifindex ?: dest->ifindex,
		.tos = rx->tos,
		.cache = &dest->cache,
	};
	if (unlikely(!flow.sk))
		sdt_drop(t->stats, SDT_DROP_DELETED, skb);
	else
		sdt_egress_send(t, &flow, skb);
}

static void direct_control(struct sdt_tunnel *t, const struct sdt_rx *rx,
			   const struct sdt_frame *f, const struct sdt_control *c)
{
	/* There is nothing to close or to refuse. */
	sdt_drop(t->stats, SDT_DROP_OUT_ROLE, NULL);
}

const struct sdt_mode_ops sdt_mode_direct = {
	.mode = SDT_MODE_DIRECT,
	.name = "direct",
	.validate = direct_validate,
	.start = direct_start,
	.ingress = direct_ingress,
	.egress = direct_egress,
	.control = direct_control,
};
