#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# once: 6.12
# timeout: 300
#
# Channel ids: as long as they need to be, never used twice under one epoch, and what happens when all 2^32 are used up
# under traffic. Links whose ids begin near their ends. Protocol times are a fortieth.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes test_time_div=40
first_id=/sys/module/sdt/parameters/test_first_id
echo=(echo --ns bob --bind 10.3.0.2:5300)

# ids NODE TUNNEL: those of its channels, in order.
ids() { sdtctl -n "$1" -j show channels "$2" | jq -c 'map(.id) | sort'; }

# ---- length

background local sh -c 'exec tcpdump -U -n -i to-remote -w /tmp/ids.pcap udp port 7380 2>/tmp/ids.log'
check 'tcpdump listens' await 10 grep -q 'listening on' /tmp/ids.log
on remote <<<"add-link l peer-key $LOCAL_PUB"
on remote <<<'add-tunnel t link l mode server target 10.3.0.2:5300 idle 86400'
# 777 bytes of data are 8 + 1 + id + 777 + 16 bytes of message, so 810 to 813 of UDP.
sizes() { at local tcpdump -n -r /tmp/ids.pcap 2>/dev/null | sed -n 's/.*UDP, length \(80[3-6]\)$/\1/p' | sort | uniq -c | awk '{print $2 ":" $1}' | paste -sd ' '; }
same_sizes() { [ "$(sizes)" = "$1" ]; }
for id in 255 65535 16777215; do
	echo "$id" >"$first_id"
	on local <<<"add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380"
	on local <<<'add-tunnel t link l mode server listen 10.1.0.2:5000'
	traffic "ids $id and $((id + 1)): answered" "${echo[@]}" -- client --ns alice --to 10.1.0.2:5000 --sockets 2 --count 2 \
		--size 777 --stall 3000
	check_equal "ids $id and $((id + 1)): at both ends" "[$id,$((id + 1))] [$id,$((id + 1))]" "$(ids local t) $(ids remote t)"
	on local <<<$'del-tunnel t\ndel-link l'
done
check 'an id has its fewest bytes, both ways' await 5 same_sizes '803:2 804:4 805:4 806:2'

# ---- an early end, at a rekey that finds no channel open

echo 16777221 >"$first_id"
on local <<<"add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380 keepalive 1"
on local <<<'add-tunnel t link l mode server listen 10.1.0.2:5000 idle 86400'
traffic 'four-byte ids: a channel' "${echo[@]}" -- client --ns alice --to 10.1.0.2:5000 --bind 10.1.0.1:6000 --stall 3000
counters local
check 'four-byte ids: a rekey' await 20 _counters_hold "local.l.keypairs >= $(($(value local.l.keypairs) + 1))"
busy() {
	sdtload "${echo[@]}" -- client --ns alice --to 10.1.0.2:5000 --bind 10.1.0.1:6000 --stall 1000 >/dev/null &&
		[ "$(ids local t)" = '[16777221]' ]
}
check 'four-byte ids: a rekey changes nothing while a channel is open' busy
on local <<<'set-tunnel t listen 10.1.0.2:5001'
check_equal 'four-byte ids: no channel is open' '[]' "$(ids local t)"
counters local
check 'four-byte ids: another rekey' await 20 _counters_hold "local.l.keypairs >= $(($(value local.l.keypairs) + 1))"
traffic 'four-byte ids: another channel' "${echo[@]}" -- client --ns alice --to 10.1.0.2:5001 --stall 3000
check_equal 'four-byte ids: they begin at 0 again' '[0] [0]' "$(ids local t) $(ids remote t)"
on local <<<$'del-tunnel t\ndel-link l'
on remote <<<$'del-tunnel t\ndel-link l'

# ---- used up under traffic, at both nodes at once

echo 4294967280 >"$first_id"
link
echo 0 >"$first_id"
monitor local
monitor remote
on local <<<'add-tunnel there link l id 0 mode server listen 10.1.0.2:5000 idle 86400'
on remote <<<'add-tunnel there link l id 0 mode server target 10.3.0.2:5300 idle 86400'
on remote <<<'add-tunnel back link l id 1 mode server listen 10.3.0.1:5000 idle 86400'
on local <<<'add-tunnel back link l id 1 mode server target 10.1.0.1:5300 idle 86400'
echoes=("${echo[@]}" -- echo --ns alice --bind 10.1.0.1:5300)
there=(client --ns alice --to 10.1.0.2:5000 --bind 10.1.0.1:7000 --sockets 64)
back=(client --ns bob --to 10.3.0.1:5000 --bind 10.3.0.2:7000 --sockets 64)
# Whoever gets what is another's ends this: misrouted=0 is expected by default.
few_lost=(--count 1500 --rate 150 --window 64 --size 16-1200 --stall 1000 --expect lost=any --expect 'received>=1350')
traffic 'the ids end under traffic: hardly any answer is lost, none goes astray' \
	"${echoes[@]}" -- "${there[@]}" "${few_lost[@]}" -- "${back[@]}" "${few_lost[@]}"
all='--count 500 --window 32 --size 0-1200 --stall 3000'
# shellcheck disable=SC2086 # words
traffic 'and then none at all' "${echoes[@]}" -- "${there[@]}" $all -- "${back[@]}" $all
check 'the old epoch is over at both nodes: the server says so' heard remote 'channel-closed.*there.*reason epoch'
check 'and the other server' heard local 'channel-closed.*back.*reason epoch'
# Sixteen ids were left to each node. A customer has one id of the new epoch, and no more than one of the old.
small() { sdtctl -n "$1" -j show channels "$2" | jq 'length == 64 and (map(.id) | unique | length == 64 and max < 256)'; }
for tunnel in there back; do
	for node in local remote; do
		check_equal "$tunnel at $node: 64 channels, counted from 0" true "$(small "$node" "$tunnel")"
	done
	check_equal "$tunnel: both ends have the same ones" "$(ids local "$tunnel")" "$(ids remote "$tunnel")"
done
check_counters 'a handshake or two made it' 'local.l.keypairs >= 2' 'local.node.rx-index <= 64'
