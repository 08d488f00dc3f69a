// SPDX-License-Identifier: GPL-2.0
/*
 * spoof: UDP datagrams from addresses that are not the sender's.
 *
 *   spoof OPTION... [HEX]
 *
 *   --ns NAME            enter /run/netns/NAME first
 *   --from ADDR:PORT     source
 *   --spread BITS        the last bits of the source address, and its port, are other ones each time
 *   --to ADDR:PORT       destination
 *   --count N            datagrams (1)
 *   --rate N             at most so many a second; else as fast as it can
 *   HEX                  what is in them, or
 *   --initiations HEX    each is an initiation with random content and the mac1 of somebody who knows
 *                        this public key, the receiver's
 *   --cookies            with a mac2 as well, a wrong one
 *
 * Prints how many were sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/types.h>
#include <sodium.h>

#include <sdt/wire.h>

#define PAYLOAD_MAX	1400

struct end {
	uint8_t ip[16];
	unsigned int len;	/* 4 or 16 */
	uint16_t port;
};

static struct {
	const char *ns;
	struct end from, to;
	unsigned int spread, count, rate;
	bool initiations, cookies;
	uint8_t payload[PAYLOAD_MAX];
	unsigned int len;
} o = { .count = 1 };

static crypto_auth_hmacsha256_state mac1_key;

__attribute__((noreturn))
static void die(const char *what)
{
	fprintf(stderr, "spoof: %s (%s)\n", what, strerror(errno));
	exit(2);
}

static void parse_end(struct end *e, const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[64];

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		die(text);
	memcpy(host, text, colon - text);
	host[colon - text] = 0;
	e->port = (uint16_t)atoi(colon + 1);
	if (host[0] == '[')
		host[strlen(host) - 1] = 0;
	e->len = strchr(host, ':') ? 16 : 4;
	if (inet_pton(e->len == 16 ? AF_INET6 : AF_INET, host + (host[0] == '['), e->ip) != 1)
		die(text);
}

static unsigned int unhex(uint8_t *p, unsigned int room, const char *text)
{
	size_t n;

	if (sodium_hex2bin(p, room, text, strlen(text), NULL, &n, NULL))
		die("that is no hex");
	return (unsigned int)n;
}

static void know_key(const char *text)
{
	uint8_t pub[SDT_KEY_LEN], key[SDT_HASH_LEN];
	crypto_hash_sha256_state h;

	if (unhex(pub, sizeof(pub), text) != sizeof(pub))
		die("a public key has 32 bytes");
	crypto_hash_sha256_init(&h);
	crypto_hash_sha256_update(&h, (const uint8_t *)SDT_LABEL_MAC1, strlen(SDT_LABEL_MAC1));
	crypto_hash_sha256_update(&h, pub, sizeof(pub));
	crypto_hash_sha256_final(&h, key);
	crypto_auth_hmacsha256_init(&mac1_key, key, sizeof(key));
	o.initiations = true;
	o.len = SDT_INITIATION_LEN;
}

static void make_initiation(uint8_t *p)
{
	crypto_auth_hmacsha256_state s = mac1_key;
	struct sdt_msg_initiation *m = (void *)p;
	uint8_t mac[crypto_auth_hmacsha256_BYTES];

	randombytes_buf(p, sizeof(*m));
	m->type = SDT_MSG_INITIATION << 4;
	m->version = SDT_WIRE_VERSION;
	m->suite = SDT_SUITE_AESGCM;
	m->reserved = 0;
	p[4] = 0;
	crypto_auth_hmacsha256_update(&s, p, offsetof(struct sdt_msg_initiation, mac1));
	crypto_auth_hmacsha256_final(&s, mac);
	memcpy(m->mac1, mac, sizeof(m->mac1));
	if (!o.cookies)
		memset(m->mac2, 0, sizeof(m->mac2));
}

static void sum(uint32_t *s, const void *data, unsigned int len)
{
	const uint8_t *p = data;
	unsigned int i;

	for (i = 0; i < len; i++)
		*s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
}

/* Everything behind the addresses; the checksum is mandatory over IPv6. */
static void make_udp(struct udphdr *u, const struct end *from, const uint8_t *payload)
{
	uint32_t s = 0;
	uint16_t len = (uint16_t)(sizeof(*u) + o.len);

	u->source = htons(from->port);
	u->dest = htons(o.to.port);
	u->len = htons(len);
	u->check = 0;
	memcpy(u + 1, payload, o.len);
	sum(&s, from->ip, from->len);
	sum(&s, o.to.ip, o.to.len);
	sum(&s, u, len);
	s += IPPROTO_UDP + len;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	u->check = htons(s == 0xffff ? 0xffff : (uint16_t)~s);
}

static unsigned int make_packet(uint8_t *p, const struct end *from, const uint8_t *payload)
{
	unsigned int len = (unsigned int)sizeof(struct udphdr) + o.len;

	if (from->len == 4) {
		struct iphdr ip = {
			.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
			.tot_len = htons((uint16_t)(sizeof(ip) + len)),
		};

		memcpy(&ip.saddr, from->ip, 4);
		memcpy(&ip.daddr, o.to.ip, 4);
		memcpy(p, &ip, sizeof(ip));
		make_udp((void *)(p + sizeof(ip)), from, payload);
		return (unsigned int)sizeof(ip) + len;
	}
	struct ip6_hdr ip6 = {
		.ip6_flow = htonl(6u << 28), .ip6_plen = htons((uint16_t)len),
		.ip6_nxt = IPPROTO_UDP, .ip6_hops = 64,
	};

	memcpy(&ip6.ip6_src, from->ip, 16);
	memcpy(&ip6.ip6_dst, o.to.ip, 16);
	memcpy(p, &ip6, sizeof(ip6));
	make_udp((void *)(p + sizeof(ip6)), from, payload);
	return (unsigned int)sizeof(ip6) + len;
}

/* A source out of the many. */
static struct end pick(void)
{
	struct end from = o.from;
	unsigned int bit;

	if (!o.spread)
		return from;
	for (bit = 0; bit < o.spread; bit++) {
		uint8_t *byte = &from.ip[from.len - 1 - bit / 8];

		*byte ^= (uint8_t)((randombytes_random() & 1) << bit % 8);
	}
	from.port = (uint16_t)(1024 + randombytes_uniform(60000));
	return from;
}

static void enter(void)
{
	char path[256];
	int fd;

	if (!o.ns)
		return;
	snprintf(path, sizeof(path), "/run/netns/%s", o.ns);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static int raw_socket(void)
{
	int fd = socket(o.to.len == 4 ? AF_INET : AF_INET6, SOCK_RAW, IPPROTO_RAW);

	if (fd < 0)
		die("raw socket");
	return fd;
}

static void send_all(int fd)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	const struct sockaddr *sa = o.to.len == 4 ? (void *)&sin : (void *)&sin6;
	socklen_t sa_len = o.to.len == 4 ? sizeof(sin) : sizeof(sin6);
	uint8_t packet[PAYLOAD_MAX + 64];
	double begin = now_s();
	unsigned int i, sent = 0, len;

	memcpy(&sin.sin_addr, o.to.ip, 4);
	memcpy(&sin6.sin6_addr, o.to.ip, 16);
	for (i = 0; i < o.count; i++) {
		struct end from = pick();

		while (o.rate && now_s() - begin < (double)i / o.rate)
			usleep(1000);
		if (o.initiations)
			make_initiation(o.payload);
		len = make_packet(packet, &from, o.payload);
		sent += sendto(fd, packet, len, 0, sa, sa_len) == (ssize_t)len;
	}
	printf("sent %u\n", sent);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ns", required_argument, NULL, 'n' },
		{ "from", required_argument, NULL, 'f' },
		{ "spread", required_argument, NULL, 's' },
		{ "to", required_argument, NULL, 't' },
		{ "count", required_argument, NULL, 'c' },
		{ "rate", required_argument, NULL, 'r' },
		{ "initiations", required_argument, NULL, 'i' },
		{ "cookies", no_argument, NULL, 'k' },
		{ 0 },
	};
	int opt;

	if (sodium_init() < 0)
		die("libsodium");
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'n': o.ns = optarg; break;
		case 'f': parse_end(&o.from, optarg); break;
		case 's': o.spread = (unsigned int)atoi(optarg); break;
		case 't': parse_end(&o.to, optarg); break;
		case 'c': o.count = (unsigned int)atoi(optarg); break;
		case 'r': o.rate = (unsigned int)atoi(optarg); break;
		case 'i': know_key(optarg); break;
		case 'k': o.cookies = true; break;
		default: return 2;
		}
	}
	if (!o.initiations)
		o.len = unhex(o.payload, sizeof(o.payload), optind < argc ? argv[optind] : "");
	if (!o.from.len || o.from.len != o.to.len)
		die("from and to, of one family");
	enter();
	send_all(raw_socket());
	return 0;
}
