// SPDX-License-Identifier: GPL-2.0
/*
 * Role churn: customers that come, say a few things, and go, while others take
 * over their ports.
 *
 * A customer, for SDT, is an address and a port: a place. Each customer has a
 * number of its own that its datagrams carry, and whose place is on record for
 * ever: an answer that names a number of this place is at most late, one that
 * names a number of another place went to the wrong customer, whoever is there
 * now.
 *
 * There is one socket that sends for all of them, and one that sees what comes
 * for any: where a system call is dear, one serves many customers. So their
 * addresses are none of this host's, which must not forward; the nodes reach
 * them by it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sdtload.h"

#define LIFE_MAX	32	/* of --life; bits of visitor.seen are twice as many */
#define TOLD_MAX	8	/* answers gone wrong that are described */
#define TURN_MS		5	/* what came is taken so often */
#define PATIENCE_MAX	64	/* times --stall */
#define SIZE_MAX_CHURN	2048
#define BATCH		64	/* datagrams taken, or sent, in one call */
#define SOCKET_BUFFER	(16 << 20)
#define HEADERS_LEN	(sizeof(struct iphdr) + sizeof(struct udphdr))

struct packet {
	struct iphdr ip;
	struct udphdr udp;
	uint8_t data[SIZE_MAX_CHURN];
} __attribute__((packed));

struct visitor {
	uint32_t id, place;
	unsigned int sent, life, under_way;
	bool hasty;		/* leaves without waiting for the last answers */
	double last;		/* ms; something was sent or heard */
	unsigned int patience;	/* ms; more after each wait in vain, lest a slow machine drown in repetitions */
	uint64_t seen;
};

static uint32_t *place_of;	/* by id */
static uint32_t ids, ids_size;
static struct visitor **visitor_at;	/* by place; NULL: vacant */
static uint32_t places;
static int out_fd, in_fd;

static struct address place_address(const struct options *o, uint32_t place)
{
	struct address a = o->bind[place % o->binds];

	*address_port(&a) = htons((uint16_t)(ntohs(*address_port(&a)) + place / o->binds));
	return a;
}

static uint32_t place_take(uint32_t seed)
{
	uint32_t place = mix(seed, 0x91ace) % places;

	while (visitor_at[place])
		place = (place + 1) % places;
	return place;
}

/* Who has this address and port; -1: none of ours. */
static int64_t place_find(const struct options *o, in_addr_t address, in_port_t port)
{
	uint32_t i;

	for (i = 0; i < o->binds; i++) {
		struct address a = o->bind[i];
		const struct sockaddr_in *in = (const struct sockaddr_in *)&a.a;
		uint16_t offset = (uint16_t)(ntohs(port) - ntohs(in->sin_port));

		if (in->sin_addr.s_addr == address && offset < o->ports)
			return offset * o->binds + i;
	}
	return -1;
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

static void visitor_come(struct visitor *v, const struct options *o, double now)
{
	v->place = place_take(ids);
	v->id = id_new(v->place);
	visitor_at[v->place] = v;
	v->sent = v->under_way = 0;
	v->life = 1 + mix(v->id, 0x11fe) % (2 * o->life - 1);
	v->hasty = mix(v->id, 0x4a57) & 1;
	v->seen = 0;
	v->last = now;
}

static void visitor_go(struct visitor *v)
{
	visitor_at[v->place] = NULL;
	tally[RENEWED]++;
}

static void misrouted(uint32_t place, const uint32_t *header)
{
	if (tally[MISROUTED]++ >= TOLD_MAX)
		return;
	printf("churn: an answer to run %u customer %u (place %d) came to place %u\n", header[0], header[1],
	       header[1] < ids ? (int)place_of[header[1]] : -1, place);
}

/* Something came to @place. */
static void place_hear(uint32_t place, const struct options *o, const struct packet *p, unsigned int len, double now)
{
	struct visitor *v = visitor_at[place];
	uint32_t header[4];
	const struct sockaddr_in *to;
	uint64_t bit;

	if (len < HEADER_LEN || !content_whole(p->data, len)) {
		tally[CHANGED]++;
		return;
	}
	memcpy(header, p->data, HEADER_LEN);
	if (header[0] != o->run || header[1] >= ids || place_of[header[1]] != place) {
		misrouted(place, header);
		return;
	}
	to = (const struct sockaddr_in *)&o->to[header[1] % o->tos].a;
	if (p->ip.saddr != to->sin_addr.s_addr || p->udp.source != to->sin_port)
		tally[WRONG_SOURCE]++;
	if (content_size(o, header[1], header[2]) != len) {
		tally[CHANGED]++;
		return;
	}
	if (!v || header[1] != v->id) {
		tally[LATE]++;
		return;
	}
	bit = 1ull << (header[2] & 63);
	v->last = now;
	if (v->patience > o->stall)
		v->patience /= 2;
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

/* Take what came for all of them. */
static void crowd_receive(const struct options *o, double now)
{
	static struct packet p[BATCH];
	struct mmsghdr m[BATCH] = { 0 };
	struct iovec iov[BATCH];
	unsigned int len;
	int64_t place;
	int i, n;

	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec) { &p[i], sizeof(p[i]) };
		m[i].msg_hdr = (struct msghdr) { .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	do {
		n = recvmmsg(in_fd, m, BATCH, MSG_DONTWAIT, NULL);
		for (i = 0; i < n; i++) {
			len = ntohs(p[i].udp.len);
			if (m[i].msg_len < HEADERS_LEN || p[i].ip.protocol != IPPROTO_UDP || p[i].ip.ihl != 5 ||
			    len < sizeof(p[i].udp) || m[i].msg_len < sizeof(p[i].ip) + len)
				continue;
			place = place_find(o, p[i].ip.daddr, p[i].udp.dest);
			if (place >= 0)
				place_hear((uint32_t)place, o, &p[i], len - (unsigned int)sizeof(p[i].udp), now);
		}
	} while (n == BATCH);
}

static struct {
	struct packet p[BATCH];
	struct sockaddr_in to[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr m[BATCH];
	unsigned int n;
} outbox;

/* A datagram that the kernel refuses is lost, as any other may be. */
static void outbox_flush(void)
{
	unsigned int done = 0;
	int sent;

	while (done < outbox.n) {
		sent = sendmmsg(out_fd, outbox.m + done, outbox.n - done, 0);
		if (sent < 0)
			tally[SEND_ERRORS]++;
		done += sent < 0 ? 1 : (unsigned int)sent;
	}
	outbox.n = 0;
}

/* The kernel fills in what is zero here; a UDP checksum of zero says that there is none (RFC 768). */
static void visitor_speak(struct visitor *v, const struct options *o, double now)
{
	struct address from = place_address(o, v->place);
	unsigned int i = outbox.n++, len = content_size(o, v->id, v->sent);
	struct packet *p = &outbox.p[i];

	memcpy(&outbox.to[i], &o->to[v->id % o->tos].a, sizeof(outbox.to[i]));
	p->ip = (struct iphdr) {
		.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
		.saddr = ((struct sockaddr_in *)&from.a)->sin_addr.s_addr, .daddr = outbox.to[i].sin_addr.s_addr,
	};
	p->udp.source = *address_port(&from);
	p->udp.dest = outbox.to[i].sin_port;
	p->udp.len = htons((uint16_t)(sizeof(p->udp) + len));
	content_make(p->data, len, o->run, v->id, v->sent);
	outbox.iov[i] = (struct iovec) { p, HEADERS_LEN + len };
	outbox.m[i].msg_hdr = (struct msghdr) { .msg_name = &outbox.to[i], .msg_namelen = sizeof(outbox.to[i]),
						.msg_iov = &outbox.iov[i], .msg_iovlen = 1 };
	v->sent++;
	v->under_way++;
	v->last = now;
	tally[SENT]++;
	if (outbox.n == BATCH)
		outbox_flush();
}

/* Let @v do what it may do now. */
static void visitor_act(struct visitor *v, const struct options *o, double now)
{
	if (v->under_way && now - v->last >= v->patience) {
		v->under_way = 0;
		if (v->patience < PATIENCE_MAX * o->stall)
			v->patience *= 2;
	}
	while (v->sent < v->life && v->under_way < o->window)
		visitor_speak(v, o, now);
	if (v->sent == v->life && (!v->under_way || v->hasty)) {
		visitor_go(v);
		visitor_come(v, o, now);
	}
}

static void crowd_open(void)
{
	int buffer = SOCKET_BUFFER;

	out_fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	in_fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
	if (out_fd < 0 || in_fd < 0 || setsockopt(in_fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) ||
	    setsockopt(out_fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)))
		die("sockets for a crowd");
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
	if (o->bind[0].a.ss_family != AF_INET || o->to[0].a.ss_family != AF_INET)
		die("customers that come and go have IPv4 addresses");
	if (places < 2 * o->sockets)
		die("twice as many ports as customers are needed, at least");
}

int run_churn(struct options *o)
{
	struct visitor *v = allocate(o->sockets, sizeof(*v));
	double now = now_ms();
	uint32_t i;

	places = o->binds * o->ports;
	churn_check(o);
	visitor_at = allocate(places, sizeof(*visitor_at));
	crowd_open();
	for (i = 0; i < o->sockets; i++) {
		v[i].patience = o->stall;
		visitor_come(&v[i], o, now);
	}
	ready();
	while (tally[RECEIVED] < o->until || (o->stay && !over)) {
		crowd_receive(o, now);
		for (i = 0; i < o->sockets; i++)
			visitor_act(&v[i], o, now);
		outbox_flush();
		usleep(TURN_MS * 1000);
		now = now_ms();
	}
	tally[LOST] = tally[SENT] - tally[RECEIVED];
	expect_default(o, "changed");
	expect_default(o, "misrouted");
	expect_default(o, "wrong_source");
	return report(o);
}
