#!/bin/bash
# channels.sh memory COUNT PORTS | crowd ROUNDS MS | new ROUNDS COUNT: what channels cost.
#
#   memory   bytes for each of COUNT idle channels, on either side; every customer has PORTS of them
#   crowd    one datagram's cost with 1, 1,000 and 60,000 channels that take turns, the worst there is for caches
#   new      COUNT new channels at a time, against WireGuard, DNAT and masquerade with their conntrack entries

# shellcheck source=../vm/lib.sh
. /t/lib.sh
# shellcheck source=paths.sh
. /t/paths.sh

# What the kernel's slab caches hold, in bytes: shrunk, they know exactly. And pages that are not free.
used() {
	local cache
	for cache in /sys/kernel/slab/*; do
		[ -L "$cache" ] || echo 1 >"$cache/shrink"
	done
	awk '$2 ~ /^[0-9]+$/ { sum += $2 * $4 } END { printf "%d\n", sum }' /proc/slabinfo
	awk '$2 ~ /^[0-9]+$/ { print $1, $2, $4 }' /proc/slabinfo >/tmp/slabs
}

# Which caches have grown since /tmp/slabs.before, by a tenth of $count objects at least.
grown() {
	awk -v n="$count" 'NR == FNR { had[$1] = $2; next }
		($2 - had[$1]) * 10 >= n { printf "%s: %.2f objects of %d bytes a channel\n", $1, ($2 - had[$1]) / n, $3 }' \
		/tmp/slabs.before /tmp/slabs
}

taken() {
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "MemFree:" { print -1024 * $2 }' /proc/meminfo
}

# objects CACHE: how many it holds.
objects() { awk -v cache="$1" '$1 == cache { print $2 }' /proc/slabinfo; }

_fewer_channels() {
	used >/dev/null
	[ "$(objects sdt_channel)" -le "$1" ]
}

# each FROM TO: bytes for one of $count.
each() { awk -v from="$1" -v to="$2" -v n="$count" 'BEGIN { printf "%.1f\n", (to - from) / n }'; }

# The tunnel without channels comes and goes before, so that its own size is known, and what is made once is there.
# Channels of the proxy go with its tunnel, while the cable is out: the server does not hear of it and keeps its own.
memory() {
	local ports=$2 empty with none full rest pages_none pages_full proxy
	local tunnel="add-tunnel t link l mode server listen $LISTEN idle 86400 max-channels $CHANNELS_MAX"
	count=$1
	path_aes >/tmp/plan
	sed -i "s/\$/ $ports/" /tmp/plan
	echo 'known sdt-aes-gcm 64' | cat /tmp/plan - | /t/load
	sdtctl -n x-aes del-tunnel t
	await 20 _fewer_channels 0 || bail 'the first channels do not go'
	sdtctl -n x-aes -b - <<<"$tunnel"
	with=$(used)
	sdtctl -n x-aes del-tunnel t
	empty=$(used)
	sdtctl -n x-aes -b - <<<"$tunnel"
	none=$(used) pages_none=$(taken)
	cp /tmp/slabs /tmp/slabs.before
	# and one of the customer with a socket of its own
	echo "known sdt-aes-gcm $((count - 1))" | cat /tmp/plan - | /t/load
	full=$(used) pages_full=$(taken)
	note "both sides: $(grown)"
	[ "$(objects sdt_channel)" -ge $((2 * count)) ] || bail 'too few channels'
	ip -n x-aes link set to-y-aes down
	sdtctl -n x-aes del-tunnel t
	await 60 _fewer_channels "$count" || bail 'channels of the proxy do not go'
	rest=$(used)
	proxy=$(each $((rest + with - empty)) "$full")
	echo "memory proxy $count $proxy"
	echo "memory server $count $(each "$none" "$full" | awk -v proxy="$proxy" '{ printf "%.1f\n", $1 - proxy }')"
	# The sides share slabs, so that pages do not tell them apart; tables of more than two pages are in none.
	echo "pages both $count $(each "$pages_none" "$pages_full")"
	note "ports a customer: $ports"
	ok memory
}

crowd() {
	local n
	path_wg >/tmp/plan
	path_aes >>/tmp/plan
	{
		cat /tmp/plan
		for n in 1 1000 60000; do echo "row sdt-aes-gcm 64 burst 64 $n out spread"; done
		for n in 1 1000 16000; do echo "row wireguard-nft 64 burst 64 $n out spread"; done
		echo warm
		echo "rounds $1 $2"
	} | /t/load | awk '$1 == "result" && $9 == 0 { print "crowd", $2, $6, $11 }'
	ok crowd
}

new() {
	local round n=0
	path_wg >/tmp/plan
	path_aes >>/tmp/plan
	{
		cat /tmp/plan
		echo 'known wireguard-nft 1'
		echo 'known sdt-aes-gcm 1'
		for ((round = 0; round < $1; round++)); do
			for kind in once answered; do
				for path in wireguard-nft sdt-aes-gcm; do echo "new $path $((100 + n)) $2 16 $kind"; done
				n=$((n + $2))
			done
		done
	} | /t/load
	ok new
}

modprobe sdt
"$@"
