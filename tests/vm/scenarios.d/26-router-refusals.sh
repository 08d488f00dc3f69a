#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/peer include/uapi/linux/sdt.h
# programs: pkg:python3-cryptography pkg:python3-cffi-backend pkg:libssl3
# packages: python3-cryptography
# timeout: 300
# once: 6.1
#
# Router mode, what a peer may not make a node do: a peer with the right keys names addresses that nobody may reach, one
# by one; forges answers from such; and answers from where the customer did not write to.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
ip -n remote -batch - <<'END'
addr add 192.0.2.77/32 dev lo
addr add 2001:db8::77/128 dev lo
link add blue type vrf table 77
link set blue up
link add dummy0 type dummy
link set dummy0 master blue
link set dummy0 up
addr add 10.77.0.1/24 dev dummy0
route add local 198.51.100.0/24 dev lo table 500
rule add to 198.51.100.0/24 lookup 500
route add default via 10.3.0.2
END
ip -n remote -6 -batch - <<'END'
route add local 2001:db8:9::/64 dev lo table 500
rule add to 2001:db8:9::/64 lookup 500
route add default via fd03::2
END
for port in 5300 5301; do
	background bob socat UDP4-RECVFROM:$port,fork EXEC:cat
	await 10 listening bob udp $port || bail "nobody listens on port $port"
done
background bob socat UDP6-RECVFROM:5300,ipv6only=1,fork EXEC:cat

on remote <<END
add-link l peer-key $LOCAL_PUB cipher chacha20-poly1305
add-tunnel r link l id 1 mode router role server allow 0.0.0.0/0 allow ::/0
END
verdicts server python3 -m peer.router server /tmp/LOCAL_KEY "$REMOTE_PUB"

ip -n alice route add default via 10.1.0.2
on local <<END
add-link l peer-key $REMOTE_PUB cipher chacha20-poly1305
add-tunnel r link l id 1 mode router listen :5000 filter none
END
sdtctl -n local capture r install from 10.1.0.0/24
verdicts proxy python3 -m peer.router proxy /tmp/REMOTE_KEY "$LOCAL_PUB"

# What was never captured, or goes to where no tunnel leads. The rules let all pass that is not this host's; these do not.
at local nft -f - <<'END'
table inet sdt_r {
	chain before {
		type filter hook prerouting priority -151; policy accept;
		ip saddr 10.1.0.0/24 meta l4proto udp tproxy ip to :5000 meta mark set 0x77 accept
	}
}
END
ip -n local -batch - <<'END'
route add local 0.0.0.0/0 dev lo table 77
rule add fwmark 0x77 lookup 77
END
ip -n alice route add 169.254.0.0/16 via 10.1.0.2
# not_captured NAME TO: counted, and nothing of it leaves.
not_captured() {
	local before
	counters local
	before=$(value local.r.in-capture)
	at alice socat -u - "UDP4-SENDTO:$2" <<<x
	check_counters "not captured: $1" "local.r.in-capture == $((before + 1))" 'local.r.in-datagrams == 2'
}
not_captured 'sent to the listener itself' 10.1.0.2:5000
not_captured 'for another address of the node' 10.2.0.1:53
not_captured 'link-local' 169.254.3.4:53
