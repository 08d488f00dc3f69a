#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/vm/helpers/faults.sh
# kernels: uml-debug
# timeout: 300
#
# Memory is short while handshakes are made, channels opened and closed, and datagrams sent: of all allocations of the
# module some fail, in tasks and in softirqs. Datagrams may be lost, and nothing else. When there is memory again, nothing
# is lost. Protocol times are a fortieth: a session lasts 3 s, and channels end soon.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh
# shellcheck source=../helpers/faults.sh
. /t/faults.sh

nodes test_time_div=40
faults_here
link lanes 2
tunnel s 0 idle 20 max-channels 64
on local <<<'add-tunnel r link l id 1 mode router listen 10.1.0.2:5001 idle 20
add-tunnel m link l id 2 mode stream listen 10.1.0.2:5002'
on remote <<<'add-tunnel r link l id 1 mode router role server allow 10.3.0.0/24
add-tunnel m link l id 2 mode stream target 10.3.0.2:5302'
link_up local remote

echo=(echo --ns bob --bind 10.3.0.2:5300)
client=(client --ns alice --to 10.1.0.2:5000)
traffic 'before' "${echo[@]}" -- "${client[@]}" --count 200 --sockets 20 --window 8

# short PERCENT: customers that come and go, each a new channel, while tunnels come and go as well.
short() {
	local round
	faults "$1"
	for round in 1 2 3; do
		sdtload "${echo[@]}" --expect errors=any --drain 50 -- "${client[@]}" --run "$round" --sockets 200 --count 1000 --window 64 \
			--size 0-4000 --stall 300 --until 0 --expect lost=any --expect errors=any >>/tmp/short.log 2>&1 || true
		sdtload send --ns alice --to 10.1.0.2:5001 --count 100 --sockets 50 --size 0-1400 >>/tmp/short.log 2>&1 || true
		sdtload send --ns alice --to 10.1.0.2:5002 --count 100 --sockets 50 --size 0-1400 >>/tmp/short.log 2>&1 || true
		sdtctl -n local add-tunnel "x$round" link l id $((9 + round)) mode server listen "10.1.0.2:$((5900 + round))" >>/tmp/short.log 2>&1 || true
		sdtctl -n remote add-tunnel "x$round" link l id $((9 + round)) mode server target 10.3.0.2:5303 >>/tmp/short.log 2>&1 || true
		sdtctl -n remote set-node private-key @/tmp/REMOTE_KEY listen :7380 >>/tmp/short.log 2>&1 || true
		sdtctl -n local ping l -c 2 -i 0.1 -W 0.2 >>/tmp/short.log 2>&1 || true
	done
	faults 0
}

counters local remote
sessions=$(value local.l.keypairs)
for percent in 3 20 60; do
	short "$percent"
	failed=$REPLY
	check "$percent of 100: $failed allocations failed" test "$failed" -ge 100
	check "$percent of 100: there is a session again" await 20 sdtload "${echo[@]}" --drain 10 -- \
		"${client[@]}" --count 3 --until 3 --stall 300 --drain 10
	traffic "$percent of 100: nothing is lost afterwards" "${echo[@]}" -- "${client[@]}" --count 200 --sockets 20 --window 8
done
check_counters 'sessions were made meanwhile' "local.l.keypairs > $sessions"
