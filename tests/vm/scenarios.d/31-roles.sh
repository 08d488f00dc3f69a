#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# timeout: 300
#
# Limits where the target is: the server node keeps its own, whatever the proxy allows, and tells it. Once with the
# server at the node that answers, once at the one that calls. A protocol second is 1/20 s.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes test_time_div=20
link
monitor local
monitor remote

# ask NAME SENT RECEIVED PORT: so many new customers write one datagram each, so many answers come.
ask() {
	traffic "$way, $1" echo --ns "$far" --bind "$target" -- client --ns "$near" --to "$listen:$4" --sockets "$2" --count "$2" \
		--window "$2" --stall 1000 --expect "received=$3" --expect lost=any
}
# both NAME ID WORD...: a tunnel; the words are for the server.
both() {
	on "$proxy" <<<"add-tunnel $1 link l id $2 mode server listen $listen:$((5000 + $2))"
	on "$server" <<<"add-tunnel $1 link l id $2 mode server target $target ${*:3}"
}

# limits WAY PROXY SERVER NEAR FAR LISTEN TARGET
limits() {
	way=$1 proxy=$2 server=$3 near=$4 far=$5 listen=$6 target=$7
	local p=$proxy s=$server

	both "$s-most" 0 max-channels 4
	ask 'max-channels: four of six' 6 4 5000
	check_counters "$way, max-channels: counted at both" "$s.$s-most.limit-tunnel == 2" "$p.$s-most.refused-by-peer >= 2"
	check "$way, max-channels: the server tells" heard "$s" "channel-refused.*$s-most.*tunnel-limit" 2
	check "$way, max-channels: the proxy tells" heard "$p" "channel-refused.*$s-most.*tunnel-limit" 2

	both "$s-rate" 1 channel-rate 3
	traffic "$way, channel-rate: not all of thirty at once" echo --ns "$far" --bind "$target" -- client --ns "$near" \
		--to "$listen:5001" --sockets 30 --count 30 --window 30 --stall 1000 --expect 'received>=3' --expect 'received<=29' \
		--expect lost=any
	check_counters "$way, channel-rate: counted at both" "$s.$s-rate.limit-rate >= 1" "$p.$s-rate.refused-by-peer >= 1"
	check "$way, channel-rate: the proxy tells" heard "$p" "channel-refused.*$s-rate.*rate"

	on "$s" <<<"set-link l link-max-channels $(($(show "$s" node '.channels') + 2))"
	both "$s-link" 2
	ask 'link-max-channels: two of five' 5 2 5002
	check_counters "$way, link-max-channels: counted at both" "$s.$s-link.limit-link == 3" "$p.$s-link.refused-by-peer >= 3"
	check "$way, link-max-channels: the proxy tells" heard "$p" "channel-refused.*$s-link.*link-limit"
	on "$s" <<<'set-link l link-max-channels 100000'

	both "$s-evict" 3 max-channels 2 at-limit evict-idle
	ask 'evict-idle: two channels' 2 2 5003
	third() {
		sdtload echo --ns "$far" --bind "$target" -- client --ns "$near" --to "$listen:5003" --stall 500 >/dev/null
	}
	check "$way, evict-idle: the longest idle one makes room" await 20 third
	check "$way, evict-idle: the server tells" heard "$s" "channel-closed.*$s-evict.*evicted"
	check "$way, evict-idle: the proxy is told" heard "$p" "channel-closed.*$s-evict.*peer"
	check_equal "$way, evict-idle: there are two" 2 "$(sdtctl -n "$s" -j show channels "$s-evict" | jq length)"

	check "$way: the proxy's limit is not the server's to set" refused "$s" set-tunnel "$s-most" max-channels-per-customer 3
	on "$p" <<<"$(printf 'del-tunnel %s\n' "$s-most" "$s-rate" "$s-link" "$s-evict")"
	on "$s" <<<"$(printf 'del-tunnel %s\n' "$s-most" "$s-rate" "$s-link" "$s-evict")"
}
limits 'server answers' local remote alice bob 10.1.0.2 10.3.0.2:5300
limits 'server calls' remote local bob alice 10.3.0.1 10.1.0.1:5300
