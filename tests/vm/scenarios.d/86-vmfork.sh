#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/peer
# once: 6.12
# timeout: 300
#
# The machine was cloned, or is stored and woken up: whatever counted so far may be counted once more elsewhere. When the
# notifier has returned, nothing leaves under a key of before, whether ciphers complete at once or later; epochs are new;
# traffic goes on. The notification itself is simulated: the module is told by a parameter of its own for tests.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

echo=(echo --ns bob --bind 10.3.0.2:5300)
client=(client --ns alice --to 10.1.0.2:5000)

machine() { echo "$1" >/sys/module/sdt/parameters/test_notify; }

# fork NAME: clones the machine under traffic, twice.
fork() {
	local name=$1 capture stream round times=() begin before closed
	: >/tmp/link.pcap
	background local tcpdump -i to-remote -U -s 128 -B 16384 -w /tmp/link.pcap udp
	capture=$!
	await 10 test -s /tmp/link.pcap || bail 'no tcpdump'
	link lanes 2
	tunnel t 0
	traffic "$name: the link comes up" "${echo[@]}" -- "${client[@]}" --sockets 4 --count 20
	background alice sdtload send --ns alice --to 10.1.0.2:5000 --sockets 4 --size 400 --rate 20 --count 100000
	stream=$!
	for round in 1 2; do
		counters local remote
		before=$(($(value local.l.keypairs) + 1)) closed=$(($(value remote.t.channels-closed) + 4))
		begin=$EPOCHREALTIME
		machine vmfork
		times+=("$begin-$EPOCHREALTIME")
		check "$name, $round: there is a new session" await 10 _counters_hold "local.l.keypairs >= $before" "remote.l.keypairs >= $before"
		check "$name, $round: and a new epoch: channels of the old one are gone" await 10 _counters_hold "remote.t.channels-closed >= $closed"
		check "$name, $round: it carries traffic" await 10 sdtload "${echo[@]}" --drain 10 --expect received=any --expect changed=any --expect duplicated=any -- \
			"${client[@]}" --run 7 --count 20 --until 1 --stall 300
	done
	kill "$stream"
	await 5 _gone "$stream"
	traffic "$name: nothing is lost from then on" "${echo[@]}" -- "${client[@]}" --count 100 --window 8
	# What tcpdump has heard is in its file a little later.
	check "$name: no nonce occurs twice, and no session outlives the notification" await 10 python3 -m peer.tap nonces /tmp/link.pcap "${times[@]}"
	kill "$capture"
	await 5 _gone "$capture"
}

forget() {
	on local <<<$'del-tunnel t\ndel-link l'
	on remote <<<$'del-tunnel t\ndel-link l'
}

nodes
fork 'a clone'
before=$(counters local && value local.l.tx-initiations)
machine hibernate
check_equal 'while memory is stored there is no session' 'down down' \
	"$(show local links '.[].state') $(show remote links '.[].state')"
sdtload send --ns alice --to 10.1.0.2:5000 --count 5 >/dev/null
on local <<<'set-link l keepalive 1'
check_counters 'and no handshake, whoever asks for one' "local.l.tx-initiations == $before" 'local.l.staged >= 5'
machine resume
check 'woken up, the link comes back' await 10 sdtload "${echo[@]}" --expect received=any --expect changed=any -- \
	"${client[@]}" --count 20 --until 1 --stall 300
check_not 'the module takes no other word' machine reboot
forget

if modprobe -q cryptd; then
	rmmod sdt
	nodes test_async=1
	fork 'ciphers that complete later'
	forget
fi
