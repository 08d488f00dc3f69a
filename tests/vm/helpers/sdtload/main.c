// SPDX-License-Identifier: GPL-2.0
/*
 * sdtload: the traffic of the guest scenarios. One static program, since every
 * program start costs a tenth of a second in an emulated guest.
 *
 *   sdtload ROLE OPTION... [-- ROLE OPTION...]...
 *
 * Several roles run as one process each, started in the order given, each when
 * the one before is ready. When the last one and all others that send have
 * ended, the rest is told to (SIGTERM), drains what is under way, and reports. The
 * exit code is 0 only if every role's expectations hold.
 *
 *   echo    answer every datagram from the address it was sent to
 *   sink    the same without answers
 *   client  send, and check every answer
 *   send    the same without answers
 *   churn   a client whose customers come and go, until --until is reached
 *   flood   send as fast as possible until told to end, check nothing
 *   raw     send the payloads given in hex, or random ones
 *
 *   --ns NAME            enter /run/netns/NAME first
 *   --bind ADDR[:PORT]   own address; repeated: socket i takes number i modulo how many there are,
 *                        and the port rises by one each time round
 *   --to ADDR:PORT       where to; repeated: as --bind, the port does not rise
 *   --sockets N --count M  sockets, and datagrams over all of them
 *   --size LO[-HI]       payload bytes, mixed
 *   --window W           at most W unanswered; --rate R: at most R a second
 *   --until N            client: N answers are enough
 *   --stall MS           unanswered so long: counted as lost, the next one is sent (1000)
 *   --drain MS           wait at the end for what should not come (100; sink: 500)
 *   --run ID             told apart from other runs by this number
 *   --gso N              N datagrams in one send call (UDP_SEGMENT)
 *   --pieces N           each datagram in N pieces (MSG_MORE): a non-linear skb
 *   --connect            connect the sockets
 *   --delay LO[-HI]      echo: answer so many ms later, mixed: answers overtake one another
 *   --late PERCENT       echo: so many answers are delayed, the others leave at once (100)
 *   --twice PERCENT      echo: so many answers are given twice, each with a delay of its own
 *   --within MS          echo: no answer that is older
 *   --ports N            churn: customers use N ports from that of --bind on, each at one time by one
 *   --stay               churn: not before being told to end
 *   --life N             churn: a customer leaves after N datagrams or so; its port is another's soon
 *   --from-port P        echo: answer from another port
 *   --fault KIND         echo: flip a bit of every tenth answer, send it twice, to the peer before (swap) or
 *                        not at all (drop): to show that clients notice
 *   --seconds S          flood: end by itself
 *   --random N           raw: N payloads of random bytes that look like SDT messages; --seed S
 *   --repeat N           raw: everything N times
 *   --expect KEY[<>]=N   what must hold in the end; --expect KEY=any lifts a default
 *
 * The content of a datagram follows from run, socket, number and size, so
 * every bit of it is verified:
 *   16 bytes and more   run, socket, number, a check of these and the size; then
 *                       a piece of a random table that depends on all of them
 *   2 to 15 bytes       low byte of the number, low byte of the socket, a piece of the table
 *   1 byte              low byte of the number
 *   0 bytes             counted
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sdtload.h"

#define ROLES_MAX	8

volatile sig_atomic_t over;
const char *role_name = "sdtload";
static int ready_fd = -1;

__attribute__((noreturn, format(printf, 1, 2)))
void die(const char *format, ...)
{
	va_list args;
	int e = errno;

	va_start(args, format);
	fprintf(stderr, "sdtload %s: ", role_name);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, e ? " (%s)\n" : "\n", strerror(e));
	exit(2);
}

void *allocate(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		die("no memory");
	return p;
}

/* Milliseconds, and not the wall clock: a scenario sets that one back. */
double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static void on_term(int sig)
{
	(void)sig;
	over = 1;
}

void ready(void)
{
	if (ready_fd < 0)
		return;
	if (write(ready_fd, "r", 1) != 1)
		die("nobody waits for me");
	close(ready_fd);
	ready_fd = -1;
}

static const struct role {
	const char *name;
	int (*run)(struct options *o);
	bool to;		/* writes to somebody */
	bool ends;		/* by itself */
} roles[] = {
	{ "echo", run_echo, false, false },
	{ "sink", run_sink, false, false },
	{ "client", run_client, true, true },
	{ "send", run_send, true, true },
	{ "churn", run_churn, true, true },
	{ "flood", run_flood, true, false },
	{ "raw", run_raw, true, true },
};

enum { O_NS = 256, O_BIND, O_TO, O_SOCKETS, O_COUNT, O_SIZE, O_WINDOW, O_RATE, O_STALL, O_DRAIN, O_RUN, O_GSO, O_PIECES,
       O_CONNECT, O_UNTIL, O_FAULT, O_DELAY, O_FROM_PORT, O_SECONDS, O_RANDOM, O_SEED, O_REPEAT, O_EXPECT,
       O_PORTS, O_STAY, O_LIFE, O_LATE, O_TWICE, O_WITHIN };

static const struct option long_options[] = {
	{ "ns", 1, NULL, O_NS }, { "bind", 1, NULL, O_BIND }, { "to", 1, NULL, O_TO },
	{ "sockets", 1, NULL, O_SOCKETS }, { "count", 1, NULL, O_COUNT }, { "size", 1, NULL, O_SIZE },
	{ "window", 1, NULL, O_WINDOW }, { "rate", 1, NULL, O_RATE }, { "stall", 1, NULL, O_STALL },
	{ "drain", 1, NULL, O_DRAIN }, { "run", 1, NULL, O_RUN }, { "gso", 1, NULL, O_GSO },
	{ "pieces", 1, NULL, O_PIECES }, { "connect", 0, NULL, O_CONNECT }, { "until", 1, NULL, O_UNTIL }, { "fault", 1, NULL, O_FAULT }, { "delay", 1, NULL, O_DELAY },
	{ "from-port", 1, NULL, O_FROM_PORT }, { "seconds", 1, NULL, O_SECONDS }, { "random", 1, NULL, O_RANDOM },
	{ "seed", 1, NULL, O_SEED }, { "repeat", 1, NULL, O_REPEAT },
	{ "ports", 1, NULL, O_PORTS }, { "stay", 0, NULL, O_STAY }, { "life", 1, NULL, O_LIFE }, { "late", 1, NULL, O_LATE },
	{ "twice", 1, NULL, O_TWICE },
	{ "within", 1, NULL, O_WITHIN }, { "expect", 1, NULL, O_EXPECT }, { NULL, 0, NULL, 0 }
};

static unsigned int number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (*end || end == text)
		die("what number is %s?", text);
	return (unsigned int)n;
}

/* LO or LO-HI */
static void range(const char *text, unsigned int *lo, unsigned int *hi)
{
	char *dash;

	*lo = *hi = (unsigned int)strtoul(text, &dash, 10);
	if (*dash == '-')
		*hi = number(dash + 1);
}

static void option(struct options *o, int which, const char *arg)
{
	switch (which) {
	case O_NS: o->ns = arg; break;
	case O_BIND:
		if (o->binds == LIST_MAX)
			die("too many addresses");
		address_parse(&o->bind[o->binds++], arg);
		break;
	case O_TO:
		if (o->tos == LIST_MAX)
			die("too many addresses");
		address_parse(&o->to[o->tos++], arg);
		break;
	case O_SOCKETS: o->sockets = number(arg); break;
	case O_COUNT: o->count = number(arg); break;
	case O_SIZE: range(arg, &o->lo, &o->hi); break;
	case O_WINDOW: o->window = number(arg); break;
	case O_RATE: o->rate = number(arg); break;
	case O_STALL: o->stall = number(arg); break;
	case O_DRAIN: o->drain = number(arg); break;
	case O_RUN: o->run = number(arg); break;
	case O_GSO: o->gso = number(arg); break;
	case O_PIECES: o->pieces = number(arg); break;
	case O_UNTIL: o->until = number(arg); break;
	case O_FAULT: o->fault = arg; break;
	case O_CONNECT: o->connect = true; break;
	case O_DELAY: range(arg, &o->delay, &o->delay_hi); break;
	case O_PORTS: o->ports = number(arg); break;
	case O_STAY: o->stay = true; break;
	case O_LIFE: o->life = number(arg); break;
	case O_LATE: o->late = number(arg); break;
	case O_TWICE: o->twice = number(arg); break;
	case O_WITHIN: o->within = number(arg); break;
	case O_FROM_PORT: o->from_port = number(arg); break;
	case O_SECONDS: o->seconds = number(arg); break;
	case O_RANDOM: o->random = number(arg); break;
	case O_SEED: o->seed = number(arg); break;
	case O_REPEAT: o->repeat = number(arg); break;
	case O_EXPECT: expect(o, arg); break;
	default: exit(2);
	}
}

static void allow_files(unsigned int wanted)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		die("file limit");
	if (files.rlim_cur >= wanted)
		return;
	files.rlim_cur = wanted;
	if (files.rlim_max < wanted)
		files.rlim_max = wanted;
	if (setrlimit(RLIMIT_NOFILE, &files))
		die("file limit");
}

static const struct role *role_named(const char *name)
{
	unsigned int i;

	for (i = 0; name && i < sizeof(roles) / sizeof(*roles); i++)
		if (!strcmp(name, roles[i].name))
			return &roles[i];
	errno = 0;
	die("which role? echo, sink, client, send, churn, flood or raw; the head of sdtload/main.c says more");
}

static int run_role(int argc, char **argv, bool last)
{
	struct sigaction action = { .sa_handler = on_term };
	struct options o = { .sockets = 1, .count = 1, .window = 1, .stall = 1000, .run = 1, .lo = 64, .hi = 64,
			     .repeat = 1, .late = 100 };
	const struct role *role = role_named(argc ? argv[0] : NULL);
	int which;

	errno = 0;
	role_name = role->name;
	o.drain = role->run == run_sink ? 500 : 100;
	optind = 1;
	while ((which = getopt_long(argc, argv, "+", long_options, NULL)) != -1)
		option(&o, which, optarg);
	o.rest = argv + optind;
	o.rests = argc - optind;
	if (role->to && !o.tos)
		die("--to is needed");
	if (!o.sockets || o.hi < o.lo || o.hi > PAYLOAD_MAX || (o.rests && role->run != run_raw))
		die("options that make no sense");
	if (o.gso && (o.lo != o.hi || !o.lo || (uint64_t)o.gso * o.hi > PAYLOAD_MAX))
		die("--gso needs one size, all of it at most %d bytes", PAYLOAD_MAX);
	sigaction(SIGTERM, &action, NULL);
	if (last)
		sigaction(SIGINT, &action, NULL);
	allow_files(o.sockets + 64);
	make_table();
	enter(o.ns);
	errno = 0;
	return role->run(&o);
}

/* A role that serves the last one. Returns when it is ready. */
static pid_t start_role(int argc, char **argv)
{
	int ends[2];
	pid_t pid, parent = getpid();
	char byte;

	if (pipe(ends))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			exit(2);
		close(ends[0]);
		ready_fd = ends[1];
		exit(run_role(argc, argv, false));
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		die("%s did not start", argv[0]);
	close(ends[0]);
	return pid;
}

int main(int argc, char **argv)
{
	struct {
		pid_t pid;
		bool ends;
	} child[ROLES_MAX];
	int count = 0, status, code, i, end;

	argv++;
	argc--;
	for (;;) {
		for (end = 0; end < argc && strcmp(argv[end], "--"); end++)
			;
		if (end == argc)
			break;
		argv[end] = NULL;
		if (count == ROLES_MAX)
			die("too many roles");
		child[count].ends = role_named(argv[0])->ends;
		child[count++].pid = start_role(end, argv);
		argv += end + 1;
		argc -= end + 1;
	}
	status = run_role(argc, argv, true);
	/* First those that send, then those that answer them. */
	for (end = 1; end >= 0; end--) {
		for (i = 0; i < count; i++)
			if (child[i].ends == end && !end)
				kill(child[i].pid, SIGTERM);
		for (i = 0; i < count; i++) {
			if (child[i].ends != end)
				continue;
			if (waitpid(child[i].pid, &code, 0) < 0 || !WIFEXITED(code) || WEXITSTATUS(code))
				status = status ? status : 1;
		}
	}
	return status;
}
