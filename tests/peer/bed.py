# SPDX-License-Identifier: GPL-2.0
"""What tests against the module share: namespaces, its counters, verdicts, and a peer with sockets. See README.md."""
import base64
import collections
import contextlib
import ctypes
import os
import re
import select
import socket
import struct
import subprocess
import sys
import time

from . import crypto, message as m

HEADER = '/t/sdt.h'                     # include/uapi/linux/sdt.h, which names the counters
LOCAL, REMOTE, TARGET, CUSTOMER = '10.2.0.1', '10.2.0.2', '10.3.0.2', '10.1.0.1'
PATIENCE = 20                           # seconds for what must happen; only failing tests wait so long
_LIBC = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def namespace(name):
    """Sockets that are made meanwhile belong to this network namespace, for ever."""
    with open('/proc/self/ns/net', encoding='ascii') as back, open(f'/run/netns/{name}', encoding='ascii') as there:
        if _LIBC.setns(there.fileno(), 0):
            raise OSError(ctypes.get_errno(), f'no namespace {name}')
        try:
            yield
        finally:
            _LIBC.setns(back.fileno(), 0)


def sdtctl(node, text):
    """Verbs, one a line."""
    done = subprocess.run(['sdtctl', '-n', node, '-b', '-'], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode:
        raise RuntimeError(f'sdtctl: {done.stdout}')


def b64(key):
    return base64.b64encode(key).decode()


def secret_file(name, key):
    """A file that sdtctl takes keys from."""
    path = f'/tmp/{name}'
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as file:
        file.write(b64(key) + '\n')
    return path


# ---- verdicts ----

def verdict(name, problem=''):
    print(f'not ok {name}: {problem}' if problem else f'ok {name}', flush=True)


def equal(name, found, wanted):
    verdict(name, '' if found == wanted else f'{found!r}, not {wanted!r}')


def until(condition, seconds=PATIENCE):
    """What the condition is, as soon as it is true; or its last value."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > deadline:
            return found


def run(cases):
    """The functions, in order; or those alone whose names the command line has. Says `end` if all were tried."""
    wanted = sys.argv[2:]
    for case in cases:
        if wanted and case.__name__ not in wanted:
            continue
        begin = time.monotonic()
        try:
            case()
        except Exception as problem:  # pylint: disable=broad-exception-caught
            where = problem.__traceback__
            while where.tb_next and '/peer/' in where.tb_next.tb_frame.f_code.co_filename:
                where = where.tb_next
            verdict(case.__name__, f'{type(problem).__name__} {problem}, line {where.tb_lineno}'.replace('\n', ' '))
        print(f'{case.__name__}: {time.monotonic() - begin:.1f} s', flush=True)
    print('end', flush=True)


# ---- counters ----

GENERIC, DUMP, STATS_GET, STATS, COUNTER = 16, 0x301, 12, 5, 3
FIRST_DROP = 40


def _attributes(data):
    at = 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from('HH', data, at)
        yield kind & 0x3fff, data[at + 4:at + size]
        at += (size + 3) & ~3


def counter_names(path=HEADER):
    """Number: name, of all counters. A drop is one from FIRST_DROP on."""
    with open(path, encoding='ascii') as file:
        found = re.findall(r'SDT_(?:STAT|DROP)_(\w+)\s*=\s*(\d+),', file.read())
    return {int(number): name.lower().replace('_', '-') for name, number in found}


class Counters:
    """A node's counters, {(block, name): value}, where block is `node` or the name of a link or tunnel. What is zero
    may be missing. Needs no program, so that it can be asked often."""

    def __init__(self, node):
        with namespace(node):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, GENERIC)
        self.socket.bind((0, 0))
        self.names = counter_names()
        self.drops = {name for number, name in self.names.items() if number >= FIRST_DROP}
        self.family = GENERIC
        family = struct.pack('HH', 8, 2) + b'sdt\0'
        self.family = next(struct.unpack('H', value)[0] for message in self._ask(3, family, 1)
                           for kind, value in _attributes(message) if kind == 1)

    def _ask(self, command, payload=b'', flags=DUMP):
        self.socket.send(struct.pack('IHHIIBBH', 20 + len(payload), self.family, flags, 1, 0, command, 1, 0) + payload)
        while True:
            data = self.socket.recv(1 << 17)
            while len(data) >= 16:
                size, kind = struct.unpack_from('IH', data)
                if kind == 3:
                    return
                if kind == 2:
                    raise OSError(-struct.unpack_from('i', data, 16)[0], 'netlink')
                yield data[20:size]
                data = data[(size + 3) & ~3:]
            if flags != DUMP:
                return

    def read(self):
        found = collections.Counter()
        for message in self._ask(STATS_GET):
            block, values = 'node', {}
            for kind, value in _attributes(dict(_attributes(message))[STATS]):
                if kind == COUNTER:
                    pair = dict(_attributes(value))
                    values[self.names[struct.unpack('I', pair[1])[0]]] = struct.unpack('Q', pair[2])[0]
                else:
                    block = value.rstrip(b'\0').decode()
            found.update({(block, name): value for name, value in values.items()})
        return found


class Watch:
    """Says after each case whether exactly those drops were counted that should have been. What came late and belongs
    to nothing is a failure of the next case."""

    def __init__(self, node):
        self.counters = Counters(node)
        self.base = self.counters.read()

    def again(self):
        """What happened meanwhile was no matter of a case."""
        self.base = self.counters.read()

    def rose(self, names):
        now = self.counters.read()
        rose = {key: value - self.base[key] for key, value in now.items()
                if value != self.base[key] and (key[1] in self.counters.drops or key in names)}
        return rose, now

    def problem(self, wanted, seconds=PATIENCE):
        """Empty as soon as `wanted`, {'block.counter': times}, is what rose."""
        wanted = {tuple(key.split('.')): times for key, times in wanted.items() if times}
        deadline = time.monotonic() + seconds
        while True:
            rose, now = self.rose(wanted)
            enough = all(rose.get(key, 0) >= times for key, times in wanted.items())
            if (enough and rose != wanted) or rose == wanted or time.monotonic() > deadline:
                break
        self.base = now
        def text(counts):
            return ', '.join(f'{".".join(key)} {times}' for key, times in sorted(counts.items())) or 'nothing'
        return '' if rose == wanted else f'counted: {text(rose)}; should be: {text(wanted)}'

    def case(self, name, action, also=None, **wanted):
        """One test: @action is counted so: node_rx_tag=1 means that the node's counter rx-tag rises by one, and no other
        drop is counted. @also: tells of another problem, afterwards."""
        action()
        keys = {key.replace('__', '.').replace('_', '-'): times for key, times in wanted.items()}
        problem = self.problem(keys)
        verdict(name, problem or (also() if also else '') or '')

    def batch(self, name, counter, messages, send, at_once=24, also=None):
        """One test: each message of many is counted under `block.counter`, none otherwise. If not so, they are sent again
        one by one, to name the first that is not."""
        messages = list(messages)
        problem = self.batch_problem(counter, messages, send, at_once)
        verdict(f'{name} ({len(messages)})', problem or (also() if also else '') or '')

    def batch_problem(self, counter, messages, send, at_once=24):
        for start in range(0, len(messages), at_once):
            some = messages[start:start + at_once]
            for _, message in some:
                send(message)
            problem = self.problem({counter: len(some)}, PATIENCE / 4)
            if problem:
                return self._culprit(some, counter, send) or problem
        return ''

    def _culprit(self, some, counter, send):
        for what, message in some:
            send(message)
            problem = self.problem({counter: 1}, 1)
            if problem:
                return f'{what}: {problem}'
        return ''


# ---- sockets ----

class Box:
    """A UDP socket somewhere: a customer, a target, a stranger."""

    def __init__(self, where, address='', port=0):
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        with namespace(where):
            self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)      # SO_RCVBUFFORCE
        self.socket.bind((address, port))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]

    def send(self, payload, to):
        self.socket.sendto(payload, to)

    def get(self, seconds=PATIENCE):
        """(payload, source), or (None, None)."""
        if select.select([self.socket], [], [], seconds)[0]:
            try:
                payload, source = self.socket.recvfrom(65536)
                return payload, source[:2]
            except OSError as problem:      # an ICMP error, for a connected one
                return problem, None
        return None, None

    def drain(self):
        found = []
        while True:
            payload, source = self.get(0)
            if payload is None:
                return found
            found.append((payload, source))

    def close(self):
        self.socket.close()


class Peer:
    """A node of this package, with sockets in a namespace, in the place of the module's peer."""

    def __init__(self, node, where='local', address=LOCAL, ports=(0,)):
        self.node, self.address = node, address
        node.now, node.wall = time.monotonic(), time.time_ns
        self.boxes = [Box(where, address, port) for port in ports]
        self.heard = []                      # (payload, source), all of it
        self.deaf = set()                    # kinds of messages that are recorded, and not looked at
        self.frames = node.received

    def flush(self):
        for out in self.node.take():
            self.boxes[min(out.lane, len(self.boxes) - 1)].send(out.payload, out.to)

    def pump(self, seconds=0.0, stop=None):
        """Let the node do its work, for some time, or until there is what `stop` asks for."""
        deadline = time.monotonic() + seconds
        while True:
            self.node.tick(time.monotonic())
            self.flush()
            found = stop() if stop else None
            left = deadline - time.monotonic()
            if found:
                return found
            ready = select.select([b.socket for b in self.boxes], [], [], max(0, min(left, 0.25)))[0]
            for box in self.boxes:
                if box.socket in ready:
                    for payload, source in box.drain():
                        if isinstance(payload, bytes):
                            self.heard.append((payload, source))
                            if m.kind(payload) not in self.deaf:
                                self.node.now = time.monotonic()
                                self.node.receive(payload, source)
            if not ready and left <= 0:
                self.flush()
                return stop() if stop else None

    def of_kind(self, kind):
        return [payload for payload, _ in self.heard if m.kind(payload) == kind]

    def wait(self, kind, seconds=PATIENCE, count=1):
        """The newest message of this kind, as soon as so many were heard since the last forget()."""
        self.pump(seconds, lambda: len(self.of_kind(kind)) >= count)
        found = self.of_kind(kind)
        return found[-1] if len(found) >= count else None

    def frame(self, seconds=PATIENCE):
        """The next frame that is not the link's own, with its lane; or None."""
        self.pump(seconds, lambda: bool(self.frames))
        return self.frames.pop(0) if self.frames else None

    def forget(self):
        self.pump()
        self.heard.clear()
        self.frames.clear()

    def connect(self, link, seconds=PATIENCE):
        """Call, until there is a session."""
        before = link.current
        link.initiate()
        if not self.pump(seconds, lambda: link.current not in (None, before)):
            raise TimeoutError(f'no session: {dict(self.node.counts)}')
        return link.current

    def close(self):
        for box in self.boxes:
            box.close()


def link_words(peer, /, **words):
    """The words of `add-link` for this node of ours."""
    return f'peer-key {b64(peer.node.public)} ' + ' '.join(f'{k} {v}' for k, v in words.items())


def cipher(suite):
    return {crypto.CHACHAPOLY: 'chacha20-poly1305', crypto.AES_GCM: 'aes-gcm'}[suite]
