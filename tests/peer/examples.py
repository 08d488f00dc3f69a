# SPDX-License-Identifier: GPL-2.0
"""Worked examples of the protocol: tests/vectors/sdt-example-*.json. All keys are fixed, so they never change.

    cd tests && python3 -m peer.examples            write them
    cd tests && python3 -m peer.examples --check    compare them; exit 1 if they differ
"""
import json
import pathlib
import struct
import sys

from . import crypto, frame as f, message as m
from .crypto import SUITES, public, sha256
from .noise import Initiator, Responder
from .session import Keypair

VECTORS = pathlib.Path(__file__).resolve().parent.parent / 'vectors'
MADE_BY = 'made by tests/peer/examples.py from docs/PROTOCOL.md; all byte strings in hexadecimal'


def secret(label):
    return sha256(b"SDT example: " + label)


I_STATIC, R_STATIC = secret(b"initiator static"), secret(b"responder static")
I_EPHEMERAL, R_EPHEMERAL = secret(b"initiator ephemeral"), secret(b"responder ephemeral")
I_EPHEMERAL2 = secret(b"initiator ephemeral, second attempt")
PSK = secret(b"psk")
I_INDEX, I_INDEX2, R_INDEX = 0x00a1b2c3, 0x0000beef, 0x00d4e5f6
I_EPOCH, R_EPOCH = 0x0123456789abcdef, 0xfedcba9876543210
SECONDS, NANOSECONDS = 1767225600, 123456789      # 2026-01-01T00:00:00.123456789Z
SOURCE, PORT = bytes(10) + b"\xff\xff\xc0\x00\x02\x01", 7380    # 192.0.2.1


def messages_of(suite, key_i, key_r):
    """Data messages in the order of a short conversation: who, what, bytes."""
    query = bytes.fromhex("12340100000100000000000003777777076578616d706c650000010001")
    small = [f.data(b"a", channel=7, length=True), f.data(b"bb", channel=300, length=True),
             f.data(b"ccc", channel=7)]
    ping = b"pingpong"
    plan = [
        ("initiator", 0, 0, "keepalive: confirms the keypair at the responder", b""),
        ("initiator", 0, 1, "server mode, tunnel 0, channel 0: a customer's first datagram",
         f.data(query, channel=0)),
        ("responder", 0, 0, "the answer on the same channel", f.data(b"answer", channel=0, reply=True)),
        ("initiator", 5, 0, "lane 5: a bundle of three datagrams", b"".join(small)),
        ("initiator", 0, 2, "direct mode, tunnel 0: an empty datagram", f.data(b"")),
        ("responder", 5, 0xfffffffe, "lane 5, greatest counter that is sent: direct mode, tunnel 513",
         f.data(b"direct", tunnel=513)),
        ("initiator", 1, 0, "PING with padding", f.control(f.PING, ping, length=True) + f.control(f.PAD, bytes(20))),
        ("responder", 1, 0, "PONG", f.control(f.PONG, ping)),
        ("responder", 0, 1, "the server closes channel 300 of tunnel 2",
         f.control(f.CLOSE, reply=True, tunnel=2, channel=300)),
    ]
    sides = {'initiator': Keypair(suite, (key_i, key_r), True, I_INDEX, R_INDEX),
             'responder': Keypair(suite, (key_i, key_r), False, R_INDEX, I_INDEX)}
    out = []
    for who, lane, counter, what, frames in plan:
        message = sides[who].seal(frames, lane=lane, counter=counter)
        out.append({"what": what, "sender": who, "lane": lane, "counter": counter,
                    "nonce": crypto.nonce(suite, lane << 56 | counter).hex(),
                    "frames": frames.hex(), "message": message.hex()})
    return out


def initiation(suite, index, ephemeral, payload, cookie=None):
    header = m.initiation_header(suite, index)
    noise = Initiator(suite, I_STATIC, public(R_STATIC), m.prologue(header), ephemeral)
    return noise, m.add_macs(header + noise.write(payload), public(R_STATIC), cookie)


def handshake_example(suite):
    i_public, r_public = public(I_STATIC), public(R_STATIC)
    timestamp = m.tai64n(SECONDS, NANOSECONDS)
    i_payload = m.Payload(timestamp, I_EPOCH, lanes=6, max_message=1432).pack()

    initiator, init = initiation(suite, I_INDEX, I_EPHEMERAL, i_payload)
    responder = Responder(suite, R_STATIC, m.prologue(init))
    assert responder.read(init[8:160]) == i_payload and responder.peer_public == i_public

    header = m.response_header(suite, R_INDEX, I_INDEX)
    r_payload = m.Payload(header, R_EPOCH, lanes=16, max_message=1400).pack()
    resp = m.add_macs(header + responder.write(r_payload, PSK, R_EPHEMERAL), i_public)
    opened, state = initiator.read(resp[12:116], PSK)
    assert opened == r_payload
    key_i, key_r = state.split()
    assert [key_i, key_r] == responder.state.split() and state.h == responder.state.h
    # under load the responder asks for a cookie, or it finds the timestamp stale and challenges
    cookie_secret, salt = secret(b"cookie secret"), secret(b"salt")[:24]
    cookie = m.cookie_value(cookie_secret, SOURCE, PORT)
    challenge = secret(b"challenge")[:16]
    ask_cookie = m.type3(suite, 1, I_INDEX, salt, r_public, m.mac1(init), cookie)
    ask_challenge = m.type3(suite, 2, I_INDEX, salt, r_public, m.mac1(init), challenge)
    assert m.read_type3(ask_cookie, r_public, m.mac1(init)) == cookie
    assert m.read_type3(ask_challenge, r_public, m.mac1(init)) == challenge
    payload2 = m.Payload(m.tai64n(SECONDS, NANOSECONDS + (1 << 24)), I_EPOCH, challenge, lanes=6, max_message=1432).pack()
    _, again = initiation(suite, I_INDEX2, I_EPHEMERAL2, payload2, cookie)

    messages = messages_of(suite, key_i, key_r)
    return {
        "comment": MADE_BY,
        "suite": suite,
        "protocol_name": SUITES[suite].protocol.decode(),
        "initiator_static_private": I_STATIC.hex(), "initiator_static_public": i_public.hex(),
        "responder_static_private": R_STATIC.hex(), "responder_static_public": r_public.hex(),
        "initiator_ephemeral_private": I_EPHEMERAL.hex(),
        "responder_ephemeral_private": R_EPHEMERAL.hex(),
        "psk": PSK.hex(),
        "initiator_index": I_INDEX, "responder_index": R_INDEX,
        "time_seconds": SECONDS, "time_nanoseconds": NANOSECONDS, "timestamp": timestamp.hex(),
        "prologue": m.prologue(init).hex(),
        "initiation_payload": i_payload.hex(), "initiation": init.hex(),
        "response_payload": r_payload.hex(), "response": resp.hex(),
        "steps": responder.state.trace,
        "handshake_hash": state.h.hex(),
        "key_initiator_to_responder": key_i.hex(), "key_responder_to_initiator": key_r.hex(),
        "cookie": {
            "secret": cookie_secret.hex(), "source_address": SOURCE.hex(), "source_port": PORT,
            "value": cookie.hex(), "salt": salt.hex(), "message": ask_cookie.hex(),
        },
        "challenge": {"value": challenge.hex(), "salt": salt.hex(), "message": ask_challenge.hex()},
        "second_initiation": {
            "comment": "carries the challenge in its payload and the cookie in its mac2",
            "index": I_INDEX2, "ephemeral_private": I_EPHEMERAL2.hex(),
            "payload": payload2.hex(), "message": again.hex(),
        },
        "messages": messages,
        "reset": {"for": messages[1]["message"],
                  "message": m.reset_for(bytes.fromhex(messages[1]["message"])).hex()},
    }


def frame_example(what, body, encoded, **fields):
    every = {"control": False, "reply": False, "length": False, "tunnel": 0, "channel": None, "address": ""}
    return {"what": what, **every, **fields, "body": body.hex(), "frame": encoded.hex()}


def valid_frames():
    v4 = bytes([192, 0, 2, 53]) + struct.pack(">H", 53)
    v6 = bytes.fromhex("20010db8000000000000000000000035") + struct.pack(">H", 53)
    plan = [
        ("direct, tunnel 0", b"data", {}),
        ("an empty datagram", b"", {}),
        ("channel 0 takes one byte", b"data", {"channel": 0}),
        ("channel 255", b"data", {"channel": 255}),
        ("channel 256 takes two", b"data", {"channel": 256}),
        ("channel 65536 takes three", b"data", {"channel": 65536}),
        ("channel 2^32 - 1 takes four", b"data", {"channel": 0xffffffff}),
        ("a reply", b"data", {"channel": 7, "reply": True}),
        ("in a bundle", b"data", {"channel": 7, "length": True}),
        ("an empty datagram in a bundle", b"", {"length": True}),
        ("tunnel 1", b"data", {"channel": 7, "tunnel": 1}),
        ("tunnel 65535, in a bundle", b"data", {"channel": 7, "tunnel": 65535, "length": True}),
        ("an IPv4 address", b"data", {"channel": 7, "address": v4}),
        ("an IPv6 address", b"data", {"channel": 7, "address": v6}),
        ("an IPv6 address without a channel", b"data", {"address": v6}),
        ("everything", b"data", {"channel": 0x01020304, "tunnel": 0x0a0b, "reply": True,
                                 "length": True, "address": v6}),
        ("PAD of 3 bytes", bytes([f.PAD, 0, 0]), {"control": True}),
        ("CLOSE from the proxy", bytes([f.CLOSE]), {"control": True, "channel": 7}),
        ("REFUSED, the customer's limit", bytes([f.REFUSED, 2]),
         {"control": True, "channel": 7, "reply": True}),
        ("UNREACHABLE, port", bytes([f.UNREACHABLE, 3, 0, 0]),
         {"control": True, "channel": 7, "reply": True}),
        ("UNREACHABLE, too big, 1372 bytes fit", bytes([f.UNREACHABLE, 5]) + struct.pack(">H", 1372),
         {"control": True, "channel": 7, "reply": True}),
        ("PING", bytes([f.PING]) + b"pingpong", {"control": True}),
        ("PONG", bytes([f.PONG]) + b"pingpong", {"control": True}),
        ("FRAGMENT, first 16 bytes", bytes([f.FRAGMENT]) + struct.pack(">IH", 0xcafe, 0x8000) + bytes(16),
         {"control": True, "channel": 7}),
        ("FRAGMENT, last, at offset 16", bytes([f.FRAGMENT]) + struct.pack(">IH", 0xcafe, 2) + b"end",
         {"control": True, "channel": 7}),
    ]
    out = []
    for what, body, kwargs in plan:
        fields = dict(kwargs)
        if "address" in fields:
            fields["address"] = fields["address"].hex()
        out.append(frame_example(what, body, f.data(body, **kwargs), **fields))
    return out


def bad_frames():
    """skipped: has a usable length, the next frame counts; lost: the rest of the message is dropped."""
    good = f.data(b"next")
    plan = [
        ("form 15", "4f0004" + b"data".hex(), "skipped"),
        ("form 15 without a length", "0f" + b"data".hex(), "lost"),
        ("tunnel 0 named", "5000060000" + b"data".hex(), "skipped"),
        ("channel 7 in two bytes", "4200060007" + b"data".hex(), "skipped"),
        ("channel 0 in two bytes", "4200060000" + b"data".hex(), "skipped"),
        ("the header is longer than the frame", "470003" + "c00002", "skipped"),
        ("length beyond the message's end", "40ffff", "lost"),
        ("half a length", "40" + "00", "lost"),
    ]
    out = []
    for what, text, outcome in plan:
        message = bytes.fromhex(text) + (good if outcome == "skipped" else b"")
        out.append({"what": what, "message": message.hex(), "outcome": outcome})
    return out


def frames_example():
    return {
        "comment": MADE_BY,
        "valid": valid_frames(),
        "bad": bad_frames(),
    }


def all_examples():
    """File name: content."""
    found = {f"sdt-example-{name}.json": handshake_example(suite) for suite, (name, *_) in SUITES.items()}
    found["sdt-example-frames.json"] = frames_example()
    return {name: json.dumps(content, indent=1) + "\n" for name, content in found.items()}


def differing():
    """Names of files that are not what they should be."""
    return [name for name, text in all_examples().items()
            if not (VECTORS / name).exists() or (VECTORS / name).read_text(encoding="ascii") != text]


def main():
    if sys.argv[1:] == ["--check"]:
        sys.exit(", ".join(differing()) + " differ" if differing() else 0)
    if sys.argv[1:]:
        sys.exit("usage: python3 -m peer.examples [--check]")
    for name, text in all_examples().items():
        (VECTORS / name).write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
