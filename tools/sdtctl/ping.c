// SPDX-License-Identifier: GPL-2.0
/* ping: round trips through the link itself. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "nl.h"
#include "sdtctl.h"
#include "words.h"

#define NS_PER_MS	1000000.0
#define MS_PER_S	1000
#define INTERVAL_MS	1000
#define INTERVAL_LEAST	100	/* the peer answers ten a second */
#define WAIT_MS		3000
#define WAIT_MOST	10000	/* the module has forgotten a ping then */

struct ping {
	const char *link;
	unsigned long count;		/* 0: until interrupted */
	unsigned long interval_ms, wait_ms;
	unsigned long size;		/* 0: bare */
	unsigned long lane;

	unsigned long sent, received;
	uint64_t begin_ms;
	double min, max, sum, square_sum;	/* ms */
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* ---- words --------------------------------------------------------------- */

static int parse_count(const char *what, const char *value, unsigned long min, unsigned long max,
		       unsigned long *out)
{
	char *end = NULL;

	errno = 0;
	if (value[0] >= '0' && value[0] <= '9')
		*out = strtoul(value, &end, 10);
	if (!end || errno || *end || *out < min || *out > max)
		return complain("%s '%s': a number from %lu to %lu is wanted", what, safe(value),
				min, max);
	return EXIT_DONE;
}

/* Seconds, with a decimal point perhaps, as milliseconds. */
static int parse_seconds(const char *what, const char *value, unsigned long min, unsigned long max,
			 unsigned long *out)
{
	char *end = NULL;
	double n = 0;

	if (value[0] >= '0' && value[0] <= '9' && value[1] != 'x')
		n = strtod(value, &end) * MS_PER_S;
	if (!end || *end || !(n + 0.5 >= min && n <= max))
		return complain("%s '%s': seconds from %g to %g are wanted", what, safe(value),
				(double)min / MS_PER_S, (double)max / MS_PER_S);
	*out = n + 0.5;
	return EXIT_DONE;
}

static int parse_word(struct ping *p, const char *word, const char *value)
{
	if (!strcmp(word, "-c"))
		return parse_count(word, value, 1, UINT32_MAX, &p->count);
	if (!strcmp(word, "-i"))
		return parse_seconds(word, value, INTERVAL_LEAST, 3600 * MS_PER_S, &p->interval_ms);
	if (!strcmp(word, "-W"))
		return parse_seconds(word, value, 1, WAIT_MOST, &p->wait_ms);
	if (!strcmp(word, "-s"))
		return parse_count(word, value, 1, 65507, &p->size);
	if (!strcmp(word, "lane"))
		return parse_count(word, value, 0, SDT_LANES_LIMIT - 1, &p->lane);
	return complain("ping: unknown word '%s': see sdtctl help ping", safe(word));
}

static int parse_words(struct ping *p, int argc, char **argv)
{
	int err = EXIT_DONE;
	int i = 0;

	while (!err && i < argc) {
		if (argv[i][0] != '-' && !p->link) {
			p->link = argv[i++];
			continue;
		}
		if (i + 1 == argc && !(strcmp(argv[i], "lane") && argv[i][0] != '-'))
			return complain("ping: the value of '%s' is missing", safe(argv[i]));
		err = parse_word(p, argv[i], i + 1 < argc ? argv[i + 1] : "");
		i += 2;
	}
	if (!err && !p->link)
		return complain("ping: the link's name is missing");
	return err;
}

/* ---- one round trip ------------------------------------------------------ */

static void print_answer(const struct ping *p, const json_t *answer, double ms)
{
	if (opt.json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		printf("%s: seq=%lld lane=%lu time=%.3g ms\n", p->link,
		       (long long)json_integer_value(json_object_get(answer, "number")), p->lane, ms);
	}
	fflush(stdout);
}

static int handle_answer(const struct nlattr *const *attrs, void *arg)
{
	struct ping *p = arg;
	json_t *answer;
	double ms;

	if (!attrs[SDT_A_PING])
		return EXIT_DONE;
	answer = json_ping(attrs[SDT_A_PING]);
	ms = json_integer_value(json_object_get(answer, "rtt")) / NS_PER_MS;
	p->min = p->received && p->min < ms ? p->min : ms;
	p->max = p->received && p->max > ms ? p->max : ms;
	p->sum += ms;
	p->square_sum += ms * ms;
	p->received++;
	print_answer(p, answer, ms);
	json_decref(answer);
	return ferror(stdout) ? complain("standard output: %s", strerror(errno)) : EXIT_DONE;
}

/* A link that is down now may be up when the next ping is due. */
static int handle_refusal(int error, const char *message, void *arg)
{
	struct ping *p = arg;

	if (error == ENETDOWN || error == EHOSTUNREACH) {
		note("ping '%s': %s", safe(p->link), message);
		return EXIT_DONE;
	}
	return refuse("ping '%s': %s", safe(p->link),
		      error == EPERM ? "not permitted: this needs CAP_NET_ADMIN" : message);
}

static int make_ping(const struct ping *p, struct nl_request *req)
{
	struct nlattr *nest;
	int err;

	nl_request_init(req, SDT_CMD_LINK_PING, "ping");
	nest = mnl_attr_nest_start(&req->nlh, SDT_A_PING);
	err = words_put_name(req, SDT_A_PING_LINK, "ping", p->link);
	mnl_attr_put_u32(&req->nlh, SDT_A_PING_NUMBER, p->sent + 1);
	mnl_attr_put_u8(&req->nlh, SDT_A_PING_LANE, p->lane);
	if (p->size)
		mnl_attr_put_u16(&req->nlh, SDT_A_PING_SIZE, p->size);
	mnl_attr_nest_end(&req->nlh, nest);
	return err;
}

static int send_ping(struct ping *p, struct nl_request *req)
{
	int err = make_ping(p, req);

	if (err)
		return err;
	p->sent++;
	return nl_post(req);
}

/* Answers until @until; after the last ping only as long as some are outstanding. */
static int await(struct ping *p, const struct nl_request *req, uint64_t until, bool last)
{
	uint64_t now = now_ms();
	int err = EXIT_DONE;

	while (!err && !interrupted && now < until && !(last && p->received >= p->sent)) {
		err = nl_await(req, handle_answer, handle_refusal, p, until - now);
		now = now_ms();
	}
	return err;
}

/* ---- all ----------------------------------------------------------------- */

static double mean(const struct ping *p)
{
	return p->received ? p->sum / p->received : 0;
}

static double deviation(const struct ping *p)
{
	double m = mean(p), v = p->received ? p->square_sum / p->received - m * m : 0;

	return v > 0 ? sqrt(v) : 0;
}

static double loss(const struct ping *p)
{
	return p->sent ? 100.0 * (p->sent - p->received) / p->sent : 0;
}

static void print_json_summary(const struct ping *p)
{
	json_t *o = json_pack("{s:s, s:I, s:I, s:f}", "link", p->link, "sent", (json_int_t)p->sent,
			      "received", (json_int_t)p->received, "loss", loss(p));

	if (p->received) {
		json_object_set_new(o, "rtt-min", json_integer(p->min * NS_PER_MS));
		json_object_set_new(o, "rtt-avg", json_integer(mean(p) * NS_PER_MS));
		json_object_set_new(o, "rtt-max", json_integer(p->max * NS_PER_MS));
		json_object_set_new(o, "rtt-mdev", json_integer(deviation(p) * NS_PER_MS));
	}
	json_print(o);
	json_decref(o);
}

static void print_summary(const struct ping *p)
{
	if (opt.json) {
		print_json_summary(p);
		return;
	}
	printf("--- %s ping statistics ---\n", p->link);
	printf("%lu packets transmitted, %lu received, %.4g%% packet loss, time %llums\n", p->sent,
	       p->received, loss(p), (unsigned long long)(now_ms() - p->begin_ms));
	if (p->received)
		printf("rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", p->min, mean(p), p->max,
		       deviation(p));
}

static int ping(struct ping *p)
{
	struct nl_request req = { 0 };
	int err = EXIT_DONE;
	bool last = false;
	uint64_t due;

	p->begin_ms = now_ms();
	due = p->begin_ms;
	while (!err && !interrupted && !last) {
		err = send_ping(p, &req);
		last = p->sent == p->count;
		due += last ? p->wait_ms : p->interval_ms;
		if (!err)
			err = await(p, &req, due, last);
	}
	if (err)
		return err;
	print_summary(p);
	return p->received ? EXIT_DONE : EXIT_REFUSED;
}

static int run_ping(int argc, char **argv)
{
	struct sigaction on_interrupt = { .sa_handler = interrupt };
	struct ping p = { .interval_ms = INTERVAL_MS, .wait_ms = WAIT_MS };
	struct nl_request req;
	sigset_t signals;
	int err;

	/* once for its complaints, before the module is asked for anything */
	err = parse_words(&p, argc, argv) ?: make_ping(&p, &req) ?: nl_open(false);
	if (err)
		return err;
	/* They are let through while there is nothing to do but wait. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	sigaction(SIGINT, &on_interrupt, NULL);
	sigaction(SIGTERM, &on_interrupt, NULL);
	if (!opt.json)
		printf("PING %s: lane %lu\n", p.link, p.lane);
	return ping(&p);
}

VERB(ping,
	.name = "ping",
	.usage = "LINK [-c COUNT] [-i SEC] [-W SEC] [-s SIZE] [lane N]",
	.help = "round trips through a link: is the peer there, and how far",
	.run = run_ping);
