// SPDX-License-Identifier: GPL-2.0
/* Inputs given as files, once each, without a fuzzer: what was found before stays found. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX	65536

int main(int argc, char **argv)
{
	static uint8_t buf[INPUT_MAX];
	uint8_t *exact;
	size_t size;
	FILE *file;
	int i;

	/* What the target itself says is of no interest. */
	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "r", stdin))
		return 2;
	for (i = 1; i < argc; i++) {
		file = fopen(argv[i], "re");
		if (!file)
			return 2;
		size = fread(buf, 1, sizeof(buf), file);
		fclose(file);
		/* No more than the input, so that what lies behind it is guarded. */
		exact = malloc(size ? size : 1);
		if (!exact)
			return 2;
		memcpy(exact, buf, size);
		LLVMFuzzerTestOneInput(exact, size);
		free(exact);
	}
	return argc > 1 ? 0 : 2;
}
