# SPDX-License-Identifier: GPL-2.0
"""Sections 2, 4.6 to 4.8 and 11 of docs/PROTOCOL.md: the bytes of every message. Needs no cipher."""
import hashlib
import hmac
import struct
from typing import NamedTuple

PORT = 7380
INITIATION, RESPONSE, COOKIE, DATA, RESET = 1, 2, 3, 4, 5
LENGTHS = {INITIATION: 192, RESPONSE: 148, COOKIE: 64, RESET: 8}
VERSION = 1
WHAT_COOKIE, WHAT_CHALLENGE = 1, 2
HEADER, TAG = 8, 16
LEAST_DATA = HEADER + TAG
COUNTER_MAX = 2**32 - 2
CONFIGURED = 1
MAX_MESSAGE = 65507
NO_PSK = bytes(32)

# In an initiation.
MAC1_AT = 160


def kind(message):
    return message[0] >> 4 if message else 0


def _sha256(*parts):
    return hashlib.sha256(b''.join(parts)).digest()


def _hmac(key, *parts):
    return hmac.digest(key, b''.join(parts), 'sha256')


def tai64n(seconds, nanoseconds):
    return struct.pack('>QI', 0x400000000000000a + seconds, nanoseconds & 0xff000000)


def later(timestamp):
    """The least timestamp after this one that a node may send."""
    seconds, nanoseconds = struct.unpack('>QI', timestamp)
    nanoseconds += 1 << 24
    if nanoseconds >= 10**9:
        seconds, nanoseconds = seconds + 1, 0
    return struct.pack('>QI', seconds, nanoseconds)


class Payload(NamedTuple):
    """4.6"""
    first: bytes                # timestamp, or the response's own first 12 bytes
    epoch: int
    challenge: bytes = bytes(16)
    features: int = 0
    lanes: int = 1
    flags: int = 0
    max_message: int = MAX_MESSAGE
    reserved: bytes = bytes(12)

    def pack(self):
        return self.first + struct.pack('>Q', self.epoch) + self.challenge + \
            struct.pack('>IBBH', self.features, self.lanes, self.flags, self.max_message) + self.reserved

    @classmethod
    def unpack(cls, raw):
        epoch, = struct.unpack('>Q', raw[12:20])
        return cls(raw[:12], epoch, raw[20:36], *struct.unpack('>IBBH', raw[36:44]), raw[44:])


def initiation_header(suite, index, version=VERSION, reserved=0):
    return struct.pack('>BBBBI', INITIATION << 4, version, suite, reserved, index)


def response_header(suite, index, receiver_index, version=VERSION, reserved=0):
    return struct.pack('>BBBBII', RESPONSE << 4, version, suite, reserved, index, receiver_index)


def prologue(initiation):
    return b'SDT1' + initiation[:8]


def mac1_of(message, receiver_public):
    return _hmac(_sha256(b'sdt1-mac1', receiver_public), message)[:16]


def add_macs(message, receiver_public, cookie=None):
    message += mac1_of(message, receiver_public)
    return message + (_hmac(cookie, message)[:16] if cookie else bytes(16))


def remac(message, receiver_public, cookie=None):
    """The message with macs as if made by somebody who knows the receiver's public key: so much a stranger can."""
    return add_macs(message[:-32], receiver_public, cookie)


def mac1(message):
    return message[-32:-16]


def mac1_right(message, own_public):
    return hmac.compare_digest(mac1(message), mac1_of(message[:-32], own_public))


def mac2_right(message, cookie):
    return hmac.compare_digest(message[-16:], _hmac(cookie, message[:-16])[:16])


def cookie_value(secret, address, port):
    """@address: 16 bytes, IPv4 as ::ffff:a.b.c.d"""
    return _hmac(secret, address, struct.pack('>H', port))[:16]


def type3(suite, what, receiver_index, salt, sender_public, answered_mac1, value):
    head = struct.pack('>BBBBI', COOKIE << 4, VERSION, suite, what, receiver_index) + salt
    k = _hmac(_sha256(b'sdt1-cookie', sender_public), answered_mac1, head)
    head += bytes(a ^ b for a, b in zip(value, k[:16]))
    return head + _hmac(k[16:], head)[:16]


def read_type3(message, sender_public, answered_mac1):
    """The cookie or challenge; ValueError if the tag is wrong."""
    k = _hmac(_sha256(b'sdt1-cookie', sender_public), answered_mac1, message[:32])
    if not hmac.compare_digest(message[48:], _hmac(k[16:], message[:48])[:16]):
        raise ValueError('wrong tag')
    return bytes(a ^ b for a, b in zip(message[32:48], k[:16]))


def data_header(lane, index, counter):
    return struct.pack('>II', DATA << 28 | lane << 24 | index, counter)


def reset_for(message, lane=None, index=None, counter=None):
    """Section 11; what differs from the data message is for forgers."""
    lane = message[0] & 0x0f if lane is None else lane
    index = message[1:4] if index is None else index.to_bytes(3, 'big')
    counter = message[4:8] if counter is None else counter.to_bytes(4, 'big')
    return bytes([RESET << 4 | lane]) + index + counter
