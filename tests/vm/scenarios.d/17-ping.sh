#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# once: 6.12
# timeout: 300
#
# sdtctl ping: round trips through the link itself, on any lane, in messages of any size; who is told what when no answer
# comes, and that late or unwanted answers harm nobody.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

ping() { sdtctl -n "$1" ping l "${@:2}"; }
# The exit code, then everything that is said.
told() {
	local code=0 text
	text=$(ping "$@" 2>&1) || code=$?
	echo "$code: $text"
}
says() { check "$1" grep -qE -- "$2" <<<"$(told "${@:3}" | paste -sd " ")"; }

three_lanes() { [ "$(show local links '.[0]."lanes-active"')" = 3 ]; }

nodes
link lanes 3
link_up local remote
check 'all lanes come up' await 10 three_lanes

found=$(told local -c 3 -i 0.2)
check 'three pings from the calling node' grep -q '^0: PING l: lane 0$' <<<"$found"
check 'each answer has its line' grep -qE '^l: seq=3 lane=0 time=[0-9.]+ ms' <<<"$found"
check 'and all are counted' grep -qE '^3 packets transmitted, 3 received, 0% packet loss, time [0-9]+ms' <<<"$found"
check 'with their times' grep -qE '^rtt min/avg/max/mdev = [0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+ ms' <<<"$found"
check 'JSON has the same' sh -c 'jq -se ".[0].number == 1 and .[1].number == 2 and .[0].lane == 2 and .[0].link == \"l\" and
	.[0].rtt > 0 and .[2].sent == 2 and .[2].received == 2 and .[2].loss == 0 and .[2].\"rtt-min\" <= .[2].\"rtt-max\""' \
	<<<"$(sdtctl -n local -j ping l -c 2 -i 0.1 lane 2)"
says 'from the answering node' '1 received, 0% packet loss' remote -c 1 lane 1
check_counters 'both nodes counted' 'local.l.tx-pings == 5' 'local.l.rx-pongs == 5' 'remote.l.tx-pings == 1' \
	'remote.l.rx-pongs == 1'

# --- sizes: of the outer UDP payload

background local tcpdump -i to-remote -U -w /tmp/pings 'udp dst port 7380'
await 10 test -s /tmp/pings || bail 'no tcpdump'
sized() { [ "$(tcpdump -r /tmp/pings -n "udp[4:2] == $(($1 + 8))" 2>/dev/null | wc -l)" -eq "$2" ]; }
says 'a message of 1200 bytes' '1 received' local -c 1 -s 1200
check 'has 1200 bytes on the wire' await 5 sized 1200 1
says 'the shortest with a pad' '1 received' local -c 1 -s 38
check 'has 38 bytes on the wire' await 5 sized 38 1
says 'the bare one' '1 received' local -c 1 -s 34
on local <<<'set-link l pad 256'
says 'a size is what it is, whatever pad says' '1 received' local -c 1 -s 700
check 'on the wire, too' await 5 sized 700 1
says 'without a size, pad is obeyed' '1 received' local -c 1
check 'on the wire: 24 bytes and a multiple of 256' await 5 sized 280 1
says 'a size that no message has' '^2: .*34 bytes, or 38' local -c 1 -s 36

# --- when there is no answer

says 'a lane that the link lacks' '^2: .*nothing was heard on this lane' local -c 1 -W 0.1 lane 3
check 'a link that is not there' grep -q "^2 sdtctl: ping 'm': there is no such link" \
	<<<"$(text=$(sdtctl -n local ping m -c 1 2>&1 >/dev/null) && echo "0 $text" || echo "$? $text")"
check_equal 'nobody without rights may' 2 "$(nsenter --net=/run/netns/local -- setpriv --reuid 65534 --regid 65534 --clear-groups \
	sdtctl ping l -c 1 >/dev/null 2>&1; echo $?)"
at remote tc qdisc add dev to-local root netem delay 800ms
says 'an answer that comes too late' '^2: .*' local -c 1 -W 0.1
check_counters 'comes to nobody, and is counted' 'local.l.rx-pongs == 11'
at remote tc qdisc change dev to-local root netem loss 100%
says 'no answer at all' '2 packets transmitted, 0 received, 100% packet loss' local -c 2 -i 0.1 -W 0.2
at remote tc qdisc del dev to-local root

# --- more than the peer answers: ten a second

for i in 1 2 3; do background local sdtctl ping l -c 12 -i 0.1 -W 0.1; done
check_counters 'the peer answers ten a second, not more' 'remote.l.rx-ping-rate > 0'

# --- an end in the middle

background local sh -c 'exec sdtctl ping l >/tmp/interrupted'
pinging=$!
check 'a ping that goes on' await 10 grep -q seq= /tmp/interrupted
kill -INT "$pinging"
code=0
wait "$pinging" || code=$?
check_equal 'interrupted, it has had its answer' 0 "$code"
check 'and tells the summary' grep -qE '^[0-9]+ packets transmitted, [1-9]' /tmp/interrupted
at remote tc qdisc add dev to-local root netem delay 300ms
background local sdtctl ping l -i 0.1
check_counters 'pings are under way' 'local.l.tx-pings >= 20'
check 'the link goes under them' sdtctl -n local del-link l
check 'and the other node'"'"'s' sdtctl -n remote del-link l
check 'and the module' rmmod sdt
