#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# timeout: 300
#
# Modes direct and server with every combination of families, both ciphers, with and without a PSK, the proxy role on
# either node, several tunnels on a link, replies from the address that was asked, and who may speak in direct mode.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
ip -n local -batch - <<'END'
addr add 10.1.0.22/24 dev to-alice
addr add fd01::22/64 dev to-alice nodad
END

# Customers on alice: v4 and v6 to a v4 and a v6 target, and one who may write to any address of local. Customers on
# bob, whose target is alice. Two direct tunnels across families.
tunnels_local='add-tunnel s44 link l id 0 mode server listen 10.1.0.2:5000
add-tunnel s46 link l id 1 mode server listen 10.1.0.2:5001
add-tunnel s64 link l id 2 mode server listen [fd01::2]:5002
add-tunnel s66 link l id 3 mode server listen [fd01::2]:5003
add-tunnel any link l id 4 mode server listen :5004
add-tunnel back link l id 5 mode server target [fd01::1]:5400
add-tunnel d44 link l id 6 mode direct listen 10.1.0.2:5006 customer 10.1.0.1:7006
add-tunnel d64 link l id 7 mode direct listen [fd01::2]:5007 customer [fd01::1]:7007'
tunnels_remote='add-tunnel s44 link l id 0 mode server target 10.3.0.2:5300
add-tunnel s46 link l id 1 mode server target [fd03::2]:5300
add-tunnel s64 link l id 2 mode server target 10.3.0.2:5300
add-tunnel s66 link l id 3 mode server target [fd03::2]:5300
add-tunnel any link l id 4 role server mode server target [fd03::2]:5300
add-tunnel back link l id 5 role proxy mode server listen 10.3.0.1:6005
add-tunnel d44 link l id 6 mode direct listen 10.3.0.1:6006 customer 10.3.0.2:8006
add-tunnel d64 link l id 7 mode direct listen 10.3.0.1:6007 customer 10.3.0.2:8007'

# round NAME PEER WORD...: the whole lot over one link, then all of it is deleted.
round() {
	local name=$1 peer=$2
	shift 2
	on remote <<<"add-link l peer-key $LOCAL_PUB $*"$'\n'"$tunnels_remote"
	on local <<<"add-link l peer-key $REMOTE_PUB peer $peer $*"$'\n'"$tunnels_local"
	# Until then remote does not know where to send what its own customers write.
	link_up remote

	traffic "$name: server mode, all families, both directions at once" \
		echo --ns bob --bind 10.3.0.2:5300 --bind '[fd03::2]:5300' --expect received=800 --expect peers=8 -- \
		echo --ns alice --bind '[fd01::1]:5400' --expect received=300 --expect peers=3 -- \
		client --ns bob --to 10.3.0.1:6005 --run 2 --sockets 3 --count 300 --window 16 --size 0-1300 -- \
		client --ns alice --to 10.1.0.2:5000 --to 10.1.0.2:5001 --to '[fd01::2]:5002' --to '[fd01::2]:5003' \
		--sockets 8 --count 800 --window 16 --size 0-1300
	traffic "$name: answers leave from the address that was asked" \
		echo --ns bob --bind '[fd03::2]:5300' --expect peers=4 -- \
		client --ns alice --to 10.1.0.2:5004 --to 10.1.0.22:5004 --to '[fd01::2]:5004' --to '[fd01::22]:5004' \
		--sockets 4 --count 80 --window 8 --size 0-1300
	traffic "$name: in direct mode the far side speaks first" \
		sink --ns alice --bind 10.1.0.1:7006 --expect received=40 -- \
		sink --ns alice --bind '[fd01::1]:7007' --expect received=20 -- \
		send --ns bob --bind 10.3.0.2:8007 --to 10.3.0.1:6007 --count 20 --size 0-1300 -- \
		send --ns bob --bind 10.3.0.2:8006 --to 10.3.0.1:6006 --count 40 --size 0-1300
	traffic "$name: direct mode, both families" \
		echo --ns bob --bind 10.3.0.2:8006 --bind 10.3.0.2:8007 --expect received=600 --expect peers=2 -- \
		client --ns alice --bind 10.1.0.1:7006 --to 10.1.0.2:5006 --count 300 --window 16 --size 0-1300 -- \
		client --ns alice --bind '[fd01::1]:7007' --to '[fd01::2]:5007' --run 2 --count 300 --window 16 --size 0-1300
	traffic "$name: empty datagrams are datagrams" \
		echo --ns bob --bind 10.3.0.2:8006 --bind 10.3.0.2:5300 --expect empty=20 --expect received=20 -- \
		client --ns alice --bind 10.1.0.1:7006 --to 10.1.0.2:5006 --count 10 --size 0 --expect empty=10 -- \
		client --ns alice --to 10.1.0.2:5000 --count 10 --size 0 --expect empty=10
	check_counters "$name: the counters agree" \
		'local.s44.in-datagrams == 210' 'remote.s44.out-datagrams == 210' 'remote.s44.in-datagrams == 210' \
		'local.s44.out-datagrams == 210' 'local.s44.channels-opened == 3' 'remote.s44.channels-opened == 3' \
		'remote.back.in-datagrams == 300' 'local.back.channels-opened == 3' 'local.d44.out-datagrams == 350' \
		'local.any.out-datagrams == 80' 'local.l.rx-tag == 0' 'remote.l.rx-frame == 0' 'remote.l.keypairs == 1'
}

finish_round() {
	local node
	for node in local remote; do
		on "$node" <<'END'
del-tunnel s44
del-tunnel s46
del-tunnel s64
del-tunnel s66
del-tunnel any
del-tunnel back
del-tunnel d44
del-tunnel d64
del-link l
END
	done
}

round 'aes-gcm over v4' 10.2.0.2:7380 cipher aes-gcm

# Still on that link: who is not the customer of a direct tunnel.
traffic 'direct: strangers are not heard' \
	sink --ns bob --bind 10.3.0.2:8006 --expect received=0 -- \
	send --ns alice --bind 10.1.0.1:7999 --to 10.1.0.2:5006 --count 7 -- \
	send --ns alice --bind '[fd01::1]:7999' --to '[fd01::2]:5007' --count 5
check_counters 'direct: strangers are counted' \
	'local.d44.in-customer == 7' 'local.d64.in-customer == 5' 'remote.d44.in-customer == 0'

traffic 'server mode: what is not from the target is no answer' \
	echo --ns bob --bind 10.3.0.2:5300 --from-port 5301 --expect received=10 -- \
	client --ns alice --to 10.1.0.2:5000 --count 10 --window 10 --stall 300 --expect received=0 --expect lost=10
finish_round

round 'chacha20-poly1305 with a PSK over v6' '[fd02::2]:7380' cipher chacha20-poly1305 psk @/tmp/PSK
finish_round

round 'aes-gcm with a PSK over v6' '[fd02::2]:7380' cipher aes-gcm psk @/tmp/PSK
