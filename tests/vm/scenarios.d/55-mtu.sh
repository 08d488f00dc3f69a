#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/vm/helpers/path.sh tests/vm/helpers/df.py
# timeout: 300
#
# Datagrams of any size: what the link does not take goes in fragments, or its sender is told what fits.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh
# shellcheck source=../helpers/path.sh
. /t/path.sh

nodes

monitor local
calls 10.4.0.2:7380
finds 'as much as the first hop takes, at once' 1472 1472
sizes 'the longest datagram there is' 65507 4
sizes 'a record of a log' 2048 20
check_counters 'all in fragments, none missing' 'local.l.tx-fragments > 0' 'local.l.rx-fragments == remote.l.tx-fragments' \
	'remote.l.rx-fragments == local.l.tx-fragments' 'remote.l.reassembled == 96' 'local.l.reassembled == 96' \
	'local.l.frag-timeout+remote.l.frag-timeout == 0' 'local.l.path-mtu-changed == 0'
check_counters 'the longest in 46 pieces each way, a record in two: no more than needed' 'local.l.tx-fragments == 896'

# --- what never becomes whole

hang_up
calls 10.4.0.2:7380
finds 'the same again' 1472 1472
at west nft -f - <<<'table ip thief { chain forward { type filter hook forward priority 0; ip daddr 10.4.0.2 udp length 650-664 drop; }; }'
sdtload send --ns alice --to 10.1.0.2:5000 --count 300 --rate 1000 --size 2048 >/dev/null
check 'datagrams whose end was lost are given up, all of them' await 10 _counters_hold 'remote.l.rx-fragments == 300' \
	'remote.l.frag-timeout+remote.l.frag-memory == 300' 'remote.l.reassembled == 0'
at west nft delete table ip thief
traffic 'and leave nothing behind that is in the way' "${echo4[@]}" -- client --ns alice --to 10.1.0.2:5000 --count 10 --window 2 --stall 5000 --size 65000

# --- what nobody says, from the first moment

hang_up
narrow 1400
silence
at west nft -f - <<<'table ip closed { chain forward { type filter hook forward priority 0; udp dport 7380 drop; }; }'
call 10.4.0.2:7380
background alice sdtload "${echo4[@]}" -- client --ns alice --to 10.1.0.2:5000 --count 50 --window 50 --stall 30000 --size 1473-3000
early=$!
await 30 _counters_hold 'local.l.staged == 50' || bail 'nobody waits for the link'
at west nft delete table ip closed
if wait "$early"; then
	ok 'a black hole on the link is none for customers: what waited for the link arrives, whole'
else
	not_ok 'a black hole on the link is none for customers' "$(cat /tmp/alice-sdtload.log)"
fi
hang_up
talk
narrow 1500
calls 10.4.0.2:7380
finds 'wide again' 1472 1472

# --- what must not be cut

# 1472 - 24 - 2 bytes of header, and of IP and UDP
background bob sdtload "${echo4[@]}"
background bob sdtload "${echo6[@]}"
await 5 listening bob udp 5300
counters local
fragments=$(value local.l.tx-fragments)
check_equal 'IPv4 with DF: told what fits' '1447 mtu 1474' "$(at alice python3 /t/df.py 10.1.0.2 5000 1447)"
ip -n alice route flush cache
check_equal 'IPv4 with DF: that does fit' '1446 answered' "$(at alice python3 /t/df.py 10.1.0.2 5000 1446)"
check_equal 'IPv6: told what fits' '1445 mtu 1492' "$(at alice python3 /t/df.py fd01::2 5001 1445)"
ip -n alice -6 route flush cache
check_equal 'IPv6: that does fit' '1444 answered' "$(at alice python3 /t/df.py fd01::2 5001 1444)"
check_counters 'it was told and counted, nothing was cut' 'local.l.tx-told-too-big == 2' "local.l.tx-fragments == $fragments"

