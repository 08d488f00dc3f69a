#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# once: 6.1
# timeout: 300
#
# Many askers: two customers with the same port on different addresses, and one customer with 5,000 sockets.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
ip -n alice -batch - <<'END'
addr add 10.1.0.3/24 dev to-local
addr add fd01::3/64 dev to-local nodad
END
link
tunnel t 0 max-channels 6000
on local <<<'add-tunnel six link l id 1 mode server listen [fd01::2]:5001'
on remote <<<'add-tunnel six link l id 1 mode server target [fd03::2]:5300'

traffic 'same port, two addresses, v4' \
	echo --ns bob --bind 10.3.0.2:5300 --expect peers=2 -- \
	client --ns alice --bind 10.1.0.1:7000 --bind 10.1.0.3:7000 --to 10.1.0.2:5000 --sockets 2 --count 2000 --window 32 --size 0-1400
traffic 'same port, two addresses, v6' \
	echo --ns bob --bind '[fd03::2]:5300' --expect peers=2 -- \
	client --ns alice --bind '[fd01::1]:7000' --bind '[fd01::3]:7000' --to '[fd01::2]:5001' --sockets 2 --count 2000 --window 32 --size 0-1400
# No more at a time than wait for their sockets without loss, also when the sender was held up and has to catch up.
traffic '5,000 sockets' \
	echo --ns bob --bind 10.3.0.2:5300 --expect peers=5000 -- \
	client --ns alice --to 10.1.0.2:5000 --sockets 5000 --count 10000 --window 64 --rate 1000 --size 16-400 --stall 5000
check_counters '5,000 sockets: as many channels' 'local.t.channels-opened == 5002' 'remote.t.channels-opened == 5002'
check_equal '5,000 sockets: show tells all of them, each once' 5002 \
	"$(show remote channels '[.[] | select(.tunnel == "t").id] | unique | length')"

# New customers all at once: held back on the link, then let go together. First datagrams wait for their sockets, within
# bounds: what is beyond these is counted.
tunnel few 2
tunnel burst 3 max-channels 6000
tc -n local qdisc add dev to-remote root netem slot 700ms 700ms limit 5000
traffic '100 new customers at once: none is lost' \
	sink --ns bob --bind 10.3.0.2:5300 --drain 1000 --expect received=100 -- \
	send --ns alice --to 10.1.0.2:5002 --sockets 100 --count 100 --size 16-400
traffic '1,000 new customers at once' \
	sink --ns bob --bind 10.3.0.2:5300 --drain 1500 --expect 'received>=128' -- \
	send --ns alice --to 10.1.0.2:5003 --sockets 1000 --count 1000 --size 16-400
check_counters '1,000 new customers at once: each was served, or counted' \
	'local.burst.in-datagrams == 1000' 'remote.burst.parked >= 1' \
	'remote.burst.out-datagrams+remote.burst.park-full+remote.burst.park-timeout+local.l.tx-queue == 1000'
counters remote
note "served: $(value remote.burst.out-datagrams), of these waited: $(value remote.burst.parked)"
