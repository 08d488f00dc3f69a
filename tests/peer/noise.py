# SPDX-License-Identifier: GPL-2.0
"""Sections 4.1 to 4.5 of docs/PROTOCOL.md: Noise_IKpsk2, either side."""
import copy
import os

from . import crypto
from .crypto import SUITES, hkdf, public, sha256


class Symmetric:
    """4.1 and 4.2. `trace` keeps every step, for the examples."""

    def __init__(self, suite, prologue, responder_public):
        name = SUITES[suite].protocol
        self.suite = suite
        self.h = name.ljust(32, b'\0') if len(name) <= 32 else sha256(name)
        self.ck = self.h
        self.k = None
        self.trace = []
        self.mix_hash('prologue', prologue)
        self.mix_hash('responder static', responder_public)

    def _note(self, step):
        self.trace.append({'step': step, 'h': self.h.hex(), 'ck': self.ck.hex(), 'k': self.k.hex() if self.k else ''})

    def mix_hash(self, step, data):
        self.h = sha256(self.h, data)
        self._note(step)

    def mix_key(self, step, ikm):
        self.ck, self.k = hkdf(self.ck, ikm, 2)
        self._note(step)

    def mix_key_and_hash(self, step, ikm):
        self.ck, temp, self.k = hkdf(self.ck, ikm, 3)
        self.h = sha256(self.h, temp)
        self._note(step)

    def mix_ephemeral(self, pub):
        self.h = sha256(self.h, pub)
        self.ck, self.k = hkdf(self.ck, pub, 2)
        self._note('e')

    def encrypt_and_hash(self, step, plaintext):
        sealed = crypto.seal(self.suite, self.k, 0, self.h, plaintext)
        self.mix_hash(step, sealed)
        return sealed

    def decrypt_and_hash(self, step, sealed):
        plaintext = crypto.open_(self.suite, self.k, 0, self.h, sealed)
        self.mix_hash(step, sealed)
        return plaintext

    def split(self):
        return hkdf(self.ck, b'', 2)


class Initiator:
    """4.3, and the other half of 4.4. Another `dh` or `ephemeral_public` than the true ones is for attacks."""

    def __init__(self, suite, static, peer_public, prologue, ephemeral=None, ephemeral_public=None, dh=crypto.dh):
        self.static, self.peer_public, self.dh = static, peer_public, dh
        self.ephemeral = ephemeral or os.urandom(32)
        self.ephemeral_public = ephemeral_public or public(self.ephemeral)
        self.state = Symmetric(suite, prologue, peer_public)

    def write(self, payload):
        s = self.state
        s.mix_ephemeral(self.ephemeral_public)
        s.mix_key('es', self.dh(self.ephemeral, self.peer_public))
        sealed = s.encrypt_and_hash('s', public(self.static))
        s.mix_key('ss', self.dh(self.static, self.peer_public))
        return self.ephemeral_public + sealed + s.encrypt_and_hash('payload', payload)

    def read(self, body, psk):
        """Payload and final state. ValueError leaves the handshake as it was."""
        s, ephemeral = copy.deepcopy(self.state), body[:32]
        s.mix_ephemeral(ephemeral)
        s.mix_key('ee', self.dh(self.ephemeral, ephemeral))
        s.mix_key('se', self.dh(self.static, ephemeral))
        s.mix_key_and_hash('psk', psk)
        return s.decrypt_and_hash('payload', body[32:]), s


class Responder:
    """The other half of 4.3, and 4.4."""

    def __init__(self, suite, static, prologue, dh=crypto.dh):
        self.static, self.dh = static, dh
        self.state = Symmetric(suite, prologue, public(static))
        self.peer_ephemeral = self.peer_public = None

    def read(self, body):
        """Payload; peer_public tells whose. ValueError if it does not verify."""
        s, self.peer_ephemeral = self.state, body[:32]
        s.mix_ephemeral(self.peer_ephemeral)
        s.mix_key('es', self.dh(self.static, self.peer_ephemeral))
        self.peer_public = s.decrypt_and_hash('s', body[32:80])
        s.mix_key('ss', self.dh(self.static, self.peer_public))
        return s.decrypt_and_hash('payload', body[80:])

    def write(self, payload, psk, ephemeral=None, ephemeral_public=None):
        s, ephemeral = self.state, ephemeral or os.urandom(32)
        out = ephemeral_public or public(ephemeral)
        s.mix_ephemeral(out)
        s.mix_key('ee', self.dh(ephemeral, self.peer_ephemeral))
        s.mix_key('se', self.dh(ephemeral, self.peer_public))
        s.mix_key_and_hash('psk', psk)
        return out + s.encrypt_and_hash('payload', payload)
