// SPDX-License-Identifier: GPL-2.0
/*
 * Egress sockets of a tunnel that are bound to the customers' own addresses
 * (client-address transparent). Such a port serves one address and port of a customer, and
 * is never free: the worker makes it for a channel that waits, and it rests after that
 * channel. A later channel of the same customer takes it over, at rest or not, since
 * to the target they are one; nobody else ever gets it.
 */
#include <linux/slab.h>

#include "channel.h"
#include "client.h"
#include "compat/compat.h"
#include "icmp.h"
#include "ports_int.h"

/* The port that is bound to @client, or NULL. Ports come and go by the worker alone, who calls. */
static struct sdt_port *find(struct sdt_ports *p, const struct sdt_endpoint *client)
{
	struct sdt_port *port;
	bool found;

	list_for_each_entry(port, &p->all, all) {
		const struct sdt_dest *dest;

		spin_lock_bh(&p->tunnel->lock);
		dest = sdt_port_dest(p, port);
		found = dest->forged && port->number == client->port &&
			port->state != SDT_PORT_CLOSING &&
			ipv6_addr_equal(&dest->local, &client->ip);
		spin_unlock_bh(&p->tunnel->lock);
		if (found)
			return port;
		cond_resched();
	}
	return NULL;
}

/* From @client to the present target. */
static struct sdt_dest *make_dest(struct sdt_ports *p, const struct sdt_endpoint *client)
{
	struct sdt_endpoint target;
	struct sdt_dest *dest;

	spin_lock_bh(&p->tunnel->lock);
	target = p->target;
	spin_unlock_bh(&p->tunnel->lock);
	if (target.family != client->family)
		return ERR_PTR(-EAFNOSUPPORT);
	dest = sdt_dest_alloc(&target, &client->ip, target.ifindex, GFP_KERNEL_ACCOUNT);
	if (!dest)
		return ERR_PTR(-ENOMEM);
	dest->forged = true;
	return dest;
}

static int open_socket(struct sdt_ports *p, struct sdt_port *port, const struct sdt_dest *dest,
		       const struct sdt_endpoint *client)
{
	struct sdt_socket_cfg cfg = {
		.family = client->family,
		.local = *client,
		.ifindex = dest->remote.ifindex,
		.peer = dest->remote,
		.transparent = true,
		.rcv = sdt_port_rcv,
		.err = sdt_icmp_port_error,
		.user_data = port,
	};
	struct socket *sock = sdt_socket_open(p->tunnel->node->net, &cfg);

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	port->sock = sock;
	return 0;
}

/* A new port, at rest. */
static struct sdt_port *open_port(struct sdt_ports *p, const struct sdt_endpoint *client)
{
	struct sdt_dest *dest = make_dest(p, client);
	struct sdt_port *port;
	int err;

	if (IS_ERR(dest))
		return ERR_CAST(dest);
	err = -ENOMEM;
	port = kmem_cache_zalloc(sdt_port_cache, GFP_KERNEL);
	if (!port)
		goto free_dest;
	port->tunnel = p->tunnel;
	port->pool = p;
	port->number = client->port;
	dest->users = 1;
	RCU_INIT_POINTER(port->dest, dest);
	err = open_socket(p, port, dest, client);
	if (err)
		goto free_port;
	list_add(&port->all, &p->all);
	spin_lock_bh(&p->tunnel->lock);
	sdt_ports_rest(p, port);
	spin_unlock_bh(&p->tunnel->lock);
	return port;

free_port:
	kmem_cache_free(sdt_port_cache, port);
free_dest:
	sdt_dest_free(dest);
	return ERR_PTR(err);
}

/* Connect @port, which stays bound to its customer, to the present target. */
static int follow(struct sdt_ports *p, struct sdt_port *port)
{
	struct sdt_endpoint client;
	struct sdt_dest *dest;
	bool there;
	int err;

	spin_lock_bh(&p->tunnel->lock);
	dest = sdt_port_dest(p, port);
	sdt_endpoint_make(&client, &dest->local, port->number, 0);
	there = sdt_endpoint_equal(&dest->remote, &p->target);
	spin_unlock_bh(&p->tunnel->lock);
	if (there)
		return 0;
	dest = make_dest(p, &client);
	if (IS_ERR(dest))
		return PTR_ERR(dest);
	err = sdt_port_move(p, port, dest, 0);
	if (err)
		sdt_dest_free(dest);
	return err;
}

/* The target changed, or channels had other ports before. */
static void move(struct sdt_ports *p)
{
	struct sdt_port *port;
	bool active, forged;

	list_for_each_entry(port, &p->all, all) {
		spin_lock_bh(&p->tunnel->lock);
		active = port->state == SDT_PORT_ACTIVE;
		forged = sdt_port_dest(p, port)->forged;
		spin_unlock_bh(&p->tunnel->lock);
		if (active && (!forged || follow(p, port)))
			WRITE_ONCE(port->stale, true);
		cond_resched();
	}
}

/* t->lock. The channel that waits first, or NULL. */
static struct sdt_channel *head(struct sdt_ports *p)
{
	return list_first_entry_or_null(&p->waiting, struct sdt_channel, server.wait);
}

/* t->lock. The same, if it is @client's. */
static struct sdt_channel *first_of(struct sdt_ports *p, const struct sdt_endpoint *client)
{
	struct sdt_channel *c = head(p);

	return c && sdt_client_is(c, client) ? c : NULL;
}

/* Who waits first. Return: false: nobody does. */
static bool first_waiting(struct sdt_ports *p, struct sdt_endpoint *client)
{
	struct sdt_channel *c;

	spin_lock_bh(&p->tunnel->lock);
	c = head(p);
	if (c)
		sdt_endpoint_make(client, &c->client.ip, c->client.port, 0);
	spin_unlock_bh(&p->tunnel->lock);
	return c;
}

/* Another channel of this customer has @port: the one that waits is the later one. */
static void end_earlier(struct sdt_ports *p, struct sdt_port *port,
			const struct sdt_endpoint *client)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sdt_channel *c, *earlier;

	local_bh_disable();
	rcu_read_lock();
	spin_lock(&t->lock);
	c = first_of(p, client);
	earlier = sdt_port_channel(port);
	spin_unlock(&t->lock);
	if (c && earlier && earlier != c)
		sdt_channel_close(t, earlier, SDT_CLOSE_EVICTED);
	rcu_read_unlock();
	local_bh_enable();
}

/* t->lock, RCU. @c has @port from here on. Return: false: it belongs to another channel. */
static bool claim(struct sdt_ports *p, struct sdt_port *port, struct sdt_channel *c)
{
	struct sdt_channel *chan = sdt_port_channel(port);

	if (chan && chan != c)
		return false;
	WRITE_ONCE(port->stale, false);
	if (!chan) {
		list_del(&port->node);
		p->resting_count--;
		sdt_ports_bind(p, port, &c->server);
	}
	return true;
}

/* Give @port to the first that waits, if that is still @client's, and send what it parked. */
static void serve(struct sdt_ports *p, struct sdt_port *port, const struct sdt_endpoint *client)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sk_buff *skb = NULL;
	struct sdt_channel *c;

	end_earlier(p, port, client);
	local_bh_disable();
	rcu_read_lock();
	spin_lock(&t->lock);
	c = first_of(p, client);
	if (c && claim(p, port, c))
		skb = sdt_ports_unpark(p, &c->server);
	spin_unlock(&t->lock);
	if (skb)
		sdt_ports_send_parked(p, &c->server, port, skb);
	rcu_read_unlock();
	local_bh_enable();
}

/* Its address cannot be had: something else on this host is bound to it, for instance. */
static void refuse(struct sdt_ports *p, const struct sdt_endpoint *client)
{
	struct sdt_tunnel *t = p->tunnel;
	struct sk_buff *skb = NULL;
	struct sdt_channel *c;

	local_bh_disable();
	rcu_read_lock();
	spin_lock(&t->lock);
	c = first_of(p, client);
	if (c)
		skb = sdt_ports_unpark(p, &c->server);
	spin_unlock(&t->lock);
	if (skb) {
		sdt_drop(t->stats, SDT_DROP_NO_PORT, skb);
		sdt_channel_no_port(t, &c->server);
	}
	rcu_read_unlock();
	local_bh_enable();
}

/* The port of @client, connected to the present target. */
static struct sdt_port *obtain(struct sdt_ports *p, const struct sdt_endpoint *client)
{
	struct sdt_port *port = open_port(p, client);
	int err;

	if (!IS_ERR(port) || PTR_ERR(port) != -EADDRINUSE)
		return port;
	port = find(p, client);
	if (!port)
		return ERR_PTR(-EADDRINUSE);
	err = follow(p, port);
	return err ? ERR_PTR(err) : port;
}

void sdt_ports_serve_clients(struct sdt_ports *p)
{
	struct sdt_endpoint client;
	struct sdt_port *port;
	bool moved;

	spin_lock_bh(&p->tunnel->lock);
	moved = p->move;
	WRITE_ONCE(p->move, false);
	spin_unlock_bh(&p->tunnel->lock);
	if (moved)
		move(p);
	while (!READ_ONCE(p->tunnel->dead) && first_waiting(p, &client)) {
		port = obtain(p, &client);
		if (IS_ERR(port))
			refuse(p, &client);
		else
			serve(p, port, &client);
		cond_resched();
	}
}
