# SPDX-License-Identifier: GPL-2.0
"""Scenario 93-fragments: a peer with the right keys sends the module's node `remote` fragments of every kind, and lies
about them. The right datagram comes out, or none; each drop has its reason; memory and time are bounded.

python3 -m peer.fragments REMOTE-PUBLIC-KEY [CASE...]
"""
import base64
import random
import sys
import time

from . import attacks, frame as f
from .attacks import Bench
from .bed import PATIENCE, run, until, verdict
from .crypto import CHACHAPOLY

B = None
STORE = 1 << 20
random_bytes = random.Random(93).randbytes
_ids = iter(range(1, 1 << 32))


def send(*frames, lane=0):
    """In one message."""
    B.send(B.link.current.seal(*frames, lane=lane))


def piece(ident, at, content, more, **fields):
    return f.fragment(ident, at, content, more, **{'channel': 1, **fields})


def bundles(pieces, size=20000):
    """As few messages as hold them: all has to come within a second, on slow machines too."""
    some = []
    for p in pieces:
        if some and sum(map(len, some)) + len(p) > size:
            send(*some)
            some = []
        some.append(p)
    send(*some)


def story(name, pieces, datagram=None, **wanted):
    """One test: these pieces, each in a message, make this datagram or none, and are counted so."""
    B.watch.case(name, lambda: [send(p) for p in pieces], lambda: B.got_just(*([] if datagram is None else [datagram])), **wanted)


def whole():
    """What is as it should be."""
    text = random_bytes(4000)
    for name, order in (('in order', lambda p: p), ('backwards', lambda p: p[::-1]), ('shuffled', lambda p: random.sample(p, len(p)))):
        story(f'whole: {name}', order(f.fragments(text, 400, next(_ids), channel=1)), text, g__reassembled=1)
    for size, step in ((1, 8), (8, 8), (9, 8), (1536, 8), (65507, 1160), (65507, 344), (65507, 16000)):
        big = random_bytes(size)
        pieces = f.fragments(big, step, next(_ids), channel=1, length=True)
        random.shuffle(pieces)
        B.watch.case(f'whole: {size} bytes in {len(pieces)} pieces', lambda pieces=pieces: bundles(pieces),
                     lambda big=big: B.got_just(big), g__reassembled=1)
    # Datagrams that only their key tells apart, all at once.
    ident, texts, mixed = next(_ids), [], []
    for fields in ({'channel': 1}, {'channel': 2}, {'channel': 256}, {'channel': 1, 'tunnel': attacks.NUMBERED}):
        for n in (ident, ident + 1):
            texts.append(random_bytes(1000))
            mixed += f.fragments(texts[-1], 104, n, length=True, **fields)
    random.shuffle(mixed)
    B.watch.case('whole: eight datagrams at once, of few ids', lambda: bundles(mixed), lambda: B.got_just(*texts),
                 g__reassembled=8)
    again = random_bytes(100)
    story('whole: an id that served before', f.fragments(again, 56, ident, channel=1), again)
    text = random_bytes(500)
    bundle = f.fragments(text, 104, next(_ids), channel=1, length=True) + [f.data(b'behind', channel=1)]
    B.watch.case('whole: all pieces in one bundle, with a datagram behind', lambda: send(*bundle), lambda: B.got_just(text, b'behind'))
    before = B.watch.counters.read()['t', 'channels-opened']
    pieces = f.fragments(text, 256, next(_ids), channel=70000)
    send(pieces[0])
    opened = B.watch.counters.read()['t', 'channels-opened'] - before
    verdict('whole: half a datagram opens no channel', '' if not opened else 'it does')
    story('whole: the other half does', pieces[1:], text, t__channels_opened=1)


def duplicates():
    text = random_bytes(64)
    a, b = f.fragments(text, 32, next(_ids), channel=1)
    story('duplicate: of the first piece', [a, a, a, b], text, g__frag_duplicate=2)
    i = next(_ids)
    a, b = f.fragments(text, 32, i, channel=1)
    story('duplicate: of the last piece', [b, b, a], text, g__frag_duplicate=1)
    i = next(_ids)
    a, b = f.fragments(text, 32, i, channel=1)
    other = piece(i, 0, b'\xff' * 32, True)
    story('duplicate: with another content, is not heeded', [a, other, b], text, g__frag_duplicate=1)


def overlaps():
    """What contradicts discards the datagram, and what still comes of it."""
    size = 8 * 12
    text = random_bytes(size)

    def lie(name, have, late):
        """@have: pieces that are there; @late: the contradiction; then all that would complete it."""
        ident = next(_ids)

        def p(at, length, more):
            return piece(ident, at, (text * 2)[at:at + length], more)
        rest = [p(at, 8, at + 8 < size) for at in range(0, size, 8)]
        pieces = [p(*x) for x in have] + [p(*late)]
        B.watch.case(f'overlap: {name}', lambda: [send(x) for x in pieces], B.nothing, g__frag_overlap=1)
        # Each piece once: of a datagram that was discarded, nothing is kept, and nothing comes of it.
        B.watch.case(f'overlap: {name}: nothing comes of it', lambda: [send(x) for x in rest], B.nothing, g__frag_overlap=len(rest))
    lie('into the one before', [(0, 32, True)], (24, 16, True))
    lie('into the one behind', [(32, 32, True)], (24, 16, True))
    lie('within one', [(0, 32, True)], (8, 8, True))
    lie('around one', [(16, 8, True)], (8, 24, True))
    lie('the same begin, shorter', [(0, 32, True)], (0, 16, True))
    lie('the same begin, longer', [(0, 16, True)], (0, 32, True))
    lie('the same end', [(0, 32, True)], (16, 16, True))
    lie('over three', [(0, 8, True), (16, 8, True), (32, 8, True)], (0, 48, True))
    lie('a byte less at the end', [(88, 8, False)], (88, 7, False))
    lie('the last is not the last', [(88, 8, False)], (88, 8, True))
    lie('it is the last after all', [(88, 8, True)], (88, 8, False))
    lie('a second last, behind', [(40, 8, False)], (88, 8, False))
    lie('a second last, before', [(88, 8, False)], (40, 8, False))
    lie('bytes behind the last', [(40, 8, False)], (64, 8, True))
    lie('a last before what is there', [(64, 8, True)], (40, 8, False))
    lie('a last that ends within what is there', [(64, 16, True)], (56, 12, False))


def shapes():
    """Fragments that cannot be one are dropped alone."""
    text = random_bytes(64)

    def bad(name, *bodies, **wanted):
        ident = next(_ids)
        a, b = f.fragments(text, 32, ident, channel=1)
        raw = [f.control(f.FRAGMENT, ident.to_bytes(4, 'big') + body, channel=1) for body in bodies]
        story(f'shape: {name}', [a, *raw, b], text, **(wanted or {'g__frag_shape': len(raw)}))
    bad('bits that have to be zero', *(bytes([bits | 0x80, 4]) + bytes(8) for bits in (0x20, 0x40, 0x60)))
    bad('more to come, and not in units of 8', *(bytes([0x80, 8]) + bytes(n) for n in (1, 7, 9, 15, 31)))
    bad('more to come, and nothing here', bytes([0x80, 8]))
    bad('the last, and empty', bytes([0, 8]))
    bad('beyond 65,507 bytes', b'\x1f\xfc' + bytes(4), b'\x1f\xff' + bytes(1), b'\x1f\xff' + bytes(1000), b'\x9f\xfc' + bytes(8),
        b'\x00\x10' + bytes(65507 - 127))
    short = [f.control(f.FRAGMENT, bytes(n), channel=1) for n in range(6)]
    story('shape: cut short', short, g__frag_shape=len(short))
    end, ident = random_bytes(65507), next(_ids)
    cuts = [*range(0, 65504, 8184), 65504, 65507]
    story('shape: 65,507 bytes are not beyond', [piece(ident, at, end[at:to], to < 65507) for at, to in zip(cuts, cuts[1:])], end)
    ident = next(_ids)
    many = [piece(ident, 8 * n, bytes(8), True, length=True) for n in range(192)]
    B.watch.case('shape: 192 pieces wait', lambda: bundles(many), B.nothing)
    B.watch.case('shape: with the 193rd the datagram is given up', lambda: send(piece(ident, 8 * 192, b'end', False)), B.nothing,
                 g__frag_shape=1)


def places():
    """What is wrong with the datagram is found when it is whole, but for a tunnel that is not there."""
    text = random_bytes(64)

    def pieces(**fields):
        return f.fragments(text, 32, next(_ids), **fields)
    story('place: a tunnel that is not there', pieces(channel=1, tunnel=77), g__rx_tunnel=2)
    story('place: reply = 1 to the server', pieces(channel=1, reply=True), t__out_role=1)
    story('place: no channel', pieces(), t__out_role=1)
    story('place: an address', pieces(channel=1, address=f.endpoint('192.0.2.1', 1)), t__out_role=1)
    story('place: a channel of a direct tunnel', pieces(channel=1, tunnel=attacks.DIRECT), d__out_role=1)
    bad = bytes.fromhex('c2000b0007' '01000000018000' '6161')
    story('place: a channel in too many bytes', [bad], g__rx_frame=1)


def expired(count):
    """For so many datagrams the time is over."""
    return B.watch.problem({'g.frag-timeout': count})


def never_completed():
    text = random_bytes(64)
    a, b = f.fragments(text, 32, next(_ids), channel=1)
    begin = time.monotonic()
    story('never: half a datagram waits', [a])
    problem, took = expired(1), time.monotonic() - begin
    verdict('never: after a second it is given up', problem or ('' if took > 0.9 else f'{took:.2f} s'))
    story('never: its other half comes too late', [b])
    verdict('never: and waits for itself', expired(1))
    # A rekey between two halves.
    a, b = f.fragments(text, 32, next(_ids), channel=1)
    send(a)
    B.peer.connect(B.link)
    story('never: half under one keypair, half under the next', [b])
    verdict('never: both are given up', expired(2))
    discarded = next(_ids)
    for at in (0, 8):
        send(piece(discarded, at, bytes(16), True))
    B.watch.problem({'g.frag-overlap': 1})
    # What was discarded is forgotten in its time, and not counted again.
    good = [piece(discarded, 0, text[:32], True), piece(discarded, 32, text[32:], False)]
    deadline = time.monotonic() + PATIENCE
    found = []
    while not found and time.monotonic() < deadline:
        for p in good:
            send(p)
        found = until(B.got, 0.2)
    B.watch.again()
    verdict('never: an id that was discarded serves again', '' if found == [text] else 'it does not')
    until(lambda: False, 1.2)           # the rest of the loop's pieces
    B.watch.again()


def flood(name, pieces, each):
    """Far more than is kept. The oldest are given up, and counted; the bound holds, and honest datagrams pass."""
    before = B.watch.counters.read()
    begin = time.monotonic()
    size = max(1, 1300 // (len(pieces[0]) + 3))
    for at in range(0, len(pieces), size):
        send(*pieces[at:at + size])
    took, rose = time.monotonic() - begin, {}

    def heard():
        now = B.watch.counters.read()
        rose.update({key: now['g', key] - before['g', key]
                     for key in ('rx-fragments', 'frag-memory', 'frag-timeout', 'frag-shape', 'frag-overlap')})
        return rose['rx-fragments'] >= len(pieces)
    until(heard)
    waiting = len(pieces) - rose['frag-memory'] - rose['frag-timeout']
    verdict(f'flood: {name}: all were heard', '' if rose['rx-fragments'] == len(pieces) else f'{rose} of {len(pieces)}')
    verdict(f'flood: {name}: what is kept is bounded', '' if rose['frag-memory'] and waiting * each <= STORE else
            f'{waiting} wait, {rose}')
    print(f'{name}: {len(pieces)} sent in {took:.1f} s, {waiting} of them wait: {rose}')
    text = random_bytes(3000)
    other = B.links[CHACHAPOLY].current
    for p in f.fragments(text, 1000, 5, channel=1):
        B.send(other.seal(p), CHACHAPOLY)
    verdict(f'flood: {name}: another link has its own store', B.got_just(text))
    for p in f.fragments(text, 1000, next(_ids), channel=1):
        send(p)
    verdict(f'flood: {name}: the newest pass on this one', B.got_just(text))

    def gone():
        now = B.watch.counters.read()
        return sum(now['g', key] - before['g', key] for key in ('frag-memory', 'frag-timeout')) >= len(pieces)
    verdict(f'flood: {name}: each ends, and is counted once', '' if until(gone) else 'not all')
    B.watch.again()
    verdict(f'flood: {name}: and that was all', B.watch.problem({}))


def floods():
    big = [piece(n, 0, bytes(1000), True, length=True) for n in range(1 << 20, (1 << 20) + 3000)]
    flood('pieces of 1,000 bytes', big, 1000)
    # One byte each: what is kept beside the bytes counts as well. 64 bytes are less than any implementation needs.
    small = [piece(n, 8, b'x', False, length=True) for n in range(1 << 21, (1 << 21) + 20000)]
    flood('pieces of one byte', small, 64)


def worst_order():
    """Time does not explode: datagrams of 191 pieces each, which never get their last, sent so that each piece has to be
    put before all others; and contradictions of everything."""
    before, begin = B.watch.counters.read(), time.monotonic()
    count = 0
    for ident in range(1 << 22, (1 << 22) + 40):
        pieces = [piece(ident, 8 * n, bytes(8), True, length=True) for n in reversed(range(1, 192))]
        for at in range(0, len(pieces), 64):
            send(*pieces[at:at + 64])
        count += len(pieces)

    def heard():
        now = B.watch.counters.read()
        return now['g', 'rx-fragments'] - before['g', 'rx-fragments'] == count
    verdict('time: pieces in the worst order', '' if until(heard) else 'not all were heard')
    print(f'{count} pieces in {time.monotonic() - begin:.1f} s')


    def gone():
        now = B.watch.counters.read()
        return sum(now['g', key] - before['g', key] for key in ('frag-memory', 'frag-timeout')) == 40
    verdict('time: each is given up, once', '' if until(gone) else 'not so')
    B.watch.again()
    text = random_bytes(100)
    story('time: and then all is well', f.fragments(text, 48, next(_ids), channel=1), text)


CASES = (whole, duplicates, overlaps, shapes, places, never_completed, floods, worst_order)

if __name__ == '__main__':
    B = attacks.B = Bench(base64.b64decode(sys.argv[1]))
    B.peer.pump(0.1)
    B.watch.again()
    run(CASES)
