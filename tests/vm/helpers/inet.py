# SPDX-License-Identifier: GPL-2.0
"""Internet headers, made by hand."""
import socket
import struct


def checksum(data):
    """RFC 1071"""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip_header(source, target, protocol, length, ident=0, flags=0):
    """In front of so many bytes; `flags` with the fragment's offset, of IPv4 alone."""
    v6 = ':' in str(source)
    addresses = b''.join(socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, str(ip)) for ip in (source, target))
    if v6:
        return struct.pack('>IHBB', 6 << 28, length, protocol, 64) + addresses
    head = struct.pack('>BBHHHBBH', 0x45, 0, 20 + length, ident, flags, 64, protocol, 0) + addresses
    return head[:10] + struct.pack('>H', checksum(head)) + head[12:]
