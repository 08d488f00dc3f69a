// SPDX-License-Identifier: GPL-2.0
/*
 * What sdtctl makes of the kernel's answers. Input: which verb, then datagrams as programs
 * that write them: attributes of any type and length, nested, with lengths that lie, and
 * messages of any kind; so mutations meet the tool's readers and not only the first check.
 */
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/sdt.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fuzz.h"
#include "tool.h"

#define DEPTH_MAX	6
#define DATAGRAM_MAX	8192	/* as the kernel's lists have */
#define ANSWERS_MAX	32

enum {				/* the low three bits of a step */
	STEP_ATTR,		/* type, length, bytes */
	STEP_NUMBER,		/* type, size 1, 2, 4 or 8 by the upper bits, bytes */
	STEP_STRING,		/* type, length, bytes, and a zero */
	STEP_NEST,		/* type */
	STEP_NEST_END,
	STEP_LIE,		/* the innermost nest ends, and is said to be so much longer */
	STEP_MESSAGE,		/* another message: its type by the upper bits */
	STEP_SEND,		/* the datagram is complete */
};

static const uint8_t *data;
static size_t left;
static unsigned int answers;
static bool sane_beginning;

static uint8_t take(void)
{
	if (!left)
		return 0;
	left--;
	return *data++;
}

static struct nlmsghdr *begin_message(uint8_t *buf, uint8_t kind)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_seq = tool_sequence;
	nlh->nlmsg_flags = kind & 0x10 ? NLM_F_DUMP_INTR : 0;
	switch (kind & 7) {
	case 0:
		nlh->nlmsg_type = NLMSG_ERROR;
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
		*(int *)mnl_nlmsg_put_extra_header(nlh, sizeof(struct nlmsgerr)) =
			kind & 8 ? -(int)take() : 0;
		break;
	case 1:
		nlh->nlmsg_type = NLMSG_DONE;
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
		*(int *)mnl_nlmsg_put_extra_header(nlh, sizeof(int)) = kind & 8 ? -(int)take() : 0;
		break;
	case 2:
		nlh->nlmsg_type = take();
		nlh->nlmsg_seq += kind >> 3;
		break;
	default:
		nlh->nlmsg_type = TOOL_FAMILY;
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	}
	return nlh;
}

static void put_bytes(struct nlmsghdr *nlh, uint16_t type, size_t len, bool zero)
{
	uint8_t bytes[257];
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = take();
	bytes[len] = 0;
	mnl_attr_put(nlh, type, len + zero, bytes);
}

static size_t program(uint8_t *buf)
{
	struct nlattr *nests[DEPTH_MAX];
	struct nlmsghdr *nlh = begin_message(buf, take());
	uint8_t *end = buf, step;
	unsigned int depth = 0;
	uint16_t type;

	while (left && nlh->nlmsg_len + (size_t)(end - buf) < DATAGRAM_MAX - 512) {
		step = take();
		switch (step & 7) {
		case STEP_ATTR:
			type = take();
			put_bytes(nlh, type, take(), false);
			break;
		case STEP_NUMBER:
			put_bytes(nlh, take(), 1 << (step >> 3 & 3), false);
			break;
		case STEP_STRING:
			type = take();
			put_bytes(nlh, type, take() % 64, true);
			break;
		case STEP_NEST:
			if (depth < DEPTH_MAX)
				nests[depth++] = mnl_attr_nest_start(nlh, take());
			break;
		case STEP_NEST_END:
			if (depth)
				mnl_attr_nest_end(nlh, nests[--depth]);
			break;
		case STEP_LIE:
			if (depth) {
				mnl_attr_nest_end(nlh, nests[--depth]);
				nests[depth]->nla_len += take();
			}
			break;
		case STEP_MESSAGE:
			while (depth)
				mnl_attr_nest_end(nlh, nests[--depth]);
			end += NLMSG_ALIGN(nlh->nlmsg_len);
			nlh = begin_message(end, step >> 3);
			break;
		default:
			goto done;
		}
	}
done:
	while (depth)
		mnl_attr_nest_end(nlh, nests[--depth]);
	/* One that is cut off now and then. */
	return (size_t)(end - buf) + nlh->nlmsg_len - (left && *data & 0x80 ? take() & 15 : 0);
}

static size_t answer(uint8_t *buf, size_t size)
{
	static unsigned int given;

	if (answers == 0)
		given = 0;
	if (sane_beginning && given < 2) {
		given++;
		answers++;
		return tool_family_answer(buf, size);
	}
	if (!left || ++answers > ANSWERS_MAX)
		return 0;
	memset(buf, 0, DATAGRAM_MAX);
	return program(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static char *const verbs[][6] = {
		{ "show" }, { "show", "links" }, { "show", "tunnels" }, { "show", "channels" },
		{ "show", "channels", "customer", "10.0.0.0/8:1-9" }, { "stats" }, { "stats", "l" },
		{ "monitor" }, { "version" }, { "ping", "l", "-c", "2" }, { "show", "tunnels", "t" },
		{ "set-link", "l", "lanes", "4" }, { "capture", "t", "print" },
		{ "show", "channels", "state", "oneshot" }, { "stats", "-explain" },
	};
	char *argv[10] = { "sdtctl" };
	unsigned int argc = 1, i;
	uint8_t choice, options;

	data = input;
	left = size;
	answers = 0;
	choice = take() % (sizeof(verbs) / sizeof(*verbs));
	options = take();
	sane_beginning = !(options & 4);
	if (options & 1)
		argv[argc++] = "-j";
	if (options & 2)
		argv[argc++] = "-s";
	for (i = 0; i < 6 && verbs[choice][i]; i++)
		argv[argc++] = verbs[choice][i];
	tool_answer = answer;
	tool_run(argv);
	return 0;
}
