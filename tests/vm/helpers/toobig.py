# SPDX-License-Identifier: GPL-2.0
"""toobig.py SOURCE PORT DESTINATION PORT MTU: "fragmentation needed" to SOURCE, about a UDP datagram that it sent.

As a router would say it, and as anybody can who knows or guesses the addresses and ports.
"""

import socket
import struct
import sys

from inet import checksum, ip_header

source, sport, destination, dport, mtu = sys.argv[1:]
ip = ip_header(source, destination, socket.IPPROTO_UDP, 1480, ident=1, flags=0x4000)
udp = struct.pack('!HHHH', int(sport), int(dport), 1480, 0)
body = struct.pack('!HHH', 0, 0, int(mtu)) + ip + udp
kind = struct.pack('!BB', 3, 4)
body = kind + struct.pack('!H', checksum(kind + body)) + body[2:]
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
    s.sendto(body, (source, 0))
