// SPDX-License-Identifier: GPL-2.0
/*
 * Role churn: customers that come, say a few things, and go, while others take
 * over their ports.
 *
 * A customer, for SDT, is an address and a port: a place. Each socket has a
 * number of its own that its datagrams carry, and whose place is on record for
 * ever: an answer that names a number of this place is at most late, one that
 * names a number of another place went to the wrong customer.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sdtload.h"

#define LIFE_MAX	32	/* of --life; bits of visitor.seen are twice as many */
#define TOLD_MAX	8	/* answers gone wrong that are described */
#define TURN_MS		5	/* a look at who waits too long, so often */
#define PATIENCE_MAX	16	/* times --stall */
#define SIZE_MAX_CHURN	2048
#define BATCH		8	/* answers taken in one call */

struct visitor {
	int fd;
	uint32_t id, place;
	unsigned int sent, life, under_way;
	bool hasty;		/* leaves without waiting for the last answers */
	double last;		/* ms; something was sent or heard */
	unsigned int patience;	/* ms; more after each wait in vain, lest a slow machine drown in repetitions */
	uint64_t seen;
};

static uint32_t *place_of;	/* by id */
static uint32_t ids, ids_size;
static uint8_t *taken;		/* places, a bit each */
static uint32_t places;

static struct address place_address(const struct options *o, uint32_t place)
{
	struct address a = o->bind[place % o->binds];

	*address_port(&a) = htons((uint16_t)(ntohs(*address_port(&a)) + place / o->binds));
	return a;
}

static uint32_t place_take(uint32_t seed)
{
	uint32_t place = mix(seed, 0x91ace) % places;

	while (bit_test_and_set(taken, place))
		place = (place + 1) % places;
	return place;
}

static uint32_t id_new(uint32_t place)
{
	if (ids == ids_size) {
		ids_size = ids_size ? 2 * ids_size : 1024;
		place_of = realloc(place_of, ids_size * sizeof(*place_of));
		if (!place_of)
			die("no memory");
	}
	place_of[ids] = place;
	return ids++;
}

static void visitor_come(struct visitor *v, const struct options *o, int epoll, uint32_t number)
{
	struct address local;

	v->place = place_take(ids);
	v->id = id_new(v->place);
	local = place_address(o, v->place);
	v->fd = socket_new(&local, local.a.ss_family);
	epoll_watch(epoll, v->fd, number);
	v->sent = v->under_way = 0;
	v->life = 1 + mix(v->id, 0x11fe) % (2 * o->life - 1);
	v->hasty = mix(v->id, 0x4a57) & 1;
	v->seen = 0;
	v->last = now_ms();
}

static void visitor_go(struct visitor *v)
{
	close(v->fd);
	taken[v->place >> 3] &= (uint8_t)~(1 << (v->place & 7));
	tally[RENEWED]++;
}

static void misrouted(const struct visitor *v, const uint32_t *header)
{
	if (tally[MISROUTED]++ >= TOLD_MAX)
		return;
	printf("churn: an answer to run %u socket %u (place %d) came to socket %u (place %u)\n", header[0], header[1],
	       header[1] < ids ? (int)place_of[header[1]] : -1, v->id, v->place);
}

static void visitor_hear(struct visitor *v, const struct options *o, const uint8_t *p, unsigned int len)
{
	uint32_t header[4];
	uint64_t bit;

	if (len < HEADER_LEN || !content_whole(p, len)) {
		tally[CHANGED]++;
		return;
	}
	memcpy(header, p, HEADER_LEN);
	if (header[0] != o->run || header[1] >= ids || place_of[header[1]] != v->place) {
		misrouted(v, header);
		return;
	}
	if (content_size(o, header[1], header[2]) != len) {
		tally[CHANGED]++;
		return;
	}
	if (header[1] != v->id) {
		tally[LATE]++;
		return;
	}
	bit = 1ull << (header[2] & 63);
	if (header[2] >= v->sent) {
		tally[CHANGED]++;
	} else if (v->seen & bit) {
		tally[DUPLICATED]++;
	} else {
		v->seen |= bit;
		tally[RECEIVED]++;
		if (v->under_way)
			v->under_way--;
	}
}

static void visitor_receive(struct visitor *v, const struct options *o, double now)
{
	static uint8_t buffer[BATCH][SIZE_MAX_CHURN + 1];
	struct sockaddr_storage from[BATCH];
	struct mmsghdr m[BATCH] = { 0 };
	struct iovec iov[BATCH];
	const struct address *to = &o->to[v->id % o->tos];
	int i, n;

	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec) { buffer[i], sizeof(buffer[i]) };
		m[i].msg_hdr = (struct msghdr) { .msg_name = &from[i], .msg_namelen = sizeof(from[i]),
						 .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	n = recvmmsg(v->fd, m, BATCH, MSG_DONTWAIT, NULL);
	for (i = 0; i < n; i++) {
		struct address a = { from[i], m[i].msg_hdr.msg_namelen };

		if (!address_equal(&a, to))
			tally[WRONG_SOURCE]++;
		visitor_hear(v, o, buffer[i], m[i].msg_len);
		v->last = now;
	}
	if (n > 0 && v->patience > o->stall)
		v->patience /= 2;
}

static void visitor_speak(struct visitor *v, const struct options *o, uint8_t *buffer, double now)
{
	unsigned int len = content_size(o, v->id, v->sent);
	const struct address *to = &o->to[v->id % o->tos];

	content_make(buffer, len, o->run, v->id, v->sent);
	if (sendto(v->fd, buffer, len, 0, (const struct sockaddr *)&to->a, to->len) < 0)
		tally[SEND_ERRORS]++;
	v->sent++;
	v->under_way++;
	v->last = now;
	tally[SENT]++;
}

/* Let @v do what it may do now. */
static void visitor_act(struct visitor *v, const struct options *o, int epoll, uint32_t number, uint8_t *buffer,
			double now)
{
	if (v->under_way && now - v->last >= v->patience) {
		v->under_way = 0;
		if (v->patience < PATIENCE_MAX * o->stall)
			v->patience *= 2;
	}
	while (v->sent < v->life && v->under_way < o->window)
		visitor_speak(v, o, buffer, now);
	if (v->sent == v->life && (!v->under_way || v->hasty)) {
		/* What comes in this moment is the next one's, as far as SDT can know. */
		visitor_receive(v, o, now);
		visitor_go(v);
		visitor_come(v, o, epoll, number);
	}
}

static void churn_check(const struct options *o)
{
	errno = 0;
	if (!o->binds || !*address_port((struct address *)&o->bind[0]))
		die("--bind ADDR:PORT is needed");
	if (!o->life || o->life > LIFE_MAX || o->lo < HEADER_LEN || o->hi > SIZE_MAX_CHURN)
		die("--life is 1 to %d, --size %d to %d", LIFE_MAX, HEADER_LEN, SIZE_MAX_CHURN);
	if (o->tos != 1 && o->tos % o->binds)
		die("each place needs one --to or all of them");
	if (places < 2 * o->sockets)
		die("twice as many ports as sockets are needed, at least");
}

int run_churn(struct options *o)
{
	struct visitor *v = allocate(o->sockets, sizeof(*v));
	uint8_t *buffer = allocate(PAYLOAD_MAX + 1, 1);
	struct epoll_event events[64];
	int epoll = epoll_new(), n, j;
	double now, turn = 0;
	uint32_t i;

	places = o->binds * o->ports;
	churn_check(o);
	taken = allocate(places / 8 + 1, 1);
	for (i = 0; i < o->sockets; i++) {
		v[i].patience = o->stall;
		visitor_come(&v[i], o, epoll, i);
	}
	ready();
	while (tally[RECEIVED] < o->until || (o->stay && !over)) {
		n = epoll_wait(epoll, events, 64, TURN_MS);
		now = now_ms();
		for (j = 0; j < n; j++) {
			i = events[j].data.u32;
			visitor_receive(&v[i], o, now);
			visitor_act(&v[i], o, epoll, i, buffer, now);
		}
		if (now - turn < TURN_MS)
			continue;
		turn = now;
		for (i = 0; i < o->sockets; i++)
			visitor_act(&v[i], o, epoll, i, buffer, now);
	}
	tally[LOST] = tally[SENT] - tally[RECEIVED];
	expect_default(o, "changed");
	expect_default(o, "misrouted");
	expect_default(o, "wrong_source");
	return report(o);
}
