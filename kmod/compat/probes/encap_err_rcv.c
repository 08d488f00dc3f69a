// SPDX-License-Identifier: GPL-2.0
/* Errors about what encapsulating sockets sent go to their hooks, not to the error queue. */
#include <net/udp_tunnel.h>

size_t probe(void)
{
	return offsetof(struct udp_tunnel_sock_cfg, encap_err_rcv);
}
