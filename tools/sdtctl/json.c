// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "key.h"
#include "names.h"
#include "nl.h"
#include "sdtctl.h"

#define PORT_REST	120	/* s, of a freed egress port: RFC 6888 REQ-8 */
#define REALS		JSON_REAL_PRECISION(12)

enum field_kind {
	FIELD_NUMBER,		/* of the attribute's own size */
	FIELD_BE16,
	FIELD_SWITCH,
	FIELD_FLAG,
	FIELD_STRING,
	FIELD_KEY,
	FIELD_ENDPOINT,
	FIELD_ENUM,
	FIELD_DSCP,
	FIELD_DEVICE,
	FIELD_LANES,		/* a nest of lane_fields, several times */
	FIELD_PREFIXES,		/* a list */
};

/* An attribute and its name; tables end with a NULL name. */
struct field {
	unsigned short attr;
	enum field_kind kind;
	const char *name;
	const struct name *names;
};

static const struct field node_fields[] = {
	{ SDT_A_NODE_VERSION, FIELD_STRING, "version", NULL },
	{ SDT_A_NODE_ABI, FIELD_NUMBER, "abi", NULL },
	{ SDT_A_NODE_PUBLIC_KEY, FIELD_KEY, "public-key", NULL },
	{ SDT_A_NODE_LISTEN, FIELD_ENDPOINT, "listen", NULL },
	{ SDT_A_NODE_FWMARK, FIELD_NUMBER, "fwmark", NULL },
	{ SDT_A_NODE_DEV, FIELD_DEVICE, "dev", NULL },
	{ SDT_A_NODE_RESET, FIELD_ENUM, "reset", reset_names },
	{ SDT_A_NODE_LINKS, FIELD_NUMBER, "links", NULL },
	{ SDT_A_NODE_TUNNELS, FIELD_NUMBER, "tunnels", NULL },
	{ SDT_A_NODE_CHANNELS, FIELD_NUMBER, "channels", NULL },
	{ 0, 0, NULL, NULL },
};

static const struct field lane_fields[] = {
	{ SDT_A_LANE_INDEX, FIELD_NUMBER, "index", NULL },
	{ SDT_A_LANE_LOCAL_PORT, FIELD_BE16, "local-port", NULL },
	{ SDT_A_LANE_ENDPOINT, FIELD_ENDPOINT, "endpoint", NULL },
	{ SDT_A_LANE_ACTIVE, FIELD_SWITCH, "active", NULL },
	{ 0, 0, NULL, NULL },
};

static const struct field link_fields[] = {
	{ SDT_A_LINK_NAME, FIELD_STRING, "name", NULL },
	{ SDT_A_LINK_STATE, FIELD_ENUM, "state", link_state_names },
	{ SDT_A_LINK_PEER_KEY, FIELD_KEY, "peer-key", NULL },
	{ SDT_A_LINK_PEER, FIELD_ENDPOINT, "peer", NULL },
	{ SDT_A_LINK_ENDPOINT, FIELD_ENDPOINT, "endpoint", NULL },
	{ SDT_A_LINK_HANDSHAKE_AGE, FIELD_NUMBER, "handshake-age", NULL },
	{ SDT_A_LINK_CIPHER, FIELD_ENUM, "cipher", cipher_names },
	{ SDT_A_LINK_LANES, FIELD_NUMBER, "lanes", NULL },
	{ SDT_A_LINK_LANES_ACTIVE, FIELD_NUMBER, "lanes-active", NULL },
	{ SDT_A_LINK_KEEPALIVE, FIELD_NUMBER, "keepalive", NULL },
	{ SDT_A_LINK_SOURCE, FIELD_ENDPOINT, "source", NULL },
	{ SDT_A_LINK_ROAM, FIELD_SWITCH, "roam", NULL },
	{ SDT_A_LINK_PAD, FIELD_NUMBER, "pad", NULL },
	{ SDT_A_LINK_TTL, FIELD_NUMBER, "ttl", NULL },
	{ SDT_A_LINK_ECN, FIELD_SWITCH, "ecn", NULL },
	{ SDT_A_LINK_DSCP, FIELD_DSCP, "dscp", NULL },
	{ SDT_A_LINK_MAX_CHANNELS, FIELD_NUMBER, "max-channels", NULL },
	{ SDT_A_LINK_MAX_MESSAGE, FIELD_NUMBER, "max-message", NULL },
	{ SDT_A_LINK_PATH_MTU, FIELD_NUMBER, "path-mtu", NULL },
	{ SDT_A_LINK_TUNNELS, FIELD_NUMBER, "tunnels", NULL },
	{ SDT_A_LINK_LANE, FIELD_LANES, "lane", NULL },
	{ 0, 0, NULL, NULL },
};

static const struct field tunnel_fields[] = {
	{ SDT_A_TUNNEL_NAME, FIELD_STRING, "name", NULL },
	{ SDT_A_TUNNEL_LINK, FIELD_STRING, "link", NULL },
	{ SDT_A_TUNNEL_ID, FIELD_NUMBER, "id", NULL },
	{ SDT_A_TUNNEL_MODE, FIELD_ENUM, "mode", mode_names },
	{ SDT_A_TUNNEL_ROLE, FIELD_ENUM, "role", role_names },
	{ SDT_A_TUNNEL_LISTEN, FIELD_ENDPOINT, "listen", NULL },
	{ SDT_A_TUNNEL_CUSTOMER, FIELD_ENDPOINT, "customer", NULL },
	{ SDT_A_TUNNEL_TARGET, FIELD_ENDPOINT, "target", NULL },
	{ SDT_A_TUNNEL_MAX_CHANNELS, FIELD_NUMBER, "max-channels", NULL },
	{ SDT_A_TUNNEL_MAX_CHANNELS_PER_CUSTOMER, FIELD_NUMBER, "max-channels-per-customer", NULL },
	{ SDT_A_TUNNEL_CHANNEL_RATE, FIELD_NUMBER, "channel-rate", NULL },
	{ SDT_A_TUNNEL_IDLE, FIELD_NUMBER, "idle", NULL },
	{ SDT_A_TUNNEL_IDLE_ONESHOT, FIELD_NUMBER, "idle-oneshot", NULL },
	{ SDT_A_TUNNEL_IDLE_REFRESH, FIELD_ENUM, "idle-refresh", idle_refresh_names },
	{ SDT_A_TUNNEL_AT_LIMIT, FIELD_ENUM, "at-limit", at_limit_names },
	{ SDT_A_TUNNEL_EGRESS, FIELD_ENDPOINT, "egress", NULL },
	{ SDT_A_TUNNEL_EGRESS_LAST, FIELD_ENDPOINT, "egress-last", NULL },
	{ SDT_A_TUNNEL_EGRESS_PORT_LO, FIELD_NUMBER, "egress-port-lo", NULL },
	{ SDT_A_TUNNEL_EGRESS_PORT_HI, FIELD_NUMBER, "egress-port-hi", NULL },
	{ SDT_A_TUNNEL_CLIENT_ADDRESS, FIELD_ENUM, "client-address", client_address_names },
	{ SDT_A_TUNNEL_CLIENT_ALLOW, FIELD_PREFIXES, "client-allow", NULL },
	{ SDT_A_TUNNEL_ALLOW, FIELD_PREFIXES, "allow", NULL },
	{ SDT_A_TUNNEL_FILTER, FIELD_ENUM, "filter", filter_names },
	{ SDT_A_TUNNEL_PORTS, FIELD_NUMBER, "ports", NULL },
	{ SDT_A_TUNNEL_PORTS_ACTIVE, FIELD_NUMBER, "ports-active", NULL },
	{ SDT_A_TUNNEL_PORTS_RESTING, FIELD_NUMBER, "ports-resting", NULL },
	{ SDT_A_TUNNEL_CHANNELS, FIELD_NUMBER, "channels", NULL },
	{ SDT_A_TUNNEL_IN_DATAGRAMS, FIELD_NUMBER, "in-datagrams", NULL },
	{ SDT_A_TUNNEL_OUT_DATAGRAMS, FIELD_NUMBER, "out-datagrams", NULL },
	{ 0, 0, NULL, NULL },
};

static const struct field channel_fields[] = {
	{ SDT_A_CHANNEL_TUNNEL, FIELD_STRING, "tunnel", NULL },
	{ SDT_A_CHANNEL_ID, FIELD_NUMBER, "id", NULL },
	{ SDT_A_CHANNEL_CUSTOMER, FIELD_ENDPOINT, "customer", NULL },
	{ SDT_A_CHANNEL_LOCAL, FIELD_ENDPOINT, "local", NULL },
	{ SDT_A_CHANNEL_TARGET, FIELD_ENDPOINT, "target", NULL },
	{ SDT_A_CHANNEL_IDLE_MS, FIELD_NUMBER, "idle-ms", NULL },
	{ SDT_A_CHANNEL_LANE, FIELD_NUMBER, "lane", NULL },
	{ SDT_A_CHANNEL_IN_DATAGRAMS, FIELD_NUMBER, "in-datagrams", NULL },
	{ SDT_A_CHANNEL_OUT_DATAGRAMS, FIELD_NUMBER, "out-datagrams", NULL },
	{ 0, 0, NULL, NULL },
};

static const struct field ping_fields[] = {
	{ SDT_A_PING_LINK, FIELD_STRING, "link", NULL },
	{ SDT_A_PING_NUMBER, FIELD_NUMBER, "number", NULL },
	{ SDT_A_PING_LANE, FIELD_NUMBER, "lane", NULL },
	{ SDT_A_PING_SIZE, FIELD_NUMBER, "size", NULL },
	{ SDT_A_PING_RTT, FIELD_NUMBER, "rtt", NULL },
	{ 0, 0, NULL, NULL },
};

static const struct field closed_fields[] = {
	{ SDT_A_EVENT_REASON, FIELD_ENUM, "reason", close_names },
	{ 0, 0, NULL, NULL },
};

static const struct field refused_fields[] = {
	{ SDT_A_EVENT_REASON, FIELD_ENUM, "reason", refuse_names },
	{ 0, 0, NULL, NULL },
};

static const struct field event_fields[] = {
	{ SDT_A_EVENT_TYPE, FIELD_ENUM, "type", event_names },
	{ SDT_A_EVENT_LINK, FIELD_STRING, "link", NULL },
	{ SDT_A_EVENT_TUNNEL, FIELD_STRING, "tunnel", NULL },
	{ SDT_A_EVENT_CHANNEL, FIELD_NUMBER, "channel", NULL },
	{ SDT_A_EVENT_ENDPOINT, FIELD_ENDPOINT, "endpoint", NULL },
	{ SDT_A_EVENT_REMOTE, FIELD_FLAG, "remote", NULL },
	{ SDT_A_EVENT_PATH_MTU, FIELD_NUMBER, "path-mtu", NULL },
	{ SDT_A_EVENT_LOST, FIELD_NUMBER, "lost", NULL },
	{ 0, 0, NULL, NULL },
};

/* ADDR, ADDR%IF, ADDR:PORT, [ADDR]:PORT, :PORT */
static json_t *endpoint(const struct nlattr *nest)
{
	const struct nlattr *tb[SDT_A_ENDPOINT_MAX + 1];
	char address[INET6_ADDRSTRLEN] = "", scope[IF_NAMESIZE + 1] = "";
	bool v6, port;

	nl_parse_nest(nest, tb, SDT_A_ENDPOINT_MAX);
	v6 = tb[SDT_A_ENDPOINT_IPV6] &&
	     mnl_attr_get_payload_len(tb[SDT_A_ENDPOINT_IPV6]) == sizeof(struct in6_addr);
	port = tb[SDT_A_ENDPOINT_PORT];
	if (v6)
		inet_ntop(AF_INET6, mnl_attr_get_payload(tb[SDT_A_ENDPOINT_IPV6]), address,
			  sizeof(address));
	else if (tb[SDT_A_ENDPOINT_IPV4] &&
		 mnl_attr_get_payload_len(tb[SDT_A_ENDPOINT_IPV4]) == sizeof(struct in_addr))
		inet_ntop(AF_INET, mnl_attr_get_payload(tb[SDT_A_ENDPOINT_IPV4]), address,
			  sizeof(address));
	if (tb[SDT_A_ENDPOINT_SCOPE]) {
		scope[0] = '%';
		if (!if_indextoname(nl_number(tb[SDT_A_ENDPOINT_SCOPE]), scope + 1))
			snprintf(scope + 1, sizeof(scope) - 1, "%u",
				 (unsigned int)nl_number(tb[SDT_A_ENDPOINT_SCOPE]));
	}
	if (!port)
		return json_sprintf("%s%s", address, scope);
	return json_sprintf("%s%s%s%s:%u", v6 ? "[" : "", address, scope, v6 ? "]" : "",
			    ntohs(nl_number(tb[SDT_A_ENDPOINT_PORT])));
}

static json_t *enumerator(const struct name *names, unsigned int value)
{
	const char *name = name_of(names, value);

	return name ? json_string(name) : json_sprintf("unknown-%u", value);
}

static json_t *device(unsigned int index)
{
	char name[IF_NAMESIZE];

	if (!index)
		return json_string("none");
	return if_indextoname(index, name) ? json_string(name) : json_integer(index);
}

/* ADDR/LEN, ADDR/LEN:PORTS, [ADDR/LEN]:PORTS: what the word of the command takes */
static json_t *prefix(const struct nlattr *nest)
{
	const struct nlattr *tb[SDT_A_PREFIX_MAX + 1];
	char address[INET6_ADDRSTRLEN] = "", ports[sizeof(":65535-65535")] = "";
	unsigned int lo, hi;
	bool v6;

	nl_parse_nest(nest, tb, SDT_A_PREFIX_MAX);
	v6 = tb[SDT_A_PREFIX_IPV6] &&
	     mnl_attr_get_payload_len(tb[SDT_A_PREFIX_IPV6]) == sizeof(struct in6_addr);
	if (v6)
		inet_ntop(AF_INET6, mnl_attr_get_payload(tb[SDT_A_PREFIX_IPV6]), address,
			  sizeof(address));
	else if (tb[SDT_A_PREFIX_IPV4] &&
		 mnl_attr_get_payload_len(tb[SDT_A_PREFIX_IPV4]) == sizeof(struct in_addr))
		inet_ntop(AF_INET, mnl_attr_get_payload(tb[SDT_A_PREFIX_IPV4]), address,
			  sizeof(address));
	if (tb[SDT_A_PREFIX_PORT_LO] && tb[SDT_A_PREFIX_PORT_HI]) {
		lo = (uint16_t)nl_number(tb[SDT_A_PREFIX_PORT_LO]);
		hi = (uint16_t)nl_number(tb[SDT_A_PREFIX_PORT_HI]);
		if (lo == hi)
			snprintf(ports, sizeof(ports), ":%u", lo);
		else
			snprintf(ports, sizeof(ports), ":%u-%u", lo, hi);
	}
	v6 = v6 && ports[0];
	return json_sprintf("%s%s/%u%s%s", v6 ? "[" : "", address,
			    tb[SDT_A_PREFIX_LEN] ? (uint8_t)nl_number(tb[SDT_A_PREFIX_LEN]) : 0,
			    v6 ? "]" : "", ports);
}

static json_t *prefixes(const struct nlattr *nest)
{
	json_t *list = json_array();
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == SDT_A_PREFIXES_ENTRY)
			json_array_append_new(list, prefix(attr));
	return list;
}

static json_t *value_of(const struct field *f, const struct nlattr *attr)
{
	switch (f->kind) {
	case FIELD_NUMBER:
		return json_integer(nl_number(attr));
	case FIELD_BE16:
		return json_integer(ntohs(nl_number(attr)));
	case FIELD_SWITCH:
		return json_boolean(nl_number(attr));
	case FIELD_FLAG:
		return json_true();
	case FIELD_STRING:
		return json_string(nl_string(attr)) ?: json_null();
	case FIELD_KEY:
		if (mnl_attr_get_payload_len(attr) != SDT_KEY_SIZE)
			return json_null();
		return json_string(key_text(mnl_attr_get_payload(attr)));
	case FIELD_ENDPOINT:
		return endpoint(attr);
	case FIELD_ENUM:
		return enumerator(f->names, nl_number(attr));
	case FIELD_DSCP:
		if (nl_number(attr) == SDT_DSCP_COPY)
			return json_string("copy");
		return json_integer(nl_number(attr));
	case FIELD_DEVICE:
		return device(nl_number(attr));
	case FIELD_PREFIXES:
		return prefixes(attr);
	case FIELD_LANES:
		break;
	}
	return json_null();
}

static void add_fields(json_t *object, const struct field *f, const struct nlattr **tb)
{
	for (; f->name; f++)
		if (tb[f->attr] && f->kind != FIELD_LANES)
			json_object_set_new(object, f->name, value_of(f, tb[f->attr]));
}

json_t *json_node(const struct nlattr *nest)
{
	const struct nlattr *tb[SDT_A_NODE_MAX + 1];
	json_t *object = json_object();

	nl_parse_nest(nest, tb, SDT_A_NODE_MAX);
	add_fields(object, node_fields, tb);
	return object;
}

static json_t *lanes(const struct nlattr *nest)
{
	const struct nlattr *tb[SDT_A_LANE_MAX + 1];
	json_t *list = json_array();
	const struct nlattr *attr;
	json_t *lane;

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) != SDT_A_LINK_LANE)
			continue;
		nl_parse_nest(attr, tb, SDT_A_LANE_MAX);
		lane = json_object();
		add_fields(lane, lane_fields, tb);
		json_array_append_new(list, lane);
	}
	return list;
}

json_t *json_link(const struct nlattr *nest)
{
	const struct nlattr *tb[SDT_A_LINK_MAX + 1];
	json_t *object = json_object();

	nl_parse_nest(nest, tb, SDT_A_LINK_MAX);
	add_fields(object, link_fields, tb);
	json_object_set_new(object, "lane", lanes(nest));
	return object;
}

/* To hundredths. */
static json_t *rate(double n)
{
	return json_real((double)(unsigned long long)(n * 100) / 100);
}

/* How many new channels a second the egress ports serve for ever: each is taken for idle and rests. */
static void add_rates(json_t *object, double ports, double idle, double oneshot)
{
	json_object_set_new(object, "sustainable-rate", rate(ports / (idle + PORT_REST)));
	if (oneshot)
		json_object_set_new(object, "sustainable-rate-oneshot",
				    rate(ports / (oneshot + PORT_REST)));
}

json_t *json_tunnel(const struct nlattr *nest)
{
	const struct nlattr *tb[SDT_A_TUNNEL_MAX + 1];
	json_t *object = json_object();

	nl_parse_nest(nest, tb, SDT_A_TUNNEL_MAX);
	add_fields(object, tunnel_fields, tb);
	if (tb[SDT_A_TUNNEL_PORTS] && tb[SDT_A_TUNNEL_IDLE])
		add_rates(object, nl_number(tb[SDT_A_TUNNEL_PORTS]),
			  nl_number(tb[SDT_A_TUNNEL_IDLE]),
			  tb[SDT_A_TUNNEL_IDLE_ONESHOT] ?
				  nl_number(tb[SDT_A_TUNNEL_IDLE_ONESHOT]) : 0);
	return object;
}

static const char *channel_state(uint64_t in, uint64_t out)
{
	if (!in || !out)
		return "unreplied";
	return in == 1 && out == 1 ? "oneshot" : "established";
}

json_t *json_channel(const struct nlattr *nest)
{
	const struct nlattr *tb[SDT_A_CHANNEL_MAX + 1];
	json_t *object = json_object();

	nl_parse_nest(nest, tb, SDT_A_CHANNEL_MAX);
	add_fields(object, channel_fields, tb);
	if (tb[SDT_A_CHANNEL_IN_DATAGRAMS] && tb[SDT_A_CHANNEL_OUT_DATAGRAMS])
		json_object_set_new(object, "state", json_string(channel_state(
			nl_number(tb[SDT_A_CHANNEL_IN_DATAGRAMS]),
			nl_number(tb[SDT_A_CHANNEL_OUT_DATAGRAMS]))));
	return object;
}

json_t *json_event(const struct nlattr *nest)
{
	const struct nlattr *tb[SDT_A_EVENT_MAX + 1];
	json_t *object = json_object();
	unsigned int type = 0;

	nl_parse_nest(nest, tb, SDT_A_EVENT_MAX);
	if (tb[SDT_A_EVENT_TYPE])
		type = nl_number(tb[SDT_A_EVENT_TYPE]);
	add_fields(object, event_fields, tb);
	add_fields(object, type == SDT_EVENT_CHANNEL_CLOSED ? closed_fields : refused_fields, tb);
	return object;
}

json_t *json_ping(const struct nlattr *nest)
{
	const struct nlattr *tb[SDT_A_PING_MAX + 1];
	json_t *object = json_object();

	nl_parse_nest(nest, tb, SDT_A_PING_MAX);
	add_fields(object, ping_fields, tb);
	return object;
}

void json_print(const json_t *value)
{
	json_dumpf(value, stdout, REALS | (opt.pretty ? JSON_INDENT(2) : JSON_COMPACT));
	putchar('\n');
}

void json_print_word(const json_t *value)
{
	if (json_is_string(value))
		fputs(json_string_value(value), stdout);
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "on" : "off", stdout);
	else
		json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT | REALS);
}
