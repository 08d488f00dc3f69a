#!/bin/bash
# programs: rsyslogd logger
# packages: rsyslog bsdutils
# files: tests/vm/helpers/sdt.sh tests/vm/helpers/who.py tests/vm/helpers/who.sh
# timeout: 300
#
# client-address transparent: the target sees the customer's own address as source, and its answers find the way back.
# Channels follow another target and another setting; a customer that comes again gets its own port again; rsyslog
# writes the address of the machine where the message came from.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh
# shellcheck source=../helpers/who.sh
. /t/who.sh

nodes
ip -n local addr add 10.1.0.22/24 dev to-alice
ip -n alice addr add 10.1.0.200/24 dev to-local
link
on local <<'END'
add-tunnel real link l id 1 mode server listen :5001 client-address transparent
add-tunnel log link l id 2 mode stream listen :514 client-address transparent
add-tunnel back link l id 3 mode server target 10.1.0.1:5400 client-address transparent client-allow 10.3.0.0/24
END
on remote <<'END'
add-tunnel real link l id 1 mode server target 10.3.0.2:5300
add-tunnel log link l id 2 mode stream target 10.3.0.2:514 client-address transparent client-allow 10.1.0.0/25
add-tunnel back link l id 3 mode server listen 10.3.0.1:6003 client-address transparent
END
link_up local remote

rules() { at "$1" sh -c 'nft list ruleset; ip -4 rule; ip -6 rule' 2>/dev/null; }
without=$(rules local)
check 'capture: what a transparent socket waits for is delivered here' sdtctl -n local capture back install in to-alice
check_not 'it is not for another client-address' sdtctl -n remote capture real install
check_not 'nor for streams, which want no answers' sdtctl -n remote capture log install
check 'nor are lists of addresses' refused local capture back install from 10.1.0.0/24
# The targets' way to the customers leads through the nodes.
ip -n bob route add 10.1.0.0/24 via 10.3.0.1
ip -n bob route add fd01::/64 via fd03::1
ip -n alice route add 10.3.0.0/24 via 10.1.0.2

who_serves bob 10.3.0.2:5300 10.3.0.2:5301 '[fd03::2]:5300'
who_serves alice 10.1.0.1:5400
customers alice bob local
check 'the targets listen' await 10 listening bob udp 5301
check 'on both sides' await 10 listening alice udp 5400
# "Unheard" must reach nobody.

# --- a live tunnel becomes one

on local <<<'set-tunnel real client-address none'
told 'at first the source is the node' alice 10.1.0.1:7001 10.1.0.2:5001 '10.3.0.1 - t1'
on local <<<'set-tunnel real client-address transparent'
check 'transparent needs client-allow' refused remote set-tunnel real client-address transparent
check 'and takes no egress' refused remote set-tunnel real client-address transparent client-allow 10.1.0.0/24 egress 10.3.0.1
on remote <<<'set-tunnel real client-address transparent client-allow 10.1.0.0/25 client-allow fd01::/64'
check 'capture, once it is transparent' sdtctl -n remote capture real install
told 'then it is the customer, and answers come back' alice 10.1.0.1:7001 10.1.0.2:5001 '10.1.0.1:7001 - t1' '10.1.0.1:7001 - t2'
check_counters 'on the channel that was open' 'remote.real.channels-opened == 1' 'remote.real.channels-closed == 0'
told 'with the proxy on the other node as well' bob 10.3.0.2:7001 10.3.0.1:6003 '10.3.0.2:7001 - t1' '10.3.0.2:7001 - t2'
check_equal 'the server shows whose channel it is, and where it sends from' '10.1.0.1:7001 10.1.0.1:7001' \
	"$(show remote channels '.[] | select(.tunnel == "real") | .customer + " " + .local')"

# --- another target

on remote <<<'set-tunnel real target 10.3.0.2:5301'
told 'another target: the channel and its address stay' alice 10.1.0.1:7001 10.1.0.2:5001 '10.1.0.1:7001 - t1'
check_equal 'it is the other target' 5301 "$(show remote channels '.[] | select(.tunnel == "real") | .target' | sed 's/.*://')"
on remote <<<'set-tunnel real target 10.3.0.2:5302'
traffic 'many customers: each answer to the one that asked' \
	echo --ns bob --bind 10.3.0.2:5302 --expect received=400 --expect peers=20 -- \
	client --ns alice --to 10.1.0.2:5001 --sockets 20 --count 400 --window 8 --size 0-1300
on remote <<<'set-tunnel real target [fd03::2]:5300'
tell alice 10.1.0.1:7001 10.1.0.2:5001 unheard
check_counters 'a target of the other family: this customer cannot be its source, and its channel ends' \
	'remote.real.out-client == 1' 'remote.real.channels-closed == 1'
told 'one of its family can' alice '[fd01::1]:7001' '[fd01::2]:5001' '[fd01::1]:7001 - t1' '[fd01::1]:7001 - t2'
on remote <<<'set-tunnel real target 10.3.0.2:5300'

# --- a customer that comes again

told 'a customer' alice 10.1.0.1:7002 10.1.0.2:5001 '10.1.0.1:7002 - t1'
told 'the same one, which now writes to another address of the proxy: another channel takes its port over' \
	alice 10.1.0.1:7002 10.1.0.22:5001 '10.1.0.1:7002 - t1'
told 'and back' alice 10.1.0.1:7002 10.1.0.2:5001 '10.1.0.1:7002 - t1' '10.1.0.1:7002 - t2'
on local <<<'set-tunnel real idle 1'
idle_out() { [ "$(show local tunnels '.[] | select(.name == "real") | .channels')" = 0 ]; }
check 'channels end' await 20 idle_out
told 'its port rests, but not for itself' alice 10.1.0.1:7002 10.1.0.2:5001 '10.1.0.1:7002 - t1'
check_counters 'nobody wanted for a port' 'remote.real.no-port == 0' 'remote.real.park-timeout == 0'

# --- whom the peer may not name

tell alice 10.1.0.200:7001 10.1.0.2:5001 unheard
check_counters 'an address that client-allow does not name is refused' 'remote.real.out-client == 2'
ip -n alice addr add 10.3.0.1/32 dev to-local
on remote <<<'set-tunnel real client-allow 0.0.0.0/0 client-allow ::/0'
tell alice 10.3.0.1:7001 10.1.0.2:5001 unheard
check_counters "the server node's own address is refused, whatever is allowed" 'remote.real.out-client == 3'
ip -n alice addr del 10.3.0.1/32 dev to-local
tell local 127.0.0.1:7001 127.0.0.1:5001 unheard
check_counters 'and a loopback address' 'remote.real.out-client == 4'
at remote sysctl -qw net.ipv4.ip_nonlocal_bind=1
background remote socat -u UDP4-RECVFROM:7003,bind=10.1.0.1 /dev/null
check 'something else on the server node is bound to an address' await 5 listening remote udp 7003
tell alice 10.1.0.1:7003 10.1.0.2:5001 unheard
check_counters 'its customer is refused, for want of a port' 'remote.real.no-port == 1' 'local.real.refused-by-peer >= 1'
check_not 'nothing was heard that should not' grep -q unheard /tmp/heard.bob /tmp/heard.alice

# --- and it is one no longer

check 'capture, no more' sdtctl -n local capture back remove
check_equal 'nothing of it is left' "$without" "$(rules local)"

on local <<<'set-tunnel real client-address none'
on remote <<<'set-tunnel real client-address none'
told 'the source is the node again, on the channel that is open' alice 10.1.0.1:7002 10.1.0.2:5001 '10.3.0.1 - t1' '10.3.0.1 - t2'

# --- syslog

cat >/tmp/rsyslog.conf <<'END'
global(workDirectory="/tmp")
module(load="imudp")
input(type="imudp" address="10.3.0.2" port="514")
template(name="t" type="string" string="%fromhost-ip% %msg%\n")
action(type="omfile" file="/tmp/messages" template="t")
END
background bob rsyslogd -n -f /tmp/rsyslog.conf -i /tmp/rsyslog.pid
check 'rsyslog listens' await 20 listening bob udp 514
at alice logger -n 10.1.0.2 -P 514 -d --rfc3164 -t test 'from alice'
check 'rsyslog writes where it came from' await 10 grep -q '^10\.1\.0\.1 .*from alice$' /tmp/messages
traffic 'a sender that may not be named' send --ns alice --bind 10.1.0.200 --to 10.1.0.2:514 --count 3 --rate 100 --size 100
traffic 'nor one of another family' send --ns alice --to '[fd01::2]:514' --count 2 --rate 100 --size 100
check_counters 'is counted' 'remote.log.out-client == 5' 'remote.log.out-datagrams == 1'
