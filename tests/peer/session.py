# SPDX-License-Identifier: GPL-2.0
"""Section 5 of docs/PROTOCOL.md: a keypair with its counters and windows."""
from . import crypto, message as m

WINDOW = 8192


class Drop(Exception):
    """A message that is dropped; the reason is the name of the module's counter."""

    @property
    def reason(self):
        return self.args[0]


class Window:
    """5.3"""

    def __init__(self):
        self.greatest, self.seen = -1, set()

    def check(self, counter):
        if counter <= self.greatest - WINDOW:
            raise Drop('rx-old')
        if counter in self.seen:
            raise Drop('rx-replay')

    def accept(self, counter):
        """Whether it is the greatest now."""
        self.check(counter)
        self.seen.add(counter)
        if counter < self.greatest:
            return False
        self.greatest = counter
        if len(self.seen) > 2 * WINDOW:
            self.seen = {c for c in self.seen if c > counter - WINDOW}
        return True


class Keypair:
    def __init__(self, suite, keys, initiator, local_index, remote_index, made=0.0):
        self.suite, self.initiator, self.made = suite, initiator, made
        self.send_key, self.receive_key = keys if initiator else reversed(keys)
        self.local_index, self.remote_index = local_index, remote_index
        self.confirmed = initiator
        self.counters, self.windows = [0] * 16, [Window() for _ in range(16)]
        self.lanes, self.max_message = 1, m.MAX_MESSAGE
        self.own_epoch = self.peer_epoch = 0
        self.peer_configured = False
        self.sent_data = self.heard_data = False
        # Lanes on which a message was authenticated, and those that were told of us.
        self.heard, self.told = set(), set()
        self.source = None

    def seal(self, *frames, lane=0, counter=None):
        """A data message; one with a counter of its own is for attacks, and leaves the lane's counter as it is."""
        if counter is None:
            counter = self.counters[lane]
            if counter > m.COUNTER_MAX:
                raise ValueError('the lane is at its end')
            self.counters[lane] += 1
        header = m.data_header(lane, self.remote_index, counter)
        return header + crypto.seal(self.suite, self.send_key, lane << 56 | counter, header, b''.join(frames))

    def open(self, message):
        """(lane, whether the counter is the lane's greatest, frames), or Drop."""
        lane, counter = message[0] & 0x0f, int.from_bytes(message[4:8], 'big')
        if lane >= self.lanes:
            raise Drop('rx-lane')
        try:
            text = crypto.open_(self.suite, self.receive_key, lane << 56 | counter, message[:8], message[8:])
        except ValueError:
            raise Drop('rx-tag') from None
        return lane, self.windows[lane].accept(counter), text
