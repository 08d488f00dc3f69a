// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

#define NOT_STARTED	128

/* A file without a name: no pipe that a program could stop reading or writing. */
static FILE *scratch(const char *content)
{
	FILE *file = tmpfile();

	if (!file)
		return NULL;
	if ((content && fputs(content, file) == EOF) || fflush(file)) {
		fclose(file);
		return NULL;
	}
	rewind(file);
	return file;
}

static __attribute__((noreturn)) void become(const struct child *c, int in, int out)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(in, STDIN_FILENO) < 0 || (out >= 0 && dup2(out, STDOUT_FILENO) < 0) ||
	    (c->quiet && dup2(null, STDERR_FILENO) < 0))
		_exit(NOT_STARTED);
	execvp(c->argv[0], (char *const *)c->argv);
	_exit(errno == ENOENT ? 127 : NOT_STARTED);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return NOT_STARTED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : NOT_STARTED + WTERMSIG(status);
}

int child_run(const struct child *c)
{
	FILE *in = scratch(c->input), *out = c->output ? scratch(NULL) : NULL;
	int code = NOT_STARTED;
	size_t n;
	pid_t pid;

	if (!in || (c->output && !out))
		goto close;
	fflush(stdout);
	pid = fork();
	if (!pid)
		become(c, fileno(in), out ? fileno(out) : -1);
	if (pid > 0)
		code = wait_for(pid);
	if (out) {
		rewind(out);
		n = fread(c->output, 1, c->output_size - 1, out);
		c->output[n] = '\0';
	}
close:
	if (in)
		fclose(in);
	if (out)
		fclose(out);
	return code;
}
