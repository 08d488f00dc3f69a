/* SPDX-License-Identifier: GPL-2.0 */
/* Other programs, run for what they do or say. */
#ifndef _SDTCTL_CHILD_H
#define _SDTCTL_CHILD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What a program is given and what becomes of what it says. Programs are looked up in
 * PATH, without a shell.
 */
struct child {
	const char *const *argv;	/* ends with NULL */
	const char *input;		/* for its standard input; NULL: nothing */
	char *output;			/* gets its standard output as a string; NULL: shown */
	size_t output_size;
	bool quiet;			/* what it complains of is not shown */
};

/**
 * child_run() - run it to its end
 * Return: its exit code; 127 if there is no such program, 128 and more if it was killed or could
 * not be started. Says nothing itself.
 */
int child_run(const struct child *c);

#endif /* _SDTCTL_CHILD_H */
