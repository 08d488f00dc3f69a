#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Worked examples of the SDT wire protocol, from docs/PROTOCOL.md alone.

An implementation of its own: it shares no line with the module and is read
beside the text, whose sections the comments name. All keys are fixed, so the
output never changes.

    make_example.py            write sdt-example-{chachapoly,aesgcm,frames}.json beside this file
    make_example.py --check    compare them with what would be written; exit 1 if they differ

Either way the Noise part first has to reproduce the published vectors in
noise-ikpsk2-25519-sha256.json. Needs python3-cryptography.
"""

import hashlib
import hmac
import json
import pathlib
import struct
import sys

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = pathlib.Path(__file__).resolve().parent

CHACHAPOLY, AESGCM_SUITE = 1, 2
SUITES = {
    CHACHAPOLY: ("chachapoly", b"Noise_IKpsk2_25519_ChaChaPoly_SHA256", ChaCha20Poly1305, "<Q"),
    AESGCM_SUITE: ("aesgcm", b"Noise_IKpsk2_25519_AESGCM_SHA256", AESGCM, ">Q"),
}
INITIATION, RESPONSE, COOKIE, DATA, RESET = 1, 2, 3, 4, 5
VERSION = 1


# ------- 3  primitives -------

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def hmac256(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def hkdf(ck, ikm, n):
    temp = hmac256(ck, ikm)
    out = [hmac256(temp, b"\x01")]
    while len(out) < n:
        out.append(hmac256(temp, out[-1], bytes([len(out) + 1])))
    return out


def nonce(suite, counter):
    return bytes(4) + struct.pack(SUITES[suite][3], counter)


def seal(suite, key, counter, ad, plaintext):
    return SUITES[suite][2](key).encrypt(nonce(suite, counter), plaintext, ad)


def open_(suite, key, counter, ad, sealed):
    return SUITES[suite][2](key).decrypt(nonce(suite, counter), sealed, ad)


def public(priv):
    key = X25519PrivateKey.from_private_bytes(priv).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def dh(priv, pub):
    # cryptography itself refuses an all-zero result
    return X25519PrivateKey.from_private_bytes(priv).exchange(X25519PublicKey.from_public_bytes(pub))


# ------- 4  handshake -------

class Handshake:
    """4.1 symmetric state, 4.2 start, 4.3 first message, 4.4 second message, 4.5 keys."""

    def __init__(self, suite, prologue, responder_public):
        name = SUITES[suite][1]
        self.suite = suite
        self.h = name.ljust(32, b"\0") if len(name) <= 32 else sha256(name)
        self.ck = self.h
        self.k = None
        self.trace = []
        self.mix_hash("prologue", prologue)
        self.mix_hash("responder static", responder_public)

    def note(self, step):
        self.trace.append({"step": step, "h": self.h.hex(), "ck": self.ck.hex(),
                           "k": self.k.hex() if self.k else ""})

    def mix_hash(self, step, data):
        self.h = sha256(self.h, data)
        self.note(step)

    def mix_key(self, step, ikm):
        self.ck, self.k = hkdf(self.ck, ikm, 2)
        self.note(step)

    def mix_key_and_hash(self, step, ikm):
        self.ck, temp, self.k = hkdf(self.ck, ikm, 3)
        self.h = sha256(self.h, temp)
        self.note(step)

    def mix_ephemeral(self, pub):
        self.h = sha256(self.h, pub)
        self.ck, self.k = hkdf(self.ck, pub, 2)
        self.note("e")

    def encrypt_and_hash(self, step, plaintext):
        sealed = seal(self.suite, self.k, 0, self.h, plaintext)
        self.mix_hash(step, sealed)
        return sealed

    def decrypt_and_hash(self, step, sealed):
        plaintext = open_(self.suite, self.k, 0, self.h, sealed)
        self.mix_hash(step, sealed)
        return plaintext

    def split(self):
        return hkdf(self.ck, b"", 2)


def write_first(suite, prologue, s, e, rs, payload):
    hs = Handshake(suite, prologue, rs)
    out = public(e)
    hs.mix_ephemeral(out)
    hs.mix_key("es", dh(e, rs))
    out += hs.encrypt_and_hash("s", public(s))
    hs.mix_key("ss", dh(s, rs))
    out += hs.encrypt_and_hash("payload", payload)
    return hs, out


def read_first(suite, prologue, s, message):
    hs = Handshake(suite, prologue, public(s))
    re = message[:32]
    hs.mix_ephemeral(re)
    hs.mix_key("es", dh(s, re))
    rs = hs.decrypt_and_hash("s", message[32:80])
    hs.mix_key("ss", dh(s, rs))
    return hs, re, rs, hs.decrypt_and_hash("payload", message[80:])


def write_second(hs, e, re, rs, psk, payload):
    out = public(e)
    hs.mix_ephemeral(out)
    hs.mix_key("ee", dh(e, re))
    hs.mix_key("se", dh(e, rs))
    hs.mix_key_and_hash("psk", psk)
    return out + hs.encrypt_and_hash("payload", payload)


def read_second(hs, s, e, psk, message):
    re = message[:32]
    hs.mix_ephemeral(re)
    hs.mix_key("ee", dh(e, re))
    hs.mix_key("se", dh(s, re))
    hs.mix_key_and_hash("psk", psk)
    return hs.decrypt_and_hash("payload", message[32:])


def prove_noise():
    """The pattern against vectors that others made."""
    path = HERE / "noise-ikpsk2-25519-sha256.json"
    names = {name.decode(): suite for suite, (_, name, _, _) in SUITES.items()}
    proved = 0
    for vector in json.loads(path.read_text())["vectors"]:
        v = {k: bytes.fromhex(x) for k, x in vector.items() if isinstance(x, str) and k != "protocol_name"}
        psk = bytes.fromhex(vector["init_psks"][0])
        messages = [(bytes.fromhex(m["payload"]), bytes.fromhex(m["ciphertext"]))
                    for m in vector["messages"]]
        suite = names[vector["protocol_name"]]

        hs, out = write_first(suite, v["init_prologue"], v["init_static"], v["init_ephemeral"],
                              v["init_remote_static"], messages[0][0])
        assert out == messages[0][1]
        other, re, rs, payload = read_first(suite, v["resp_prologue"], v["resp_static"], out)
        assert payload == messages[0][0] and rs == public(v["init_static"])
        out = write_second(other, v["resp_ephemeral"], re, rs, psk, messages[1][0])
        assert out == messages[1][1]
        assert read_second(hs, v["init_static"], v["init_ephemeral"], psk, out) == messages[1][0]
        assert hs.h == other.h == v["handshake_hash"]
        keys = hs.split()
        for n, (payload, sealed) in enumerate(messages[2:]):
            assert seal(suite, keys[n % 2], n // 2, b"", payload) == sealed
        proved += 1
    assert proved >= 2


# ------- 4.6 to 4.8, 5  messages -------

def tai64n(seconds, nanoseconds):
    return struct.pack(">QI", 0x400000000000000a + seconds, nanoseconds & 0xff000000)


def payload_of(timestamp, epoch, challenge=bytes(16), features=0, lanes=1, max_message=1432):
    out = timestamp + struct.pack(">Q", epoch) + challenge + \
        struct.pack(">IBBH", features, lanes, 0, max_message) + bytes(12)
    assert len(out) == 56
    return out


def add_macs(message, receiver_public, cookie=None):
    message += hmac256(sha256(b"sdt1-mac1", receiver_public), message)[:16]
    return message + (hmac256(cookie, message)[:16] if cookie else bytes(16))


def initiation(suite, index, s, e, rs, payload, cookie=None):
    header = struct.pack(">BBBBI", INITIATION << 4, VERSION, suite, 0, index)
    hs, body = write_first(suite, b"SDT1" + header, s, e, rs, payload)
    message = add_macs(header + body, rs, cookie)
    assert len(message) == 192
    return hs, message


def response(suite, index, receiver_index, hs, e, re, rs, psk, epoch, lanes, max_message):
    header = struct.pack(">BBBBII", RESPONSE << 4, VERSION, suite, 0, index, receiver_index)
    payload = payload_of(header, epoch, lanes=lanes, max_message=max_message)
    message = add_macs(header + write_second(hs, e, re, rs, psk, payload), rs)
    assert len(message) == 148
    return message


def cookie_value(secret, address, port):
    """@address: 16 bytes, IPv4 as ::ffff:a.b.c.d"""
    return hmac256(secret, address, struct.pack(">H", port))[:16]


def type3(suite, what, receiver_index, salt, sender_public, mac1, value):
    head = struct.pack(">BBBBI", COOKIE << 4, VERSION, suite, what, receiver_index) + salt
    k = hmac256(sha256(b"sdt1-cookie", sender_public), mac1, head)
    head += bytes(a ^ b for a, b in zip(value, k[:16]))
    message = head + hmac256(k[16:], head)[:16]
    assert len(message) == 64
    return message


def read_type3(message, sender_public, mac1):
    k = hmac256(sha256(b"sdt1-cookie", sender_public), mac1, message[:32])
    assert hmac.compare_digest(message[48:], hmac256(k[16:], message[:48])[:16])
    return bytes(a ^ b for a, b in zip(message[32:48], k[:16]))


def data(suite, key, lane, receiver_index, counter, frames):
    header = struct.pack(">II", DATA << 28 | lane << 24 | receiver_index, counter)
    return header + seal(suite, key, lane << 56 | counter, header, frames)


def reset_for(message):
    return bytes([RESET << 4 | message[0] & 0x0f]) + message[1:8]


# ------- 6  frames -------

def frame(body, control=False, reply=False, length=False, tunnel=0, channel=None, address=b""):
    chlen = 0 if channel is None else max(1, (channel.bit_length() + 7) // 8)
    af = {0: 0, 6: 1, 18: 2}[len(address)]
    tail = struct.pack(">H", tunnel) if tunnel else b""
    tail += channel.to_bytes(chlen, "big") if chlen else b""
    tail += address + body
    first = control << 7 | length << 6 | reply << 5 | bool(tunnel) << 4 | (chlen + 5 * af)
    return bytes([first]) + (struct.pack(">H", len(tail)) if length else b"") + tail


def control(op, operands=b"", **kwargs):
    return frame(bytes([op]) + operands, control=True, **kwargs)


PAD, FRAGMENT, CLOSE, REFUSED, UNREACHABLE, PING, PONG = range(7)


# ------- the examples -------

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
    small = [frame(b"a", channel=7, length=True), frame(b"bb", channel=300, length=True),
             frame(b"ccc", channel=7)]
    ping = b"pingpong"
    plan = [
        ("initiator", 0, 0, "keepalive: confirms the keypair at the responder", b""),
        ("initiator", 0, 1, "server mode, tunnel 0, channel 0: a customer's first datagram",
         frame(query, channel=0)),
        ("responder", 0, 0, "the answer on the same channel", frame(b"answer", channel=0, reply=True)),
        ("initiator", 5, 0, "lane 5: a bundle of three datagrams", b"".join(small)),
        ("initiator", 0, 2, "direct mode, tunnel 0: an empty datagram", frame(b"")),
        ("responder", 5, 0xfffffffe, "lane 5, greatest counter that is sent: direct mode, tunnel 513",
         frame(b"direct", tunnel=513)),
        ("initiator", 1, 0, "PING with padding", control(PING, ping, length=True) + control(PAD, bytes(20))),
        ("responder", 1, 0, "PONG", control(PONG, ping)),
        ("responder", 0, 1, "the server closes channel 300 of tunnel 2",
         control(CLOSE, reply=True, tunnel=2, channel=300)),
    ]
    out = []
    for who, lane, counter, what, frames in plan:
        key, index = (key_i, R_INDEX) if who == "initiator" else (key_r, I_INDEX)
        message = data(suite, key, lane, index, counter, frames)
        assert open_(suite, key, lane << 56 | counter, message[:8], message[8:]) == frames
        out.append({"what": what, "sender": who, "lane": lane, "counter": counter,
                    "nonce": nonce(suite, lane << 56 | counter).hex(),
                    "frames": frames.hex(), "message": message.hex()})
    return out


def handshake_example(suite):
    i_public, r_public = public(I_STATIC), public(R_STATIC)
    timestamp = tai64n(SECONDS, NANOSECONDS)
    i_payload = payload_of(timestamp, I_EPOCH, lanes=6, max_message=1432)

    i_hs, init = initiation(suite, I_INDEX, I_STATIC, I_EPHEMERAL, r_public, i_payload)
    r_hs, re, rs, opened = read_first(suite, b"SDT1" + init[:8], R_STATIC, init[8:160])
    assert opened == i_payload and rs == i_public

    resp = response(suite, R_INDEX, I_INDEX, r_hs, R_EPHEMERAL, re, rs, PSK, R_EPOCH,
                    lanes=16, max_message=1400)
    r_payload = read_second(i_hs, I_STATIC, I_EPHEMERAL, PSK, resp[12:116])
    assert r_payload[:12] == resp[:12]
    key_i, key_r = i_hs.split()
    assert [key_i, key_r] == r_hs.split() and i_hs.h == r_hs.h
    # under load the responder asks for a cookie, or it finds the timestamp stale and challenges
    cookie_secret, salt = secret(b"cookie secret"), secret(b"salt")[:24]
    cookie = cookie_value(cookie_secret, SOURCE, PORT)
    challenge = secret(b"challenge")[:16]
    mac1 = init[160:176]
    ask_cookie = type3(suite, 1, I_INDEX, salt, r_public, mac1, cookie)
    ask_challenge = type3(suite, 2, I_INDEX, salt, r_public, mac1, challenge)
    assert read_type3(ask_cookie, r_public, mac1) == cookie
    assert read_type3(ask_challenge, r_public, mac1) == challenge
    payload2 = payload_of(tai64n(SECONDS, NANOSECONDS + (1 << 24)), I_EPOCH, challenge,
                          lanes=6, max_message=1432)
    _, again = initiation(suite, I_INDEX2, I_STATIC, I_EPHEMERAL2, r_public, payload2, cookie)

    messages = messages_of(suite, key_i, key_r)
    return {
        "comment": "made by make_example.py from docs/PROTOCOL.md; all byte strings in hexadecimal",
        "suite": suite,
        "protocol_name": SUITES[suite][1].decode(),
        "initiator_static_private": I_STATIC.hex(), "initiator_static_public": i_public.hex(),
        "responder_static_private": R_STATIC.hex(), "responder_static_public": r_public.hex(),
        "initiator_ephemeral_private": I_EPHEMERAL.hex(),
        "responder_ephemeral_private": R_EPHEMERAL.hex(),
        "psk": PSK.hex(),
        "initiator_index": I_INDEX, "responder_index": R_INDEX,
        "time_seconds": SECONDS, "time_nanoseconds": NANOSECONDS, "timestamp": timestamp.hex(),
        "prologue": (b"SDT1" + init[:8]).hex(),
        "initiation_payload": i_payload.hex(), "initiation": init.hex(),
        "response_payload": r_payload.hex(), "response": resp.hex(),
        "steps": r_hs.trace,
        "handshake_hash": i_hs.h.hex(),
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
                  "message": reset_for(bytes.fromhex(messages[1]["message"])).hex()},
    }


def frame_example(what, body, encoded, **fields):
    f = {"control": False, "reply": False, "length": False, "tunnel": 0, "channel": None, "address": ""}
    f.update(fields)
    return {"what": what, **f, "body": body.hex(), "frame": encoded.hex()}


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
        ("PAD of 3 bytes", bytes([PAD, 0, 0]), {"control": True}),
        ("CLOSE from the proxy", bytes([CLOSE]), {"control": True, "channel": 7}),
        ("REFUSED, the customer's limit", bytes([REFUSED, 2]),
         {"control": True, "channel": 7, "reply": True}),
        ("UNREACHABLE, port", bytes([UNREACHABLE, 3, 0, 0]),
         {"control": True, "channel": 7, "reply": True}),
        ("UNREACHABLE, too big, 1372 bytes fit", bytes([UNREACHABLE, 5]) + struct.pack(">H", 1372),
         {"control": True, "channel": 7, "reply": True}),
        ("PING", bytes([PING]) + b"pingpong", {"control": True}),
        ("PONG", bytes([PONG]) + b"pingpong", {"control": True}),
        ("FRAGMENT, first 16 bytes", bytes([FRAGMENT]) + struct.pack(">IH", 0xcafe, 0x8000) + bytes(16),
         {"control": True, "channel": 7}),
        ("FRAGMENT, last, at offset 16", bytes([FRAGMENT]) + struct.pack(">IH", 0xcafe, 2) + b"end",
         {"control": True, "channel": 7}),
    ]
    out = []
    for what, body, kwargs in plan:
        fields = dict(kwargs)
        if "address" in fields:
            fields["address"] = fields["address"].hex()
        out.append(frame_example(what, body, frame(body, **kwargs), **fields))
    return out


def bad_frames():
    """skipped: has a usable length, the next frame counts; lost: the rest of the message is dropped."""
    good = frame(b"next")
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
        "comment": "made by make_example.py from docs/PROTOCOL.md; all byte strings in hexadecimal",
        "valid": valid_frames(),
        "bad": bad_frames(),
    }


def main():
    prove_noise()
    examples = {f"sdt-example-{name}.json": handshake_example(suite)
                for suite, (name, _, _, _) in SUITES.items()}
    examples["sdt-example-frames.json"] = frames_example()
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(f"usage: {sys.argv[0]} [--check]")
    wrong = 0
    for name, content in examples.items():
        path, text = HERE / name, json.dumps(content, indent=1) + "\n"
        if not check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{name}: differs", file=sys.stderr)
            wrong = 1
    sys.exit(wrong)


if __name__ == "__main__":
    main()
