#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# once: 6.12
# timeout: 300
#
# Every word of set-node, set-link and set-tunnel, while datagrams travel: what need not lose any loses none, what moves a
# socket or a target loses those that are under way, and no channel ends. What cannot change says so. What the target is told
# of a customer, and by whom (client-address and client-allow of the server role), changes in 27-client-address.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
ip -n local addr add 10.2.0.7/24 dev to-remote
ip -n remote addr add 10.3.0.7/24 dev to-bob
ip -n bob addr add 10.3.0.8/24 dev to-remote
ip -n alice route add 10.3.0.0/24 via 10.1.0.2
link
tunnel t 0
tunnel other 1
link_up local remote

# steady TUNNEL TO WORD...: customers write in the background until ended, at most 40 datagrams a second, over 8 channels.
steady() {
	tunnel=$1
	background alice sdtload echo --ns bob --bind 10.3.0.2:5300 --bind 10.3.0.8:5300 -- \
		client --ns alice --bind 10.1.0.1:6000 --to "$2" --sockets 8 --rate 40 --count 1000000 \
		--stall 3000 --drain 1000 --expect received=any "${@:3}"
	customers=$!
	had=$(answered)
	await 10 flows 16 || bail 'no datagrams travel'
}
answered() {
	local text
	text=$(sdtctl -n local show tunnels "$tunnel")
	[[ $text =~ out-datagrams\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}
# flows N: N more answers than when last asked to.
flows() { [ "$(answered)" -ge $((had + $1)) ]; }
had=0
# live NODE VERB...: the change is made, and answers come after it.
live() {
	on "$1" <<<"${*:2}" || bail "${*:2} is refused"
	had=$(answered)
	check "$1: ${*:2}" await 10 flows 4
}
ended() {
	local code=0
	kill "$customers"
	wait "$customers" || code=$?
	check_equal "$1" 0 "$code"
}
channels() { sdtctl -n "$1" -j show channels "$tunnel" | jq -r '[.[] | "\(.id) \(.customer // .target)"] | sort | join(", ")'; }

endpoint_is() { [ "$(show "$1" links '.[0].endpoint')" = "$2" ]; }
two_lanes() { [ "$(show local links '.[0]."lanes-active"')" = 2 ]; }
remote_is_down() { [[ $(sdtctl -n remote show links) != *'state up'* ]]; }

# --- nothing is lost

steady t 10.1.0.2:5000
before=$(channels local)
for word in 'keepalive 5' 'keepalive 0' 'roam off' 'roam on' 'pad 32' 'pad 0' 'ttl 9' 'ttl 0' 'ecn off' 'ecn on' 'dscp 10' \
	'dscp copy' 'dscp 0' 'source 10.2.0.7' 'source none' 'peer 10.2.0.2:7380'; do
	live local "set-link l $word"
done
for word in 'link-max-channels 100' 'psk @/tmp/PSK'; do live remote "set-link l $word"; done
live local 'set-link l psk @/tmp/PSK lanes 3'
live remote 'set-link l lanes 2'
check 'the lanes come up' await 10 two_lanes
live local 'set-link l lanes 1'
live local 'set-node fwmark 9'
live local 'set-node fwmark 0'
live local 'set-node private-key @/tmp/LOCAL_KEY'
for word in off peers any; do live remote "set-node reset $word"; done
for word in customer both; do live remote "set-tunnel t idle-refresh $word"; done
live local 'set-tunnel t max-channels 50 max-channels-per-customer 20 channel-rate 100/s idle 600 at-limit evict-idle'
live remote 'set-tunnel t max-channels 50 channel-rate 100 idle 500 at-limit refuse'
live local 'set-tunnel t link l id 0 mode server role proxy'
ended 'none of these changes lost a datagram'
check_equal 'the channels are the same' "$before" "$(channels local)"
check_counters 'and none was opened anew' 'local.t.channels-opened == 8' 'remote.t.channels-opened == 8'
check_equal 'what was set is shown' '50 20 100 600 evict-idle' \
	"$(show local tunnels '.[] | select(.name == "t") | "\(."max-channels") \(."max-channels-per-customer") \(."channel-rate") \(.idle) \(."at-limit")"')"

# --- nor in router mode

on remote <<<'add-tunnel r link l id 3 mode router role server allow 10.3.0.2/32'
on local <<<'add-tunnel r link l id 3 mode router listen :5005'
sdtctl -n local capture r install in to-alice
steady r 10.3.0.2:5300
routed=$(channels local)
live remote 'set-tunnel r allow 10.3.0.0/24 allow 192.0.2.0/24'
for word in 'filter none' 'filter address-port' 'filter address' 'idle-oneshot 30' 'idle-oneshot 0' 'idle-refresh customer'; do
	live remote "set-tunnel r $word"
done
live local 'set-tunnel r filter address-port'
live local 'set-tunnel r max-channels 40 channel-rate 90 idle 700'
ended 'none of these changes lost a datagram of a router tunnel'
check_equal 'its channels are the same' "$routed" "$(channels local)"
check_counters 'and were not opened anew' 'local.r.channels-opened == 8' 'remote.r.channels-opened == 8'
sdtctl -n local capture r remove

# --- datagrams that are under way may be lost, channels not

steady t 10.1.0.2:5000 --stall 500 --expect lost=any
live remote 'set-tunnel t egress 10.3.0.7'
live remote 'set-tunnel t egress-ports 40000-40100'
live remote 'set-tunnel t target 10.3.0.8:5300'
live remote 'set-tunnel t egress none'
live remote 'set-node listen :7390'
check 'the caller follows to another port' await 10 endpoint_is local 10.2.0.2:7390
live local 'set-node listen :7391'
check 'and the one that answers follows the caller' await 10 endpoint_is remote 10.2.0.1:7391
live local 'set-node listen 10.2.0.1:7391'
live local 'set-node dev to-remote'
live local 'set-node dev none listen :7380'
ended 'customers kept on'
check_equal 'the channels are still the same' "$before" "$(channels local)"
check_counters 'on both nodes' 'local.t.channels-opened == 8' 'remote.t.channels-opened == 8'
traffic 'and nothing is lost any more' echo --ns bob --bind 10.3.0.8:5300 -- \
	client --ns alice --bind 10.1.0.1:6000 --to 10.1.0.2:5000 --sockets 8 --count 80 --window 8 --stall 3000

on local <<<'set-tunnel t listen 10.1.0.2:5100'
traffic 'a listener that moves' echo --ns bob --bind 10.3.0.8:5300 -- client --ns alice --to 10.1.0.2:5100 --count 20 --window 4
on remote <<<'set-tunnel t egress-ports 32768-60999'

# A direct tunnel's two ends.
on local <<<'add-tunnel d link l id 2 mode direct listen 10.1.0.2:5002 customer 10.1.0.1:7002'
on remote <<<'add-tunnel d link l id 2 mode direct listen 10.3.0.1:6002 customer 10.3.0.2:8002'
direct() {
	traffic "$1" echo --ns bob --bind "10.3.0.2:$4" -- client --ns alice --bind "10.1.0.1:$3" --to "10.1.0.2:$2" --count 20 --window 4
}
direct 'a direct tunnel' 5002 7002 8002
on local <<<'set-tunnel d customer 10.1.0.1:7003'
direct 'with another customer' 5002 7003 8002
on local <<<'set-tunnel d listen 10.1.0.2:5003'
on remote <<<'set-tunnel d customer 10.3.0.2:8003 listen 10.3.0.1:6003'
direct 'with another listener, and another customer at the far end' 5003 7003 8003

# --- what cannot change

cannot() {
	local text code=0
	text=$(sdtctl -n "$1" "${@:3}" 2>&1) || code=$?
	check_equal "${*:3} says so" "2 yes" "$code $(grep -qE -- "$2" <<<"$text" && echo yes || echo "$text")"
}
cannot local 'peer-key cannot change: delete the link' set-link l peer-key "$STRANGER_PUB"
cannot local 'cipher cannot change: delete the link' set-link l cipher chacha20-poly1305
cannot local 'source and peer are of different' set-link l source fd02::1
cannot local 'link cannot change.*delete and add' set-tunnel t link m
cannot local 'id cannot change.*delete and add' set-tunnel t id 9
cannot local 'mode cannot change.*delete and add' set-tunnel t mode stream
cannot local 'role cannot change.*delete and add' set-tunnel t role server
cannot local 'listen overlaps what it replaces' set-tunnel t listen :5100
cannot local 'target.* server role' set-tunnel t target 10.3.0.2:1
cannot remote 'listen belongs to the proxy role' set-tunnel t listen :1
cannot local 'customer belongs to direct mode' set-tunnel t customer 10.1.0.1:1
cannot remote 'max-channels-per-customer belongs to the proxy' set-tunnel t max-channels-per-customer 3
cannot local 'listen address|cannot listen there' set-node listen 10.9.9.9:7380
traffic 'and nothing of it happened' echo --ns bob --bind 10.3.0.8:5300 -- client --ns alice --to 10.1.0.2:5100 --count 20 --window 4

# --- another identity: sessions end, and come back with it

on remote <<<'set-node private-key @/tmp/STRANGER_KEY'
check 'with another key the link goes' await 5 remote_is_down
on remote <<<'set-node private-key @/tmp/REMOTE_KEY'
check 'and it comes back with the old one' await 20 sdtload echo --ns bob --bind 10.3.0.8:5300 --drain 10 -- \
	client --ns alice --to 10.1.0.2:5100 --count 3 --until 1 --stall 300 --drain 10
