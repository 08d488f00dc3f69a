#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/vm/helpers/path.sh tests/vm/helpers/toobig.py tests/vm/helpers/inet.py
# once: 6.12
# timeout: 300
#
# A path that is narrower than its first hop: said by ICMP, or by nobody; from the beginning, or all of a sudden; and
# wider again. Whatever happens on the link, customers' datagrams arrive.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh
# shellcheck source=../helpers/path.sh
. /t/path.sh

nodes test_time_div=10

passes() { sdtload "${echo4[@]}" -- client --ns alice --to 10.1.0.2:5000 --count 5 --size 1440; }

# --- narrow from the beginning

narrow 1400
calls 10.4.0.2:7380
finds 'what ICMP says, to the byte' 1372 1372
hang_up
calls '[fd04::2]:7380'
finds 'over IPv6, too' 1352 1352
hang_up

silence
calls 10.4.0.2:7380
finds 'what nobody says is found out' 1365 1372
hang_up

# --- narrow all of a sudden

narrow 1500
calls 10.4.0.2:7380
finds 'all of it' 1472 1472
monitor local
check 'datagrams pass whole' passes
narrow 1400
check 'a path that became a black hole is noticed, and datagrams pass again' await 30 passes
background bob sdtload "${echo4[@]}"
await 5 listening bob udp 5300
background alice sdtload client --to 10.1.0.2:5000 --rate 20 --count 1000000 --size 1440 --expect lost=any
finds 'and what it takes now is found out' 1365 1372
check 'listeners heard of it' heard local 'path-mtu.*1200'
check 'and of what came of it' heard local 'path-mtu.*13[67][0-9]'
check_counters 'it was counted' 'local.l.path-mtu-changed >= 2' 'local.l.tx-probes > 0' 'remote.l.rx-ping-rate == 0'

# --- hints

talk
narrow 1380
finds 'a hint is taken' 1352 1352
narrow 1500
finds 'and doubted: a wider path is found while there is something to send' 1472 1472

# forge MTU: an ICMP error as a router could send it, about a message from local to remote.
forge() { at west python3 /t/toobig.py 10.2.0.1 7380 10.4.0.2 7380 "$1"; }
shortened() { forge 1300 && _heard local 'path-mtu.*12[0-9][0-9]'; }
# Of hints, one a second is looked at; were both kinds sent in turns, it could be the same kind for ever.
forge_for_a_second() {
	local end=$((${EPOCHREALTIME/./} + 1500000))
	while [ "${EPOCHREALTIME/./}" -lt "$end" ]; do forge "$1" || return; done
}
monitor local
check 'a forged hint of less than the base' forge_for_a_second 600
check 'a forged hint makes messages shorter for a while' await 20 shortened
finds 'for a while only' 1472 1472
check_equal 'but never less than the base' '' "$(grep -E 'path-mtu.* (5|[0-9]{3}$)' /tmp/monitor.local)"
