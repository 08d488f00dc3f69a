#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# timeout: 300
#
# A router without a clock battery: it spoke to its peer in the present, and boots again in 1970.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes test_time_div=10
link
tunnel t 0

# The clock is the whole guest's; it is put right in the end, by the time that the machine says it has been up.
wall=${EPOCHREALTIME%.*}
read -r up _ </proc/uptime
right_clock() {
	local now
	read -r now _ </proc/uptime
	date -s "@$((wall + ${now%.*} - ${up%.*}))" >/dev/null
}
trap 'right_clock; _end_of_scenario' EXIT

answered() {
	sdtload echo --ns bob --bind 10.3.0.2:5300 --drain 10 -- client --ns alice --to 10.1.0.2:5000 --count 20 --until 1 --stall 150
}

check 'the link comes up in the present' await 10 answered
on local <<<$'del-tunnel t\ndel-link l'
date -s @1000 >/dev/null
on local <<<"add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380"
on local <<<'add-tunnel t link l mode server listen 10.1.0.2:5000'
check 'the link comes up in 1970' await 10 answered
check_counters 'by a challenge' 'remote.l.hs-stale >= 1' 'remote.l.tx-challenges >= 1' 'local.l.rx-challenges >= 1' \
	'remote.l.keypairs == 2'
