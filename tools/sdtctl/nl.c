// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "nl.h"
#include "sdtctl.h"

#define RECEIVE_SIZE	65536

static struct mnl_socket *sock;
static uint16_t family;
static uint32_t group;
static struct nl_node node;
static uint32_t sequence;

struct table {
	const struct nlattr **tb;
	unsigned int max;
};

static int into_table(const struct nlattr *attr, void *data)
{
	struct table *t = data;

	if (mnl_attr_get_type(attr) <= t->max)
		t->tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

void nl_parse_nest(const struct nlattr *nest, const struct nlattr **tb, unsigned int max)
{
	struct table t = { tb, max };

	memset(tb, 0, (max + 1) * sizeof(*tb));
	mnl_attr_parse_nested(nest, into_table, &t);
}

uint64_t nl_number(const struct nlattr *attr)
{
	const void *p = mnl_attr_get_payload(attr);
	uint16_t n16;
	uint32_t n32;
	uint64_t n64;

	switch (mnl_attr_get_payload_len(attr)) {
	case sizeof(uint8_t):
		return *(const uint8_t *)p;
	case sizeof(n16):
		memcpy(&n16, p, sizeof(n16));
		return n16;
	case sizeof(n32):
		memcpy(&n32, p, sizeof(n32));
		return n32;
	case sizeof(n64):
		memcpy(&n64, p, sizeof(n64));
		return n64;
	default:
		return 0;
	}
}

const char *nl_string(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0 ? "" : mnl_attr_get_str(attr);
}

const void *nl_bytes(const struct nlattr *attr, size_t size)
{
	return attr && mnl_attr_get_payload_len(attr) == size ? mnl_attr_get_payload(attr) : NULL;
}

static void parse_message(const struct nlmsghdr *nlh, const struct nlattr **tb, unsigned int max)
{
	struct table t = { tb, max };

	memset(tb, 0, (max + 1) * sizeof(*tb));
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), into_table, &t);
}

static void request_init(struct nl_request *req, uint16_t type, uint8_t cmd, uint8_t version)
{
	struct genlmsghdr *genl;

	memset(req, 0, sizeof(*req));
	mnl_nlmsg_put_header(req->buf);
	req->nlh.nlmsg_type = type;
	req->nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	genl = mnl_nlmsg_put_extra_header(&req->nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
}

void nl_request_init(struct nl_request *req, uint8_t cmd, const char *what)
{
	/* The family's number is filled in when it is known: nl_open() may come later. */
	request_init(req, 0, cmd, SDT_FAMILY_VERSION);
	req->what = what;
}

void nl_mark(struct nl_request *req, const char *word, const char *value)
{
	if (req->mark_count == NL_MARKS_MAX)
		return;
	req->marks[req->mark_count].offset = req->nlh.nlmsg_len;
	req->marks[req->mark_count].word = word;
	req->marks[req->mark_count].value = value;
	req->mark_count++;
}

void nl_request_wipe(struct nl_request *req)
{
	explicit_bzero(req, sizeof(*req));
}

/* What the kernel says about a refusal: its sentence, and where it points to. */
struct verdict {
	const char *message;
	uint32_t offset;
};

static struct verdict parse_verdict(const struct nlmsghdr *nlh, size_t skip)
{
	struct verdict v = { NULL, 0 };
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || mnl_nlmsg_get_payload_len(nlh) <= skip)
		return v;
	mnl_attr_for_each(attr, nlh, skip) {
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
			v.message = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_OFFS &&
		    !mnl_attr_validate(attr, MNL_TYPE_U32))
			v.offset = mnl_attr_get_u32(attr);
	}
	return v;
}

static int refused(const struct nl_request *req, int error, struct verdict v)
{
	unsigned int i;

	if (!v.message)
		v.message = error == EPERM ? "not permitted: this needs CAP_NET_ADMIN" :
					     strerror(error);
	/* The attribute, or the last one that begins before it: it is inside. */
	for (i = req->mark_count; v.offset && i > 0; i--)
		if (req->marks[i - 1].offset <= v.offset)
			return refuse("%s '%s': %s", req->marks[i - 1].word,
				      safe(req->marks[i - 1].value), v.message);
	/* Where it points to nothing, and there was one word only, that is meant. */
	if (req->mark_count == 1)
		return refuse("%s '%s': %s", req->what, safe(req->marks[0].value), v.message);
	return refuse("%s: %s", req->what, v.message);
}

static int transport_error(const char *what)
{
	return refuse("%s: netlink: %s", what, strerror(errno));
}

/* An error message's errno; 0 for an acknowledgement. */
static int error_of(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
		return EBADMSG;
	return -e->error;
}

static int handle_data(const struct nlmsghdr *nlh, nl_handler handler, void *arg)
{
	const struct nlattr *attrs[SDT_A_MAX + 1];

	if (!handler || mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return EXIT_DONE;
	parse_message(nlh, attrs, SDT_A_MAX);
	return handler(attrs, arg);
}

/* With CAP_ACK the answer to a refused request has the bare header alone. */
static int handle_error(const struct nl_request *req, const struct nlmsghdr *nlh)
{
	int error = error_of(nlh);

	return error ? refused(req, error, parse_verdict(nlh, sizeof(struct nlmsgerr))) :
		       EXIT_DONE;
}

static int handle_done(const struct nl_request *req, const struct nlmsghdr *nlh)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
		error = -*(int *)mnl_nlmsg_get_payload(nlh);
	return error > 0 ? refused(req, error, parse_verdict(nlh, sizeof(error))) : EXIT_DONE;
}

static int send_request(struct nl_request *req)
{
	if (!req->nlh.nlmsg_type)
		req->nlh.nlmsg_type = family;
	req->nlh.nlmsg_seq = ++sequence;
	if (mnl_socket_sendto(sock, &req->nlh, req->nlh.nlmsg_len) < 0)
		return transport_error(req->what);
	return EXIT_DONE;
}

/* Everything up to the verdict. After the handler failed the rest is read, and forgotten. */
static int receive(const struct nl_request *req, nl_handler handler, void *arg, bool *interrupted)
{
	static char buf[RECEIVE_SIZE];
	int result = EXIT_DONE;

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(sock, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (void *)buf;
		int len = got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return transport_error(req->what);
		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_seq != sequence)
				continue;
			if (interrupted && (nlh->nlmsg_flags & NLM_F_DUMP_INTR))
				*interrupted = true;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return result ?: handle_error(req, nlh);
			if (nlh->nlmsg_type == NLMSG_DONE)
				return result ?: handle_done(req, nlh);
			if (!result)
				result = handle_data(nlh, handler, arg);
		}
	}
}

int nl_talk(struct nl_request *req, nl_handler handler, void *arg)
{
	return send_request(req) ?: receive(req, handler, arg, NULL);
}

int nl_dump(struct nl_request *req, nl_handler handler, void *arg, bool *interrupted)
{
	req->nlh.nlmsg_flags |= NLM_F_DUMP;
	return send_request(req) ?: receive(req, handler, arg, interrupted);
}

int nl_post(struct nl_request *req)
{
	return send_request(req);
}

int nl_await(const struct nl_request *req, nl_handler handler,
	     int (*refusal)(int error, const char *message, void *arg), void *arg, int wait_ms)
{
	const struct timespec wait = { wait_ms / 1000, wait_ms % 1000 * 1000000L };
	struct pollfd p = { .fd = mnl_socket_get_fd(sock), .events = POLLIN };
	static char buf[RECEIVE_SIZE];
	const struct nlmsghdr *nlh = (void *)buf;
	int err = EXIT_DONE, error, len;
	const char *message;
	sigset_t none;

	sigemptyset(&none);
	if (ppoll(&p, 1, &wait, &none) <= 0)
		return EXIT_DONE;
	len = mnl_socket_recvfrom(sock, buf, sizeof(buf));
	if (len < 0)
		return errno == EINTR || errno == ENOBUFS ? EXIT_DONE : transport_error(req->what);
	for (; !err && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_type == family)
			err = handle_data(nlh, handler, arg);
		if (nlh->nlmsg_type != NLMSG_ERROR)
			continue;
		error = error_of(nlh);
		message = parse_verdict(nlh, sizeof(struct nlmsgerr)).message;
		if (error)
			err = refusal(error, message ?: strerror(error), arg);
	}
	return err;
}

int nl_listen(nl_handler handler, int (*lost)(void *arg), void *arg)
{
	static char buf[RECEIVE_SIZE];
	int err = EXIT_DONE;

	if (mnl_socket_setsockopt(sock, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		if (errno == EPERM)
			return refuse("monitor: not permitted: this needs CAP_NET_ADMIN");
		return transport_error("monitor");
	}
	while (!err) {
		ssize_t got = mnl_socket_recvfrom(sock, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (void *)buf;
		int len = got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == ENOBUFS) {
			err = lost(arg);
			continue;
		}
		if (got < 0)
			return transport_error("monitor");
		for (; !err && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			if (nlh->nlmsg_type == family)
				err = handle_data(nlh, handler, arg);
	}
	return err;
}

static void parse_groups(const struct nlattr *groups)
{
	const struct nlattr *tb[CTRL_ATTR_MCAST_GRP_MAX + 1];
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, groups) {
		nl_parse_nest(attr, tb, CTRL_ATTR_MCAST_GRP_MAX);
		if (tb[CTRL_ATTR_MCAST_GRP_NAME] && tb[CTRL_ATTR_MCAST_GRP_ID] &&
		    !strcmp(nl_string(tb[CTRL_ATTR_MCAST_GRP_NAME]), SDT_MCGRP_EVENTS))
			group = nl_number(tb[CTRL_ATTR_MCAST_GRP_ID]);
	}
}

static int find_family(void)
{
	const struct nlattr *tb[CTRL_ATTR_MAX + 1];
	static char buf[RECEIVE_SIZE];
	const struct nlmsghdr *nlh = (void *)buf;
	struct nl_request req;
	ssize_t got;

	request_init(&req, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	req.nlh.nlmsg_flags = NLM_F_REQUEST;
	req.what = "looking for the module";
	mnl_attr_put_strz(&req.nlh, CTRL_ATTR_FAMILY_NAME, SDT_FAMILY_NAME);
	if (send_request(&req))
		return EXIT_REFUSED;
	got = mnl_socket_recvfrom(sock, buf, sizeof(buf));
	if (got < 0 || !mnl_nlmsg_ok(nlh, got))
		return transport_error(req.what);
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return refuse("the kernel module is not loaded: modprobe sdt");
	parse_message(nlh, tb, CTRL_ATTR_MAX);
	if (!tb[CTRL_ATTR_FAMILY_ID])
		return refuse("%s: no answer that makes sense", req.what);
	family = nl_number(tb[CTRL_ATTR_FAMILY_ID]);
	if (tb[CTRL_ATTR_MCAST_GROUPS])
		parse_groups(tb[CTRL_ATTR_MCAST_GROUPS]);
	return EXIT_DONE;
}

static int read_node(const struct nlattr *const *attrs, void *arg)
{
	const struct nlattr *tb[SDT_A_NODE_MAX + 1];

	(void)arg;
	if (!attrs[SDT_A_NODE])
		return EXIT_DONE;
	nl_parse_nest(attrs[SDT_A_NODE], tb, SDT_A_NODE_MAX);
	node.has_key = tb[SDT_A_NODE_PUBLIC_KEY];
	if (tb[SDT_A_NODE_ABI])
		node.abi = nl_number(tb[SDT_A_NODE_ABI]);
	if (tb[SDT_A_NODE_VERSION])
		snprintf(node.version, sizeof(node.version), "%s",
			 safe(nl_string(tb[SDT_A_NODE_VERSION])));
	return EXIT_DONE;
}

static int open_socket(void)
{
	int on = 1;

	sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!sock || mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return refuse("netlink: %s", strerror(errno));
	/* Without these a refusal is an errno alone; kernels that lack them are older than SDT. */
	mnl_socket_setsockopt(sock, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(sock, NETLINK_CAP_ACK, &on, sizeof(on));
	sequence = time(NULL);
	return EXIT_DONE;
}

int nl_open(bool any_abi)
{
	struct nl_request req;
	int err;

	if (!sock) {
		err = open_socket() ?: find_family();
		if (!err) {
			nl_request_init(&req, SDT_CMD_NODE_GET, "looking for the module");
			err = nl_talk(&req, read_node, NULL);
		}
		if (err) {
			nl_close();
			return err;
		}
	}
	if (!any_abi && node.abi != SDT_ABI_VERSION)
		return refuse("this sdtctl speaks ABI %u, the loaded module ABI %u: install both from one release",
			      SDT_ABI_VERSION, node.abi);
	return EXIT_DONE;
}

void nl_close(void)
{
	if (sock)
		mnl_socket_close(sock);
	sock = NULL;
}

const struct nl_node *nl_node(void)
{
	return &node;
}

void nl_node_has_key(void)
{
	node.has_key = true;
}
