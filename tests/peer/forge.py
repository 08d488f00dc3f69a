# SPDX-License-Identifier: GPL-2.0
"""Resets and initiations that are not what they seem. Runs on the node `local`, beside tap.py; prints a line "ok NAME"
or "not ok NAME: REASON" for each test, and "end".

python3 -m peer.forge resets 4|6      scenario 81-reset: the link "l" is up, and server tunnel t carries traffic
"""
import subprocess
import sys
import time

from . import message, tap
from .tap import counters, counted, kind, verdict

ENDS = {'4': ('10.2.0.1', '10.2.0.2', '10.2.0.9', ''), '6': ('fd02::1', 'fd02::2', 'fd02::9', '[]')}
FLOOD = 10000


def end(address, port):
    return f'[{address}]:{port}' if ':' in address else f'{address}:{port}'


def spoof(source, port, payload, target, *more):
    """A datagram to a node's port as if from there; it leaves from the node remote."""
    subprocess.run(['spoof', '--ns', 'remote', '--from', end(source, port), '--to', end(target, message.PORT), *map(str, more),
                    payload.hex()], stdout=subprocess.DEVNULL, check=True)


def traffic(count, window=8):
    return tap.load('echo', '--ns', 'bob', '--bind', '10.3.0.2:5300', '--', 'client', '--ns', 'alice', '--to', '10.1.0.2:5000',
                     '--count', count, '--window', window, '--size', '0-100', '--stall', 5000, '--drain', 20)


class Resets:
    def __init__(self, family):
        self.local, self.remote, self.elsewhere, _ = ENDS[family]
        self.short = family == '6'
        self.tap = tap.Tap('to-remote')

    def newest(self):
        """The newest data message of the node local."""
        self.tap.messages()
        problem = traffic(3, 1)
        if problem:
            print(problem, flush=True)
        return [m for m in self.tap.messages() if m.target == self.remote and kind(m) == message.DATA][-1].payload

    def send(self, payload, source=None, port=message.PORT, *more):
        spoof(source or self.remote, port, payload, self.local, *more)

    def ignored(self, name, payload, source=None, port=message.PORT):
        counted(f'{name} is ignored', 'local', 'node', 'rx-reset-ignored', lambda: self.send(payload, source, port))

    def forged(self):
        data = self.newest()
        counter = int.from_bytes(data[4:8], 'big')
        self.ignored('another index', message.reset_for(data, index=int.from_bytes(data[1:4], 'big') ^ 1))
        self.ignored('another source port', message.reset_for(data), port=message.PORT + 1)
        self.ignored('another source address', message.reset_for(data), source=self.elsewhere)
        if self.short:
            return data
        self.ignored('a counter that was not sent yet', message.reset_for(data, counter=counter + 1000))
        self.ignored('the greatest counter', message.reset_for(data, counter=0xffffffff))
        self.ignored('a lane that sent nothing', message.reset_for(data, lane=1))
        self.ignored('a lane that was not agreed', message.reset_for(data, lane=15))
        return data

    def old(self, data):
        """A counter of long ago, and a session of before."""
        counter = int.from_bytes(data[4:8], 'big')
        problem = traffic(8300, 64)
        self.ignored('a counter 8192 messages ago', message.reset_for(data, counter=counter))
        sessions = counters('local')['l']['keypairs']
        subprocess.run(['sdtctl', '-n', 'local', 'set-link', 'l', 'lanes', '2'], check=True)
        deadline = time.monotonic() + 10
        while counters('local')['l']['keypairs'] == sessions and time.monotonic() < deadline:
            pass
        before, data = data, self.newest()
        verdict('a session follows another', problem or ('' if before[1:4] != data[1:4] else 'it did not'))
        self.ignored('the session before', message.reset_for(before, counter=counter + 8300))

    def right(self):
        """One that says what is true has one handshake for effect; said again, none."""
        data = self.newest()
        before = counters('local')['l']
        counted('one that fits is acted upon', 'local', 'l', 'rx-resets', lambda: self.send(message.reset_for(data)))
        self.ignored('the same again', message.reset_for(data))
        deadline = time.monotonic() + 10
        while counters('local')['l']['keypairs'] == before['keypairs'] and time.monotonic() < deadline:
            pass
        after = counters('local')['l']
        found = [after[name] - before[name] for name in ('tx-initiations', 'keypairs', 'endpoint-moved')]
        verdict('it costs one handshake and nothing else', '' if found == [1, 1, 0] else str(found))
        data = self.newest()
        self.ignored('one that fits, at once after that', message.reset_for(data))
        return data

    def flood(self, data):
        before, begin = counters('local'), time.monotonic()
        self.send(message.reset_for(data), None, message.PORT, '--count', FLOOD)
        deadline = time.monotonic() + 10
        while True:
            after = counters('local')
            found = (after['node']['rx-reset-ignored'] - before['node']['rx-reset-ignored'] +
                     after['l']['rx-resets'] - before['l']['rx-resets'])
            if found == FLOOD or time.monotonic() > deadline:
                break
        # One every five seconds, less with each.
        most = 1 + (time.monotonic() - begin) / 5
        handshakes = after['l']['tx-initiations'] - before['l']['tx-initiations']
        verdict(f'{FLOOD} resets are counted, each', '' if found == FLOOD else f'{found} were')
        verdict('and cause at most one handshake in 5 s', '' if handshakes <= most else f'{handshakes}')
        verdict('traffic flows as before', traffic(100))


def resets(family):
    r = Resets(family)
    before = counters('local')['l']['tx-initiations']
    data = r.forged()
    now = counters('local')['l']['tx-initiations']
    verdict('none of them caused a handshake', '' if now == before else f'{now - before}')
    if not r.short:
        r.old(data)
    data = r.right()
    if not r.short:
        r.flood(data)
    print('end', flush=True)


if __name__ == '__main__':
    resets(sys.argv[2])
