#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""rawnl.py: requests to the module as no sane tool would send them; each must be refused with a sentence. KTAP lines
without a plan: NAME, then "ok" or what happened instead, separated by a tab."""

import errno
import socket
import struct
import sys

NETLINK_GENERIC, SOL_NETLINK, EXT_ACK, CAP_ACK = 16, 270, 11, 10
NESTED = 0x8000
NODE, LINK, TUNNEL = 1, 2, 3
NODE_GET, NODE_SET, LINK_GET, LINK_ADD, LINK_SET, TUNNEL_ADD = 1, 2, 3, 4, 5, 8


def attr(kind, data):
    size = 4 + len(data)
    return struct.pack("HH", size, kind) + data + bytes(-size % 4)


def nest(kind, *inner):
    return attr(kind | NESTED, b"".join(inner))


def u8(kind, value):
    return attr(kind, struct.pack("B", value))


def u16(kind, value):
    return attr(kind, struct.pack("H", value))


def u32(kind, value):
    return attr(kind, struct.pack("I", value))


def text(kind, value):
    return attr(kind, value.encode() + b"\0")


class Netlink:
    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.sock.bind((0, 0))
        self.sock.setsockopt(SOL_NETLINK, EXT_ACK, 1)
        self.sock.setsockopt(SOL_NETLINK, CAP_ACK, 1)
        self.family = 16
        answer = self.ask(3, text(2, "sdt"), flags=1)
        offset = 20
        while offset < len(answer):
            size, kind = struct.unpack_from("HH", answer, offset)
            if kind == 1:
                self.family = struct.unpack_from("H", answer, offset + 4)[0]
            offset += (size + 3) & ~3

    def ask(self, cmd, payload, flags=5):
        body = struct.pack("BBH", cmd, 1, 0) + payload
        self.sock.send(struct.pack("IHHII", 16 + len(body), self.family, flags, 1, 0) + body)
        return self.sock.recv(65536)

    def verdict(self, cmd, payload, flags=5):
        """errno, and the sentence that came with it"""
        data = self.ask(cmd, payload, flags)
        kind, got = struct.unpack_from("HH", data, 4)
        if kind != 2:
            return 0, "an answer"
        code = -struct.unpack_from("i", data, 16)[0]
        offset, sentence = 16 + 20, ""
        while got & 0x200 and offset < len(data):
            size, attribute = struct.unpack_from("HH", data, offset)
            if attribute == 1:
                sentence = data[offset + 4:offset + size].rstrip(b"\0").decode()
            offset += (size + 3) & ~3
        return code, sentence


KEY = bytes(range(1, 33))
NAME, LINK_KEY = text(2, "raw"), attr(3, KEY)
TUNNEL_NAME, TUNNEL_LINK = text(2, "raw"), text(3, "raw")

CASES = [
    ("an attribute that the header does not have", LINK_ADD, nest(LINK, NAME, LINK_KEY, u32(99, 1))),
    ("a nest that the command does not take", LINK_ADD, nest(LINK, NAME, LINK_KEY) + nest(NODE, u32(6, 1))),
    ("a nest without the flag of one", LINK_ADD, attr(LINK, NAME + LINK_KEY)),
    ("no nest at all", LINK_ADD, b""),
    ("an empty nest", LINK_ADD, nest(LINK)),
    ("no name", LINK_ADD, nest(LINK, LINK_KEY)),
    ("a name without its end", LINK_ADD, nest(LINK, attr(2, b"raw"), LINK_KEY)),
    ("a name that is too long", LINK_ADD, nest(LINK, text(2, "a" * 32), LINK_KEY)),
    ("an empty name", LINK_ADD, nest(LINK, text(2, ""), LINK_KEY)),
    ("a name with a line's end", LINK_ADD, nest(LINK, text(2, "a\nb"), LINK_KEY)),
    ("no key", LINK_ADD, nest(LINK, NAME)),
    ("a key of 31 bytes", LINK_ADD, nest(LINK, NAME, attr(3, KEY[:31]))),
    ("a key of 33 bytes", LINK_ADD, nest(LINK, NAME, attr(3, KEY + b"x"))),
    ("a read-only attribute", LINK_ADD, nest(LINK, NAME, LINK_KEY, u8(16, 2))),
    ("lanes of four bytes", LINK_ADD, nest(LINK, NAME, LINK_KEY, u32(7, 2))),
    ("no lanes", LINK_ADD, nest(LINK, NAME, LINK_KEY, u8(7, 0))),
    ("seventeen lanes", LINK_ADD, nest(LINK, NAME, LINK_KEY, u8(7, 17))),
    ("cipher 3", LINK_ADD, nest(LINK, NAME, LINK_KEY, u8(6, 3))),
    ("dscp 64", LINK_ADD, nest(LINK, NAME, LINK_KEY, u8(14, 64))),
    ("a peer of two families", LINK_ADD,
     nest(LINK, NAME, LINK_KEY, nest(4, u32(1, 0x0100000A), attr(2, bytes(15) + b"\1"), u16(3, 1)))),
    ("a peer without a port", LINK_ADD, nest(LINK, NAME, LINK_KEY, nest(4, u32(1, 0x0100000A)))),
    ("a multicast peer", LINK_ADD, nest(LINK, NAME, LINK_KEY, nest(4, u32(1, 0x010000E0), u16(3, 1)))),
    ("a mapped peer", LINK_ADD,
     nest(LINK, NAME, LINK_KEY, nest(4, attr(2, bytes(10) + b"\xff\xff\x0a\0\0\1"), u16(3, 1)))),
    ("a link-local peer without its interface", LINK_ADD,
     nest(LINK, NAME, LINK_KEY, nest(4, attr(2, b"\xfe\x80" + bytes(13) + b"\1"), u16(3, 1)))),
    ("a source with a port", LINK_ADD, nest(LINK, NAME, LINK_KEY, nest(9, u32(1, 0x0100000A), u16(3, 1)))),
    ("a private key of 16 bytes", NODE_SET, nest(NODE, attr(3, KEY[:16]))),
    ("a public key to set", NODE_SET, nest(NODE, attr(4, KEY))),
    ("a flag with a value", NODE_SET, nest(NODE, u8(10, 1))),
    ("reset 3", NODE_SET, nest(NODE, u8(11, 3))),
    ("node-get with an attribute", NODE_GET, nest(NODE, u32(6, 1))),
    ("a link that is not there", LINK_GET, nest(LINK, text(2, "nowhere"))),
    ("link-get without a name", LINK_GET, b""),
    ("link-set without a name", LINK_SET, nest(LINK, u8(7, 1))),
    ("a tunnel whose link has another name", TUNNEL_ADD,
     nest(LINK, text(2, "other"), LINK_KEY) + nest(TUNNEL, TUNNEL_NAME, TUNNEL_LINK, u8(5, 2))),
    ("a tunnel without a link", TUNNEL_ADD, nest(TUNNEL, TUNNEL_NAME, u8(5, 2))),
    ("mode 0", TUNNEL_ADD, nest(TUNNEL, TUNNEL_NAME, TUNNEL_LINK, u8(5, 0))),
    ("one end of the egress ports", TUNNEL_ADD, nest(TUNNEL, TUNNEL_NAME, TUNNEL_LINK, u8(5, 2), u16(16, 5))),
    ("egress ports the wrong way round", TUNNEL_ADD,
     nest(TUNNEL, TUNNEL_NAME, TUNNEL_LINK, u8(5, 2), u16(16, 6), u16(17, 5))),
]


def main():
    netlink = Netlink()
    bad = 0
    for name, cmd, payload in CASES:
        code, sentence = netlink.verdict(cmd, payload)
        good = code and sentence
        bad += not good
        print(f"{name}\t{'ok' if good else errno.errorcode.get(code, code)}\t{sentence}")
    # After all of it the family still answers.
    code, _ = netlink.verdict(NODE_GET, b"")
    print(f"the family still answers\t{'ok' if not code else code}\t")
    return 1 if bad or code else 0


if __name__ == "__main__":
    sys.exit(main())
