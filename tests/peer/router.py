# SPDX-License-Identifier: GPL-2.0
"""Scenario 26-router-refusals: router mode, and a peer with the right keys that says what a node never would.

python3 -m peer.router server KEYFILE PEER-PUBLIC   proxy role, on the node local, towards the router tunnel of remote
python3 -m peer.router proxy KEYFILE PEER-PUBLIC    server role, on the node remote, towards local
"""
import base64
import ipaddress
import sys

from . import frame as f, message as m
from .bed import PATIENCE, Box, Peer, Watch, equal, sdtctl, verdict
from .crypto import CHACHAPOLY
from .frame import endpoint as address
from .node import Node


class Caller(Peer):
    """One session, begun from here."""

    def __init__(self, keyfile, public, where, to):
        with open(keyfile, encoding='ascii') as file:
            super().__init__(Node(base64.b64decode(file.read())), where, '')
        self.link = self.node.add_link(base64.b64decode(public), suite=CHACHAPOLY, endpoint=(to, m.PORT))
        self.connect(self.link)

    def send(self, *frames):
        self.link.send(*frames)
        self.flush()

    def hear(self, seconds=PATIENCE):
        """The next frame that is not of the link itself."""
        found = self.frame(seconds)
        if not found:
            raise TimeoutError('nothing came')
        return found.frame


TUNNEL, POLICY, PROHIBITED = 1, 6, 4
# What no peer may name. The tunnel allows 0.0.0.0/0 and ::/0 meanwhile.
SPECIAL = (
    ('unspecified', '0.0.0.0'), ('unspecified', '::'), ('this network', '0.1.2.3'),
    ('loopback', '127.0.0.1'), ('loopback', '127.200.1.1'), ('loopback', '::1'),
    ('link-local', '169.254.1.1'), ('link-local', 'fe80::1'),
    ('multicast', '224.0.0.1'), ('multicast', '239.1.2.3'), ('multicast', 'ff02::1'), ('multicast', 'ff0e::1'),
    ('broadcast', '255.255.255.255'),
    ('v4-mapped loopback', '::ffff:127.0.0.1'), ('v4-mapped multicast', '::ffff:224.0.0.1'),
    ('v4-compatible loopback', '::127.0.0.1'),
)
# As the scenario has configured the nodes.
OWN_REMOTE = (
    ('broadcast of a subnet', '10.3.0.255'), ('own, towards the targets', '10.3.0.1'), ('own, towards the link', '10.2.0.2'),
    ('own, on lo', '192.0.2.77'), ('own', 'fd03::1'), ('own, on lo', '2001:db8::77'), ('own, v4-mapped', '::ffff:10.3.0.1'),
    ('own, in a VRF', '10.77.0.1'),
)
OWN_LOCAL = (('broadcast of a subnet', '10.1.0.255'), ('own', '10.1.0.2'), ('own, v4-mapped', '::ffff:10.2.0.1'))


def server(peer):
    """Whether the node remote sends to where its peer says."""
    channel, watch = 0, Watch('remote')

    def write(text, port, body=b'x'):
        nonlocal channel
        channel += 1
        peer.send(f.data(body, tunnel=TUNNEL, channel=channel, address=address(text, port)))

    def refused(name, text, port):
        write(text, port)
        try:
            found = peer.hear()
        except TimeoutError:
            return verdict(name, 'it was not refused')
        # v4-mapped addresses come back as what they are
        ip = ipaddress.ip_address(text)
        ip = getattr(ip, 'ipv4_mapped', None) or ip
        wanted = f.Frame(True, True, TUNNEL, channel, address(str(ip), port), bytes([f.REFUSED, POLICY]))
        problem = '' if found == wanted else f'{found} came back, not {wanted}'
        return verdict(name, problem or watch.problem({'r.out-policy': 1}))

    def answered(name, text, port):
        write(text, port, b'hello')
        found = peer.hear()
        ip = ipaddress.ip_address(text)
        ip = getattr(ip, 'ipv4_mapped', None) or ip
        equal(name, found, f.Frame(False, True, TUNNEL, channel, address(str(ip), port), b'hello'))

    answered('what is allowed is sent, and answered', '10.3.0.2', 5300)
    answered('IPv6 too', 'fd03::2', 5300)
    answered('v4-mapped is IPv4', '::ffff:10.3.0.2', 5300)
    for name, text in SPECIAL + OWN_REMOTE:
        refused(f'refused: {name}, {text}', text, 5300)
    refused('refused: port 0', '10.3.0.2', 0)
    refused('refused: port 0 of IPv6', 'fd03::2', 0)
    # Nothing of the kernel's tables of addresses knows these: their routes say it.
    watch.again()
    for text in ('198.51.100.9', '2001:db8:9::9'):
        write(text, 5300)
        equal(f'refused: what a route says is own, {text}', peer.hear(),
              f.Frame(True, True, TUNNEL, channel, address(text, 5300), bytes([f.UNREACHABLE, PROHIBITED, 0, 0])))
    verdict('and counted so', watch.problem({'r.out-policy': 2}))
    sdtctl('remote', 'set-tunnel r allow 10.3.0.0/25:5300-5301 allow fd03::/65')
    answered('allow: an address and port of the list', '10.3.0.2', 5301)
    answered('allow: an address of IPv6', 'fd03::2', 5300)
    for name, text, port in (('outside of the prefix', '10.3.0.130', 5300), ('a port below', '10.3.0.2', 5299),
                             ('a port above', '10.3.0.2', 5302), ('outside, v4-mapped', '::ffff:10.3.0.130', 5300),
                             ('outside of the prefix', 'fd03:0:0:0:8000::2', 5300), ('of no prefix', '10.4.0.1', 5300)):
        refused(f'not in allow: {name}, {text} {port}', text, port)

    # One family a channel, roles, shapes.
    peer.send(f.data(b'x', tunnel=TUNNEL, channel=1, address=address('fd03::2', 5300)))
    peer.send(f.data(b'x', tunnel=TUNNEL, channel=1))
    peer.send(f.data(b'x', tunnel=TUNNEL, address=address('10.3.0.2', 5300)))
    peer.send(f.data(b'x', tunnel=TUNNEL, channel=1, reply=True, address=address('10.3.0.2', 5300)))
    peer.send(f.control(f.CLOSE, tunnel=TUNNEL, channel=1, address=address('10.3.0.2', 5300)))
    peer.send(f.control(f.REFUSED, b'\1', tunnel=TUNNEL, channel=1))
    verdict('frames of another shape or role', watch.problem({'r.out-role': 6}))


def proxy(peer):
    """Whose answers the node local forwards to the customer, who asked 10.3.0.2:5300 from port 7000, filter none."""
    customer, watch = Box('alice', '10.1.0.1', 7000), Watch('local')
    there = ('10.3.0.2', 5300)
    customer.send(b'hello', there)

    asked = peer.hear()
    channel = asked.channel
    equal('a frame names what the customer wrote to', asked, f.Frame(False, False, TUNNEL, channel, address(*there), b'hello'))

    def answer(text, port, body):
        peer.send(f.data(body, tunnel=TUNNEL, channel=channel, reply=True, address=address(text, port)))

    def dropped(name, counter, text, port=5300):
        watch.case(name, lambda: answer(text, port, b'forged'), **{f'r__{counter}': 1})

    answer('10.9.9.9', 99, b'stranger')
    equal('filter none: from anybody', customer.get(), (b'stranger', ('10.9.9.9', 99)))
    for name, text in SPECIAL + OWN_LOCAL:
        if not ipaddress.ip_address(text).version == 6 or getattr(ipaddress.ip_address(text), 'ipv4_mapped', None):
            dropped(f'not forged: {name}, {text}', 'out_policy', text)
    dropped('not forged: port 0', 'out_policy', '10.3.0.2', 0)
    dropped('an answer of the other family', 'out_role', 'fd03::2')
    sdtctl('local', 'set-tunnel r filter address')
    dropped('narrowed to address: not from a stranger', 'out_filter', '10.9.9.9', 99)
    dropped('narrowed to address: not from its neighbour', 'out_filter', '10.3.0.3')
    answer('10.3.0.2', 99, b'other port')
    equal('filter address: from another port', customer.get(), (b'other port', ('10.3.0.2', 99)))
    sdtctl('local', 'set-tunnel r filter address-port')
    customer.send(b'hello', there)
    peer.hear()
    dropped('narrowed to address-port: not from another port', 'out_filter', '10.3.0.2', 99)
    answer('10.3.0.2', 5300, b'target')
    equal('filter address-port: from the target', customer.get(), (b'target', ('10.3.0.2', 5300)))

    # The refusal of an address leaves the channel as it is; that of one the customer did not write to is nothing.
    before = watch.counters.read()
    peer.send(f.control(f.REFUSED, bytes([POLICY]), tunnel=TUNNEL, channel=channel, reply=True, address=address('10.3.0.2', 5300)),)
    peer.send(f.control(f.REFUSED, bytes([POLICY]), tunnel=TUNNEL, channel=channel, reply=True, address=address('10.3.0.3', 5300)),)
    answer('10.3.0.2', 5300, b'still')
    equal('the channel outlives the refusal of an address', customer.get(), (b'still', ('10.3.0.2', 5300)))
    now = watch.counters.read()
    rose = {key: now['r', key] - before['r', key] for key in ('refused-by-peer', 'channels-closed', 'channels-opened')}
    equal('refusals are heeded for what the customer wrote to', rose, {'refused-by-peer': 1, 'channels-closed': 0, 'channels-opened': 0})


def main():
    role, keyfile, public = sys.argv[1:]
    if role == 'server':
        server(Caller(keyfile, public, 'local', '10.2.0.2'))
    else:
        proxy(Caller(keyfile, public, 'remote', '10.2.0.1'))
    print('end', flush=True)


if __name__ == '__main__':
    main()
