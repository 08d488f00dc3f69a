// SPDX-License-Identifier: GPL-2.0
/* The customer's address at the server: whom the peer may name, and how the target is told. */
#include <linux/udp.h>

#include "client.h"
#include "compat/compat.h"
#include "egress.h"
#include "modes.h"
#include "policy.h"
#include "proxyv2.h"

/* ---- configuration ------------------------------------------------------- */

int sdt_client_validate(const struct sdt_tunnel_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (cfg->role == SDT_ROLE_PROXY && cfg->client_allow) {
		NL_SET_ERR_MSG(extack, "client-allow belongs to the server role, at the other node");
		return -EINVAL;
	}
	if (cfg->role == SDT_ROLE_PROXY || cfg->client_address != SDT_CLIENT_TRANSPARENT)
		return 0;
	if (!cfg->client_allow) {
		NL_SET_ERR_MSG(extack, "client-address transparent needs client-allow: the customers whose addresses may be used");
		return -EINVAL;
	}
	if (cfg->set & SDT_CFG_EGRESS) {
		NL_SET_ERR_MSG(extack, "with client-address transparent the source is the customer's: no egress, no egress-ports");
		return -EINVAL;
	}
	return 0;
}

/* ---- who is named -------------------------------------------------------- */

enum sdt_stat sdt_client_of(u8 client_address, const struct sdt_frame *f,
			    struct sdt_endpoint *client)
{
	struct in6_addr ip;

	client->family = 0;
	if (client_address == SDT_CLIENT_NONE)
		return f->af == SDT_FRAME_AF_NONE ? 0 : SDT_DROP_OUT_ROLE;
	if (f->af == SDT_FRAME_AF_NONE)
		return SDT_DROP_OUT_CLIENT;
	sdt_frame_ip(f, ip.s6_addr);
	sdt_endpoint_make(client, &ip, f->port, 0);
	return 0;
}

bool sdt_client_allowed(struct sdt_tunnel *t, const struct sdt_endpoint *client)
{
	const struct sdt_prefixes *allow = rcu_dereference(t->client_allow);

	if (allow && !sdt_prefixes_name(allow, &client->ip, client->port))
		return false;
	if (READ_ONCE(t->client_address) == SDT_CLIENT_TRANSPARENT &&
	    (!allow || client->family != READ_ONCE(t->target.family)))
		return false;
	return !sdt_policy_refuses(t->node->net, &client->ip, client->port);
}

/* Judge anew: the channel has no customer yet, or the rules changed. */
static enum sdt_stat judge(struct sdt_tunnel *t, struct sdt_channel *c,
			   const struct sdt_endpoint *client, u32 rules)
{
	bool allowed = sdt_client_allowed(t, client), same;

	spin_lock_bh(&t->lock);
	/* port 0 is never allowed */
	same = !c->client.port || sdt_client_is(c, client);
	if (same && allowed) {
		c->client.ip = client->ip;
		c->client.port = client->port;
		/* pairs with sdt_client_keep(): the address before that */
		smp_store_release(&c->client.rules, rules);
	}
	spin_unlock_bh(&t->lock);
	if (same && !allowed)
		sdt_channel_close(t, c, SDT_CLOSE_CONFIG);
	return same && allowed ? 0 : SDT_DROP_OUT_CLIENT;
}

enum sdt_stat sdt_client_keep(struct sdt_tunnel *t, struct sdt_channel *c,
			      const struct sdt_endpoint *client)
{
	/* pairs with change_commit(): rules are read after their number */
	u32 rules = smp_load_acquire(&t->client_rules);

	/* pairs with judge() */
	if (unlikely(smp_load_acquire(&c->client.rules) != rules))
		return judge(t, c, client, rules);
	return likely(sdt_client_is(c, client)) ? 0 : SDT_DROP_OUT_CLIENT;
}

/* ---- how the target is told ---------------------------------------------- */

static void end_make(struct sdt_proxy_v2_end *end, const struct sdt_endpoint *e)
{
	memcpy(end->ip, &e->ip, sizeof(end->ip));
	end->port = e->port;
}

enum sdt_stat sdt_client_push(struct sk_buff *skb, const struct sdt_endpoint *client,
			      const struct sdt_endpoint *target)
{
	struct sdt_proxy_v2_end src, dst;
	u8 hdr[SDT_PROXY_V2_MAX];
	unsigned int len;

	end_make(&src, client);
	end_make(&dst, target);
	len = sdt_proxy_v2_encode(hdr, &src, &dst);
	if (skb->len + len > SDT_DATAGRAM_MAX)
		return SDT_DROP_OUT_SIZE;
	/* With what sdt_xmit() will put in front: one copy is enough. */
	if (skb_cow_head(skb, len + LL_MAX_HEADER + sizeof(struct ipv6hdr) +
			      sizeof(struct udphdr)))
		return SDT_DROP_OUT_NO_MEMORY;
	memcpy(skb_push(skb, len), hdr, len);
	return 0;
}

/*
 * Is this the first datagram from @port to @dest? Then no other is, until it turns out
 * that it could not be sent. What is stored is compared, and never followed: no
 * @dest is freed, and another one made in its place, while a reader that saw the
 * former may still come here; and a port forgets it before it gets another one.
 */
static bool claim_first(struct sdt_port *port, const struct sdt_dest *dest)
{
	const void *told = READ_ONCE(port->told);

	return told != dest && cmpxchg(&port->told, told, (const void *)dest) == told;
}

void sdt_client_untold(struct sdt_port *port, const struct sdt_dest *dest)
{
	cmpxchg(&port->told, (const void *)dest, NULL);
}

enum sdt_stat sdt_client_tell(struct sdt_tunnel *t, struct sdt_port *port,
			      const struct sdt_dest *dest, struct sk_buff *skb, bool *first)
{
	u8 how = READ_ONCE(t->client_address);
	const struct sdt_channel *c;
	struct sdt_endpoint client;
	enum sdt_stat why;

	*first = false;
	if (!sdt_client_by_header(how))
		return 0;
	c = sdt_port_channel(port);
	if (!c)
		return SDT_DROP_DELETED;
	/* Nobody was named when it came, and it waited since: the setting changed. */
	if (!READ_ONCE(c->client.port))
		return SDT_DROP_OUT_CLIENT;
	*first = claim_first(port, dest);
	if (how == SDT_CLIENT_PROXY_V2 && !*first)
		return 0;
	sdt_endpoint_make(&client, &c->client.ip, c->client.port, 0);
	why = sdt_client_push(skb, &client, &dest->remote);
	if (why && *first)
		sdt_client_untold(port, dest);
	return why;
}
