#!/bin/bash
# channels.sh memory COUNT PORTS | crowd ROUNDS MS | new ROUNDS COUNT | handshakes ROUNDS COUNT: what channels and sessions cost.
#
#   memory   bytes for each of COUNT idle channels, on either side; every customer has PORTS of them
#   crowd    one datagram's cost with 1, 1,000 and 60,000 channels that take turns, the worst there is for caches
#   new      COUNT new channels at a time, against WireGuard, DNAT and masquerade with their conntrack entries
#   handshakes  COUNT links of one node come up at once, each to a node of its own: both ends' work, on one processor

# shellcheck source=../vm/lib.sh
. /t/lib.sh
# shellcheck source=paths.sh
. /t/paths.sh

# The caches from which something of a channel may come; of the others, programs of this guest use some more or less.
CACHES='^(sdt_|UDP|sock_inode_cache|kmalloc-|radix_tree_node|ip_dst)'

# What they hold, in bytes: shrunk, they know exactly. And pages that are not free.
used() {
	local cache
	for cache in /sys/kernel/slab/*; do
		[ -L "$cache" ] || echo 1 >"$cache/shrink"
	done
	awk -v caches="$CACHES" '$1 ~ caches { print $1, $2, $4 }' /proc/slabinfo >/tmp/slabs
	awk '{ sum += $2 * $3 } END { printf "%d\n", sum }' /tmp/slabs
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

# x has a cable to each of h0, h1, ...
_peers() {
	local i
	for ((i = 0; i < $1; i++)); do
		echo "netns add h$i"
		echo "link add h$i netns x type veth peer name x netns h$i"
	done | ip -batch -
	for ((i = 0; i < $1; i++)); do
		_namespaces+=("h$i")
		printf '%s\n' "link set x up" "addr add 10.200.$i.2/24 dev x" | ip -n "h$i" -batch -
		printf '%s\n' "link set h$i up" "addr add 10.200.$i.1/24 dev h$i"
	done >/tmp/batch
	ip -n x -batch - </tmp/batch
}

# now: microseconds, in REPLY.
now() { REPLY=${EPOCHREALTIME/./}; }

# until_up COUNT: reads the monitor's lines until so many links have come up.
until_up() {
	local n=0 line
	while [ "$n" -lt "$1" ]; do
		read -r -t 20 -u "$events" line || bail "$n of $1 links came up"
		if [[ $line = *link-up* ]]; then n=$((n + 1)); fi
	done
}

# What adding links costs without handshakes is taken off.
handshakes() {
	local rounds=$1 count=$2 i pub x_pub start bare
	topo x y
	_peers "$count"
	(umask 077 && sdtctl genkey >/tmp/key)
	x_pub=$(sdtctl pubkey </tmp/key)
	sdtctl -n x set-node private-key @/tmp/key listen :7380
	for ((i = 0; i < count; i++)); do
		(umask 077 && sdtctl genkey >"/tmp/key-$i")
		pub=$(sdtctl pubkey <"/tmp/key-$i")
		printf '%s\n' "set-node private-key @/tmp/key-$i listen :7380" "add-link l peer-key $x_pub" | sdtctl -n "h$i" -b -
		echo "add-link l$i peer-key $pub" >>/tmp/bare
		echo "add-link l$i peer-key $pub peer 10.200.$i.2:7380" >>/tmp/add
		echo "del-link l$i" >>/tmp/del
	done
	exec {events}< <(exec nsenter --net=/run/netns/x -- sdtctl monitor)
	await 5 _monitored x || bail 'no monitor'
	# The first time, neighbours have to be found as well.
	for ((i = -1; i < rounds; i++)); do
		now && start=$REPLY
		sdtctl -n x -b /tmp/bare
		now && bare=$((REPLY - start))
		sdtctl -n x -b /tmp/del
		now && start=$REPLY
		sdtctl -n x -b /tmp/add
		until_up "$count"
		now
		[ "$i" -lt 0 ] || echo "handshakes sdt-aes-gcm $count $(((REPLY - start - bare) * 1000))"
		sdtctl -n x -b /tmp/del
	done
	ok handshakes
}

# Somebody there listens to a group of generic netlink (16).
_monitored() { at "$1" cat /proc/net/netlink | awk '$2 == 16 && $4 != "00000000" { found = 1 } END { exit !found }'; }

modprobe sdt
"$@"
