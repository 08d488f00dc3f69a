/* SPDX-License-Identifier: GPL-2.0 */
/* sdtctl inside a fuzz target: its own code, with a kernel, a resolver and a clock that are ours. */
#ifndef _FUZZ_TOOL_H
#define _FUZZ_TOOL_H

#include <stddef.h>
#include <stdint.h>

/* What the next datagram of the "kernel" is; 0: there is none any more. */
extern size_t (*tool_answer)(uint8_t *buf, size_t size);

/* Of the last request: its header's fields. */
extern uint32_t tool_sequence;
extern uint16_t tool_type;

#define TOOL_FAMILY	0x1d

/**
 * tool_run() - one run of sdtctl
 * @argv: as of main(); ends with NULL
 */
void tool_run(char **argv);

/** tool_family_answer() - what the kernel says of the family, or of the node: sane */
size_t tool_family_answer(uint8_t *buf, size_t size);

#endif
