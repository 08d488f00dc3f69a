// SPDX-License-Identifier: GPL-2.0
/* Roles echo and sink. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

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

int run_echo(struct options *o)
{
	return run_serve(o, true);
}

int run_sink(struct options *o)
{
	return run_serve(o, false);
}
