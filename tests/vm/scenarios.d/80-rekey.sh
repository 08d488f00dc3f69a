#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# once: 6.12
# timeout: 300
#
# The life of a link: a peer that never answers, rekeys under traffic, keepalives, a peer that is lost and comes
# back. Protocol times are a fortieth: rekey every 3 s.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes test_time_div=40

echo=(echo --ns bob --bind 10.3.0.2:5300)
client=(client --ns alice --to 10.1.0.2:5000)
# alive NAME: traffic flows, nothing lost.
alive() { traffic "$1" "${echo[@]}" -- "${client[@]}" --count 100 --window 8 --size 0-1400 --stall 2000; }
# alive_soon NAME SECONDS: within this time an answer comes, and from then on nothing is lost.
alive_soon() {
	check "$1" await "$2" sdtload "${echo[@]}" --drain 10 -- "${client[@]}" --count 3 --until 1 --stall 150 --drain 10
	alive "$1: nothing is lost from then on"
}

# Nobody answers: the queue holds 128, the oldest go, and in the end all are given up.
on local <<<"add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380"
on local <<<'add-tunnel t link l mode server listen 10.1.0.2:5000'
sdtload send --ns alice --to 10.1.0.2:5000 --count 200 >/dev/null
check_counters 'no peer: 128 datagrams wait, the others are counted' 'local.l.tx-staged == 72' 'local.l.staged == 200'
await 10 _counters_hold 'local.l.tx-initiations >= 3'
check_counters 'no peer: the handshake is tried again' 'local.l.tx-initiations >= 3'
check 'no peer: what waited is given up in the end' await 15 _counters_hold 'local.l.tx-staged == 200'
on local <<<$'del-tunnel t\ndel-link l'

link
tunnel t 0
traffic 'rekeys under traffic: nothing is lost' \
	"${echo[@]}" -- "${client[@]}" --sockets 8 --count 3000 --rate 250 --window 64 --size 0-1400 --stall 3000
check_counters 'there were rekeys' 'local.l.keypairs >= 4' 'remote.l.keypairs >= 4' \
	'local.l.tx-staged == 0' 'remote.node.rx-index == 0' 'remote.l.rx-key-expired == 0'

on local <<<'set-link l keepalive 1'
counters local remote
before=$(value local.l.tx-keepalives)
check 'keepalives are sent when there is nothing to say' \
	await 10 _counters_hold "local.l.tx-keepalives >= $((before + 3))" "remote.l.rx-keepalives >= $((before + 3))"
on local <<<'set-link l keepalive 0'

# The peer is gone: its link is deleted, so what arrives there names a session that nobody knows.
monitor local
on remote <<<$'del-tunnel t\ndel-link l'
counters local
before=$(value local.l.tx-initiations)
sdtload send --ns alice --to 10.1.0.2:5000 --count 1 >/dev/null
check 'lost peer: local notices and calls' await 10 _counters_hold "local.l.tx-initiations >= $((before + 3))"
on remote <<<"add-link l peer-key $LOCAL_PUB"
on remote <<<'add-tunnel t link l mode server target 10.3.0.2:5300'
alive_soon 'lost peer: it is back' 10


# Only the sessions are gone, as after a reboot: the key is set anew.
before=$(counters remote && value remote.l.keypairs)
on remote <<<$'set-node private-key @/tmp/STRANGER_KEY\nset-node private-key @/tmp/REMOTE_KEY'
alive_soon 'sessions lost: they are made anew' 10
check_counters 'sessions lost: there is a new one' "remote.l.keypairs > $before"
