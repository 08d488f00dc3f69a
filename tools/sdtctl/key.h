/* SPDX-License-Identifier: GPL-2.0 */
/* Keys: base64 of 32 bytes, in files. */
#ifndef _SDTCTL_KEY_H
#define _SDTCTL_KEY_H

#include <stdbool.h>

#include <linux/sdt.h>

#define NODE_KEY_FILE	"/etc/sdt/node.key"

/**
 * key_read() - the key that @value names: @FILE, @- for standard input, or itself
 * @word: what the user calls it, for complaints
 * @secret: never itself, and no file that others can read
 */
int key_read(const char *word, const char *value, bool secret, unsigned char key[SDT_KEY_SIZE]);

bool key_file_exists(const char *path);

/** key_text() - base64, in a static buffer; for public keys */
const char *key_text(const unsigned char key[SDT_KEY_SIZE]);

#endif /* _SDTCTL_KEY_H */
