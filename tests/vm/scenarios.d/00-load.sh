#!/bin/bash
# timeout: 30
#
# The traffic generator itself, on plain veth: content with a clean path, and noticing each kind of fault.

# shellcheck source=../lib.sh
. /t/lib.sh

echo=(--ns bob --bind 10.1.0.2:5300)
client=(--ns alice --to 10.1.0.2:5300 --sockets 3 --count 300 --window 16 --size 0-1400 --stall 200)

# faulty KIND TALLY: faults are told as what they are. One is enough: the asker before may often be the same one.
faulty() {
	local kind=$1 tally=$2 output
	output=$(sdtload echo "${echo[@]}" --fault "$kind" -- client "${client[@]}") && return 1
	printf '%s\n' "$output"
	output=$(grep '^client' <<<"$output")
	[[ $output =~ \ $tally=([0-9]+)\  ]] && [ "${BASH_REMATCH[1]}" -ge 1 ]
}

topo alice bob

check 'a clean path' sdtload echo "${echo[@]}" --expect received=300 --expect peers=3 -- client "${client[@]}"
check 'an altered answer is noticed' faulty flip changed
check 'a doubled answer is noticed' faulty twice duplicated
check 'an answer to another asker is noticed' faulty swap misrouted
check 'a missing answer is noticed' faulty drop lost
check_not 'an answer from another port is noticed' sdtload echo "${echo[@]}" --from-port 5301 -- client "${client[@]}" --count 3
check_not 'a datagram missing at the sink is noticed' sdtload sink "${echo[@]}" --drain 100 --expect received=11 -- \
	send --ns alice --to 10.1.0.2:5300 --count 10
