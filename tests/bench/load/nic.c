// SPDX-License-Identifier: GPL-2.0
/*
 * Instead of a network card: pktgen hands bursts of datagrams to the proxy's device as if they had
 * come in by it. Time runs from there until the last of them lies in the target's socket.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define HEADERS		(14 + 20 + 8)
#define PKTGEN_HEADER	16		/* what it writes in front of the payload, and never leaves out */

__attribute__((format(printf, 2, 3)))
static void tell(const char *file, const char *format, ...)
{
	char path[96], line[128];
	va_list args;
	int fd, n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	/* the last character of what is written to pgctrl does not count */
	line[n++] = '\n';
	snprintf(path, sizeof(path), "/proc/thread-self/net/pktgen/%s", file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		die("%s: %m", path);
	if (write(fd, line, n) != n)
		die("%s refuses '%.*s': %m", path, n - 1, line);
	close(fd);
}

/* The namespace's only device with an address towards the customers. */
static void device_of(char name[IFNAMSIZ], unsigned char mac[6])
{
	struct ifreq req = { .ifr_ifindex = 0 };
	struct if_nameindex *all = if_nameindex(), *i;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (i = all; i->if_index; i++) {
		snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", i->if_name);
		if (ioctl(fd, SIOCGIFADDR, &req))
			continue;
		if ((ntohl(((struct sockaddr_in *)&req.ifr_addr)->sin_addr.s_addr) >> 8) == 0x0a0100)
			break;
	}
	if (!i->if_index)
		die("no device towards the customers");
	snprintf(name, IFNAMSIZ, "%s", i->if_name);
	if (ioctl(fd, SIOCGIFHWADDR, &req))
		die("SIOCGIFHWADDR: %m");
	memcpy(mac, req.ifr_hwaddr.sa_data, 6);
	close(fd);
	if_freenameindex(all);
}

static void configure(const struct row *row, const char *dev, const unsigned char *m,
		      unsigned int count)
{
	char to[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &row->path->to.sin_addr, to, sizeof(to));
	tell("pgctrl", "reset");
	tell("kpktgend_0", "rem_device_all");
	tell("kpktgend_0", "add_device %s", dev);
	tell(dev, "count %u", count);
	tell(dev, "pkt_size %u", HEADERS + row->bytes);
	tell(dev, "delay 0");
	tell(dev, "xmit_mode netif_receive");
	tell(dev, "burst %u", row->window);
	tell(dev, "src_min 10.1.0.1");
	tell(dev, "src_max 10.1.0.1");
	tell(dev, "dst_min %s", to);
	tell(dev, "dst_max %s", to);
	tell(dev, "dst_mac %02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	tell(dev, "udp_src_min 7777");
	tell(dev, "udp_src_max 7777");
	tell(dev, "udp_dst_min %u", ntohs(row->path->to.sin_port));
	tell(dev, "udp_dst_max %u", ntohs(row->path->to.sin_port));
}

/* When it began, by the monotonic clock, in ns. */
static uint64_t started_at(const char *dev)
{
	char path[96], line[256], *at;
	unsigned long long us = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/thread-self/net/pktgen/%s", dev);
	file = fopen(path, "r");
	if (!file)
		die("%s: %m", path);
	while (fgets(line, sizeof(line), file)) {
		at = strstr(line, "started: ");
		if (at)
			us = strtoull(at + 9, NULL, 10);
	}
	fclose(file);
	if (!us)
		die("pktgen does not say when it began");
	return us * 1000;
}

/* The datagrams that are there. Return: when the last came, by the wall clock. */
static uint64_t last_arrival(const struct row *row, uint64_t *n)
{
	static char data[BYTES_MAX];
	union {
		char room[CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { data, sizeof(data) };
	struct timespec at = { 0 };

	for (*n = 0;; ++*n) {
		struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
				    .msg_controllen = sizeof(control) };
		struct cmsghdr *c;

		if (recvmsg(row->path->target_fd, &h, 0) != (ssize_t)row->bytes)
			break;
		c = CMSG_FIRSTHDR(&h);
		if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&at, CMSG_DATA(c), sizeof(at));
	}
	return at.tv_sec * 1000000000ull + at.tv_nsec;
}

static uint64_t wall_less_monotonic(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return wall.tv_sec * 1000000000ull + wall.tv_nsec - now_ns();
}

/* @count datagrams in bursts of the row's window, without a pause. */
void nic_run(const struct row *row, unsigned int count, struct result *res)
{
	int on = 1, off = 0, fd = row->path->target_fd;
	unsigned char mac[6];
	char dev[IFNAMSIZ];
	uint64_t last;

	if (row->bytes < PKTGEN_HEADER)
		die("pktgen's datagrams have %u bytes at least", PKTGEN_HEADER);
	if (setns(row->path->proxy_fd, CLONE_NEWNET))
		die("setns: %m");
	device_of(dev, mac);
	configure(row, dev, mac, count);
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	/* comes back when pktgen is ready, 125 ms later at the earliest */
	tell("pgctrl", "start");
	last = last_arrival(row, &res->datagrams);
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &off, sizeof(off));
	res->lost = count - res->datagrams;
	res->ns = last - wall_less_monotonic() - started_at(dev);
	if (!res->lost)
		res->took[res->n_took++] = res->ns;
	tell("kpktgend_0", "rem_device_all");
}
