#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# once: 6.12
# cpus: 2
# timeout: 300
#
# A flood of initiations from very many addresses, each with a right mac1: links that are up carry traffic and rekey as
# before, new ones come up, memory stays where it was; those who call are asked for a cookie. Over IPv4, and over IPv6 with
# a wrong mac2 in each. Protocol times are a fifth, for the handshake's retries.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes test_time_div=5
link
tunnel t 0
link_up local remote
# Somebody else, on the other side, who will want to connect.
on remote <<<"add-link n peer-key $STRANGER_PUB"
on bob <<<'set-node private-key @/tmp/STRANGER_KEY listen :7380'
# Answers to the flood go somewhere.
ip -n remote route add 10.128.0.0/9 via 10.2.0.1
ip -n remote -6 route add fd80::/16 via fd02::1

echo=(echo --ns bob --bind 10.3.0.2:5300)
client=(client --ns alice --to 10.1.0.2:5000)
public=$(base64 -d <<<"$REMOTE_PUB" | od -An -v -tx1 | tr -d ' \n')
slab() {
	local word value
	while read -r word value _; do
		if [ "$word" = Slab: ]; then REPLY=$value; fi
	done </proc/meminfo
}
counted='remote.node.hs-cookie-needed+remote.node.hs-queue+remote.node.hs-invalid+remote.node.hs-source-rate'

# So many were; meanwhile, look at the memory.
dealt_with() {
	slab
	if [ "$REPLY" -gt "$most" ]; then most=$REPLY; fi
	_counters_hold "$counted >= $1"
}

# flood NAME PEER FROM TO COUNT LANES WORD...: and what has to work meanwhile.
flood() {
	local name=$1 peer=$2 from=$3 to=$4 count=$5 lanes=$6 flood before rekeys cookies start most word
	shift 6
	counters remote local
	before=0
	for word in ${counted//+/ }; do before=$((before + $(value "$word"))); done
	rekeys=$(value remote.l.keypairs) cookies=$(value remote.node.tx-cookies)
	slab
	start=$REPLY most=$REPLY
	background local spoof --from "$from:1" --spread 22 --to "$to:7380" --count 10000000 --initiations "$public" "$@"
	flood=$!
	check "$name: it is under way, and cookies are asked for" await 30 _counters_hold "remote.node.tx-cookies > $cookies"
	traffic "$name: an existing link loses nothing" "${echo[@]}" -- "${client[@]}" --sockets 4 --count 400 --window 4 --size 0-1400 --stall 10000
	on local <<<"set-link l lanes $lanes"
	check "$name: it rekeys" await 10 _counters_hold "remote.l.keypairs > $rekeys"
	on bob <<<"add-link n peer-key $REMOTE_PUB peer $peer"
	check "$name: a new link comes up" await 60 _link_is_up bob
	counters bob
	note "$name: it was asked for a cookie $(value bob.n.rx-cookies) times, and called $(value bob.n.tx-initiations) times"
	# In this very shell, which remembers what it saw.
	if await 240 dealt_with "$((before + count))"; then
		ok "$name: $count initiations and more"
	else
		not_ok "$name: $count initiations and more" "$(_counters_hold "$counted >= $((before + count))")"
	fi
	check "$name: it lasted all the time" test -d "/proc/$flood"
	kill "$flood"
	await 5 _gone "$flood"
	slab
	note "$name: slab memory $start kB before, $most at most, $REPLY after"
	# What may wait has some 2300 messages; a leak of a hundred bytes each would show.
	check "$name: memory stays where it was" test "$((most - start))" -le 8192
	on bob <<<'del-link n'
}

flood 'IPv4' 10.3.0.1:7380 10.128.0.0 10.2.0.2 50000 2
flood 'IPv6' '[fd03::1]:7380' '[fd80::]' '[fd02::2]' 10000 3 --cookies
traffic 'afterwards: traffic flows' "${echo[@]}" -- "${client[@]}" --count 100 --window 8
