/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOAD_H
#define LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define BATCH_MAX	64
#define BYTES_MAX	2048

/* Who a datagram is from, in its first bytes: the number of its channel. */
#define BYTES_MIN	4

/*
 * One way from customers to a target. All of them end in one socket of the target, and
 * all customers write from one or a few: a system call for each would hide what is measured.
 */
struct path {
	char name[32];
	char proxy_ns[32];		/* where a card would be: its device leads to the customers */
	struct sockaddr_in to;		/* what customers write to */
	struct sockaddr_in target;
	int one;			/* a connected socket: the customer of rows with one channel */
	int many[16];			/* unconnected; channel i is of address i / ports, by socket i % ports */
	unsigned int ports;
	int target_fd;
	int proxy_fd;			/* the namespace */
	struct sockaddr_in one_peer;	/* as whom the target knows the one */
	struct sockaddr_in *peers;	/* and the many */
	unsigned int known;		/* how many of them it has seen */
};

enum load { LOAD_LOOP, LOAD_BURST, LOAD_NIC };

struct row {
	struct path *path;
	unsigned int bytes;
	enum load load;
	unsigned int window;
	unsigned int channels;
	bool back;
	bool spread;			/* by the unconnected sockets, even if there is one channel */
};

struct result {
	uint64_t datagrams;
	uint64_t lost;
	uint64_t ns;			/* for the datagrams that came */
	uint32_t *took;			/* ns of each window that came whole */
	unsigned int room, n_took;
	unsigned int next;		/* channel of the next datagram */
};

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
uint64_t now_ns(void);

void path_open(struct path *p, const char *customer_ns, const char *target_ns, unsigned int ports);
void path_known(struct path *p, unsigned int channels);
void path_new(struct path *p, unsigned int base, unsigned int count, unsigned int window, bool answer,
	      struct result *res);
void row_run(const struct row *row, uint64_t for_ns, uint64_t count, struct result *res);

void nic_run(const struct row *row, unsigned int count, struct result *res);

#endif
