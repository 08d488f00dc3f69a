// SPDX-License-Identifier: GPL-2.0
/* Roles client, send and flood. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "sdtload.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define SMALL_SEARCH	65536	/* how far back an answer without a header is looked for */

struct customer *customers_open(const struct options *o)
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
bool customer_write(struct customer *c, const struct options *o, const void *p, size_t len, int flags,
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
		if (!customer_write(c, o, p + from, to - from, i < o->pieces ? MSG_MORE : 0, 0))
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
		good = customer_write(c, o, buffer, (size_t)batch * size, 0, size);
	else if (o->pieces > 1)
		good = send_pieces(c, o, buffer, size);
	else
		good = customer_write(c, o, buffer, size, 0, 0);
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

int run_client(struct options *o)
{
	return run_customers(o, true);
}

int run_send(struct options *o)
{
	return run_customers(o, false);
}

int run_flood(struct options *o)
{
	uint8_t *buffer = allocate(PAYLOAD_MAX + 1, 1), *scrap = allocate(PAYLOAD_MAX + 1, 1);
	struct customer *c;
	double end = o->seconds ? now_ms() + o->seconds * 1e3 : 0;
	struct sched_param idle = { 0 };
	unsigned int turn;

	/* As fast as nobody else needs the processor. */
	if (sched_setscheduler(0, SCHED_IDLE, &idle))
		die("scheduling");
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
