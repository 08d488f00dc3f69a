#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/vm/helpers/icmp.py tests/vm/helpers/inet.py
# timeout: 300
#
# ICMP errors. What keeps a target from being reached is told to the customer as if it had written to the target itself:
# all classes, all pairs of families, both roles on both nodes, by programs that know nothing of SDT. And what somebody
# forges in the target's network, or between the nodes, closes nothing, moves nothing, and is cut short.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

# carol is behind bob, and the link to her takes less than the others.
topo alice local remote bob carol
nodes

setting() { at "$1" sh -c "echo $3 >/proc/sys/net/$2"; }
for family in ipv4 ipv6; do
	# A host that is not there is found out soon.
	setting remote $family/neigh/to-bob/mcast_solicit 1
	setting remote $family/neigh/to-bob/retrans_time_ms 200
done
ip -n bob link set to-carol mtu 1300
ip -n carol link set to-bob mtu 1300
setting bob ipv6/conf/all/forwarding 1
setting bob ipv4/ip_forward 1
ip -n carol -batch - <<<$'route add default via 10.4.0.1\nroute add default via fd04::1'
ip -n remote -batch - <<<$'route add 10.4.0.0/24 via 10.3.0.2\nroute add fd04::/64 via fd03::2'
# A firewall that says so, and one at the customers' that lets in only what belongs to something.
at bob nft -f - <<'END'
table inet f {
	chain in {
		type filter hook input priority filter
		udp dport 5308 reject with icmpx admin-prohibited
	}
}
END
at alice nft -f - <<'END'
table inet f {
	chain in {
		type filter hook input priority filter; policy drop
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
		ct state established,related accept
		udp dport 5400 accept
	}
}
END

on remote <<END
add-link l peer-key $LOCAL_PUB
add-tunnel s44 link l id 0 mode server target 10.3.0.2:5300
add-tunnel s46 link l id 1 mode server target [fd03::2]:5300
add-tunnel s64 link l id 2 mode server target 10.3.0.2:5300
add-tunnel s66 link l id 3 mode server target [fd03::2]:5300
add-tunnel back46 link l id 4 mode server listen 10.3.0.1:6004
add-tunnel back64 link l id 5 mode server listen [fd03::1]:6005
add-tunnel nohost4 link l id 6 mode server target 10.3.0.77:5300
add-tunnel nohost6 link l id 7 mode server target [fd03::77]:5300
add-tunnel reject4 link l id 8 mode server target 10.3.0.2:5308
add-tunnel reject6 link l id 9 mode server target [fd03::2]:5308
add-tunnel noroute link l id 10 mode server target 10.9.0.2:5300
add-tunnel direct link l id 11 mode direct listen 10.3.0.1:6011 customer 10.3.0.2:8011
add-tunnel behind6 link l id 12 mode server target [fd04::2]:5312
add-tunnel behind4 link l id 13 mode server target 10.4.0.2:5313
add-tunnel late link l id 14 mode server target 10.3.0.2:5314
add-tunnel echo4 link l id 16 mode server target 10.3.0.2:5316
add-tunnel echo6 link l id 17 mode server target [fd03::2]:5317
END
on local <<END
add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380
add-tunnel s44 link l id 0 mode server listen 10.1.0.2:5000
add-tunnel s46 link l id 1 mode server listen 10.1.0.2:5001
add-tunnel s64 link l id 2 mode server listen [fd01::2]:5002
add-tunnel s66 link l id 3 mode server listen [fd01::2]:5003
add-tunnel back46 link l id 4 mode server target [fd01::1]:5400
add-tunnel back64 link l id 5 mode server target 10.1.0.1:5400
add-tunnel nohost4 link l id 6 mode server listen 10.1.0.2:5006
add-tunnel nohost6 link l id 7 mode server listen [fd01::2]:5007
add-tunnel reject4 link l id 8 mode server listen 10.1.0.2:5008
add-tunnel reject6 link l id 9 mode server listen [fd01::2]:5009
add-tunnel noroute link l id 10 mode server listen 10.1.0.2:5010
add-tunnel direct link l id 11 mode direct listen 10.1.0.2:5011 customer 10.1.0.1:7011
add-tunnel behind6 link l id 12 mode server listen [fd01::2]:5012
add-tunnel behind4 link l id 13 mode server listen 10.1.0.2:5013
add-tunnel late link l id 14 mode server listen 10.1.0.2:5014
add-tunnel echo4 link l id 16 mode server listen 10.1.0.2:5016
add-tunnel echo6 link l id 17 mode server listen [fd01::2]:5017
END
link_up local remote

background bob sdtload echo --bind 10.3.0.2:5316 --bind '[fd03::2]:5317'
background carol sdtload echo --bind 10.4.0.2:5313 --bind '[fd04::2]:5312'
background bob sdtload echo --bind 10.3.0.2:5314 --delay 300
check 'targets listen' await 10 listening bob udp 5317

verdicts heard python3 /t/icmp.py heard
refused_by() { [[ $(at alice socat -t 10 - "$1" 2>&1 <<<hello) = *'Connection refused'* ]]; }
check 'a program that knows nothing of all this, v4' refused_by UDP4:10.1.0.2:5000
check 'a program that knows nothing of all this, v6' refused_by 'UDP6:[fd01::2]:5003'
verdicts forged python3 /t/icmp.py forged
