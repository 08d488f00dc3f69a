#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# timeout: 300
#
# Nothing of the packet that came is on the packet that leaves: no mark, no priority, no conntrack entry, no timestamp (fq
# would drop it, or send it later), no queue number, no IPsec state. Each is put on outer packets, and on customers',
# where they come in, and looked for where they leave.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
link
tunnel t 0
link_up local remote
load() {
	traffic "$1" echo --ns bob --bind 10.3.0.2:5300 -- \
		client --ns alice --to 10.1.0.2:5000 --sockets 32 --count 320 --window 32 --size 0-1400 --stall 3000
}

# dirt NODE IN OUT MARK: what comes in at NODE by the device IN gets everything that a firewall can put on it; what
# leaves by OUT is looked at.
dirt() {
	at "$1" nft -f - <<-END
		table inet dirt {
			counter marked { }
			counter prioritised { }
			counter old { }
			counter seen { }
			counter put { }
			counter own { }
			chain before {
				type filter hook prerouting priority -150;
				iifname "$2" meta l4proto udp meta mark set $4 meta priority set 1:2 ct mark set $4 counter name put
			}
			chain after {
				type filter hook postrouting priority 0;
				oifname "$3" meta l4proto udp counter name seen
				oifname "$3" meta l4proto udp ct original proto-dst 5300 counter name own
				oifname "$3" meta mark $4 counter name marked
				oifname "$3" meta priority 1:2 counter name prioritised
				oifname "$3" ct mark $4 ct direction original counter name old
			}
		}
	END
}
count() { at "$1" nft list counter inet dirt "$2" | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
clean() {
	check "$1: dirt was put on what came" test "$(count "$1" put)" -ge 320
	check "$1: and what left was looked at" test "$(count "$1" seen)" -ge 320
	check_equal "$1: neither mark nor priority nor the old connection" '0 0 0' \
		"$(count "$1" marked) $(count "$1" prioritised) $(count "$1" old)"
}

dirt remote to-local to-bob 0x77
dirt local to-remote to-alice 0x77
load 'marked, prioritised, tracked'
clean remote
clean local
check 'what leaves is tracked as what it is' test "$(count remote own)" -ge 320
for node in local remote; do at "$node" nft flush ruleset; done
# The other way: customers' datagrams in, outer packets out. Another mark: connections have kept the first.
dirt local to-alice to-remote 0x78
dirt remote to-bob to-local 0x78
load 'the same on customers'"'"' datagrams and the target'"'"'s'
clean local
clean remote
for node in local remote; do at "$node" nft flush ruleset; done

# Received packets carry the time of day while anybody wants timestamps; fq takes it for the time to leave at, decades away.
for where in remote/to-bob local/to-alice local/to-remote remote/to-local; do
	at "${where%/*}" tc qdisc add dev "${where#*/}" root fq
	background "${where%/*}" tcpdump -i "${where#*/}" -w /dev/null udp
done
tapped() { [ "$(at "$1" ss -H0p | grep -c tcpdump)" -ge 2 ]; }
for node in local remote; do check "$node: somebody wants timestamps" await 10 tapped "$node"; done
load 'fq, with timestamps on what comes'
for where in remote/to-bob local/to-alice local/to-remote remote/to-local; do
	found=$(at "${where%/*}" tc -s qdisc show dev "${where#*/}")
	check_equal "$where: fq dropped nothing and held nothing back" '' \
		"$(grep -oE 'dropped [1-9][0-9]*|throttled [1-9][0-9]*|horizon_drops [1-9][0-9]*|horizon_caps [1-9][0-9]*' <<<"$found")"
	check "$where: and it was fq" grep -q '^qdisc fq ' <<<"$found"
	at "${where%/*}" tc qdisc del dev "${where#*/}" root
done

# Devices with four queues. Outer packets, one flow, all come by one of them; what leaves is many flows, and spread.
wide() {
	ip link add "$2" numtxqueues 4 numrxqueues 4 netns "$1" type veth peer name "$4" numtxqueues 4 numrxqueues 4 netns "$3"
	ip -n "$1" -batch - <<<"addr add $5.1/24 dev $2"$'\n'"link set $2 up"
	ip -n "$3" -batch - <<<"addr add $5.2/24 dev $4"$'\n'"link set $4 up"
}
wide local wide-remote remote wide-local 10.5.0
wide remote wide-bob bob wide-remote 10.4.0
at remote tc qdisc replace dev wide-bob root handle 1: mq
on local <<<'set-link l peer 10.5.0.2:7380'
on remote <<<'set-tunnel t target 10.4.0.2:5300'
traffic 'four queues' echo --ns bob --bind 10.4.0.2:5300 -- \
	client --ns alice --to 10.1.0.2:5000 --sockets 32 --count 320 --window 32 --stall 3000
queues() { at remote tc -s class show dev wide-bob | grep -cE 'Sent [1-9][0-9]* bytes'; }
check 'the flows are spread over them' test "$(queues)" -ge 2
