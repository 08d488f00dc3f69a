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

static void echo_send(int fd, const struct msghdr *m)
{
	if (sendmsg(fd, m, 0) < 0)
		tally[SEND_ERRORS]++;
	else
		tally[SENT]++;
}

static double wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static void echo_later(const struct options *o, int fd, const struct msghdr *m, double stamp)
{
	static uint32_t turn;
	unsigned int delay = 0;
	struct later *l = allocate(1, sizeof(*l) + m->msg_iov->iov_len);
	uint64_t now = (uint64_t)now_ms(), due;

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

/* Send what is due. */
static void wheel_run(const struct options *o)
{
	uint64_t now = (uint64_t)now_ms();
	struct later *l;

	while (wheel.waiting && wheel.at < now) {
		struct later **slot = &wheel.slot[++wheel.at % WHEEL];

		while ((l = *slot)) {
			*slot = l->next;
			wheel.waiting--;
			if (o->within && wall_ms() - l->stamp > o->within)
				tally[WITHHELD]++;
			else
				echo_send(l->fd, &l->m);
			free(l);
		}
	}
}

/* Milliseconds until something is due, at most @most. */
static int wheel_wait(int most)
{
	int64_t gone = (int64_t)now_ms() - (int64_t)wheel.at;
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
	uint8_t *buffer = allocate(PAYLOAD_MAX + 1, 1);
	struct epoll_event events[LIST_MAX];
	int fds[LIST_MAX], out[LIST_MAX], epoll = epoll_new(), n, i, on = 1;
	double quiet = 0;

	if (!o->binds)
		die("%s needs --bind", role_name);
	if (o->delay > o->delay_hi || o->delay_hi >= WHEEL)
		die("--delay is at most %d ms", WHEEL - 1);
	for (i = 0; i < (int)o->binds; i++) {
		int family = o->bind[i].a.ss_family;

		fds[i] = out[i] = socket_new(&o->bind[i], family);
		if (setsockopt(fds[i], family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
			       family == AF_INET ? IP_PKTINFO : IPV6_RECVPKTINFO, &on, sizeof(on)))
			die("packet information");
		if (o->within && setsockopt(fds[i], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)))
			die("time stamps");
		if (o->from_port) {
			struct address other = o->bind[i];

			*address_port(&other) = htons((uint16_t)o->from_port);
			out[i] = socket_new(&other, family);
		}
		epoll_watch(epoll, fds[i], (uint32_t)i);
	}
	ready();
	for (;;) {
		n = epoll_wait(epoll, events, LIST_MAX, wheel_wait(over ? 20 : 1000));
		for (i = 0; i < n; i++) {
			char control[128], answer[128];
			struct address from;
			struct iovec iov = { buffer, PAYLOAD_MAX + 1 };
			struct msghdr m = { .msg_name = &from.a, .msg_iov = &iov, .msg_iovlen = 1 };
			uint32_t s = events[i].data.u32;
			double stamp;
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
				stamp = answer_control(&m, answer);
				if (answers && (o->delay_hi || o->twice)) {
					echo_later(o, out[s], &m, stamp);
					if (mix((uint32_t)tally[RECEIVED], 0x2) % 100 < o->twice)
						echo_later(o, out[s], &m, stamp);
				} else if (answers && o->fault) {
					echo_faulty(o, out[s], &m, buffer);
				} else if (answers) {
					echo_send(out[s], &m);
				}
			}
		}
		wheel_run(o);
		if (n > 0 || !over || wheel.waiting)
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

int run_echo(struct options *o)
{
	return run_serve(o, true);
}

int run_sink(struct options *o)
{
	return run_serve(o, false);
}
