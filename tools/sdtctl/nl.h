/* SPDX-License-Identifier: GPL-2.0 */
/* Requests to the module, and what it answers. */
#ifndef _SDTCTL_NL_H
#define _SDTCTL_NL_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <linux/sdt.h>

#define NL_MARKS_MAX	192
#define NL_REQUEST_SIZE	16384

/*
 * A request under construction. Marks remember which word an attribute came
 * from, so that the kernel's answer about an attribute can name the word. It
 * may hold keys: nl_request_wipe() ends it.
 */
struct nl_request {
	union {
		struct nlmsghdr nlh;
		char buf[NL_REQUEST_SIZE];
	};
	struct {
		uint32_t offset;
		const char *word, *value;
	} marks[NL_MARKS_MAX];
	unsigned int mark_count;
	const char *what;		/* verb, for errors about the whole */
};

/* What nl_open() learned about the module. */
struct nl_node {
	bool has_key;
	uint32_t abi;
	char version[64];
};

/* Called for every message of an answer; @attrs: the top level, SDT_A_* */
typedef int (*nl_handler)(const struct nlattr *const *attrs, void *arg);

/**
 * nl_open() - reach the module, once a process
 * @any_abi: do not mind if the module is for another tool
 * Complains itself.
 */
int nl_open(bool any_abi);
void nl_close(void);
const struct nl_node *nl_node(void);
/** nl_node_has_key() - the node was just given one */
void nl_node_has_key(void);

void nl_request_init(struct nl_request *req, uint8_t cmd, const char *what);
/** nl_mark() - what is appended next comes from these words */
void nl_mark(struct nl_request *req, const char *word, const char *value);
void nl_request_wipe(struct nl_request *req);

/** nl_talk() - send, wait for the verdict; @handler (may be NULL) gets the answer */
int nl_talk(struct nl_request *req, nl_handler handler, void *arg);

/**
 * nl_dump() - the same for many answers
 * @interrupted: set if objects came or went meanwhile
 */
int nl_dump(struct nl_request *req, nl_handler handler, void *arg, bool *interrupted);

/** nl_listen() - events, for ever or until an error; @lost: some did not arrive */
int nl_listen(nl_handler handler, int (*lost)(void *arg), void *arg);

/** nl_post() - send, and do not wait: nl_await() tells what becomes of it */
int nl_post(struct nl_request *req);

/**
 * nl_await() - what comes next, be it verdicts or messages
 * @req: the last request, for what is said of a refusal
 * @handler: gets messages of the family
 * @refusal: gets an errno that a request was refused with, and the kernel's sentence
 * @wait_ms: return then at the latest; earlier after one datagram, or when a signal came,
 *           also one that is blocked outside
 */
int nl_await(const struct nl_request *req, nl_handler handler,
	     int (*refusal)(int error, const char *message, void *arg), void *arg, int wait_ms);

/** nl_parse_nest() - attributes by type; those above @max are of a newer module, and left out */
void nl_parse_nest(const struct nlattr *nest, const struct nlattr **tb, unsigned int max);

/** nl_number() - of the attribute's own size; 0 if it is no number's */
uint64_t nl_number(const struct nlattr *attr);

/** nl_string() - "" if it is no string, or has no end */
const char *nl_string(const struct nlattr *attr);

/** nl_bytes() - its @size bytes; NULL if it has another size, or @attr is NULL */
const void *nl_bytes(const struct nlattr *attr, size_t size);

#endif /* _SDTCTL_NL_H */
