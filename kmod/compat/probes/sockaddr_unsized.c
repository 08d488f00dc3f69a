// SPDX-License-Identifier: GPL-2.0
/* kernel_bind() and kernel_connect() take a struct sockaddr_unsized. */
#include <linux/net.h>
#include <linux/socket.h>

int probe(struct socket *sock, struct sockaddr_unsized *addr)
{
	return kernel_bind(sock, addr, 0) ?: kernel_connect(sock, addr, 0, 0);
}
