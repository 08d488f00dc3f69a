// SPDX-License-Identifier: GPL-2.0
#include "../../kmod/proxyv2.h"
#include "hex.h"
#include "ktap.h"

/* As the PROXY protocol's own text lays it out; ports are 0xPPPP of the test. */
#define SIGNATURE "0d0a0d0a000d0a515549540a"

static void end_make(struct sdt_proxy_v2_end *end, const char *ip, const char *port)
{
	unhex(end->ip, sizeof(end->ip), ip);
	unhex((u8 *)&end->port, sizeof(end->port), port);
}

struct example {
	const char *src, *sport, *dst, *dport;
	const char *header;
};

static const char alice4[] = "00000000000000000000ffff0a010001";
static const char bob4[] = "00000000000000000000ffff0a030002";
static const char alice6[] = "fd010000000000000000000000000001";
static const char bob6[] = "fd030000000000000000000000000002";
/* Begins as a v4-mapped one does, and is none. */
static const char almost[] = "00000000000000000000fffe0a010001";
static const char other[] = "00000000000000010000ffff0a010001";

static const struct example examples[] = {
	{ alice4, "c001", bob4, "0035",
	  SIGNATURE "21" "12" "000c" "0a010001" "0a030002" "c001" "0035" },
	{ alice6, "c001", bob6, "0035",
	  SIGNATURE "21" "22" "0024" "fd010000000000000000000000000001"
	  "fd030000000000000000000000000002" "c001" "0035" },
	{ alice6, "c001", bob4, "14b4",
	  SIGNATURE "21" "22" "0024" "fd010000000000000000000000000001"
	  "00000000000000000000ffff0a030002" "c001" "14b4" },
	{ alice4, "00ff", bob6, "ff00",
	  SIGNATURE "21" "12" "000c" "0a010001" "00000000" "00ff" "ff00" },
	{ almost, "0001", bob6, "0002",
	  SIGNATURE "21" "22" "0024" "00000000000000000000fffe0a010001"
	  "fd030000000000000000000000000002" "0001" "0002" },
	{ other, "0001", bob6, "0002",
	  SIGNATURE "21" "22" "0024" "00000000000000010000ffff0a010001"
	  "fd030000000000000000000000000002" "0001" "0002" },
};

static void known_bytes(void)
{
	struct sdt_proxy_v2_end src, dst;
	u8 want[SDT_PROXY_V2_MAX], got[SDT_PROXY_V2_MAX + 1];
	unsigned int i, n, want_len;

	for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct example *e = &examples[i];

		end_make(&src, e->src, e->sport);
		end_make(&dst, e->dst, e->dport);
		want_len = unhex(want, sizeof(want), e->header);
		memset(got, 0xee, sizeof(got));
		n = sdt_proxy_v2_encode(got, &src, &dst);
		EXPECT(n == want_len, "example %u: %u bytes, not %u", i, n, want_len);
		EXPECT_MEM(got, want, want_len, "example %u", i);
		EXPECT(got[n] == 0xee, "example %u: nothing written beyond", i);
	}
}

static const struct ktap_case cases[] = {
	KTAP_CASE(known_bytes),
};

int main(void)
{
	return KTAP_RUN(cases);
}
