# SPDX-License-Identifier: GPL-2.0
"""Sections 4.6 to 4.10, 7, 8, 11 and 13 of docs/PROTOCOL.md: a node with its links. It has no socket and no clock:
what it is given goes in by receive() and tick(), what it wants to send is in `out`. Whoever drives it may also leave a
step out, or do one that the node would not: see Link.initiation and Keypair.seal."""
import collections
import ipaddress
import os
import random

from . import crypto, frame, message as m
from .noise import Initiator, Responder
from .session import WINDOW, Drop, Keypair

REKEY_INITIATOR, REKEY_RESPONDER, END = 120.0, 165.0, 180.0
REKEY_COUNTER = 2**28
KEEPALIVE, SILENCE, RETRY, GIVE_UP = 10.0, 15.0, 5.0, 90.0
COOKIE_LIFE, SECRET_LIFE, CHALLENGE_LIFE, LANE_LIFE = 115.0, 120.0, 120.0, 20.0
STAGED, INITIATIONS_A_SECOND, CHALLENGES_A_SECOND, PINGS_A_SECOND = 128, 50, 10, 10
OF_THE_LINK = (frame.PAD, frame.PING, frame.PONG)

Out = collections.namedtuple('Out', 'lane payload to')          # lane: which socket, if the node has one for each
Received = collections.namedtuple('Received', 'link lane frame')


class Slot:
    """The last initiation sent."""

    def __init__(self, index, noise, message, when, lanes, epoch):
        self.index, self.noise, self.message, self.when, self.lanes, self.epoch = index, noise, message, when, lanes, epoch
        self.answer_used = set()


class Link:
    def __init__(self, node, peer, suite=crypto.AES_GCM, psk=m.NO_PSK, endpoint=None, lanes=1, max_message=m.MAX_MESSAGE,
                 keepalive=0, roam=True):
        self.node, self.peer, self.suite, self.psk, self.endpoint = node, peer, suite, psk, endpoint
        self.lanes, self.max_message, self.keepalive, self.roam = lanes, max_message, keepalive, roam
        self.epoch = int.from_bytes(os.urandom(8), 'big')
        self.slot = self.previous = self.current = self.next = None
        self.greatest, self.last_timestamp = bytes(12), bytes(12)
        self.challenge, self.challenge_since, self.challenged = b'', 0.0, {}
        self.cookie, self.cookie_since = b'', 0.0
        self.response_mac1 = {}                  # sender_index of the last response: its mac1, until a cookie came
        self.accepted, self.pings = [], []
        self.staged = collections.deque(maxlen=STAGED)
        self.to = {0: endpoint} if endpoint else {}
        self.heard_at = {}
        self.paths = {}                          # bytes of a PING: lane, where it went
        self.fragments = {}
        self.series = None
        self.last_sent = -1e9
        # Data that was heard, and nothing sent since; data that was sent, and nothing heard since.
        self.data_heard = self.data_sent = None
        self.reset_when, self.reset_pause, self.reset_acts, self.reset_session = -1e9, RETRY, False, None

    # ---- handshakes ----

    def keypairs(self):
        return [k for k in (self.previous, self.current, self.next) if k]

    def initiation(self, challenge=bytes(16), timestamp=None, noise=None, **payload):
        """A new one, in the slot. What differs from a node's own is for attacks."""
        node = self.node
        index = node.new_index()
        header = m.initiation_header(self.suite, index)
        if timestamp is None:
            timestamp = max(m.tai64n(*divmod(node.wall(), 10**9)), m.later(self.last_timestamp))
            self.last_timestamp = timestamp
        noise = (noise or Initiator)(self.suite, node.private, self.peer, m.prologue(header))
        said = m.Payload(timestamp, self.epoch, challenge, lanes=self.lanes, max_message=self.max_message,
                         flags=m.CONFIGURED if self.endpoint else 0)._replace(**payload)
        message = m.add_macs(header + noise.write(said.pack()), self.peer, self.fresh_cookie())
        self.slot = Slot(index, noise, message, node.now, self.lanes, self.epoch)
        return message

    def fresh_cookie(self):
        return self.cookie if self.cookie and self.node.now - self.cookie_since < COOKIE_LIFE else None

    def initiate(self, challenge=bytes(16)):
        to = self.to.get(0)
        if to:
            self.series = self.node.now if self.series is None else self.series
            self.node.send(0, self.initiation(challenge), to)

    def accept_initiation(self, said, noise, message, source):
        node, now = self.node, self.node.now
        fresh = said.first > self.greatest
        challenge = self.challenge if now - self.challenge_since < CHALLENGE_LIFE else b''
        if not fresh and not (challenge and said.challenge == challenge):
            self._challenge(message, source)
            raise Drop('hs-stale')
        self.accepted = [t for t in self.accepted if now - t < 1]
        if len(self.accepted) >= INITIATIONS_A_SECOND:
            raise Drop('hs-rate')
        self.accepted.append(now)
        self.greatest, self.challenge = max(self.greatest, said.first), b''
        node.send(0, self.response(said, noise, int.from_bytes(message[4:8], 'big'), source), source)

    def response(self, said, noise, remote_index, source=None, **other):
        """The answer, and the new next keypair. @other: see Responder.write"""
        node, index = self.node, self.node.new_index()
        header = m.response_header(self.suite, index, remote_index)
        own = m.Payload(header, self.epoch, lanes=self.lanes, max_message=self.max_message,
                        flags=m.CONFIGURED if self.endpoint else 0)
        message = m.add_macs(header + noise.write(own.pack(), self.psk, **other), self.peer, self.fresh_cookie())
        keypair = Keypair(self.suite, noise.state.split(), False, index, remote_index, node.now)
        self._agree(keypair, said, self.lanes, self.epoch)
        keypair.source = source
        self.response_mac1 = {index: m.mac1(message)}
        self.next = keypair
        return message

    def _agree(self, keypair, said, lanes, epoch):
        keypair.lanes, keypair.max_message = min(lanes, said.lanes), said.max_message
        keypair.own_epoch, keypair.peer_epoch = epoch, said.epoch
        keypair.peer_configured = bool(said.flags & m.CONFIGURED)

    def _challenge(self, message, source):
        now = self.node.now
        if not self.challenge or now - self.challenge_since >= CHALLENGE_LIFE:
            self.challenge, self.challenge_since = os.urandom(16), now
        self.challenged = {k: t for k, t in self.challenged.items() if now - t < 1}
        if m.mac1(message) in self.challenged or len(self.challenged) >= CHALLENGES_A_SECOND:
            return
        self.challenged[m.mac1(message)] = now
        self.node.send_type3(message, m.WHAT_CHALLENGE, self.challenge, source)

    def receive_response(self, message, source):
        slot = self.slot
        header = message[:12]
        if message[1] != m.VERSION or message[2] != self.suite:
            raise Drop('hs-invalid')
        try:
            raw, state = slot.noise.read(message[12:116], self.psk)
        except ValueError:
            raise Drop('hs-invalid') from None
        said, index = m.Payload.unpack(raw), int.from_bytes(message[4:8], 'big')
        if said.first != header or not 1 <= said.lanes <= 16 or not 0 < index < 1 << 24:
            raise Drop('hs-invalid')
        keypair = Keypair(self.suite, state.split(), True, slot.index, index, self.node.now)
        self._agree(keypair, said, slot.lanes, slot.epoch)
        keypair.source = source
        self.slot = self.series = None
        self.previous, self.current = self.current, keypair
        self._confirmed()

    def receive_type3(self, message):
        index, what = int.from_bytes(message[4:8], 'big'), message[3]
        slot = self.slot if self.slot and self.slot.index == index else None
        mac1 = m.mac1(slot.message) if slot else self.response_mac1.get(index)
        if mac1 is None:
            raise Drop('hs-unexpected')
        try:
            if message[1] != m.VERSION or message[2] != self.suite or what not in (m.WHAT_COOKIE, m.WHAT_CHALLENGE):
                raise ValueError
            value = m.read_type3(message, self.peer, mac1)
        except ValueError:
            raise Drop('hs-invalid') from None
        if slot and what in slot.answer_used or (not slot and what == m.WHAT_CHALLENGE):
            raise Drop('hs-unexpected')
        if what == m.WHAT_COOKIE:
            if slot:
                slot.answer_used.add(what)
            else:
                self.response_mac1 = {}
            self.cookie, self.cookie_since = value, self.node.now
        else:
            self.initiate(value)
            self.slot.answer_used.add(what)

    # ---- keypairs ----

    def connecting(self):
        """Section 8: this node is the one that has a socket for each lane."""
        if self.endpoint and self.current and self.current.peer_configured:
            return crypto.public(self.node.private) < self.peer
        return bool(self.endpoint)

    def _confirmed(self):
        keypair = self.current
        keypair.confirmed = True
        if self.reset_acts:
            self.reset_acts, self.reset_session = False, keypair
        if self.previous and self.previous.peer_epoch != keypair.peer_epoch:
            self.previous = None
        if keypair.source:
            if self.to.get(0, keypair.source)[0] != keypair.source[0]:
                self.heard_at = {}
                self.to = {lane: keypair.source for lane in self.to} if self.connecting() else {}
            self.to[0] = keypair.source
        if self.connecting():
            for lane in range(1, keypair.lanes):
                self.to.setdefault(lane, self.to[0])
        staged, self.staged = self.staged, collections.deque(maxlen=STAGED)
        for frames in staged:
            self.send(*frames)
        if keypair.initiator:
            for lane in range(0 if not staged else 1, keypair.lanes):
                keypair.told.add(lane)
                self.send(lane=lane)

    def receive_data(self, keypair, message, source):
        node, now = self.node, self.node.now
        if now - keypair.made >= END:
            raise Drop('rx-key-expired')
        lane, greatest, text = keypair.open(message)
        if keypair is self.next and not keypair.confirmed:
            self.previous, self.current, self.next = self.current, keypair, None
            self._confirmed()
        self.data_sent = None
        if greatest and keypair is not self.previous:
            self._look_at_endpoint(lane, source)
        keypair.heard.add(lane)
        if not keypair.initiator and lane not in keypair.told:
            keypair.told.add(lane)
            if keypair is self.current:
                self.send(lane=lane)
        frames, bad = frame.decode(text)
        node.count('rx-frame', bad)
        for each in frames:
            self._frame(keypair, lane, each, source)

    def _look_at_endpoint(self, lane, source):
        at = self.to.get(lane)
        known = {a[0] for a in (at, self.to.get(0)) if a}
        if source == at:
            self.heard_at[lane] = self.node.now
        elif source[0] in known:
            self.to[lane], self.heard_at[lane] = source, self.node.now
        elif self.roam and not any(now == self.node.now // 1 for _, _, now in self.paths.values()):
            opaque = os.urandom(8)
            self.paths = {opaque: (lane, source, self.node.now // 1)}
            self.send(frame.control(frame.PING, opaque), lane=lane, to=source)

    def _frame(self, keypair, lane, found, source):
        node = self.node
        fault = frame.control_fault(found) if found.control else ''
        if fault:
            node.count(fault)
            return
        if found.op == frame.PING:
            self.pings = [t for t in self.pings if node.now - t < 1]
            if len(self.pings) >= PINGS_A_SECOND:
                node.count('rx-ping-rate')
                return
            self.pings.append(node.now)
            self.send(frame.control(frame.PONG, found.body[1:9]), lane=lane, to=source)
        elif found.op == frame.PONG:
            _lane, to, _ = self.paths.pop(found.body[1:9], (None, None, None))
            if _lane == lane and to == source:
                if self.to[0][0] != source[0]:
                    self.to[0] = source
                self.to[lane] = source
        if found.op in OF_THE_LINK:
            return
        keypair.heard_data = True
        self.data_heard = node.now if self.data_heard is None else self.data_heard
        if found.op == frame.FRAGMENT:
            whole = self.fragments.setdefault(keypair.local_index, frame.Reassembly()).add(found, node.now)
            if isinstance(whole, str):
                node.count(whole)
            if not isinstance(whole, bytes):
                return
            found = found._replace(control=False, body=whole)
        node.received.append(Received(self, lane, found))

    def send(self, *frames, lane=0, to=None):
        """Under the current keypair, or as soon as there is one."""
        keypair, node = self.current, self.node
        if not keypair or node.now - keypair.made >= END:
            if frames:
                self.staged.append(frames)
                if self.slot is None:
                    self.initiate()
            return
        if lane and to is None and lane not in keypair.heard and frames:
            lane = 0
        to = to or (self.to.get(lane, self.to[0]) if self.connecting() or
                    node.now - self.heard_at.get(lane, -1e9) < LANE_LIFE else self.to[0])
        self.last_sent = node.now
        payload = keypair.seal(*frames, lane=lane)
        self.data_heard = None
        if any(each.op not in OF_THE_LINK for each in frame.decode(b''.join(frames))[0]):
            keypair.sent_data = True
            self.data_sent = node.now if self.data_sent is None else self.data_sent
        node.send(lane, payload, to)
        if keypair.counters[lane] == REKEY_COUNTER or \
                (keypair.suite == crypto.AES_GCM and sum(keypair.counters) == REKEY_COUNTER):
            self.initiate()

    def receive_reset(self, message, source):
        node, keypair, lane = self.node, self.current, message[0] & 0x0f
        counter = int.from_bytes(message[4:8], 'big')
        sent = keypair.counters[lane] if keypair else 0
        if not keypair or keypair.remote_index != int.from_bytes(message[1:4], 'big') or \
                source != self.to.get(lane, self.to.get(0)) or not sent - WINDOW <= counter < sent:
            raise Drop('rx-reset-ignored')
        young = keypair is self.reset_session and node.now - keypair.made < REKEY_INITIATOR
        if node.now - self.reset_when < self.reset_pause:
            raise Drop('rx-reset-ignored')
        self.reset_pause = min(2 * self.reset_pause, 120.0) if young else RETRY
        self.reset_when, self.reset_acts = node.now, True
        self.initiate()

    # ---- timers ----

    def tick(self):
        now = self.node.now
        for which in ('previous', 'current', 'next'):
            keypair = getattr(self, which)
            if keypair and now - keypair.made >= END:
                setattr(self, which, None)
        for key, waiting in list(self.fragments.items()):
            self.node.count('frag-timeout', waiting.expire(now))
            if not waiting.sets:
                del self.fragments[key]
        self._tick_handshake(now)
        if self.current and self.data_heard is not None and now - self.data_heard >= KEEPALIVE:
            self.send()
        if self.current and self.keepalive and now - self.last_sent >= self.keepalive:
            self.send()

    def _tick_handshake(self, now):
        if self.slot:
            if self.series is not None and now - self.series >= GIVE_UP:
                self.slot = self.series = None
                self.staged.clear()
            elif now - self.slot.when >= RETRY:
                self.initiate()
            return
        keypair = self.current
        if not keypair:
            return
        age, used = now - keypair.made, keypair.sent_data or self.keepalive
        if keypair.initiator and age >= REKEY_INITIATOR and (used or keypair.heard_data):
            self.initiate()
        elif not keypair.initiator and age >= REKEY_RESPONDER and used:
            self.initiate()
        elif self.data_sent is not None and now - self.data_sent >= SILENCE:
            self.initiate()


class Node:
    def __init__(self, private=None, now=0.0, wall=lambda: 1767225600 * 10**9):
        self.private = private or os.urandom(32)
        self.public = crypto.public(self.private)
        self.now, self.wall = now, wall
        self.links = {}
        self.out, self.received = [], []
        self.counts = collections.Counter()
        self.under_load = self.resets = False
        self.secret, self.secret_since = os.urandom(32), now

    def add_link(self, peer, **options):
        self.links[peer] = Link(self, peer, **options)
        return self.links[peer]

    def indices(self):
        for link in self.links.values():
            if link.slot:
                yield link.slot.index
            yield from (k.local_index for k in link.keypairs())

    def new_index(self):
        while True:
            index = random.SystemRandom().randrange(1, 1 << 24)
            if index not in self.indices():
                return index

    def count(self, reason, times=1):
        if times:
            self.counts[reason] += times

    def send(self, lane, payload, to):
        self.out.append(Out(lane, payload, to))

    def send_type3(self, message, what, value, source):
        index = int.from_bytes(message[4:8], 'big')
        self.send(0, m.type3(message[2], what, index, os.urandom(24), self.public, m.mac1(message), value), source)

    def cookie_for(self, source):
        if self.now - self.secret_since > SECRET_LIFE:
            self.secret, self.secret_since = os.urandom(32), self.now
        ip = ipaddress.ip_address(source[0])
        packed = ip.packed if ip.version == 6 else bytes(10) + b'\xff\xff' + ip.packed
        return m.cookie_value(self.secret, packed, source[1])

    def receive(self, message, source):
        """Whether it was good; if not, it is counted under its reason."""
        try:
            self._receive(message, source)
            return True
        except Drop as drop:
            self.count(drop.reason)
            return False

    def _receive(self, message, source):
        """Section 13."""
        which = m.kind(message)
        if len(message) < (m.LEAST_DATA if which == m.DATA else m.HEADER):
            raise Drop('rx-truncated')
        if which not in (m.INITIATION, m.RESPONSE, m.COOKIE, m.DATA, m.RESET) or \
                len(message) != m.LENGTHS.get(which, len(message)) or (which <= m.COOKIE and message[0] & 0x0f):
            raise Drop('rx-type')
        if which in (m.INITIATION, m.RESPONSE):
            if not m.mac1_right(message, self.public):
                raise Drop('hs-mac1')
            if self.under_load and not m.mac2_right(message, self.cookie_for(source)):
                self.send_type3(message, m.WHAT_COOKIE, self.cookie_for(source), source)
                raise Drop('hs-cookie-needed')
        (self._initiation, self._response, self._type3, self._data, self._reset)[which - 1](message, source)

    def _initiation(self, message, source):
        index = int.from_bytes(message[4:8], 'big')
        noise = Responder(message[2], self.private, m.prologue(message)) if message[2] in crypto.SUITES else None
        try:
            if not noise or message[1] != m.VERSION or not 0 < index < 1 << 24:
                raise ValueError
            said = m.Payload.unpack(noise.read(message[8:160]))
            if not 1 <= said.lanes <= 16:
                raise ValueError
        except ValueError:
            raise Drop('hs-invalid') from None
        link = self.links.get(noise.peer_public)
        if not link:
            raise Drop('hs-peer')
        if message[2] != link.suite:
            raise Drop('hs-cipher')
        link.accept_initiation(said, noise, message, source)

    def _response(self, message, source):
        index = int.from_bytes(message[8:12], 'big')
        for link in self.links.values():
            if link.slot and link.slot.index == index:
                return link.receive_response(message, source)
        raise Drop('hs-unexpected' if index in self.indices() else 'rx-index')

    def _type3(self, message, _source):
        index = int.from_bytes(message[4:8], 'big')
        for link in self.links.values():
            if link.slot and link.slot.index == index or index in link.response_mac1:
                return link.receive_type3(message)
        raise Drop('rx-index')

    def _data(self, message, source):
        index = int.from_bytes(message[1:4], 'big')
        for link in self.links.values():
            for keypair in link.keypairs():
                if keypair.local_index == index:
                    return link.receive_data(keypair, message, source)
        if self.resets and self.links:
            self.send(0, m.reset_for(message), source)
        raise Drop('rx-index')

    def _reset(self, message, source):
        for link in self.links.values():
            if link.current and link.current.remote_index == int.from_bytes(message[1:4], 'big'):
                return link.receive_reset(message, source)
        raise Drop('rx-reset-ignored')

    def tick(self, now):
        self.now = now
        for link in self.links.values():
            link.tick()

    def take(self):
        out, self.out = self.out, []
        return out
