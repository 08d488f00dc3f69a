// SPDX-License-Identifier: GPL-2.0
/*
 * sdtload: the traffic of the guest scenarios. One static program, since every
 * program start costs a tenth of a second in an emulated guest.
 *
 *   sdtload ROLE OPTION... [-- ROLE OPTION...]...
 *
 * Several roles run as one process each, started in the order given, each when
 * the one before is ready. When the last one and all others that send have
 * ended, the rest is told to (SIGTERM), drains what is under way, and reports. The
 * exit code is 0 only if every role's expectations hold.
 *
 *   echo    answer every datagram from the address it was sent to
 *   sink    the same without answers
 *   client  send, and check every answer
 *   send    the same without answers
 *   flood   send as fast as possible until told to end, check nothing
 *   raw     send the payloads given in hex, or random ones
 *   pump    two tap devices and a wire between them: a NIC without offloads
 *
 *   --ns NAME            enter /run/netns/NAME first
 *   --bind ADDR[:PORT]   own address; repeated: socket i takes number i modulo how many there are,
 *                        and the port rises by one each time round
 *   --to ADDR:PORT       where to; repeated: as --bind, the port does not rise
 *   --sockets N --count M  sockets, and datagrams over all of them
 *   --size LO[-HI]       payload bytes, mixed
 *   --window W           at most W unanswered; --rate R: at most R a second
 *   --until N            client: N answers are enough
 *   --stall MS           unanswered so long: counted as lost, the next one is sent (1000)
 *   --drain MS           wait at the end for what should not come (100; sink and echo: 500)
 *   --run ID             told apart from other runs by this number
 *   --gso N              N datagrams in one send call (UDP_SEGMENT)
 *   --pieces N           each datagram in N pieces (MSG_MORE): a non-linear skb
 *   --connect            connect the sockets
 *   --delay MS           echo: answer later
 *   --from-port P        echo: answer from another port
 *   --fault KIND         echo: flip a bit of every tenth answer, send it twice, to the peer before (swap) or
 *                        not at all (drop): to show that clients notice
 *   --seconds S          flood: end by itself
 *   --random N           raw: N payloads of random bytes that look like SDT messages; --seed S
 *   --repeat N           raw: everything N times
 *   --tap NS/DEV         pump: twice
 *   --expect KEY[<>]=N   what must hold in the end; --expect KEY=any lifts a default
 *
 * The content of a datagram follows from run, socket, number and size, so
 * every bit of it is verified:
 *   16 bytes and more   run, socket, number, a check of these and the size; then
 *                       a piece of a random table that depends on all of them
 *   2 to 15 bytes       low byte of the number, low byte of the socket, a piece of the table
 *   1 byte              low byte of the number
 *   0 bytes             counted
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define LIST_MAX	16
#define ROLES_MAX	8
#define PAYLOAD_MAX	65507
#define HEADER_LEN	16
#define TABLE_LEN	65536	/* a power of two: offsets are taken modulo this */
#define SMALL_SEARCH	65536	/* how far back an answer without a header is looked for */

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
	unsigned int until, stall, drain, run, gso, pieces, delay, from_port, seconds, random, seed, repeat;
	bool connect;
	const char *fault;
	const char *tap[2];
	unsigned int taps;
	char **rest;
	int rests;
	struct expectation expect[LIST_MAX];
	unsigned int expects;
};

static volatile sig_atomic_t over;
static const char *role_name = "sdtload";
static int ready_fd = -1;
static uint8_t table[TABLE_LEN + PAYLOAD_MAX + 1];

__attribute__((noreturn, format(printf, 1, 2)))
static void die(const char *format, ...)
{
	va_list args;
	int e = errno;

	va_start(args, format);
	fprintf(stderr, "sdtload %s: ", role_name);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, e ? " (%s)\n" : "\n", strerror(e));
	exit(2);
}

static void *allocate(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		die("no memory");
	return p;
}

/* Milliseconds, and not the wall clock: a scenario sets that one back. */
static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static void on_term(int sig)
{
	(void)sig;
	over = 1;
}

/* --- what was counted, and what was expected of it */

enum { SENT, RECEIVED, LOST, CHANGED, DUPLICATED, MISROUTED, WRONG_SOURCE, SEND_ERRORS, EMPTY, PEERS, TALLIES };

static const char *const tally_names[TALLIES] = {
	"sent", "received", "lost", "changed", "duplicated", "misrouted", "wrong_source", "send_errors", "empty", "peers",
};

static uint64_t tally[TALLIES];

static void expect(struct options *o, const char *text)
{
	struct expectation *e = &o->expect[o->expects++];
	size_t n = strcspn(text, "<>=");
	const char *value = text + n;

	if (o->expects > LIST_MAX || n >= sizeof(e->key) || !text[n])
		die("what is --expect %s?", text);
	memcpy(e->key, text, n);
	e->op = *value;
	value += value[1] == '=' ? 2 : 1;
	if (!strcmp(value, "any"))
		e->op = '*';
	else
		e->value = strtoull(value, NULL, 10);
}

static void expect_default(struct options *o, const char *key)
{
	char text[32];
	unsigned int i;

	for (i = 0; i < o->expects; i++)
		if (!strcmp(o->expect[i].key, key))
			return;
	snprintf(text, sizeof(text), "%s=0", key);
	expect(o, text);
}

static bool holds(const struct expectation *e)
{
	unsigned int i;

	for (i = 0; i < TALLIES; i++) {
		if (strcmp(e->key, tally_names[i]))
			continue;
		switch (e->op) {
		case '=': return tally[i] == e->value;
		case '<': return tally[i] <= e->value;
		case '>': return tally[i] >= e->value;
		default: return true;
		}
	}
	die("there is no %s to expect anything of", e->key);
}

static int report(const struct options *o)
{
	int status = 0;
	unsigned int i;

	printf("%s:", role_name);
	for (i = 0; i < TALLIES; i++)
		printf(" %s=%llu", tally_names[i], (unsigned long long)tally[i]);
	for (i = 0; i < o->expects; i++) {
		if (holds(&o->expect[i]))
			continue;
		printf(" (expected %s%c%llu)", o->expect[i].key, o->expect[i].op,
		       (unsigned long long)o->expect[i].value);
		status = 1;
	}
	putchar('\n');
	fflush(stdout);
	return status;
}

static void ready(void)
{
	if (ready_fd < 0)
		return;
	if (write(ready_fd, "r", 1) != 1)
		die("nobody waits for me");
	close(ready_fd);
	ready_fd = -1;
}

/* --- content of datagrams */

static uint32_t mix(uint32_t a, uint32_t b)
{
	uint64_t x = ((uint64_t)a << 32 | b) + 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return (uint32_t)(x ^ (x >> 31));
}

static void make_table(void)
{
	uint32_t i;

	for (i = 0; i < sizeof(table); i++)
		table[i] = (uint8_t)mix(i, 0x5d7);
}

static unsigned int content_size(const struct options *o, uint32_t sock, uint32_t seq)
{
	return o->lo + mix(mix(o->run ^ 0x517e, sock), seq) % (o->hi - o->lo + 1);
}

static void content_make(uint8_t *p, unsigned int len, uint32_t run, uint32_t sock, uint32_t seq)
{
	uint32_t h;

	if (len >= HEADER_LEN) {
		uint32_t header[4] = { run, sock, seq };

		h = mix(mix(run, sock), mix(seq, len));
		header[3] = h;
		memcpy(p, header, HEADER_LEN);
		memcpy(p + HEADER_LEN, table + h % TABLE_LEN, len - HEADER_LEN);
		return;
	}
	if (len > 0)
		p[0] = (uint8_t)seq;
	if (len > 1) {
		p[1] = (uint8_t)sock;
		memcpy(p + 2, table + mix(p[0] << 8 | p[1], len) % TABLE_LEN, len - 2);
	}
}

/* Whether @p is what content_make() makes of what it says of itself. */
static bool content_whole(const uint8_t *p, unsigned int len)
{
	uint32_t header[4];

	if (len >= HEADER_LEN) {
		memcpy(header, p, HEADER_LEN);
		if (header[3] != mix(mix(header[0], header[1]), mix(header[2], len)))
			return false;
		return !memcmp(p + HEADER_LEN, table + header[3] % TABLE_LEN, len - HEADER_LEN);
	}
	return len < 3 || !memcmp(p + 2, table + mix(p[0] << 8 | p[1], len) % TABLE_LEN, len - 2);
}

/* --- sockets */

static void address_parse(struct address *to, const char *text)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&to->a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&to->a;
	char host[64], *port = NULL, *scope;
	const char *end;
	size_t n;

	memset(to, 0, sizeof(*to));
	if (*text == '[') {
		end = strchr(text, ']');
		if (!end)
			die("what address is %s?", text);
		n = (size_t)(end - ++text);
		if (end[1] == ':')
			port = (char *)end + 2;
	} else {
		end = strchr(text, ':');
		if (end && end == strrchr(text, ':')) {
			n = (size_t)(end - text);
			port = (char *)end + 1;
		} else {
			n = strlen(text);
		}
	}
	if (n >= sizeof(host))
		die("what address is this?");
	memcpy(host, text, n);
	host[n] = 0;
	scope = strchr(host, '%');
	if (scope)
		*scope++ = 0;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		to->len = sizeof(*v4);
		v4->sin_port = htons(port ? (uint16_t)atoi(port) : 0);
	} else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		to->len = sizeof(*v6);
		v6->sin6_port = htons(port ? (uint16_t)atoi(port) : 0);
		if (scope)
			v6->sin6_scope_id = if_nametoindex(scope);
	} else {
		errno = 0;
		die("what address is %s?", host);
	}
}

static uint16_t *address_port(struct address *a)
{
	return a->a.ss_family == AF_INET ? &((struct sockaddr_in *)&a->a)->sin_port :
					   &((struct sockaddr_in6 *)&a->a)->sin6_port;
}

static bool address_equal(const struct address *a, const struct address *b)
{
	const struct sockaddr_in *a4 = (const void *)&a->a, *b4 = (const void *)&b->a;
	const struct sockaddr_in6 *a6 = (const void *)&a->a, *b6 = (const void *)&b->a;

	if (a->a.ss_family != b->a.ss_family)
		return false;
	if (a->a.ss_family == AF_INET)
		return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port && !memcmp(&a6->sin6_addr, &b6->sin6_addr, 16);
}

static uint32_t address_hash(const struct address *a)
{
	const struct sockaddr_in *a4 = (const void *)&a->a;
	const struct sockaddr_in6 *a6 = (const void *)&a->a;
	uint32_t w[4];

	if (a->a.ss_family == AF_INET)
		return mix(a4->sin_addr.s_addr, a4->sin_port);
	memcpy(w, &a6->sin6_addr, 16);
	return mix(mix(w[0], w[1]), mix(mix(w[2], w[3]), a6->sin6_port));
}

static void enter(const char *ns)
{
	char path[128];
	int fd;

	if (!ns)
		return;
	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("cannot enter %s", ns);
	close(fd);
}

static int socket_new(const struct address *local, int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), big = 8 << 20, on = 1;

	if (fd < 0)
		die("socket");
	/* Outside a guest we may lack the right to more than the system's limit: then that has to do. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)) &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big)))
		die("socket buffer");
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		die("IPV6_V6ONLY");
	if (local && bind(fd, (const struct sockaddr *)&local->a, local->len))
		die("bind");
	return fd;
}

static int epoll_new(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		die("epoll");
	return fd;
}

static void epoll_watch(int epoll, int fd, uint32_t number)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = number };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll");
}

/* --- client and send */

struct customer {
	int fd;
	struct address to;
	uint32_t id, next, quota;
	uint32_t empty_sent, empty_got;
	uint8_t *seen;			/* bit for each number answered */
};

static bool bit_test_and_set(uint8_t *bits, uint32_t i)
{
	uint8_t mask = (uint8_t)(1 << (i & 7));
	bool was = bits[i >> 3] & mask;

	bits[i >> 3] |= mask;
	return was;
}

static struct customer *customers_open(const struct options *o)
{
	struct customer *c = allocate(o->sockets, sizeof(*c));
	unsigned int i;

	for (i = 0; i < o->sockets; i++) {
		struct address local = { 0 };

		c[i].to = o->to[i % o->tos];
		c[i].id = i;
		c[i].quota = o->count / o->sockets + (i < o->count % o->sockets);
		c[i].seen = allocate(c[i].quota / 8 + 1, 1);
		if (o->binds) {
			local = o->bind[i % o->binds];
			if (*address_port(&local))
				*address_port(&local) = htons((uint16_t)(ntohs(*address_port(&local)) +
									i / o->binds));
		}
		c[i].fd = socket_new(o->binds ? &local : NULL, c[i].to.a.ss_family);
		if (o->connect && connect(c[i].fd, (struct sockaddr *)&c[i].to.a, c[i].to.len))
			die("connect");
	}
	return c;
}

/* One sendmsg; the kernel may need a moment, or tell of an ICMP error of an earlier one. */
static bool send_all(struct customer *c, const struct options *o, const void *p, size_t len, int flags,
		     unsigned int segment)
{
	char control[CMSG_SPACE(sizeof(uint16_t))] = { 0 };
	struct iovec iov = { (void *)p, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *h;
	uint16_t value = (uint16_t)segment;
	int tries;

	if (!o->connect) {
		m.msg_name = &c->to.a;
		m.msg_namelen = c->to.len;
	}
	if (segment) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = IPPROTO_UDP;
		h->cmsg_type = UDP_SEGMENT;
		h->cmsg_len = CMSG_LEN(sizeof(value));
		memcpy(CMSG_DATA(h), &value, sizeof(value));
	}
	for (tries = 0; tries < 100; tries++) {
		if (sendmsg(c->fd, &m, flags) >= 0)
			return true;
		if (errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED && errno != EINTR)
			break;
		if (errno == ENOBUFS)
			poll(NULL, 0, 1);
	}
	return false;
}

static bool send_pieces(struct customer *c, const struct options *o, const uint8_t *p, unsigned int len)
{
	unsigned int i, from = 0, to;

	for (i = 1; i <= o->pieces; i++, from = to) {
		to = (unsigned int)((uint64_t)len * i / o->pieces);
		if (!send_all(c, o, p + from, to - from, i < o->pieces ? MSG_MORE : 0, 0))
			return false;
	}
	return true;
}

/* Next datagram of @c, or with --gso as many as one call takes. Returns how many. */
static unsigned int customer_send(struct customer *c, const struct options *o, uint8_t *buffer)
{
	unsigned int batch = o->gso ? o->gso : 1, size = 0, i;
	bool good;

	if (batch > c->quota - c->next)
		batch = c->quota - c->next;
	for (i = 0; i < batch; i++) {
		size = content_size(o, c->id, c->next + i);
		content_make(buffer + (size_t)i * size, size, o->run, c->id, c->next + i);
		c->empty_sent += size == 0;
	}
	if (o->gso)
		good = send_all(c, o, buffer, (size_t)batch * size, 0, size);
	else if (o->pieces > 1)
		good = send_pieces(c, o, buffer, size);
	else
		good = send_all(c, o, buffer, size, 0, 0);
	c->next += batch;
	tally[SENT] += batch;
	if (!good)
		tally[SEND_ERRORS] += batch;
	return batch;
}

/* An answer too short for a header: one of ours that has this size and content and was not answered yet? */
static void small_answer(struct customer *c, const struct options *o, const uint8_t *p, unsigned int len)
{
	uint8_t wanted[HEADER_LEN];
	bool answered = false;
	uint32_t seq, back;

	if (c->next == 0 || (len > 1 && p[1] != (uint8_t)c->id)) {
		tally[content_whole(p, len) ? MISROUTED : CHANGED]++;
		return;
	}
	back = (uint8_t)(c->next - 1 - p[0]);
	for (; back < c->next && back < SMALL_SEARCH; back += 256) {
		seq = c->next - 1 - back;
		if (content_size(o, c->id, seq) != len)
			continue;
		content_make(wanted, len, o->run, c->id, seq);
		if (memcmp(wanted, p, len))
			continue;
		if (!bit_test_and_set(c->seen, seq)) {
			tally[RECEIVED]++;
			return;
		}
		answered = true;
	}
	tally[answered ? DUPLICATED : CHANGED]++;
}

static void answer(struct customer *c, const struct options *o, const uint8_t *p, unsigned int len)
{
	uint32_t header[4];

	if (len == 0) {
		tally[EMPTY]++;
		tally[++c->empty_got > c->empty_sent ? DUPLICATED : RECEIVED]++;
		return;
	}
	if (len < HEADER_LEN) {
		small_answer(c, o, p, len);
		return;
	}
	memcpy(header, p, HEADER_LEN);
	if (!content_whole(p, len))
		tally[CHANGED]++;
	else if (header[0] != o->run || header[1] != c->id)
		tally[MISROUTED]++;
	else if (header[2] >= c->next || content_size(o, c->id, header[2]) != len)
		tally[CHANGED]++;
	else
		tally[bit_test_and_set(c->seen, header[2]) ? DUPLICATED : RECEIVED]++;
}

static void customer_receive(struct customer *c, const struct options *o, uint8_t *buffer)
{
	struct address from;
	ssize_t n;

	for (;;) {
		from.len = sizeof(from.a);
		n = recvfrom(c->fd, buffer, PAYLOAD_MAX + 1, MSG_DONTWAIT, (struct sockaddr *)&from.a, &from.len);
		if (n < 0 && errno == ECONNREFUSED)
			continue;
		if (n < 0)
			return;
		if (!address_equal(&from, &c->to))
			tally[WRONG_SOURCE]++;
		answer(c, o, buffer, (unsigned int)n);
	}
}

/* Returns whether anything came within @ms. */
static bool customers_wait(struct customer *c, const struct options *o, int epoll, double ms, uint8_t *buffer)
{
	struct epoll_event events[64];
	int i, n;

	n = epoll_wait(epoll, events, 64, ms < 0 ? 0 : (int)(ms + 0.999));
	for (i = 0; i < n; i++)
		customer_receive(&c[events[i].data.u32], o, buffer);
	return n > 0;
}

static int run_customers(struct options *o, bool answers)
{
	uint8_t *buffer = allocate((size_t)(o->gso ? o->gso : 1) * PAYLOAD_MAX + 1, 1);
	struct customer *c = customers_open(o);
	int epoll = epoll_new();
	double begin, heard;
	uint64_t given_up = 0;
	unsigned int i, turn = 0;

	for (i = 0; i < o->sockets; i++)
		epoll_watch(epoll, c[i].fd, i);
	ready();
	begin = heard = now_ms();
	while (!over) {
		uint64_t under_way = 0, due = o->count;
		double now = now_ms();

		if (answers) {
			if (given_up + tally[RECEIVED] > tally[SENT])
				given_up = tally[SENT] - tally[RECEIVED];
			under_way = tally[SENT] - tally[RECEIVED] - given_up;
		}
		if ((tally[SENT] >= o->count && under_way == 0) || (o->until && tally[RECEIVED] >= o->until))
			break;
		if (o->rate)
			due = (uint64_t)((now - begin) * o->rate / 1e3) + 1;
		if (tally[SENT] < o->count && tally[SENT] < due && (!answers || under_way < o->window)) {
			while (c[turn % o->sockets].next >= c[turn % o->sockets].quota)
				turn++;
			customer_send(&c[turn++ % o->sockets], o, buffer);
			if (under_way == 0)
				heard = now;
			/* A look at the answers now and then keeps the buffers short. */
			if (turn % 16 == 0)
				customers_wait(c, o, epoll, 0, buffer);
			continue;
		}
		if (tally[SENT] < o->count && tally[SENT] >= due) {
			double until = begin + (double)tally[SENT] * 1e3 / o->rate;

			if (customers_wait(c, o, epoll, until - now, buffer))
				heard = now_ms();
			else if (now_ms() - heard > o->stall)
				given_up += under_way;
		} else if (customers_wait(c, o, epoll, o->stall, buffer)) {
			heard = now_ms();
		} else if (now_ms() - heard >= o->stall) {
			given_up += under_way;
		}
	}
	while (answers && o->drain && customers_wait(c, o, epoll, o->drain, buffer))
		;
	tally[LOST] = answers ? tally[SENT] - tally[RECEIVED] : tally[SEND_ERRORS];
	if (o->until && tally[RECEIVED] >= o->until)
		tally[LOST] = 0;
	expect_default(o, "lost");
	expect_default(o, "changed");
	expect_default(o, "duplicated");
	expect_default(o, "misrouted");
	expect_default(o, "wrong_source");
	return report(o);
}

static int run_client(struct options *o)
{
	return run_customers(o, true);
}

static int run_send(struct options *o)
{
	return run_customers(o, false);
}

static int run_flood(struct options *o)
{
	uint8_t *buffer = allocate(PAYLOAD_MAX + 1, 1), *scrap = allocate(PAYLOAD_MAX + 1, 1);
	struct customer *c;
	double end = o->seconds ? now_ms() + o->seconds * 1e3 : 0;
	unsigned int turn;

	o->count = 0;
	c = customers_open(o);
	content_make(buffer, o->hi, o->run, 0, 0);
	ready();
	for (turn = 0; !over; turn++) {
		struct customer *one = &c[turn % o->sockets];

		if (sendto(one->fd, buffer, content_size(o, one->id, turn), 0, (struct sockaddr *)&one->to.a,
			   one->to.len) < 0) {
			/* What it writes to may be gone for a while: no reason to burn the processor. */
			tally[SEND_ERRORS]++;
			poll(NULL, 0, 1);
		} else {
			tally[SENT]++;
		}
		if (recv(one->fd, scrap, PAYLOAD_MAX + 1, MSG_DONTWAIT) >= 0)
			tally[RECEIVED]++;
		if (end && turn % 64 == 0 && now_ms() > end)
			break;
	}
	return report(o);
}

/* --- echo and sink */

struct flow {			/* one socket of one run, as its datagrams tell */
	struct flow *next;
	uint32_t run, sock, size;
	uint8_t *seen;
};

struct peer {
	struct peer *next;
	struct address a;
};

struct later {
	double due;
	unsigned int len;
	int fd;
	struct msghdr m;
	struct iovec iov;
	struct address to;
	char control[128];
	uint8_t data[];
};

#define HASH_SIZE	4096

static void served(const uint8_t *p, unsigned int len)
{
	static struct flow *flows[HASH_SIZE];
	struct flow **slot, *f;
	uint32_t header[4], size;

	tally[EMPTY] += len == 0;
	if (!content_whole(p, len)) {
		tally[CHANGED]++;
		return;
	}
	tally[RECEIVED]++;
	if (len < HEADER_LEN)
		return;
	memcpy(header, p, HEADER_LEN);
	slot = &flows[mix(header[0], header[1]) % HASH_SIZE];
	for (f = *slot; f && (f->run != header[0] || f->sock != header[1]); f = f->next)
		;
	if (!f) {
		f = allocate(1, sizeof(*f));
		f->run = header[0];
		f->sock = header[1];
		f->next = *slot;
		*slot = f;
	}
	if (header[2] / 8 >= f->size) {
		size = header[2] / 8 + 64;
		f->seen = realloc(f->seen, size);
		if (!f->seen)
			die("no memory");
		memset(f->seen + f->size, 0, size - f->size);
		f->size = size;
	}
	if (bit_test_and_set(f->seen, header[2])) {
		tally[RECEIVED]--;
		tally[DUPLICATED]++;
	}
}

static void note_peer(const struct address *a)
{
	static struct peer *peers[HASH_SIZE];
	struct peer **slot = &peers[address_hash(a) % HASH_SIZE], *p;

	for (p = *slot; p; p = p->next)
		if (address_equal(&p->a, a))
			return;
	p = allocate(1, sizeof(*p));
	p->a = *a;
	p->next = *slot;
	*slot = p;
	tally[PEERS]++;
}

static void echo_later(struct later ***tail, const struct options *o, int fd, const struct msghdr *m, const uint8_t *p,
		       unsigned int len)
{
	struct later *l = allocate(1, sizeof(*l) + len);

	/* Intrusive list would need a field more; the ring of pointers is the caller's. */
	l->due = now_ms() + o->delay;
	l->len = len;
	l->fd = fd;
	l->m = *m;
	memcpy(&l->to.a, m->msg_name, m->msg_namelen);
	memcpy(l->control, m->msg_control, m->msg_controllen);
	memcpy(l->data, p, len);
	l->iov.iov_base = l->data;
	l->iov.iov_len = len;
	l->m.msg_name = &l->to.a;
	l->m.msg_control = l->control;
	l->m.msg_iov = &l->iov;
	**tail = l;
	(*tail)++;
}

static void echo_send(int fd, const struct msghdr *m)
{
	if (sendmsg(fd, m, 0) < 0)
		tally[SEND_ERRORS]++;
	else
		tally[SENT]++;
}

/* Every tenth answer goes wrong. */
static void echo_faulty(const struct options *o, int fd, struct msghdr *m, uint8_t *p)
{
	static struct address before;
	struct address now;
	static unsigned int turn;

	memcpy(&now.a, m->msg_name, m->msg_namelen);
	now.len = m->msg_namelen;
	if (turn++ % 10 == 9) {
		if (!strcmp(o->fault, "drop"))
			return;
		if (!strcmp(o->fault, "twice"))
			echo_send(fd, m);
		else if (!strcmp(o->fault, "flip") && m->msg_iov->iov_len)
			p[m->msg_iov->iov_len / 2] ^= 0x10;
		else if (!strcmp(o->fault, "swap"))
			m->msg_name = &before.a;
	}
	echo_send(fd, m);
	before = now;
}

static int run_serve(struct options *o, bool answers)
{
	static struct later *ring[65536];
	struct later **tail = ring, **head = ring;
	uint8_t *buffer = allocate(PAYLOAD_MAX + 1, 1);
	struct epoll_event events[LIST_MAX];
	int fds[LIST_MAX], out[LIST_MAX], epoll = epoll_new(), n, i, on = 1;
	double quiet = 0;

	if (!o->binds)
		die("%s needs --bind", role_name);
	for (i = 0; i < (int)o->binds; i++) {
		int family = o->bind[i].a.ss_family;

		fds[i] = out[i] = socket_new(&o->bind[i], family);
		if (setsockopt(fds[i], family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
			       family == AF_INET ? IP_PKTINFO : IPV6_RECVPKTINFO, &on, sizeof(on)))
			die("packet information");
		if (o->from_port) {
			struct address other = o->bind[i];

			*address_port(&other) = htons((uint16_t)o->from_port);
			out[i] = socket_new(&other, family);
		}
		epoll_watch(epoll, fds[i], (uint32_t)i);
	}
	ready();
	for (;;) {
		int timeout = over ? 20 : 1000;

		if (head != tail) {
			double wait = (*head)->due - now_ms();

			timeout = wait < 0 ? 0 : wait < timeout ? (int)wait + 1 : timeout;
		}
		n = epoll_wait(epoll, events, LIST_MAX, timeout);
		for (i = 0; i < n; i++) {
			char control[128];
			struct address from;
			struct iovec iov = { buffer, PAYLOAD_MAX + 1 };
			struct msghdr m = { .msg_name = &from.a, .msg_iov = &iov, .msg_iovlen = 1 };
			uint32_t s = events[i].data.u32;
			ssize_t len;
			int burst;

			for (burst = 0; burst < 64; burst++) {
				iov.iov_len = PAYLOAD_MAX + 1;
				m.msg_namelen = sizeof(from.a);
				m.msg_control = control;
				m.msg_controllen = sizeof(control);
				len = recvmsg(fds[s], &m, MSG_DONTWAIT);
				if (len < 0)
					break;
				from.len = m.msg_namelen;
				note_peer(&from);
				served(buffer, (unsigned int)len);
				iov.iov_len = (size_t)len;
				m.msg_flags = 0;
				if (answers && o->delay)
					echo_later(&tail, o, out[s], &m, buffer, (unsigned int)len);
				else if (answers && o->fault)
					echo_faulty(o, out[s], &m, buffer);
				else if (answers)
					echo_send(out[s], &m);
			}
		}
		for (; head != tail && (*head)->due <= now_ms(); head++) {
			echo_send((*head)->fd, &(*head)->m);
			free(*head);
		}
		if (head == tail)
			head = tail = ring;
		if (tail - ring > (long)(sizeof(ring) / sizeof(*ring)) - 2048)
			die("too many answers wait");
		if (n > 0 || !over || head != tail)
			quiet = 0;
		else if (!quiet)
			quiet = now_ms();
		else if (now_ms() - quiet >= o->drain)
			break;
	}
	expect_default(o, "changed");
	expect_default(o, "duplicated");
	return report(o);
}

static int run_echo(struct options *o)
{
	return run_serve(o, true);
}

static int run_sink(struct options *o)
{
	return run_serve(o, false);
}

/* --- raw */

static unsigned int unhex(const char *text, uint8_t *p)
{
	unsigned int n, byte;

	for (n = 0; text[2 * n] && text[2 * n + 1] && n < PAYLOAD_MAX; n++) {
		if (sscanf(text + 2 * n, "%2x", &byte) != 1)
			die("what is %s in hex?", text);
		p[n] = (uint8_t)byte;
	}
	return n;
}

/* Random bytes whose first ones lead into every branch of a receiver of SDT messages. */
static unsigned int random_message(uint32_t seed, uint32_t i, uint8_t *p)
{
	static const unsigned int sizes[] = { 0, 1, 7, 8, 9, 23, 24, 25, 64, 148, 192, 191, 193, 1400 };
	uint32_t r = mix(seed, i), len = sizes[r % (sizeof(sizes) / sizeof(*sizes))], k;

	if (r & 0x10000)
		len = (r >> 17) % 1473;
	for (k = 0; k < len; k++)
		p[k] = (uint8_t)mix(r, k);
	if (len && r & 0x8000)
		p[0] = (uint8_t)(((r >> 8) % 6) << 4 | (r & 0x4000 ? 0 : r & 15));
	if (len > 3 && r & 0x2000) {
		p[1] = 1;
		p[2] = (uint8_t)(1 + (r >> 12) % 2);
		p[3] = 0;
	}
	return len;
}

static void raw_send(struct customer *c, const struct options *o, const uint8_t *p, unsigned int len)
{
	tally[SENT]++;
	if (!send_all(c, o, p, len, 0, 0))
		tally[SEND_ERRORS]++;
}

static int run_raw(struct options *o)
{
	uint8_t *buffer = allocate(PAYLOAD_MAX + 1, 1);
	struct customer *c;
	unsigned int round, i;
	int k;

	o->sockets = o->tos;
	o->count = 0;
	c = customers_open(o);
	ready();
	for (round = 0; round < o->repeat; round++) {
		for (i = 0; i < o->random; i++) {
			unsigned int len = random_message(mix(o->seed, round), i, buffer);

			raw_send(&c[i % o->tos], o, buffer, len);
		}
		for (k = 0; k < o->rests; k++)
			raw_send(&c[0], o, buffer, unhex(o->rest[k], buffer));
	}
	return report(o);
}

/* --- pump */

static int tap_open(const char *where)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	const char *slash = strchr(where, '/');
	char ns[64];
	int fd;

	if (!slash || (size_t)(slash - where) >= sizeof(ns))
		die("--tap wants NS/DEV, not %s", where);
	memcpy(ns, where, (size_t)(slash - where));
	ns[slash - where] = 0;
	enter(ns);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", slash + 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r))
		die("tap device %s", where);
	return fd;
}

static int run_pump(struct options *o)
{
	uint8_t *frame = allocate(PAYLOAD_MAX, 1);
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	ssize_t n;
	int i;

	if (o->taps != 2)
		die("pump needs two --tap");
	p[0].fd = tap_open(o->tap[0]);
	p[1].fd = tap_open(o->tap[1]);
	ready();
	while (!over) {
		poll(p, 2, 1000);
		for (i = 0; i < 2; i++) {
			while ((n = read(p[i].fd, frame, PAYLOAD_MAX)) > 0) {
				tally[RECEIVED]++;
				/* A device that is down refuses: a wire without a far end. */
				if (write(p[!i].fd, frame, (size_t)n) == n)
					tally[SENT]++;
				else
					tally[SEND_ERRORS]++;
			}
		}
	}
	return report(o);
}

/* --- roles and options */

static const struct role {
	const char *name;
	int (*run)(struct options *o);
	bool to;		/* writes to somebody */
	bool ends;		/* by itself */
} roles[] = {
	{ "echo", run_echo, false, false },
	{ "sink", run_sink, false, false },
	{ "client", run_client, true, true },
	{ "send", run_send, true, true },
	{ "flood", run_flood, true, false },
	{ "raw", run_raw, true, true },
	{ "pump", run_pump, false, false },
};

enum { O_NS = 256, O_BIND, O_TO, O_SOCKETS, O_COUNT, O_SIZE, O_WINDOW, O_RATE, O_STALL, O_DRAIN, O_RUN, O_GSO, O_PIECES,
       O_CONNECT, O_UNTIL, O_FAULT, O_DELAY, O_FROM_PORT, O_SECONDS, O_RANDOM, O_SEED, O_REPEAT, O_TAP, O_EXPECT };

static const struct option long_options[] = {
	{ "ns", 1, NULL, O_NS }, { "bind", 1, NULL, O_BIND }, { "to", 1, NULL, O_TO },
	{ "sockets", 1, NULL, O_SOCKETS }, { "count", 1, NULL, O_COUNT }, { "size", 1, NULL, O_SIZE },
	{ "window", 1, NULL, O_WINDOW }, { "rate", 1, NULL, O_RATE }, { "stall", 1, NULL, O_STALL },
	{ "drain", 1, NULL, O_DRAIN }, { "run", 1, NULL, O_RUN }, { "gso", 1, NULL, O_GSO },
	{ "pieces", 1, NULL, O_PIECES }, { "connect", 0, NULL, O_CONNECT }, { "until", 1, NULL, O_UNTIL }, { "fault", 1, NULL, O_FAULT }, { "delay", 1, NULL, O_DELAY },
	{ "from-port", 1, NULL, O_FROM_PORT }, { "seconds", 1, NULL, O_SECONDS }, { "random", 1, NULL, O_RANDOM },
	{ "seed", 1, NULL, O_SEED }, { "repeat", 1, NULL, O_REPEAT }, { "tap", 1, NULL, O_TAP },
	{ "expect", 1, NULL, O_EXPECT }, { NULL, 0, NULL, 0 }
};

static unsigned int number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (*end || end == text)
		die("what number is %s?", text);
	return (unsigned int)n;
}

static void option(struct options *o, int which, const char *arg)
{
	char *dash;

	switch (which) {
	case O_NS: o->ns = arg; break;
	case O_BIND:
		if (o->binds == LIST_MAX)
			die("too many addresses");
		address_parse(&o->bind[o->binds++], arg);
		break;
	case O_TO:
		if (o->tos == LIST_MAX)
			die("too many addresses");
		address_parse(&o->to[o->tos++], arg);
		break;
	case O_SOCKETS: o->sockets = number(arg); break;
	case O_COUNT: o->count = number(arg); break;
	case O_SIZE:
		o->lo = o->hi = (unsigned int)strtoul(arg, &dash, 10);
		if (*dash == '-')
			o->hi = number(dash + 1);
		break;
	case O_WINDOW: o->window = number(arg); break;
	case O_RATE: o->rate = number(arg); break;
	case O_STALL: o->stall = number(arg); break;
	case O_DRAIN: o->drain = number(arg); break;
	case O_RUN: o->run = number(arg); break;
	case O_GSO: o->gso = number(arg); break;
	case O_PIECES: o->pieces = number(arg); break;
	case O_UNTIL: o->until = number(arg); break;
	case O_FAULT: o->fault = arg; break;
	case O_CONNECT: o->connect = true; break;
	case O_DELAY: o->delay = number(arg); break;
	case O_FROM_PORT: o->from_port = number(arg); break;
	case O_SECONDS: o->seconds = number(arg); break;
	case O_RANDOM: o->random = number(arg); break;
	case O_SEED: o->seed = number(arg); break;
	case O_REPEAT: o->repeat = number(arg); break;
	case O_TAP:
		if (o->taps == 2)
			die("pump has two ends");
		o->tap[o->taps++] = arg;
		break;
	case O_EXPECT: expect(o, arg); break;
	default: exit(2);
	}
}

static void allow_files(unsigned int wanted)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		die("file limit");
	if (files.rlim_cur >= wanted)
		return;
	files.rlim_cur = wanted;
	if (files.rlim_max < wanted)
		files.rlim_max = wanted;
	if (setrlimit(RLIMIT_NOFILE, &files))
		die("file limit");
}

static const struct role *role_named(const char *name)
{
	unsigned int i;

	for (i = 0; name && i < sizeof(roles) / sizeof(*roles); i++)
		if (!strcmp(name, roles[i].name))
			return &roles[i];
	errno = 0;
	die("which role? echo, sink, client, send, flood, raw or pump; the head of sdtload.c says more");
}

static int run_role(int argc, char **argv, bool last)
{
	struct sigaction action = { .sa_handler = on_term };
	struct options o = { .sockets = 1, .count = 1, .window = 1, .stall = 1000, .run = 1, .lo = 64, .hi = 64,
			     .repeat = 1 };
	const struct role *role = role_named(argc ? argv[0] : NULL);
	int which;

	errno = 0;
	role_name = role->name;
	o.drain = role->to ? 100 : 500;
	optind = 1;
	while ((which = getopt_long(argc, argv, "+", long_options, NULL)) != -1)
		option(&o, which, optarg);
	o.rest = argv + optind;
	o.rests = argc - optind;
	if (role->to && !o.tos)
		die("--to is needed");
	if (!o.sockets || o.hi < o.lo || o.hi > PAYLOAD_MAX || (o.rests && role->run != run_raw))
		die("options that make no sense");
	if (o.gso && (o.lo != o.hi || !o.lo || (uint64_t)o.gso * o.hi > PAYLOAD_MAX))
		die("--gso needs one size, all of it at most %d bytes", PAYLOAD_MAX);
	sigaction(SIGTERM, &action, NULL);
	if (last)
		sigaction(SIGINT, &action, NULL);
	allow_files(o.sockets + 64);
	make_table();
	enter(o.ns);
	errno = 0;
	return role->run(&o);
}

/* A role that serves the last one. Returns when it is ready. */
static pid_t start_role(int argc, char **argv)
{
	int ends[2];
	pid_t pid, parent = getpid();
	char byte;

	if (pipe(ends))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			exit(2);
		close(ends[0]);
		ready_fd = ends[1];
		exit(run_role(argc, argv, false));
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		die("%s did not start", argv[0]);
	close(ends[0]);
	return pid;
}

int main(int argc, char **argv)
{
	struct {
		pid_t pid;
		bool ends;
	} child[ROLES_MAX];
	int count = 0, status, code, i, end;

	argv++;
	argc--;
	for (;;) {
		for (end = 0; end < argc && strcmp(argv[end], "--"); end++)
			;
		if (end == argc)
			break;
		argv[end] = NULL;
		if (count == ROLES_MAX)
			die("too many roles");
		child[count].ends = role_named(argv[0])->ends;
		child[count++].pid = start_role(end, argv);
		argv += end + 1;
		argc -= end + 1;
	}
	status = run_role(argc, argv, true);
	/* First those that send, then those that answer them. */
	for (end = 1; end >= 0; end--) {
		for (i = 0; i < count; i++)
			if (child[i].ends == end && !end)
				kill(child[i].pid, SIGTERM);
		for (i = 0; i < count; i++) {
			if (child[i].ends != end)
				continue;
			if (waitpid(child[i].pid, &code, 0) < 0 || !WIFEXITED(code) || WEXITSTATUS(code))
				status = status ? status : 1;
		}
	}
	return status;
}
