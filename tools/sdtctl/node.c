// SPDX-License-Identifier: GPL-2.0
/* The node: set-node, and the key that it gets by itself. */
#include <string.h>
#include <sys/mman.h>

#include "key.h"
#include "node.h"
#include "sdtctl.h"
#include "words.h"

#define U32_LAST	4294967295UL

static const struct word words[] = {
	{ "private-key", WORD_SECRET_KEY, SDT_A_NODE, SDT_A_NODE_PRIVATE_KEY, 0, 0, 0, NULL },
	{ "listen", WORD_LISTEN, SDT_A_NODE, SDT_A_NODE_LISTEN, 0, 0, 0, NULL },
	{ "fwmark", WORD_NUMBER, SDT_A_NODE, SDT_A_NODE_FWMARK, 4, 0, U32_LAST, NULL },
	{ "dev", WORD_DEVICE, SDT_A_NODE, SDT_A_NODE_DEV, 0, 0, 0, NULL },
	{ "reset", WORD_ENUM, SDT_A_NODE, SDT_A_NODE_RESET, 1, 0, 0, reset_names },
	{ 0 },
};

int node_ensure_key(void)
{
	static const struct word word = {
		.name = NODE_KEY_FILE,
		.kind = WORD_SECRET_KEY,
		.nest = SDT_A_NODE,
		.attr = SDT_A_NODE_PRIVATE_KEY,
	};
	struct given given = {
		.verb = "set-node",
		.items = { { &word, "@" NODE_KEY_FILE } },
		.count = 1,
	};
	struct nl_request req = { 0 };
	struct nlattr *nest;
	int err;

	if (nl_node()->has_key)
		return EXIT_DONE;
	if (!key_file_exists(NODE_KEY_FILE))
		return complain("the node has no key, and there is no %s: sdtctl genkey makes one, or name another with set-node private-key @FILE",
				NODE_KEY_FILE);
	mlock(&req, sizeof(req));
	nl_request_init(&req, SDT_CMD_NODE_SET, "set-node");
	nest = mnl_attr_nest_start(&req.nlh, SDT_A_NODE);
	err = words_put(&given, SDT_A_NODE, &req);
	mnl_attr_put(&req.nlh, SDT_A_NODE_IF_NO_KEY, 0, NULL);
	mnl_attr_nest_end(&req.nlh, nest);
	if (!err)
		err = nl_talk(&req, NULL, NULL);
	if (!err)
		nl_node_has_key();
	nl_request_wipe(&req);
	munlock(&req, sizeof(req));
	return err;
}

static int run_set_node(int argc, char **argv)
{
	struct nl_request req = { 0 };
	struct given given;
	struct nlattr *nest;
	int err;

	if (!argc)
		return complain("set-node: there is nothing to set: see sdtctl help set-node");
	err = words_parse(&given, "set-node", words, argc, argv);
	if (err)
		return err;
	mlock(&req, sizeof(req));
	nl_request_init(&req, SDT_CMD_NODE_SET, "set-node");
	nest = mnl_attr_nest_start(&req.nlh, SDT_A_NODE);
	err = words_put(&given, SDT_A_NODE, &req);
	mnl_attr_nest_end(&req.nlh, nest);
	if (!err)
		err = nl_open(false) ?: nl_talk(&req, NULL, NULL);
	if (!err && words_value(&given, "private-key"))
		nl_node_has_key();
	nl_request_wipe(&req);
	munlock(&req, sizeof(req));
	return err;
}

VERB(set_node,
	.name = "set-node",
	.usage = "[private-key @FILE] [listen [ADDR]:PORT] [fwmark N] [dev IFNAME|none]\n"
		 "        [reset off|peers|any]",
	.help = "change the node of this network namespace",
	.run = run_set_node);
