#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# timeout: 300
#
# Router mode: customers of both nodes and both families write to addresses on the other side, and answers come from there;
# nothing of the nodes' own is captured, though each captures all that others send. What sdtctl capture prints, installs
# and removes.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
link
link_up local remote
ip -n alice -batch - <<'END'
addr add 10.1.0.11/24 dev to-local
route add default via 10.1.0.2
END
ip -n bob -batch - <<'END'
addr add 10.3.0.3/24 dev to-remote
addr add fd03::3/64 dev to-remote nodad
route add default via 10.3.0.1
END
ip -n alice -6 route add default via fd01::2
ip -n bob -6 route add default via fd03::1

on local <<'END'
add-tunnel out link l id 1 mode router listen :5000
add-tunnel in link l id 2 mode router role server allow 10.1.0.0/24 allow [fd01::/64]:5400-5499
END
on remote <<'END'
add-tunnel out link l id 1 mode router role server allow 10.3.0.0/24 allow fd03::/64
add-tunnel in link l id 2 mode router listen :5000
END

# --- capture: what is said, done and undone

cat >/tmp/wanted <<'WANTED'
nft -f - <<'END'
add table inet sdt_out
delete table inet sdt_out
table inet sdt_out {
	chain prerouting {
		type filter hook prerouting priority mangle; policy accept;
		meta l4proto != udp return
		fib daddr type { local, broadcast, anycast, multicast } return
		ip daddr 169.254.0.0/16 return
		ip6 daddr fe80::/10 return
		ip daddr 10.2.0.2 udp dport 7380 return
		ip daddr { 10.3.9.0/24 } return
		iifname { "to-alice", "eth*" } ip saddr { 10.1.0.0/24, 10.1.5.1/32 } ip daddr { 10.3.0.0/16 } meta l4proto udp tproxy ip to :5000 meta mark set 0x00000055 accept comment "sdt: mark 0x00000055 table 77 priority 99"
		iifname { "to-alice", "eth*" } ip saddr { 10.1.0.0/24, 10.1.5.1/32 } ip daddr { 10.4.0.0/16 } udp dport 53-54 meta l4proto udp tproxy ip to :5000 meta mark set 0x00000055 accept comment "sdt: mark 0x00000055 table 77 priority 99"
	}
}
END
ip -4 -batch - <<'END'
route add local 0.0.0.0/0 dev lo table 77
rule add priority 99 fwmark 0x00000055 lookup 77
END
WANTED
some=(in to-alice in 'eth*' from 10.1.0.0/24 from 10.1.5.1 to 10.3.0.0/16 to 10.4.0.0/16:53-54 except 10.3.9.0/24
	mark 0x55 table 77 priority 99)
# Rules and routes of the node local, and what else capture touches.
state() { at local sh -c 'nft list ruleset; ip -4 rule; ip -6 rule; ip -4 route show table 77; ip -6 route show table 77; true' 2>/dev/null; }
clean=$(state)

check_equal 'capture print: exact text, for IPv4 alone as the words say' "$(</tmp/wanted)" \
	"$(sdtctl -n local capture out print "${some[@]}")"
check 'install' sdtctl -n local capture out install "${some[@]}"
installed=$(state)
check_not 'something was installed' [ "$installed" = "$clean" ]
check 'install again' sdtctl -n local capture out install "${some[@]}"
check_equal 'nothing is there twice' "$installed" "$(state)"
check 'install something else over it' sdtctl -n local capture out install
check_equal 'the former marks lead nowhere any more' '' "$(ip -n local rule show priority 99)"
sdtctl -n local capture out remove
check_equal 'remove, without a word about marks: nothing is left' "$clean" "$(state)"
at local sh /tmp/wanted
check_equal 'what is printed does what install does' "$installed" "$(state)"
check 'remove' sdtctl -n local capture out remove
check 'remove again' sdtctl -n local capture out remove

mkdir /tmp/fake
# shellcheck disable=SC2016 # for the script
printf '#!/bin/sh\n[ "$1" != -f ] || exit 7\nexec %s "$@"\n' "$(type -P nft)" >/tmp/fake/nft
chmod +x /tmp/fake/nft
fails() { PATH=/tmp/fake:$PATH refused local capture out install "${some[@]}"; }
check 'install: nft fails' fails
check_equal 'it is undone' "$clean" "$(state)"

check 'refused: capture at the server role' refused local capture in print
check 'refused: no family in common' refused local capture out print from 10.0.0.0/8 to fd00::/8
on local <<<'set-node fwmark 0x55'
check 'refused: the mark of the node itself' refused local capture out install "${some[@]}"
on local <<<'set-node fwmark 0'
# All but one of these pass the tool and are the kernel's to refuse.
sdtctl -n local -force -b - 2>/tmp/refusals <<'END' || true
add-tunnel no link l id 9 mode router listen :5001 egress 10.2.0.1
add-tunnel no link l id 9 mode router listen :5001 max-channels 0
add-tunnel no link l id 9 mode router role server allow 10.0.0.0/8 max-channels-per-customer 5
add-tunnel no link l id 9 mode router role server allow 10.0.0.0/8 egress-ports 100-199 max-channels 101
set-tunnel out target 10.3.0.2:1
set-tunnel out customer 10.3.0.2:1
set-tunnel out allow 10.0.0.0/8
set-tunnel out client-address proxy-v2
set-tunnel in allow none
set-tunnel in listen :5001
END
check_equal 'refused: what does not belong to the mode or the role' 10 "$(grep -c '^sdtctl: -:' /tmp/refusals)"

# --- traffic: everything that comes from elsewhere is captured, on both nodes

sdtctl -n local capture out install
sdtctl -n remote capture in install
traffic 'both roles on both nodes, both families; answers from where the customers wrote to' \
	echo --ns bob --bind 10.3.0.2:5300 --bind 10.3.0.3:5301 --bind '[fd03::2]:5300' --bind '[fd03::3]:5301' \
	--expect received=320 --expect peers=8 -- \
	echo --ns alice --bind 10.1.0.1:5400 --bind 10.1.0.11:5400 --bind '[fd01::1]:5400' --expect received=120 --expect peers=6 -- \
	client --ns bob --to 10.1.0.1:5400 --to 10.1.0.11:5400 --to '[fd01::1]:5400' --connect \
	--run 2 --sockets 6 --count 120 --window 16 --size 0-1300 -- \
	client --ns alice --to 10.3.0.2:5300 --to 10.3.0.3:5301 --to '[fd03::2]:5300' --to '[fd03::3]:5301' --connect \
	--sockets 8 --count 320 --window 16 --size 0-1300
check_counters 'a channel for each customer; nothing but their datagrams was captured' \
	'local.out.in-datagrams == 320' 'remote.out.out-datagrams == 320' 'remote.out.in-datagrams == 320' \
	'local.out.out-datagrams == 320' 'remote.in.in-datagrams == 120' 'local.in.out-datagrams == 120' \
	'remote.in.out-datagrams == 120' 'local.out.channels-opened == 8' 'remote.out.channels-opened == 8' \
	'remote.in.channels-opened == 6' 'local.out.in-capture == 0' 'remote.in.in-capture == 0' \
	'remote.out.out-policy == 0' 'local.in.out-policy == 0'

traffic 'one customer, four addresses of both families: the same source for all of a family' \
	echo --ns bob --bind 10.3.0.2:5300 --bind 10.3.0.3:5301 --expect received=20 --expect peers=2 -- \
	client --ns alice --bind 10.1.0.1:7000 --to 10.3.0.2:5300 --run 3 --count 10 -- \
	client --ns alice --bind 10.1.0.1:7001 --to 10.3.0.3:5301 --run 4 --count 10
traffic 'it writes to another address' \
	echo --ns bob --bind 10.3.0.3:5300 --expect received=10 -- \
	client --ns alice --bind 10.1.0.1:7000 --to 10.3.0.3:5300 --run 5 --count 10
check_counters 'and keeps its channel' 'local.out.channels-opened == 10' 'remote.out.channels-opened == 10'

traffic 'not allowed: nothing arrives' \
	sink --ns alice --bind '[fd01::1]:5399' --expect received=0 -- \
	send --ns bob --bind '[fd03::2]:7000' --to '[fd01::1]:5399' --count 3
check_counters 'and both nodes count it' 'local.in.out-policy == 3' 'remote.in.refused-by-peer == 3'

# The link of somebody else between the same nodes, which happens to pass here.
traffic "messages to the link's own end are left alone" send --ns alice --to 10.2.0.2:7380 --count 5
traffic 'and what is for the node itself' \
	echo --ns local --bind 10.1.0.2:5555 --expect received=5 -- client --ns alice --to 10.1.0.2:5555 --count 5
check_counters 'none of it was captured' 'local.out.in-datagrams == 350' 'local.out.in-capture == 0'

# Another listener, live: the mappings stay.
on local <<<'set-tunnel out listen 10.1.0.2:5002'
sdtctl -n local capture out install
traffic 'another listener: traffic goes on' \
	echo --ns bob --bind 10.3.0.2:5300 --expect received=10 -- \
	client --ns alice --bind 10.1.0.1:7000 --to 10.3.0.2:5300 --run 6 --count 10
check_counters 'in the channel of before' 'local.out.channels-opened == 10' 'remote.out.channels-opened == 10'

on local <<<'del-tunnel out'
check 'remove when the tunnel is gone' sdtctl -n local capture out remove
check_equal 'nothing is left in the end' "$clean" "$(state)"
