#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# once: 6.1
# timeout: 300
#
# Loss, reordering and duplication on the link, both ways: no customer or target ever sees a duplicate or an altered
# datagram, and what is missing is what the link lost.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes test_time_div=10
link
tunnel t 0
on local <<<'add-tunnel d link l id 1 mode direct listen 10.1.0.2:5001 customer 10.1.0.1:7001'
on remote <<<'add-tunnel d link l id 1 mode direct listen 10.3.0.1:6001 customer 10.3.0.2:8001'

storm_traffic() {
	sdtload echo --ns bob --bind 10.3.0.2:5300 --bind 10.3.0.2:8001 -- \
		client --ns alice --to 10.1.0.2:5000 --run 2 --sockets 8 --count 3000 --window 64 --size 0-1400 \
		--stall 250 --drain 500 --expect lost=any -- \
		client --ns alice --bind 10.1.0.1:7001 --to 10.1.0.2:5001 --count 1500 --window 64 --size 0-1400 \
		--stall 250 --drain 500 --expect lost=any
}

# storm NAME NETEM-WORD...: traffic in both modes under these words. Sets lost, and dropped: by netem, both ways.
storm() {
	local name=$1 output code=0
	shift
	tc -n local qdisc replace dev to-remote root netem limit 20000 "$@"
	tc -n remote qdisc replace dev to-local root netem limit 20000 "$@"
	output=$(storm_traffic 2>&1) || code=$?
	check_equal "$name: no duplicate, nothing altered" 0 "$code"
	note "$output"
	dropped=$({
		tc -n local -s -j qdisc show dev to-remote
		tc -n remote -s -j qdisc show dev to-local
	} | jq -s 'flatten | map(select(.kind == "netem").drops) | add')
	lost=$(sed -n 's/^client: .* lost=\([0-9]*\) .*/\1/p' <<<"$output" | jq -s add)
	tc -n local qdisc del dev to-remote root
	tc -n remote qdisc del dev to-local root
}

lost='' dropped=''

storm 'duplication' duplicate 10%
check_equal 'duplication: nothing is missing' 0 "$lost"
check_counters 'duplication: the copies were thrown away as such' 'local.l.rx-replay >= 100' 'remote.l.rx-replay >= 100'

storm 'reordering' delay 4ms 3ms
check_equal 'reordering: nothing is missing' 0 "$lost"

storm 'loss' loss 5%
check 'loss: what is missing is what the link lost' test "$lost" -gt 0 -a "$lost" -le "$dropped"

storm 'all three' delay 4ms 3ms loss 3% duplicate 5%
check 'all three: what is missing is what the link lost' test "$lost" -gt 0 -a "$lost" -le "$dropped"

check_counters 'nothing that was in order was taken for old or forged' 'local.l.rx-tag == 0' 'remote.l.rx-tag == 0' \
	'local.l.rx-old == 0' 'remote.l.rx-old == 0'

# The same duplication where no tunnel guards against it: the customer would have noticed.
tc -n alice qdisc replace dev to-local root netem duplicate 10%
check_not 'control: duplicates before the tunnel are noticed' \
	sdtload echo --ns local --bind 10.1.0.2:5300 --expect duplicated=any -- \
	client --ns alice --to 10.1.0.2:5300 --count 300 --window 16
