#!/bin/bash
# programs: keepalived
# packages: keepalived
# files: tests/vm/helpers/sdt.sh docs/keepalived.conf
# once: 6.12
# timeout: 300
#
# Two gateways with one static key behind one address, which moves: by hand, over IPv4 and IPv6, then by VRRP when a
# gateway is cut off. From the moment it moved, at most a second of traffic is lost, and it is a reset that brings it back.
# Protocol times are a sixth: silence would be noticed after 2.5 s, and a session is older than 120 s after 20.
SILENCE_MS=2500

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

#          +---- gw1 ----+
#  local --+             +-- bob     10.2.0.2 and fd02::2 are the gateways' common address; bob has 10.3.0.2
#          +---- gw2 ----+
modprobe sdt test_time_div=6
topo alice local
_namespaces+=(gw1 gw2 bob)
{
	printf 'netns add %s\n' gw1 gw2 bob
	for n in 1 2; do
		echo "link add gw$n address 02:00:00:00:20:0$n netns local type veth peer name front address 02:00:00:00:21:0$n netns gw$n"
		echo "link add gw$n address 02:00:00:00:30:0$n netns bob type veth peer name back address 02:00:00:00:31:0$n netns gw$n"
	done
} | ip -batch -
for ns in local bob; do
	net=2 own=1
	[ $ns = local ] || net=3 own=2
	ip -n $ns -batch - <<-END
		link add name segment type bridge forward_delay 0
		link set lo up
		link set gw1 master segment up
		link set gw2 master segment up
		link set segment up
		addr add 10.$net.0.$own/24 dev segment
		addr add fd0$net::$own/64 dev segment nodad
	END
done
for n in 1 2; do
	ip -n gw$n -batch - <<-END
		link set lo up
		link set front up
		link set back up
		addr add 10.2.0.1$n/24 dev front
		addr add fd02::1$n/64 dev front nodad
		addr add 10.3.0.1$n/24 dev back
	END
done

(umask 077 && printf '%s\n' "$LOCAL_KEY" >/tmp/LOCAL_KEY && printf '%s\n' "$REMOTE_KEY" >/tmp/REMOTE_KEY)
node_local
for gateway in gw1 gw2; do on $gateway <<<'set-node private-key @/tmp/REMOTE_KEY listen :7380'; done

milliseconds() { REPLY=$((${EPOCHREALTIME/./} / 1000)); }
echo=(echo --ns bob --bind 10.3.0.2:5300)
client=(client --ns alice --to 10.1.0.2:5000 --sockets 4)
RATE=50

received() { counters local && value local.t.out-datagrams; }
more_received() { [ "$(received)" -ge "$1" ]; }

# A stream at a fixed rate: what it loses tells for how long nothing got through.
stream() {
	local before
	before=$(received)
	rm -f /tmp/alice-sdtload.log
	background alice sdtload "${echo[@]}" --expect peers=any -- "${client[@]}" --rate $RATE --count 1000000 --window 100000 \
		--stall 60000 --expect lost=any
	stream=$!
	await 20 more_received "$((before + 20))" || bail 'no stream'
}

# lost NAME CUT MOVED: the stream is back, and ends; what it lost is less than a second's worth since the address moved.
lost() {
	local name=$1 lost
	check "$name: traffic is back" await 30 more_received "$(($(received) + 25))"
	kill "$stream"
	wait "$stream" || true
	lost=$(sed -n 's/^client: .* lost=\([0-9]*\).*/\1/p' /tmp/alice-sdtload.log)
	[ -n "$lost" ] || bail "what did the stream say? $(cat /tmp/alice-sdtload.log)"
	note "$name: the address was gone for $(($3 - $2)) ms, the traffic for $((lost * 1000 / RATE)) ms"
	check "$name: at most a second is lost from the moment the address moved" \
		test $((lost * 1000 / RATE)) -le $(($3 - $2 + 1000))
}

# 120 protocol seconds after that moment of uptime.
up_for() { read -r now _ </proc/uptime && [ "${now%.*}" -ge $(($1 + 20)) ]; }
uptime() {
	read -r REPLY _ </proc/uptime
	REPLY=${REPLY%.*}
}
older() {
	uptime
	check "$1: the session gets older than 120 s" await 40 up_for "$REPLY"
}

# by_hand NAME FROM TO ADDRESS NEIGHBOUR: the neighbour learns the new gateway's hardware address from what it asks, as a
# fail-over daemon would tell it; that is the moment.
by_hand() {
	local name=$1 from=$2 to=$3 address=$4 neighbour=$5 resets cut opened
	counters local "$to"
	resets=$(value local.l.rx-resets) opened=$(value "$to.t.channels-opened")
	stream
	# shellcheck disable=SC2046 # a word or none
	ip -n "$to" addr add "$address" dev front $([[ $address != *:* ]] || echo nodad)
	ip -n "$to" neigh flush dev front
	milliseconds
	cut=$REPLY
	at "$to" ping -c 1 -W 1 -I "${address%/*}" "$neighbour" >/dev/null || true
	milliseconds
	ip -n "$from" addr del "$address" dev front
	lost "$name" "$cut" "$REPLY"
	check_counters "$name: by a reset" "local.l.rx-resets == $((resets + 1))" "$to.node.tx-resets >= 1"
	check_counters "$name: the channels go on there" "$to.t.channels-opened >= $((opened + 4))"
}

# common ADDRESS: both gateways begin anew, behind that address. It is their source, so that the one without it says nothing:
# else the one that served before calls for the sake of what is left of its sessions, from an address of its own, and
# takes the peer with it.
common() {
	local gateway
	for gateway in gw1 gw2; do
		[ "$(show "$gateway" links length)" = 0 ] || on "$gateway" <<<$'del-tunnel t\ndel-link l'
		on "$gateway" <<-END
			add-link l peer-key $LOCAL_PUB source $1
			add-tunnel t link l mode server target 10.3.0.2:5300
		END
	done
}

tunnel_to() {
	on local <<-END
		add-link l peer-key $REMOTE_PUB peer $1
		add-tunnel t link l mode server listen 10.1.0.2:5000
	END
	traffic "$1: the link comes up" "${echo[@]}" -- "${client[@]}" --count 40
}

ip -n gw1 addr add 10.2.0.2/24 dev front
common 10.2.0.2
tunnel_to 10.2.0.2:7380
older 'IPv4, by hand'
by_hand 'IPv4, by hand' gw1 gw2 10.2.0.2/24 10.2.0.1
ip -n gw2 addr del 10.2.0.2/24 dev front
on local <<<$'del-tunnel t\ndel-link l'

ip -n gw1 addr add fd02::2/64 dev front nodad
common fd02::2
tunnel_to '[fd02::2]:7380'
by_hand 'IPv6, by hand' gw1 gw2 fd02::2/64 fd02::1
ip -n gw2 addr del fd02::2/64 dev front
on local <<<$'del-tunnel t\ndel-link l'

# VRRP
common 10.2.0.2
has_address() { [ -n "$(ip -n "$1" -o addr show to 10.2.0.2)" ]; }
for n in 1 2; do
	sed "s/eth0/front/; s|192\.0\.2\.10/24|10.2.0.2/24|; s/priority 100/priority $((102 - n))/" /t/keepalived.conf >/tmp/gw$n.conf
	background gw$n keepalived --dont-fork --vrrp --log-console --use-file=/tmp/gw$n.conf --pid=/run/gw$n.pid --vrrp_pid=/run/gw$n-vrrp.pid
	[ $n = 2 ] || check 'VRRP: the first gateway takes the address' await 30 has_address gw1
done
tunnel_to 10.2.0.2:7380
older 'VRRP'
counters local gw2
initiations=$(value local.l.tx-initiations)
resets=$(value local.l.rx-resets) opened=$(value gw2.t.channels-opened)
check_not 'VRRP: the second gateway waits' has_address gw2
stream
milliseconds
cut=$REPLY
ip -n gw1 link set front down
check 'VRRP: the address moves to the second gateway' await 20 has_address gw2
milliseconds
away=$((REPLY - cut))
lost 'VRRP' "$cut" "$REPLY"
# On a machine so slow that the address was away for longer, silence has brought an initiation to the second gateway first.
if counters local && [ "$(value local.l.rx-resets)" = "$resets" ] && [ "$away" -ge $((SILENCE_MS - 500)) ]; then
	check_counters 'VRRP: by an initiation, as nobody answered for so long' "local.l.tx-initiations >= $((initiations + 1))"
else
	check_counters 'VRRP: by a reset' "local.l.rx-resets >= $((resets + 1))" 'gw2.node.tx-resets >= 1'
fi
check_counters 'VRRP: the channels go on there' "gw2.t.channels-opened >= $((opened + 4))"
