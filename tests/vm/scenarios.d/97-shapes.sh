#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# nics: 2
# timeout: 300
#
# Packets of every shape: checksums that are still to be computed, GSO, cloned, non-linear, reassembled; from a customer
# behind a device and from one on the node itself; over network cards that offload nothing, so that what the far end
# takes for right was computed in full.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
ip -n alice link set to-local mtu 9000
ip -n local link set to-alice mtu 9000
ip -n local link set to-remote mtu 9000
ip -n remote link set to-local mtu 9000
ip -n remote link set to-bob mtu 9000
ip -n bob link set to-remote mtu 9000
link
tunnel t 0
# A customer on the node itself.
on local <<<'add-tunnel own link l id 1 mode server listen 127.0.0.1:5001'
on remote <<<'add-tunnel own link l id 1 mode server target 10.3.0.2:5300'

echo=(echo --ns bob --bind 10.3.0.2:5300)
offloads() {
	at "$1" ethtool -K "$2" tx "$3" rx "$3" sg "$3" gso "$3" gro "$3" tso "$3" tx-udp-segmentation "$3" >/dev/null
}

# gso NAME ROLE-OPTION...: several datagrams in one packet, until something takes them apart. Wants a device that offloads checksums.
gso() {
	local name=$1
	shift
	traffic "$name: GSO" "${echo[@]}" --expect received=640 -- client "$@" --gso 32 --count 640 --window 64 --size 1200
	traffic "$name: GSO, small" "${echo[@]}" --expect received=640 -- client "$@" --gso 16 --count 640 --window 64 --size 33
}

# shapes NAME ROLE-OPTION...: the other shapes that a sender can make.
shapes() {
	local name=$1
	shift
	traffic "$name: plain" "${echo[@]}" -- client "$@" --count 300 --window 32 --size 0-1400
	traffic "$name: non-linear" "${echo[@]}" -- client "$@" --pieces 5 --count 300 --window 32 --size 40-1400
}

# large NAME ROLE-OPTION...: more than a page each. Wants a large MTU all the way.
large() {
	local name=$1
	shift
	traffic "$name: non-linear, large" "${echo[@]}" -- client "$@" --pieces 7 --count 200 --window 16 --size 2000-8800
}

shapes 'veth with offloads' --ns alice --to 10.1.0.2:5000
large 'veth with offloads' --ns alice --to 10.1.0.2:5000
gso 'veth with offloads' --ns alice --to 10.1.0.2:5000
shapes 'a customer on the node' --ns local --to 127.0.0.1:5001
large 'a customer on the node' --ns local --to 127.0.0.1:5001
gso 'a customer on the node' --ns local --to 127.0.0.1:5001

# A tap on every device clones each packet on its way.
for where in alice/to-local local/to-alice local/to-remote remote/to-bob; do
	background "${where%/*}" tcpdump -i "${where#*/}" -U -w "/tmp/tap.${where%/*}.${where#*/}" -s 64
	await 10 test -s "/tmp/tap.${where%/*}.${where#*/}" || bail "no tcpdump on $where"
done
shapes 'cloned by a tap' --ns alice --to 10.1.0.2:5000
large 'cloned by a tap' --ns alice --to 10.1.0.2:5000
gso 'cloned by a tap' --ns alice --to 10.1.0.2:5000

# A customer behind a small MTU: datagrams arrive in fragments and are put together, in a chain; answers leave so, too.
ip -n alice link set to-local mtu 1500
ip -n local link set to-alice mtu 1500
traffic 'put together from fragments' "${echo[@]}" -- client --ns alice --to 10.1.0.2:5000 --count 100 --window 4 --size 3000-8800
ip -n alice link set to-local mtu 9000
ip -n local link set to-alice mtu 9000

for where in 'alice to-local' 'local to-alice' 'local to-remote' 'remote to-local' 'remote to-bob' 'bob to-remote'; do
	# shellcheck disable=SC2086 # two words
	offloads $where off
done
shapes 'veth without offloads' --ns alice --to 10.1.0.2:5000
large 'veth without offloads' --ns alice --to 10.1.0.2:5000

for where in 'alice to-local' 'local to-alice' 'remote to-bob' 'bob to-remote'; do
	# shellcheck disable=SC2086 # two words
	offloads $where on
done

cable 0 local remote
ip -n local addr add 10.2.9.1/24 dev eth0
ip -n remote addr add 10.2.9.2/24 dev eth1
on local <<<'set-link l peer 10.2.9.2:7380'
ip -n local link set to-remote down
shapes 'the link on a card' --ns alice --to 10.1.0.2:5000
gso 'the link on a card' --ns alice --to 10.1.0.2:5000

cable 1 alice local
ip -n alice addr add 10.1.9.1/24 dev eth2
ip -n local addr add 10.1.9.2/24 dev eth3
on local <<<'add-tunnel card link l id 2 mode server listen 10.1.9.2:5002'
on remote <<<'add-tunnel card link l id 2 mode server target 10.3.0.2:5300'
shapes 'customers on a card, too' --ns alice --to 10.1.9.2:5002
check_counters 'nothing arrived damaged' 'local.l.rx-tag == 0' 'remote.l.rx-tag == 0' 'local.t.in-shape == 0'
