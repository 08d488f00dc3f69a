// SPDX-License-Identifier: GPL-2.0
/*
 * The first process of a test guest: sets the machine up, runs one command and reports how it ended.
 *
 * In C because every program that a guest starts costs about a tenth of a second under emulation; a shell doing the
 * same would start twenty.
 *
 * Ways out of the guest:
 *   /dev/ttyS0       kernel log (the kernel's console)
 *   /dev/ttyS1       what the command prints
 *   I/O port 0xe9    a line "begin" before the command, and "exit N" after it; needs no driver, so nothing in the guest
 *                    can keep it from getting through
 *   /dev/ttyS2       the same where there are no I/O ports (User-Mode Linux)
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define RESULT_PORT	0xe9
#define RESULT_LINE	"/dev/ttyS2"
#define COMMAND_FILE	"/.command"	/* arguments, each ended by a zero byte */
#define MAX_ARGS	256
#define CANNOT_RUN	127

enum { SYSLOG_ACTION_CONSOLE_LEVEL = 8, LOG_EVERYTHING = 8 };

static const struct {
	const char *what, *where, *data;
} mounts[] = {
	{ "proc", "/proc", NULL },
	{ "sysfs", "/sys", NULL },
	{ "devtmpfs", "/dev", NULL },
	{ "devpts", "/dev/pts", NULL },
	{ "tmpfs", "/dev/shm", NULL },
	{ "tmpfs", "/tmp", "mode=1777" },
	{ "tmpfs", "/run", "mode=755" },
	{ "debugfs", "/sys/kernel/debug", NULL },
	{ "tracefs", "/sys/kernel/tracing", NULL },
};

/* Settings that a kernel lacks are none of our business. */
static const struct {
	const char *file, *value;
} settings[] = {
	/* IPv6 addresses are usable at once, also in new namespaces. */
	{ "/proc/sys/net/core/devconf_inherit_init_net", "1" },
	{ "/proc/sys/net/ipv6/conf/all/accept_dad", "0" },
	{ "/proc/sys/net/ipv6/conf/default/accept_dad", "0" },
	/* A stuck task is to be reported before the run itself times out. */
	{ "/proc/sys/kernel/hung_task_timeout_secs", "30" },
	/* Nobody reads a core file here. */
	{ "/proc/sys/kernel/core_pattern", "|/bin/false" },
};

/* A serial line; what is written leaves as it is: no echo, no carriage returns. */
static int open_line(const char *name)
{
	struct termios tio;
	int fd = open(name, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && !tcgetattr(fd, &tio)) {
		cfmakeraw(&tio);
		tio.c_cflag |= CLOCAL;
		cfsetspeed(&tio, B115200);
		tcsetattr(fd, TCSANOW, &tio);
	}
	return fd;
}

static void report(const char *line)
{
	int fd;

	if (!ioperm(RESULT_PORT, 1, 1)) {
		while (*line)
			outb(*line++, RESULT_PORT);
		return;
	}
	fd = open_line(RESULT_LINE);
	if (fd < 0)
		return;
	if (write(fd, line, strlen(line)) > 0)
		tcdrain(fd);
	close(fd);
}

static void power_off(void)
{
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void fail(const char *what)
{
	char line[256];

	snprintf(line, sizeof(line), "init: %s: %s\n", what, strerror(errno));
	report(line);
	power_off();
}

static void mount_all(void)
{
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].what, mounts[i].where, mounts[i].what, 0, mounts[i].data) && i < 3)
			fail(mounts[i].where);
	}
	mkdir("/run/netns", 0755);
	mkdir("/run/lock", 0755);
	if (symlink("/proc/self/fd", "/dev/fd") || symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") || symlink("/proc/self/fd/2", "/dev/stderr"))
		fail("/dev/fd");
}

static void apply_settings(void)
{
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		int fd = open(settings[i].file, O_WRONLY);

		if (fd < 0)
			continue;
		if (write(fd, settings[i].value, strlen(settings[i].value)) < 0)
			errno = 0;
		close(fd);
	}
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		return;
	ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
}

static void open_output(void)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out = open_line("/dev/ttyS1");

	if (in < 0 || out < 0)
		fail("/dev/ttyS1");
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	if (in > STDERR_FILENO)
		close(in);
	if (out > STDERR_FILENO)
		close(out);
}

static void read_command(char *argv[MAX_ARGS + 1])
{
	static char text[65536];
	ssize_t used = 0, n;
	char *arg;
	int fd = open(COMMAND_FILE, O_RDONLY), argc = 0;

	if (fd < 0)
		fail(COMMAND_FILE);
	while ((n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += n;
	close(fd);
	for (arg = text; arg < text + used && argc < MAX_ARGS; arg += strlen(arg) + 1)
		argv[argc++] = arg;
	argv[argc] = NULL;
	if (!argc) {
		errno = EINVAL;
		fail(COMMAND_FILE);
	}
}

static pid_t start(char *argv[])
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid)
		return pid;
	setsid();
	if (chdir("/t"))
		_exit(CANNOT_RUN);
	execv(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(CANNOT_RUN);
}

static int wait_for(pid_t wanted)
{
	int status;

	/* Orphans come to us as well. */
	for (;;) {
		pid_t pid = wait(&status);

		if (pid == wanted)
			break;
		if (pid < 0 && errno != EINTR)
			fail("wait");
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void)
{
	char *argv[MAX_ARGS + 1], line[32];
	int code;

	umask(022);
	mount_all();
	open_output();
	apply_settings();
	sethostname("guest", strlen("guest"));
	loopback_up();
	read_command(argv);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("LANG", "C.UTF-8", 1);
	setenv("TERM", "dumb", 1);
	klogctl(SYSLOG_ACTION_CONSOLE_LEVEL, NULL, LOG_EVERYTHING);

	report("begin\n");
	code = wait_for(start(argv));

	tcdrain(STDOUT_FILENO);
	snprintf(line, sizeof(line), "exit %d\n", code);
	report(line);
	/* Not through isa-debug-exit: a regular end also brings out what the kernel has yet to print. */
	power_off();
}
