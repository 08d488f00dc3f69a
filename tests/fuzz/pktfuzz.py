#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Datagrams that are nearly right, towards everything that receives some. Scenario: guest.sh.

pktfuzz.py link SEED SECONDS KEYFILE PUBLIC   in the place of a peer of the node remote: sealed messages whose frames are
                                              altered, and sealed, handshake and other messages that are altered themselves
pktfuzz.py customers SEED SECONDS             in the place of customers of the node local, below UDP
pktfuzz.py targets SEED SECONDS               in the place of the targets of the node remote: datagrams to its egress sockets,
                                              and ICMP errors about what they sent; the same about the link's own messages
"""
import base64
import json
import random
import socket
import struct
import subprocess
import sys
import time

from inet import checksum, ip_header

CHUNKS = [b'\0', b'\xff', b'\0\0', b'\xff\xff', b'\x80', b'\x7f', b'\0\1', b'\xff\xe3', b'\xff\xe4', bytes(4), b'\xff' * 4, bytes(16)]


class Mutator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def mutate(self, data, times=(1, 1, 1, 2, 4)):
        data = bytearray(data)
        for _ in range(self.random.choice(times)):
            at = self.random.randrange(len(data) + 1)
            what = self.random.randrange(6)
            if what == 0 and at < len(data):
                data[at] ^= 1 << self.random.randrange(8)
            elif what == 1 and at < len(data):
                data[at] = self.random.randrange(256)
            elif what == 2:
                del data[at:]
            elif what == 3:
                data[at:at] = self.random.choice(CHUNKS)
            elif what == 4:
                chunk = self.random.choice(CHUNKS)
                data[at:at + len(chunk)] = chunk
            else:
                del data[at:at + self.random.randrange(1, 9)]
        return bytes(data)


def ip4(source, target, protocol, payload, flags=0):
    return ip_header(source, target, protocol, len(payload), random.getrandbits(16), flags) + payload


def udp(sport, dport, payload):
    return struct.pack('>4H', sport, dport, 8 + len(payload), 0) + payload


def send(sock, data, target):
    """What the stack here does not let through has not been tried."""
    try:
        sock.sendto(data, target)
        return True
    except OSError:
        return False


# ---- the link ------------------------------------------------------------------------------------------------------------

def valid_frames(f):
    """Something that each tunnel of guest.sh takes, and each control operation."""
    a = f.endpoint('10.3.0.2', 5300)
    fragment = struct.pack('>IH', 7, 0x8000) + bytes(16)
    last = struct.pack('>IH', 7, 2) + b'x'
    frames = [
        f.data(b'router', tunnel=1, channel=1, address=a), f.data(b'server', tunnel=2, channel=300),
        f.data(b'stream', tunnel=3), f.data(b'direct', tunnel=4), f.data(b'reply', tunnel=5, channel=0, reply=True),
        f.data(b'proxied', tunnel=6, channel=9, address=f.endpoint('10.1.0.1', 9)), f.data(b'', tunnel=2, channel=70000),
        f.control(f.PAD, bytes(40)), f.control(f.PING, b'12345678'), f.control(f.PONG, b'12345678'),
        f.control(f.CLOSE, tunnel=2, channel=300), f.control(f.CLOSE, tunnel=5, channel=0, reply=True),
        f.control(f.REFUSED, b'\4', tunnel=5, channel=0, reply=True),
        f.control(f.UNREACHABLE, b'\3\0\0', tunnel=5, channel=0, reply=True),
        f.control(f.UNREACHABLE, b'\5\5\0', tunnel=5, channel=0, reply=True),
        f.control(f.FRAGMENT, fragment, tunnel=2, channel=300), f.control(f.FRAGMENT, last, tunnel=2, channel=300),
        f.control(f.FRAGMENT, fragment, tunnel=1, channel=1, address=a),
    ]
    bundle = f.data(b'one', tunnel=2, channel=5, length=True) + f.data(b'two', tunnel=1, channel=6, address=a, length=True)
    return frames + [bundle + frame for frame in frames]


class Link(Mutator):
    NODE = ('10.2.0.2', 7380)

    def __init__(self, seed, keyfile, public):
        super().__init__(seed)
        # tests/peer, which stands beside this file in the guest.
        from peer import crypto, frame, message, node, router
        self.message, self.router = message, router
        self.keyfile, self.public = keyfile, public
        self.receiver = base64.b64decode(public)
        self.frames = valid_frames(frame)
        stranger = node.Node().add_link(self.receiver, suite=crypto.CHACHAPOLY)
        self.handshakes = [
            stranger.initiation(),
            message.type3(crypto.CHACHAPOLY, 1, 0x77, bytes(24), self.receiver, bytes(16), bytes(16)),
            struct.pack('>BBBBII', 0x20, 1, 1, 0, 9, 0x77) + bytes(136),
        ]
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def altered(self, caller):
        """A message that is altered outside, after it was sealed or made."""
        if self.random.random() < .5:
            return self.mutate(caller.link.current.seal(self.random.choice(self.frames)))
        message = self.random.choice(self.handshakes)
        altered = self.mutate(message)
        if len(altered) == len(message) and len(message) > 100 and self.random.random() < .5:
            # So that it is read on.
            altered = self.message.remac(altered, self.receiver)
        return altered

    def run(self, seconds):
        deadline, sealed, outside, sessions = time.monotonic() + seconds, 0, 0, 0
        while time.monotonic() < deadline:
            caller = self.router.Caller(self.keyfile, self.public, 'local', self.NODE[0])
            own = caller.boxes[0].socket
            sessions += 1
            session_end = min(deadline, time.monotonic() + 8)
            while time.monotonic() < session_end:
                text = b''.join(self.random.sample(self.frames, self.random.choice((1, 1, 2))))
                text = text if self.random.random() < .2 else self.mutate(text)
                sealed += send(own, caller.link.current.seal(text), self.NODE)
                outside += send(self.other if self.random.random() < .5 else own, self.altered(caller), self.NODE)
                if sealed % 64 == 0:
                    caller.boxes[0].drain()
            caller.close()
        print(f'# link: {sessions} sessions, {sealed} messages with altered frames, {outside} altered messages', flush=True)
        return not (sessions and sealed > 10 * seconds and outside)


# ---- below UDP -------------------------------------------------------------------------------------------------------------

class Raw(Mutator):
    def __init__(self, seed):
        super().__init__(seed)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def alter(self, packet, keep):
        """All but the addresses, with its header's checksum right now and then."""
        packet = bytearray(self.mutate(packet))
        if len(packet) < 20:
            packet += bytes(20 - len(packet))
        packet[12:20] = keep
        if self.random.random() < .8:
            packet[0] = 0x45 if self.random.random() < .9 else packet[0]
            packet[10:12] = struct.pack('>H', checksum(bytes(packet[:10] + b'\0\0' + packet[12:20])))
        return bytes(packet)


class Customers(Raw):
    def run(self, seconds):
        deadline, sent = time.monotonic() + seconds, 0
        while time.monotonic() < deadline:
            port = self.random.choice((5000, 5001, 5002, 5003))
            payload = self.random.randbytes(self.random.choice((0, 1, 16, 600, 1400)))
            flags = self.random.choice((0, 0, 0, 0x4000, 0x2000, 0x0001, 0x20b9))
            packet = ip4('10.1.0.1', '10.1.0.2', 17, udp(self.random.randrange(20000, 20100), port, payload), flags)
            sent += send(self.sock, self.alter(packet, packet[12:20]) if self.random.random() < .9 else packet, ('10.1.0.2', 0))
        print(f'# customers: {sent} packets', flush=True)
        return not sent


class Targets(Raw):
    def egress(self):
        """(port of an egress socket) of the node remote."""
        found = subprocess.run(['sdtctl', '-n', 'remote', '-j', 'show', 'channels'], stdout=subprocess.PIPE, check=True)
        ports = [int(c['local'].rsplit(':', 1)[1]) for c in json.loads(found.stdout) if c.get('local')]
        return ports or [6005]

    def error(self, source, sport, target, dport, to):
        """An ICMP error that quotes such a datagram."""
        quote = ip4(source, target, 17, udp(sport, dport, bytes(self.random.choice((0, 8, 500)))))
        kind = self.random.choice((3, 3, 3, 3, 11, 12, 4, 5))
        message = struct.pack('>BBHHH', kind, self.random.randrange(16), 0, 0, self.random.choice((0, 68, 576, 1280, 1400, 65535)))
        message += self.mutate(quote) if self.random.random() < .7 else quote
        if self.random.random() < .9:
            message = message[:2] + struct.pack('>H', checksum(message)) + message[4:]
        packet = ip4(to[0], to[1], 1, message)
        return packet if self.random.random() < .8 else self.alter(packet, packet[12:20])

    def run(self, seconds):
        deadline, sent, errors, turn, ports = time.monotonic() + seconds, 0, 0, 0, []
        while time.monotonic() < deadline:
            if turn % 200 == 0:
                ports = self.egress()
            turn += 1
            port = self.random.choice(ports)
            what = self.random.random()
            if what < .4:
                source = self.random.choice((5300, 5300, 8004, 9))
                packet = ip4('10.3.0.2', '10.3.0.1', 17, udp(source, port, self.random.randbytes(self.random.choice((0, 1, 500, 1400)))))
                sent += send(self.sock, self.alter(packet, packet[12:20]) if self.random.random() < .5 else packet, ('10.3.0.1', 0))
            elif what < .8:
                packet = self.error('10.3.0.1', port, '10.3.0.2', self.random.choice((5300, 5300, 9)), ('10.3.0.2', '10.3.0.1'))
                errors += send(self.sock, packet, ('10.3.0.1', 0))
            else:
                packet = self.error('10.2.0.2', 7380, '10.2.0.1', 7380, ('10.3.0.2', '10.3.0.1'))
                errors += send(self.sock, packet, ('10.3.0.1', 0))
        print(f'# targets: {sent} datagrams, {errors} ICMP errors', flush=True)
        return not (sent and errors)


def main():
    role, seed, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    if role == 'link':
        return Link(seed, *sys.argv[4:6]).run(seconds)
    return {'customers': Customers, 'targets': Targets}[role](seed).run(seconds)


if __name__ == '__main__':
    sys.exit(main())
