# SPDX-License-Identifier: GPL-2.0
"""Needs no kernel: the package against vectors that others made, against the tree's examples, and against itself.

    cd tests && python3 -m peer.selftest [WORD]     prints KTAP; with a word, only tests whose name has it
"""
import itertools
import json
import random
import sys

from . import crypto, examples, frame as f, message as m
from .crypto import AES_GCM, CHACHAPOLY
from .node import Node
from .noise import Initiator, Responder
from .session import WINDOW, Drop, Window

A, B = ('192.0.2.1', 7380), ('192.0.2.2', 7380)


class Pair:
    """Two nodes, a wire that passes what `passes` lets through, and a clock."""

    def __init__(self, suite=AES_GCM, psk=m.NO_PSK, lanes=(1, 1), answering=True, **options):
        self.now, self.start = 1000.0, 1767225600 * 10**9
        clock = {'now': self.now, 'wall': lambda: self.start + int(self.now * 1e9)}
        self.a, self.b = Node(**clock), Node(**clock)
        self.ab = self.a.add_link(self.b.public, suite=suite, psk=psk, endpoint=B, lanes=lanes[0], **options)
        self.ba = self.b.add_link(self.a.public, suite=suite, psk=psk, endpoint=None if answering else A, lanes=lanes[1], **options)
        self.passes = lambda sender, payload: True
        self.log = []

    def source(self, node, lane):
        """Further lanes of a have ports of their own."""
        return (A[0], A[1] + lane) if node is self.a else B

    def settle(self):
        while True:
            moved = [(n, out) for n in (self.a, self.b) for out in n.take()]
            if not moved:
                return self
            for node, out in moved:
                self.log.append((node, out.payload))
                other = self.b if node is self.a else self.a
                if self.passes(node, out.payload) and out.to[0] == (B if node is self.a else A)[0]:
                    other.receive(out.payload, self.source(node, out.lane))

    def up(self):
        self.ab.initiate()
        return self.settle()

    def wait(self, seconds, step=0.5):
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + step)
            for node in (self.a, self.b):
                node.tick(self.now)
            self.settle()
        return self

    def sent(self, node, kind):
        return [p for n, p in self.log if n is node and m.kind(p) == kind]

    def carries(self, text=b'to b', back=b'to a'):
        """Both directions work now."""
        self.a.received.clear()
        self.b.received.clear()
        self.ab.send(f.data(text))
        self.settle()
        self.ba.send(f.data(back))
        self.settle()
        return [r.frame.body for r in self.b.received] == [text] and [r.frame.body for r in self.a.received] == [back]


def test_noise_vectors():
    """Vectors of the pattern, made by others"""
    names = {suite.protocol.decode(): number for number, suite in crypto.SUITES.items()}
    proved = set()
    for vector in json.loads((examples.VECTORS / 'noise-ikpsk2-25519-sha256.json').read_text())['vectors']:
        v = {k: bytes.fromhex(x) for k, x in vector.items() if isinstance(x, str) and k != 'protocol_name'}
        psk, suite = bytes.fromhex(vector['init_psks'][0]), names[vector['protocol_name']]
        messages = [(bytes.fromhex(x['payload']), bytes.fromhex(x['ciphertext'])) for x in vector['messages']]
        initiator = Initiator(suite, v['init_static'], v['init_remote_static'], v['init_prologue'], v['init_ephemeral'])
        out = initiator.write(messages[0][0])
        assert out == messages[0][1]
        responder = Responder(suite, v['resp_static'], v['resp_prologue'])
        assert responder.read(out) == messages[0][0] and responder.peer_public == crypto.public(v['init_static'])
        out = responder.write(messages[1][0], psk, v['resp_ephemeral'])
        assert out == messages[1][1]
        payload, state = initiator.read(out, psk)
        assert payload == messages[1][0] and state.h == responder.state.h == v['handshake_hash']
        keys = state.split()
        for n, (payload, sealed) in enumerate(messages[2:]):
            assert crypto.seal(suite, keys[n % 2], n // 2, b'', payload) == sealed
        proved.add(suite)
    assert proved == set(crypto.SUITES)


def test_examples():
    """The tree's examples are what this package makes"""
    assert not examples.differing(), examples.differing()


def test_example_frames():
    """Frames of the examples, decoded"""
    content = json.loads((examples.VECTORS / 'sdt-example-frames.json').read_text())
    for e in content['valid']:
        good, bad = f.decode(bytes.fromhex(e['frame']))
        wanted = f.Frame(e['control'], e['reply'], e['tunnel'], e['channel'], bytes.fromhex(e['address']), bytes.fromhex(e['body']))
        assert (good, bad) == ([wanted], 0), e['what']
        assert not wanted.control or f.control_fault(wanted) == '', e['what']
    for e in content['bad']:
        good, bad = f.decode(bytes.fromhex(e['message']))
        assert bad == 1 and [x.body for x in good] == ([b'next'] if e['outcome'] == 'skipped' else []), e['what']


def test_frames_of_every_form():
    """Every combination of fields, alone and in bundles, comes back"""
    forms = itertools.product((False, True), (False, True), (0, 1, 65535), (None, 0, 255, 256, 65535, 65536, 2**24, 2**32 - 1),
                              (b'', f.endpoint('192.0.2.9', 53), f.endpoint('2001:db8::9', 65535)), (b'', b'x', bytes(300)))
    every = [f.Frame(*form) for form in forms]
    for each in every:
        fields = each._asdict()
        assert f.decode(f.data(**fields)) == ([each], 0)
        assert f.decode(f.data(length=True, **fields)) == ([each], 0)
    bundle = b''.join(f.data(length=True, **each._asdict()) for each in every)
    assert f.decode(bundle) == (every, 0)
    assert f.decode(bundle + f.data(b'end')) == (every + [f.Frame(False, False, 0, None, b'', b'end')], 0)


def test_frames_random():
    """Random bytes end in frames and bad ones, never in anything else"""
    generator = random.Random(1)
    for _ in range(20000):
        good, bad = f.decode(generator.randbytes(generator.randrange(60)))
        assert bad >= 0
        for each in good:
            if each.control:
                f.control_fault(each)


def test_fragments():
    """Datagrams of many sizes, pieces in any order"""
    generator = random.Random(2)
    for size, piece in ((1, 8), (8, 8), (9, 8), (1400, 512), (65507, 1168), (65507, 344)):
        datagram = generator.randbytes(size)
        pieces = f.fragments(datagram, piece, 7, channel=3)
        generator.shuffle(pieces)
        box = f.Reassembly()
        found = [box.add(f.decode(p)[0][0], 0) for p in pieces]
        assert found[-1] == datagram and not any(found[:-1]) and not box.sets


def test_fragments_lies():
    """What contradicts is dropped, and with it the datagram"""
    def story(*pieces):
        box = f.Reassembly()
        return [box.add(f.decode(f.fragment(9, at, bytes(size), more, channel=1))[0][0], 0) for at, size, more in pieces]
    assert story((0, 16, True), (0, 16, True)) == [None, 'frag-duplicate']
    assert story((0, 16, True), (8, 16, True), (16, 4, False)) == [None, 'frag-overlap', 'frag-overlap']
    assert story((16, 4, False), (24, 4, False)) == [None, 'frag-overlap']
    assert story((16, 4, False), (24, 8, True)) == [None, 'frag-overlap']
    assert story((24, 8, True), (16, 4, False)) == [None, 'frag-overlap']
    box = f.Reassembly()
    box.add(f.decode(f.fragment(9, 0, bytes(8), True))[0][0], 0)
    assert (box.expire(0.9), box.expire(1.0), box.expire(2.0)) == (0, 1, 0)


def test_window():
    """The replay window against a plain record of what was seen"""
    generator, window, seen, greatest = random.Random(3), Window(), set(), -1
    for _ in range(30000):
        c = max(0, greatest + generator.choice((1, 2, -1, -5, -WINDOW + 1, -WINDOW, -WINDOW - 1, 700, generator.randrange(-9000, 9000))))
        wanted = 'rx-old' if c <= greatest - WINDOW else 'rx-replay' if c in seen else ''
        try:
            window.accept(c)
            found = ''
        except Drop as drop:
            found = drop.reason
        assert found == wanted, (c, greatest)
        if not found:
            seen.add(c)
            greatest = max(greatest, c)


def test_small_order():
    """Points of small order end a handshake"""
    for point in crypto.SMALL_ORDER:
        try:
            crypto.dh(bytes(range(32)), point)
        except ValueError:
            continue
        raise AssertionError(point.hex())


def both_suites(test):
    def run():
        for suite in (CHACHAPOLY, AES_GCM):
            test(suite)
    run.__doc__, run.__name__ = test.__doc__, test.__name__
    return run


@both_suites
def test_handshake(suite):
    """Both suites, with and without PSK, both roles"""
    for psk in (m.NO_PSK, bytes(range(32))):
        pair = Pair(suite, psk).up()
        assert pair.ab.current.initiator and not pair.ba.current.initiator and pair.carries()
        pair.now += 1
        pair.b.now = pair.a.now = pair.now
        pair.ba.initiate()
        pair.settle()
        assert pair.ba.current.initiator and pair.carries() and not pair.a.counts and not pair.b.counts


def test_disagreement():
    """Another PSK, suite or key: nothing comes of it, and it is counted"""
    pair = Pair(psk=bytes(32))
    pair.ba.psk = bytes(range(32))
    assert pair.up().a.counts == {'hs-invalid': 1} and not pair.ab.current
    pair = Pair()
    pair.ba.suite = CHACHAPOLY
    assert pair.up().b.counts == {'hs-cipher': 1}
    pair = Pair()
    pair.b.links.clear()
    assert pair.up().b.counts == {'hs-peer': 1}
    pair = Pair()
    assert not pair.b.receive(m.remac(pair.ab.initiation(), crypto.public(bytes(32))), A) and pair.b.counts == {'hs-mac1': 1}


def test_crossing():
    """Crossing initiations: both complete, traffic flows"""
    pair = Pair(answering=False)
    pair.ab.initiate()
    pair.ba.initiate()
    pair.settle()
    assert pair.ab.current and pair.ba.current and pair.carries() and not pair.a.counts and not pair.b.counts
    assert {pair.ab.connecting(), pair.ba.connecting()} == {False, True}


def test_replayed_initiation():
    """A recorded initiation is stale, is challenged, and the challenge helps only who has the key"""
    pair = Pair().up()
    recorded = pair.sent(pair.a, m.INITIATION)[0]
    pair.b.receive(recorded, ('198.51.100.1', 9))
    assert pair.b.counts == {'hs-stale': 1}
    answer, = pair.b.take()
    assert answer.to == ('198.51.100.1', 9) and answer.payload[3] == m.WHAT_CHALLENGE
    pair.b.receive(recorded, ('198.51.100.1', 9))
    assert not pair.b.take() and pair.carries()


def test_clock_went_back():
    """A node whose clock went back connects by a challenge"""
    pair = Pair().up()
    pair.start, pair.ab.last_timestamp = 0, bytes(12)
    pair.ab.current = None
    pair.up()
    assert pair.b.counts == {'hs-stale': 1} and pair.ab.current and pair.carries()
    assert len(pair.sent(pair.a, m.INITIATION)) == 3


def test_cookie():
    """Under load a cookie is asked for, and the next initiation has it"""
    pair = Pair()
    pair.b.under_load = True
    pair.up()
    assert pair.b.counts == {'hs-cookie-needed': 1} and pair.ab.cookie and not pair.ab.current
    pair.wait(6)
    assert pair.ab.current and pair.carries() and pair.b.counts == {'hs-cookie-needed': 1}


def test_rekey():
    """Rekeys under traffic: nothing is lost, old keys end"""
    pair = Pair().up()
    seen = {pair.ab.current.remote_index}
    for _ in range(400):
        pair.wait(1)
        assert pair.carries()
        seen.add(pair.ab.current.remote_index)
    assert len(seen) == 4, len(seen)
    assert not pair.a.counts and not pair.b.counts and len(pair.ab.keypairs()) == 2
    pair.wait(400)
    assert not pair.ab.keypairs() and not pair.ba.keypairs()
    assert not pair.carries() or pair.ab.current


def test_keepalive_and_silence():
    """Who hears data and says nothing sends a keepalive; who hears nothing calls"""
    pair = Pair().up()
    pair.ab.send(f.data(b'x'))
    pair.settle()
    before = len(pair.sent(pair.b, m.DATA))
    pair.wait(12)
    assert len(pair.sent(pair.b, m.DATA)) == before + 1 and len(pair.sent(pair.a, m.INITIATION)) == 1
    pair.passes = lambda sender, payload: sender is pair.a
    pair.ab.send(f.data(b'x'))
    pair.wait(16)
    assert len(pair.sent(pair.a, m.INITIATION)) >= 2


def test_lanes():
    """Lanes: min of both, each with its counter; the peer hears on each"""
    pair = Pair(lanes=(6, 4)).up()
    assert pair.ab.current.lanes == pair.ba.current.lanes == 4
    assert pair.ab.current.heard == pair.ba.current.heard == {0, 1, 2, 3}
    for lane in range(4):
        pair.ba.send(f.data(b'%d' % lane), lane=lane)
    pair.settle()
    assert sorted((r.lane, r.frame.body) for r in pair.a.received) == [(n, b'%d' % n) for n in range(4)]
    assert not pair.a.receive(pair.ba.current.seal(lane=5), B) and pair.a.counts == {'rx-lane': 1}


def test_reset():
    """A node that lost its keys costs a round trip; a forged reset nothing"""
    pair = Pair().up()
    pair.wait(1)
    last = pair.sent(pair.a, m.DATA)[-1]
    for forged, source in ((m.reset_for(last, counter=5), B), (m.reset_for(last), A), (m.reset_for(last, index=7), B)):
        assert not pair.a.receive(forged, source)
    assert pair.a.counts == {'rx-reset-ignored': 3} and not pair.a.out
    pair.b.resets = True
    pair.ba.previous = pair.ba.current = pair.ba.next = None
    pair.ab.send(f.data(b'lost'))
    pair.settle()
    assert len(pair.sent(pair.a, m.INITIATION)) == 2 and pair.carries()


def test_roaming():
    """Another port at once, another address after a PING was answered from there"""
    pair = Pair().up()
    b = pair.b
    b.receive(pair.ab.current.seal(), (A[0], 999))
    assert pair.ba.to[0] == (A[0], 999)
    away = ('203.0.113.7', 1)
    b.receive(pair.ab.current.seal(), away)
    ping, = b.take()
    assert pair.ba.to[0] == (A[0], 999) and ping.to == away
    opaque = f.decode(pair.ab.current.open(ping.payload)[2])[0][0].body[1:]
    b.receive(pair.ab.current.seal(f.control(f.PONG, opaque)), A)
    assert pair.ba.to[0][0] == A[0]
    b.receive(pair.ab.current.seal(), away)
    pair.now = b.now = b.now + 1
    b.receive(pair.ab.current.seal(), away)
    ping = b.take()[-1]
    opaque = f.decode(pair.ab.current.open(ping.payload)[2])[0][0].body[1:]
    b.receive(pair.ab.current.seal(f.control(f.PONG, opaque)), away)
    assert pair.ba.to[0] == away


def test_long_datagrams():
    """Datagrams in fragments through a session, and a bundle"""
    pair = Pair().up()
    datagram = random.Random(4).randbytes(65507)
    for piece in f.fragments(datagram, 1168, 1, channel=9):
        pair.ab.send(piece)
    pair.ab.send(f.data(b'one', length=True), f.data(b'two'))
    pair.settle()
    assert [r.frame.body for r in pair.b.received] == [datagram, b'one', b'two']


def test_every_byte_altered():
    """Each bit of each byte of every handshake and data message altered: no session, no datagram"""
    pair = Pair(CHACHAPOLY)
    initiation = pair.ab.initiation()
    data = Pair(CHACHAPOLY).up()
    sealed = data.ab.current.seal(f.data(b'text'))
    for n in range(len(initiation) * 8):
        altered = bytearray(initiation)
        altered[n // 8] ^= 1 << n % 8
        # mac2 counts under load only, and a byte is reserved but for the prologue.
        if n // 8 < 176:
            assert not pair.b.receive(m.remac(bytes(altered), pair.b.public) if n // 8 < 160 else bytes(altered), A), n
    for n in range(len(sealed) * 8):
        altered = bytearray(sealed)
        altered[n // 8] ^= 1 << n % 8
        assert not data.b.receive(bytes(altered), A), n
    assert not data.b.received and not pair.b.take() and pair.b.receive(initiation, A) and data.b.receive(sealed, A)


def main():
    word = sys.argv[1] if len(sys.argv) > 1 else ''
    tests = [(n, t) for n, t in globals().items() if n.startswith('test_') and word in n]
    print(f'KTAP version 1\n1..{len(tests)}')
    bad = 0
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f'ok {number} {name[5:]} # {test.__doc__}', flush=True)
        except Exception as problem:  # pylint: disable=broad-exception-caught
            where = problem.__traceback__
            while where.tb_next:
                where = where.tb_next
            print(f'# {type(problem).__name__} {problem} at line {where.tb_lineno} of {where.tb_frame.f_code.co_filename}')
            print(f'not ok {number} {name[5:]} # {test.__doc__}', flush=True)
            bad = 1
    return bad


if __name__ == '__main__':
    sys.exit(main())
