// SPDX-License-Identifier: GPL-2.0
/*
 * What sdtctl makes of its words: the input is a batch of verbs, as a file of configuration
 * is, and the kernel agrees to all of it. Requests have to be well-formed (tool.c).
 */
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/sdt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "tool.h"

static unsigned int answers;

static size_t agree(uint8_t *buf, size_t size)
{
	struct nlmsghdr *nlh;

	if (answers++ < 2)
		return tool_family_answer(buf, size);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = NLMSG_ERROR;
	nlh->nlmsg_seq = tool_sequence;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nlmsgerr));
	return nlh->nlmsg_len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Waits for events for ever, or reads what stands beside this program. */
	static const char *const forbidden[] = { "monitor", "@", "ping" };
	char path[64], *argv[] = { "sdtctl", "-force", "-b", path, NULL };
	unsigned int i;
	int fd;

	for (i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
		if (memmem(data, size, forbidden[i], strlen(forbidden[i])))
			return -1;
	fd = memfd_create("batch", 0);
	REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	answers = 0;
	tool_answer = agree;
	tool_run(argv);
	close(fd);
	return 0;
}
