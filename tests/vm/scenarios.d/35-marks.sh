#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/vm/helpers/marks.py
# once: 6.12
# timeout: 300
#
# What is written on outer packets and on those that leave: ECN as RFC 6040 has it, DSCP, TTL, firewall mark, source
# address, interface and VRF, padding. Each is seen from outside, by the next machine's nft.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
for ns in alice local remote bob; do at "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0; done
link
on local <<'END'
add-tunnel v4 link l id 0 mode server listen 10.1.0.2:5000
add-tunnel v6 link l id 1 mode server listen [fd01::2]:5001
add-tunnel d link l id 2 mode direct listen 10.1.0.2:5002 customer 10.1.0.1:6000
END
on remote <<'END'
add-tunnel v4 link l id 0 mode server target 10.3.0.2:5300
add-tunnel v6 link l id 1 mode server target [fd03::2]:5300
add-tunnel d link l id 2 mode direct listen 10.3.0.1:7000 customer 10.3.0.2:5300
END
link_up local remote
background bob python3 /t/marks.py serve 10.3.0.2 5300 fd03::2 5300
check 'the other end listens' await 20 listening bob udp 5300

# ask TUNNEL TOS...: sent:seen:back for each
ask() {
	case $1 in
	v4) at alice python3 /t/marks.py ask 10.1.0.2 5000 "${@:2}" ;;
	v6) at alice python3 /t/marks.py ask fd01::2 5001 "${@:2}" ;;
	d) at alice python3 /t/marks.py ask 10.1.0.2 5002 "${@:2}" --from 10.1.0.1 6000 ;;
	esac
}

# way RULE...: what the network does to outer packets, before either node sees them.
way() {
	local node rule
	for node in local remote; do
		{
			echo 'flush ruleset'
			echo 'table inet way { chain c { type filter hook prerouting priority -300;'
			for rule in "$@"; do echo "udp dport 7380 $rule"; echo "udp sport 7380 $rule"; done
			printf '}\n}\n'
		} | at "$node" nft -f -
	done
}

endpoint_is() { [ "$(show "$1" links '.[0].endpoint')" = "$2" ]; }

# --- ECN. 0 is Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE.

# table NAME CLEAN MARKED NEXT BLEACHED: what is sent with each codepoint, as seen, in both directions, if the way leaves
# it, marks CE what is ECN-capable, moves ECT(0) to ECT(1), clears the field; over the address family of WAY.
table() {
	local name=$1 ip=$2 t=$3
	way
	check_equal "$name: a clean way" '0:0:0 1:1:1 2:2:2 3:3:3' "$(ask "$t" 0 1 2 3)"
	way "$ip ecn != not-ect $ip ecn set ce"
	check_equal "$name: congestion on the way" '0:0:0 1:3:3 2:3:3 3:3:3' "$(ask "$t" 0 1 2 3)"
}
table 'IPv4 over IPv4' ip v4
way 'ip ecn ect0 ip ecn set ect1'
check_equal 'IPv4 over IPv4: the lesser mark on the way' '0:0:0 1:1:1 2:1:1 3:3:3' "$(ask v4 0 1 2 3)"
way 'ip ecn set not-ect'
check_equal 'IPv4 over IPv4: a way that clears the field' '0:0:0 1:0:0 2:0:0 3:0:0' "$(ask v4 0 1 2 3)"
table 'IPv6 over IPv4' ip v6
table 'direct' ip d
way
on local <<<'set-link l ecn off'
check_equal 'ecn off at one node: it tells none, and takes what comes' '0:0:0 1:0:1 2:0:2 3:0:3' "$(ask v4 0 1 2 3)"
on remote <<<'set-link l ecn off'
check_equal 'ecn off at both' '0:0:0 1:0:0 2:0:0 3:0:0' "$(ask v4 0 1 2 3)"
for node in local remote; do on "$node" <<<'set-link l ecn on'; done
on local <<<'set-link l peer [fd02::2]:7380'
check 'the link goes over IPv6' await 10 endpoint_is remote '[fd02::1]:7380'
table 'IPv6 over IPv6' ip6 v6
table 'IPv4 over IPv6' ip6 v4

# --- counted by the machine that outer packets come to

# watch RULE...: remote counts those of local's outer packets that match, from now on.
watch() {
	{
		echo 'flush ruleset'
		printf 'table inet way {\ncounter found { }\ncounter every { }\nchain c { type filter hook prerouting priority -300;\n'
		echo 'iifname "to-local" udp dport 7380 counter name every'
		printf 'iifname "to-local" udp dport 7380 %s counter name found\n' "$@"
		printf '}\n}\n'
	} | at remote nft -f -
}
# In REPLY: how many packets there were, and how many of them were what is looked for, at one moment.
found() {
	local counters
	counters=$(at remote nft list counters)
	REPLY="$(packets_of every <<<"$counters") $(packets_of found <<<"$counters")"
}
packets_of() { sed -n "/counter $1 {/,/}/s/.*packets \([0-9]*\).*/\1/p"; }
# all_found NAME: every outer packet since watch did, and there were some; none_found: none of them.
all_found() { check "$1" _all_found; }
none_found() { check "$1" _none_found; }
_all_found() {
	found
	echo "$REPLY"
	[ "${REPLY% *}" -gt 0 ] && [ "${REPLY% *}" -eq "${REPLY#* }" ]
}
_none_found() {
	found
	echo "$REPLY"
	[ "${REPLY% *}" -gt 0 ] && [ "${REPLY#* }" -eq 0 ]
}
# A handshake under these eyes: PEER as it is begins one.
handshake() {
	local had
	had=$(counters local; value local.l.keypairs)
	on local <<<"set-link l peer $1"
	# Not sooner than five seconds after the one before.
	check "a handshake with $1" await 15 _counters_hold "local.l.keypairs > $had"
}

at local nft flush ruleset
watch '@th,64,4 != 4 ip6 ecn != not-ect' 'udp length 32 ip6 ecn != not-ect'
handshake '[fd02::2]:7380'
ask v4 3 >/dev/null
none_found 'IPv6: handshakes and keepalives are not ECN-capable'
watch '@th,64,4 != 4 ip ecn != not-ect' 'udp length 32 ip ecn != not-ect'
handshake 10.2.0.2:7380
ask v4 3 >/dev/null
none_found 'IPv4: handshakes and keepalives are not ECN-capable'

# --- DSCP, TTL

watch 'ip dscp != 0'
check_equal 'dscp 0: nothing of it travels' '42:2:2' "$(ask v4 42)"
none_found 'dscp 0: none on outer packets'
on local <<<'set-link l dscp 46 ttl 7'
watch 'ip dscp ef ip ttl 7'
handshake 10.2.0.2:7380
check_equal 'a fixed dscp stays outside' '42:2:2' "$(ask v4 42)"
all_found 'a fixed dscp and ttl, on handshakes as well'
on local <<<'set-link l dscp copy ttl 0'
watch 'ip dscp 10 ip ttl 64'
check_equal 'dscp copy stays outside' '42:2:2' "$(ask v4 42)"
found
check 'dscp copy: there' test "${REPLY#* }" -ge 1
handshake '[fd02::2]:7380'
on local <<<'set-link l dscp 46 ttl 7'
watch 'ip6 dscp ef ip6 hoplimit 7'
handshake '[fd02::2]:7380'
ask v6 42 >/dev/null
all_found 'IPv6: a fixed dscp and ttl'
on local <<<'set-link l dscp 0 ttl 0 peer 10.2.0.2:7380'

# --- firewall mark: 10.9.0.2 can be reached with it only

ip -n remote addr add 10.9.0.2/32 dev lo
ip -n local -batch - <<<$'route add 10.9.0.2 via 10.2.0.2 table 100\nrule add fwmark 0x55 lookup 100'
on local <<<'set-node fwmark 0x55'
at local nft -f - <<'END'
table inet way {
	counter outer { }
	counter plain { }
	chain c {
		type filter hook output priority 0;
		udp dport 7380 meta mark 0x55 counter name outer
		oifname "to-alice" meta mark != 0 counter name plain
	}
}
END
check_counters 'a link up again' 'local.l.keypairs > 1'
handshake 10.9.0.2:7380
check_equal 'what is marked takes its own route' '2:2:2' "$(ask v4 2)"
marked() { at local nft list counter inet way "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
check 'outer packets have the mark' test "$(marked outer)" -gt 0
check_equal 'plain ones have not' 0 "$(marked plain)"
on local <<<'set-node fwmark 0'
traffic 'without the mark there is no route' client --ns alice --to 10.1.0.2:5000 --count 3 --stall 100 --expect received=0 --expect lost=3
check_counters 'and it is counted' 'local.l.tx-no-route >= 3'
at local nft flush ruleset
ip -n local rule del fwmark 0x55
on local <<<'set-link l peer 10.2.0.2:7380'
check_equal 'back on the plain route' '2:2:2' "$(ask v4 2)"

# --- source address, at the node that calls and at the one that answers

ip -n local addr add 10.2.0.7/24 dev to-remote
ip -n remote addr add 10.2.0.8/24 dev to-local
on local <<<'set-link l source 10.2.0.7'
check 'the peer follows to the new source' await 10 endpoint_is remote 10.2.0.7:7380
watch 'ip saddr 10.2.0.7'
handshake 10.2.0.2:7380
ask v4 2 >/dev/null
all_found 'all outer packets come from source'
on remote <<<'set-link l source 10.2.0.8'
check 'a source at the answering node: followed, too' await 10 endpoint_is local 10.2.0.8:7380
on remote <<<'set-link l source none'
on local <<<'set-link l source none'
check_equal 'and back' 'null null' "$(show local links '.[0].source') $(show remote links '.[0].source')"
handshake 10.2.0.2:7380

# --- padding

on local <<<'set-link l pad 64'
at remote nft -f - <<END
flush ruleset
table inet way {
	counter every { }
	counter found { }
	chain c {
		type filter hook prerouting priority -300;
		iifname "to-local" @th,64,4 4 udp dport 7380 counter name every
		iifname "to-local" @th,64,4 4 udp length { $(seq -s, 32 64 1500) } counter name found
	}
}
END
background bob sdtload echo --bind 10.3.0.2:5301
await 10 listening bob udp 5301 || bail 'no target'
on remote <<<'set-tunnel v4 target 10.3.0.2:5301'
counters local
probes=$(value local.l.tx-probes)
traffic 'padded datagrams arrive as they were' client --ns alice --to 10.1.0.2:5000 --count 200 --window 16 --size 0-1300 --stall 3000
# Probes of the path's MTU have the size that they ask about.
padded() {
	found
	counters local
	echo "$REPLY, $(($(value local.l.tx-probes) - probes)) probes"
	[ "${REPLY#* }" -ge 200 ] && [ $((${REPLY% *} - ${REPLY#* })) -le $(($(value local.l.tx-probes) - probes)) ]
}
check 'and every message has 24 bytes and a multiple of 64' padded
traffic 'what is too large for its padding goes without' client --ns alice --to 10.1.0.2:5000 --count 20 --size 1400-1440 --stall 3000
on local <<<'set-link l pad 0'
at remote nft flush ruleset

# --- an interface, and VRFs

on local <<<'set-node dev to-alice'
traffic 'bound to another interface: nothing gets through' client --ns alice --to 10.1.0.2:5000 --count 3 --stall 100 --expect received=any --expect lost=3
on local <<<'set-node dev to-remote'
alive() { check "$1" await 10 sdtload client --ns alice --to 10.1.0.2:5000 --count 5 --stall 300; }
alive 'bound to the right one'
on local <<<'set-node dev none'

ip -n local -batch - <<'END'
link add red type vrf table 10
link set red up
link set to-remote master red
END
on local <<<'set-node dev red'
alive 'outer packets in a VRF'
check_not 'which nobody else is in' at local ping -c 1 -W 1 10.2.0.2
# Customers in two other VRFs, with one address and port both.
ip link add to-local address 02:00:00:00:09:01 netns bob type veth peer name to-other address 02:00:00:00:09:02 netns local
ip -n bob -batch - <<'END'
addr add 10.1.0.1/24 dev to-local
link set to-local up
END
ip -n local -batch - <<'END'
link add blue type vrf table 11
link set blue up
link set to-alice master blue
link add green type vrf table 12
link set green up
link set to-other master green
addr add 10.1.0.2/24 dev to-other
link set to-other up
END
at local sysctl -qw net.ipv4.udp_l3mdev_accept=1
on local <<<'set-tunnel v4 listen :5010'
had=$(counters local; value local.v4.channels-opened)
traffic 'the same customer in two VRFs: each has its own answers' \
	client --ns alice --bind 10.1.0.1:6100 --to 10.1.0.2:5010 --count 50 --window 4 --stall 3000 -- \
	client --ns bob --bind 10.1.0.1:6100 --to 10.1.0.2:5010 --count 50 --window 4 --stall 3000
check_counters 'and its own channel' "local.v4.channels-opened == $((had + 2))" 'local.v4.out-channel == 0'
