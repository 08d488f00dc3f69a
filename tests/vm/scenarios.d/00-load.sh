#!/bin/bash
# timeout: 300
#
# The traffic generator itself, on plain veth: content with a clean path, and noticing each kind of fault.

# shellcheck source=../lib.sh
. /t/lib.sh

echo=(--ns bob --bind 10.1.0.2:5300)
client=(client --ns alice --to 10.1.0.2:5300 --sockets 3 --count 300 --window 16 --size 0-1400 --stall 200)

churn=(churn --ns alice --bind 10.6.0.1:7000 --ports 16 --to 10.1.0.2:5300 --sockets 8 --life 8 --window 2 --size 16-200
	--stall 100 --until 2000)

# faulty KIND TALLY [CLIENT...]: faults are told as what they are. One is enough: the asker before may often be the same one.
faulty() {
	local kind=$1 tally=$2 output
	shift 2
	[ $# -gt 0 ] || set -- "${client[@]}"
	output=$(sdtload echo "${echo[@]}" --fault "$kind" -- "$@") && return 1
	printf '%s\n' "$output"
	output=$(grep "^$1: sent" <<<"$output")
	[[ $output =~ \ $tally=([0-9]+)\  ]] && [ "${BASH_REMATCH[1]}" -ge 1 ]
}

topo alice bob
ip -n bob route add 10.6.0.0/24 via 10.1.0.1

check 'a clean path' sdtload echo "${echo[@]}" --expect received=300 --expect peers=3 -- "${client[@]}"
check 'an altered answer is noticed' faulty flip changed
check 'a doubled answer is noticed' faulty twice duplicated
check 'an answer to another asker is noticed' faulty swap misrouted
check 'a missing answer is noticed' faulty drop lost
check_not 'an answer from another port is noticed' sdtload echo "${echo[@]}" --from-port 5301 -- "${client[@]}" --count 3
check_not 'a datagram missing at the sink is noticed' sdtload sink "${echo[@]}" --drain 100 --expect received=11 -- \
	send --ns alice --to 10.1.0.2:5300 --count 10
check 'customers that come and go: late answers to a port are no strangers' \
	sdtload echo "${echo[@]}" --delay 0-20 --late 50 --twice 10 --expect peers=16 -- \
	"${churn[@]}" --expect 'renewed>=200' --expect 'late>=1' --expect 'duplicated>=1'
check 'customers that come and go: an answer to another is noticed' faulty swap misrouted "${churn[@]}"
check 'answers that would come too late are withheld' \
	sdtload echo "${echo[@]}" --delay 50 --within 40 --expect sent=0 --expect withheld=10 -- \
	"${client[@]}" --sockets 1 --count 10 --expect lost=10
