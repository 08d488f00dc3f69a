#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# kernels: 6.1 6.12 7.3
# once: 6.12
# timeout: 300
#
# Whoever sets up a tunnel pays for it, channels and sockets that strangers' datagrams cause included: they are charged
# to the control group of whoever made the tunnel, its limit holds for them, and when all is taken down all is given back.
# Thus a user with a user namespace of their own cannot hold more of the kernel's memory than they are allowed.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

GROUPS_AT=/sys/fs/cgroup
CHANNELS=500
# What a channel costs at least, at the proxy side its own struct alone, at the server side with its socket.
PROXY_BYTES=128 SERVER_BYTES=1024

mkdir -p "$GROUPS_AT"
mount -t cgroup2 none "$GROUPS_AT"
# With what lib.sh takes down in the end, the groups go as well.
eval "$(declare -f _finish | sed '1s/_finish/_finish_rest/')"
_finish() {
	_finish_rest
	! modprobe -r sdt || rmdir "$GROUPS_AT"/sdt-* 2>/dev/null
	umount "$GROUPS_AT"
}
grep -qw memory "$GROUPS_AT/cgroup.controllers" || skip_all 'no memory controller'
echo +memory >"$GROUPS_AT/cgroup.subtree_control"
mkdir "$GROUPS_AT/sdt-proxy" "$GROUPS_AT/sdt-server" "$GROUPS_AT/sdt-user"

# in_group GROUP COMMAND...
in_group() {
	local group=$1
	shift
	(
		echo "$BASHPID" >"$GROUPS_AT/$group/cgroup.procs"
		exec "$@"
	)
}

# Slab of the group, in bytes.
charged() { sed -n 's/^slab //p' "$GROUPS_AT/$1/memory.stat"; }

# charged_at_least GROUP BYTES; the counts of a group are brought up to date every two seconds only.
charged_at_least() { [ "$(charged "$1")" -ge "$2" ]; }
charged_at_most() { [ "$(charged "$1")" -le "$2" ]; }

nodes
link
in_group sdt-proxy sdtctl -n local add-tunnel t link l mode server listen 10.1.0.2:5000
in_group sdt-server sdtctl -n remote add-tunnel t link l mode server target 10.3.0.2:5300
link_up local remote
echo=(echo --ns bob --bind 10.3.0.2:5300)
client=(client --ns alice --to 10.1.0.2:5000 --window 32)
traffic 'a first channel' "${echo[@]}" -- "${client[@]}" --count 1
proxy=$(charged sdt-proxy) server=$(charged sdt-server)
# New customers come as fast as sockets are made for them; some of their first datagrams may be lost.
traffic "$CHANNELS channels" "${echo[@]}" -- \
	"${client[@]}" --sockets "$CHANNELS" --count $((2 * CHANNELS)) --expect lost=any --stall 3000
open=$(show local tunnels '.[0].channels')
check "there are $open channels" [ "$open" -ge $((CHANNELS / 2)) ]
check 'the group of the proxy side pays for its channels' \
	await 10 charged_at_least sdt-proxy $((proxy + open * PROXY_BYTES))
check 'the group of the server side pays for its channels and their sockets' \
	await 10 charged_at_least sdt-server $((server + open * SERVER_BYTES))

# No more is to be had: new customers are refused, those that there are are served.
on local <<<'set-tunnel t max-channels 100000'
max=$(($(<"$GROUPS_AT/sdt-proxy/memory.current") + 65536))
echo "$max" >"$GROUPS_AT/sdt-proxy/memory.max"
sdtload "${echo[@]}" -- "${client[@]}" --run 2 --bind 10.1.0.1:20000 --sockets 1500 --count 1500 --stall 300 --expect lost=any \
	>/tmp/limit.log 2>&1 || true
check_counters 'at the limit of its group a tunnel gets no memory for channels' 'local.t.in-no-memory > 0'
check 'and the group stays below it' [ "$(<"$GROUPS_AT/sdt-proxy/memory.current")" -le "$max" ]
echo max >"$GROUPS_AT/sdt-proxy/memory.max"
traffic 'with more memory there are new channels again' "${echo[@]}" -- "${client[@]}" --run 3 --bind 10.1.0.1:40000 --count 20

on local <<<$'del-tunnel t\ndel-link l'
on remote <<<$'del-tunnel t\ndel-link l'
check 'all that the proxy side was charged for is given back' await 20 charged_at_most sdt-proxy "$proxy"
check 'and all of the server side' await 20 charged_at_most sdt-server "$server"

# A user without any rights here, in namespaces of their own, sets up links until there is no more memory to be had: the
# kernel then refuses, or ends the program.
mkdir /tmp/user
cat >/tmp/user/greedy <<'END'
#!/bin/bash
sdtctl set-node private-key @/tmp/user/key listen :7380 || exit 3
for ((made = 0; made < 3000; made += 100)); do
	sed -n "$((made + 1)),$((made + 100))p" /tmp/user/links | sdtctl -b - || exit 4
	echo "$((made + 100))" >/tmp/user/made
done
END
(umask 077 && sdtctl genkey >/tmp/user/key)
python3 -c 'import base64, os
for i in range(3000): print("add-link l%d peer-key %s" % (i, base64.b64encode(os.urandom(32)).decode()))' >/tmp/user/links
chmod 755 /tmp/user/greedy
chown -R 65534 /tmp/user
echo $((8 << 20)) >"$GROUPS_AT/sdt-user/memory.max"
check_not 'a user who sets up links without end is stopped' \
	in_group sdt-user setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Urn /tmp/user/greedy
made=$(</tmp/user/made)
check "not before there were some ($made)" [ "$made" -ge 100 ]
check 'by the limit of their control group' grep -qE '^max [1-9]' "$GROUPS_AT/sdt-user/memory.events"
check 'and nothing of it stays' await 20 charged_at_most sdt-user $((1 << 20))
