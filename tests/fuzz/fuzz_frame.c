// SPDX-License-Identifier: GPL-2.0
/* Frames: no read beyond the message, always forward, one encoding for what is accepted. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/frame.h"
#include "fuzz.h"

static void check_control(const struct sdt_frame *f, const u8 *body)
{
	u8 again[SDT_CONTROL_MAX];
	struct sdt_control c;
	unsigned int n;
	int err = sdt_control_decode(f, body, f->body_len, &c);

	if (err) {
		REQUIRE(err == -EBADMSG || err == -EOPNOTSUPP);
		return;
	}
	n = sdt_control_encode(again, &c);
	REQUIRE(n <= f->body_len && n <= SDT_CONTROL_MAX);
	REQUIRE(!memcmp(again, body, n));
	if (c.op == SDT_OP_FRAGMENT) {
		REQUIRE(c.fragment.data_off == n && f->body_len > n);
		REQUIRE(c.fragment.offset + f->body_len - n <= SDT_DATAGRAM_MAX);
	}
}

static void check_frame(const u8 *msg, u32 begin, u32 next, const struct sdt_frame *f)
{
	u8 again[SDT_FRAME_HDR_MAX];
	unsigned int n = sdt_frame_encode(again, f);

	REQUIRE(n == sdt_frame_hdr_len(f));
	REQUIRE(begin + n == f->body_off);
	REQUIRE(!memcmp(again, msg + begin, n));
	REQUIRE(f->body_off + f->body_len == next);
	if (f->control)
		check_control(f, msg + f->body_off);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u32 off = 0;

	while (off < size) {
		u32 begin = off;
		struct sdt_frame f;
		int err = sdt_frame_decode(data, (u32)size, &off, &f);

		REQUIRE(off > begin && off <= size);
		REQUIRE(!err || err == -EBADMSG || (err == -EPROTO && off == size));
		if (!err)
			check_frame(data, begin, off, &f);
	}
	return 0;
}
