// SPDX-License-Identifier: GPL-2.0
/* The only file that knows UDP tunnels, bind, routes, and how a packet leaves. */
#include <linux/module.h>
#include <linux/net.h>
#include <linux/udp.h>
#include <net/dst_cache.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/lwtunnel.h>
#include <net/route.h>
#include <net/udp_tunnel.h>

#include "compat/compat.h"
#include "compat/errors.h"
#include "icmpmsg.h"
#include "socket.h"

/* ---- sockets ---------------------------------------------------------- */

static int endpoint_to_sockaddr(const struct sdt_endpoint *e, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (e->family == AF_INET) {
		sin->sin_family = AF_INET;
		sin->sin_addr.s_addr = sdt_ip_to4(&e->ip);
		sin->sin_port = e->port;
		return sizeof(*sin);
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_addr = e->ip;
	sin6->sin6_port = e->port;
	sin6->sin6_scope_id = e->ifindex;
	return sizeof(*sin6);
}

/*
 * What ICMP says about these packets is judged by the owner of the path, and nothing that
 * is forged gets into the host's routes. Routes' own MTU holds as before.
 */
static void own_pmtu(struct socket *sock, u16 family)
{
#if IS_ENABLED(CONFIG_IPV6)
	int val = IPV6_PMTUDISC_INTERFACE;

	/* Where the error queue has to serve, such a socket of IPv6 would hear nothing of it. */
	if (family == AF_INET6 && sdt_compat_errors_hooked())
		sock->ops->setsockopt(sock, SOL_IPV6, IPV6_MTU_DISCOVER, KERNEL_SOCKPTR(&val),
				      sizeof(val));
#endif
	if (family == AF_INET)
		ip_sock_set_mtu_discover(sock->sk, IP_PMTUDISC_INTERFACE);
}

static int open_plain(struct net *net, const struct sdt_socket_cfg *cfg, struct socket **sock)
{
	struct udp_port_cfg port = {
		.family = cfg->family,
		.bind_ifindex = cfg->ifindex ?: cfg->local.ifindex,
		.local_udp_port = cfg->local.port,
		.use_udp_checksums = 1,
		.use_udp6_tx_checksums = 1,
		.use_udp6_rx_checksums = 1,
		.ipv6_v6only = 1,
	};

	if (cfg->family == AF_INET)
		port.local_ip.s_addr = sdt_ip_to4(&cfg->local.ip);
#if IS_ENABLED(CONFIG_IPV6)
	else
		port.local_ip6 = cfg->local.ip;
#endif
	return udp_sock_create(net, &port, sock);
}

/*
 * May it be bound to an address that is not this host's? The option wants CAP_NET_ADMIN
 * of whoever calls. A worker has it always, and whoever configured what the worker
 * does had it then: no request that changes anything is taken from others.
 */
static int set_transparent(struct socket *sock)
{
	bool v6 = sock->sk->sk_family == AF_INET6;
	int one = 1;

	return READ_ONCE(sock->ops)->setsockopt(sock, v6 ? SOL_IPV6 : SOL_IP,
						v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT,
						KERNEL_SOCKPTR(&one), sizeof(one));
}

static void socket_discard(struct socket *sock)
{
	kernel_sock_shutdown(sock, SHUT_RDWR);
	sock_release(sock);
}

/* The same, but the option stands between birth and bind. */
static int open_transparent(struct net *net, const struct sdt_socket_cfg *cfg,
			    struct socket **sockp)
{
	u32 ifindex = cfg->ifindex ?: cfg->local.ifindex;
	struct sdt_endpoint local = cfg->local;
	struct sockaddr_storage ss;
	struct socket *sock;
	int err, len;

	err = sock_create_kern(net, cfg->family, SOCK_DGRAM, 0, &sock);
	if (err)
		return err;
	local.family = cfg->family;
	len = endpoint_to_sockaddr(&local, &ss);
#if IS_ENABLED(CONFIG_IPV6)
	if (cfg->family == AF_INET6)
		err = ip6_sock_set_v6only(sock->sk);
#endif
	if (!err && ifindex)
		err = sock_bindtoindex(sock->sk, ifindex, true);
	if (!err)
		err = set_transparent(sock);
	if (!err)
		err = sdt_compat_bind(sock, (struct sockaddr *)&ss, len);
	if (err) {
		socket_discard(sock);
		return err;
	}
	*sockp = sock;
	return 0;
}

struct socket *sdt_socket_open(struct net *net, const struct sdt_socket_cfg *cfg)
{
	struct udp_tunnel_sock_cfg hook = {
		.sk_user_data = cfg->user_data,
		.encap_type = 1,
		.encap_rcv = cfg->rcv,
		.encap_err_lookup = cfg->err,
	};
	struct socket *sock;
	int err;

	err = cfg->transparent ? open_transparent(net, cfg, &sock) : open_plain(net, cfg, &sock);
	/* what the socket layer says when there is no memory for an inode or a sock */
	if (err == -ENFILE || err == -ENOBUFS)
		err = -ENOMEM;
	if (err)
		return ERR_PTR(err);

	WRITE_ONCE(sock->sk->sk_mark, cfg->mark);
	sock->sk->sk_allocation = GFP_ATOMIC;
	if (cfg->own_pmtu)
		own_pmtu(sock, cfg->family);
	if (cfg->err)
		sdt_compat_errors_setup(sock, cfg->family);
	if (cfg->peer.family) {
		err = sdt_socket_connect(sock, &cfg->peer);
		if (err) {
			socket_discard(sock);
			return ERR_PTR(err);
		}
	}
	sdt_compat_setup_udp_tunnel_sock(net, sock, &hook);
	return sock;
}

int sdt_socket_connect(struct socket *sock, const struct sdt_endpoint *peer)
{
	struct sockaddr_storage ss;
	int len = endpoint_to_sockaddr(peer, &ss);

	return sdt_compat_connect(sock, (struct sockaddr *)&ss, len);
}

void sdt_socket_detach(struct socket *sock)
{
	rcu_assign_sk_user_data(sock->sk, NULL);
}

void sdt_socket_close(struct socket *sock)
{
	socket_discard(sock);
}

void sdt_socket_local(struct socket *sock, struct sdt_endpoint *local)
{
	struct sock *sk = sock->sk;

	memset(local, 0, sizeof(*local));
	local->family = sk->sk_family;
	local->port = inet_sk(sk)->inet_sport;
	if (sk->sk_family == AF_INET)
		local->ip = sdt_ip_from4(inet_sk(sk)->inet_rcv_saddr);
#if IS_ENABLED(CONFIG_IPV6)
	else
		local->ip = sk->sk_v6_rcv_saddr;
#endif
}

/* ---- routes ----------------------------------------------------------- */

static bool src_set(const struct sdt_flow *flow)
{
	return flow->src && !sdt_ip_any(flow->src);
}

static struct rtable *route4_lookup(struct net *net, const struct sdt_flow *flow, __be32 *src)
{
	struct flowi4 fl = {
		.daddr = sdt_ip_to4(&flow->dst->ip),
		.saddr = *src,
		.fl4_sport = flow->sport,
		.fl4_dport = flow->dst->port,
		.flowi4_proto = IPPROTO_UDP,
		.flowi4_mark = flow->mark,
		.flowi4_oif = flow->ifindex,
		.flowi4_flags = flow->forged ? FLOWI_FLAG_ANYSRC : 0,
	};
	struct rtable *rt;

	sdt_compat_fl4_set_tos(&fl, flow->tos);
	rt = ip_route_output_flow(net, &fl, flow->sk);
	if (IS_ERR(rt))
		return rt;
	if (flow->foreign && rt->rt_flags & (RTCF_LOCAL | RTCF_BROADCAST | RTCF_MULTICAST)) {
		ip_rt_put(rt);
		return ERR_PTR(-EPERM);
	}
	if (rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)) {
		ip_rt_put(rt);
		return ERR_PTR(-EACCES);
	}
	*src = fl.saddr;
	return rt;
}

static struct rtable *route4(struct net *net, const struct sdt_flow *flow, __be32 *src)
{
	struct rtable *rt = NULL;

	*src = src_set(flow) ? sdt_ip_to4(flow->src) : 0;
	if (flow->cache)
		rt = dst_cache_get_ip4(flow->cache, src);
	if (rt)
		return rt;
	rt = route4_lookup(net, flow, src);
	if (!IS_ERR(rt)) {
		if (flow->cache)
			dst_cache_set_ip4(flow->cache, &rt->dst, *src);
		return rt;
	}
	if (!flow->src_hint || !*src)
		return rt;
	/* The remembered source may have gone; what the stack chooses now is not cached. */
	*src = 0;
	return route4_lookup(net, flow, src);
}

#if IS_ENABLED(CONFIG_IPV6)
static struct dst_entry *route6_lookup(struct net *net, const struct sdt_flow *flow,
				       struct in6_addr *src)
{
	struct flowi6 fl = {
		.daddr = flow->dst->ip,
		.saddr = *src,
		.fl6_sport = flow->sport,
		.fl6_dport = flow->dst->port,
		.flowi6_proto = IPPROTO_UDP,
		.flowi6_mark = flow->mark,
		.flowi6_oif = flow->dst->ifindex ?: flow->ifindex,
		.flowlabel = ip6_make_flowinfo(flow->tos & ~INET_ECN_MASK, 0),
		.flowi6_flags = flow->forged ? FLOWI_FLAG_ANYSRC : 0,
	};
	struct dst_entry *dst;

	if (!flow->forged && !ipv6_addr_any(src) && !ipv6_chk_addr(net, src, NULL, 0))
		return ERR_PTR(-EADDRNOTAVAIL);
	dst = sdt_compat_ip6_route(net, flow->sk, &fl);
	if (IS_ERR(dst))
		return dst;
	if (flow->foreign &&
	    container_of(dst, struct rt6_info, dst)->rt6i_flags & (RTF_LOCAL | RTF_ANYCAST)) {
		dst_release(dst);
		return ERR_PTR(-EPERM);
	}
	*src = fl.saddr;
	return dst;
}

static struct dst_entry *route6(struct net *net, const struct sdt_flow *flow, struct in6_addr *src)
{
	struct dst_entry *dst = NULL;

	*src = src_set(flow) ? *flow->src : in6addr_any;
	if (flow->cache)
		dst = dst_cache_get_ip6(flow->cache, src);
	if (dst)
		return dst;
	dst = route6_lookup(net, flow, src);
	if (!IS_ERR(dst)) {
		if (flow->cache)
			dst_cache_set_ip6(flow->cache, dst, src);
		return dst;
	}
	if (!flow->src_hint || ipv6_addr_any(src))
		return dst;
	*src = in6addr_any;
	return route6_lookup(net, flow, src);
}
#endif

int sdt_source_for(struct net *net, const struct sdt_endpoint *dst, u32 ifindex, u32 mark,
		   struct in6_addr *local)
{
	struct sdt_flow flow = { .dst = dst, .ifindex = ifindex, .mark = mark };
	int err = 0;

	local_bh_disable();
	rcu_read_lock();
	if (dst->family == AF_INET) {
		__be32 src;
		struct rtable *rt = route4(net, &flow, &src);

		if (IS_ERR(rt)) {
			err = PTR_ERR(rt);
		} else {
			*local = sdt_ip_from4(src);
			ip_rt_put(rt);
		}
	} else {
#if IS_ENABLED(CONFIG_IPV6)
		struct dst_entry *d = route6(net, &flow, local);

		if (IS_ERR(d))
			err = PTR_ERR(d);
		else
			dst_release(d);
#else
		err = -EAFNOSUPPORT;
#endif
	}
	rcu_read_unlock();
	local_bh_enable();
	return err;
}

/*
 * What the route's own setting or the first hop takes. Not dst_mtu(), which is what anybody
 * may have made the stack believe by an ICMP error.
 */
static unsigned int local_mtu4(const struct dst_entry *dst)
{
	unsigned int mtu = dst_metric_raw(dst, RTAX_MTU) ?:
			   READ_ONCE(sdt_compat_dst_dev(dst)->mtu);

	mtu = min_t(unsigned int, mtu, IP_MAX_MTU);
	return mtu - lwtunnel_headroom(dst->lwtstate, mtu);
}

int sdt_route_mtu(struct net *net, const struct sdt_flow *flow)
{
	int mtu;

	if (flow->dst->family == AF_INET) {
		__be32 src;
		struct rtable *rt = route4(net, flow, &src);

		if (IS_ERR(rt))
			return PTR_ERR(rt);
		mtu = local_mtu4(&rt->dst) - sizeof(struct iphdr) - sizeof(struct udphdr);
		ip_rt_put(rt);
		return mtu;
	}
#if IS_ENABLED(CONFIG_IPV6)
	{
		struct in6_addr src;
		struct dst_entry *dst = route6(net, flow, &src);

		if (IS_ERR(dst))
			return PTR_ERR(dst);
		mtu = dst_mtu(dst) - sizeof(struct ipv6hdr) - sizeof(struct udphdr);
		dst_release(dst);
		return mtu;
	}
#else
	return -EAFNOSUPPORT;
#endif
}

/* ---- out -------------------------------------------------------------- */

/*
 * A forwarded skb must leave as if it were new. Each line was somebody's bug:
 * a NIC's device left on it makes iptunnel_xmit() count into foreign memory, a
 * stale CHECKSUM_PARTIAL checksums ciphertext, a stale timestamp lets fq drop
 * it, a stale queue mapping picks a queue that the device lacks, and a checksum
 * that was found right vouches for another one.
 */
static int scrub(struct sk_buff *skb, const struct sdt_flow *flow, unsigned int headroom)
{
	skb->dev = NULL;
	skb_scrub_packet(skb, true);
	skb->mark = flow->mark;
	skb->priority = 0;
	skb->ip_summed = CHECKSUM_NONE;
	skb->csum_valid = 0;
	skb->csum_complete_sw = 0;
	skb->csum_level = 0;
	skb->encapsulation = 0;
	skb_gso_reset(skb);
	skb_set_queue_mapping(skb, 0);
	skb_clear_hash(skb);
	skb->ignore_df = !flow->df;
	return skb_cow_head(skb, headroom);
}

static int xmit4(struct net *net, const struct sdt_flow *flow, struct sk_buff *skb)
{
	const unsigned int own = sizeof(struct iphdr) + sizeof(struct udphdr);
	struct rtable *rt;
	__be32 src;
	int err;

	rt = route4(net, flow, &src);
	if (IS_ERR(rt)) {
		kfree_skb(skb);
		return PTR_ERR(rt);
	}
	err = -EMSGSIZE;
	if (skb->len + own > (flow->df ? local_mtu4(&rt->dst) : IP_MAX_MTU))
		goto drop;
	err = scrub(skb, flow, LL_RESERVED_SPACE(sdt_compat_dst_dev(&rt->dst)) +
			       rt->dst.header_len + own);
	if (err)
		goto drop;
	sdt_compat_udp4_xmit(rt, flow->sk, skb, src, sdt_ip_to4(&flow->dst->ip), flow->tos,
			     flow->ttl ?: ip4_dst_hoplimit(&rt->dst),
			     flow->df ? htons(IP_DF) : 0, flow->sport, flow->dst->port);
	return 0;
drop:
	ip_rt_put(rt);
	kfree_skb(skb);
	return err;
}

#if IS_ENABLED(CONFIG_IPV6)
static int xmit6(struct net *net, const struct sdt_flow *flow, struct sk_buff *skb)
{
	const unsigned int own = sizeof(struct ipv6hdr) + sizeof(struct udphdr);
	struct dst_entry *dst;
	struct in6_addr src;
	int err;

	dst = route6(net, flow, &src);
	if (IS_ERR(dst)) {
		kfree_skb(skb);
		return PTR_ERR(dst);
	}
	err = -EMSGSIZE;
	if (skb->len + own > (flow->df ? dst_mtu(dst) : IPV6_MAXPLEN + sizeof(struct ipv6hdr)))
		goto drop;
	err = scrub(skb, flow, LL_RESERVED_SPACE(sdt_compat_dst_dev(dst)) + dst->header_len + own);
	if (err)
		goto drop;
	sdt_compat_udp6_xmit(dst, flow->sk, skb, &src, &flow->dst->ip, flow->tos,
			     flow->ttl ?: ip6_dst_hoplimit(dst), flow->sport, flow->dst->port);
	return 0;
drop:
	dst_release(dst);
	kfree_skb(skb);
	return err;
}
#endif

int sdt_xmit(struct net *net, const struct sdt_flow *flow, struct sk_buff *skb)
{
	if (flow->dst->family == AF_INET)
		return xmit4(net, flow, skb);
#if IS_ENABLED(CONFIG_IPV6)
	if (flow->dst->family == AF_INET6)
		return xmit6(net, flow, skb);
#endif
	kfree_skb(skb);
	return -EAFNOSUPPORT;
}

/* ---- ICMP errors out ---------------------------------------------------- */

static struct rtable *icmp4_lookup(struct net *net, const struct sdt_flow *flow, bool forge,
				   __be32 *src)
{
	struct flowi4 fl = {
		.daddr = sdt_ip_to4(&flow->dst->ip),
		.saddr = *src,
		.flowi4_proto = IPPROTO_ICMP,
		.flowi4_mark = flow->mark,
		.flowi4_oif = flow->ifindex,
		.flowi4_flags = forge ? FLOWI_FLAG_ANYSRC : 0,
	};
	struct rtable *rt;

	rt = ip_route_output_flow(net, &fl, NULL);
	if (IS_ERR(rt))
		return rt;
	if (rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)) {
		ip_rt_put(rt);
		return ERR_PTR(-EACCES);
	}
	*src = fl.saddr;
	return rt;
}

static int xmit_icmp4(struct net *net, const struct sdt_flow *flow, bool forge,
		      struct sk_buff *skb)
{
	__be32 src = src_set(flow) ? sdt_ip_to4(flow->src) : 0;
	struct rtable *rt;
	struct iphdr *iph;
	int err;

	rt = icmp4_lookup(net, flow, forge, &src);
	if (IS_ERR(rt) && src && !forge) {
		src = 0;
		rt = icmp4_lookup(net, flow, false, &src);
	}
	if (IS_ERR(rt)) {
		kfree_skb(skb);
		return PTR_ERR(rt);
	}
	err = skb_cow_head(skb, LL_RESERVED_SPACE(sdt_compat_dst_dev(&rt->dst)) +
				rt->dst.header_len + sizeof(*iph));
	if (err) {
		ip_rt_put(rt);
		kfree_skb(skb);
		return err;
	}
	skb_reset_transport_header(skb);
	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	memset(iph, 0, sizeof(*iph));
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = IPTOS_PREC_INTERNETCONTROL;
	iph->ttl = ip4_dst_hoplimit(&rt->dst);
	iph->protocol = IPPROTO_ICMP;
	iph->saddr = src;
	iph->daddr = sdt_ip_to4(&flow->dst->ip);
	__ip_select_ident(net, iph, 1);
	skb->protocol = htons(ETH_P_IP);
	skb->mark = flow->mark;
	skb_dst_set(skb, &rt->dst);
	ip_local_out(net, NULL, skb);
	return 0;
}

#if IS_ENABLED(CONFIG_IPV6)
static int xmit_icmp6(struct net *net, const struct sdt_flow *flow, bool forge,
		      struct sk_buff *skb)
{
	struct flowi6 fl = {
		.daddr = flow->dst->ip,
		.flowi6_proto = IPPROTO_ICMPV6,
		.flowi6_mark = flow->mark,
		.flowi6_oif = flow->dst->ifindex ?: flow->ifindex,
	};
	struct dst_entry *dst;
	struct ipv6hdr *ip6h;
	int err;

	if (src_set(flow) && (forge || ipv6_chk_addr(net, flow->src, NULL, 0)))
		fl.saddr = *flow->src;
	dst = sdt_compat_ip6_route(net, NULL, &fl);
	if (IS_ERR(dst)) {
		kfree_skb(skb);
		return PTR_ERR(dst);
	}
	err = skb_cow_head(skb, LL_RESERVED_SPACE(sdt_compat_dst_dev(dst)) + dst->header_len +
				sizeof(*ip6h));
	if (err) {
		dst_release(dst);
		kfree_skb(skb);
		return err;
	}
	sdt_icmp6_checksum(skb->data, skb->len, fl.saddr.s6_addr, fl.daddr.s6_addr);
	skb_reset_transport_header(skb);
	ip6h = skb_push(skb, sizeof(*ip6h));
	skb_reset_network_header(skb);
	ip6_flow_hdr(ip6h, 0, 0);
	ip6h->payload_len = htons(skb->len - sizeof(*ip6h));
	ip6h->nexthdr = IPPROTO_ICMPV6;
	ip6h->hop_limit = ip6_dst_hoplimit(dst);
	ip6h->saddr = fl.saddr;
	ip6h->daddr = fl.daddr;
	skb->protocol = htons(ETH_P_IPV6);
	skb->mark = flow->mark;
	skb_dst_set(skb, dst);
	ip6_local_out(net, NULL, skb);
	return 0;
}
#endif

int sdt_xmit_icmp(struct net *net, const struct sdt_flow *flow, bool forge, struct sk_buff *skb)
{
	if (flow->dst->family == AF_INET)
		return xmit_icmp4(net, flow, forge, skb);
#if IS_ENABLED(CONFIG_IPV6)
	if (flow->dst->family == AF_INET6)
		return xmit_icmp6(net, flow, forge, skb);
#endif
	kfree_skb(skb);
	return -EAFNOSUPPORT;
}

/* ---- in --------------------------------------------------------------- */

static int parse4(struct sk_buff *skb, struct sdt_packet *p)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct rtable *rt = skb_rtable(skb);

	if (ipv4_is_multicast(iph->daddr) || ipv4_is_lbcast(iph->daddr) ||
	    (rt && rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)))
		return -EADDRNOTAVAIL;
	p->from.ip = sdt_ip_from4(iph->saddr);
	p->to.ip = sdt_ip_from4(iph->daddr);
	p->from.family = AF_INET;
	p->tos = iph->tos;
	p->whole = iph->frag_off & htons(IP_DF) && !(IPCB(skb)->flags & IPSKB_FRAG_PMTU);
	p->ifindex = inet_iif(skb);
	return 0;
}

static int parse6(struct sk_buff *skb, struct sdt_packet *p)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);

	if (ipv6_addr_is_multicast(&ip6h->daddr))
		return -EADDRNOTAVAIL;
	p->from.ip = ip6h->saddr;
	p->to.ip = ip6h->daddr;
	p->from.family = AF_INET6;
	p->tos = ipv6_get_dsfield(ip6h);
	p->whole = !(IP6CB(skb)->flags & IP6SKB_FRAGMENTED);
	p->ifindex = inet6_iif(skb);
	if (ipv6_addr_type(&ip6h->saddr) & IPV6_ADDR_LINKLOCAL)
		p->from.ifindex = p->ifindex;
	if (ipv6_addr_type(&ip6h->daddr) & IPV6_ADDR_LINKLOCAL)
		p->to.ifindex = p->ifindex;
	return 0;
#else
	return -EINVAL;
#endif
}

int sdt_packet_parse(struct sk_buff *skb, struct sdt_packet *p)
{
	const struct udphdr *uh;
	int err;

	memset(p, 0, sizeof(*p));
	if (unlikely(!pskb_may_pull(skb, sizeof(*uh))))
		return -EINVAL;
	if (unlikely(skb->pkt_type == PACKET_BROADCAST || skb->pkt_type == PACKET_MULTICAST))
		return -EADDRNOTAVAIL;
	if (skb->protocol == htons(ETH_P_IP))
		err = parse4(skb, p);
	else if (skb->protocol == htons(ETH_P_IPV6))
		err = parse6(skb, p);
	else
		err = -EINVAL;
	if (unlikely(err))
		return err;
	/* what a virtual machine hands over for its host to fragment */
	if (skb_is_gso(skb) && skb_shinfo(skb)->gso_type & SKB_GSO_UDP)
		p->whole = false;
	uh = udp_hdr(skb);
	p->from.port = uh->source;
	p->to.port = uh->dest;
	p->to.family = p->from.family;
	if (skb->dev && netif_is_l3_master(skb->dev))
		p->vrf = skb->dev->ifindex;

	/* No reference behind these: they must not survive this call. */
	skb_dst_drop(skb);
	skb_orphan(skb);
	skb_mark_not_on_list(skb);
	skb->dev = NULL;
	__skb_pull(skb, sizeof(*uh));
	return 0;
}
