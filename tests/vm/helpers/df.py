# SPDX-License-Identifier: GPL-2.0
"""df.py ADDRESS PORT BYTES [BYTES...]: datagrams that must not be fragmented.

Sends each size until it is answered (printed as "BYTES answered"), or until this host has learned that it is too big
("BYTES mtu N": what it believes the path takes from then on), 10 seconds at most ("BYTES nothing").
"""

import errno
import socket
import sys
import time

IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, DO = 10, 23, 2
IP_MTU, IPV6_MTU = 14, 24


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    six = ':' in address
    s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
    level = socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP
    s.setsockopt(level, IPV6_MTU_DISCOVER if six else IP_MTU_DISCOVER, DO)
    s.settimeout(0.2)
    s.connect((address, port))
    for size in map(int, sys.argv[3:]):
        print(size, attempt(s, size, lambda: s.getsockopt(level, IPV6_MTU if six else IP_MTU)))


def attempt(s, size, mtu):
    end = time.monotonic() + 10
    data = bytes(i * 7 % 256 for i in range(size))
    while time.monotonic() < end:
        try:
            s.send(data)
            while True:
                if s.recv(65535) == data:
                    return 'answered'
        except socket.timeout:
            continue
        except OSError as e:
            if e.errno == errno.EMSGSIZE:
                return f'mtu {mtu()}'
            raise
    return 'nothing'


main()
