// SPDX-License-Identifier: GPL-2.0
/* Roles echo and sink. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "sdtload.h"

struct flow {			/* one socket of one run, as its datagrams tell */
	struct flow *next;
	uint32_t run, sock, size;
	uint8_t *seen;
};

struct peer {
	struct peer *next;
	struct address a;
};

struct later {			/* an answer that waits in the wheel */
	struct later *next;
	double stamp;		/* when its question came, as the kernel says; the wall clock */
	int fd;
	struct msghdr m;
	struct iovec iov;
	struct address to;
	char control[128];
	uint8_t data[];
};

#define WHEEL		4096	/* slots of one ms */
#define BATCH		32	/* datagrams taken, or sent, in one call */

static struct {
	struct later *slot[WHEEL];
	uint64_t at;		/* ms; everything up to then has left */
	unsigned int waiting;
} wheel;

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

/* Each datagram that the kernel refuses is an error of its own, and keeps none of the others. */
static void echo_send(int fd, struct mmsghdr *m, unsigned int n)
{
	unsigned int done = 0;
	int sent;

	while (done < n) {
		sent = sendmmsg(fd, m + done, n - done, 0);
		if (sent < 0)
			tally[SEND_ERRORS]++;
		else
			tally[SENT] += (unsigned int)sent;
		done += sent < 0 ? 1 : (unsigned int)sent;
	}
}

static void echo_one(int fd, const struct msghdr *m)
{
	struct mmsghdr one = { .msg_hdr = *m };

	echo_send(fd, &one, 1);
}

static double wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static void echo_later(const struct options *o, int fd, const struct msghdr *m, double stamp, uint64_t now)
{
	static uint32_t turn;
	unsigned int delay = 0;
	struct later *l = allocate(1, sizeof(*l) + m->msg_iov->iov_len);
	uint64_t due;

	if (mix(turn, 0x1a7e) % 100 < o->late)
		delay = o->delay + mix(turn, 0xde1a) % (o->delay_hi - o->delay + 1);
	turn++;
	if (!wheel.waiting)
		wheel.at = now - 1;
	/* A slot that was passed already would have to wait for a whole turn. */
	due = now + delay <= wheel.at ? wheel.at + 1 : now + delay;
	l->stamp = stamp;
	l->fd = fd;
	l->m = *m;
	memcpy(&l->to.a, m->msg_name, m->msg_namelen);
	memcpy(l->control, m->msg_control, m->msg_controllen);
	memcpy(l->data, m->msg_iov->iov_base, m->msg_iov->iov_len);
	l->iov.iov_base = l->data;
	l->iov.iov_len = m->msg_iov->iov_len;
	l->m.msg_name = &l->to.a;
	l->m.msg_control = l->control;
	l->m.msg_iov = &l->iov;
	l->next = wheel.slot[due % WHEEL];
	wheel.slot[due % WHEEL] = l;
	wheel.waiting++;
}

/* Send the first of the answers in @list, all of one socket; the rest is returned. */
static struct later *later_send(struct later *list)
{
	struct later *sent[BATCH];
	struct mmsghdr m[BATCH];
	unsigned int n = 0;
	int fd = list->fd;

	for (; list && n < BATCH && list->fd == fd; list = list->next) {
		sent[n] = list;
		m[n++].msg_hdr = list->m;
	}
	echo_send(fd, m, n);
	while (n)
		free(sent[--n]);
	return list;
}

/* Send what is due. */
static void wheel_run(const struct options *o, uint64_t now)
{
	double wall = o->within && wheel.waiting ? wall_ms() : 0;
	struct later *due = NULL, **end = &due, *l;

	while (wheel.waiting && wheel.at < now) {
		struct later **slot = &wheel.slot[++wheel.at % WHEEL];

		while ((l = *slot)) {
			*slot = l->next;
			wheel.waiting--;
			if (o->within && wall - l->stamp > o->within) {
				tally[WITHHELD]++;
				free(l);
				continue;
			}
			l->next = NULL;
			*end = l;
			end = &l->next;
		}
	}
	while (due)
		due = later_send(due);
}

/* Milliseconds from @now until something is due, at most @most. */
static int wheel_wait(uint64_t now, int most)
{
	int64_t gone = (int64_t)now - (int64_t)wheel.at;
	int i;

	for (i = 1; wheel.waiting && i - gone < most && i < WHEEL; i++)
		if (wheel.slot[(wheel.at + (uint64_t)i) % WHEEL])
			return i < gone ? 0 : (int)(i - gone);
	return most;
}

/* Leave in @m only what an answer may say: where from. Returns when the datagram came, if that was asked for. */
static double answer_control(struct msghdr *m, char *control)
{
	struct cmsghdr *h, *from = NULL;
	struct timespec t = { 0 };

	for (h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&t, CMSG_DATA(h), sizeof(t));
		else
			from = h;
	}
	m->msg_controllen = 0;
	if (from) {
		m->msg_controllen = CMSG_ALIGN(from->cmsg_len);
		memcpy(control, from, from->cmsg_len);
	}
	m->msg_control = control;
	return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
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
			echo_one(fd, m);
		else if (!strcmp(o->fault, "flip") && m->msg_iov->iov_len)
			p[m->msg_iov->iov_len / 2] ^= 0x10;
		else if (!strcmp(o->fault, "swap"))
			m->msg_name = &before.a;
	}
	echo_one(fd, m);
	before = now;
}

/* Open socket @i: where it listens, in @in, and where answers leave, in @out. */
static void serve_open(const struct options *o, unsigned int i, int *in, int *out)
{
	int family = o->bind[i].a.ss_family, on = 1, short_queue = 512 << 10;

	*in = *out = socket_new(&o->bind[i], family);
	if (setsockopt(*in, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
		       family == AF_INET ? IP_PKTINFO : IPV6_RECVPKTINFO, &on, sizeof(on)))
		die("packet information");
	/* What waits longer than that is of no use: a slow machine should lose the newest, not let all grow old. */
	if (o->within && (setsockopt(*in, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
			  setsockopt(*in, SOL_SOCKET, SO_RCVBUFFORCE, &short_queue, sizeof(short_queue))))
		die("time stamps");
	if (o->from_port) {
		struct address other = o->bind[i];

		*address_port(&other) = htons((uint16_t)o->from_port);
		*out = socket_new(&other, family);
	}
}

/* Take up to BATCH datagrams from @in, and answer them through @out. Returns how many. */
static int serve_some(const struct options *o, int in, int out, bool answers, uint64_t now)
{
	static uint8_t buffer[BATCH][PAYLOAD_MAX + 1];
	static char control[BATCH][128], answer[BATCH][128];
	struct address from[BATCH];
	struct mmsghdr m[BATCH] = { 0 };
	struct iovec iov[BATCH];
	double stamp;
	int n, i;

	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec) { buffer[i], sizeof(buffer[i]) };
		m[i].msg_hdr = (struct msghdr) { .msg_name = &from[i].a, .msg_namelen = sizeof(from[i].a), .msg_iov = &iov[i],
						 .msg_iovlen = 1, .msg_control = control[i],
						 .msg_controllen = sizeof(control[i]) };
	}
	n = recvmmsg(in, m, BATCH, MSG_DONTWAIT, NULL);
	for (i = 0; i < n; i++) {
		struct msghdr *h = &m[i].msg_hdr;

		from[i].len = h->msg_namelen;
		iov[i].iov_len = m[i].msg_len;
		h->msg_flags = 0;
		note_peer(&from[i]);
		served(buffer[i], m[i].msg_len);
		stamp = answer_control(h, answer[i]);
		if (answers && (o->delay_hi || o->twice)) {
			echo_later(o, out, h, stamp, now);
			if (mix((uint32_t)tally[RECEIVED], 0x2) % 100 < o->twice)
				echo_later(o, out, h, stamp, now);
		} else if (answers && o->fault) {
			echo_faulty(o, out, h, buffer[i]);
		}
	}
	if (n > 0 && answers && !o->delay_hi && !o->twice && !o->fault)
		echo_send(out, m, (unsigned int)n);
	return n;
}

static int run_serve(struct options *o, bool answers)
{
	struct epoll_event events[LIST_MAX];
	int in[LIST_MAX], out[LIST_MAX], epoll = epoll_new(), n, i, burst;
	double quiet = 0, now = now_ms();

	if (!o->binds)
		die("%s needs --bind", role_name);
	if (o->delay > o->delay_hi || o->delay_hi >= WHEEL)
		die("--delay is at most %d ms", WHEEL - 1);
	for (i = 0; i < (int)o->binds; i++) {
		serve_open(o, (unsigned int)i, &in[i], &out[i]);
		epoll_watch(epoll, in[i], (uint32_t)i);
	}
	ready();
	for (;;) {
		n = epoll_wait(epoll, events, LIST_MAX, wheel_wait((uint64_t)now, over ? 20 : 1000));
		now = now_ms();
		for (i = 0; i < n; i++) {
			uint32_t s = events[i].data.u32;

			for (burst = 0; burst < 4; burst++)
				if (serve_some(o, in[s], out[s], answers, (uint64_t)now) < BATCH)
					break;
		}
		wheel_run(o, (uint64_t)now);
		if (n > 0 || !over || wheel.waiting)
			quiet = 0;
		else if (!quiet)
			quiet = now;
		else if (now - quiet >= o->drain)
			break;
	}
	expect_default(o, "changed");
	expect_default(o, "duplicated");
	return report(o);
}

int run_echo(struct options *o)
{
	return run_serve(o, true);
}

int run_sink(struct options *o)
{
	return run_serve(o, false);
}
