# SPDX-License-Identifier: GPL-2.0
"""Section 6 of docs/PROTOCOL.md: frames, control frames, fragments."""
import ipaddress
import struct
from typing import NamedTuple, Optional

PAD, FRAGMENT, CLOSE, REFUSED, UNREACHABLE, PING, PONG = range(7)
UNIT, MOST_PIECES, MOST_BYTES, LIFE = 8, 192, 65507, 1.0


class Frame(NamedTuple):
    control: bool
    reply: bool
    tunnel: int
    channel: Optional[int]
    address: bytes
    body: bytes

    @property
    def op(self):
        """None: not a control frame, or an empty one."""
        return self.body[0] if self.control and self.body else None

    @property
    def key(self):
        return self.reply, self.tunnel, self.channel, self.address


def endpoint(text, port):
    """Address and port as a frame has them."""
    return ipaddress.ip_address(text).packed + struct.pack('>H', port)


def data(body, control=False, reply=False, length=False, tunnel=0, channel=None, address=b''):
    """One frame, encoded."""
    chlen = 0 if channel is None else max(1, (channel.bit_length() + 7) // 8)
    af = {0: 0, 6: 1, 18: 2}[len(address)]
    tail = struct.pack('>H', tunnel) if tunnel else b''
    tail += channel.to_bytes(chlen, 'big') if chlen else b''
    tail += address + body
    first = control << 7 | length << 6 | reply << 5 | bool(tunnel) << 4 | (chlen + 5 * af)
    return bytes([first]) + (struct.pack('>H', len(tail)) if length else b'') + tail


def control(op, operands=b'', **fields):
    return data(bytes([op]) + operands, control=True, **fields)


def fragment(ident, offset, piece, more, **fields):
    """@offset: in bytes"""
    return control(FRAGMENT, struct.pack('>IH', ident, bool(more) << 15 | offset // UNIT) + piece, **fields)


def fragments(datagram, size, ident, **fields):
    """The datagram in pieces of @size bytes, each a frame."""
    cuts = range(0, len(datagram), size // UNIT * UNIT)
    return [fragment(ident, at, datagram[at:at + cuts.step], at + cuts.step < len(datagram), **fields) for at in cuts]


def _one(text):
    """(frame or None if it is bad, what is left of the message)"""
    first, at, rest = text[0], 1, b''
    if first & 0x40:
        if len(text) < 3:
            return None, b''
        end = 3 + int.from_bytes(text[1:3], 'big')
        if end > len(text):
            return None, b''
        at, text, rest = 3, text[:end], text[end:]
    form = first & 0x0f
    if form == 15:
        return None, rest
    tunnel, chlen, size, channel = 0, form % 5, (0, 6, 18)[form // 5], None
    if len(text) < at + (2 if first & 0x10 else 0) + chlen + size:
        return None, rest
    if first & 0x10:
        tunnel, at = int.from_bytes(text[at:at + 2], 'big'), at + 2
        if not tunnel:
            return None, rest
    if chlen:
        if chlen > 1 and not text[at]:
            return None, rest
        channel, at = int.from_bytes(text[at:at + chlen], 'big'), at + chlen
    return Frame(bool(first & 0x80), bool(first & 0x20), tunnel, channel, text[at:at + size], text[at + size:]), rest


def decode(text):
    """The good frames of a message, and the number of bad ones."""
    good, bad = [], 0
    while text:
        found, text = _one(text)
        if found:
            good.append(found)
        else:
            bad += 1
    return good, bad


# Operands: at least so many bytes. What is said of the link has neither tunnel nor channel, address or reply.
_OPERANDS = {PAD: 0, FRAGMENT: 6, CLOSE: 0, REFUSED: 1, UNREACHABLE: 3, PING: 8, PONG: 8}


def control_fault(frame):
    """Why a control frame is skipped, as a counter's name; empty if it is not."""
    if frame.op is None:
        return 'rx-control'
    if frame.op not in _OPERANDS:
        return 'rx-op'
    operands = frame.body[1:]
    bad = len(operands) < _OPERANDS[frame.op]
    if frame.op in (PAD, PING, PONG):
        bad = bad or frame.key != (False, 0, None, b'')
    elif frame.op == FRAGMENT:
        return 'frag-shape' if bad or _piece(frame) is None else ''
    elif frame.op == REFUSED:
        bad = bad or not 1 <= operands[0] <= 6
    elif frame.op == UNREACHABLE:
        bad = bad or not 1 <= operands[0] <= 5 or (operands[0] != 5 and operands[1:3] != bytes(2))
    return 'rx-control' if bad else ''


def _piece(frame):
    """(id, offset, bytes, more) of a FRAGMENT, or None if it cannot be one."""
    ident, word = struct.unpack('>IH', frame.body[1:7])
    more, offset, piece = bool(word & 0x8000), (word & 0x1fff) * UNIT, frame.body[7:]
    if word & 0x6000 or not piece or (more and len(piece) % UNIT) or offset + len(piece) > MOST_BYTES:
        return None
    return ident, offset, piece, more


class Reassembly:
    """6.4, of one keypair. Says what became of each fragment: a datagram, a counter's name, or None: it waits."""

    def __init__(self):
        self.sets = {}

    def add(self, frame, now):
        ident, offset, piece, more = _piece(frame)
        key = (*frame.key, ident)
        pieces = self.sets.setdefault(key, {'since': now, 'dead': False, 'at': {}})
        if pieces['dead']:
            return 'frag-overlap'
        have = pieces['at'].get(offset)
        if have and (len(have[0]), have[1]) == (len(piece), more):
            return 'frag-duplicate'
        end = offset + len(piece)
        last = [at + len(p) for at, (p, m) in pieces['at'].items() if not m]
        overlaps = any(at < end and offset < at + len(p) for at, (p, _) in pieces['at'].items())
        beyond = (last and (not more or end > last[0])) or \
            (not more and any(at + len(p) > end for at, (p, _) in pieces['at'].items()))
        if overlaps or beyond:
            pieces['dead'] = True
            return 'frag-overlap'
        if len(pieces['at']) == MOST_PIECES:
            pieces['dead'] = True
            return 'frag-shape'
        pieces['at'][offset] = (piece, more)
        return self._whole(key, pieces['at'])

    def _whole(self, key, at):
        text = b''
        for offset in sorted(at):
            if offset != len(text):
                return None
            text += at[offset][0]
        if at[max(at)][1]:
            return None
        del self.sets[key]
        return text

    def expire(self, now):
        """How many datagrams were given up."""
        old = [key for key, pieces in self.sets.items() if now - pieces['since'] >= LIFE]
        alive = [key for key in old if not self.sets[key]['dead']]
        for key in old:
            del self.sets[key]
        return len(alive)
