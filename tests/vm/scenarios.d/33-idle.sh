#!/bin/bash
# programs: unbound dnsperf
# packages: unbound dnsperf
# files: tests/vm/helpers/sdt.sh
# once: 6.12
# timeout: 300
#
# When channels end, and how far a pool of ports goes: one-shot channels, whose datagrams count, a DNS server behind
# few ports, and the arithmetic of the guide. A protocol second is 1/24 s: ports rest for five.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes test_time_div=24
ip -n bob addr add 10.3.0.3/24 dev to-remote
link
monitor local
monitor remote
number() { sdtctl -n "$1" -j show tunnels "$2" | jq -r ".[0][\"$3\"]"; }
usage() { sdtctl -n remote -j show tunnels "$1" | jq -r '.[0] | "\(.ports) \(."ports-active") \(."ports-resting")"'; }

# ---- whose datagrams count. The target answers one datagram a hundred times, over five seconds; idle is two.

cat >/tmp/talker.py <<'END'
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 5400))
data, customer = s.recvfrom(100)
for i in range(100):
    s.sendto(data, customer)
    time.sleep(0.05)
END
on remote <<<'add-tunnel both link l id 0 mode server target 10.3.0.2:5400 idle 48'
on remote <<<'add-tunnel customer link l id 1 mode server target 10.3.0.3:5400 idle 48 idle-refresh customer'
on local <<<$'add-tunnel both link l id 0 mode server listen 10.1.0.2:5000\nadd-tunnel customer link l id 1 mode server listen 10.1.0.2:5001'
check_equal 'idle-refresh is both by default' 'both customer' "$(number remote both idle-refresh) $(number remote customer idle-refresh)"
background bob python3 /tmp/talker.py 10.3.0.2
background bob python3 /tmp/talker.py 10.3.0.3
talkers() { [ "$(at bob ss -Hlun 'sport = :5400' | wc -l)" = 2 ]; }
check 'the talkers listen' await 20 talkers
sdtload send --ns alice --to 10.1.0.2:5000 --to 10.1.0.2:5001 --sockets 2 --count 2 >/dev/null
check 'idle-refresh customer: answers keep no channel' await 20 _heard remote 'channel-closed.*customer.*idle'
check 'idle-refresh customer: they still came when it ended' await 10 _counters_hold 'remote.customer.in-resting >= 1'
check 'idle-refresh both: all hundred are passed on' await 30 _counters_hold 'remote.both.in-datagrams == 100'
check_counters 'idle-refresh both: by one channel' 'remote.both.channels-opened == 1' 'remote.both.in-resting == 0'

# ---- one-shot channels

check 'idle-oneshot is for low ports' refused remote add-tunnel high link l id 9 mode server target 10.3.0.2:5300 idle-oneshot 20
check 'idle-oneshot is not the proxy'"'"'s' refused local add-tunnel proxy link l id 9 mode server listen 10.1.0.2:5009 \
	idle-oneshot 20
check 'idle-oneshot does not exceed idle' refused remote add-tunnel long link l id 9 mode server target 10.3.0.2:53 idle 20 \
	idle-oneshot 21
on remote <<<'add-tunnel low link l id 2 mode server target 10.3.0.2:53 idle 86400'
on remote <<<'add-tunnel high link l id 3 mode server target 10.3.0.2:5300 idle 86400'
on local <<<$'add-tunnel low link l id 2 mode server listen 10.1.0.2:5002 idle 86400\nadd-tunnel high link l id 3 mode server listen 10.1.0.2:5003 idle 86400'
check_equal 'by default 30 s for low ports' '30 0' "$(number remote low idle-oneshot) $(number remote high idle-oneshot)"
echo=(echo --ns bob --bind 10.3.0.2:53 -- echo --ns bob --bind 10.3.0.2:5300)
traffic 'one question each' "${echo[@]}" -- client --ns alice --to 10.1.0.2:5002 --to 10.1.0.2:5003 --sockets 4 --count 4 --window 4
traffic 'more than one' "${echo[@]}" -- client --ns alice --to 10.1.0.2:5002 --bind 10.1.0.1:6000 --count 2 --window 1
sdtload send --ns alice --to 10.1.0.2:5002 --bind 10.1.0.1:6001 --count 1 >/dev/null
ended() { [ "$(sdtctl -n local -j show channels low | jq -c '[.[].customer] | sort')" = '["10.1.0.1:6000","10.1.0.1:6001"]' ]; }
check 'two one-shot channels end, those of more and of unanswered datagrams stay' await 20 ended
check_counters 'at the server too, and not towards the high port' 'remote.low.channels-closed == 2' \
	'remote.high.channels-closed == 0' 'local.high.channels-closed == 0'
check 'the server was idle, the proxy was told' heard remote 'channel-closed.*low.*idle' 2
check 'the proxy was told' heard local 'channel-closed.*low.*peer' 2

# ---- DNS: each run of dnsperf asks from 64 new ports; 160 are there

cat >/tmp/unbound.conf <<'END'
server:
	username: ""
	chroot: ""
	directory: "/tmp"
	pidfile: ""
	use-syslog: no
	interface: 10.3.0.2@53
	access-control: 0.0.0.0/0 allow
	do-not-query-localhost: no
	so-rcvbuf: 0
	local-zone: "test." static
	local-data: "one.test. A 192.0.2.1"
	module-config: "iterator"
remote-control:
	control-enable: no
END
for ((i = 0; i < 64; i++)); do echo 'one.test A'; done >/tmp/queries
background bob unbound -d -c /tmp/unbound.conf
echo 'one.test A' >/tmp/query
answers() { at bob dnsperf -s 10.3.0.2 -p 53 -d /tmp/query -n 1 -t 1 | grep -q 'NOERROR 1'; }
check 'unbound answers' await 90 answers
on remote <<<'add-tunnel long link l id 4 mode server target 10.3.0.2:53 egress-ports 20000-20159 idle 86400 idle-oneshot 0'
on remote <<<'add-tunnel short link l id 5 mode server target 10.3.0.2:53 egress-ports 21000-21159 idle 86400 idle-oneshot 12'
on local <<<$'add-tunnel long link l id 4 mode server listen 10.1.0.2:5004\nadd-tunnel short link l id 5 mode server listen 10.1.0.2:5005'
room() {
	local total active resting
	read -r total active resting <<<"$(usage "$1")"
	[ $((total - active - resting)) -ge 64 ]
}
# perf TUNNEL PORT FROM: 64 questions from ports FROM and on, which none had before, as soon as there is room for them. Of
# ports that the kernel picks, two runs now and then have one in common.
perf() {
	await 30 room "$1" || return 1
	at alice dnsperf -s 10.1.0.2 -p "$2" -x "$3" -d /tmp/queries -c 64 -T 1 -q 64 -n 1 -t 5 >/tmp/perf 2>&1 || return 1
	cat /tmp/perf
	grep -Eq 'Queries lost: +0 ' /tmp/perf && grep -Eq 'NOERROR 64' /tmp/perf
}
for ((i = 1; i <= 3; i++)); do check "DNS with idle-oneshot, run $i of 3: 64 answers" perf short 5005 $((20000 + 64 * i)); done
check_counters 'more questions than ports, a channel each' 'remote.short.channels-opened == 192' 'remote.short.no-port == 0'
check 'DNS without it: 64 answers' perf long 5004 21000
check 'DNS without it: 64 more' perf long 5004 21064
check_not 'DNS without it: the third run finds no room' await 3 room long
check_equal 'and its channels stay' '160 128 0' "$(usage long)"

# ---- the arithmetic of the guide: channels a second x (idle + rest) against ports

on remote <<<'add-tunnel sized link l id 6 mode server target 10.3.0.2:5300 egress-ports 22000-22047 idle 24'
on local <<<'add-tunnel sized link l id 6 mode server listen 10.1.0.2:5006'
check_equal 'show does the sum' 0.33 "$(number remote sized sustainable-rate)"
# That is eight a second here: a little less is served for ever, twice as many are not.
at_rate() {
	sdtload echo --ns bob --bind 10.3.0.2:5300 -- client --ns alice --to 10.1.0.2:5006 --sockets "$2" --count "$2" \
		--rate "$1" --window 64 --stall 2000 --expect lost=any
}
check 'six a second, more than there are ports' at_rate 6 60
check_counters 'all of them are served' 'remote.sized.channels-opened == 60' 'remote.sized.no-port == 0'
check 'sixteen a second' at_rate 16 128
check_counters 'not all of them are served: counted' 'remote.sized.no-port >= 1' 'local.sized.refused-by-peer >= 1'
check 'and announced' heard remote 'ports-exhausted.*sized'
