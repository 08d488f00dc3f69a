#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Requests of every kind to the family that sdt.yaml describes, right ones and wrong ones.

nlfuzz.py family sdt.yaml              on the host: the family as JSON, for the guest, which has no YAML
nlfuzz.py run FAMILY.json SEED SECONDS in the guest: that long, in the network namespace it is started in
"""
import collections
import errno
import json
import random
import socket
import struct
import sys
import time

NETLINK_GENERIC, NESTED, ERROR, DONE = 16, 0x8000, 2, 3
REQUEST, ACK, DUMP = 1, 4, 0x300
# Names that meet, now and then, and those that should not be.
NAMES = ['a', 'b', 'c', 'l', 'nowhere', '', 'a' * 31, 'a' * 32, 'x/y', '\xff', 'a b']
NUMBERS = [0, 1, 2, 3, 4, 15, 16, 17, 63, 64, 128, 255, 256, 1200, 5000, 65535, 65536, 1048576, 2**31, 2**32 - 1, 2**63, 2**64 - 1]
WIDTH = {'u8': 1, 'u16': 2, 'u32': 4, 'u64': 8}
# What a command cannot do without. To these come a few others, of which chance decides.
NEEDED = {
    'link-add': [('name', 'peer-key'), ('name', 'peer-key', 'peer')],
    'tunnel-add': [('name', 'link', 'id', 'mode', 'target'), ('name', 'link', 'id', 'mode', 'listen'), ('name', 'link', 'id', 'mode', 'role', 'allow'),
                   ('name', 'link', 'mode', 'listen', 'customer')],
    'link-ping': [('link', 'number')],
    'channel-get': [('tunnel',), ()],
    'stats-get': [('link',), ('tunnel',), ()],
    'node-set': [()],
}
# Most of these are left out, so that something is there.
DESTRUCTIVE = ('link-del', 'tunnel-del')


def family(path):
    import yaml
    with open(path, encoding='utf-8') as file:
        spec = yaml.safe_load(file)
    sets = {s['name']: [{'value': value, 'given': 'read only' not in a.get('doc', '').lower(), **{key: a[key] for key in ('name', 'type', 'nested-attributes', 'byte-order', 'checks') if key in a}}
                        for value, a in enumerate(s['attributes'], 1)] for s in spec['attribute-sets']}
    operations = [{'value': o['value'], 'name': o['name'], 'dump': 'dump' in o, 'do': 'do' in o,
                   'request': o.get('do', {}).get('request', o.get('dump', {}).get('request', {})).get('attributes', [])}
                  for o in spec['operations']['list'] if 'event' not in o]
    constants = {d['name']: d['value'] for d in spec['definitions'] if d['type'] == 'const'}
    json.dump({'sets': sets, 'operations': operations, 'constants': constants}, sys.stdout)


def attr(kind, data):
    size = 4 + len(data)
    return struct.pack('HH', size & 0xffff, kind) + data + bytes(-size % 4)


def sentence(tail):
    while len(tail) >= 4:
        size, kind = struct.unpack_from('HH', tail)
        if kind == 1:
            return tail[4:size].rstrip(b'\0').decode()
        tail = tail[max(4, (size + 3) & ~3):]
    return ''


class Fuzzer:
    def __init__(self, spec, seed):
        self.sets, self.operations, self.constants = spec['sets'], spec['operations'], spec['constants']
        self.random = random.Random(seed)
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.sock.bind((0, 0))
        self.sock.setsockopt(270, 11, 1)    # extended acknowledgements,
        self.sock.setsockopt(270, 10, 1)    # without what was asked
        self.sequence = 0
        self.verdicts = collections.defaultdict(collections.Counter)
        self.reasons = collections.defaultdict(collections.Counter)
        self.number = self.find('sdt')

    def chance(self, percent):
        return self.random.random() * 100 < percent

    # ---- what is said

    def limit(self, value):
        return self.constants.get(value, 32) if isinstance(value, str) else value

    def number_for(self, a, width):
        checks = a.get('checks', {})
        low, high = self.limit(checks.get('min', 0)), self.limit(checks.get('max', 2 ** (8 * width) - 1))
        if self.chance(93):
            good = [n for n in NUMBERS if low <= n <= high] or [low]
            return self.random.choice(good)
        return self.random.choice(NUMBERS + [self.random.getrandbits(8 * width)]) % 2 ** (8 * width)

    def bytes_for(self, size):
        kind = self.random.random()
        if kind < .2:
            return bytes(size)
        if kind < .5:
            # The same few keys again and again.
            return bytes([self.random.randrange(1, 6)]) * size
        return self.random.randbytes(size)

    def value_of(self, a, depth, needed=None):
        kind = a['type']
        if kind == 'nest':
            return self.nest(a['nested-attributes'], depth + 1, needed)
        if kind == 'string':
            name = self.random.choice(NAMES[:4] if self.chance(80) else NAMES).encode('latin-1')
            return name if self.chance(2) else name + b'\0'
        if kind == 'flag':
            return b''
        if kind == 'binary':
            return self.bytes_for(a.get('checks', {}).get('exact-len', 0) if a['name'] == 'ipv6' else 32)
        if kind == 'pad':
            return b''
        width = WIDTH[kind]
        if a['name'] == 'ipv4':
            return self.random.choice([b'\x0a\x09\0\1', b'\x0a\x09\0\2', b'\x0a\x09\0\x0b', bytes(4), b'\x7f\0\0\1', self.random.randbytes(4)])
        return self.number_for(a, width).to_bytes(width, 'big' if 'byte-order' in a else 'little')

    def endpoint(self):
        """A sane one, as link-add and tunnel-add want them."""
        ip = attr(1, bytes([10, 9, 0, self.random.choice((1, 2, 11))]))
        return ip + attr(3, self.random.choice((53, 5000, 5001, 7380)).to_bytes(2, 'big'))

    def nest(self, name, depth=0, needed=None):
        if name == 'endpoint' and self.chance(85):
            return self.endpoint()
        known = self.sets[name]
        if depth == 0 and needed is not None:
            others = 0 if self.chance(40) else 6
            chosen = [a for a in known if (a['name'] in needed and self.chance(98)) or (a['given'] and self.chance(others)) or self.chance(.1)]
        else:
            chosen = [a for a in known if self.chance(35 if a['given'] else 4)]
        if self.chance(5):
            self.random.shuffle(chosen)
        if self.chance(3) and chosen:
            chosen += [self.random.choice(chosen)] * self.random.choice((1, 2, 70))
        return b''.join(self.attribute(a, depth) for a in chosen)

    def attribute(self, a, depth, needed=None):
        data = self.value_of(a, depth, needed) if depth < 4 else b''
        kind = a['value'] | (NESTED if a['type'] == 'nest' else 0)
        wrong = self.random.random()
        if wrong < .01:
            data = self.random.randbytes(self.random.randrange(0, 80))
        elif wrong < .02:
            data = data[:self.random.randrange(0, len(data) + 1)]
        elif wrong < .03:
            kind = self.random.choice((kind ^ NESTED, self.random.randrange(0, 80), kind | 0x4000))
        elif wrong < .035 and depth < 3:
            data = self.nest(self.random.choice(list(self.sets)), depth + 1)
        return attr(kind, data)

    def payload(self, operation):
        nests = operation['request'] or (['link'] if self.chance(10) else [])
        if self.chance(4):
            nests = self.random.sample(['node', 'link', 'tunnel', 'channel', 'stats', 'event', 'ping'], 2)
        if 'link' in nests and 'tunnel' in nests and self.chance(60):
            nests = ['tunnel']
        needed = self.random.choice(NEEDED.get(operation['name'], [('name',)])) if self.chance(90) else None
        main = {a['name']: a for a in self.sets['main']}
        return b''.join(self.attribute(main[name], -1, needed) for name in nests)

    def mutate(self, data):
        data = bytearray(data)
        for _ in range(self.random.choice((1, 1, 2, 5))):
            if not data:
                break
            at = self.random.randrange(len(data))
            what = self.random.randrange(4)
            if what == 0:
                data[at] ^= 1 << self.random.randrange(8)
            elif what == 1:
                data[at] = self.random.choice((0, 1, 4, 127, 128, 255))
            elif what == 2:
                del data[at:]
            else:
                data[at:at] = data[at:at + self.random.randrange(0, 40)]
        return bytes(data)

    # ---- how it is said

    def ask(self, kind, command, payload, flags):
        self.sequence += 1
        body = struct.pack('BBH', command, 1, 0) + payload
        self.sock.send(struct.pack('IHHII', 16 + len(body), kind, flags, self.sequence, 0) + body)
        return self.verdict()

    def verdict(self):
        """errno, and the sentence that came with it."""
        while True:
            data = self.sock.recv(1 << 17)
            while len(data) >= 16:
                size, kind, flags, sequence, _ = struct.unpack_from('IHHII', data)
                if sequence == self.sequence and kind in (ERROR, DONE):
                    return -struct.unpack_from('i', data, 16)[0], sentence(data[36 if kind == ERROR else 20:size]) if flags & 0x200 else ''
                data = data[(size + 3) & ~3:]

    def find(self, name):
        body = struct.pack('BBH', 3, 1, 0) + attr(2, name.encode() + b'\0')
        self.sock.send(struct.pack('IHHII', 16 + len(body), 16, REQUEST, 0, 0) + body)
        data = self.sock.recv(1 << 16)[20:]
        while data:
            size, kind = struct.unpack_from('HH', data)
            if kind == 1:
                return struct.unpack_from('H', data, 4)[0]
            data = data[(size + 3) & ~3:]
        raise LookupError(name)

    def turn(self):
        operation = self.random.choice(self.operations)
        if operation['name'] in DESTRUCTIVE and self.chance(80):
            return
        flags = REQUEST | ACK
        if operation['dump'] and (not operation['do'] or self.chance(50)):
            flags |= DUMP
        elif self.chance(1):
            flags |= DUMP
        payload = self.payload(operation)
        if self.chance(5):
            payload = self.mutate(payload)
        command = self.random.randrange(256) if self.chance(1) else operation['value']
        code, text = self.ask(self.number, command, payload, flags)
        if code:
            self.reasons[operation['name']][text] += 1
        self.verdicts[operation['name']][errno.errorcode.get(code, str(code)) if code else 'ok'] += 1

    def run(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for _ in range(20):
                self.turn()
        bad = 0
        for name, found in sorted(self.verdicts.items()):
            print(f'# {name}: ' + ', '.join(f'{what} {count}' for what, count in found.most_common()), flush=True)
            print('#     ' + '; '.join(f'{text} {count}' for text, count in self.reasons[name].most_common(12)), flush=True)
            # All wrong, and all right, would both say little.
            # No link is up here.
            if not found['ok'] and name != 'link-ping':
                print(f'# {name} never succeeded')
                bad = 1
            if name.endswith(('add', 'set')) and len(found) < 3:
                print(f'# {name} was hardly ever refused')
                bad = 1
        return bad


def main():
    if sys.argv[1] == 'family':
        return family(sys.argv[2])
    with open(sys.argv[2], encoding='utf-8') as file:
        spec = json.load(file)
    return Fuzzer(spec, int(sys.argv[3])).run(float(sys.argv[4]))


if __name__ == '__main__':
    sys.exit(main())
