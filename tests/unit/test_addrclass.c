// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>

#include "../../kmod/addrclass.h"
#include "ktap.h"

static bool special(const char *text)
{
	u8 ip[16] = { [10] = 0xff, [11] = 0xff };

	if (strchr(text, ':') ? inet_pton(AF_INET6, text, ip) : inet_pton(AF_INET, text, ip + 12))
		return sdt_address_special(ip);
	printf("# %s is no address\n", text);
	ktap_failures++;
	return false;
}

static void special_addresses(void)
{
	static const char *const all[] = {
		"0.0.0.0", "0.0.0.1", "0.255.255.255", "127.0.0.0", "127.0.0.1", "127.255.255.255",
		"169.254.0.0", "169.254.255.255", "224.0.0.0", "239.255.255.255",
		"255.255.255.255",
		"::", "::1", "::127.0.0.1", "::192.0.2.1", "::ffff:127.0.0.1", "::ffff:0.0.0.0",
		"fe80::", "fe80::1", "febf:ffff::1", "ff00::", "ff02::1", "ffff::1",
	};
	unsigned int i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		EXPECT(special(all[i]), "%s", all[i]);
}

static void addresses_of_hosts(void)
{
	static const char *const all[] = {
		"1.0.0.0", "126.255.255.255", "128.0.0.0", "10.1.2.3", "192.168.0.255",
		"169.253.255.255", "169.255.0.0", "168.254.0.0", "223.255.255.255", "240.0.0.0",
		"255.255.255.254", "254.255.255.255", "255.255.0.255",
		"2001:db8::1", "::ffff:192.0.2.1", "0:0:0:0:0:1::", "::1:0:0", "64:ff9b::127.0.0.1",
		"fe7f::1", "fec0::1", "fd00::1", "feff::1", "::fffe:127.0.0.1", "1::ffff:127.0.0.1",
	};
	unsigned int i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		EXPECT(!special(all[i]), "%s", all[i]);
}

static const struct ktap_case cases[] = {
	KTAP_CASE(special_addresses),
	KTAP_CASE(addresses_of_hosts),
};

int main(void)
{
	return KTAP_RUN(cases);
}
