#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Customers who get ICMP errors, and somebody who forges them: scenario 55-icmp, which makes tunnels and targets.

icmp.py heard      what customers hear of targets that cannot be reached
icmp.py forged     what forged errors do, and do not

Each prints a line "ok NAME" or "not ok NAME: REASON" for each test, and "end".
"""
import ctypes
import errno
import ipaddress
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time

from inet import checksum, ip_header

IP_RECVERR, IPV6_RECVERR, IP_MTU_DISCOVER, PMTUDISC_DO = 11, 25, 10, 2
ORIGINS = {2: 4, 3: 6}
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PATIENCE = 20


def verdict(name, problem=''):
    print(f'not ok {name}: {problem}' if problem else f'ok {name}', flush=True)


def counters(node):
    text = subprocess.run(['sdtctl', '-n', node, '-j', 'stats', '--all'], stdout=subprocess.PIPE, check=True).stdout
    return {block.get('tunnel') or block.get('link') or 'node': block['counters'] for block in json.loads(text)}


def enter(namespace):
    with open(f'/run/netns/{namespace}', 'rb') as net:
        if LIBC.setns(net.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')


def endpoint(text):
    host, port = text.rsplit(':', 1)
    return ipaddress.ip_address(host.strip('[]')), int(port)


class Customer:
    """A connected socket, as any program has it."""

    def __init__(self, namespace, to, bind=None):
        enter(namespace)
        self.to, port = endpoint(to)
        v4 = self.to.version == 4
        self.socket = socket.socket(socket.AF_INET if v4 else socket.AF_INET6, socket.SOCK_DGRAM)
        self.socket.setsockopt(*((socket.IPPROTO_IP, IP_RECVERR) if v4 else (socket.IPPROTO_IPV6, IPV6_RECVERR)), 1)
        if bind:
            self.socket.bind((str(endpoint(bind)[0]), endpoint(bind)[1]))
        self.socket.connect((str(self.to), port))
        self.socket.settimeout(0)
        self.poll = select.poll()
        self.poll.register(self.socket, select.POLLIN | select.POLLERR)

    def send(self, payload):
        try:
            self.socket.send(payload)
        except OSError:
            # An error of an earlier datagram, which is in the queue as well.
            self.socket.send(payload)

    def error(self, seconds=0.0):
        """The oldest error in the queue as a dictionary; empty: none came in time."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                data, control, _, _ = self.socket.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return {}
                self.poll.poll(50)
                continue
            # What select tells is an error, too, and goes with it.
            self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            number, origin, kind, code, _, info, _ = struct.unpack_from('=IBBBBII', control[0][2])
            offender = control[0][2][16:]
            if origin == 2:
                source = ipaddress.ip_address(offender[4:8])
            else:
                source = ipaddress.ip_address(offender[8:24])
            return {'errno': errno.errorcode[number], 'family': ORIGINS.get(origin), 'kind': kind, 'code': code,
                    'info': info, 'source': source, 'data': data}

    def hears(self, what, size=16, times=40):
        """Send until an error comes; what is wrong with it."""
        for _ in range(times):
            self.send(os.urandom(size))
            found = self.error(PATIENCE / times)
            if found:
                break
        else:
            return 'no error came'
        wrong = {key: str(found[key]) for key, value in what.items() if found[key] != value}
        return f'{wrong} is not as in {what}' if wrong else ''

    def echoes(self, size=100):
        """Does a datagram come back? At once, but for those that the network loses."""
        payload = os.urandom(size)
        for _ in range(40):
            self.send(payload)
            deadline = time.monotonic() + PATIENCE / 40
            while time.monotonic() < deadline:
                self.poll.poll(50)
                try:
                    if self.socket.recv(65536) == payload:
                        return ''
                except OSError:
                    pass
        return 'nothing came back'


class Forger:
    """Writes ICMP errors of any source, about any datagram."""

    def __init__(self, namespace):
        enter(namespace)
        self.sockets = {4: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
                        6: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)}

    def send(self, source, target, kind, code, quoted_from, quoted_to, info=0, count=1):
        source, target = ipaddress.ip_address(source), ipaddress.ip_address(target)
        from_ip, from_port = endpoint(quoted_from)
        to_ip, to_port = endpoint(quoted_to)
        udp = struct.pack('>HHHH', from_port, to_port, 100, 0)
        body = struct.pack('>BBHI', kind, code, 0, info) + ip_header(from_ip, to_ip, socket.IPPROTO_UDP, 100) + udp
        v6 = target.version == 6
        protocol = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
        pseudo = source.packed + target.packed + struct.pack('>II', len(body), protocol) if v6 else b''
        body = body[:2] + struct.pack('>H', checksum(pseudo + body)) + body[4:]
        packet = ip_header(source, target, protocol, len(body)) + body
        for _ in range(count):
            self.sockets[target.version].sendto(packet, (str(target), 0))


def rises(node, block, counter, action, at_least=1):
    """Do this; the problem if the counter does not rise."""
    before = counters(node)[block][counter]
    action()
    deadline = time.monotonic() + 5
    while counters(node)[block][counter] - before < at_least:
        if time.monotonic() > deadline:
            return f'{node} {block} {counter} rose by {counters(node)[block][counter] - before} only'
        time.sleep(0.05)
    return ''


def channels(node, tunnel):
    text = subprocess.run(['sdtctl', '-n', node, '-j', 'show', 'channels'], stdout=subprocess.PIPE, check=True).stdout
    return [channel for channel in json.loads(text) if channel['tunnel'] == tunnel]


def route_mtu(node, target):
    text = subprocess.run(['ip', '-n', node, '-j', 'route', 'get', target], stdout=subprocess.PIPE, check=True).stdout
    return json.loads(text)[0].get('metrics', [{}])[0].get('mtu', 0)


PORT4 = {'errno': 'ECONNREFUSED', 'family': 4, 'kind': 3, 'code': 3}
PORT6 = {'errno': 'ECONNREFUSED', 'family': 6, 'kind': 1, 'code': 4}


def heard():
    local4, local6 = ipaddress.ip_address('10.1.0.2'), ipaddress.ip_address('fd01::2')
    remote4, remote6 = ipaddress.ip_address('10.3.0.1'), ipaddress.ip_address('fd03::1')
    for name, namespace, to, what in (
            ('a port where nobody listens, v4 to v4', 'alice', '10.1.0.2:5000', {**PORT4, 'source': local4}),
            ('v4 to v6', 'alice', '10.1.0.2:5001', {**PORT4, 'source': local4}),
            ('v6 to v4', 'alice', '[fd01::2]:5002', {**PORT6, 'source': local6}),
            ('v6 to v6', 'alice', '[fd01::2]:5003', {**PORT6, 'source': local6}),
            ('the other way, v4 to v6', 'bob', '10.3.0.1:6004', {**PORT4, 'source': remote4}),
            ('the other way, v6 to v4', 'bob', '[fd03::1]:6005', {**PORT6, 'source': remote6}),
            ('a host that is not there, v4', 'alice', '10.1.0.2:5006', {'errno': 'EHOSTUNREACH', 'kind': 3, 'code': 1}),
            ('a host that is not there, v6', 'alice', '[fd01::2]:5007', {'errno': 'EHOSTUNREACH', 'kind': 1, 'code': 3}),
            ('a firewall forbids, v4', 'alice', '10.1.0.2:5008', {'errno': 'EHOSTUNREACH', 'kind': 3, 'code': 13}),
            ('a firewall forbids, v6', 'alice', '[fd01::2]:5009', {'errno': 'EACCES', 'kind': 1, 'code': 1}),
            ('no route from the first, v4', 'alice', '10.1.0.2:5010', {'errno': 'ENETUNREACH', 'kind': 3, 'code': 0}),
    ):
        verdict(name, Customer(namespace, to).hears(what))

    # Behind bob is a link that takes 1300 bytes.
    customer = Customer('alice', '[fd01::2]:5012')
    verdict('a path that takes less: told', customer.hears({'errno': 'EMSGSIZE', 'kind': 2, 'info': 1300}, size=1400))
    verdict('a path that takes less: then it passes, in pieces', customer.echoes(1400))

    # The route is there when the customer begins, and goes.
    customer = Customer('alice', '10.1.0.2:5013')
    verdict('a route that goes: before', customer.echoes())
    subprocess.run(['ip', '-n', 'remote', 'route', 'del', '10.4.0.0/24'], check=True)
    verdict('a route that goes: told', customer.hears({'errno': 'ENETUNREACH', 'kind': 3, 'code': 0}))
    subprocess.run(['ip', '-n', 'remote', 'route', 'add', '10.4.0.0/24', 'via', '10.3.0.2'], check=True)
    verdict('a route that goes: it comes back, on the same channel', customer.echoes())
    found = len(channels('remote', 'behind4'))
    verdict('a route that goes: there was one channel', '' if found == 1 else f'{found} channels')

    # bob's end of a direct tunnel is closed: that travels nowhere. And a customer who has gone.
    direct = Customer('alice', '10.1.0.2:5011', '10.1.0.1:7011')
    verdict('direct mode: the far customer is gone: counted',
            rises('remote', 'direct', 'in-icmp', lambda: direct.send(b'x')))
    verdict('direct mode: and told to nobody', str(direct.error() or ''))
    enter('alice')
    gone = Customer('alice', '10.1.0.2:5014', '10.1.0.1:7014')
    verdict('a customer who goes: before', gone.echoes())

    def leave():
        # Answered late, when nobody is there any more.
        gone.send(b'late')
        gone.socket.close()
    verdict('a customer who goes: counted', rises('local', 'late', 'in-icmp', leave))
    verdict('a customer who goes: and may come again',
            Customer('alice', '10.1.0.2:5014', '10.1.0.1:7014').echoes())
    found = len(channels('local', 'late'))
    verdict('a customer who goes: on the same channel', '' if found == 1 else f'{found} channels')


class Flow:
    """A customer's channel, and what must not change while somebody forges."""

    def __init__(self, forger, name, tunnel, to, target):
        self.forger, self.name, self.tunnel, self.target = forger, name, tunnel, target
        self.customer = Customer('alice', to)
        verdict(f'{name}: a channel', self.customer.echoes())
        self.egress = channels('remote', tunnel)[0]['local']
        self.ip = str(endpoint(self.egress)[0])
        self.before = self.state()

    def state(self):
        kept = ('id', 'local', 'target', 'customer', 'lane')
        return [{key: channel.get(key) for key in kept} for node in ('local', 'remote')
                for channel in channels(node, self.tunnel)]

    def forge(self, source, kind, code, quoted_from=None, quoted_to=None, **more):
        self.forger.send(source, self.ip, kind, code, quoted_from or self.egress, quoted_to or self.target, **more)

    def unharmed(self, name):
        problem = self.customer.echoes()
        if not problem and self.state() != self.before:
            problem = f'{self.state()} was {self.before}'
        verdict(f'{self.name}: {name}', problem)


def forge_at_target(forger, name, tunnel, to, target, stranger, port, what):
    """Somebody in bob's network forges errors about what remote sent to bob."""
    flow = Flow(forger, name, tunnel, to, target)
    host = str(endpoint(target)[0])
    egress_port = endpoint(flow.egress)[1]
    closed = what['kind'], what['code']

    def quoted(ip, number):
        return f'[{ip}]:{number}' if ':' in ip else f'{ip}:{number}'
    before = counters('remote')[tunnel]['tx-unreachable']
    flow.forge(stranger, *closed, quoted_to=quoted(host, port + 1))
    flow.forge(stranger, *closed, quoted_to=quoted(stranger, port))
    flow.forge(stranger, *closed, quoted_from=quoted(flow.ip, egress_port ^ 1))
    flow.forge(stranger, *closed, quoted_from=quoted(flow.ip, port), quoted_to=quoted(host, egress_port))
    flow.unharmed('other ports and addresses: nothing happens')
    found = counters('remote')[tunnel]['tx-unreachable'] - before
    verdict(f'{name}: and is told to nobody', f'{found} were told' if found else str(flow.customer.error() or ''))

    flow.forge(stranger, *closed)
    found = flow.customer.error(PATIENCE)
    wrong = {key: str(found.get(key)) for key, value in what.items() if found.get(key) != value}
    verdict(f'{name}: the very ports: that customer hears it', str(wrong) if wrong else '')
    flow.unharmed('and goes on')

    before = counters('remote')[tunnel]['tx-unreachable'], counters('local')[tunnel]['tx-icmp']
    began = time.monotonic()
    verdict(f'{name}: a flood is cut short: counted', rises(
        'remote', tunnel, 'icmp-rate', lambda: flow.forge(stranger, *closed, count=300), at_least=100))
    # So many at once and so many a second.
    allowed = 10 + 10 * (time.monotonic() - began + 1)
    told = counters('remote')[tunnel]['tx-unreachable'] - before[0], counters('local')[tunnel]['tx-icmp'] - before[1]
    verdict(f'{name}: and tells little', '' if 0 < told[0] <= allowed and told[1] <= allowed else f'{told} of {allowed}')
    while flow.customer.error():
        pass
    flow.unharmed('and does no harm')


def forge_at_link(forger):
    """Somebody in the network between the nodes forges errors about what local sent to remote."""
    flow = Flow(forger, 'link', 'echo4', '10.1.0.2:5016', '10.3.0.2:5316')

    def link():
        text = subprocess.run(['sdtctl', '-n', 'local', '-j', 'show', 'links'], stdout=subprocess.PIPE, check=True).stdout
        return [(one['state'], one['endpoint']) for one in json.loads(text)]
    before = link(), counters('local')['l']['keypairs']

    def forge(kind, code, quoted_to='10.2.0.2:7380', **more):
        forger.send('10.2.0.2', '10.2.0.1', kind, code, '10.2.0.1:7380', quoted_to, **more)
    for name, kind, code in ('port', 3, 3), ('host', 3, 1), ('net', 3, 0), ('prohibited', 3, 13), ('TTL', 11, 0):
        verdict(f'link: {name} unreachable: counted', rises('local', 'l', 'rx-icmp-peer', lambda: forge(kind, code)))
    verdict('link: about a stranger: counted', rises('local', 'node', 'rx-icmp', lambda: forge(3, 3, '10.2.0.9:7380')))
    forge(3, 4, '10.2.0.9:7380', info=600)
    forge(3, 4, '10.2.0.2:7381', info=600)
    forge(3, 4, info=600)
    verdict('link: a flood is cut short', rises('local', 'node', 'rx-icmp', lambda: forge(3, 3, count=300), at_least=100))
    flow.unharmed('nothing moves')
    after = link(), counters('local')['l']['keypairs']
    verdict('link: nothing changed', '' if before == after else f'{after} was {before}')
    mtus = [route_mtu('local', target) for target in ('10.2.0.2', '10.2.0.9')]
    verdict('link: no route learned a smaller MTU', str(mtus) if any(mtus) else '')


def forged():
    bob = Forger('bob')
    forge_at_target(bob, 'v4', 'echo4', '10.1.0.2:5016', '10.3.0.2:5316', '10.3.0.9', 5316, PORT4)
    forge_at_target(bob, 'v6', 'echo6', '[fd01::2]:5017', '[fd03::2]:5317', 'fd03::9', 5317, PORT6)
    flow = Flow(bob, 'v4 without DF', 'echo4', '10.1.0.2:5016', '10.3.0.2:5316')
    verdict('v4 without DF: too big: not believed',
            rises('remote', 'echo4', 'in-icmp', lambda: flow.forge('10.3.0.9', 3, 4, info=600)))
    flow.unharmed('too big: and does no harm')
    # 5.10 believes it, as it would about any program's datagrams.
    if tuple(map(int, os.uname().release.split('.')[:2])) > (5, 10):
        verdict('v4 without DF: too big: no route learned it', str(route_mtu('remote', '10.3.0.2') or ''))
    forge_at_link(Forger('remote'))


if __name__ == '__main__':
    {'heard': heard, 'forged': forged}[sys.argv[1]]()
    print('end')
