# SPDX-License-Identifier: GPL-2.0
"""Section 3 of docs/PROTOCOL.md: primitives."""
import hashlib
import hmac
import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CHACHAPOLY, AES_GCM = 1, 2
TAG = 16


class Suite(NamedTuple):
    name: str
    protocol: bytes
    aead: type
    counter: str


SUITES = {
    CHACHAPOLY: Suite('chachapoly', b'Noise_IKpsk2_25519_ChaChaPoly_SHA256', ChaCha20Poly1305, '<Q'),
    AES_GCM: Suite('aesgcm', b'Noise_IKpsk2_25519_AESGCM_SHA256', AESGCM, '>Q'),
}

# Every X25519 public key whose shared secret is zero whatever the private key is, and the numbers above the prime that
# stand for the same.
P = 2**255 - 19
_ORDER_8 = (325606250916557431795983626356110631294008115727848805560023387167927233504,
            39382357235489614581723060781553021112529911719440698176882885853963445705823)
SMALL_ORDER = tuple(n.to_bytes(32, 'little') for n in (0, 1, *_ORDER_8, P - 1, P, P + 1))


def sha256(*parts):
    return hashlib.sha256(b''.join(parts)).digest()


def hmac256(key, *parts):
    return hmac.digest(key, b''.join(parts), 'sha256')


def hkdf(ck, ikm, n):
    temp = hmac256(ck, ikm)
    out = [hmac256(temp, b'\x01')]
    while len(out) < n:
        out.append(hmac256(temp, out[-1], bytes([len(out) + 1])))
    return out


def nonce(suite, counter):
    return bytes(4) + struct.pack(SUITES[suite].counter, counter)


def seal(suite, key, counter, ad, plaintext):
    return SUITES[suite].aead(key).encrypt(nonce(suite, counter), plaintext, ad)


def open_(suite, key, counter, ad, sealed):
    """ValueError if the tag is wrong."""
    try:
        return SUITES[suite].aead(key).decrypt(nonce(suite, counter), sealed, ad)
    except InvalidTag:
        raise ValueError('wrong tag') from None


def public(priv):
    key = X25519PrivateKey.from_private_bytes(priv).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def dh(priv, pub):
    """ValueError if the result is zero: the library sees to it."""
    return X25519PrivateKey.from_private_bytes(priv).exchange(X25519PublicKey.from_public_bytes(pub))
