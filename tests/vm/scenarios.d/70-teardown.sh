#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# timeout: 240
#
# 100 times, while traffic runs at full rate: delete the tunnels, the links, a namespace or the module, on either node in
# turn. Afterwards nothing is left: no object, no socket, no memory.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

ROUNDS=100
# Memory is compared with what it was after this many rounds, when all caches have been filled.
WARM=20

setup_local='add-link l peer-key '$REMOTE_PUB' peer 10.2.0.2:7380
add-tunnel s link l id 0 mode server listen 10.1.0.2:5000
add-tunnel d link l id 1 mode direct listen 10.1.0.2:5001 customer 10.1.0.1:7001
add-tunnel b link l id 2 mode server target 10.1.0.1:5300'
setup_remote='add-link l peer-key '$LOCAL_PUB'
add-tunnel s link l id 0 mode server target 10.3.0.2:5300
add-tunnel d link l id 1 mode direct listen 10.3.0.1:6001 customer 10.3.0.2:8001
add-tunnel b link l id 2 mode server listen 10.3.0.1:6002'
remove='del-tunnel s
del-tunnel d
del-tunnel b
del-link l'
key_local='set-node private-key @/tmp/LOCAL_KEY listen :7380'
key_remote='set-node private-key @/tmp/REMOTE_KEY listen :7380'

# The middle namespaces as topo made them, again; alice and bob, and what runs there, stay.
again() {
	ip -batch - <<-END
		netns add local
		netns add remote
		link add to-local netns alice type veth peer name to-alice netns local
		link add to-remote netns local type veth peer name to-local netns remote
		link add to-bob netns remote type veth peer name to-remote netns bob
	END
	ip -n alice -batch - <<-END
		link set to-local up
		addr add 10.1.0.1/24 dev to-local
	END
	ip -n local -batch - <<-END
		link set lo up
		link set to-alice up
		addr add 10.1.0.2/24 dev to-alice
		link set to-remote up
		addr add 10.2.0.1/24 dev to-remote
	END
	ip -n remote -batch - <<-END
		link set lo up
		link set to-local up
		addr add 10.2.0.2/24 dev to-local
		link set to-bob up
		addr add 10.3.0.1/24 dev to-bob
	END
	ip -n bob -batch - <<-END
		link set to-remote up
		addr add 10.3.0.2/24 dev to-remote
	END
}

# An answer has come: traffic flows, in the new set-up. The flood itself is deaf to what happens.
flows() {
	sdtload client --ns alice --to 10.1.0.2:5000 --count 200 --until 1 --stall 50 --drain 0 >/tmp/flows 2>&1
}

# Objects that outlive a namespace or a module show here. The caches are shrunk first: what processors keep at hand
# would count as in use.
objects() {
	local cache
	for cache in UDP UDPv6 sock_inode_cache net_namespace; do
		[ ! -e "/sys/kernel/slab/$cache/shrink" ] || echo 1 >"/sys/kernel/slab/$cache/shrink"
	done
	awk '$1 == "UDP" || $1 == "UDPv6" || $1 == "sock_inode_cache" || $1 == "net_namespace" { printf "%s=%d ", $1, $2 }' \
		/proc/slabinfo
}

# Kilobytes in slabs and per-CPU areas.
memory() { awk '$1 == "SUnreclaim:" || $1 == "Percpu:" { sum += $2 } END { print sum }' /proc/meminfo; }

# bare: no SDT, no node namespaces. What then is left would grow.
bare() {
	rmmod sdt
	ip -batch - <<<$'netns del local\nnetns del remote'
	await 10 no_devices
}

no_devices() { [ -z "$(ip -n alice -br link show type veth)" ] && [ -z "$(ip -n bob -br link show type veth)" ]; }

from_bare() {
	again
	modprobe sdt test_time_div=20
	on local <<<"$key_local"$'\n'"$setup_local"
	on remote <<<"$key_remote"$'\n'"$setup_remote"
}

round() {
	case $(($1 % 6)) in
	0) on local <<<"$remove"$'\n'"$setup_local" ;;
	1) on remote <<<"$remove"$'\n'"$setup_remote" ;;
	2) # tunnels only, both nodes
		on local <<<$'del-tunnel d\ndel-tunnel s\n'"$(grep -E ' (s|d) link' <<<"$setup_local")"
		on remote <<<$'del-tunnel s\ndel-tunnel d\n'"$(grep -E ' (s|d) link' <<<"$setup_remote")"
		;;
	3) # the module, with all that it serves
		rmmod sdt
		modprobe sdt test_time_div=20
		on local <<<"$key_local"$'\n'"$setup_local"
		on remote <<<"$key_remote"$'\n'"$setup_remote"
		;;
	4) # one namespace, then the other
		ip netns del "$([ $(($1 % 12)) -lt 6 ] && echo local || echo remote)"
		ip -batch - <<<"netns del $([ $(($1 % 12)) -lt 6 ] && echo remote || echo local)"
		await 10 no_devices
		again
		on local <<<"$key_local"$'\n'"$setup_local"
		on remote <<<"$key_remote"$'\n'"$setup_remote"
		;;
	5) # tunnels under their links, crosswise
		on remote <<<$'del-tunnel s\ndel-tunnel b\ndel-tunnel d'
		on local <<<"$remove"
		on remote <<<$'del-link l\n'"$setup_remote"
		on local <<<"$setup_local"
		;;
	esac
}

nodes test_time_div=20
on local <<<"$setup_local"
on remote <<<"$setup_remote"

background bob sdtload echo --bind 10.3.0.2:5300 --expect changed=0 -- echo --bind 10.3.0.2:8001 -- \
	flood --to 10.3.0.1:6002 --bind 10.3.0.2 --sockets 4 --size 200
background alice sdtload echo --bind 10.1.0.1:5300 -- flood --bind 10.1.0.1:7001 --to 10.1.0.2:5001 --size 64-1400 -- \
	flood --to 10.1.0.2:5000 --sockets 16 --size 64-1400

done_rounds=0
while [ "$done_rounds" -lt "$ROUNDS" ]; do
	flows || {
		not_ok "round $done_rounds: traffic flows" "$(cat /tmp/flows)"
		exit 1
	}
	if [ "$done_rounds" -eq "$WARM" ]; then
		bare
		objects_then=$(objects) memory_then=$(memory)
		from_bare
		flows || bail 'traffic does not flow again after a pause'
	fi
	round "$done_rounds"
	done_rounds=$((done_rounds + 1))
done
ok "$ROUNDS rounds, and traffic flowed before each"

bare
objects_same() { [ "$(objects)" = "$objects_then" ]; }
if await 15 objects_same; then
	ok 'sockets and namespaces are as many as before'
else
	not_ok 'sockets and namespaces are as many as before' "before: $objects_then" $'\n'"now:    $(objects)"
fi
# A page lost in each of eighty rounds would be 320 kB.
memory_now=$(memory)
note "memory in slabs and per-CPU areas: $memory_then kB, then $memory_now kB"
check 'memory is what it was' test $((memory_now - memory_then)) -lt 320
check 'no cache of the module is left' test -z "$(grep -o '^sdt_[^ ]*' /proc/slabinfo)"
