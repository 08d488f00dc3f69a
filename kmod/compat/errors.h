/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ICMP errors about what a socket sent. A kernel that has encap_err_rcv asks the socket that
 * the quoted ports lead to by encap_err_lookup(), before it does anything else. An older one
 * has that hook for other cases, and puts errors into a socket's error queue: from there they
 * are handed to the same hook, in the same shape.
 */
#ifndef _SDT_COMPAT_ERRORS_H
#define _SDT_COMPAT_ERRORS_H

#include <linux/errqueue.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "compat.h"

/** sdt_compat_errors_hooked() - do they come by the hook, and not by the error queue? */
static inline bool sdt_compat_errors_hooked(void)
{
	return SDT_HAVE_ENCAP_ERR_RCV;
}

#if SDT_HAVE_ENCAP_ERR_RCV

static inline void sdt_compat_errors_setup(struct socket *sock, u16 family)
{
}

#else

/* From the payload of the quoted datagram back to its IP header. */
static inline bool sdt_compat_error_rewind(struct sk_buff *skb)
{
	const struct sock_exterr_skb *serr = SKB_EXT_ERR(skb);
	const u8 *ip = skb_network_header(skb) + serr->addr_offset;
	unsigned int len;

	if (serr->ee.ee_origin == SO_EE_ORIGIN_ICMP)
		ip -= offsetof(struct iphdr, daddr);
	else if (serr->ee.ee_origin == SO_EE_ORIGIN_ICMP6)
		ip -= offsetof(struct ipv6hdr, daddr);
	else
		return false;
	len = skb->data - ip;
	skb_push(skb, len);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, len - sizeof(struct udphdr));
	return true;
}

/* sk_error_report: the queue is emptied at once, and no error is left to a later call. */
static inline void sdt_compat_errors_report(struct sock *sk)
{
	int (*hook)(struct sock *sk, struct sk_buff *skb) = udp_sk(sk)->encap_err_lookup;
	struct sk_buff *skb;

	local_bh_disable();
	rcu_read_lock();
	sock_error(sk);
	while ((skb = skb_dequeue(&sk->sk_error_queue))) {
		/* Another CPU may have queued it: its device is not held for this one. */
		skb->dev = dev_get_by_index_rcu(sock_net(sk), skb->skb_iif);
		if (hook && sdt_compat_error_rewind(skb))
			hook(sk, skb);
		consume_skb(skb);
	}
	rcu_read_unlock();
	local_bh_enable();
}

static inline void sdt_compat_errors_setup(struct socket *sock, u16 family)
{
	struct sock *sk = sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_error_report = sdt_compat_errors_report;
	write_unlock_bh(&sk->sk_callback_lock);
	if (family == AF_INET)
		ip_sock_set_recverr(sk);
#if IS_ENABLED(CONFIG_IPV6)
	else
		ip6_sock_set_recverr(sk);
#endif
}

#endif

#endif /* _SDT_COMPAT_ERRORS_H */
