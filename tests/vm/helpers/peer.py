#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A peer with the right keys that says what a node never would. Speaks the protocol by tests/vectors/make_example.py.

peer.py server KEYFILE PEER-PUBLIC   scenario 26-router-refusals: proxy role, towards the router tunnel of the node remote
peer.py proxy KEYFILE PEER-PUBLIC    the same: server role, towards the node local

Prints a line "ok NAME" or "not ok NAME: REASON" for each test, and "end".
"""
import base64
import ipaddress
import os
import select
import socket
import struct
import subprocess
import sys
import time
import types

from wire import counters, verdict

# ---- what make_example.py wants of a library that the guest does not have: slow, and good enough to test with ----

P, A24 = 2**255 - 19, 121665


def x25519(scalar, point):
    """RFC 7748, section 5."""
    k = int.from_bytes(scalar, 'little') & ~7 & ~(128 << 248) | 64 << 248
    u = int.from_bytes(point, 'little') & ((1 << 255) - 1)
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap != bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + A24 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, 'little')


class X25519PublicKey(bytes):
    @classmethod
    def from_public_bytes(cls, raw):
        return cls(raw)

    def public_bytes(self, *_):
        return bytes(self)


class X25519PrivateKey(bytes):
    @classmethod
    def from_private_bytes(cls, raw):
        return cls(raw)

    def exchange(self, peer):
        return x25519(self, peer)

    def public_key(self):
        return X25519PublicKey(x25519(self, (9).to_bytes(32, 'little')))


class ChaCha20Poly1305:
    """RFC 8439."""

    def __init__(self, key):
        self.key = struct.unpack('<8I', key)

    def _block(self, counter, nonce):
        start = (0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, *self.key, counter, *nonce)
        s = list(start)
        for _ in range(10):
            for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                               (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
                for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                    s[x] = s[x] + s[y] & 0xffffffff
                    v = s[z] ^ s[x]
                    s[z] = (v << turn | v >> (32 - turn)) & 0xffffffff
        return struct.pack('<16I', *(x + y & 0xffffffff for x, y in zip(s, start)))

    def _stream(self, nonce, text):
        out = bytearray()
        for i in range(0, len(text), 64):
            out += bytes(x ^ y for x, y in zip(text[i:i + 64], self._block(1 + i // 64, nonce)))
        return bytes(out)

    def _tag(self, nonce, sealed, ad):
        block = self._block(0, nonce)
        r = int.from_bytes(block[:16], 'little') & 0x0ffffffc0ffffffc0ffffffc0fffffff
        text = ad + bytes(-len(ad) % 16) + sealed + bytes(-len(sealed) % 16) + struct.pack('<QQ', len(ad), len(sealed))
        acc = 0
        for i in range(0, len(text), 16):
            acc = (acc + int.from_bytes(text[i:i + 16] + b'\1', 'little')) * r % (2**130 - 5)
        return ((acc + int.from_bytes(block[16:32], 'little')) % 2**128).to_bytes(16, 'little')

    def encrypt(self, nonce, text, ad):
        words = struct.unpack('<3I', nonce)
        sealed = self._stream(words, text)
        return sealed + self._tag(words, sealed, ad)

    def decrypt(self, nonce, sealed, ad):
        words = struct.unpack('<3I', nonce)
        if self._tag(words, sealed[:-16], ad) != sealed[-16:]:
            raise ValueError('does not authenticate')
        return self._stream(words, sealed[:-16])


def stand_in(name, **content):
    module = types.ModuleType(name)
    module.__dict__.update(content)
    sys.modules[name] = module


for prefix in ('cryptography', 'cryptography.hazmat', 'cryptography.hazmat.primitives',
               'cryptography.hazmat.primitives.asymmetric', 'cryptography.hazmat.primitives.ciphers'):
    stand_in(prefix)
stand_in('cryptography.hazmat.primitives.asymmetric.x25519', X25519PrivateKey=X25519PrivateKey, X25519PublicKey=X25519PublicKey)
stand_in('cryptography.hazmat.primitives.ciphers.aead', AESGCM=None, ChaCha20Poly1305=ChaCha20Poly1305)
stand_in('cryptography.hazmat.primitives.serialization', Encoding=types.SimpleNamespace(Raw=0), PublicFormat=types.SimpleNamespace(Raw=0))

import make_example as sdt  # noqa: E402  pylint: disable=wrong-import-position

# ---- the peer -------------------------------------------------------------------------------------------------------


def address(text, port):
    """As a frame has it."""
    return ipaddress.ip_address(text).packed + struct.pack('>H', port)


def frames_of(text):
    """(control, tunnel, channel, address, body) of each frame of a message."""
    while text:
        first, text = text[0], text[1:]
        rest = b''
        if first & 0x40:
            size = struct.unpack('>H', text[:2])[0]
            text, rest = text[2:2 + size], text[2 + size:]
        tunnel, chlen, af = 0, first % 16 % 5, first % 16 // 5
        if first & 0x10:
            tunnel, text = struct.unpack('>H', text[:2])[0], text[2:]
        channel = int.from_bytes(text[:chlen], 'big') if chlen else None
        size = (0, 6, 18)[af]
        yield bool(first & 0x80), tunnel, channel, text[chlen:chlen + size], text[chlen + size:]
        text = rest


class Peer:
    """One session of a link, begun from here."""

    def __init__(self, keyfile, public, node):
        with open(keyfile, encoding='ascii') as file:
            private = base64.b64decode(file.read())
        public = base64.b64decode(public)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((node, 7380))
        self.counter = 0
        ephemeral, now = os.urandom(32), time.time_ns()
        payload = sdt.payload_of(sdt.tai64n(now // 10**9, now % 10**9), int.from_bytes(os.urandom(8), 'big'))
        hs, message = sdt.initiation(sdt.CHACHAPOLY, 0x5d, private, ephemeral, public, payload)
        self.socket.send(message)
        answer = self._message(10, sdt.RESPONSE)
        self.index = struct.unpack('>I', answer[4:8])[0]
        sdt.read_second(hs, private, ephemeral, bytes(32), answer[12:-32])
        self.send_key, self.receive_key = hs.split()
        self.send(b'')

    def _message(self, seconds, kind):
        deadline = time.monotonic() + seconds
        while select.select([self.socket], [], [], max(0, deadline - time.monotonic()))[0]:
            message = self.socket.recv(65536)
            if message[0] >> 4 == kind:
                return message
        raise TimeoutError

    def send(self, *frames):
        self.socket.send(sdt.data(sdt.CHACHAPOLY, self.send_key, 0, self.index, self.counter, b''.join(frames)))
        self.counter += 1

    def hear(self, seconds=5):
        """The frames of the next message that has some of channels: the link's own are left out."""
        while True:
            message = self._message(seconds, sdt.DATA)
            counter = struct.unpack('>I', message[4:8])[0]
            text = sdt.open_(sdt.CHACHAPOLY, self.receive_key, counter, message[:8], message[8:])
            frames = [frame for frame in frames_of(text) if frame[2] is not None]
            if frames:
                return frames


# ---- tests ------------------------------------------------------------------------------------------------------------

TUNNEL, POLICY, PROHIBITED = 1, 6, 4
# What no peer may name. The tunnel allows 0.0.0.0/0 and ::/0 meanwhile.
SPECIAL = (
    ('unspecified', '0.0.0.0'), ('unspecified', '::'), ('this network', '0.1.2.3'),
    ('loopback', '127.0.0.1'), ('loopback', '127.200.1.1'), ('loopback', '::1'),
    ('link-local', '169.254.1.1'), ('link-local', 'fe80::1'),
    ('multicast', '224.0.0.1'), ('multicast', '239.1.2.3'), ('multicast', 'ff02::1'), ('multicast', 'ff0e::1'),
    ('broadcast', '255.255.255.255'),
    ('v4-mapped loopback', '::ffff:127.0.0.1'), ('v4-mapped multicast', '::ffff:224.0.0.1'),
    ('v4-compatible loopback', '::127.0.0.1'),
)
# As the scenario has configured the nodes.
OWN_REMOTE = (
    ('broadcast of a subnet', '10.3.0.255'), ('own, towards the targets', '10.3.0.1'), ('own, towards the link', '10.2.0.2'),
    ('own, on lo', '192.0.2.77'), ('own', 'fd03::1'), ('own, on lo', '2001:db8::77'), ('own, v4-mapped', '::ffff:10.3.0.1'),
    ('own, in a VRF', '10.77.0.1'),
)
OWN_LOCAL = (('broadcast of a subnet', '10.1.0.255'), ('own', '10.1.0.2'), ('own, v4-mapped', '::ffff:10.2.0.1'))


def server(peer):
    """Whether the node remote sends to where its peer says."""
    channel = 0

    def write(text, port, body=b'x'):
        nonlocal channel
        channel += 1
        peer.send(sdt.frame(body, tunnel=TUNNEL, channel=channel, address=address(text, port)))

    def refused(name, text, port):
        before = counters('remote')['r']
        write(text, port)
        try:
            found = peer.hear()[0]
        except TimeoutError:
            return verdict(name, 'it was not refused')
        # v4-mapped addresses come back as what they are
        ip = ipaddress.ip_address(text)
        ip = getattr(ip, 'ipv4_mapped', None) or ip
        wanted = (True, TUNNEL, channel, address(str(ip), port), bytes([sdt.REFUSED, POLICY]))
        if found != wanted:
            return verdict(name, f'{found} came back, not {wanted}')
        rose = {key: value - before[key] for key, value in counters('remote')['r'].items() if value != before[key]}
        return verdict(name, '' if rose == {'out-policy': 1} else f'counters: {rose}')

    def answered(name, text, port):
        write(text, port, b'hello')
        found = peer.hear(10)[0]
        ip = ipaddress.ip_address(text)
        ip = getattr(ip, 'ipv4_mapped', None) or ip
        wanted = (False, TUNNEL, channel, address(str(ip), port), b'hello')
        verdict(name, '' if found == wanted else f'{found} came back, not {wanted}')

    answered('server: what is allowed is sent, and answered', '10.3.0.2', 5300)
    answered('server: IPv6 too', 'fd03::2', 5300)
    answered('server: v4-mapped is IPv4', '::ffff:10.3.0.2', 5300)
    for name, text in SPECIAL + OWN_REMOTE:
        refused(f'server: refused: {name}, {text}', text, 5300)
    refused('server: refused: port 0', '10.3.0.2', 0)
    refused('server: refused: port 0 of IPv6', 'fd03::2', 0)
    # Nothing of the kernel's tables of addresses knows these: their routes say it.
    before = counters('remote')['r']['out-policy']
    for text in ('198.51.100.9', '2001:db8:9::9'):
        write(text, 5300)
        found, wanted = peer.hear()[0], (True, TUNNEL, channel, address(text, 5300), bytes([sdt.UNREACHABLE, PROHIBITED, 0, 0]))
        verdict(f'server: refused: what a route says is own, {text}', '' if found == wanted else f'{found} came back, not {wanted}')
    verdict('server: and counted so', '' if counters('remote')['r']['out-policy'] == before + 2 else 'it was not')
    subprocess.run(['sdtctl', '-n', 'remote', 'set-tunnel', 'r', 'allow', '10.3.0.0/25:5300-5301', 'allow', 'fd03::/65'], check=True)
    answered('server: allow: an address and port of the list', '10.3.0.2', 5301)
    answered('server: allow: an address of IPv6', 'fd03::2', 5300)
    for name, text, port in (('outside of the prefix', '10.3.0.130', 5300), ('a port below', '10.3.0.2', 5299),
                             ('a port above', '10.3.0.2', 5302), ('outside, v4-mapped', '::ffff:10.3.0.130', 5300),
                             ('outside of the prefix', 'fd03:0:0:0:8000::2', 5300), ('of no prefix', '10.4.0.1', 5300)):
        refused(f'server: not in allow: {name}, {text} {port}', text, port)

    # One family a channel, roles, shapes.
    before = counters('remote')['r']['out-role']
    peer.send(sdt.frame(b'x', tunnel=TUNNEL, channel=1, address=address('fd03::2', 5300)))
    peer.send(sdt.frame(b'x', tunnel=TUNNEL, channel=1))
    peer.send(sdt.frame(b'x', tunnel=TUNNEL, address=address('10.3.0.2', 5300)))
    peer.send(sdt.frame(b'x', tunnel=TUNNEL, channel=1, reply=True, address=address('10.3.0.2', 5300)))
    peer.send(sdt.control(sdt.CLOSE, tunnel=TUNNEL, channel=1, address=address('10.3.0.2', 5300)))
    peer.send(sdt.control(sdt.REFUSED, b'\1', tunnel=TUNNEL, channel=1))
    deadline = time.monotonic() + 3
    while counters('remote')['r']['out-role'] < before + 6 and time.monotonic() < deadline:
        pass
    verdict('server: frames of another shape or role', '' if counters('remote')['r']['out-role'] == before + 6 else 'not all were dropped')


def proxy(peer):
    """Whose answers the node local forwards to the customer, who asked 10.3.0.2:5300 from port 7000, filter none."""
    customer = subprocess.Popen(['nsenter', '--net=/run/netns/alice', '--', sys.executable, __file__, 'customer'],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def says():
        return customer.stdout.readline().strip()

    _, tunnel, channel, to, body = peer.hear(10)[0]
    verdict('proxy: a frame names what the customer wrote to',
            '' if (tunnel, to, body) == (TUNNEL, address('10.3.0.2', 5300), b'hello') else f'{tunnel} {to} {body}')

    def answer(text, port, body):
        peer.send(sdt.frame(body, tunnel=TUNNEL, channel=channel, reply=True, address=address(text, port)))

    def dropped(name, counter, text, port=5300):
        before = counters('local')['r']
        answer(text, port, b'forged')
        deadline = time.monotonic() + 3
        while True:
            now = counters('local')['r']
            rose = {key: value - before[key] for key, value in now.items() if value != before[key]}
            if rose or time.monotonic() > deadline:
                return verdict(name, '' if rose == {counter: 1} else f'counters: {rose}')

    answer('10.9.9.9', 99, b'stranger')
    verdict('proxy: filter none: from anybody', '' if says() == '10.9.9.9 99 stranger' else 'it did not come')
    for name, text in SPECIAL + OWN_LOCAL:
        if not ipaddress.ip_address(text).version == 6 or getattr(ipaddress.ip_address(text), 'ipv4_mapped', None):
            dropped(f'proxy: not forged: {name}, {text}', 'out-policy', text)
    dropped('proxy: not forged: port 0', 'out-policy', '10.3.0.2', 0)
    dropped('proxy: an answer of the other family', 'out-role', 'fd03::2')
    subprocess.run(['sdtctl', '-n', 'local', 'set-tunnel', 'r', 'filter', 'address'], check=True)
    dropped('proxy: narrowed to address: not from a stranger', 'out-filter', '10.9.9.9', 99)
    dropped('proxy: narrowed to address: not from its neighbour', 'out-filter', '10.3.0.3')
    answer('10.3.0.2', 99, b'other port')
    verdict('proxy: filter address: from another port', '' if says() == '10.3.0.2 99 other port' else 'it did not come')
    subprocess.run(['sdtctl', '-n', 'local', 'set-tunnel', 'r', 'filter', 'address-port'], check=True)
    customer.stdin.write('\n')
    customer.stdin.flush()
    peer.hear()
    dropped('proxy: narrowed to address-port: not from another port', 'out-filter', '10.3.0.2', 99)
    answer('10.3.0.2', 5300, b'target')
    verdict('proxy: filter address-port: from the target', '' if says() == '10.3.0.2 5300 target' else 'it did not come')

    # The refusal of an address leaves the channel as it is; that of one the customer did not write to is nothing.
    before = counters('local')['r']
    peer.send(sdt.control(sdt.REFUSED, bytes([POLICY]), tunnel=TUNNEL, channel=channel, reply=True, address=address('10.3.0.2', 5300)),)
    peer.send(sdt.control(sdt.REFUSED, bytes([POLICY]), tunnel=TUNNEL, channel=channel, reply=True, address=address('10.3.0.3', 5300)),)
    answer('10.3.0.2', 5300, b'still')
    verdict('proxy: the channel outlives the refusal of an address', '' if says() == '10.3.0.2 5300 still' else 'it did not')
    now = counters('local')['r']
    rose = {key: now[key] - before[key] for key in ('refused-by-peer', 'channels-closed', 'channels-opened')}
    verdict('proxy: refusals are heeded for what the customer wrote to',
            '' if rose == {'refused-by-peer': 1, 'channels-closed': 0, 'channels-opened': 0} else f'counters: {rose}')
    customer.kill()
    customer.wait()


def customer():
    """On alice: writes to 10.3.0.2:5300, again when told, and prints who answers."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(('10.1.0.1', 7000))
    sock.sendto(b'hello', ('10.3.0.2', 5300))
    while True:
        for ready in select.select([sock, sys.stdin], [], [])[0]:
            if ready is sys.stdin:
                sys.stdin.readline()
                sock.sendto(b'hello', ('10.3.0.2', 5300))
                continue
            text, (ip, port) = sock.recvfrom(2048)
            print(ip, port, text.decode(), flush=True)


def main():
    if sys.argv[1] == 'customer':
        return customer()
    peer = Peer(sys.argv[2], sys.argv[3], '10.2.0.2' if sys.argv[1] == 'server' else '10.2.0.1')
    (server if sys.argv[1] == 'server' else proxy)(peer)
    print('end', flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
