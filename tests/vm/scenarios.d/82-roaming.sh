#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# once: 6.12
# timeout: 300
#
# Datagrams that wait for the first handshake; and a peer that moves: another address (followed after a proof, or not at
# all with roam off), and another port of a NAT. Protocol times are halved, for the handshake's retries.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes test_time_div=2
monitor remote

echo=(echo --ns bob --bind 10.3.0.2:5300)
client=(client --ns alice --to 10.1.0.2:5000)
alive() { traffic "$1" "${echo[@]}" -- "${client[@]}" --count 100 --window 8 --size 0-1400 --stall 2000; }
alive_soon() {
	check "$1" await "$2" sdtload "${echo[@]}" --drain 10 -- "${client[@]}" --count 3 --until 1 --stall 150 --drain 10
	alive "$1: nothing is lost from then on"
}
endpoint_is() { [ "$(show "$1" links '.[] | select(.name == "l").endpoint')" = "$2" ]; }
move() { ip -n local -batch - <<<"addr del $1/24 dev to-remote"$'\n'"addr add $2/24 dev to-remote"; }

# Local calls, and nobody answers yet. Meanwhile customers write.
on local <<<"add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380"
on local <<<'add-tunnel t link l mode server listen 10.1.0.2:5000'
# No more than may wait at the server side, too, which has no ports ready when the handshake comes at once.
background alice sdtload "${echo[@]}" --expect received=60 --expect peers=30 -- \
	"${client[@]}" --sockets 30 --count 60 --window 60 --size 0-1400 --stall 20000
early=$!
check 'datagrams wait for the first handshake' await 5 _counters_hold 'local.l.staged == 60'
# Both at once: what comes for a tunnel that is not there yet is lost.
on remote <<-END
	add-link l peer-key $LOCAL_PUB
	add-tunnel t link l mode server target 10.3.0.2:5300
END
if wait "$early"; then
	ok 'none of them is lost'
else
	not_ok 'none of them is lost' "$(cat /tmp/alice-sdtload.log)"
fi
check_counters 'and none was thrown away' 'local.l.tx-staged == 0' 'local.l.keypairs == 1'
check 'the endpoint is known' endpoint_is remote 10.2.0.1:7380

move 10.2.0.1 10.2.0.9
alive_soon 'another address' 10
check 'another address: shown as the endpoint' await 5 endpoint_is remote 10.2.0.9:7380
check 'another address: monitor tells' heard remote '10\.2\.0\.9'
check_counters 'another address: counted' 'remote.l.endpoint-moved == 1' 'remote.l.keypairs == 1'

on remote <<<'set-link l roam off'
move 10.2.0.9 10.2.0.1
traffic 'roam off: what comes is used, answers go where they went' \
	"${echo[@]}" --expect received=20 -- "${client[@]}" --count 20 --window 20 --stall 300 --expect lost=20
check_counters 'roam off: counted' 'remote.l.rx-roam >= 1' 'remote.l.endpoint-moved == 1'
on remote <<<'set-link l roam on'
alive_soon 'roam on again: it follows' 10

# A NAT in front of local: first one port, then another.
snat() {
	at local nft -f - <<-END
		flush ruleset
		table ip nat {
			chain out {
				type nat hook postrouting priority srcnat
				ip protocol udp oifname "to-remote" snat to 10.2.0.1:$1
			}
		}
	END
	# The mapping of before is forgotten, as when a NAT is restarted.
	at local conntrack -F
}
# A message of remote that was on its way when the NAT forgot made it remember a connection without translation: once more.
shown_behind() {
	endpoint_is remote "10.2.0.1:$1" && return
	at local conntrack -F
	sdtload "${echo[@]}" --drain 10 -- "${client[@]}" --count 1 --stall 300
	return 1
}
check 'a NAT with port 9001' snat 9001
alive_soon 'a NAT with port 9001: followed' 5
check 'a NAT with port 9001: shown' await 10 shown_behind 9001
check 'the NAT takes port 9002' snat 9002
alive 'the NAT takes port 9002: followed at once, nothing is lost'
check 'the NAT takes port 9002: shown' await 10 shown_behind 9002
check_counters 'no handshake was needed for any of it' 'remote.l.keypairs == 1'

# The link moves to the other address family, and back: its customers notice nothing.
at local nft flush ruleset
at local conntrack -F
for move in '[fd02::2]:7380 [fd02::1]:7380' '10.2.0.2:7380 10.2.0.1:7380'; do
	read -r peer endpoint <<<"$move"
	counters remote
	opened=$(value remote.t.channels-opened)
	background alice sdtload "${echo[@]}" --expect peers=1 -- "${client[@]}" --count 200 --rate 50 --window 100 --stall 5000
	stream=$!
	await 5 _counters_hold "remote.t.channels-opened > $opened"
	on local <<<"set-link l peer $peer"
	if wait "$stream"; then
		ok "to $peer: nothing is lost on the way"
	else
		not_ok "to $peer: nothing is lost on the way" "$(cat /tmp/alice-sdtload.log)"
	fi
	check "to $peer: shown as the endpoint" await 5 endpoint_is remote "$endpoint"
	check_counters "to $peer: on the same channel" "remote.t.channels-opened == $((opened + 1))"
done
