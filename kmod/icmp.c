// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors: of the networks on both sides, told across the link, and made for customers.
 *
 * None of them is authenticated, whoever sent it. So none closes, opens or moves anything:
 * an error is told to whom it may concern, or is a reason to look at the path MTU again.
 */
#include <linux/icmp.h>
#include <linux/jhash.h>
#include <net/netns/hash.h>

#include "bytes.h"
#include "channel.h"
#include "compat/compat.h"
#include "egress.h"
#include "icmp.h"
#include "outer.h"
#include "pmtu.h"
#include "ports.h"

static u32 now_ms(void)
{
	return jiffies_to_msecs(jiffies);
}

/* ---- made for customers and targets ---------------------------------------- */

static bool may_tell(struct sdt_tunnel *t, const struct in6_addr *who)
{
	u32 hash = jhash2((__force const u32 *)who->s6_addr32, 4, net_hash_mix(t->node->net));

	if (sdt_icmp_rate_take(&t->icmp_rate, hash, now_ms()))
		return true;
	sdt_drop(t->stats, SDT_DROP_ICMP_RATE, NULL);
	return false;
}

static void quote(struct sdt_icmp_quote *q, const struct sdt_packet *p)
{
	memcpy(q->src, &p->from.ip, sizeof(q->src));
	memcpy(q->dst, &p->to.ip, sizeof(q->dst));
	q->sport = ntohs(p->from.port);
	q->dport = ntohs(p->to.port);
	q->tos = p->tos;
}

/* @orig: the datagram, of whose payload as much is quoted as may be; NULL: not there any more. */
static struct sk_buff *make(const struct sdt_packet *p, u8 class, unsigned int payload,
			    const struct sk_buff *orig)
{
	bool v6 = p->from.family == AF_INET6;
	unsigned int data_off = v6 ? SDT_ICMP6_QUOTE_LEN : SDT_ICMP4_QUOTE_LEN;
	unsigned int headroom = LL_MAX_HEADER + sizeof(struct ipv6hdr);
	struct sdt_icmp_quote q = {};
	struct sk_buff *skb;

	quote(&q, p);
	if (orig) {
		q.len = orig->len;
		q.data_len = min_t(unsigned int, orig->len,
				   v6 ? SDT_ICMP6_DATA_MAX : SDT_ICMP4_DATA_MAX);
	}
	skb = alloc_skb(headroom + data_off + q.data_len, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	skb_reserve(skb, headroom);
	skb_put(skb, data_off + q.data_len);
	if (orig && skb_copy_bits(orig, 0, skb->data + data_off, q.data_len)) {
		kfree_skb(skb);
		return NULL;
	}
	sdt_icmp_write(skb->data, v6, class, payload, &q);
	return skb;
}

/* To p->from, which wrote to p->to. */
static void tell(struct sdt_tunnel *t, const struct sdt_packet *p, u8 class,
		 unsigned int payload, const struct sk_buff *orig)
{
	const struct sdt_flow flow = {
		.dst = &p->from,
		.src = &p->to.ip,
		.ifindex = p->from.ifindex ?: p->to.ifindex ?: p->vrf,
	};
	struct sk_buff *skb;
	int err;

	if (!may_tell(t, &p->from.ip))
		return;
	skb = make(p, class, payload, orig);
	/* Only the host itself says that nobody listens on a port; all else a router may say. */
	err = skb ? sdt_xmit_icmp(t->node->net, &flow, class == SDT_UNREACH_PORT, skb) : -ENOMEM;
	if (unlikely(err))
		sdt_drop(t->stats, sdt_egress_reason(err), NULL);
	else
		sdt_stat_inc(t->stats, SDT_STAT_TX_ICMP);
}

void sdt_icmp_too_big(struct sdt_tunnel *t, const struct sdt_packet *p, const struct sk_buff *skb,
		      unsigned int mtu_payload)
{
	tell(t, p, SDT_UNREACH_TOO_BIG, mtu_payload, skb);
}

void sdt_icmp_unreachable(struct sdt_tunnel *t, const struct sdt_endpoint *customer,
			  const struct sdt_endpoint *local, u32 ifindex,
			  const struct sdt_control *c)
{
	const struct sdt_packet p = {
		.from = *customer,
		.to = *local,
		.vrf = ifindex,
	};

	tell(t, &p, c->unreach.class, c->unreach.mtu, NULL);
}

/* ---- told to the peer -------------------------------------------------------- */

void sdt_icmp_report(struct sdt_tunnel *t, const struct sdt_channel *c,
		     const struct sdt_endpoint *target, const struct sdt_control *ctl)
{
	if (!sdt_icmp_rate_take(&t->icmp_rate, c->id, now_ms()))
		sdt_drop(t->stats, SDT_DROP_ICMP_RATE, NULL);
	else if (sdt_channel_control(t, c, target, ctl))
		sdt_stat_inc(t->stats, SDT_STAT_TX_UNREACHABLE);
}

u8 sdt_icmp_class(int err)
{
	switch (err) {
	case -ENETUNREACH:
		return SDT_UNREACH_NET;
	case -EHOSTUNREACH:
		return SDT_UNREACH_HOST;
	case -EACCES:
	case -EPERM:
		return SDT_UNREACH_PROHIBITED;
	default:
		return 0;
	}
}

void sdt_icmp_not_sent(struct sdt_tunnel *t, struct sdt_port *port, const struct sdt_endpoint *to,
		       int err)
{
	const struct sdt_dest *dest = rcu_dereference(port->dest);
	const struct sdt_control ctl = {
		.op = SDT_OP_UNREACHABLE,
		.unreach.class = sdt_icmp_class(err),
	};
	struct sdt_packet about = { .from = *to };

	if (!ctl.unreach.class || !t->ops->undelivered)
		return;
	sdt_endpoint_make(&about.to, &dest->local, port->number, dest->ifindex);
	t->ops->undelivered(t, port, &about, &ctl);
}

/* ---- heard ------------------------------------------------------------------- */

/* An ICMP error, read as an answer to the datagram that it quotes: from where that went to. */
struct icmp_error {
	struct sdt_packet about;
	struct sdt_control ctl;		/* the same as a frame */
};

static bool parse4(const struct sk_buff *skb, const u8 *icmp, struct icmp_error *e)
{
	const struct iphdr *iph = ip_hdr(skb);

	/* Other than of the first fragment: no ports are there. */
	if (iph->frag_off & htons(IP_OFFSET))
		return false;
	e->about.from.family = AF_INET;
	e->about.from.ip = sdt_ip_from4(iph->daddr);
	e->about.to.ip = sdt_ip_from4(iph->saddr);
	e->ctl.unreach.class = sdt_icmp4_class(icmp[0], icmp[1]);
	if (e->ctl.unreach.class == SDT_UNREACH_TOO_BIG)
		e->ctl.unreach.mtu = sdt_icmp_payload(false, sdt_get_be16(icmp + 6));
	return true;
}

static bool parse6(const struct sk_buff *skb, const u8 *icmp, struct icmp_error *e)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	u32 ifindex = skb->dev ? skb->dev->ifindex : 0;

	e->about.from.family = AF_INET6;
	e->about.from.ip = ip6h->daddr;
	e->about.to.ip = ip6h->saddr;
	if (ipv6_addr_type(&ip6h->daddr) & IPV6_ADDR_LINKLOCAL)
		e->about.from.ifindex = ifindex;
	if (ipv6_addr_type(&ip6h->saddr) & IPV6_ADDR_LINKLOCAL)
		e->about.to.ifindex = ifindex;
	e->ctl.unreach.class = sdt_icmp6_class(icmp[0], icmp[1]);
	if (e->ctl.unreach.class == SDT_UNREACH_TOO_BIG)
		e->ctl.unreach.mtu = sdt_icmp_payload(true, sdt_get_be32(icmp + 4));
	return true;
#else
	return false;
#endif
}

/*
 * False: none that concerns a sender of datagrams. What stands before a redirect of IPv6 is the
 * head of an option, whose type reads as that of an error which does not.
 */
static bool parse(const struct sk_buff *skb, struct icmp_error *e)
{
	const u8 *icmp = skb->data - SDT_ICMP_HDR_LEN;
	const struct udphdr *uh = udp_hdr(skb);
	bool ok;

	memset(e, 0, sizeof(*e));
	ok = skb->protocol == htons(ETH_P_IP) ? parse4(skb, icmp, e) : parse6(skb, icmp, e);
	if (!ok || !e->ctl.unreach.class)
		return false;
	e->ctl.op = SDT_OP_UNREACHABLE;
	e->about.from.port = uh->dest;
	e->about.to.port = uh->source;
	e->about.to.family = e->about.from.family;
	if (skb->dev && netif_is_l3_master(skb->dev))
		e->about.vrf = skb->dev->ifindex;
	return true;
}

static bool too_big(const struct icmp_error *e)
{
	return e->ctl.unreach.class == SDT_UNREACH_TOO_BIG;
}

/*
 * Plain datagrams leave without DF, so over IPv4 nothing needs to be told that they are too
 * big. Over IPv6 only the sender fragments: there the stack has to learn what fits.
 */
static bool plausible(const struct icmp_error *e)
{
	return !too_big(e) || (e->about.from.family == AF_INET6 && e->ctl.unreach.mtu);
}

/* About what an egress socket sent to a target. */
int sdt_icmp_port_error(struct sock *sk, struct sk_buff *skb)
{
	struct sdt_port *port = rcu_dereference_sk_user_data(sk);
	struct sdt_tunnel *t;
	struct icmp_error e;

	if (!port || !parse(skb, &e))
		return 0;
	t = port->tunnel;
	if (plausible(&e) && e.about.to.port == port->number && t->ops->undelivered &&
	    t->ops->undelivered(t, port, &e.about, &e.ctl))
		return 0;
	sdt_drop(t->stats, SDT_DROP_IN_ICMP, NULL);
	return too_big(&e);
}

/* Does somebody get answers from here who may have made @about? */
static bool customer_known(struct sdt_tunnel *t, const struct sdt_packet *about)
{
	const struct sdt_dest *dest = rcu_dereference(t->dest);
	struct sdt_channel_key key;

	if (dest)
		return sdt_endpoint_equal(&about->from, &dest->remote) &&
		       about->to.port == dest->sport;
	if (!t->channels)
		return false;
	sdt_channel_key(&key, about);
	return sdt_channel_by_key(t, &key);
}

/* About what customers were answered: nobody on the other node is to know. */
int sdt_icmp_listener_error(struct sock *sk, struct sk_buff *skb)
{
	struct sdt_tunnel *t = rcu_dereference_sk_user_data(sk);
	struct icmp_error e;

	if (!t || !parse(skb, &e))
		return 0;
	if (too_big(&e) && plausible(&e) && customer_known(t, &e.about))
		return 0;
	sdt_drop(t->stats, SDT_DROP_IN_ICMP, NULL);
	return too_big(&e);
}

/* The link that sends from @s to where @about says, and its lane. */
static struct sdt_link *quoted_link(const struct sdt_sock *s, const struct sdt_packet *about,
				    unsigned int *lane)
{
	struct sdt_link *link;
	unsigned long id;
	unsigned int i;

	xa_for_each(&s->node->links, id, link)
		for (i = 0; i < SDT_LANES_MAX; i++) {
			/* pairs with the store in grow_lanes() */
			struct sdt_lane *l = smp_load_acquire(&link->lanes[i]);
			const struct sdt_path *path = l ? rcu_dereference(l->path) : NULL;

			if (path && path->sock_lane == s->lane &&
			    sdt_endpoint_equal(&path->remote, &about->from)) {
				*lane = i;
				return link;
			}
		}
	return NULL;
}

/*
 * About messages of links. That the peer cannot be reached, only the peer's silence tells; a
 * size that is said to fit is something to be tried.
 */
int sdt_icmp_outer_error(struct sock *sk, struct sk_buff *skb)
{
	const struct sdt_sock *s = rcu_dereference_sk_user_data(sk);
	struct icmp_error e;
	struct sdt_link *link;
	unsigned int lane;

	if (!s || !parse(skb, &e))
		return 0;
	/* To look for the link is not cheap. */
	if (!sdt_icmp_bucket_take(&s->node->icmp_rate, now_ms())) {
		sdt_drop(s->node->stats, SDT_DROP_RX_ICMP, NULL);
		return too_big(&e);
	}
	link = e.about.to.port == s->port ? quoted_link(s, &e.about, &lane) : NULL;
	if (!link)
		sdt_drop(s->node->stats, SDT_DROP_RX_ICMP, NULL);
	else if (too_big(&e))
		sdt_pmtu_icmp(link, lane, e.ctl.unreach.mtu);
	else
		sdt_drop(link->stats, SDT_DROP_RX_ICMP_PEER, NULL);
	return link ? 0 : too_big(&e);
}
