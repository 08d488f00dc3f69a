// SPDX-License-Identifier: GPL-2.0
/* Key files, and the verbs that make keys. Secrets are locked into memory and wiped. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "key.h"
#include "sdtctl.h"

#define TEXT_SIZE	sodium_base64_ENCODED_LEN(SDT_KEY_SIZE, sodium_base64_VARIANT_ORIGINAL)
#define FILE_MAX	256	/* more than any key with spaces around it */

bool key_file_exists(const char *path)
{
	return !access(path, F_OK) || errno != ENOENT;
}

const char *key_text(const unsigned char key[SDT_KEY_SIZE])
{
	static char text[TEXT_SIZE];

	return sodium_bin2base64(text, sizeof(text), key, SDT_KEY_SIZE,
				 sodium_base64_VARIANT_ORIGINAL);
}

static int decode(const char *word, const char *text, size_t len, unsigned char key[SDT_KEY_SIZE])
{
	unsigned char raw[FILE_MAX];
	const char *end;
	size_t size;
	int err = EXIT_DONE;

	if (sodium_base642bin(raw, sizeof(raw), text, len, " \t\r\n", &size, &end,
			      sodium_base64_VARIANT_ORIGINAL) || end != text + len)
		err = complain("%s: that is no key: 44 characters of base64 are wanted", word);
	else if (size != SDT_KEY_SIZE)
		err = complain("%s: the key has %zu bytes, not %d", word, size, SDT_KEY_SIZE);
	else
		memcpy(key, raw, SDT_KEY_SIZE);
	sodium_memzero(raw, sizeof(raw));
	return err;
}

static int check_file(const char *word, const char *path, int fd, bool secret)
{
	struct stat st;

	if (fstat(fd, &st))
		return complain("%s: %s: %s", word, safe(path), strerror(errno));
	if (S_ISDIR(st.st_mode))
		return complain("%s: %s: %s", word, safe(path), strerror(EISDIR));
	if (secret && S_ISREG(st.st_mode) && (st.st_mode & 077))
		return complain("%s: others than the owner may read or change %s: chmod 600 it",
				word, safe(path));
	return EXIT_DONE;
}

static int read_fd(const char *word, const char *path, int fd, unsigned char key[SDT_KEY_SIZE])
{
	char text[FILE_MAX] = "";
	size_t len = 0;
	ssize_t got;
	int err;

	do {
		got = read(fd, text + len, sizeof(text) - len);
		if (got > 0)
			len += got;
	} while ((got > 0 && len < sizeof(text)) || (got < 0 && errno == EINTR));
	if (got < 0)
		err = complain("%s: %s: %s", word, safe(path), strerror(errno));
	else if (len == sizeof(text))
		err = complain("%s: %s is too long for a key", word, safe(path));
	else
		err = decode(word, text, len, key);
	sodium_memzero(text, sizeof(text));
	return err;
}

int key_read(const char *word, const char *value, bool secret, unsigned char key[SDT_KEY_SIZE])
{
	int fd, err;

	if (value[0] != '@') {
		if (secret)
			return complain("%s: secrets are not given as arguments: write @FILE, or @- for standard input",
					word);
		return decode(word, value, strlen(value), key);
	}
	value++;
	if (!strcmp(value, "-")) {
		if (opt.stdin_taken)
			return complain("%s: standard input is the batch already", word);
		return read_fd(word, "standard input", STDIN_FILENO, key);
	}
	fd = open(value, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return complain("%s: %s: %s", word, safe(value), strerror(errno));
	err = check_file(word, value, fd, secret) ?: read_fd(word, value, fd, key);
	close(fd);
	return err;
}

/* A file that this shell makes for the key should be nobody else's. */
static void warn_of_mode(void)
{
	struct stat st;

	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) && (st.st_mode & 077))
		note("warning: others may read the file; umask 077 before, or chmod 600 it");
}

static int print_secret(int argc, char **argv, const char *verb, bool clamp)
{
	unsigned char key[SDT_KEY_SIZE] = { 0 };
	char text[TEXT_SIZE] = "";

	if (argc)
		return complain("%s: '%s' is too much", verb, safe(argv[0]));
	if (sodium_init() < 0)
		return complain("%s: no random numbers", verb);
	mlock(key, sizeof(key));
	mlock(text, sizeof(text));
	warn_of_mode();
	randombytes_buf(key, sizeof(key));
	if (clamp) {
		key[0] &= 248;
		key[31] = (key[31] & 127) | 64;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	puts(sodium_bin2base64(text, sizeof(text), key, sizeof(key),
			       sodium_base64_VARIANT_ORIGINAL));
	sodium_memzero(key, sizeof(key));
	sodium_memzero(text, sizeof(text));
	return EXIT_DONE;
}

static int run_genkey(int argc, char **argv)
{
	return print_secret(argc, argv, "genkey", true);
}

static int run_genpsk(int argc, char **argv)
{
	return print_secret(argc, argv, "genpsk", false);
}

static int run_pubkey(int argc, char **argv)
{
	unsigned char key[SDT_KEY_SIZE] = { 0 }, public[SDT_KEY_SIZE];
	int err;

	if (argc)
		return complain("pubkey: '%s' is too much: the private key comes from standard input",
				safe(argv[0]));
	mlock(key, sizeof(key));
	err = key_read("pubkey", "@-", true, key);
	if (!err && crypto_scalarmult_base(public, key))
		err = complain("pubkey: that is no private key");
	sodium_memzero(key, sizeof(key));
	if (!err)
		puts(key_text(public));
	return err;
}

VERB(genkey,
	.name = "genkey",
	.usage = "> FILE",
	.help = "a new private key, to standard output (umask 077 first)",
	.run = run_genkey);

VERB(genpsk,
	.name = "genpsk",
	.usage = "> FILE",
	.help = "a new pre-shared key, to standard output (umask 077 first)",
	.run = run_genpsk);

VERB(pubkey,
	.name = "pubkey",
	.usage = "< FILE",
	.help = "the public key that belongs to the private key on standard input",
	.run = run_pubkey);
