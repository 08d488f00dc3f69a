#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# timeout: 300
#
# Egress pools: ranges of addresses, of both families and at either node; ports that rest; exhaustion; addresses that
# go away and come back. A protocol second is 1/12 s, so that ports rest for ten.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes test_time_div=12
for i in 11 12 13 14; do
	echo "addr add 10.3.0.$i/24 dev to-bob"
	echo "addr add fd03::$i/64 dev to-bob nodad"
done | ip -n remote -batch -
ip -n local -batch - <<<$'addr add 10.1.0.11/24 dev to-alice\naddr add 10.1.0.12/24 dev to-alice'
link
monitor local
monitor remote

# channels NODE TUNNEL FILTER: jq's answer about the channels of that tunnel, each with .ip and .port of its egress socket.
channels() {
	sdtctl -n "$1" -j show channels "$2" |
		jq -r 'map(. + (.local | capture("^\\[?(?<ip>.*?)\\]?:(?<port>[0-9]+)$") | .port |= tonumber)) | '"$3"
}
# usage NODE TUNNEL: ports, those in use, those at rest.
usage() { sdtctl -n "$1" -j show tunnels "$2" | jq -r '.[0] | "\(.ports) \(."ports-active") \(."ports-resting")"'; }
# ask NAME SOCKETS RECEIVED FROM TO ECHO: these sockets write one datagram each, so many answers come.
ask() {
	traffic "$1" echo --ns bob --bind "$6" -- client --ns alice --bind "$4" --to "$5" --sockets "$2" --count "$2" \
		--window "$2" --stall 1000 --expect "received=$3" --expect lost=any
}

# ---- configuration

more_than_served() {
	refused remote add-tunnel many link l id 9 mode server target 10.3.0.2:5300 egress 10.3.0.11-10.3.0.13 \
		egress-ports 20000-20003 max-channels 13
}
check 'more channels than ports times addresses are refused' more_than_served
check 'and the text says why' grep -q 'egress ports times addresses' <<<"$(more_than_served)"
check 'a range that goes down is refused' refused remote add-tunnel down link l id 9 mode server target 10.3.0.2:5300 \
	egress 10.3.0.13-10.3.0.11
check 'a range of the other family is refused' refused remote add-tunnel other link l id 9 mode server \
	target 10.3.0.2:5300 egress fd03::11-fd03::13
check 'a range of more than 256 addresses is refused' refused remote add-tunnel wide link l id 9 mode server \
	target 10.3.0.2:5300 egress 10.3.0.0/23
on remote <<<'add-tunnel pool link l id 0 mode server target 10.3.0.2:5300 egress 10.3.0.11-10.3.0.13 egress-ports 20000-20003'
on local <<<'add-tunnel pool link l id 0 mode server listen 10.1.0.2:5000'
check_equal 'max-channels follows the pool' '12 12' \
	"$(show remote tunnels '.[0] | "\(."max-channels") \(.ports)"')"

# ---- every port of every address, rest, exhaustion

ask 'twelve ports serve twelve customers' 12 12 10.1.0.1:6000 10.1.0.2:5000 10.3.0.2:5300
check_equal 'from all three addresses' '10.3.0.11 10.3.0.12 10.3.0.13' \
	"$(channels remote pool 'map(.ip) | unique | join(" ")')"
check_equal 'each with four ports, none twice' '12 20000 20003' \
	"$(channels remote pool '"\(map(.local) | unique | length) \(map(.port) | min) \(map(.port) | max)"')"
check_equal 'all are in use' '12 12 0' "$(usage remote pool)"
on local <<<'set-tunnel pool listen 10.1.0.2:5010'
at_rest() { [ "$(usage remote pool)" = '12 0 12' ]; }
check 'the channels end, and the ports rest' await 5 at_rest
ask 'at rest they serve nobody' 2 0 10.1.0.1:6100 10.1.0.2:5010 10.3.0.2:5300
check_counters 'the lack is counted at both nodes' 'remote.pool.no-port >= 1' 'local.pool.refused-by-peer >= 1'
check 'and announced: at the server' heard remote 'ports-exhausted.*pool'
check 'and announced: the refusal' heard remote 'channel-refused.*pool.*no-port'
check 'and announced: at the proxy' heard local 'channel-refused.*pool.*no-port'
served_again() {
	sdtload echo --ns bob --bind 10.3.0.2:5300 -- client --ns alice --bind 10.1.0.1:6200 --to 10.1.0.2:5010 --sockets 12 \
		--count 12 --window 12 --stall 500 >/dev/null
}
check 'after their rest all twelve serve again' await 30 served_again

# ---- IPv6, and the other node

on remote <<<'add-tunnel six link l id 1 mode server target [fd03::2]:5301 egress fd03::11-fd03::14 egress-ports 20000-20003'
on local <<<'add-tunnel six link l id 1 mode server listen [fd01::2]:5001'
ask 'IPv6: sixteen ports serve sixteen customers' 16 16 '[fd01::1]:6300' '[fd01::2]:5001' '[fd03::2]:5301'
check_equal 'IPv6: from all four addresses' 'fd03::11 fd03::12 fd03::13 fd03::14' \
	"$(channels remote six 'map(.ip) | unique | join(" ")')"
on local <<<'add-tunnel back link l id 2 mode server target 10.1.0.1:5302 egress 10.1.0.11-10.1.0.12 egress-ports 20000-20003'
on remote <<<'add-tunnel back link l id 2 mode server listen 10.3.0.1:5002'
traffic 'the other way round: eight ports' echo --ns alice --bind 10.1.0.1:5302 -- client --ns bob --to 10.3.0.1:5002 \
	--sockets 8 --count 8 --window 8
check_equal 'the other way round: from both addresses' '10.1.0.11 10.1.0.12' \
	"$(channels local back 'map(.ip) | unique | join(" ")')"

# ---- addresses that go and come back

# away NAME ID RANGE GONE PREFIX TARGET FROM LISTEN [WORD]: 32 customers over four addresses; one goes, and comes back.
away() {
	local tunnel=$1 id=$2 range=$3 gone=$4 prefix=$5 target=$6 from=$7 listen=$8 extra=${9:-}
	on remote <<<"add-tunnel $tunnel link l id $id mode server target $target egress $range egress-ports 21000-21999"
	on local <<<"add-tunnel $tunnel link l id $id mode server listen $listen"
	all_served() {
		sdtload echo --ns bob --bind "$target" -- client --ns alice --bind "$from" --to "$listen" --sockets 32 --count 32 \
			--window 32 --stall 500 >/dev/null
	}
	check "$tunnel: 32 customers" all_served
	check "$tunnel: some of them at $gone" test "$(channels remote "$tunnel" "map(select(.ip == \"$gone\")) | length")" -gt 0
	ip -n remote addr del "$gone/$prefix" dev to-bob
	check "$tunnel: without $gone the others serve all the same customers" await 20 all_served
	check_equal "$tunnel: nobody is left at $gone" 0 "$(channels remote "$tunnel" "map(select(.ip == \"$gone\")) | length")"
	check_counters "$tunnel: counted" "remote.$tunnel.egress-gone == 1" "remote.$tunnel.channels-opened == 32"
	check "$tunnel: monitor tells" heard remote "egress-gone.*$tunnel.*$gone"
	# shellcheck disable=SC2086 # a word or none
	ip -n remote addr add "$gone/$prefix" dev to-bob $extra
	check "$tunnel: monitor tells that $gone is back" await 10 _heard remote "egress-back.*$tunnel.*$gone"
	used_again() {
		sdtload echo --ns bob --bind "$target" -- client --ns alice --to "$listen" --sockets 40 --count 40 \
			--window 10 --stall 500 >/dev/null
		[ "$(channels remote "$tunnel" "map(select(.ip == \"$gone\")) | length")" -gt 0 ]
	}
	check "$tunnel: and it is used again" await 20 used_again
}
away gone4 3 10.3.0.11-10.3.0.14 10.3.0.12 24 10.3.0.2:5303 10.1.0.1:6400 10.1.0.2:5003
away gone6 4 fd03::11-fd03::14 fd03::13 64 '[fd03::2]:5304' '[fd01::1]:6500' '[fd01::2]:5004' nodad

# The only one: its channels wait for it.
on remote <<<'add-tunnel only link l id 5 mode server target 10.3.0.2:5305 egress 10.3.0.14 egress-ports 22000-22001'
on local <<<'add-tunnel only link l id 5 mode server listen 10.1.0.2:5005'
only_served() {
	sdtload echo --ns bob --bind 10.3.0.2:5305 -- client --ns alice --bind 10.1.0.1:6600 --to 10.1.0.2:5005 --stall 500 >/dev/null
}
check 'the only address: served' only_served
before=$(channels remote only '.[0].local')
ip -n remote addr del 10.3.0.14/24 dev to-bob
check_not 'the only address: gone' only_served
check 'the only address: monitor tells' await 10 _heard remote 'egress-gone.*only.*10.3.0.14'
ip -n remote addr add 10.3.0.14/24 dev to-bob
check 'the only address: back' await 10 only_served
check_equal 'the only address: the same channel, the same port' "$before 1" "$(channels remote only '"\(.[0].local) \(length)"')"
