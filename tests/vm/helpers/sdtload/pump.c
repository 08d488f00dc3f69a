// SPDX-License-Identifier: GPL-2.0
/* Role pump: a wire between two tap devices. */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sdtload.h"

static int tap_open(const char *where)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	const char *slash = strchr(where, '/');
	char ns[64];
	int fd;

	if (!slash || (size_t)(slash - where) >= sizeof(ns))
		die("--tap wants NS/DEV, not %s", where);
	memcpy(ns, where, (size_t)(slash - where));
	ns[slash - where] = 0;
	enter(ns);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", slash + 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r))
		die("tap device %s", where);
	return fd;
}

int run_pump(struct options *o)
{
	uint8_t *frame = allocate(PAYLOAD_MAX, 1);
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	ssize_t n;
	int i;

	if (o->taps != 2)
		die("pump needs two --tap");
	p[0].fd = tap_open(o->tap[0]);
	p[1].fd = tap_open(o->tap[1]);
	ready();
	while (!over) {
		poll(p, 2, 1000);
		for (i = 0; i < 2; i++) {
			while ((n = read(p[i].fd, frame, PAYLOAD_MAX)) > 0) {
				tally[RECEIVED]++;
				/* A device that is down refuses: a wire without a far end. */
				if (write(p[!i].fd, frame, (size_t)n) == n)
					tally[SENT]++;
				else
					tally[SEND_ERRORS]++;
			}
		}
	}
	return report(o);
}
