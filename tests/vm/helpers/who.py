#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A target that tells who wrote to it, and customers that ask it.

who.py serve FILE ADDR:PORT...      each datagram: a line in FILE, and the same as the answer:
                                        SOURCE SAYS TEXT
                                    SAYS is CUSTOMER>TARGET, from the PROXY protocol's header in front of it, or -
who.py customer                     one after the other, as lines of standard input tell:
    ask FROM TO TEXT...                 one datagram for each TEXT, the next when the answer came; prints the answers,
                                        or "nothing" after ten seconds without, and then a line with a dot
    tell FROM TO TEXT...                the same without answers
                                    FROM is ADDR:PORT; port 0 is sent as such. @SIZE is a TEXT of SIZE letters.

Addresses with a port are written ADDR:PORT or [ADDR]:PORT. A TEXT longer than 100 is shown as its length.
"""
import selectors
import socket
import struct
import sys

SIGNATURE = b'\r\n\r\n\x00\r\nQUIT\n'


def parse(text):
    """(family, (address, port)) of ADDR:PORT."""
    host, port = text.rsplit(':', 1)
    if host.startswith('['):
        return socket.AF_INET6, (host[1:-1], int(port))
    return socket.AF_INET, (host, int(port))


def show(address, port):
    return f'[{address}]:{port}' if ':' in address else f'{address}:{port}'


def header(data):
    """What the header in front of a datagram says, and what is behind it. Version 2 of the PROXY protocol, section 2.2."""
    if not data.startswith(SIGNATURE):
        return '-', data
    version_command, family_protocol, length = struct.unpack('>BBH', data[12:16])
    body, rest = data[16:16 + length], data[16 + length:]
    if version_command != 0x21 or len(body) != length:
        return 'bad', data
    if family_protocol == 0x12 and length == 12:
        size, family = 4, socket.AF_INET
    elif family_protocol == 0x22 and length == 36:
        size, family = 16, socket.AF_INET6
    else:
        return 'bad', data
    sport, dport = struct.unpack('>HH', body[2 * size:])
    source, target = (socket.inet_ntop(family, body[i * size:(i + 1) * size]) for i in (0, 1))
    return show(source, sport) + '>' + show(target, dport), rest


def serve(path, *addresses):
    selector = selectors.DefaultSelector()
    for text in addresses:
        family, address = parse(text)
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.bind(address)
        selector.register(s, selectors.EVENT_READ)
    with open(path, 'w', buffering=1, encoding='ascii') as log:
        while True:
            for key, _ in selector.select():
                data, peer = key.fileobj.recvfrom(65535)
                says, rest = header(data)
                text = rest.decode('ascii', 'replace') if len(rest) <= 100 else f'{len(rest)} bytes'
                line = f'{show(*peer[:2])} {says} {text}'
                print(line, file=log)
                key.fileobj.sendto(line.encode(), peer)


def from_port_0(address, to, data):
    """No socket is bound to port 0: a raw one, with a header made by hand and without a checksum."""
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    s.bind(address)
    s.sendto(struct.pack('>HHHH', 0, to[1], 8 + len(data), 0) + data, (to[0], 0))


def ask(answers, sender, to, *texts):
    family, source = parse(sender)
    _, target = parse(to)
    data = [b'x' * int(text[1:]) if text.startswith('@') else text.encode() for text in texts]
    if not source[1]:
        from_port_0(source, target, data[0])
        return
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 200000)
        s.bind(source)
        s.settimeout(10)
        for datagram in data:
            s.sendto(datagram, target)
            if not answers:
                continue
            try:
                print(s.recv(65535).decode())
            except socket.timeout:
                print('nothing')


def customer():
    for line in sys.stdin:
        verb, *words = line.split()
        ask(verb == 'ask', *words)
        print('.', flush=True)


if sys.argv[1:2] == ['serve']:
    serve(*sys.argv[2:])
elif sys.argv[1:] == ['customer']:
    customer()
else:
    sys.exit(__doc__)
