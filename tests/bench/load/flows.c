// SPDX-License-Identifier: GPL-2.0
/* Datagrams through sockets, in one thread: send a window, take it in, again. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define SOCKET_BYTES	(64 << 20)
#define PATIENCE_US	50000		/* what has not come by then is lost */
#define CUSTOMERS	0x0a400000u	/* 10.64.0.0: a customer an address */
#define CUSTOMER_PORT	7000

static char payload[BATCH_MAX][BYTES_MAX];
static char taken[BATCH_MAX][BYTES_MAX];
static struct mmsghdr out[BATCH_MAX], in[BATCH_MAX];
static struct iovec out_iov[BATCH_MAX], in_iov[BATCH_MAX];
static struct sockaddr_in in_from[BATCH_MAX];
static union {
	char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct cmsghdr align;
} control[BATCH_MAX];

static int socket_in(int ns)
{
	struct timeval patience = { .tv_usec = PATIENCE_US };
	int fd, bytes = SOCKET_BYTES;

	if (setns(ns, CLONE_NEWNET))
		die("setns: %m");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		die("socket: %m");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static int bound_in(int ns, const struct sockaddr_in *to)
{
	int fd = socket_in(ns);

	if (bind(fd, (const struct sockaddr *)to, sizeof(*to)))
		die("bind: %m");
	return fd;
}

static int namespace(const char *name)
{
	char file[64];
	int fd;

	snprintf(file, sizeof(file), "/run/netns/%s", name);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s: %m", file);
	return fd;
}

void path_open(struct path *p, const char *customer_ns, const char *target_ns, unsigned int ports)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int customers = namespace(customer_ns), target = namespace(target_ns);
	unsigned int i;

	p->proxy_fd = namespace(p->proxy_ns);
	p->one = socket_in(customers);
	if (connect(p->one, (struct sockaddr *)&p->to, sizeof(p->to)))
		die("connect: %m");
	p->ports = ports;
	for (i = 0; i < ports; i++) {
		any.sin_port = htons(CUSTOMER_PORT + i);
		p->many[i] = bound_in(customers, &any);
	}
	p->target_fd = bound_in(target, &p->target);
	close(customers);
	close(target);
}

/* The source address of message @i: that of the customer who has channel @number. */
static void from_customer(const struct path *p, unsigned int i, unsigned int number)
{
	struct msghdr *h = &out[i].msg_hdr;
	struct cmsghdr *c;
	struct in_pktinfo *info;

	h->msg_control = control[i].room;
	h->msg_controllen = sizeof(control[i].room);
	c = CMSG_FIRSTHDR(h);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(*info));
	info = (struct in_pktinfo *)CMSG_DATA(c);
	memset(info, 0, sizeof(*info));
	info->ipi_spec_dst.s_addr = htonl(CUSTOMERS + number / p->ports);
}

/* Message @i of the batch, of channel @number. */
static void write_message(const struct row *row, unsigned int i, unsigned int number)
{
	const struct path *p = row->path;
	struct msghdr *h = &out[i].msg_hdr;

	memset(h, 0, sizeof(*h));
	out_iov[i] = (struct iovec){ payload[i], row->bytes };
	h->msg_iov = &out_iov[i];
	h->msg_iovlen = 1;
	memcpy(payload[i], &number, sizeof(number));
	if (row->back) {
		h->msg_name = row->spread ? &p->peers[number] : (void *)&p->one_peer;
		h->msg_namelen = sizeof(struct sockaddr_in);
	} else if (row->spread) {
		h->msg_name = (void *)&p->to;
		h->msg_namelen = sizeof(p->to);
		from_customer(p, i, number);
	}
}

static int sender(const struct row *row, unsigned int number)
{
	if (row->back)
		return row->path->target_fd;
	return row->spread ? row->path->many[number % row->path->ports] : row->path->one;
}

static int receiver(const struct row *row, unsigned int number)
{
	if (!row->back)
		return row->path->target_fd;
	return row->spread ? row->path->many[number % row->path->ports] : row->path->one;
}

static unsigned int send_all(int fd, unsigned int first, unsigned int n)
{
	unsigned int sent = 0;

	while (sent < n) {
		int k = sendmmsg(fd, out + first + sent, n - sent, 0);

		/* an error that an earlier datagram met is told here, once */
		if (k < 0 && (errno == ECONNREFUSED || errno == EHOSTUNREACH))
			continue;
		if (k <= 0)
			die("sendmmsg: %m");
		sent += k;
	}
	return sent;
}

static void schedule_as(int policy)
{
	const struct sched_param param = { .sched_priority = policy == SCHED_FIFO ? 10 : 0 };

	if (sched_setscheduler(0, policy, &param))
		die("sched_setscheduler: %m");
}

/* Up to @n datagrams of @bytes. Return: how many came. @seen is told about each. */
static unsigned int take(int fd, unsigned int n, unsigned int bytes,
			 void (*seen)(void *arg, unsigned int i), void *arg)
{
	unsigned int got = 0;
	int k, i;

	while (got < n) {
		for (i = 0; i < BATCH_MAX; i++) {
			in_iov[i] = (struct iovec){ taken[i], BYTES_MAX };
			in[i].msg_hdr = (struct msghdr){ .msg_iov = &in_iov[i], .msg_iovlen = 1 };
			if (seen) {
				in[i].msg_hdr.msg_name = &in_from[i];
				in[i].msg_hdr.msg_namelen = sizeof(in_from[i]);
			}
		}
		k = recvmmsg(fd, in, n - got, MSG_WAITFORONE, NULL);
		if (k < 0 && errno == ECONNREFUSED)
			continue;
		if (k <= 0)
			break;
		for (i = 0; i < k; i++) {
			if (in[i].msg_len != bytes)
				die("a datagram of %u bytes instead of %u", in[i].msg_len, bytes);
			if (seen)
				seen(arg, i);
		}
		got += k;
	}
	return got;
}

/* ---- rows ------------------------------------------------------------------ */

/*
 * A burst: with a real-time priority nothing else runs until all is sent, so that WireGuard's workers find 64 datagrams;
 * then as a process that does not push them aside for each one that it could take in. As an ordinary one it would,
 * and WireGuard's way would be ten times as long.
 *
 * Return: did all arrive? What did not has been waited for, which is no cost of anything.
 */
static bool row_window(const struct row *row, struct result *res)
{
	const unsigned int window = row->window;
	unsigned int i, got, sent;

	for (i = 0; i < window; i++) {
		write_message(row, i, res->next);
		res->next = res->next + 1 < row->channels ? res->next + 1 : 0;
	}
	if (row->load == LOAD_BURST)
		schedule_as(SCHED_FIFO);
	sent = send_all(sender(row, 0), 0, window);
	if (row->load == LOAD_BURST)
		schedule_as(SCHED_BATCH);
	got = take(receiver(row, 0), sent, row->bytes, NULL, NULL);
	if (got < sent) {
		res->lost += sent - got;
		return false;
	}
	res->datagrams += got;
	return true;
}

/* For @for_ns, or if that is 0 until @count datagrams have been sent. */
void row_run(const struct row *row, uint64_t for_ns, uint64_t count, struct result *res)
{
	const uint64_t start = now_ns();
	uint64_t before = start, after;
	bool whole;

	schedule_as(SCHED_OTHER);
	do {
		whole = row_window(row, res);
		after = now_ns();
		if (whole) {
			res->ns += after - before;
			if (res->n_took < res->room)
				res->took[res->n_took++] = after - before;
		}
		before = after;
	} while (for_ns ? after - start < for_ns : res->datagrams + res->lost < count);
}

/* ---- channels ---------------------------------------------------------------- */

struct learner {
	struct sockaddr_in *peers;
	unsigned int base, count;
	bool *heard;
};

static void learn(void *arg, unsigned int i)
{
	struct learner *l = arg;
	uint32_t number;

	memcpy(&number, taken[i], sizeof(number));
	if (number - l->base >= l->count)
		return;
	l->peers[number - l->base] = in_from[i];
	l->heard[number - l->base] = true;
}

/* One datagram of each of the channels [@first, @first + @n), which the target hears, or not. */
static unsigned int introduce(const struct row *row, struct learner *l, unsigned int first,
			      unsigned int n)
{
	const struct path *p = row->path;
	unsigned int i, sent = 0;

	for (i = 0; i < n; i++)
		write_message(row, i, first + i);
	if (p->ports == 1)
		sent = send_all(p->many[0], 0, n);
	for (i = sent; i < n; i++)
		sent += send_all(sender(row, first + i), i, 1);
	return take(p->target_fd, sent, row->bytes, learn, l);
}

/* The target knows the first @channels customers, and the one. */
void path_known(struct path *p, unsigned int channels)
{
	struct row row = { .path = p, .bytes = 64, .channels = channels, .spread = true };
	struct learner one = { .peers = &p->one_peer, .count = 1 };
	struct learner many = { .count = channels };
	unsigned int i, try;
	bool heard = false;

	one.heard = &heard;
	for (try = 0; try < 100 && !heard; try++) {
		row.spread = false;
		write_message(&row, 0, 0);
		send_all(p->one, 0, 1);
		take(p->target_fd, 1, row.bytes, learn, &one);
	}
	if (!heard)
		die("%s: nothing gets through", p->name);
	if (channels <= p->known)
		return;
	row.spread = true;
	p->peers = realloc(p->peers, channels * sizeof(*p->peers));
	many.peers = p->peers;
	many.heard = calloc(channels, sizeof(*many.heard));
	for (i = p->known; i < channels;) {
		unsigned int n = channels - i < 16 ? channels - i : 16;

		for (try = 0; try < 100; try++) {
			introduce(&row, &many, i, n);
			if (!memchr(many.heard + i, false, n))
				break;
		}
		if (try == 100)
			die("%s: channel %u of %u does not come up", p->name, i, channels);
		i += n;
	}
	free(many.heard);
	p->known = channels;
}

/*
 * @count channels that have not been before, from customer @base on, @window at a time: one datagram
 * each, and one answer if @answer, as DNS has it. What did not come is not tried again.
 */
void path_new(struct path *p, unsigned int base, unsigned int count, unsigned int window, bool answer,
	      struct result *res)
{
	struct row row = { .path = p, .bytes = 64, .channels = count, .spread = true };
	struct learner l = { .base = base, .count = count };
	uint64_t start;
	unsigned int i, j, got, n, back;

	l.peers = calloc(count, sizeof(*l.peers));
	l.heard = calloc(count, sizeof(*l.heard));
	res->datagrams = res->lost = 0;
	start = now_ns();
	for (i = 0; i < count; i += n) {
		n = count - i < window ? count - i : window;
		got = introduce(&row, &l, base + i, n);
		res->lost += n - got;
		if (!answer) {
			res->datagrams += got;
			continue;
		}
		for (j = 0, back = 0; j < n; j++) {
			if (!l.heard[i + j])
				continue;
			write_message(&row, back, base + i + j);
			out[back].msg_hdr.msg_control = NULL;
			out[back].msg_hdr.msg_controllen = 0;
			out[back++].msg_hdr.msg_name = &l.peers[i + j];
		}
		send_all(p->target_fd, 0, back);
		got = take(p->many[0], back, row.bytes, NULL, NULL);
		res->datagrams += got;
		res->lost += back - got;
	}
	res->ns = now_ns() - start;
	free(l.peers);
	free(l.heard);
}
