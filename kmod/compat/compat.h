/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between kernels, found by compiling a probe. Distributions
 * carry changes across releases: a version says nothing, so none is compared,
 * here or anywhere else.
 *
 * A new difference: add kmod/compat/probes/NAME.c, which compiles where the
 * answer is yes, put NAME into the list in Kbuild, and use SDT_HAVE_NAME (0 or
 * 1) here, behind one name that the rest of the module calls.
 */
#ifndef _SDT_COMPAT_H
#define _SDT_COMPAT_H

#include <linux/kernel.h>
#include <linux/memcontrol.h>
#include <linux/netdevice.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <crypto/aead.h>
#include <net/dst.h>
#include <net/flow.h>
#include <net/genetlink.h>
#include <net/ip_tunnels.h>
#include <net/ipv6.h>
#include <net/netlink.h>
#include <net/route.h>
#include <net/udp_tunnel.h>

#include "probed.h"

/* crypto_memneq() */
#if SDT_HAVE_CRYPTO_UTILS_H
#include <crypto/utils.h>
#else
#include <crypto/algapi.h>
#endif

/* get_unaligned_be32() and its family */
#if SDT_HAVE_UNALIGNED_H
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#if SDT_HAVE_FLOWI4_DSCP
#include <net/inet_dscp.h>
#endif

#if SDT_HAVE_IPV6_STUB
#include <net/ipv6_stubs.h>
#endif

/* Sockets */

static inline void sdt_compat_setup_udp_tunnel_sock(struct net *net, struct socket *sock,
						    struct udp_tunnel_sock_cfg *cfg)
{
#if SDT_HAVE_UDP_TUNNEL_SETUP_SK
	setup_udp_tunnel_sock(net, sock->sk, cfg);
#else
	setup_udp_tunnel_sock(net, sock, cfg);
#endif
}

static inline int sdt_compat_bind(struct socket *sock, struct sockaddr *addr, int len)
{
#if SDT_HAVE_SOCKADDR_UNSIZED
	return kernel_bind(sock, (struct sockaddr_unsized *)addr, len);
#else
	return kernel_bind(sock, addr, len);
#endif
}

static inline int sdt_compat_connect(struct socket *sock, struct sockaddr *addr, int len)
{
#if SDT_HAVE_SOCKADDR_UNSIZED
	return kernel_connect(sock, (struct sockaddr_unsized *)addr, len, 0);
#else
	return kernel_connect(sock, addr, len, 0);
#endif
}

/* Routes and transmission */

static inline void sdt_compat_fl4_set_tos(struct flowi4 *fl4, u8 tos)
{
#if SDT_HAVE_FLOWI4_DSCP
	fl4->flowi4_dscp = inet_dsfield_to_dscp(tos);
#else
	/* The two bits of ECN are none of routing's; bit 0 means "on-link" there. */
	fl4->flowi4_tos = tos & ~INET_ECN_MASK;
#endif
}

/**
 * sdt_compat_ip6_route() - route of a flow, policies applied
 * Return: a reference, or ERR_PTR; -EAFNOSUPPORT in a kernel without IPv6.
 */
static inline struct dst_entry *sdt_compat_ip6_route(struct net *net, struct sock *sk,
						     struct flowi6 *fl6)
{
#if !IS_ENABLED(CONFIG_IPV6)
	return ERR_PTR(-EAFNOSUPPORT);
#elif SDT_HAVE_IPV6_STUB
	return ipv6_stub->ipv6_dst_lookup_flow(net, sk, fl6, NULL);
#else
	return ip6_dst_lookup_flow(net, sk, fl6, NULL);
#endif
}

/* The device of a route; RCU read side. */
static inline struct net_device *sdt_compat_dst_dev(const struct dst_entry *dst)
{
#if SDT_HAVE_DST_DEV
	return dst_dev(dst);
#else
	return dst->dev;
#endif
}

/**
 * sdt_compat_udp4_xmit() - add UDP and IPv4 header, send; consumes @skb and the reference @rt
 * The UDP checksum is filled in or offloaded.
 */
static inline void sdt_compat_udp4_xmit(struct rtable *rt, struct sock *sk, struct sk_buff *skb,
					__be32 src, __be32 dst, u8 tos, u8 ttl, __be16 df,
					__be16 sport, __be16 dport)
{
#if SDT_HAVE_UDP_TUNNEL_XMIT_FLAGS
	udp_tunnel_xmit_skb(rt, sk, skb, src, dst, tos, ttl, df, sport, dport, false, false, 0);
#else
	udp_tunnel_xmit_skb(rt, sk, skb, src, dst, tos, ttl, df, sport, dport, false, false);
#endif
}

/** sdt_compat_udp6_xmit() - the same for IPv6; consumes @skb and the reference @dst_route */
static inline void sdt_compat_udp6_xmit(struct dst_entry *dst_route, struct sock *sk,
					struct sk_buff *skb, const struct in6_addr *src,
					const struct in6_addr *dst, u8 tclass, u8 ttl,
					__be16 sport, __be16 dport)
{
#if !IS_ENABLED(CONFIG_IPV6)
	dst_release(dst_route);
	kfree_skb(skb);
#else
	/* Only read through, but not all kernels say so. No device: there is none to count at. */
	struct in6_addr *from = (struct in6_addr *)src;
	struct in6_addr *to = (struct in6_addr *)dst;

#if SDT_HAVE_UDP_TUNNEL6_XMIT_FLAGS
	udp_tunnel6_xmit_skb(dst_route, sk, skb, NULL, from, to, tclass, ttl, 0, sport, dport,
			     false, 0);
#else
	udp_tunnel6_xmit_skb(dst_route, sk, skb, NULL, from, to, tclass, ttl, 0, sport, dport,
			     false);
#endif
#endif
}

/* Packets */

/*
 * The time when it was received is no time when it is to be sent, and a time
 * to be sent, given by a local sender, has passed: both would confuse fq.
 */
static inline void sdt_compat_skb_clear_tstamp(struct sk_buff *skb)
{
#if SDT_HAVE_SKB_SET_DELIVERY_TIME
	skb_set_delivery_time(skb, 0, 0);
#else
	skb->tstamp = 0;
#endif
}

/** sdt_compat_kfree_skb() - @is_drop: drop monitors shall see it */
static inline void sdt_compat_kfree_skb(struct sk_buff *skb, bool is_drop)
{
	if (is_drop)
		kfree_skb(skb);
	else
		consume_skb(skb);
}

/* NAPI */

/**
 * sdt_compat_dummy_alloc() - a device that is no device, to carry NAPIs
 * Return: NULL without memory. sdt_compat_dummy_free() is its end.
 */
static inline struct net_device *sdt_compat_dummy_alloc(void)
{
#if SDT_HAVE_ALLOC_NETDEV_DUMMY
	return alloc_netdev_dummy(0);
#elif SDT_HAVE_INIT_DUMMY_NETDEV
	struct net_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (dev)
		init_dummy_netdev(dev);
	return dev;
#else
#error "this kernel has no dummy network devices for modules"
#endif
}

static inline void sdt_compat_dummy_free(struct net_device *dev)
{
#if SDT_HAVE_ALLOC_NETDEV_DUMMY
	free_netdev(dev);
#else
	kfree(dev);
#endif
}

/** sdt_compat_napi_add() - with the usual weight, and never polled by readers of sockets */
static inline void sdt_compat_napi_add(struct net_device *dev, struct napi_struct *napi,
				       int (*poll)(struct napi_struct *, int))
{
	set_bit(NAPI_STATE_NO_BUSY_POLL, &napi->state);
#if SDT_HAVE_NAPI_ADD_WEIGHT
	netif_napi_add(dev, napi, poll, NAPI_POLL_WEIGHT);
#else
	netif_napi_add(dev, napi, poll);
#endif
}

/* Crypto */

/*
 * SDT_AEAD_DONE(name): name##_cb is what aead_request_set_callback() wants;
 * it calls name(data, err), which the file defines.
 */
#if SDT_HAVE_CRYPTO_DONE_VOID
#define SDT_AEAD_DONE(name)						\
	static void name(void *data, int err);				\
	static void name##_cb(void *data, int err)			\
	{								\
		name(data, err);					\
	}
#else
#define SDT_AEAD_DONE(name)						\
	static void name(void *data, int err);				\
	static void name##_cb(struct crypto_async_request *req, int err) \
	{								\
		name(req->data, err);					\
	}
#endif

/** sdt_compat_random_below() - unpredictable and even in 0 .. @ceil - 1; @ceil is not 0 */
static inline u32 sdt_compat_random_below(u32 ceil)
{
#if SDT_HAVE_GET_RANDOM_U32_BELOW
	return get_random_u32_below(ceil);
#else
	return (u64)get_random_u32() * ceil >> 32;
#endif
}

/* A virtual machine was cloned or restored; a kernel that cannot tell says nothing. */
struct notifier_block;

static inline int sdt_compat_vmfork_register(struct notifier_block *nb)
{
#if SDT_HAVE_VMFORK_NOTIFIER
	return register_random_vmfork_notifier(nb);
#else
	return 0;
#endif
}

static inline void sdt_compat_vmfork_unregister(struct notifier_block *nb)
{
#if SDT_HAVE_VMFORK_NOTIFIER
	unregister_random_vmfork_notifier(nb);
#endif
}

/* Memory */

/** sdt_compat_memcg_get() - the running task's control group, or NULL; to be put */
static inline struct mem_cgroup *sdt_compat_memcg_get(void)
{
#if SDT_HAVE_ACTIVE_MEMCG
	return get_mem_cgroup_from_mm(current->mm);
#else
	return NULL;
#endif
}

static inline void sdt_compat_memcg_put(struct mem_cgroup *memcg)
{
#if SDT_HAVE_ACTIVE_MEMCG
	mem_cgroup_put(memcg);
#endif
}

/**
 * sdt_compat_charge() - accounted allocations from here on are charged to @memcg
 * @memcg: NULL: to whom they would be without us
 * Return: what is to be set again when that ends, in the same context.
 */
static inline struct mem_cgroup *sdt_compat_charge(struct mem_cgroup *memcg)
{
#if SDT_HAVE_ACTIVE_MEMCG
	return set_active_memcg(memcg);
#else
	return NULL;
#endif
}

/* Netlink */

/* .flags of a multicast group that needs CAP_NET_ADMIN; 5.10 names it as for commands */
#if SDT_HAVE_GENL_MCAST_CAP
#define SDT_COMPAT_GENL_MCAST_ADMIN	GENL_MCAST_CAP_NET_ADMIN
#else
#define SDT_COMPAT_GENL_MCAST_ADMIN	GENL_UNS_ADMIN_PERM
#endif

/**
 * sdt_compat_nla_strscpy() - copy a string attribute; @dst always ends with a zero
 * Return: length, or -E2BIG if it was cut short.
 */
static inline ssize_t sdt_compat_nla_strscpy(char *dst, const struct nlattr *nla, size_t size)
{
#if SDT_HAVE_NLA_STRSCPY
	return nla_strscpy(dst, nla, size);
#else
	size_t len = nla_strlcpy(dst, nla, size);

	return len < size ? len : -E2BIG;
#endif
}

/* The rest */

static inline unsigned int sdt_compat_u64_stats_fetch_begin(const struct u64_stats_sync *sync)
{
#if SDT_HAVE_U64_STATS_FETCH_IRQ
	return u64_stats_fetch_begin_irq(sync);
#else
	return u64_stats_fetch_begin(sync);
#endif
}

static inline bool sdt_compat_u64_stats_fetch_retry(const struct u64_stats_sync *sync,
						    unsigned int start)
{
#if SDT_HAVE_U64_STATS_FETCH_IRQ
	return u64_stats_fetch_retry_irq(sync, start);
#else
	return u64_stats_fetch_retry(sync, start);
#endif
}

/** sdt_compat_alloc_workqueue() - @unbound: for long work, on any CPU. Return: NULL on failure. */
static inline struct workqueue_struct *sdt_compat_alloc_workqueue(const char *name, bool unbound)
{
#if SDT_HAVE_WQ_PERCPU
	return alloc_workqueue("%s", unbound ? WQ_UNBOUND : WQ_PERCPU, 0, name);
#else
	return alloc_workqueue("%s", unbound ? WQ_UNBOUND : 0, 0, name);
#endif
}

/* ---- netlink ---------------------------------------------------------- */

/* "TEXT: NUMBER", or the text alone where a kernel's texts must be constant. */
#if SDT_HAVE_NL_SET_ERR_MSG_FMT
#define sdt_compat_err_msg_number(extack, text, number) \
	NL_SET_ERR_MSG_FMT(extack, text ": %u", number)
#else
#define sdt_compat_err_msg_number(extack, text, number) \
	do { (void)(number); NL_SET_ERR_MSG(extack, text); } while (0)
#endif

#endif /* _SDT_COMPAT_H */
