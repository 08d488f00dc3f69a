#!/bin/bash
# In the guest: everything about two nodes changes under traffic, again and again, in an order that SDT_SEED decides, for
# SDT_SECONDS. After each change every tunnel must carry traffic. In the end channels, ports, sockets and memory are as
# many and as much as before. Protocol times are a twentieth.

# shellcheck source=../vm/lib.sh
. /t/lib.sh
# shellcheck source=../vm/helpers/sdt.sh
. /t/sdt.sh
# shellcheck source=../vm/helpers/left.sh
. /t/left.sh

SECONDS=0
LENGTH=${SDT_SECONDS:-180}
RANDOM=${SDT_SEED:-1}
TIME_DIV=20
# In each tunnel, in its main direction, after each change.
ENOUGH=5
# Kilobytes that come and go with what happened last; what is lost in each round of changes would be more.
MEMORY_SLACK=${SDT_MEMORY_SLACK:-256}

# pick WORD...: one of them, in REPLY. Not in a subshell, which would have numbers of its own.
pick() {
	local -a words=("$@")
	REPLY=${words[RANDOM % $#]}
}

# --- the network: topo's, with more addresses, and routes for a router's customers

wire_local() {
	ip -batch - <<-END
		link add to-local netns alice type veth peer name to-alice netns local
		link add to-remote netns local type veth peer name to-local netns remote
	END
	ends_of alice local remote
}

wire_remote() {
	ip -batch - <<-END
		link add to-remote netns local type veth peer name to-local netns remote
		link add to-bob netns remote type veth peer name to-remote netns bob
	END
	ends_of local remote bob
}

# ends_of NAMESPACE...: the devices between these, in the order of the row, get what they have.
ends_of() {
	local row='alice local remote bob' i=0 left=alice right
	for right in ${row#alice }; do
		i=$((i + 1))
		if [[ " $* " = *" $left "* ]] && [[ " $* " = *" $right "* ]]; then
			end_of "$left" "$right" "$i" 1
			end_of "$right" "$left" "$i" 2
		fi
		left=$right
	done
	if [[ " $* " = *' alice '* ]]; then ip -n alice route replace 10.3.0.0/24 via 10.1.0.2; fi
	if [[ " $* " = *' local '* ]]; then ip -n local addr replace 10.2.0.5/24 dev to-remote; fi
	if [[ " $* " = *' bob '* ]]; then
		for i in 11 12 13; do ip -n remote addr replace "10.3.0.$i/24" dev to-bob; done
	fi
}

# end_of NAMESPACE NEIGHBOUR NET HOST
end_of() {
	ip -n "$1" -batch - <<-END
		link set to-$2 up
		addr replace 10.$3.0.$4/24 dev to-$2
		addr replace fd0$3::$4/64 dev to-$2 nodad
	END
}

no_devices() { ! ip -n alice link show to-local && ! ip -n bob link show to-remote; }
one_device_less() { ! ip -n "$1" link show "$2"; }

# --- what is configured. Words that a change has altered are kept, so that what is made anew is made as it was.

psk='' cipher='' lanes=1 peer=10.2.0.2 port=7380
link_words() { echo "${cipher:+ cipher $cipher}${psk:+ psk @/tmp/$psk} lanes $lanes"; }

TUNNELS=(s d b t r x)
add_tunnel() {
	case $1.$2 in
	local.s) echo 'add-tunnel s link l id 0 mode server listen 10.1.0.2:5000 idle 20' ;;
	remote.s) echo 'add-tunnel s link l id 0 mode server target 10.3.0.2:5300 egress-ports 20000-24095 max-channels 2000 idle 25' ;;
	local.d) echo 'add-tunnel d link l id 1 mode direct listen 10.1.0.2:5001 customer 10.1.0.1:7001' ;;
	remote.d) echo 'add-tunnel d link l id 1 mode direct listen 10.3.0.1:6001 customer 10.3.0.2:8001' ;;
	local.b) echo 'add-tunnel b link l id 2 mode server target 10.1.0.1:5300 idle 25' ;;
	remote.b) echo 'add-tunnel b link l id 2 mode server listen 10.3.0.1:6002 idle 20' ;;
	local.t) echo 'add-tunnel t link l id 3 mode stream listen 10.1.0.2:5003' ;;
	remote.t) echo 'add-tunnel t link l id 3 mode stream target 10.3.0.2:5303' ;;
	local.r) echo 'add-tunnel r link l id 300 mode router listen :5004 idle 20' ;;
	remote.r) echo 'add-tunnel r link l id 300 mode router role server allow 10.3.0.0/24 idle 25' ;;
	local.x) echo 'add-tunnel x link l id 5 mode server listen [fd01::2]:5005 idle 20 client-address proxy-v2' ;;
	remote.x) echo 'add-tunnel x link l id 5 mode server target [fd03::2]:5301 idle 25 client-address proxy-v2 client-allow fd01::/16' ;;
	esac
}
add_tunnels() { for tunnel in "${TUNNELS[@]}"; do add_tunnel "$1" "$tunnel"; done; }
del_tunnels() { printf 'del-tunnel %s\n' "${TUNNELS[@]}"; }
add_link() {
	case $1 in
	local) echo "add-link l peer-key $REMOTE_PUB peer $peer:$port$(link_words)" ;;
	remote) echo "add-link l peer-key $LOCAL_PUB$(link_words)" ;;
	esac
}
set_node() {
	case $1 in
	local) echo 'set-node private-key @/tmp/LOCAL_KEY listen :7380' ;;
	remote) echo "set-node private-key @/tmp/REMOTE_KEY listen :$port" ;;
	esac
}
start() {
	on "$1" < <(set_node "$1" && add_link "$1" && add_tunnels "$1")
	if [ "$1" = local ]; then sdtctl -n local capture r install in to-alice to 10.3.0.0/24; fi
}

# --- traffic

# It takes what processor time the changes leave.
# An answer that comes late may find its port in use again, by another customer: a tunnel that was added anew knows nothing
# of its former ports' rest, which here is a twentieth as long besides. Scenario 35-invariant keeps away from that, and
# asks whose the answers are.
# PROXY headers stand before the first datagram of tunnel x, which therefore has a target that only takes.
traffic_begins() {
	background bob nice -n 19 sdtload echo --bind 10.3.0.2:5300 --bind 10.3.0.2:5302 --bind 10.3.0.2:5400 --bind 10.3.0.2:8001 \
		--expect 'received>=1' --expect changed=any -- sink --bind 10.3.0.2:5303 --expect changed=any --expect 'received>=1' -- \
		churn --bind 10.3.0.2:9000 --ports 64 --to 10.3.0.1:6002 --sockets 8 --window 2 --size 16-1400 --until 1 --stay --expect misrouted=any --run 2 \
		--stall 300 --life 8
	load=($!)
	background bob socat -u UDP6-RECV:5301 OPEN:/dev/null
	background alice nice -n 19 sdtload echo --bind 10.1.0.1:5300 --expect changed=any -- \
		churn --bind 10.1.0.1:10000 --ports 64 --to 10.1.0.2:5000 --sockets 8 --window 3 --size 16-1400 --until 1 --stay --expect misrouted=any --run 3 \
		--stall 300 --life 8
	load+=($!)
	background alice nice -n 19 sdtload churn --bind 10.1.0.1:11000 --ports 64 --to 10.3.0.2:5400 --sockets 4 --window 2 --size 16-2000 \
		--until 1 --stay --expect misrouted=any --run 4 --stall 300 --life 8
	load+=($!)
	background alice nice -n 19 sdtload client --bind 10.1.0.1:7001 --to 10.1.0.2:5001 --count 10000000 --rate 40 --window 4 --size 16-1400 \
		--stall 300 --expect lost=any --run 5
	load+=($!)
	background alice nice -n 19 sdtload send --to 10.1.0.2:5003 --count 10000000 --rate 40 --sockets 4 --size 16-1400 --expect lost=any --run 6
	load+=($!)
	background alice nice -n 19 sdtload send --to '[fd01::2]:5005' --count 10000000 --rate 40 --sockets 4 --size 16-1400 --expect lost=any \
		--run 7
	load+=($!)
}

# What has come through each tunnel; alice and bob, where it is counted, stay for as long as this runs.
# The order is that of TUNNELS.
count_arrivals() {
	at alice nft -f - <<-END
		table inet arrived {
			counter s { }
			counter d { }
			counter r { }
			chain in {
				type filter hook input priority 0
				udp sport 5000 counter name s
				udp sport 5001 counter name d
				udp sport 5400 counter name r
			}
		}
	END
	at bob nft -f - <<-END
		table inet arrived {
			counter b { }
			counter t { }
			counter x { }
			chain in {
				type filter hook input priority 0
				udp sport 6002 counter name b
				udp dport 5303 counter name t
				udp dport 5301 counter name x
			}
		}
	END
}

declare -A arrived
arrivals() {
	local word name='' number rest
	while read -r word number rest; do
		case $word in
		counter) name=$number ;;
		packets) arrived[$name]=$number ;;
		esac
	done < <(at alice nft list counters && at bob nft list counters)
}

# carried: so much more has come through each tunnel than was wanted at last.
declare -A wanted
carried() {
	local tunnel
	arrivals
	for tunnel in "${TUNNELS[@]}"; do [ "${arrived[$tunnel]}" -ge "${wanted[$tunnel]}" ] || return 1; done
}

# must_flow WHEN
must_flow() {
	local tunnel node
	arrivals
	for tunnel in "${TUNNELS[@]}"; do wanted[$tunnel]=$((arrived[$tunnel] + ENOUGH)); done
	await 90 carried && return
	for tunnel in "${TUNNELS[@]}"; do note "$tunnel: ${arrived[$tunnel]}, wanted ${wanted[$tunnel]}"; done
	for node in local remote; do note "$node: $(sdtctl -n "$node" show && sdtctl -n "$node" stats)"; done
	bail "traffic flows in all tunnels $1"
}

# --- changes. Each leaves the nodes so that traffic flows in all tunnels.

node() { pick local remote; }

tunnel_again() {
	local name
	pick "${TUNNELS[@]}"
	name=$REPLY
	node
	said="$name on $REPLY"
	on "$REPLY" < <(echo "del-tunnel $name" && add_tunnel "$REPLY" "$name")
}

tunnels_again() {
	node
	said=$REPLY
	on "$REPLY" < <(del_tunnels && add_tunnels "$REPLY" && del_tunnels && add_tunnels "$REPLY")
}

link_again() {
	node
	said=$REPLY
	on "$REPLY" < <(del_tunnels && echo 'del-link l' && add_link "$REPLY" && add_tunnels "$REPLY")
}

other_link() {
	pick aes-gcm chacha20-poly1305
	cipher=$REPLY
	pick PSK OTHER_PSK ''
	psk=$REPLY
	pick 1 2 4 16
	lanes=$REPLY
	said=$(link_words)
	on remote < <(del_tunnels && echo 'del-link l' && add_link remote && add_tunnels remote)
	on local < <(del_tunnels && echo 'del-link l' && add_link local && add_tunnels local)
}

other_lanes() {
	pick 1 2 3 8 16
	lanes=$REPLY
	node
	said="$lanes on $REPLY"
	on "$REPLY" <<<"set-link l lanes $lanes"
}

link_settings() {
	local words
	pick 'keepalive 1' 'keepalive 0' 'pad 128' 'pad 0' 'ecn off' 'ecn on' 'dscp copy' 'dscp 10' 'ttl 9' 'ttl 0' 'roam off' 'roam on' \
		'link-max-channels 50' 'link-max-channels 100000'
	words=$REPLY
	node
	said="$words on $REPLY"
	on "$REPLY" <<<"set-link l $words"
}

tunnel_settings() {
	pick 'idle 5' 'idle 40' 'idle-oneshot 3' 'idle-oneshot 0' 'idle-refresh customer' 'idle-refresh both' 'max-channels 5' \
		'max-channels 2000' 'at-limit evict-idle' 'at-limit refuse' 'channel-rate 20' 'channel-rate 0'
	said=$REPLY
	on remote <<<"set-tunnel s $said"
	pick 'idle 10' 'idle 40' 'max-channels 20' 'max-channels 4096' 'at-limit evict-idle' 'at-limit refuse' \
		'max-channels-per-customer 3' 'max-channels-per-customer 0'
	said+=", $REPLY"
	on local <<<"set-tunnel r $REPLY"
}

target_moves() {
	pick 5300 5302
	said=$REPLY
	on remote <<<"set-tunnel s target 10.3.0.2:$REPLY"
}

target_is_away() {
	on remote <<<'set-tunnel s target 10.3.0.2:9'
	sdtload send --ns alice --to 10.1.0.2:5000 --sockets 50 --count 100 --rate 1000 --run 8 --expect lost=any >/dev/null
	on remote <<<'set-tunnel s target 10.3.0.2:5300'
}

egress_moves() {
	pick 'egress 10.3.0.11-10.3.0.13' 'egress none' 'egress 10.3.0.12' 'egress-ports 30000-34095' 'egress-ports 20000-24095'
	said=$REPLY
	on remote <<<"set-tunnel s $REPLY"
}

# An address of the pool goes while channels use it; before it is back, the others serve.
address_leaves() {
	on remote <<<'set-tunnel s egress 10.3.0.11-10.3.0.13'
	ip -n remote addr del 10.3.0.12/24 dev to-bob
	must_flow 'without an egress address'
	ip -n remote addr add 10.3.0.12/24 dev to-bob
}

source_moves() {
	pick 10.2.0.5 10.2.0.1 none
	said=$REPLY
	# A fixed source has a family, which the peer's address has to be of.
	peer=10.2.0.2
	on local < <(echo "set-link l peer $peer:$port" && echo "set-link l source $REPLY")
}

peer_moves() {
	pick 10.2.0.2 '[fd02::2]'
	peer=$REPLY
	said=$peer
	on local < <(echo 'set-link l source none' && echo "set-link l peer $peer:$port")
}

port_moves() {
	pick 7380 7381
	port=$REPLY
	said=$port
	on remote <<<"set-node listen :$port"
	on local <<<"set-link l peer $peer:$port"
}

weather() {
	local words
	pick '' 'delay 2ms 2ms' 'delay 10ms 9ms loss 3% duplicate 5%' 'loss 15%' 'delay 5ms 4ms duplicate 30%' 'corrupt 5%' \
		'rate 20mbit limit 50'
	words=$REPLY
	said=${words:-fair}
	# shellcheck disable=SC2086 # words
	for side in local/to-remote remote/to-local; do
		tc -n "${side%/*}" qdisc replace dev "${side#*/}" root netem limit 20000 $words
	done
}

path_narrows() {
	pick 1280 1400 1500 3000
	said=$REPLY
	ip -n local link set to-remote mtu "$REPLY"
	pick 1280 1400 1500 3000
	said+=" $REPLY"
	ip -n remote link set to-local mtu "$REPLY"
}

cable_pulled() {
	ip -n local link set to-remote down
	sdtload send --ns alice --to 10.1.0.2:5000 --sockets 20 --count 200 --run 8 --expect lost=any >/dev/null
	ip -n local link set to-remote up
	# They left with the device.
	ip -n local -batch - <<<$'addr replace fd02::1/64 dev to-remote nodad'
}

sessions_lost() {
	node
	said=$REPLY
	on "$REPLY" < <(echo 'set-node private-key @/tmp/STRANGER_KEY' && set_node "$REPLY")
}

machine_cloned() {
	pick vmfork hibernate
	said=$REPLY
	echo "$REPLY" >/sys/module/sdt/parameters/test_notify
	if [ "$REPLY" = hibernate ]; then echo resume >/sys/module/sdt/parameters/test_notify; fi
}

node_again() {
	node
	said=$REPLY
	ip netns del "$REPLY"
	case $REPLY in
	local) await 10 one_device_less alice to-local && await 10 one_device_less remote to-local ;;
	remote) await 10 one_device_less bob to-remote && await 10 one_device_less local to-remote ;;
	esac || bail "the devices of $REPLY go with it"
	ip netns add "$REPLY"
	ip -n "$REPLY" link set lo up
	"wire_$REPLY"
	start "$REPLY"
}

many_customers() {
	sdtload send --ns alice --to 10.1.0.2:5000 --to 10.3.0.2:5400 --sockets 600 --count 600 --rate 3000 --run 9 --expect lost=any >/dev/null
}

rubbish() {
	local seed=$RANDOM
	said="seed $seed"
	sdtload raw --ns local --to "10.2.0.2:$port" --random 300 --seed "$seed" --expect lost=any >/dev/null
	sdtload raw --ns remote --to 10.2.0.1:7380 --random 300 --seed "$((seed + 1))" --expect lost=any >/dev/null
}

# Requests that fail, early and late, and leave everything as it was; lists that are left half read; a listener that
# does not say good-bye.
requests() {
	local node pid
	for node in local remote; do
		sdtctl -n "$node" -force -b - 2>/dev/null <<-END || true
			add-tunnel s link l id 0 mode server listen 127.0.0.1:5999
			add-tunnel new link l id 0 mode server listen 127.0.0.1:5999
			add-tunnel new link l id 9 mode server listen 192.0.2.1:5999
			add-tunnel new link m id 9 mode server listen 192.0.2.1:5999 peer-key $STRANGER_PUB
			add-tunnel new link l id 9 mode server target 10.3.0.2:5300 egress 192.0.2.1
			add-link l peer-key $STRANGER_PUB
			add-link m peer-key $LOCAL_PUB
			set-tunnel s target [fd03::2]:5300 egress 10.3.0.1
			del-link l
			del-tunnel nothing
			del-tunnel new
			del-link m
		END
		sdtctl -n "$node" show channels | head -n 1 >/dev/null || true
		sdtctl -n "$node" monitor >/dev/null 2>&1 &
		pid=$!
		sdtctl -n "$node" stats --all >/dev/null
		kill -KILL "$pid"
		wait "$pid" 2>/dev/null || true
	done
}

CHANGES=(tunnel_again tunnels_again link_again other_link other_lanes link_settings tunnel_settings target_moves target_is_away
	egress_moves address_leaves source_moves peer_moves port_moves weather path_narrows cable_pulled sessions_lost machine_cloned
	node_again many_customers rubbish requests)
if [ -n "${SDT_CHANGES:-}" ]; then IFS=, read -ra CHANGES <<<"$SDT_CHANGES"; fi

changes=0
change() {
	said=''
	changes=$((changes + 1))
	"$1"
	must_flow "after change $changes, $1 $said"
	note "$SECONDS s: $changes $1 $said"
}

# --- what must be as it was

# Pages in sockets' buffers; the kernel keeps a megabyte of them at hand.
# shellcheck disable=SC2016 # awk's
udp_pages() { at "$1" awk '$1 == "UDP:" { print $5 }' /proc/net/sockstat; }

# Kilobytes in what the kernel allocates for nobody in particular, and in per-CPU areas.
memory() {
	echo 3 >/proc/sys/vm/drop_caches
	shrink_caches
	awk '$1 ~ /^kmalloc-/ { sum += $3 * $4 / 1024 } $1 == "Percpu:" || $1 == "VmallocUsed:" { sum += $2 } END { print int(sum) }' \
		/proc/slabinfo /proc/meminfo
}

# All channels have ended, all ports had their rest.
at_rest() {
	local node
	for node in local remote; do
		[ "$(show "$node" tunnels '[.[] | (.channels // 0) + (."ports-active" // 0) + (."ports-resting" // 0)] | add')" = 0 ] || return 1
	done
}

# to_rest: no traffic, no weather; then neither channels, nor tunnels, nor links.
to_rest() {
	local node code pid
	for pid in "${load[@]}"; do kill -TERM "$pid"; done
	for pid in "${load[@]}"; do
		code=0
		wait "$pid" || code=$?
		check_equal "$1: what customers and targets have got is whole" 0 "$code"
	done
	cat /tmp/*-nice.log | sed 's/^/# /'
	rm -f /tmp/*-nice.log
	load=()
	tc -n local qdisc del dev to-remote root 2>/dev/null || true
	tc -n remote qdisc del dev to-local root 2>/dev/null || true
	if await 60 at_rest; then
		ok "$1: no channel is open, and all ports are free"
	else
		not_ok "$1: no channel is open, and all ports are free" "$(sdtctl -n local show tunnels; sdtctl -n remote show tunnels)"
	fi
	for node in local remote; do
		on "$node" < <(del_tunnels && echo 'del-link l')
		check "$1: $node: sockets are as many as without a link" await 10 sockets_as_before "$node"
		check "$1: $node: nothing waits in them" test "$(udp_pages "$node")" -le 256
	done
	check_no_module_objects "$1: the module's caches are empty" 10
}
# sockets_of NODE: in REPLY, when it has those of all lanes, which it keeps for its next link, as it does those that some
# link had.
sockets_of() {
	on "$1" <<<"add-link all peer-key $STRANGER_PUB peer 10.2.0.99:9 lanes 16"$'\n''del-link all'
	REPLY=$(udp_sockets "$1")
}
sockets_as_before() {
	sockets_of "$1"
	[ "$REPLY" = "${sockets[$1]}" ]
}

# bare: no SDT, no nodes.
bare() {
	sdtctl -n local capture r remove || true
	rmmod sdt
	ip -batch - <<<$'netns del local\nnetns del remote'
	await 10 no_devices
}

declare -A sockets
declare -a load=()
from_bare() {
	local node
	psk='' cipher='' lanes=1 peer=10.2.0.2 port=7380
	modprobe sdt test_time_div="$TIME_DIV"
	if [ ! -e /run/netns/local ]; then
		ip -batch - <<<$'netns add local\nnetns add remote'
		for node in local remote; do ip -n "$node" link set lo up; done
		ip link add to-bob netns remote type veth peer name to-remote netns bob
		wire_local
	fi
	ends_of alice local remote bob
	for node in local remote; do
		on "$node" < <(set_node "$node")
		sockets_of "$node"
		sockets[$node]=$REPLY
	done
	for node in remote local; do start "$node"; done
}

if [ -e /sys/kernel/debug/kmemleak ]; then echo clear >/sys/kernel/debug/kmemleak; fi
nodes test_time_div="$TIME_DIV"
rmmod sdt
from_bare
count_arrivals
# Customers and targets keep their addresses while their gateways, and the devices towards these, are made anew.
ip -n alice -batch - <<<$'addr add 10.1.0.1/32 dev lo\naddr add fd01::1/128 dev lo nodad'
ip -n bob -batch - <<<$'addr add 10.3.0.2/32 dev lo\naddr add fd03::2/128 dev lo nodad'
traffic_begins
must_flow 'at first'

# Each change once: then all that the kernel keeps for later use is there. What is left then would grow.
for name in "${CHANGES[@]}"; do change "$name"; done
to_rest 'after one round'
bare
objects_then=$(objects) memory_then=$(memory)
from_bare
traffic_begins
must_flow 'after the pause'

while [ "$SECONDS" -lt "$LENGTH" ]; do
	pick "${CHANGES[@]}"
	change "$REPLY"
done
ok "$changes changes, and traffic flowed in all tunnels after each"
to_rest 'in the end'
bare
check_objects 'sockets and namespaces are as many as after one round' 15 "$objects_then"
memory_same() { [ $(($(memory) - memory_then)) -lt "$MEMORY_SLACK" ]; }
check 'memory is as much as after one round' await 15 memory_same
note "memory: $memory_then kB, then $(memory) kB"
check 'no cache of the module is left' test -z "$(grep -o '^sdt_[^ ]*' /proc/slabinfo)"
check 'the module can be loaded again' modprobe sdt
check 'and goes' rmmod sdt

# Nothing is called lost before it is five seconds old.
lost_memory() {
	read -r -t 6 -u "$_tick" || true
	echo scan >/sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak
}
if [ -e /sys/kernel/debug/kmemleak ]; then
	lost=$(lost_memory && lost_memory)
	check_equal 'no memory is lost' '' "$lost"
fi
