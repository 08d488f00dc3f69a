# SPDX-License-Identifier: GPL-2.0
"""Looks at, and interferes with, what is on the link. Runs on the node `local`, as topo in lib.sh makes it.

python3 -m peer.tap attack HEX   scenario 90-wire: prints a line "ok NAME" or "not ok NAME: REASON" for each test, and "end"; HEX is
                     the public key of the node `remote`
python3 -m peer.tap lanes FILE   from a tcpdump file: a JSON object, outer source and target ports of data messages, by address and
                     lane: {"10.2.0.1 0": [[7380], [7380]]}
python3 -m peer.tap nonces FILE BEGIN-END...
                     from a tcpdump file: no (sender, index, lane, counter) occurs twice, and no session that was seen
                     before one of the spans of time is seen after it. Prints what it found, and fails if it is not so
python3 -m peer.tap initiation FILE
                     from a tcpdump file: the newest initiation, in hex
"""
import collections
import json
import random
import socket
import struct
import subprocess
import sys
import time

from .message import COOKIE, DATA, HEADER, INITIATION, LENGTHS, MAC1_AT, PORT, RESET, RESPONSE, TAG, remac

LOAD = 'sdtload'
LOCAL, REMOTE = '10.2.0.1', '10.2.0.2'
TEXT = b'the quick brown fox jumps over the lazy dog'
# Counters that begin as drops do but count traffic.
TRAFFIC = {'rx-messages', 'rx-bytes', 'rx-keepalives', 'rx-initiations', 'rx-responses', 'rx-cookies', 'rx-challenges',
           'rx-resets'}

Message = collections.namedtuple('Message', 'source sport target dport df payload')


def parse6(frame):
    """A Message from an Ethernet frame with UDP over IPv6; these are not fragmented: all count as with DF."""
    sport, dport, length = struct.unpack('>HHH', frame[54:60])
    return Message(socket.inet_ntop(socket.AF_INET6, frame[22:38]), sport, socket.inet_ntop(socket.AF_INET6, frame[38:54]),
                   dport, True, bytes(frame[62:54 + length]))


def parse(frame):
    """A Message from an Ethernet frame with UDP, else None."""
    if len(frame) >= 62 and frame[12:14] == b'\x86\xdd' and frame[20] == socket.IPPROTO_UDP:
        return parse6(frame)
    if len(frame) < 42 or frame[12:14] != b'\x08\x00' or frame[23] != socket.IPPROTO_UDP:
        return None
    ip = frame[14:]
    size = (ip[0] & 15) * 4
    sport, dport, length = struct.unpack('>HHH', ip[size:size + 6])
    return Message(socket.inet_ntoa(ip[12:16]), sport, socket.inet_ntoa(ip[16:20]), dport, bool(ip[6] & 0x40),
                   bytes(ip[size + 8:size + length]))


class Tap:
    """Everything that passes a device, from now on."""

    def __init__(self, device):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        self.socket.bind((device, 0))
        self.socket.settimeout(0)

    def messages(self):
        """What passed since the last call."""
        found = []
        while True:
            try:
                message = parse(self.socket.recv(65536))
            except BlockingIOError:
                return found
            if message:
                found.append(message)


def load(*words):
    """Run sdtload; what it says if it is not content."""
    done = subprocess.run([LOAD, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout if done.returncode else ''


def counters(node):
    text = subprocess.run(['sdtctl', '-n', node, '-j', 'stats', '--all'], stdout=subprocess.PIPE, check=True).stdout
    return {block.get('tunnel') or block.get('link') or 'node': block['counters'] for block in json.loads(text)}


def drops(node):
    """All outer messages that the node threw away."""
    return sum(value for name in ('node', 'l') for counter, value in counters(node)[name].items()
               if counter[:3] in ('rx-', 'hs-') and counter not in TRAFFIC)


def verdict(name, problem=''):
    print(f'not ok {name}: {problem}' if problem else f'ok {name}', flush=True)


def counted(name, node, block, counter, action, times=1):
    """One test: what action does is counted so often there."""
    before = counters(node)[block][counter]
    action()
    deadline = time.monotonic() + 3
    while True:
        found = counters(node)[block][counter] - before
        if found == times:
            return verdict(name)
        if time.monotonic() > deadline or found > times:
            return verdict(name, f'{node} {block} {counter} rose by {found}, not {times}')


def kind(message):
    return message.payload[0] >> 4 if message.payload else 0


def on_link(messages):
    return [m for m in messages if PORT in (m.sport, m.dport)]


def to_remote(messages, which):
    return [m for m in messages if m.target == REMOTE and kind(m) == which]


class Outsider:
    """Somebody who can write to the link's port and hear what is answered."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(3)

    def send(self, payload, target=REMOTE):
        self.socket.sendto(payload, (target, PORT))

    def hear(self):
        """What is answered, but for the resets that forged data messages get."""
        try:
            while True:
                answer = self.socket.recv(2048)
                if not answer or answer[0] >> 4 != RESET:
                    return answer
        except TimeoutError:
            return b''


def changed(payload, at, mask=0x01):
    copy = bytearray(payload)
    copy[at] ^= mask
    return bytes(copy)


def shape(link):
    """Lengths and looks of everything that a first exchange puts on the wire."""
    subprocess.run(['sdtctl', '-n', 'local', '-b', '/tmp/setup.local'], check=True)
    verdict('a first exchange', load('echo', '--ns', 'bob', '--bind', '10.3.0.2:5300', '--', 'client', '--ns', 'alice',
                                     '--to', '10.1.0.2:5000', '--size', 100))
    messages = on_link(link.messages())
    kinds = collections.Counter(kind(m) for m in messages)
    verdict('one initiation, one response', '' if kinds[INITIATION] == kinds[RESPONSE] == 1 else str(kinds))
    wrong = [m for m in messages if len(m.payload) != LENGTHS.get(kind(m), len(m.payload))]
    verdict('an initiation has 192 bytes, a response 148', str(wrong) if wrong else '')
    wrong = [m for m in messages if kind(m) not in (INITIATION, RESPONSE, DATA)]
    verdict('nothing else but data', str(wrong) if wrong else '')
    verdict('all with DF', '' if all(m.df for m in messages) else 'some without')
    return messages


def sizes(link, name, overhead, *client):
    """The data messages of this traffic have exactly the sizes computed: payload and overhead, both ways."""
    link.messages()
    lengths = (0, 1, 15, 16, 77, 1000, 1400)
    problem = ''
    for length in lengths:
        problem += load('echo', '--ns', 'bob', '--bind', '10.3.0.2:5300', '--bind', '10.3.0.2:8002', '--drain', 20, '--',
                        'client', '--ns', 'alice', *client, '--size', length, '--drain', 20)
    # A keepalive has no frame; the link's own are probes of what the path takes, and their answers.
    own = (HEADER + TAG, 1500 - 28, HEADER + 1 + 9 + TAG)
    found = sorted(len(m.payload) for m in on_link(link.messages())
                   if kind(m) == DATA and len(m.payload) not in own)
    wanted = sorted(2 * [length + HEADER + overhead + TAG for length in lengths])
    verdict(name, problem or ('' if found == wanted else f'wanted {wanted}, found {found}'))


def readable(link, plain):
    """The customer's text is there before the tunnel, and not on the link."""
    link.messages()
    plain.messages()
    load('sink', '--ns', 'bob', '--bind', '10.3.0.2:5300', '--expect', 'changed=any', '--drain', 50, '--',
         'raw', '--ns', 'alice', '--to', '10.1.0.2:5000', TEXT.hex())
    seen = [m for m in plain.messages() if TEXT in m.payload]
    verdict('the text is there on the customer side', '' if seen else 'not found')
    sealed = [m for m in on_link(link.messages()) if kind(m) == DATA]
    # Not even a piece of it.
    pieces = {TEXT[i:i + 6] for i in range(len(TEXT) - 5)}
    leaks = [m for m in sealed if any(piece in m.payload for piece in pieces)]
    verdict('and not on the link', 'no data message' if not sealed else str(leaks) if leaks else '')


def forgeries(outsider, data, initiation, public):
    """One damaged or recorded message each, and the counter that must rise for it."""
    payload = data[-1].payload
    send = outsider.send
    counted('a recorded data message', 'remote', 'l', 'rx-replay', lambda: send(payload))
    counted('the first one of the session', 'remote', 'l', 'rx-replay', lambda: send(data[0].payload))
    counted('a bit of the text altered', 'remote', 'l', 'rx-tag', lambda: send(changed(payload, -20)))
    counted('a bit of the tag altered', 'remote', 'l', 'rx-tag', lambda: send(changed(payload, -1)))
    counted('another counter', 'remote', 'l', 'rx-tag', lambda: send(changed(payload, 6, 0x40)))
    counted('the end cut off', 'remote', 'l', 'rx-tag', lambda: send(payload[:-1]))
    counted('another index', 'remote', 'node', 'rx-index', lambda: send(changed(payload, 2)))
    counted('a lane that was not agreed', 'remote', 'l', 'rx-lane', lambda: send(changed(payload, 0, 0x05)))
    counted('a data message too short', 'remote', 'node', 'rx-truncated', lambda: send(payload[:23]))
    counted('an empty datagram', 'remote', 'node', 'rx-truncated', lambda: send(b''))
    counted('an unknown type', 'remote', 'node', 'rx-type', lambda: send(b'\x60' + payload[1:]))
    counted('an initiation too long', 'remote', 'node', 'rx-type', lambda: send(initiation + b'\0'))
    counted('an initiation with a lane', 'remote', 'node', 'rx-type', lambda: send(changed(initiation, 0, 0x01)))
    counted('mac1 altered', 'remote', 'node', 'hs-mac1', lambda: send(changed(initiation, MAC1_AT)))
    counted('mac1 right, the static key altered', 'remote', 'node', 'hs-invalid',
            lambda: send(remac(changed(initiation, 50), public)))
    counted('mac1 right, the header altered', 'remote', 'node', 'hs-invalid',
            lambda: send(remac(changed(initiation, 7), public)))
    counted('a forged reset', 'local', 'node', 'rx-reset-ignored',
            lambda: send(b'\x50' + random.randbytes(7), LOCAL))


def recorded_handshake(outsider, initiation, response):
    """A recorded initiation opens nothing; it is answered by a challenge, which its sender cannot use."""
    sessions = counters('remote')['l']['keypairs']
    counted('a recorded initiation is stale', 'remote', 'l', 'hs-stale', lambda: outsider.send(initiation))
    answer = outsider.hear()
    verdict('it is answered by a challenge',
            '' if len(answer) == 64 and answer[0] == COOKIE << 4 and answer[3] == 2 else f'{len(answer)} bytes: {answer.hex()}')
    verdict('and opens no session', '' if counters('remote')['l']['keypairs'] == sessions else 'there is a new one')
    before = drops('local')
    outsider.send(response, LOCAL)
    deadline = time.monotonic() + 3
    while drops('local') == before and time.monotonic() < deadline:
        pass
    verdict('a recorded response is dropped and counted', '' if drops('local') == before + 1 else 'not so')


def noise():
    """Every one of many random messages is thrown away and counted once; nothing else happens."""
    total = 6000
    before = drops('remote')
    problem = load('raw', '--ns', 'local', '--to', f'{REMOTE}:{PORT}', '--random', total, '--seed', random.getrandbits(31))
    deadline = time.monotonic() + 10
    while drops('remote') - before < total and time.monotonic() < deadline:
        pass
    found = drops('remote') - before
    verdict('random messages to the link: each is dropped and counted', problem or ('' if found == total else
            f'{total} sent, {found} counted'))
    problem = load('sink', '--ns', 'bob', '--bind', '10.3.0.2:5300', '--expect', 'received=any', '--expect', 'changed=any',
                   '--expect', 'duplicated=any', '--', 'raw', '--ns', 'alice', '--to', '10.1.0.2:5000', '--random', 2000)
    verdict('random datagrams to a listener', problem)
    problem = load('echo', '--ns', 'bob', '--bind', '10.3.0.2:5300', '--', 'client', '--ns', 'alice', '--to', '10.1.0.2:5000',
                   '--count', 100, '--window', 8, '--size', '0-1400', '--stall', 3000)
    verdict('and traffic flows as before', problem)


def attack(public):
    link, plain = Tap('to-remote'), Tap('to-alice')
    outsider = Outsider()
    messages = shape(link)
    data = [m for m in to_remote(messages, DATA) if len(m.payload) > HEADER + TAG]
    initiation = to_remote(messages, INITIATION)[0].payload
    response = [m.payload for m in messages if kind(m) == RESPONSE][0]
    sizes(link, 'server mode: 26 bytes more than the datagram', 2, '--to', '10.1.0.2:5000')
    sizes(link, 'server mode, numbered tunnel: 28', 4, '--to', '10.1.0.2:5001')
    sizes(link, 'direct mode, numbered tunnel: 27', 3, '--bind', '10.1.0.1:7002', '--to', '10.1.0.2:5002')
    readable(link, plain)
    forgeries(outsider, data, initiation, public)
    recorded_handshake(outsider, initiation, response)
    noise()
    print('end', flush=True)


def capture(path):
    """Time and Message of all that a tcpdump file (in microseconds) has of UDP."""
    with open(path, 'rb') as file:
        magic = file.read(24)[:4]
        order = '<' if magic in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1') else '>'
        while len(head := file.read(16)) == 16:
            seconds, fraction, size, _ = struct.unpack(order + '4I', head)
            message = parse(file.read(size))
            if message:
                yield seconds + fraction / 1e6, message


def nonces(path, spans):
    seen, sessions, problems, latest = set(), {}, [], 0
    for when, message in capture(path):
        if kind(message) != DATA:
            continue
        nonce = (message.source, message.payload[:8])
        if nonce in seen:
            problems.append(f'{message.source} used {message.payload[:8].hex()} twice')
        seen.add(nonce)
        session = (message.source, message.payload[1:4])
        first = sessions.setdefault(session, when)
        problems += [f'{message.source} used session {session[1].hex()} {when - end:.6f} s after its end' for begin, end in spans
                     if first < begin and when > end]
        latest = when
    untested = [end for _, end in spans if end > latest] or len(sessions) < 2 * (len(spans) + 1)
    print(f'{len(seen)} messages, {len(sessions)} sessions')
    print('\n'.join(problems[:20]))
    return bool(problems or untested)


def initiation(path):
    print([m for _, m in capture(path) if kind(m) == INITIATION][-1].payload.hex())


def lanes(path):
    found = collections.defaultdict(lambda: (set(), set()))
    for _, message in capture(path):
        if kind(message) == DATA:
            sources, targets = found[f'{message.source} {message.payload[0] & 15}']
            sources.add(message.sport)
            targets.add(message.dport)
    print(json.dumps({key: [sorted(ports) for ports in both] for key, both in found.items()}))


if __name__ == '__main__':
    if sys.argv[1] == 'attack':
        attack(bytes.fromhex(sys.argv[2]))
    elif sys.argv[1] == 'nonces':
        sys.exit(nonces(sys.argv[2], [tuple(map(float, word.split('-'))) for word in sys.argv[3:]]))
    elif sys.argv[1] == 'initiation':
        initiation(sys.argv[2])
    else:
        lanes(sys.argv[2])
