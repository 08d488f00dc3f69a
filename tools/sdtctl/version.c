// SPDX-License-Identifier: GPL-2.0
/* version: tool and module, and whether they agree. */
#include <stdio.h>
#include <string.h>

#include <sdt/version.h>

#include "json.h"
#include "nl.h"
#include "sdtctl.h"

static void print_json(bool reached)
{
	json_t *module = json_null();
	json_t *whole;

	if (reached)
		module = json_pack("{s:s, s:i}", "version", nl_node()->version, "abi",
				   (int)nl_node()->abi);
	whole = json_pack("{s:{s:s, s:i}, s:o}", "sdtctl", "version", SDT_VERSION, "abi",
			  SDT_ABI_VERSION, "module", module);
	json_print(whole);
	json_decref(whole);
}

static int run_version(int argc, char **argv)
{
	int err;

	if (argc)
		return complain("version: '%s' is too much", safe(argv[0]));
	if (!opt.json)
		printf("sdtctl %s, ABI %u\n", SDT_VERSION, SDT_ABI_VERSION);
	err = nl_open(true);
	if (opt.json)
		print_json(!err);
	else if (!err)
		printf("module %s, ABI %u\n", nl_node()->version, nl_node()->abi);
	if (err)
		return err;
	err = nl_open(false);
	if (!err && strcmp(nl_node()->version, SDT_VERSION))
		note("versions differ, but they understand each other");
	return err;
}

VERB(version,
	.name = "version",
	.usage = "",
	.help = "of the tool and of the module, and whether they agree",
	.run = run_version);
