# SPDX-License-Identifier: GPL-2.0
"""Scenario 91-conformance: the module's node `remote` against docs/PROTOCOL.md, with this package as its peer, in both
roles of the handshake and of a tunnel.

python3 -m peer.conformance REMOTE-PUBLIC-KEY [CASE...]
"""
import base64
import os
import random
import sys
import time

from . import frame as f, message as m
from .bed import LOCAL, PATIENCE, REMOTE, TARGET, Box, Peer, Watch, cipher, equal, link_words, run, sdtctl, secret_file, \
    until, verdict
from .crypto import AES_GCM, CHACHAPOLY
from .noise import Responder
from .node import Node

AT = (REMOTE, m.PORT)
PUBLIC = None           # set by main
WATCH = None


class Session:
    """A link of the node `remote` with this package at its other end, and tunnels on it, all removed at the end."""

    number = 0

    def __init__(self, suite=AES_GCM, calls=False, psk=None, lanes=1, module_lanes=None, tunnels='', ports=None, **words):
        Session.number += 1
        self.name = f's{Session.number}'
        self.peer = Peer(Node(), ports=ports or (0,) * (1 if calls else lanes))
        where = f'{LOCAL}:{self.peer.boxes[0].port}'
        if psk:
            words['psk'] = '@' + secret_file(self.name, psk)
        if calls:
            words['peer'] = where
        self.link = self.peer.node.add_link(PUBLIC, suite=suite, psk=psk or m.NO_PSK, lanes=lanes, endpoint=None if calls else AT)
        self.tunnels = [line.split()[0] for line in tunnels.splitlines()]
        text = f'add-link {self.name} {link_words(self.peer, cipher=cipher(suite), lanes=module_lanes or lanes, **words)}\n'
        text += ''.join(f'add-tunnel {line.replace("LINK", "link " + self.name)}\n' for line in tunnels.splitlines())
        sdtctl('remote', text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        sdtctl('remote', ''.join(f'del-tunnel {t}\n' for t in self.tunnels) + f'del-link {self.name}\n')
        self.peer.close()
        WATCH.again()

    def connect(self):
        keypair = self.peer.connect(self.link)
        self.peer.pump(0.05)
        return keypair

    def send(self, *frames, lane=0, port=None):
        message = self.link.current.seal(*frames, lane=lane)
        box = self.peer.boxes[min(lane, len(self.peer.boxes) - 1) if port is None else port]
        box.send(message, AT)

    def count(self, counter, block=None):
        return WATCH.counters.read()[block or self.name, counter]


SERVER = f't LINK id 0 mode server target {TARGET}:5300'


def answered(session, name, text=b'ask', reply=b'answer', **fields):
    """One test: a datagram reaches the target, the answer comes back as it should; gives the answer's lane."""
    target = Box('bob', TARGET, 5300)
    fields = {'channel': 0, **fields}
    session.peer.frames.clear()
    session.send(f.data(text, **fields))
    got, source = target.get()
    if source:
        target.send(reply, source)
    back = session.peer.frame()
    wanted = f.Frame(False, True, fields.get('tunnel', 0), fields['channel'], b'', reply)
    equal(name, (got, back and back.frame), (text, wanted))
    target.close()
    return back.lane if back else None


def both_roles():
    for suite, psk in ((AES_GCM, None), (CHACHAPOLY, os.urandom(32))):
        name = f'{cipher(suite)}, {"PSK" if psk else "no PSK"}'
        with Session(suite, psk=psk, tunnels=SERVER) as s:
            s.connect()
            response = s.peer.of_kind(m.RESPONSE)[-1]
            equal(f'{name}: the module answers: header', (response[1:4], response[4], response[-16:]), (bytes([1, suite, 0]), 0, bytes(16)))
            answered(s, f'{name}: the module answers: traffic')
        with Session(suite, psk=psk, calls=True, tunnels=SERVER.replace('server', 'direct listen 10.3.0.1:6001 customer')
                     .replace('target ', '')) as s:
            customer = Box('bob', TARGET, 5300)
            customer.send(b'hello', ('10.3.0.1', 6001))
            back = s.peer.frame()
            equal(f'{name}: the module calls: what waited comes', back and back.frame, f.Frame(False, False, 0, None, b'', b'hello'))
            initiation = s.peer.of_kind(m.INITIATION)[0]
            equal(f'{name}: the module calls: header', (initiation[1:4], initiation[4], initiation[-16:]), (bytes([1, suite, 0]), 0, bytes(16)))
            s.link.send(f.data(b'back'))
            s.peer.flush()
            equal(f'{name}: the module calls: and back', customer.get()[0], b'back')
            customer.close()


def payloads():
    """What the module says of itself."""
    for calls in (False, True):
        with Session(calls=calls, lanes=6, keepalive=5) as s:
            if calls:
                message = s.peer.wait(m.INITIATION)
                said = m.Payload.unpack(Responder(AES_GCM, s.peer.node.private, m.prologue(message)).read(message[8:160]))
                now = m.tai64n(time.time_ns() // 10**9 + 2, 0)
                verdict('payload: the timestamp is now, rounded', '' if said.first[9:] == bytes(3) and
                        m.tai64n(time.time_ns() // 10**9 - 30, 0) < said.first < now else said.first.hex())
            else:
                s.link.initiate()
                slot = s.link.slot
                s.peer.deaf = {m.RESPONSE}
                message = s.peer.wait(m.RESPONSE)
                said = m.Payload.unpack(slot.noise.read(message[12:116], m.NO_PSK)[0])
                equal('payload: a response echoes its header', said.first, message[:12])
            who = 'initiation' if calls else 'response'
            equal(f'payload: {who}: lanes, features, challenge, flags, reserved',
                  (said.lanes, said.features, said.challenge, said.flags, said.reserved), (6, 0, bytes(16), int(calls), bytes(12)))
            verdict(f'payload: {who}: max_message is of use', '' if said.max_message >= 1200 else str(said.max_message))


def crossing():
    """The module's initiation and ours pass one another; both complete, and each session is heard."""
    with Session(calls=True, tunnels=SERVER, keepalive=5) as s:
        s.peer.deaf = {m.INITIATION}
        theirs = s.peer.wait(m.INITIATION)
        s.link.endpoint = s.link.to[0] = AT
        s.link.initiate()
        s.peer.pump(PATIENCE, lambda: s.link.current)
        ours = s.link.current
        s.peer.deaf = set()
        s.peer.node.receive(theirs, AT)
        s.peer.pump(PATIENCE, lambda: s.link.current is not ours)
        both = {ours, s.link.current}
        equal('crossing: both handshakes complete', len(both - {None}), 2)
        theirs = s.link.current
        for name, keypair, other in (('ours', ours, theirs), ('the module\'s', theirs, ours)):
            s.link.current, s.link.previous = keypair, other
            answered(s, f'crossing: {name} is heard, and answered')


def rekeys():
    with Session(tunnels=SERVER) as s:
        first = s.connect()
        answered(s, 'rekey: before')
        second = s.connect()
        verdict('rekey: a new session', '' if second.remote_index != first.remote_index else 'the same')
        answered(s, 'rekey: after, the same channel')
        equal('rekey: the channel stayed', WATCH.counters.read()['t', 'channels-opened'], 1)
        # Another epoch: the peer started afresh.
        s.link.epoch ^= 1
        s.connect()
        answered(s, 'epoch: the same number is another channel now')
        found = WATCH.counters.read()
        equal('epoch: the old channel was closed', (found['t', 'channels-opened'], found['t', 'channels-closed']), (2, 1))
        s.send(f.data(b'late', channel=0))
        third = s.link.current
        s.link.current = second
        before = s.count('rx-index', 'node')
        s.send(f.data(b'late', channel=0))
        verdict('epoch: keys of the old one are void', '' if until(lambda: s.count('rx-index', 'node') == before + 1) else 'they are not')
        s.link.current = third


def challenge():
    with Session(tunnels=SERVER) as s:
        s.connect()
        s.link.last_timestamp = bytes(12)
        s.peer.node.wall = lambda: 86400 * 10**9               # 1970
        before = s.link.current
        s.peer.forget()
        s.link.initiate()
        s.peer.pump(PATIENCE, lambda: s.link.current is not before)
        equal('challenge: a clock that went back: one challenge, one session', (len(s.peer.of_kind(m.COOKIE)), s.link.current is before), (1, False))
        answered(s, 'challenge: and it works')
        # The value was used, and serves nobody again.
        old, s.link.last_timestamp = s.link.last_timestamp, bytes(12)
        s.peer.forget()
        value = os.urandom(16)
        s.peer.boxes[0].send(s.link.initiation(value), AT)
        again = s.peer.wait(m.COOKIE)
        verdict('challenge: the next time it is another', '' if again and old else 'none came')
    with Session(calls=True, keepalive=5) as s:
        s.peer.deaf = {m.INITIATION}
        first = s.peer.wait(m.INITIATION)
        source = s.peer.heard[-1][1]
        value = os.urandom(16)
        s.peer.node.send_type3(first, m.WHAT_CHALLENGE, value, source)
        begin = time.monotonic()
        second = s.peer.wait(m.INITIATION, count=2)
        took = time.monotonic() - begin
        noise = Responder(AES_GCM, s.peer.node.private, m.prologue(second))
        said = m.Payload.unpack(noise.read(second[8:160]))
        equal('challenge: the module answers with its value, a new key and index',
              (said.challenge, second[4:8] != first[4:8], second[8:40] != first[8:40], took < 4.5), (value, True, True, True))
        before = s.count('tx-initiations')
        s.peer.node.send_type3(second, m.WHAT_CHALLENGE, os.urandom(16), source)
        s.peer.flush()
        verdict('challenge: to the answer of one it is not heard', '' if until(lambda: s.count('hs-unexpected') == 1) else 'no')
        equal('challenge: no more initiations than by time', s.count('tx-initiations') - before <= 1, True)


def cookies():
    """A cookie is used in the next initiation, and in no message but to that peer."""
    with Session(calls=True, keepalive=5) as s:
        s.peer.node.under_load = True
        s.peer.pump(PATIENCE, lambda: s.link.next)
        sent = s.peer.of_kind(m.INITIATION)
        cookie = s.peer.node.cookie_for(s.peer.heard[-1][1])
        equal('cookie: the first initiation has none, the second has the right one',
              [m.mac2_right(p, cookie) for p in sent[:2]], [False, True])
        verdict('cookie: and the session comes up', '' if s.peer.wait(m.DATA) else 'it does not')
    with Session() as s:
        # Of a response, too: as long as the module's is not looked at, it is asked for one.
        s.peer.deaf = {m.RESPONSE}
        s.link.initiate()
        response = s.peer.wait(m.RESPONSE)
        s.peer.node.send_type3(response, m.WHAT_COOKIE, b'C' * 16, AT)
        s.peer.flush()
        verdict('cookie: for a response', '' if until(lambda: s.count('rx-cookies') == 1) else 'it is not taken')
        s.peer.node.send_type3(response, m.WHAT_COOKIE, b'D' * 16, AT)
        s.peer.flush()
        verdict('cookie: once for each message', '' if until(lambda: s.count('hs-unexpected') == 1) else 'it is taken again')
        s.link.initiate()
        s.peer.flush()
        response = s.peer.wait(m.RESPONSE, count=2)
        equal('cookie: the next response has it', m.mac2_right(response, b'C' * 16), True)


def resets():
    with Session(tunnels=SERVER) as s:
        s.connect()
        for lane in (0, 9):
            message = bytes([0x40 | lane]) + os.urandom(7) + bytes(16 + 5 * lane)
            s.peer.forget()
            s.peer.boxes[0].send(message, AT)
            equal(f'reset: for an index that nobody has, lane {lane}', s.peer.wait(m.RESET), m.reset_for(message))
        before = s.link.current
        s.peer.forget()
        target = Box('bob', TARGET, 5300)
        s.send(f.data(b'ask', channel=0))
        _, source = target.get()
        # This side forgets its keys; the module's next message is answered by a reset, and it calls.
        s.link.current = s.link.previous = s.link.next = None
        s.link.endpoint = None
        s.peer.node.resets = True
        target.send(b'answer', source)
        s.peer.pump(PATIENCE, lambda: s.link.current)
        verdict('reset: a peer that lost its keys is called', '' if s.link.current not in (None, before) else 'it is not')
        equal('reset: counted', s.count('rx-resets'), 1)
        target.close()
        answered(s, 'reset: and all goes on')


def lanes():
    for ours, module in ((4, 6), (16, 16), (3, 1)):
        with Session(lanes=ours, module_lanes=module, tunnels=SERVER) as s:
            keypair = s.connect()
            agreed = min(ours, module)
            s.peer.pump(PATIENCE, lambda: len(keypair.heard) == agreed)
            equal(f'lanes {ours} and {module}: each is answered', (keypair.lanes, keypair.heard), (agreed, set(range(agreed))))
            ports = {}
            for lane in range(agreed):
                target = Box('bob', TARGET, 5300)
                s.send(f.data(b'%d' % lane, channel=lane), lane=lane)
                got, source = target.get()
                target.send(b'answer', source)
                back = s.peer.frame()
                ports[lane] = (got, back and back.frame.channel)
                target.close()
            equal(f'lanes {ours} and {module}: each carries data', ports, {n: (b'%d' % n, n) for n in range(agreed)})
    # The answering node sends each lane to where it was heard.
    with Session(lanes=2, tunnels=SERVER) as s:
        s.connect()
        moved = Box('local', LOCAL)
        moved.send(s.link.current.seal(lane=1), AT)
        verdict('lanes: one moves alone', '' if until(lambda: s.count('endpoint-moved') == 1) else 'it does not')
        s.peer.forget()
        answered(s, 'lanes: the other stays where it was')
        moved.close()


def frames():
    ports = (0,)
    with Session(tunnels=SERVER + '\n' + SERVER.replace('t ', 'n ', 1).replace('id 0', 'id 65535') +
                 '\nd LINK id 513 mode direct listen 10.3.0.1:6001 customer 10.3.0.2:5309', ports=ports) as s:
        s.connect()
        for channel in (0, 1, 255, 256, 65535, 65536, 0xffffff, 0x1000000, 0xffffffff):
            answered(s, f'frame: channel {channel}', channel=channel)
        answered(s, 'frame: tunnel 65535', channel=256, tunnel=65535)
        answered(s, 'frame: an empty datagram, and an empty answer', b'', b'')
        answered(s, 'frame: with a length, though it is the last', length=True)
        answered(s, 'frame: 1,400 bytes', bytes(1400), bytes(1100))
        customer = Box('bob', TARGET, 5309)
        s.send(f.data(b'direct', tunnel=513))
        got, source = customer.get()
        customer.send(b'back', source)
        back = s.peer.frame()
        equal('frame: direct mode', (got, source, back and back.frame), (b'direct', ('10.3.0.1', 6001), f.Frame(False, False, 513, None, b'', b'back')))
        target = Box('bob', TARGET, 5300)
        texts = [b'%d' % n for n in range(40)]
        bundle = [f.data(t, channel=n % 3, tunnel=65535 * (n % 2), length=True) for n, t in enumerate(texts)]
        s.send(*bundle, f.control(f.PAD, bytes(30), length=True), f.control(99, b'new', length=True), f.data(b'last', channel=7))
        got = []
        until(lambda: got.extend(p for p, _ in target.drain()) or len(got) >= 41)
        equal('frame: a bundle of 43, some of them unknown or nothing', (sorted(got), s.count('rx-op')), (sorted(texts + [b'last']), 1))
        # Everything behind the operands is room for later additions.
        s.peer.forget()
        s.send(f.control(f.PING, b'pingpong' + b'later'))
        s.peer.pump(PATIENCE, lambda: pongs(s))
        equal('frame: PING with more behind its operands', pongs(s), [b'pingpong'])
        s.send(f.control(f.CLOSE, b'later', channel=7))
        verdict('frame: CLOSE with more behind', '' if until(lambda: s.count('channels-closed', 't') == 1) else 'it is not heard')
        customer.close()
        target.close()


def pongs(session):
    found = []
    for payload in session.peer.of_kind(m.DATA):
        try:
            text = open_again(session, payload)
        except ValueError:
            continue
        found += [x.body[1:9] for x in f.decode(text)[0] if x.op == f.PONG]
    return found


def open_again(session, payload):
    from .crypto import open_
    keypair = session.link.current
    return open_(keypair.suite, keypair.receive_key, (payload[0] & 15) << 56 | int.from_bytes(payload[4:8], 'big'), payload[:8], payload[8:])


def long_datagrams():
    generator = random.Random(91)
    with Session(tunnels=SERVER) as s:
        s.connect()
        target = Box('bob', TARGET, 5300)
        for size in (1500, 9000, 65507):
            text, reply = generator.randbytes(size), generator.randbytes(size)
            for p in f.fragments(text, 1160, size, channel=0):
                s.send(p)
            got, source = target.get()
            s.peer.forget()
            if source:
                target.send(reply, source)
            back = s.peer.frame()
            verdict(f'long: {size} bytes there and back', '' if got == text and back and back.frame.body == reply else 'changed or lost')
            pieces = [x for p in s.peer.of_kind(m.DATA) for x in f.decode(open_again(s, p))[0] if x.op == f.FRAGMENT]
            # It was whole, so sizes and ids fit; what a good sender looks like besides:
            equal(f'long: {size} bytes: one key, at most 192 pieces, none too small',
                  (len({(p.key, p.body[1:5]) for p in pieces}), len(pieces) <= 192, min(len(p.body) for p in pieces[:-1]) > 340), (1, True, True))
            longest = max(len(p) for p in s.peer.of_kind(m.DATA))
            verdict(f'long: {size} bytes: no message longer than the path', '' if longest <= 1472 else str(longest))
        target.close()
    # A peer that accepts less gets less.
    for most in (600, 1000):
        with Session(tunnels=SERVER) as s:
            s.link.max_message = most
            s.connect()
            target = Box('bob', TARGET, 5300)
            s.send(f.data(b'ask', channel=0))
            _, source = target.get()
            s.peer.forget()
            reply = generator.randbytes(4000)
            target.send(reply, source)
            back = s.peer.frame()
            longest = max(len(p) for p in s.peer.of_kind(m.DATA))
            equal(f'long: max_message {most}', (back and back.frame.body == reply, longest <= most), (True, True))
            target.close()


def hints():
    """CLOSE, REFUSED and UNREACHABLE, from the module as server."""
    with Session(tunnels=SERVER + ' max-channels 2') as s:
        s.connect()
        answered(s, 'hints: channel 0', channel=0)
        answered(s, 'hints: channel 1', channel=1)
        s.peer.frames.clear()
        s.send(f.data(b'x', channel=2))
        found = s.peer.frame()
        equal('hints: REFUSED at the limit', found and found.frame, f.Frame(True, True, 0, 2, b'', bytes([f.REFUSED, 1])))
        s.send(f.control(f.CLOSE, channel=1))
        until(lambda: s.count('channels-closed', 't') == 1)
        answered(s, 'hints: CLOSE made room', channel=2)
        s.send(f.data(b'x', channel=2))                        # nobody listens on the target's port now
        found = s.peer.frame()
        equal('hints: UNREACHABLE, port', found and found.frame, f.Frame(True, True, 0, 2, b'', bytes([f.UNREACHABLE, 3, 0, 0])))


def proxy():
    """The module has the proxy role, this package the server's."""
    with Session(tunnels='p LINK id 3 mode server listen 10.3.0.1:5000') as s:
        s.connect()
        one, two = Box('bob', TARGET, 7001), Box('bob', TARGET, 7002)
        listen = ('10.3.0.1', 5000)

        def asks(box, text):
            s.peer.frames.clear()
            box.send(text, listen)
            found = s.peer.frame()
            return found.frame if found else None
        first, second = asks(one, b'one'), asks(two, b'two')
        equal('proxy: channels from 0 up', (first, second), (f.Frame(False, False, 3, 0, b'', b'one'), f.Frame(False, False, 3, 1, b'', b'two')))
        s.send(f.data(b'to two', tunnel=3, channel=1, reply=True), )
        s.send(f.data(b'to one', tunnel=3, channel=0, reply=True))
        equal('proxy: each gets its answer, from where it wrote to', (one.get(), two.get()), ((b'to one', listen), (b'to two', listen)))
        equal('proxy: the same customer, the same channel', asks(one, b'more').channel, 0)
        s.send(f.control(f.CLOSE, tunnel=3, channel=0, reply=True))
        until(lambda: s.count('channels-closed', 'p') == 1)
        equal('proxy: after CLOSE a new number', asks(one, b'new').channel, 2)
        s.peer.frames.clear()
        s.send(f.data(b'stale', tunnel=3, channel=0, reply=True))
        found = s.peer.frame()
        equal('proxy: an answer on a closed channel is answered with CLOSE', found and found.frame, f.Frame(True, False, 3, 0, b'', bytes([f.CLOSE])))
        equal('proxy: and reaches nobody', (one.get(0), two.get(0)), ((None, None),) * 2)
        s.send(f.control(f.REFUSED, b'\1', tunnel=3, channel=1, reply=True))
        verdict('proxy: REFUSED', '' if until(lambda: s.count('refused-by-peer', 'p') == 1) else 'it is not heard')
        # Epoch: what the old one opened is not heard under keys of another.
        one.socket.connect(listen)
        s.send(f.control(f.UNREACHABLE, b'\3\0\0', tunnel=3, channel=2, reply=True))
        problem = one.get()[0]
        verdict('proxy: UNREACHABLE becomes ICMP', '' if isinstance(problem, ConnectionRefusedError) else repr(problem))
        one.close()
        two.close()


CASES = (both_roles, payloads, crossing, rekeys, challenge, cookies, resets, lanes, frames, long_datagrams, hints, proxy)

if __name__ == '__main__':
    PUBLIC = base64.b64decode(sys.argv[1])
    WATCH = Watch('remote')
    run(CASES)
