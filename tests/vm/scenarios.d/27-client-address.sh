#!/bin/bash
# programs: unbound kdig
# packages: unbound knot-dnsutils
# files: tests/vm/helpers/sdt.sh tests/vm/helpers/who.py tests/vm/helpers/who.sh
# timeout: 300
#
# What the target learns of the customer by the PROXY protocol: a header before the first datagram, or before each. Both
# ends have to agree, also when that changes under traffic. Whom a peer may name, and whom not. unbound logs who asks.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh
# shellcheck source=../helpers/who.sh
. /t/who.sh

nodes
ip -n local -batch - <<'END'
link set to-remote mtu 65535
addr add 10.1.0.22/24 dev to-alice
END
ip -n remote link set to-local mtu 65535
link
on local <<'END'
add-tunnel four link l id 1 mode server listen 10.1.0.2:5001 client-address proxy-v2
add-tunnel six link l id 2 mode server listen [fd01::2]:5002 client-address proxy-v2
add-tunnel every link l id 3 mode server listen :5003 client-address proxy-v2-every
add-tunnel back link l id 4 mode server target 10.1.0.1:5400 client-address proxy-v2
add-tunnel real link l id 5 mode server listen :5005 idle 300
add-tunnel stream link l id 6 mode stream listen :5006 client-address proxy-v2-every
END
on remote <<'END'
add-tunnel four link l id 1 mode server target 10.3.0.2:5300 client-address proxy-v2
add-tunnel six link l id 2 mode server target [fd03::2]:5300 client-address proxy-v2
add-tunnel every link l id 3 mode server target 10.3.0.2:5300 client-address proxy-v2-every
add-tunnel back link l id 4 mode server listen 10.3.0.1:6004 client-address proxy-v2
add-tunnel real link l id 5 mode server target 10.3.0.2:5300
add-tunnel stream link l id 6 mode stream target 10.3.0.2:5301 client-address proxy-v2-every
END
link_up local remote
who_serves bob 10.3.0.2:5300 10.3.0.2:5301 '[fd03::2]:5300'
who_serves alice 10.1.0.1:5400
customers alice bob local
check 'the targets listen' await 10 listening bob udp 5301
check 'on both sides' await 10 listening alice udp 5400

# "Unheard" must reach nobody.

# --- the header

told 'proxy-v2: a header before the first datagram, and no other' alice 10.1.0.1:7001 10.1.0.2:5001 \
	'10.3.0.1 10.1.0.1:7001>10.3.0.2:5300 t1' '10.3.0.1 - t2' '10.3.0.1 - t3'
told 'proxy-v2: IPv6' alice '[fd01::1]:7001' '[fd01::2]:5002' '[fd03::1] [fd01::1]:7001>[fd03::2]:5300 t1' '[fd03::1] - t2'
told 'proxy-v2: from the other node' bob 10.3.0.2:7001 10.3.0.1:6004 '10.1.0.2 10.3.0.2:7001>10.1.0.1:5400 t1' '10.1.0.2 - t2'
told 'proxy-v2-every: before each datagram' alice 10.1.0.1:7001 10.1.0.2:5003 \
	'10.3.0.1 10.1.0.1:7001>10.3.0.2:5300 t1' '10.3.0.1 10.1.0.1:7001>10.3.0.2:5300 t2'
told 'an IPv6 customer of an IPv4 target' alice '[fd01::1]:7001' '[fd01::2]:5003' \
	'10.3.0.1 [fd01::1]:7001>[::ffff:10.3.0.2]:5300 t1'
on remote <<<'set-tunnel every target [fd03::2]:5300'
told 'an IPv4 customer of an IPv6 target' alice 10.1.0.1:7002 10.1.0.2:5003 '[fd03::1] 10.1.0.1:7002>0.0.0.0:5300 t1'
on remote <<<'set-tunnel four target 10.3.0.2:5301'
told 'another target is told again, on the channel that is open' alice 10.1.0.1:7001 10.1.0.2:5001 \
	'10.3.0.1 10.1.0.1:7001>10.3.0.2:5301 t1' '10.3.0.1 - t2'
check_counters 'it was one channel' 'remote.four.channels-opened == 1' 'local.four.channels-opened == 1'
check_equal 'the server shows whose channel it is' '10.1.0.1:7001' "$(show remote channels '.[] | select(.tunnel == "four") | .customer')"

# The header makes it longer than a datagram may be; without it, it would just fit.
tell alice '[fd01::1]:7003' '[fd01::2]:5002' @65460
check_counters 'a datagram that is too long with its header is not sent, and counted' \
	'remote.six.out-size == 1' 'remote.six.out-datagrams == 2'
told 'the next one is the first, and has the header' alice '[fd01::1]:7003' '[fd01::2]:5002' \
	'[fd03::1] [fd01::1]:7003>[fd03::2]:5300 t1' '[fd03::1] - t2'

# --- both ends have to agree; one after the other may change

told 'without client-address nothing is told' alice 10.1.0.1:7004 10.1.0.2:5005 '10.3.0.1 - t1'
on local <<<'set-tunnel real client-address proxy-v2'
tell alice 10.1.0.1:7004 10.1.0.2:5005 unheard
check_counters 'an address that the server does not want is dropped' 'remote.real.out-role == 1'
on local <<<'set-tunnel real client-address none'
on remote <<<'set-tunnel real client-address proxy-v2'
tell alice 10.1.0.1:7004 10.1.0.2:5005 unheard
check_counters 'and so is a datagram without an address that it wants' 'remote.real.out-client == 1'
on local <<<'set-tunnel real client-address proxy-v2'
told 'a live tunnel: agreed again, the open channel is told of' alice 10.1.0.1:7004 10.1.0.2:5005 \
	'10.3.0.1 10.1.0.1:7004>10.3.0.2:5300 t1' '10.3.0.1 - t2'
check_counters 'it is the same channel' 'remote.real.channels-opened == 1' 'remote.real.channels-closed == 0'

# --- whom the peer may name

refusals=1
# refused_client NAME NAMESPACE FROM TO: nothing passes, no channel opens, one drop more is counted.
refused_client() {
	tell "${@:2}" unheard
	check_counters "$1" "remote.real.out-client == $((++refusals))" 'remote.real.channels-opened == 1'
}
ip -n alice -batch - <<'END'
addr add 10.3.0.1/32 dev to-local
addr add 10.3.0.255/32 dev to-local
addr add 169.254.7.7/16 dev to-local
addr add 10.1.0.200/24 dev to-local
END
on local <<<'set-tunnel real listen :5005'
refused_client "refused: the server node's own address" alice 10.3.0.1:7005 10.1.0.2:5005
refused_client 'refused: a broadcast address there' alice 10.3.0.255:7005 10.1.0.2:5005
refused_client 'refused: a link-local address' alice 169.254.7.7:7005 10.1.0.2:5005
refused_client 'refused: a loopback address' local 127.0.0.1:7005 127.0.0.1:5005
refused_client 'refused: that of IPv6' local '[::1]:7005' '[::1]:5005'
refused_client 'refused: port 0' alice 10.1.0.1:0 10.1.0.2:5005
on remote <<<'set-tunnel real client-allow 10.1.0.0/25 client-allow 192.0.2.0/24'
refused_client 'refused: an address that client-allow does not name' alice 10.1.0.200:7005 10.1.0.2:5005
told 'allowed: one that it names' alice 10.1.0.1:7005 10.1.0.2:5005 '10.3.0.1 10.1.0.1:7005>10.3.0.2:5300 t1'
on remote <<<'set-tunnel real client-allow 192.0.2.0/24'
tell alice 10.1.0.1:7005 10.1.0.2:5005 unheard
check_counters 'no longer allowed: the open channel ends' 'remote.real.out-client == 9' 'remote.real.channels-closed == 1'


# --- stream mode: many senders, one socket

tell alice 10.1.0.1:7006 10.1.0.2:5006 s1 s2
tell alice 10.1.0.200:7006 10.1.0.2:5006 s3
tell alice '[fd01::1]:7006' '[fd01::2]:5006' s4
check 'stream: all of it arrives' await 5 grep -q ' s4$' /tmp/heard.bob
check_equal 'stream: each datagram tells its sender, and all come from one socket' \
	'10.1.0.1:7006>10.3.0.2:5301 s1,10.1.0.1:7006>10.3.0.2:5301 s2,10.1.0.200:7006>10.3.0.2:5301 s3,[fd01::1]:7006>[::ffff:10.3.0.2]:5301 s4 1' \
	"$(grep ' s[0-9]$' /tmp/heard.bob | sort -k 3 | cut -d ' ' -f 2- | paste -sd ,) $(grep ' s[0-9]$' /tmp/heard.bob | cut -d ' ' -f 1 | sort -u | wc -l)"
on remote <<<'set-tunnel stream client-allow 10.1.0.0/25'
tell alice 10.1.0.200:7006 10.1.0.2:5006 unheard
check_counters 'stream: client-allow holds' 'remote.stream.out-client == 1' 'remote.stream.out-datagrams == 4' \
	'remote.stream.in-stream == 4'
on remote <<<'set-tunnel stream client-address none'
tell alice 10.1.0.1:7006 10.1.0.2:5006 unheard
check_counters 'stream: an address that the server does not want' 'remote.stream.out-role == 1'
on remote <<<'set-tunnel stream client-address proxy-v2-every'
on local <<<'set-tunnel stream client-address none'
tell alice 10.1.0.1:7006 10.1.0.2:5006 unheard
check_counters 'stream: and one that it misses' 'remote.stream.out-client == 2' 'remote.stream.out-datagrams == 4'

check_not 'nothing was heard that should not' grep -q unheard /tmp/heard.bob /tmp/heard.alice

# --- a DNS server that logs who asked

cat >/tmp/unbound.conf <<'END'
server:
	username: ""
	chroot: ""
	directory: "/tmp"
	pidfile: ""
	use-syslog: no
	logfile: "/tmp/unbound.log"
	log-queries: yes
	verbosity: 1
	outgoing-port-avoid: 0-65535
	outgoing-port-permit: 4000-4063
	interface: 10.3.0.2@5353
	proxy-protocol-port: 5353
	access-control: 0.0.0.0/0 allow
	access-control: ::/0 allow
	do-not-query-localhost: no
	so-rcvbuf: 0
	local-zone: "test." static
	local-data: "one.test. A 192.0.2.1"
	module-config: "iterator"
remote-control:
	control-enable: no
END
on remote <<<'set-tunnel four target 10.3.0.2:5353'
on remote <<<'set-tunnel every target 10.3.0.2:5353'
background bob unbound -d -c /tmp/unbound.conf
check 'unbound serves' await 30 grep -q 'start of service' /tmp/unbound.log
query() { at alice kdig +short +timeout=5 +retry=0 "$@"; }
check_equal 'kdig gets its answer' 192.0.2.1 "$(query @10.1.0.2 -p 5001 -b 10.1.0.1#7011 one.test A)"
check 'unbound logs the true address' await 5 grep -q ' 10\.1\.0\.1 one\.test\. A IN' /tmp/unbound.log
check_equal 'over IPv6 too, to an unbound on IPv4' 192.0.2.1 "$(query @fd01::2 -p 5003 one.test A)"
check 'and it logs the true address' await 5 grep -q ' fd01::1 one\.test\. A IN' /tmp/unbound.log
