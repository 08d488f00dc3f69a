#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/peer
# cpus: 2
# once: 6.1
# timeout: 300
#
# Four lanes: each with an outer port of its own on the node that calls; a channel takes the lane of the processor that
# opened it and keeps it; the node that answers does so on the same lane, to where it hears that lane from.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
background local tcpdump -i to-remote -U -w /tmp/link.pcap udp
capture=$!
await 10 test -s /tmp/link.pcap || bail 'no tcpdump'
link lanes 4
tunnel t 0

ports() { show local links '[.[] | select(.name == "l").lane[]."local-port"] | unique | length'; }
four_active() {
	[ "$(show "$1" links '.[] | select(.name == "l")."lanes-active"')" = 4 ]
}

echo=(echo --ns bob --bind 10.3.0.2:5300)
traffic 'the link comes up' "${echo[@]}" -- client --ns alice --to 10.1.0.2:5000 --count 5
check 'four lanes are active on the node that called' await 5 four_active local
check 'four lanes are active on the node that answered' await 5 four_active remote
check_equal 'four outer ports on the node that called' 4 "$(ports)"
# A datagram is received on the processor that sends it, on veth.
for cpu in 0 1; do
	check "processor $cpu: traffic" taskset -c "$cpu" sdtload "${echo[@]}" --expect peers=8 -- \
		client --ns alice --bind "10.1.0.1:$((7000 + 100 * cpu))" --to 10.1.0.2:5000 --sockets 8 --count 400 --window 8 --size 0-1400
done
lanes_of() {
	show local channels "[.[] | select(.customer | test(\":$1\"))] | \"\\(length) channels, lanes \\(map(.lane) | unique | tostring)\""
}
first=$(lanes_of 70) second=$(lanes_of 71)
note "processor 0: $first; processor 1: $second"
check_equal 'processor 0: eight channels on one lane' '8 channels, lanes [0]' "$first"
check_equal 'processor 1: eight channels on another lane' '8 channels, lanes [1]' "$second"

kill "$capture"
await 5 _gone "$capture"
found=$(python3 -m peer.tap lanes /tmp/link.pcap)
note "$found"
ports_of() { show local links ".[] | select(.name == \"l\").lane | map({key: \"$1 \\(.index)\", value: $2}) | from_entries | tojson"; }
check_equal 'on the wire: each lane leaves from its own port, as shown' \
	"$(jq -cS . <<<"$(ports_of 10.2.0.1 '[[."local-port"], [7380]]')")" \
	"$(jq -cS 'with_entries(select(.key | startswith("10.2.0.1")))' <<<"$found")"
check_equal 'on the wire: answers leave from one port, on every lane, to where that lane comes from' \
	"$(jq -cS . <<<"$(ports_of 10.2.0.2 '[[7380], [."local-port"]]')")" \
	"$(jq -cS 'with_entries(select(.key | startswith("10.2.0.2")))' <<<"$found")"
endpoints=$(show remote links '.[] | select(.name == "l").lane | map(.endpoint) | tojson')
check_equal 'the node that answers follows each lane to its own endpoint' \
	"$(show local links '.[] | select(.name == "l").lane | map("10.2.0.1:\(."local-port")") | tojson')" "$endpoints"
check_counters 'nothing was lost on the way' 'remote.l.rx-lane == 0' 'local.l.rx-lane == 0' 'remote.l.keypairs == 1'

# A NAT on the way gives one lane another port: that lane is followed, the others stay.
port=$(show local links '.[] | select(.name == "l").lane[1]."local-port"')
at local nft -f - <<END
table ip nat {
	chain out {
		type nat hook postrouting priority srcnat
		ip protocol udp udp sport $port oifname "to-remote" snat to 10.2.0.1:9001
	}
}
END
at local conntrack -F
check 'a lane gets another port: nothing is lost' taskset -c 1 sdtload "${echo[@]}" -- \
	client --ns alice --bind 10.1.0.1:7100 --to 10.1.0.2:5000 --sockets 8 --count 400 --window 8 --size 0-1400
endpoints_now() { show remote links '.[] | select(.name == "l").lane | map(.endpoint) | tojson'; }
wanted=$(jq -c '.[1] = "10.2.0.1:9001"' <<<"$endpoints")
followed() { [ "$(endpoints_now)" = "$wanted" ]; }
await 5 followed || true
check_equal 'a lane gets another port: followed, alone' "$wanted" "$(endpoints_now)"
check_counters 'a lane gets another port: without a handshake' 'remote.l.keypairs == 1'
