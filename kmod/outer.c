// SPDX-License-Identifier: GPL-2.0
/* The sockets on which a node has its links: a pair for each lane, one of each address family. */
#include "icmp.h"
#include "link.h"
#include "outer.h"

static int outer_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct sdt_sock *s = rcu_dereference_sk_user_data(sk);
	struct sdt_packet p;
	int err;

	if (unlikely(!s)) {
		kfree_skb(skb);
		return 0;
	}
	err = sdt_packet_parse(skb, &p);
	if (unlikely(err)) {
		sdt_drop(s->node->stats, err == -EADDRNOTAVAIL ? SDT_DROP_RX_MULTICAST :
								 SDT_DROP_RX_TRUNCATED, skb);
		return 0;
	}
	sdt_link_receive(s->node, s, skb, &p.from, &p.to.ip, p.tos);
	return 0;
}

static struct sdt_sock *outer_open(struct sdt_node *node, unsigned int lane, u16 family,
				   const struct sdt_endpoint *listen, u32 ifindex)
{
	struct sdt_socket_cfg cfg = {
		.family = family,
		.ifindex = ifindex,
		.mark = node->fwmark,
		.rcv = outer_rcv,
		.err = sdt_icmp_outer_error,
		.own_pmtu = true,
	};
	struct sdt_endpoint local;
	struct sdt_sock *s;

	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->node = node;
	s->lane = lane;
	s->family = family;
	cfg.user_data = s;
	if (listen->family == family)
		cfg.local = *listen;
	cfg.local.port = lane ? 0 : listen->port ?: htons(SDT_PORT_DEFAULT);
	s->sock = sdt_socket_open(node->net, &cfg);
	if (IS_ERR(s->sock)) {
		int err = PTR_ERR(s->sock);

		kfree(s);
		return ERR_PTR(err);
	}
	sdt_socket_local(s->sock, &local);
	s->port = local.port;
	return s;
}

/* One that the node does not have yet: what its hook still sees, it may see. */
static void outer_discard(struct sdt_sock *s)
{
	sdt_socket_detach(s->sock);
	sdt_socket_close(s->sock);
	kfree_rcu(s, rcu);
}

/* Both families of one lane. An address family that the kernel lacks is no error. */
static int outer_open_pair(struct sdt_node *node, unsigned int lane,
			   const struct sdt_endpoint *listen, u32 ifindex, struct sdt_sock *pair[2])
{
	static const u16 families[2] = { AF_INET, AF_INET6 };
	unsigned int i;
	int err = -EAFNOSUPPORT;

	pair[0] = NULL;
	pair[1] = NULL;
	for (i = 0; i < 2; i++) {
		struct sdt_sock *s;

		if (listen->family && listen->family != families[i])
			continue;
		s = outer_open(node, lane, families[i], listen, ifindex);
		if (!IS_ERR(s)) {
			pair[i] = s;
			continue;
		}
		err = PTR_ERR(s);
		if (err == -EAFNOSUPPORT || (i && err == -EADDRNOTAVAIL && !listen->family))
			continue;
		if (pair[0]) {
			outer_discard(pair[0]);
			pair[0] = NULL;
		}
		return err;
	}
	return pair[0] || pair[1] ? 0 : err;
}

static struct sdt_sock *outer(struct sdt_node *node, unsigned int lane, unsigned int fam)
{
	return rcu_dereference_protected(node->socks[lane][fam], lockdep_is_held(&node->lock));
}

int sdt_node_sockets(struct sdt_node *node, unsigned int lanes, struct netlink_ext_ack *extack)
{
	unsigned int lane;
	int err;

	lockdep_assert_held(&node->lock);
	for (lane = 0; lane < lanes; lane++) {
		struct sdt_sock *pair[2];

		if (outer(node, lane, 0) || outer(node, lane, 1))
			continue;
		err = outer_open_pair(node, lane, &node->listen, node->ifindex, pair);
		if (err) {
			if (err == -EADDRINUSE)
				NL_SET_ERR_MSG(extack, "listen port is in use: choose another with set-node listen");
			else if (err != -ENOMEM)
				NL_SET_ERR_MSG(extack, "cannot open the link sockets on the listen address");
			return err;
		}
		rcu_assign_pointer(node->socks[lane][0], pair[0]);
		rcu_assign_pointer(node->socks[lane][1], pair[1]);
	}
	return 0;
}

/*
 * @all becomes what the node has, and what it had ends. Between the two there is no
 * moment without a socket where @all has one. Waits for a grace period.
 */
static void outer_exchange(struct sdt_node *node, struct sdt_sock *(*all)[2])
{
	unsigned int i, f;
	bool any = false;

	for (i = 0; i < SDT_LANES_MAX; i++)
		for (f = 0; f < 2; f++) {
			all[i][f] = rcu_replace_pointer(node->socks[i][f], all[i][f],
							lockdep_is_held(&node->lock));
			if (!all[i][f])
				continue;
			any = true;
			sdt_socket_detach(all[i][f]->sock);
		}
	if (!any)
		return;
	synchronize_rcu();
	for (i = 0; i < SDT_LANES_MAX; i++)
		for (f = 0; f < 2; f++)
			if (all[i][f]) {
				sdt_socket_close(all[i][f]->sock);
				kfree(all[i][f]);
			}
}

void sdt_node_sockets_close(struct sdt_node *node)
{
	struct sdt_sock *none[SDT_LANES_MAX][2] = {};

	lockdep_assert_held(&node->lock);
	outer_exchange(node, none);
}

void sdt_node_sockets_mark(struct sdt_node *node)
{
	unsigned int i, f;

	lockdep_assert_held(&node->lock);
	for (i = 0; i < SDT_LANES_MAX; i++)
		for (f = 0; f < 2; f++)
			if (outer(node, i, f))
				WRITE_ONCE(outer(node, i, f)->sock->sk->sk_mark, node->fwmark);
}

/* Another port: all new sockets are open before anything that works is given up. */
static int rebind_beside(struct sdt_node *node, unsigned int lanes,
			 const struct sdt_endpoint *listen, u32 ifindex)
{
	struct sdt_sock *all[SDT_LANES_MAX][2] = {};
	unsigned int i, f;
	int err = 0;

	for (i = 0; i < lanes && !err; i++)
		err = outer_open_pair(node, i, listen, ifindex, all[i]);
	if (!err) {
		outer_exchange(node, all);
		return 0;
	}
	for (i = 0; i < lanes; i++)
		for (f = 0; f < 2; f++)
			if (all[i][f])
				outer_discard(all[i][f]);
	return err;
}

int sdt_node_rebind(struct sdt_node *node, const struct sdt_endpoint *listen, u32 ifindex,
		    struct netlink_ext_ack *extack)
{
	struct sdt_endpoint old_listen = node->listen;
	u32 old_ifindex = node->ifindex;
	unsigned int lanes = 0, i;
	__be16 old_port = old_listen.port ?: htons(SDT_PORT_DEFAULT);
	__be16 new_port = listen->port ?: htons(SDT_PORT_DEFAULT);
	int err;

	lockdep_assert_held(&node->lock);
	for (i = 0; i < SDT_LANES_MAX; i++)
		if (outer(node, i, 0) || outer(node, i, 1))
			lanes = i + 1;
	if (sdt_endpoint_equal(listen, &old_listen) && ifindex == old_ifindex)
		return 0;
	if (lanes && old_port != new_port) {
		err = rebind_beside(node, lanes, listen, ifindex);
		if (err == -ENOMEM)
			return err;
		if (err) {
			NL_SET_ERR_MSG(extack, "cannot listen there: address or port is not available");
			return err;
		}
	} else if (lanes) {
		/* Same port, another address: the old sockets are in the way. */
		sdt_node_sockets_close(node);
	}
	node->listen = *listen;
	node->ifindex = ifindex;
	if (!lanes)
		return 0;
	err = sdt_node_sockets(node, lanes, extack);
	if (!err)
		return 0;
	sdt_node_sockets_close(node);
	node->listen = old_listen;
	node->ifindex = old_ifindex;
	if (sdt_node_sockets(node, lanes, NULL))
		NL_SET_ERR_MSG(extack, "cannot listen there, and the old address is gone too");
	return err;
}
