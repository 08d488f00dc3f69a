// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/sdt.h>
#include <netdb.h>
#include <poll.h>
#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "../../tools/sdtctl/child.h"
#include "../../tools/sdtctl/sdtctl.h"
#include "fuzz.h"
#include "tool.h"

int sdtctl_main(int argc, char **argv);
int fuzz_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		     struct addrinfo **res);
int fuzz_clock_gettime(clockid_t clock, struct timespec *t);
int fuzz_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *wait, const sigset_t *mask);

size_t (*tool_answer)(uint8_t *buf, size_t size);
uint32_t tool_sequence;
uint16_t tool_type;

/* ---- the kernel: these take the place of libmnl's ------------------------------- */

static char the_socket;

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	(void)bus;
	(void)flags;
	return (struct mnl_socket *)&the_socket;
}

int mnl_socket_bind(struct mnl_socket *s, unsigned int groups, pid_t pid)
{
	(void)s;
	(void)groups;
	(void)pid;
	return 0;
}

int mnl_socket_setsockopt(const struct mnl_socket *s, int type, void *buf, socklen_t len)
{
	(void)s;
	(void)type;
	(void)buf;
	(void)len;
	return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *s)
{
	(void)s;
	return -1;
}

int mnl_socket_close(struct mnl_socket *s)
{
	(void)s;
	return 0;
}

/* Attributes fill their message, and their nest, exactly. */
static void well_formed(const struct nlattr *attr, int len)
{
	while (len > 0) {
		REQUIRE(mnl_attr_ok(attr, len));
		if (attr->nla_type & NLA_F_NESTED)
			well_formed(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
		len -= MNL_ALIGN(attr->nla_len);
		attr = mnl_attr_next(attr);
	}
	REQUIRE(!len);
}

ssize_t mnl_socket_sendto(const struct mnl_socket *s, const void *buf, size_t size)
{
	const struct nlmsghdr *nlh = buf;

	(void)s;
	REQUIRE(size >= sizeof(*nlh) && nlh->nlmsg_len == size);
	well_formed(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct genlmsghdr)),
		    (int)(size - NLMSG_HDRLEN - sizeof(struct genlmsghdr)));
	tool_sequence = nlh->nlmsg_seq;
	tool_type = nlh->nlmsg_type;
	return (ssize_t)size;
}

/* What lies behind the datagram is not to be read. */
ssize_t mnl_socket_recvfrom(const struct mnl_socket *s, void *buf, size_t size)
{
	size_t got;

	(void)s;
	ASAN_UNPOISON_MEMORY_REGION(buf, size);
	got = tool_answer(buf, size);
	REQUIRE(got <= size);
	if (!got) {
		errno = EIO;
		return -1;
	}
	ASAN_POISON_MEMORY_REGION((char *)buf + got, size - got);
	return (ssize_t)got;
}

size_t tool_family_answer(uint8_t *buf, size_t size)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	struct nlattr *nest, *group;

	(void)size;
	nlh->nlmsg_seq = tool_sequence;
	nlh->nlmsg_type = tool_type;
	if (tool_type == GENL_ID_CTRL) {
		genl->cmd = CTRL_CMD_NEWFAMILY;
		mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, TOOL_FAMILY);
		nest = mnl_attr_nest_start(nlh, CTRL_ATTR_MCAST_GROUPS);
		group = mnl_attr_nest_start(nlh, 1);
		mnl_attr_put_strz(nlh, CTRL_ATTR_MCAST_GRP_NAME, SDT_MCGRP_EVENTS);
		mnl_attr_put_u32(nlh, CTRL_ATTR_MCAST_GRP_ID, 5);
		mnl_attr_nest_end(nlh, group);
		mnl_attr_nest_end(nlh, nest);
		return nlh->nlmsg_len;
	}
	genl->cmd = SDT_CMD_NODE_GET;
	nest = mnl_attr_nest_start(nlh, SDT_A_NODE);
	mnl_attr_put_u32(nlh, SDT_A_NODE_ABI, SDT_ABI_VERSION);
	mnl_attr_put_strz(nlh, SDT_A_NODE_VERSION, "0.1.0");
	mnl_attr_nest_end(nlh, nest);
	return nlh->nlmsg_len;
}

/* ---- the rest of the world: the tool is compiled with these names ------------------ */

/* No name is looked up. */
int fuzz_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		     struct addrinfo **res)
{
	struct addrinfo numeric = *hints;

	numeric.ai_flags |= AI_NUMERICHOST;
	return getaddrinfo(node, service, &numeric, res);
}

static long now_ms;

int fuzz_clock_gettime(clockid_t clock, struct timespec *t)
{
	(void)clock;
	now_ms += 20;
	t->tv_sec = now_ms / 1000;
	t->tv_nsec = now_ms % 1000 * 1000000;
	return 0;
}

/* Something is always there, until there is nothing any more. */
int fuzz_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *wait, const sigset_t *mask)
{
	static unsigned int turn;

	(void)fds;
	(void)n;
	(void)mask;
	now_ms += wait->tv_sec * 1000 + wait->tv_nsec / 1000000;
	return ++turn % 2;
}

int child_run(const struct child *c)
{
	if (c->output && c->output_size)
		c->output[0] = '\0';
	return 127;
}

void tool_run(char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	memset(&opt, 0, sizeof(opt));
	sdtctl_main(argc, argv);
}
