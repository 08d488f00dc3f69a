#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# once: 6.1
# timeout: 300
#
# 100,000 datagrams of 0 to 1400 bytes through server mode, answered one by one: none lost, changed or duplicated.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
link
tunnel t 0

traffic '100,000 datagrams' \
	echo --ns bob --bind 10.3.0.2:5300 --expect received=100000 --expect peers=16 -- \
	client --ns alice --to 10.1.0.2:5000 --sockets 16 --count 100000 --window 64 --size 0-1400 --stall 5000
check_counters 'each is counted once everywhere' \
	'local.t.in-datagrams == 100000' 'remote.t.out-datagrams == 100000' \
	'remote.t.in-datagrams == 100000' 'local.t.out-datagrams == 100000'
