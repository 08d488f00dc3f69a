#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/vm/helpers/left.sh
# once: 6.12
# timeout: 300
#
# 100 times, while traffic runs at full rate: delete the tunnels, the links, the namespaces or the module, on either node.
# Afterwards nothing is left: no object, no socket, no memory.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh
# shellcheck source=../helpers/left.sh
. /t/left.sh

# Fifteen deletions each: six on either node, the module, two namespaces.
CYCLES=7
# Memory is compared with what it was after so many, when all caches have been filled.
WARM=2

setup_local='add-link l peer-key '$REMOTE_PUB' peer 10.2.0.2:7380
add-tunnel s link l id 0 mode server listen 10.1.0.2:5000
add-tunnel d link l id 1 mode direct listen 10.1.0.2:5001 customer 10.1.0.1:7001
add-tunnel b link l id 2 mode server target 10.1.0.1:5300'
setup_remote='add-link l peer-key '$LOCAL_PUB'
add-tunnel s link l id 0 mode server target 10.3.0.2:5300
add-tunnel d link l id 1 mode direct listen 10.3.0.1:6001 customer 10.3.0.2:8001
add-tunnel b link l id 2 mode server listen 10.3.0.1:6002'
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

# Datagrams of the flood go all the way, in both directions, through the tunnels as they are now. (An answer to one
# datagram more would be hard to get: nearly all are thrown away for want of processor time.)
flows() { await 20 passed remote s d && await 20 passed local b; }

# passed NODE TUNNEL...: each of them has put out a datagram.
passed() {
	local word value tunnel='' wanted=$(($# - 1))
	while read -r word value; do
		case $word in
		tunnel) tunnel=$value ;;
		out-datagrams) if [[ " ${*:2} " = *" $tunnel "* ]]; then wanted=$((wanted - 1)); fi ;;
		esac
	done < <(sdtctl -n "$1" stats)
	[ "$wanted" -eq 0 ]
}

# Kilobytes in what the kernel allocates for nobody in particular, and in per-CPU areas.
memory() {
	awk '$1 ~ /^kmalloc-[0-9]/ { sum += $3 * $4 / 1024 } $1 == "Percpu:" { sum += $2 } END { print int(sum) }' /proc/slabinfo /proc/meminfo
}

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
	on remote <<<"$key_remote"$'\n'"$setup_remote"
	on local <<<"$key_local"$'\n'"$setup_local"
}

# Each of these is one deletion; the batches are several in one program start, a few milliseconds apart.
tunnels_gone=$'del-tunnel d\ndel-tunnel s\ndel-tunnel b\n'
delete_on() {
	local node=$1 setup=$2 tunnels twice
	tunnels=$(grep '^add-tunnel' <<<"$setup")
	twice=$tunnels_gone$tunnels$'\n'$tunnels_gone$'del-link l\n'$setup$'\n'
	on "$node" <<<"$twice$twice$twice"
}

delete_module() {
	rmmod sdt
	modprobe sdt test_time_div=20
	on remote <<<"$key_remote"$'\n'"$setup_remote"
	on local <<<"$key_local"$'\n'"$setup_local"
}

# delete_namespaces FIRST SECOND
delete_namespaces() {
	ip -batch - <<<"netns del $1"$'\n'"netns del $2"
	await 10 no_devices
	again
	on remote <<<"$key_remote"$'\n'"$setup_remote"
	on local <<<"$key_local"$'\n'"$setup_local"
}

nodes test_time_div=20
on remote <<<"$setup_remote"
on local <<<"$setup_local"

background bob sdtload echo --bind 10.3.0.2:5300 --expect changed=0 -- echo --bind 10.3.0.2:8001 -- \
	flood --to 10.3.0.1:6002 --bind 10.3.0.2 --sockets 4 --size 200
background alice sdtload echo --bind 10.1.0.1:5300 -- flood --bind 10.1.0.1:7001 --to 10.1.0.2:5001 --size 64-1400 -- \
	flood --to 10.1.0.2:5000 --sockets 16 --size 64-1400

# must_flow WHEN
must_flow() { flows || bail "traffic does not flow $1"; }

must_flow 'at first'
for ((cycle = 1; cycle <= CYCLES; cycle++)); do
	delete_on local "$setup_local"
	must_flow "in cycle $cycle, after deletions on local"
	delete_on remote "$setup_remote"
	must_flow "in cycle $cycle, after deletions on remote"
	delete_module
	must_flow "in cycle $cycle, with the module anew"
	if [ $((cycle % 2)) -eq 0 ]; then delete_namespaces local remote; else delete_namespaces remote local; fi
	must_flow "in cycle $cycle, with namespaces anew"
	if [ "$cycle" -eq "$WARM" ]; then
		bare
		objects_then=$(objects) memory_then=$(memory)
		from_bare
		must_flow 'after the pause'
	fi
done
ok "$((CYCLES * 15)) deletions, and traffic flowed between them"

bare
check_objects 'sockets and namespaces are as many as before' 15 "$objects_then"
# Four kilobytes lost in each of 75 deletions would be 300; what comes and goes otherwise is less than a hundred.
memory_same() {
	objects >/dev/null
	[ $(($(memory) - memory_then)) -lt 160 ]
}
check 'memory is what it was' await 10 memory_same
note "memory: $memory_then kB, then $(memory) kB"
check 'no cache of the module is left' test -z "$(grep -o '^sdt_[^ ]*' /proc/slabinfo)"
