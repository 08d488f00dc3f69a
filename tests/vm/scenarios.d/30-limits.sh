#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# timeout: 300
#
# Limits of channels, idle timeouts, the rest that ports take, and what is heard of them. A protocol second is 1/20 s
# here, so that ports rest for six: long enough for a slow machine to ask meanwhile.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes test_time_div=20
ip -n alice addr add 10.1.0.3/24 dev to-local
link
monitor local
monitor remote

echo=(echo --ns bob --bind 10.3.0.2:5300)
# ask SOCKETS RECEIVED [OPTION...]: so many sockets write one datagram each, so many answers come.
ask() {
	local sockets=$1 received=$2
	shift 2
	traffic "$name" "${echo[@]}" -- client --ns alice --sockets "$sockets" --count "$sockets" --window "$sockets" --stall 400 \
		--expect "received=$received" --expect lost=any "$@"
}

tunnel most 0 max-channels 8
name='max-channels: eight of twelve are served'
ask 12 8 --to 10.1.0.2:5000
check_counters 'max-channels: four are counted as refused' \
	'local.most.limit-tunnel == 4' 'local.most.channels-opened == 8' 'remote.most.channels-opened == 8'
check 'max-channels: monitor tells' heard local 'refused.*most|most.*refused'
on local <<<'set-tunnel most max-channels 30'
name='max-channels: raised while it runs'
ask 12 12 --to 10.1.0.2:5000

tunnel each 1 max-channels-per-customer 3
name='max-channels-per-customer: three of five for each of two'
ask 10 6 --to 10.1.0.2:5001 --bind 10.1.0.1 --bind 10.1.0.3
check_counters 'max-channels-per-customer: counted' 'local.each.limit-customer == 4'
check 'max-channels-per-customer: monitor tells' heard local 'refused.*each|each.*refused'

tunnel rate 2 channel-rate 5
name='channel-rate: not all of thirty at once'
traffic "$name" "${echo[@]}" -- client --ns alice --to 10.1.0.2:5002 --sockets 30 --count 30 --window 30 --stall 400 \
	--expect 'received>=5' --expect 'received<=29' --expect lost=any
check_counters 'channel-rate: counted' 'local.rate.limit-rate >= 1' \
	'local.rate.limit-rate+local.rate.channels-opened == 30'

on remote <<<'set-link l link-max-channels 1'
tunnel peer 3
name='link-max-channels: the server protects itself'
ask 6 0 --to 10.1.0.2:5003
check_counters 'link-max-channels: counted on both sides' \
	'remote.peer.limit-link == 6' 'local.peer.refused-by-peer >= 1'
check 'link-max-channels: monitor tells on the server' heard remote 'refused.*peer|peer.*refused'
check 'link-max-channels: monitor tells on the proxy' heard local 'refused.*peer|peer.*refused'
on remote <<<'set-link l link-max-channels 100000'

tunnel brief 4 idle 1
name='idle: a channel opens'
ask 1 1 --to 10.1.0.2:5004
check 'idle: monitor tells that it opened' heard local 'channel-opened.*brief'
check 'idle: it closes by itself' await 10 _heard local 'closed.*idle'
check_counters 'idle: closed on both sides' 'local.brief.channels-closed == 1' 'remote.brief.channels-closed == 1'
check_equal 'idle: it is gone' '' "$(sdtctl -n local show channels brief)"

# Four ports, four channels; each port rests before it serves another channel. Other tunnels take theirs from 32768 on.
check 'a limit beyond what the egress ports can serve is refused' refused remote add-tunnel ports link l id 5 \
	mode server target 10.3.0.2:5300 egress 10.3.0.1 egress-ports 20000-20003 max-channels 5
on local <<<'add-tunnel ports link l id 5 mode server listen 10.1.0.2:5005 idle 1'
on remote <<<'add-tunnel ports link l id 5 mode server target 10.3.0.2:5300 egress 10.3.0.1 egress-ports 20000-20003 max-channels 4 idle 1'
name='ports: all four serve'
ask 4 4 --to 10.1.0.2:5005
check 'ports: the channels close' await 10 _counters_hold 'remote.ports.channels-closed == 4'
name='ports: at rest they serve nobody'
ask 2 0 --to 10.1.0.2:5005
check_counters 'ports: the lack is counted' 'remote.ports.no-port+remote.ports.park-timeout >= 1'
served_again() {
	sdtload "${echo[@]}" -- client --ns alice --to 10.1.0.2:5005 --sockets 4 --count 4 --window 4 --stall 300 >/dev/null
}
check 'ports: after their rest they serve again' await 30 served_again

tunnel evict 6 max-channels 2 at-limit evict-idle
name='evict-idle: two channels'
ask 2 2 --to 10.1.0.2:5006
third_served() {
	sdtload "${echo[@]}" -- client --ns alice --to 10.1.0.2:5006 --stall 200 >/dev/null
}
check 'evict-idle: the longest idle one makes room' await 30 third_served
check_counters 'evict-idle: there are still two' 'local.evict.channels-closed+2 == local.evict.channels-opened'
check 'evict-idle: monitor tells' heard local 'closed.*evict'
