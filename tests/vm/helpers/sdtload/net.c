// SPDX-License-Identifier: GPL-2.0
/* Addresses, sockets, namespaces. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sdtload.h"

void address_parse(struct address *to, const char *text)
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

uint16_t *address_port(struct address *a)
{
	return a->a.ss_family == AF_INET ? &((struct sockaddr_in *)&a->a)->sin_port :
					   &((struct sockaddr_in6 *)&a->a)->sin6_port;
}

bool address_equal(const struct address *a, const struct address *b)
{
	const struct sockaddr_in *a4 = (const void *)&a->a, *b4 = (const void *)&b->a;
	const struct sockaddr_in6 *a6 = (const void *)&a->a, *b6 = (const void *)&b->a;

	if (a->a.ss_family != b->a.ss_family)
		return false;
	if (a->a.ss_family == AF_INET)
		return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port && !memcmp(&a6->sin6_addr, &b6->sin6_addr, 16);
}

uint32_t address_hash(const struct address *a)
{
	const struct sockaddr_in *a4 = (const void *)&a->a;
	const struct sockaddr_in6 *a6 = (const void *)&a->a;
	uint32_t w[4];

	if (a->a.ss_family == AF_INET)
		return mix(a4->sin_addr.s_addr, a4->sin_port);
	memcpy(w, &a6->sin6_addr, 16);
	return mix(mix(w[0], w[1]), mix(mix(w[2], w[3]), a6->sin6_port));
}

void enter(const char *ns)
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

int socket_new(const struct address *local, int family)
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

int epoll_new(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		die("epoll");
	return fd;
}

void epoll_watch(int epoll, int fd, uint32_t number)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = number };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll");
}
