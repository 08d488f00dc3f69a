/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of sdtload share. main.c says what it is. */
#ifndef _SDTLOAD_H
#define _SDTLOAD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define LIST_MAX	16
#define PAYLOAD_MAX	65507
#define HEADER_LEN	16	/* of a datagram's content */

struct address {
	struct sockaddr_storage a;
	socklen_t len;
};

struct expectation {
	char key[24];
	char op;		/* '=', '<', '>' (both with equality), '*': anything */
	uint64_t value;
};

struct options {
	const char *ns;
	struct address bind[LIST_MAX], to[LIST_MAX];
	unsigned int binds, tos;
	unsigned int sockets, count, lo, hi, window, rate;
	unsigned int until, stall, drain, run, gso, pieces, delay, delay_hi, from_port, seconds, random, seed, repeat;
	unsigned int ports, life, late, twice, within;
	bool connect, stay;
	const char *fault;
	char **rest;
	int rests;
	struct expectation expect[LIST_MAX];
	unsigned int expects;
};

extern volatile sig_atomic_t over;	/* told to end */
extern const char *role_name;

/* main.c */
__attribute__((noreturn, format(printf, 1, 2)))
void die(const char *format, ...);
void *allocate(size_t n, size_t size);
double now_ms(void);
void ready(void);		/* whoever waits for this role may go on */

/* tally.c: what was counted, and what was expected of it */
enum { SENT, RECEIVED, LOST, CHANGED, DUPLICATED, MISROUTED, WRONG_SOURCE, SEND_ERRORS, EMPTY, PEERS, LATE, RENEWED, WITHHELD,
       TALLIES };

extern uint64_t tally[TALLIES];

void expect(struct options *o, const char *text);
void expect_default(struct options *o, const char *key);
int report(const struct options *o);

/* content.c: what datagrams consist of */
void make_table(void);
uint32_t mix(uint32_t a, uint32_t b);
unsigned int content_size(const struct options *o, uint32_t sock, uint32_t seq);
void content_make(uint8_t *p, unsigned int len, uint32_t run, uint32_t sock, uint32_t seq);
bool content_whole(const uint8_t *p, unsigned int len);
bool bit_test_and_set(uint8_t *bits, uint32_t i);

/* net.c: addresses, sockets, namespaces */
void address_parse(struct address *to, const char *text);
uint16_t *address_port(struct address *a);
bool address_equal(const struct address *a, const struct address *b);
uint32_t address_hash(const struct address *a);
void enter(const char *ns);
int socket_new(const struct address *local, int family);
int epoll_new(void);
void epoll_watch(int epoll, int fd, uint32_t number);

/* customers.c */
struct customer {
	int fd;
	struct address to;
	uint32_t id, next, quota;
	uint32_t empty_sent, empty_got;
	uint8_t *seen;			/* bit for each number answered */
};

struct customer *customers_open(const struct options *o);
bool customer_write(struct customer *c, const struct options *o, const void *p, size_t len, int flags,
		    unsigned int segment);
int run_client(struct options *o);
int run_send(struct options *o);
int run_flood(struct options *o);

/* churn.c */
int run_churn(struct options *o);

/* serve.c */
int run_echo(struct options *o);
int run_sink(struct options *o);

/* raw.c */
int run_raw(struct options *o);

#endif
