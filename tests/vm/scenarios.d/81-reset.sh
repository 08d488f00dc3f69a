#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/peer
# once: 6.12
# timeout: 300
#
# A node that lost its state costs its peer a round trip, and no timeout: the side that answers, and the side that calls,
# over IPv4 and IPv6. Resets that are forged, old, replayed or very many change nothing. Who gets one is the node's choice,
# and how many is limited.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
echo=(echo --ns bob --bind 10.3.0.2:5300)
client=(client --ns alice --to 10.1.0.2:5000)
milliseconds() { REPLY=$((${EPOCHREALTIME/./} / 1000)); }

local_link() { on local <<<"add-link l peer-key $REMOTE_PUB $*"; }
local_tunnels() {
	on local <<-END
		add-tunnel t link l mode server listen 10.1.0.2:5000
		add-tunnel d link l id 1 mode direct listen 10.1.0.2:5001 customer 10.1.0.1:7001
	END
}
remote_all() {
	on remote <<-END
		add-link l peer-key $LOCAL_PUB
		add-tunnel t link l mode server target 10.3.0.2:5300
		add-tunnel d link l id 1 mode direct listen 10.3.0.1:6001 customer 10.3.0.2:8001
	END
}
forget() { on "$1" <<<$'del-tunnel t\ndel-tunnel d\ndel-link l'; }

# in_time NAME MILLISECONDS-BEFORE: nowhere near the 15 s after which silence is noticed.
in_time() {
	local took
	milliseconds
	took=$((REPLY - $2))
	note "$1: after $took ms"
	check "$1: far sooner than by silence" test "$took" -lt 5000
}

# answering_side PEER: the node that answers forgets everything; the other one goes on sending.
answering_side() {
	local begin before
	counters local
	before=$(value local.l.tx-initiations)
	forget remote
	remote_all
	milliseconds
	begin=$REPLY
	check "$1: the answering side restarts: traffic goes on" \
		sdtload "${echo[@]}" --drain 10 -- "${client[@]}" --count 500 --until 1 --stall 100 --drain 10
	in_time "$1: the answering side restarts" "$begin"
	check_counters "$1: by a reset, and one handshake" 'remote.node.tx-resets >= 1' 'local.l.rx-resets == 1' \
		"local.l.tx-initiations == $((before + 1))" 'local.l.endpoint-moved == 0'
	traffic "$1: the answering side restarted: nothing is lost from then on" "${echo[@]}" -- "${client[@]}" --count 100 --window 8
}

# calling_side PEER: the node that calls forgets everything and calls.
calling_side() {
	local begin
	forget local
	local_link peer "$1"
	local_tunnels
	milliseconds
	begin=$REPLY
	check "$1: the calling side restarts: traffic goes on" \
		sdtload "${echo[@]}" --drain 10 -- "${client[@]}" --count 500 --until 1 --stall 100 --drain 10
	in_time "$1: the calling side restarts" "$begin"
}

# silent_side PEER: the node that called comes back without knowing whom to call; the one that answers has something to say.
silent_side() {
	local begin before
	counters remote
	before=$(value remote.l.tx-initiations)
	forget local
	local_link
	local_tunnels
	milliseconds
	begin=$REPLY
	check "$1: who was called calls back" \
		sdtload echo --ns alice --bind 10.1.0.1:7001 --drain 10 -- \
		client --ns bob --bind 10.3.0.2:8001 --to 10.3.0.1:6001 --count 500 --until 1 --stall 100 --drain 10
	in_time "$1: who was called calls back" "$begin"
	check_counters "$1: by a reset, and one handshake" 'local.node.tx-resets >= 1' 'remote.l.rx-resets >= 1' \
		"remote.l.tx-initiations == $((before + 1))"
}

for peer in 10.2.0.2:7380 '[fd02::2]:7380'; do
	remote_all
	local_link peer "$peer" lanes 2
	local_tunnels
	traffic "$peer: the link comes up" "${echo[@]}" -- "${client[@]}" --count 20
	answering_side "$peer"
	calling_side "$peer"
	silent_side "$peer"
	forget local
	local_link peer "$peer"
	local_tunnels
	link_up local remote

	family=4
	[[ $peer != \[* ]] || family=6
	verdicts "IPv$family" at local python3 -m peer.forge resets "$family"
	forget local
	forget remote
done

# Who is told: data of a session that is not there, from here and from elsewhere.
link
link_up local remote
ip -n remote route add 10.9.0.0/16 via 10.2.0.1
# unknown FROM [WORD...]: such messages
unknown() { at local spoof --from "$1:9" --to 10.2.0.2:7380 "${@:2}" 4000000100000000000000000000000000000000000000000000; }
told() {
	local sent heard
	counters remote
	sent=$(value remote.node.tx-resets) heard=$(value remote.node.rx-index)
	unknown "$2" >/dev/null
	await 3 _counters_hold "remote.node.rx-index == $((heard + 1))"
	check_counters "$1" "remote.node.tx-resets == $((sent + $3))" "remote.node.rx-index == $((heard + 1))"
}
told 'reset any: a stranger is told' 10.9.0.1 1
on remote <<<'set-node reset peers'
told 'reset peers: a stranger is not' 10.9.0.1 0
told 'reset peers: the address of a peer is' 10.2.0.1 1
on remote <<<'set-node reset off'
told 'reset off: it is not' 10.2.0.1 0
on remote <<<'set-node reset any'
check_equal 'show node tells' any "$(sdtctl -n remote -j show node | jq -r .reset)"

# limited NAME FROM MOST EACH WORD...: of 5000 no more are answered than MOST, and EACH more with every second.
limited() {
	local begin took sent
	counters remote
	sent=$(value remote.node.tx-resets)
	heard=$(value remote.node.rx-index)
	dropped=$(value remote.node.reset-rate)
	milliseconds
	begin=$REPLY
	unknown "$2" --count 5000 "${@:5}" >/dev/null
	await 10 _counters_hold "remote.node.rx-index == $((heard + 5000))"
	milliseconds
	took=$(((REPLY - begin) / 1000 + 1))
	counters remote
	note "$1: $(($(value remote.node.tx-resets) - sent)) of 5000 in $took s"
	check_counters "$1" "remote.node.tx-resets <= $((sent + $3 + $4 * took))" \
		"remote.node.tx-resets+remote.node.reset-rate == $((sent + dropped + 5000))"
}
limited 'one network is answered 32 times and then 32 times a second' 10.9.0.0 32 32 --spread 8
limited 'all of them 1024 times' 10.9.0.0 1024 1024 --spread 16
