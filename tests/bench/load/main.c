// SPDX-License-Identifier: GPL-2.0
/*
 * load: datagrams for the bench. Reads what to do from standard input, one command a line:
 *
 *   path NAME CUSTOMERS PROXY TARGETS TO:PORT TARGET:PORT [PORTS]
 *                   a way from customers in namespace CUSTOMERS, who write to TO:PORT, through the one of
 *                   the proxy, to a target in TARGETS that is bound to TARGET:PORT. Customers of rows with
 *                   many channels have addresses from 10.64.0.0 on, and PORTS (1) ports each
 *   row PATH BYTES loop|burst|nic WINDOW CHANNELS out|back [spread]
 *                   to be measured: WINDOW datagrams are sent, and taken in at the other end before the
 *                   next are sent. burst: the sender has the processor until it has sent them all. nic:
 *                   pktgen sends, 512 for each measurement. spread: by the sockets of many channels even
 *                   if there is one
 *   warm            open the channels of all rows, and run each row once without telling
 *   rounds N MS     N times all rows, MS milliseconds each, in another order each time
 *   count N M       N times all rows, M datagrams each
 *   forget          no rows any more
 *   known PATH N    the first N channels of PATH are open
 *   new PATH BASE N WINDOW once|answered
 *                   N new channels from customer BASE on, WINDOW at a time, with one datagram each, or one
 *                   each way
 *
 * and prints, for each measurement,
 *
 *   result PATH BYTES LOAD WINDOW CHANNELS DIRECTION DATAGRAMS LOST MEAN MEDIAN
 *   latency PATH BYTES P50 P90 P99 P99.9
 *   new PATH WINDOW KIND CHANNELS LOST NANOSECONDS
 *
 * MEAN and MEDIAN are nanoseconds for one datagram, over the windows of the measurement: the median does not
 * see that this machine did something else during a few of them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define PATHS_MAX	8
#define ROWS_MAX	256
#define TOOK_MAX	65536
#define NIC_DATAGRAMS	512

static const char * const load_names[] = { "loop", "burst", "nic" };
static struct path paths[PATHS_MAX];
static struct row rows[ROWS_MAX];
static unsigned int next_of[ROWS_MAX];
static unsigned int n_paths, n_rows;
static uint32_t took[TOOK_MAX];

void die(const char *format, ...)
{
	va_list args;

	fputs("load: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static struct sockaddr_in address(char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	char *colon = strrchr(text, ':');

	if (!colon)
		die("%s: no port", text);
	*colon = '\0';
	a.sin_port = htons(atoi(colon + 1));
	if (inet_pton(AF_INET, text, &a.sin_addr) != 1)
		die("%s: no address", text);
	return a;
}

static struct path *path_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < n_paths; i++)
		if (!strcmp(paths[i].name, name))
			return &paths[i];
	die("no path %s", name);
}

static void add_path(char **word, int words)
{
	struct path *p = &paths[n_paths];
	int ports = words > 6 ? atoi(word[6]) : 1;

	if (words < 6 || n_paths == PATHS_MAX || ports < 1 || ports > 16)
		die("path: too few words, or too many paths or ports");
	n_paths++;
	snprintf(p->name, sizeof(p->name), "%s", word[0]);
	snprintf(p->proxy_ns, sizeof(p->proxy_ns), "%s", word[2]);
	p->to = address(word[4]);
	p->target = address(word[5]);
	path_open(p, word[1], word[3], ports);
}

static void add_row(char **word, int words)
{
	struct row *r = &rows[n_rows];

	if (words < 6 || n_rows == ROWS_MAX)
		die("row: too few words, or too many rows");
	next_of[n_rows++] = 0;
	r->path = path_of(word[0]);
	r->bytes = atoi(word[1]);
	for (r->load = 0; strcmp(load_names[r->load], word[2]); r->load++)
		if (r->load == LOAD_NIC)
			die("no load %s", word[2]);
	r->window = atoi(word[3]);
	r->channels = atoi(word[4]);
	r->back = !strcmp(word[5], "back");
	r->spread = r->channels > 1 || words > 6;
	if (!r->window || r->window > BATCH_MAX || r->bytes < BYTES_MIN || r->bytes > BYTES_MAX ||
	    !r->channels)
		die("row: out of range");
}

static int by_size(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void tell_latency(const struct row *r, const struct result *res)
{
	static const double at[] = { 0.5, 0.9, 0.99, 0.999 };
	unsigned int i;

	printf("latency %s %u", r->path->name, r->bytes);
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		printf(" %u", res->took[(unsigned int)(at[i] * (res->n_took - 1))]);
	putchar('\n');
}

static void tell_result(const struct row *r, struct result *res)
{
	const double window = r->load == LOAD_NIC ? NIC_DATAGRAMS : r->window;
	double median = 0;

	qsort(res->took, res->n_took, sizeof(*res->took), by_size);
	if (res->n_took)
		median = (res->took[(res->n_took - 1) / 2] + res->took[res->n_took / 2]) / 2.0 / window;
	printf("result %s %u %s %u %u %s %llu %llu %.2f %.2f\n", r->path->name, r->bytes,
	       load_names[r->load], r->window, r->channels, r->back ? "back" : "out",
	       (unsigned long long)res->datagrams, (unsigned long long)res->lost,
	       res->datagrams ? (double)res->ns / res->datagrams : 0.0, median);
	if (r->load == LOAD_LOOP && r->window == 1 && res->n_took)
		tell_latency(r, res);
}

static void measure(unsigned int i, uint64_t ns, uint64_t count, bool tell)
{
	struct result res = { .took = took, .room = TOOK_MAX, .next = next_of[i] };
	const struct row *r = &rows[i];

	if (r->load == LOAD_NIC)
		nic_run(r, NIC_DATAGRAMS, &res);
	else
		row_run(r, ns, count, &res);
	next_of[i] = res.next;
	if (tell)
		tell_result(r, &res);
}

static void warm(void)
{
	unsigned int i;

	for (i = 0; i < n_rows; i++)
		path_known(rows[i].path, rows[i].spread ? rows[i].channels : 0);
	for (i = 0; i < n_rows; i++)
		measure(i, 20000000, 0, false);
}

/*
 * Rows of the same kind stand side by side, and which comes first changes, so that no path is
 * always measured after the same other one.
 */
static void rounds(unsigned int n, uint64_t ns, uint64_t count)
{
	unsigned int round, i, j, k;

	for (round = 0; round < n; round++)
		for (i = 0; i < n_rows; i = j) {
			for (j = i + 1; j < n_rows && rows[j].path != rows[i].path; j++)
				;
			for (k = 0; k < j - i; k++)
				measure(i + (k + round) % (j - i), ns, count, true);
			fflush(stdout);
		}
}

static void new_channels(char **word, int words)
{
	struct result res = { 0 };
	struct path *p;

	if (words < 5)
		die("new: too few words");
	p = path_of(word[0]);
	if (atoi(word[3]) < 1 || atoi(word[3]) > BATCH_MAX || p->ports != 1)
		die("new: out of range");
	path_new(p, atoi(word[1]), atoi(word[2]), atoi(word[3]), !strcmp(word[4], "answered"), &res);
	printf("new %s %s %s %llu %llu %llu\n", p->name, word[3], word[4],
	       (unsigned long long)res.datagrams, (unsigned long long)res.lost,
	       (unsigned long long)res.ns);
}

static void obey(char *verb, char **word, int words)
{
	if (!strcmp(verb, "path"))
		add_path(word, words);
	else if (!strcmp(verb, "row"))
		add_row(word, words);
	else if (!strcmp(verb, "warm"))
		warm();
	else if (!strcmp(verb, "rounds") && words == 2)
		rounds(atoi(word[0]), atoi(word[1]) * 1000000ull, 0);
	else if (!strcmp(verb, "count") && words == 2)
		rounds(atoi(word[0]), 0, atoi(word[1]));
	else if (!strcmp(verb, "forget"))
		n_rows = 0;
	else if (!strcmp(verb, "known") && words == 2)
		path_known(path_of(word[0]), atoi(word[1]));
	else if (!strcmp(verb, "new"))
		new_channels(word, words);
	else
		die("what is '%s' with %d words?", verb, words);
	fflush(stdout);
}

int main(void)
{
	char line[512], *word[16], *rest, *verb;
	int words;

	while (fgets(line, sizeof(line), stdin)) {
		verb = strtok_r(line, " \n", &rest);
		if (!verb || *verb == '#')
			continue;
		for (words = 0; words < 16 && (word[words] = strtok_r(NULL, " \n", &rest)); words++)
			;
		obey(verb, word, words);
	}
	return 0;
}
