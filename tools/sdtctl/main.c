// SPDX-License-Identifier: GPL-2.0
/* Options, the way to a verb, help, and batches of verbs. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nl.h"
#include "sdtctl.h"

#define WORDS_MAX	512

struct options opt;

static const char *batch_name;		/* NULL: no batch */
static unsigned int batch_line;

extern const struct verb *const __start_sdtctl_verbs[];
extern const struct verb *const __stop_sdtctl_verbs[];

const char *safe(const char *s)
{
	static char ring[8][80];
	static unsigned int next;
	char *out = ring[next++ % 8];
	size_t i;

	for (i = 0; s[i] && i < sizeof(ring[0]) - 1; i++)
		out[i] = isprint((unsigned char)s[i]) ? s[i] : '?';
	out[i] = '\0';
	if (s[i])
		memcpy(out + i - 3, "...", 3);
	return out;
}

static void __attribute__((format(printf, 1, 0))) say(const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("sdtctl: ", stderr);
	if (batch_name)
		fprintf(stderr, "%s:%u: ", safe(batch_name), batch_line);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return EXIT_USAGE;
}

int refuse(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return EXIT_REFUSED;
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

static const struct verb *find_verb(const char *name)
{
	const struct verb *const *v;

	for (v = __start_sdtctl_verbs; v < __stop_sdtctl_verbs; v++)
		if (!strcmp((*v)->name, name))
			return *v;
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct verb *const *)a)->name, (*(const struct verb *const *)b)->name);
}

static void help_all(void)
{
	size_t n = __stop_sdtctl_verbs - __start_sdtctl_verbs;
	const struct verb *list[n];
	size_t i;

	memcpy(list, __start_sdtctl_verbs, sizeof(list));
	qsort(list, n, sizeof(*list), by_name);
	puts("Usage: sdtctl [OPTION...] [VERB [WORD...]]; without a verb: show\n");
	for (i = 0; i < n; i++)
		printf("  %-12s  %s\n", list[i]->name, list[i]->help);
	puts("\n"
	     "  -j, --json    JSON            -p, --pretty  the same, with line breaks\n"
	     "  -s            with counters   -n NETNS      in this network namespace\n"
	     "  -4, -6        family of names -b FILE       verbs from FILE (-: standard input), one a line\n"
	     "  -force        a batch goes on after an error\n"
	     "\n"
	     "sdtctl help VERB says what a verb takes. See sdtctl(8).");
}

static void help_verb(const struct verb *v)
{
	printf("Usage: sdtctl %s %s\n\n%s\n", v->name, v->usage, v->help);
}

static int run_help(int argc, char **argv)
{
	const struct verb *v;

	if (!argc) {
		help_all();
		return EXIT_DONE;
	}
	v = find_verb(argv[0]);
	if (!v)
		return complain("unknown verb '%s': sdtctl help lists them", safe(argv[0]));
	help_verb(v);
	return EXIT_DONE;
}

VERB(help,
	.name = "help",
	.usage = "[VERB]",
	.help = "what there is, or what a verb takes",
	.run = run_help);

static int run_words(int argc, char **argv)
{
	static char *nothing[] = { NULL };
	const struct verb *v = find_verb(argc ? argv[0] : "show");

	if (!v)
		return complain("unknown verb '%s': sdtctl help lists them", safe(argv[0]));
	if (!argc)
		return v->run(0, nothing);
	if (argc == 2 && (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help"))) {
		help_verb(v);
		return EXIT_DONE;
	}
	return v->run(argc - 1, argv + 1);
}

/* Words of a line, in place; # begins a comment. Return: their number, -1: too many */
static int split(char *line, char **words)
{
	char *save = NULL, *word;
	int n = 0;

	for (word = strtok_r(line, " \t\r\n", &save); word && word[0] != '#';
	     word = strtok_r(NULL, " \t\r\n", &save)) {
		if (n == WORDS_MAX)
			return -1;
		words[n++] = word;
	}
	words[n] = NULL;
	return n;
}

static int run_batch(FILE *file)
{
	char *words[WORDS_MAX + 1];
	int result = EXIT_DONE;
	char *line = NULL;
	size_t size = 0;
	int n, err;

	while (getline(&line, &size, file) >= 0) {
		batch_line++;
		n = split(line, words);
		if (!n)
			continue;
		err = n < 0 ? complain("too many words") : run_words(n, words);
		fflush(stdout);
		if (!result)
			result = err;
		if (err && !opt.force)
			break;
	}
	if (ferror(file))
		result = complain("%s", strerror(errno));
	free(line);
	return result;
}

static int open_batch(const char *name)
{
	FILE *file = stdin;
	int err;

	opt.stdin_taken = !strcmp(name, "-");
	if (!opt.stdin_taken)
		file = fopen(name, "re");
	if (!file)
		return complain("-b %s: %s", safe(name), strerror(errno));
	batch_name = name;
	err = run_batch(file);
	fclose(file);
	return err;
}

static int enter_netns(const char *name)
{
	char path[4096];
	int err = 0;
	int fd;

	if (strchr(name, '/'))
		snprintf(path, sizeof(path), "%s", name);
	else
		snprintf(path, sizeof(path), "/var/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err = complain("-n %s: %s", safe(name), strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

/* Takes the options off @argv. Return: an exit code, -1: go on with argv[*first] */
static int parse_options(int argc, char **argv, int *first, const char **netns, const char **batch)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char *o = argv[i];

		if (!strcmp(o, "-j") || !strcmp(o, "--json")) {
			opt.json = true;
		} else if (!strcmp(o, "-p") || !strcmp(o, "--pretty")) {
			opt.json = true;
			opt.pretty = true;
		} else if (!strcmp(o, "-s")) {
			opt.statistics = true;
		} else if (!strcmp(o, "-4") || !strcmp(o, "-6")) {
			opt.family = o[1] == '4' ? AF_INET : AF_INET6;
		} else if (!strcmp(o, "-force")) {
			opt.force = true;
		} else if (!strcmp(o, "-n") || !strcmp(o, "-b")) {
			if (++i == argc)
				return complain("%s: its value is missing", o);
			*(o[1] == 'n' ? netns : batch) = argv[i];
		} else if (!strcmp(o, "-h") || !strcmp(o, "--help")) {
			help_all();
			return EXIT_DONE;
		} else {
			return complain("unknown option '%s': sdtctl help lists them", safe(o));
		}
	}
	*first = i;
	return -1;
}

int main(int argc, char **argv)
{
	const char *netns = NULL, *batch = NULL;
	int first = 0, err;

	err = parse_options(argc, argv, &first, &netns, &batch);
	if (err < 0)
		err = netns ? enter_netns(netns) : EXIT_DONE;
	else
		goto out;
	if (err)
		goto out;
	if (batch && first < argc)
		err = complain("-b takes the verbs from its file: '%s' is too much", safe(argv[first]));
	else if (batch)
		err = open_batch(batch);
	else
		err = run_words(argc - first, argv + first);
	nl_close();
out:
	if ((fflush(stdout) || ferror(stdout)) && !err)
		err = complain("standard output: %s", strerror(errno));
	return err;
}
