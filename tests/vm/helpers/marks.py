#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Which TOS or traffic class datagrams have at the other end.

marks.py serve ADDR PORT [ADDR PORT]...   answer each datagram with the TOS that it came with; the answer has the TOS
                                          that its first byte asks for
marks.py ask ADDR PORT TOS... [--from ADDR PORT]
                                          one datagram with each TOS, answers wanted with the same one. Prints
                                          sent:seen:back for each; a datagram without an answer is sent again
"""

import select
import socket
import struct
import sys

TRIES = 10
WAIT = 1.0


def udp(address):
    v6 = ":" in address
    s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(*((socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS) if v6 else (socket.IPPROTO_IP, socket.IP_RECVTOS)), 1)
    return s


def receive(s):
    data, found, _, sender = s.recvmsg(64, 128)
    for level, kind, value in found:
        if (level, kind) == (socket.IPPROTO_IP, socket.IP_TOS):
            return data, value[0], sender
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_TCLASS):
            return data, struct.unpack("i", value)[0], sender
    raise RuntimeError("no TOS came with the datagram")


def send(s, data, tos, to):
    if s.family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)
    else:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
    s.sendto(data, to)


def serve(words):
    sockets = []
    for address, port in zip(words[::2], words[1::2]):
        sockets.append(udp(address))
        sockets[-1].bind((address, int(port)))
    while True:
        for s in select.select(sockets, [], [])[0]:
            data, tos, sender = receive(s)
            send(s, data[:2] + bytes([tos]), data[0], sender)


def ask(words):
    if "--from" in words:
        at = words.index("--from")
        own, words = (words[at + 1], int(words[at + 2])), words[:at]
    else:
        own = None
    to = words[0], int(words[1])
    s = udp(to[0])
    if own:
        s.bind(own)
    s.settimeout(WAIT)
    told = []
    for number, tos in enumerate(map(int, words[2:])):
        question = bytes([tos, number])
        for _ in range(TRIES):
            send(s, question, tos, to)
            try:
                data, back, _ = receive(s)
                while data[:2] != question:
                    data, back, _ = receive(s)
            except TimeoutError:
                continue
            told.append(f"{tos}:{data[2]}:{back}")
            break
        else:
            told.append(f"{tos}:-:-")
    print(*told)


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](sys.argv[2:])
