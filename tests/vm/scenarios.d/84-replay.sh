#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/peer
# once: 6.1
# timeout: 300
#
# A recorded initiation, replayed from elsewhere: in the session that it began, after a rekey, after all keys expired, and
# after a restart of the node that it was for, which then no longer knows that it saw it. At no time does it move an
# endpoint, end a session or a channel. Protocol times are a twentieth, so that keys expire.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes test_time_div=20
echo=(echo --ns bob --bind 10.3.0.2:5300)
client=(client --ns alice --to 10.1.0.2:5000 --bind 10.1.0.1:7000)

: >/tmp/link.pcap
background local tcpdump -i to-remote -U -B 16384 -w /tmp/link.pcap udp
await 10 test -s /tmp/link.pcap || bail 'no tcpdump'

remote_all() {
	on remote <<-END
		add-link l peer-key $LOCAL_PUB $*
		add-tunnel t link l mode server target 10.3.0.2:5300 idle 80000
	END
}
restart_remote() {
	on remote <<<$'del-tunnel t\ndel-link l'
	remote_all "$@"
}
endpoint() { show remote links '.[].endpoint'; }
channels() { show remote channels '[.[].id] | tostring'; }
is_down() { [ "$(show remote links '.[].state')" = down ]; }

# replay COUNTER: the recording comes from another address; it is heard, and counted there.
replay() {
	local before
	before=$(counters remote && value "remote.l.$1")
	at local spoof --from "$elsewhere:9999" --to "$target:7380" "$recording" >/dev/null
	await 5 _counters_hold "remote.l.$1 > $before"
}

# Sessions that came about at remote, less what either node began by itself: a slow machine makes rekeys happen at any time.
foreign_sessions() {
	counters remote
	REPLY=$(value remote.l.keypairs)
	REPLY=$((REPLY - $(value remote.l.tx-initiations)))
	counters local
	_stat[local.l.tx-initiations]=${_stat[local.l.tx-initiations]-0}
	REPLY=$((REPLY - $(value local.l.tx-initiations)))
}

# harmless NAME COUNTER: a replay changes nothing; the counter tells what became of it.
harmless() {
	local name=$1 where sessions ids moved
	where=$(endpoint) ids=$(channels)
	foreign_sessions
	sessions=$REPLY
	moved=$(counters remote && value remote.l.endpoint-moved)
	check "$name: heard" replay "$2"
	check_equal "$name: the endpoint stays" "$where" "$(endpoint)"
	check_equal "$name: the channels stay" "$ids" "$(channels)"
	foreign_sessions
	check "$name: no session came of it" test "$REPLY" -le "$sessions"
	check_equal "$name: no endpoint moved" "$moved" "$(counters remote && value remote.l.endpoint-moved)"
}
# record: another initiation than the one before, as soon as the capture has it.
recording=''
record() {
	await 20 newest || bail 'the initiation was not recorded'
	recording=$REPLY
}
newest() { REPLY=$(python3 -m peer.tap initiation /tmp/link.pcap) && [ "$REPLY" != "$recording" ]; }
alive() { traffic "$1" "${echo[@]}" -- "${client[@]}" --count 40 --window 8 --stall 2000; }

for family in 4 6; do
	target=10.2.0.2 elsewhere=10.2.0.77
	[ "$family" = 4 ] || target='[fd02::2]' elsewhere='[fd02::77]'
	remote_all
	on local <<-END
		add-link l peer-key $REMOTE_PUB peer $target:7380
		add-tunnel t link l mode server listen 10.1.0.2:5000 idle 80000
	END
	alive "IPv$family: the link comes up"
	record
	harmless "IPv$family, in its own session" hs-stale
	alive "IPv$family, in its own session: traffic flows"

	counters local
	before=$(value local.l.keypairs)
	on local <<<'set-link l lanes 2'
	await 10 _counters_hold "local.l.keypairs > $before"
	alive "IPv$family: a rekey"
	harmless "IPv$family, after a rekey" hs-stale
	alive "IPv$family, after a rekey: traffic flows"

	check "IPv$family: all keys expire" await 20 is_down
	harmless "IPv$family, without any key" hs-stale
	alive "IPv$family, without any key: the link is back"
	record

	# The real one is silent for the moment.
	on local <<<$'del-tunnel t\ndel-link l'
	restart_remote
	harmless "IPv$family, after a restart" rx-initiations
	check_equal "IPv$family, after a restart: there is no session" down "$(show remote links '.[].state')"
	on local <<-END
		add-link l peer-key $REMOTE_PUB peer $target:7380
		add-tunnel t link l mode server listen 10.1.0.2:5000 idle 80000
	END
	check "IPv$family, after a restart: the real one connects" \
		await 10 sdtload "${echo[@]}" --drain 10 -- "${client[@]}" --count 20 --until 1 --stall 300
	harmless "IPv$family, and then again" hs-stale
	alive "IPv$family, and then again: traffic flows"

	# It calls by itself, and so knows nothing of its peer's timestamps, though there is a session.
	source=10.2.0.1
	[ "$family" = 4 ] || source='[fd02::1]'
	on local <<-END
		del-tunnel t
		del-link l
		add-link l peer-key $REMOTE_PUB
		add-tunnel t link l mode server listen 10.1.0.2:5000 idle 80000
	END
	restart_remote peer "$source:7380"
	link_up remote
	alive "IPv$family, after a restart that called: traffic flows"
	harmless "IPv$family, after a restart that called" rx-initiations
	alive "IPv$family, after a restart that called: and still does"
	on local <<<$'del-tunnel t\ndel-link l'
	on remote <<<$'del-tunnel t\ndel-link l'
done
