// SPDX-License-Identifier: GPL-2.0
/* add-link, set-link, del-link */
#include <sys/mman.h>

#include "link.h"
#include "node.h"
#include "sdtctl.h"

static const struct word words[] = {
	LINK_WORDS,
	{ 0 },
};

/* The nest of SDT_A_LINK: name and words. */
static int put_link(struct nl_request *req, const char *name, const struct given *given)
{
	struct nlattr *nest = mnl_attr_nest_start(&req->nlh, SDT_A_LINK);
	int err = words_put_name(req, SDT_A_LINK_NAME, given->verb, name);

	if (!err)
		err = words_put(given, SDT_A_LINK, req);
	mnl_attr_nest_end(&req->nlh, nest);
	return err;
}

static int change(const char *verb, int cmd, int argc, char **argv)
{
	struct nl_request req = { 0 };
	struct given given;
	int err;

	if (!argc)
		return complain("%s: the link's name is missing", verb);
	err = words_parse(&given, verb, words, argc - 1, argv + 1);
	if (err)
		return err;
	if (cmd == SDT_CMD_LINK_ADD && !words_value(&given, "peer-key"))
		return complain("%s: 'peer-key' is missing", verb);
	if (cmd == SDT_CMD_LINK_SET && !given.count)
		return complain("%s: there is nothing to set", verb);
	mlock(&req, sizeof(req));
	nl_request_init(&req, cmd, verb);
	err = put_link(&req, argv[0], &given);
	if (!err)
		err = nl_open(false);
	if (!err && cmd == SDT_CMD_LINK_ADD)
		err = node_ensure_key();
	if (!err)
		err = nl_talk(&req, NULL, NULL);
	nl_request_wipe(&req);
	munlock(&req, sizeof(req));
	return err;
}

static int run_add_link(int argc, char **argv)
{
	return change("add-link", SDT_CMD_LINK_ADD, argc, argv);
}

static int run_set_link(int argc, char **argv)
{
	return change("set-link", SDT_CMD_LINK_SET, argc, argv);
}

static int run_del_link(int argc, char **argv)
{
	const struct given nothing = { .verb = "del-link" };
	struct nl_request req = { 0 };
	int err;

	if (!argc)
		return complain("del-link: the link's name is missing");
	if (argc > 1)
		return complain("del-link: '%s' is too much", safe(argv[1]));
	nl_request_init(&req, SDT_CMD_LINK_DEL, "del-link");
	err = put_link(&req, argv[0], &nothing);
	return err ?: nl_open(false) ?: nl_talk(&req, NULL, NULL);
}

VERB(add_link,
	.name = "add-link",
	.usage = "NAME\n" LINK_USAGE,
	.help = "make a link to the node that has this public key",
	.run = run_add_link);

VERB(set_link,
	.name = "set-link",
	.usage = "NAME\n" LINK_USAGE,
	.help = "change a live link; peer-key and cipher are fixed",
	.run = run_set_link);

VERB(del_link,
	.name = "del-link",
	.usage = "NAME",
	.help = "delete a link that no tunnel uses",
	.run = run_del_link);
