// SPDX-License-Identifier: GPL-2.0
/* nla_strscpy(): a string cut short is an error. */
#include <net/netlink.h>

ssize_t probe(char *dst, const struct nlattr *nla)
{
	return nla_strscpy(dst, nla, 1);
}
