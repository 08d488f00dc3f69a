// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>

#include <linux/sdt.h>

#include "names.h"

const struct name reset_names[] = {
	{ SDT_RESET_OFF, "off" },
	{ SDT_RESET_PEERS, "peers" },
	{ SDT_RESET_ANY, "any" },
	{ 0, NULL },
};

const struct name cipher_names[] = {
	{ SDT_CIPHER_CHACHA20_POLY1305, "chacha20-poly1305" },
	{ SDT_CIPHER_AES_GCM, "aes-gcm" },
	{ 0, NULL },
};

const struct name link_state_names[] = {
	{ SDT_LINK_DOWN, "down" },
	{ SDT_LINK_CONNECTING, "connecting" },
	{ SDT_LINK_UP, "up" },
	{ 0, NULL },
};

const struct name mode_names[] = {
	{ SDT_MODE_DIRECT, "direct" },
	{ SDT_MODE_SERVER, "server" },
	{ SDT_MODE_STREAM, "stream" },
	{ SDT_MODE_ROUTER, "router" },
	{ 0, NULL },
};

const struct name role_names[] = {
	{ SDT_ROLE_DIRECT, "direct" },
	{ SDT_ROLE_PROXY, "proxy" },
	{ SDT_ROLE_SERVER, "server" },
	{ 0, NULL },
};

const struct name at_limit_names[] = {
	{ SDT_AT_LIMIT_REFUSE, "refuse" },
	{ SDT_AT_LIMIT_EVICT_IDLE, "evict-idle" },
	{ 0, NULL },
};

const struct name client_address_names[] = {
	{ SDT_CLIENT_NONE, "none" },
	{ SDT_CLIENT_PROXY_V2, "proxy-v2" },
	{ SDT_CLIENT_PROXY_V2_EVERY, "proxy-v2-every" },
	{ SDT_CLIENT_TRANSPARENT, "transparent" },
	{ 0, NULL },
};

const struct name idle_refresh_names[] = {
	{ SDT_IDLE_REFRESH_BOTH, "both" },
	{ SDT_IDLE_REFRESH_CUSTOMER, "customer" },
	{ 0, NULL },
};

const struct name filter_names[] = {
	{ SDT_FILTER_ADDRESS_PORT, "address-port" },
	{ SDT_FILTER_ADDRESS, "address" },
	{ SDT_FILTER_NONE, "none" },
	{ 0, NULL },
};

const struct name event_names[] = {
	{ SDT_EVENT_LINK_UP, "link-up" },
	{ SDT_EVENT_LINK_DOWN, "link-down" },
	{ SDT_EVENT_LINK_ENDPOINT, "link-endpoint" },
	{ SDT_EVENT_CHANNEL_OPENED, "channel-opened" },
	{ SDT_EVENT_CHANNEL_CLOSED, "channel-closed" },
	{ SDT_EVENT_CHANNEL_REFUSED, "channel-refused" },
	{ SDT_EVENT_PORTS_EXHAUSTED, "ports-exhausted" },
	{ SDT_EVENT_PATH_MTU, "path-mtu" },
	{ SDT_EVENT_EGRESS_GONE, "egress-gone" },
	{ SDT_EVENT_EGRESS_BACK, "egress-back" },
	{ 0, NULL },
};

const struct name close_names[] = {
	{ SDT_CLOSE_IDLE, "idle" },
	{ SDT_CLOSE_PEER, "peer" },
	{ SDT_CLOSE_TUNNEL_DELETED, "tunnel-deleted" },
	{ SDT_CLOSE_EPOCH, "epoch" },
	{ SDT_CLOSE_EVICTED, "evicted" },
	{ SDT_CLOSE_CONFIG, "config" },
	{ 0, NULL },
};

const struct name refuse_names[] = {
	{ SDT_REFUSE_TUNNEL_LIMIT, "tunnel-limit" },
	{ SDT_REFUSE_CUSTOMER_LIMIT, "customer-limit" },
	{ SDT_REFUSE_LINK_LIMIT, "link-limit" },
	{ SDT_REFUSE_RATE, "rate" },
	{ SDT_REFUSE_NO_PORT, "no-port" },
	{ SDT_REFUSE_POLICY, "policy" },
	{ 0, NULL },
};

const char *name_of(const struct name *list, unsigned int value)
{
	for (; list->name; list++)
		if (list->value == value)
			return list->name;
	return NULL;
}
