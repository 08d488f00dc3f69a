// SPDX-License-Identifier: GPL-2.0
/* add-tunnel, set-tunnel, del-tunnel */
#include <string.h>
#include <sys/mman.h>

#include "link.h"
#include "node.h"
#include "sdtctl.h"

#define U32_LAST	4294967295UL
#define IDLE_LAST	604800

static const struct name roles[] = {
	{ SDT_ROLE_PROXY, "proxy" },
	{ SDT_ROLE_SERVER, "server" },
	{ 0, NULL },
};

#define TUNNEL_WORDS								\
	{ "link", WORD_NAME, SDT_A_TUNNEL, SDT_A_TUNNEL_LINK, 0, 0, 0, NULL },	\
	{ "id", WORD_NUMBER, SDT_A_TUNNEL, SDT_A_TUNNEL_ID, 2, 0, 65535, NULL }, \
	{ "mode", WORD_ENUM, SDT_A_TUNNEL, SDT_A_TUNNEL_MODE, 1, 0, 0, mode_names },	\
	{ "role", WORD_ENUM, SDT_A_TUNNEL, SDT_A_TUNNEL_ROLE, 1, 0, 0, roles },	\
	{ "listen", WORD_LISTEN, SDT_A_TUNNEL, SDT_A_TUNNEL_LISTEN, 0, 0, 0, NULL }, \
	{ "customer", WORD_PEER, SDT_A_TUNNEL, SDT_A_TUNNEL_CUSTOMER, 0, 0, 0, NULL }, \
	{ "target", WORD_HOST, SDT_A_TUNNEL, SDT_A_TUNNEL_TARGET, 0, 0, 0, NULL }, \
	{ "max-channels", WORD_NUMBER, SDT_A_TUNNEL, SDT_A_TUNNEL_MAX_CHANNELS, 4, 1, \
	  SDT_CHANNELS_LIMIT, NULL },						\
	{ "max-channels-per-customer", WORD_NUMBER, SDT_A_TUNNEL,		\
	  SDT_A_TUNNEL_MAX_CHANNELS_PER_CUSTOMER, 4, 0, SDT_CHANNELS_LIMIT, NULL }, \
	{ "channel-rate", WORD_RATE, SDT_A_TUNNEL, SDT_A_TUNNEL_CHANNEL_RATE, 4, 0, \
	  U32_LAST, NULL },							\
	{ "idle", WORD_NUMBER, SDT_A_TUNNEL, SDT_A_TUNNEL_IDLE, 4, 1, IDLE_LAST, NULL }, \
	{ "at-limit", WORD_ENUM, SDT_A_TUNNEL, SDT_A_TUNNEL_AT_LIMIT, 1, 0, 0,	\
	  at_limit_names },							\
	{ "idle-oneshot", WORD_NUMBER, SDT_A_TUNNEL, SDT_A_TUNNEL_IDLE_ONESHOT, 4, 0,	\
	  IDLE_LAST, NULL },							\
	{ "idle-refresh", WORD_ENUM, SDT_A_TUNNEL, SDT_A_TUNNEL_IDLE_REFRESH, 1, 0, 0,	\
	  idle_refresh_names },							\
	{ "egress", WORD_EGRESS, SDT_A_TUNNEL, SDT_A_TUNNEL_EGRESS, 0, 0, SDT_EGRESS_LIMIT, NULL }, \
	{ "egress-ports", WORD_PORTS, SDT_A_TUNNEL, SDT_A_TUNNEL_EGRESS_PORT_LO, 0, 0, 0, NULL }, \
	{ "client-address", WORD_ENUM, SDT_A_TUNNEL, SDT_A_TUNNEL_CLIENT_ADDRESS, 1, 0, 0, \
	  client_address_names },						\
	{ "client-allow", WORD_PREFIX, SDT_A_TUNNEL, SDT_A_TUNNEL_CLIENT_ALLOW, 0, 0,	\
	  SDT_PREFIXES_LIMIT, NULL },						\
	{ "allow", WORD_PREFIX, SDT_A_TUNNEL, SDT_A_TUNNEL_ALLOW, 0, 1, SDT_PREFIXES_LIMIT, NULL }, \
	{ "filter", WORD_ENUM, SDT_A_TUNNEL, SDT_A_TUNNEL_FILTER, 1, 0, 0, filter_names }

static const struct word add_words[] = {
	TUNNEL_WORDS,
	LINK_WORDS,
	{ 0 },
};

static const struct word set_words[] = {
	TUNNEL_WORDS,
	{ 0 },
};

/* What the mode wants; the kernel knows it too, but not which word was meant. */
static int check_direct(const struct given *given)
{
	if (words_value(given, "role"))
		return complain("role '%s': direct mode has no roles: both ends are alike",
				safe(words_value(given, "role")));
	if (words_value(given, "target"))
		return complain("target '%s': direct mode has a customer at either end, and no target",
				safe(words_value(given, "target")));
	if (!words_value(given, "listen"))
		return complain("%s: 'listen' is missing: direct mode listens for its customer",
				given->verb);
	if (!words_value(given, "customer"))
		return complain("%s: 'customer' is missing: direct mode serves one, at either end",
				given->verb);
	return EXIT_DONE;
}

/* Which end of a tunnel with roles this is to be. */
static int check_ends(const struct given *given)
{
	bool router = !strcmp(words_value(given, "mode"), "router");
	const char *listen = words_value(given, "listen");
	const char *target = words_value(given, "target");
	const char *role = words_value(given, "role");

	if (words_value(given, "customer"))
		return complain("customer '%s': it belongs to direct mode",
				safe(words_value(given, "customer")));
	if (router && target)
		return complain("target '%s': a router's customers say where they write to, and 'allow' where they may",
				safe(target));
	if (listen && target)
		return complain("target '%s': who has 'listen' is the proxy; the target belongs to the other node",
				safe(target));
	if (role && !strcmp(role, "proxy") && target)
		return complain("role 'proxy': 'target' belongs to role server");
	if (role && !strcmp(role, "server") && listen)
		return complain("role 'server': 'listen' belongs to role proxy");
	if (role && !strcmp(role, "proxy") && !listen)
		return complain("%s: 'listen' is missing: role proxy needs it", given->verb);
	if (router && !listen && !role)
		return complain("%s: 'listen' (for role proxy) or 'role server' is missing",
				given->verb);
	if (!router && !listen && !target)
		return complain("%s: 'listen' (for role proxy) or 'target' (for role server) is missing",
				given->verb);
	return EXIT_DONE;
}

/* The word is given, but does not belong there. */
static int misplaced(const struct given *given, const char *word, const char *where)
{
	return complain("%s '%s': it belongs to %s", word, safe(words_value(given, word)), where);
}

/* What the peer may make this node do, once the ends are right. */
static int check_policy(const struct given *given)
{
	const char *mode = words_value(given, "mode"), *client = words_value(given, "client-address");
	bool server = strcmp(mode, "direct") && !words_value(given, "listen");
	bool router = !strcmp(mode, "router");
	bool one_target = !router && strcmp(mode, "direct");

	if (words_value(given, "allow") && !(router && server))
		return misplaced(given, "allow", "role server of mode router");
	if (router && server && !words_value(given, "allow"))
		return complain("%s: 'allow' is missing: it says where the peer may send to",
				given->verb);
	if (words_value(given, "filter") && !router)
		return misplaced(given, "filter", "mode router");
	if (client && !one_target)
		return misplaced(given, "client-address", "modes server and stream");
	if (words_value(given, "client-allow") && !(one_target && server))
		return misplaced(given, "client-allow", "role server of modes server and stream");
	if (client && !strcmp(client, "transparent") && server && !words_value(given, "client-allow"))
		return complain("%s: 'client-allow' is missing: it says which addresses the peer may name",
				given->verb);
	return EXIT_DONE;
}

static int check_add(const struct given *given)
{
	const char *mode = words_value(given, "mode");
	int err;

	if (!words_value(given, "link"))
		return complain("%s: 'link' is missing", given->verb);
	if (!mode)
		return complain("%s: 'mode' is missing", given->verb);
	if (words_any(given, SDT_A_LINK) && !words_value(given, "peer-key"))
		return complain("%s: 'peer-key' is missing: '%s' makes a new link", given->verb,
				"link");
	/* an unknown mode is refused where it is looked up */
	err = strcmp(mode, "direct") ? check_ends(given) : check_direct(given);
	return err ?: check_policy(given);
}

/* Unless it was said: who listens is the proxy, who does not is the server. */
static void put_role(struct nl_request *req, const struct given *given)
{
	unsigned int role = SDT_ROLE_DIRECT;

	if (words_value(given, "role"))
		return;
	if (strcmp(words_value(given, "mode"), "direct"))
		role = words_value(given, "listen") ? SDT_ROLE_PROXY : SDT_ROLE_SERVER;
	mnl_attr_put_u8(&req->nlh, SDT_A_TUNNEL_ROLE, role);
}

static int put_tunnel(struct nl_request *req, const char *name, const struct given *given, bool add)
{
	struct nlattr *nest = mnl_attr_nest_start(&req->nlh, SDT_A_TUNNEL);
	int err = words_put_name(req, SDT_A_TUNNEL_NAME, given->verb, name);

	if (!err)
		err = words_put(given, SDT_A_TUNNEL, req);
	if (!err && add)
		put_role(req, given);
	mnl_attr_nest_end(&req->nlh, nest);
	return err;
}

/* With attributes of a link the request makes the link as well. */
static int put_link(struct nl_request *req, const struct given *given)
{
	struct nlattr *nest;
	int err;

	if (!words_any(given, SDT_A_LINK))
		return EXIT_DONE;
	nest = mnl_attr_nest_start(&req->nlh, SDT_A_LINK);
	err = words_put(given, SDT_A_LINK, req);
	mnl_attr_nest_end(&req->nlh, nest);
	return err;
}

static int run_add_tunnel(int argc, char **argv)
{
	struct nl_request req = { 0 };
	struct given given;
	int err;

	if (!argc)
		return complain("add-tunnel: the tunnel's name is missing");
	err = words_parse(&given, "add-tunnel", add_words, argc - 1, argv + 1) ?:
	      check_add(&given);
	if (err)
		return err;
	mlock(&req, sizeof(req));
	nl_request_init(&req, SDT_CMD_TUNNEL_ADD, "add-tunnel");
	err = put_tunnel(&req, argv[0], &given, true) ?: put_link(&req, &given);
	if (!err)
		err = nl_open(false) ?: node_ensure_key() ?: nl_talk(&req, NULL, NULL);
	nl_request_wipe(&req);
	munlock(&req, sizeof(req));
	return err;
}

static int run_set_tunnel(int argc, char **argv)
{
	struct nl_request req = { 0 };
	struct given given;
	int err;

	if (!argc)
		return complain("set-tunnel: the tunnel's name is missing");
	err = words_parse(&given, "set-tunnel", set_words, argc - 1, argv + 1);
	if (err)
		return err;
	if (!given.count)
		return complain("set-tunnel: there is nothing to set");
	nl_request_init(&req, SDT_CMD_TUNNEL_SET, "set-tunnel");
	return put_tunnel(&req, argv[0], &given, false) ?: nl_open(false) ?:
	       nl_talk(&req, NULL, NULL);
}

static int run_del_tunnel(int argc, char **argv)
{
	const struct given nothing = { .verb = "del-tunnel" };
	struct nl_request req = { 0 };

	if (!argc)
		return complain("del-tunnel: the tunnel's name is missing");
	if (argc > 1)
		return complain("del-tunnel: '%s' is too much", safe(argv[1]));
	nl_request_init(&req, SDT_CMD_TUNNEL_DEL, "del-tunnel");
	return put_tunnel(&req, argv[0], &nothing, false) ?: nl_open(false) ?:
	       nl_talk(&req, NULL, NULL);
}

#define LIMITS_USAGE								\
	"        [max-channels N] [max-channels-per-customer N] [channel-rate N/s]\n" \
	"        [idle SEC] [idle-oneshot SEC] [idle-refresh both|customer]\n"	\
	"        [at-limit refuse|evict-idle]\n"				\
	"        [egress ADDR[-ADDR|/LEN]] [egress-ports LO-HI]\n"		\
	"        [client-address none|proxy-v2|proxy-v2-every|transparent]\n"	\
	"        [client-allow PREFIX]... [allow PREFIX[:PORTS]]...\n"		\
	"        [filter address-port|address|none]"

VERB(add_tunnel,
	.name = "add-tunnel",
	.usage = "NAME link LINK [id N] mode direct|server|stream|router [role proxy|server]\n"
		 "        { listen [ADDR]:PORT [customer ADDR:PORT] | target HOST:PORT }\n"
		 LIMITS_USAGE "\n"
		 "    and, to make the link as well:\n"
		 LINK_USAGE,
	.help = "make a tunnel; with attributes of a link, that link too, or neither",
	.run = run_add_tunnel);

VERB(set_tunnel,
	.name = "set-tunnel",
	.usage = "NAME [listen [ADDR]:PORT] [customer ADDR:PORT] [target HOST:PORT]\n" LIMITS_USAGE,
	.help = "change a live tunnel; its channels stay",
	.run = run_set_tunnel);

VERB(del_tunnel,
	.name = "del-tunnel",
	.usage = "NAME",
	.help = "delete a tunnel with its channels",
	.run = run_del_tunnel);
