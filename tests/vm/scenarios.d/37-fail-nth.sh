#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/vm/helpers/faults.sh
# kernels: uml-debug
# timeout: 600
#
# Each allocation of each request fails once: of what sets up, of what changes, of what takes down, of what shows, of a
# new namespace, of loading the module. The request then is refused for want of memory and changes nothing, or it
# succeeds without that memory; and what comes after it succeeds as ever. Nothing is leaked: the end of the guest tells.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh
# shellcheck source=../helpers/faults.sh
. /t/faults.sh

# More than any request makes: then something is wrong with the test.
MOST=400

modprobe sdt
faults_here

# What there is: objects, and who listens where.
state() {
	printf 'show node\nshow links\nshow tunnels\n' | on local | grep -v handshake-age
	at local cat /proc/net/udp /proc/net/udp6 | awk '{ print $2, $3, $7 }' | sort
}

# each NAME UNDO COMMAND...: one test for all the allocations of a command. UNDO, a line for sdtctl or nothing, takes
# back what it did.
each() {
	local name=$1 undo=$2 n text code before failed=0 survived=0
	shift 2
	before=$(state)
	for ((n = 1; n <= MOST; n++)); do
		code=0
		nth "$n" "$@" >/dev/null 2>/tmp/out || code=$?
		text=$(</tmp/out)
		if [ "$code" -ne 0 ]; then
			failed=$((failed + 1))
			_clear "$name" "$n" "$code" "$text" && _same "$name" "$n" "$before" || return 0
			continue
		fi
		if [ -n "$undo" ]; then on local <<<"$undo"; fi
		[ "$REPLY" -ne 0 ] || break
		survived=$((survived + 1))
	done
	if [ "$n" -gt "$MOST" ]; then
		not_ok "$name" "allocation $MOST, and no end"
	elif [ $((failed + survived)) -eq 0 ]; then
		not_ok "$name" 'no allocation of it could be made to fail'
	else
		ok "$name"
		note "$failed refused, $survived done without"
	fi
}

_clear() {
	if [ "$REPLY" -eq 0 ]; then
		not_ok "$1" "nothing failed, yet exit $3: $4"
	elif [[ $4 = *$'\n'* ]] || ! grep -qiE 'memory|buffer space' <<<"$4"; then
		not_ok "$1" "allocation $2: exit $3 and '$4'"
	else
		return 0
	fi
	return 1
}

_same() {
	local after
	after=$(state)
	[ "$after" != "$3" ] || return 0
	not_ok "$1" "allocation $2 left something: $(diff <(echo "$3") <(echo "$after"))"
	return 1
}

topo
umask 077
for name in LOCAL_KEY REMOTE_KEY PSK; do echo "${!name}" >"/tmp/$name"; done
on local <<<'set-node private-key @/tmp/LOCAL_KEY listen :7381'
on remote <<<'set-node private-key @/tmp/REMOTE_KEY listen :7380'

each 'set-node' 'set-node listen :7381' sdtctl -n local set-node private-key @/tmp/LOCAL_KEY listen :7380
each 'add-link' 'del-link l' sdtctl -n local add-link l peer-key "$REMOTE_PUB" psk @/tmp/PSK lanes 4
each 'add-tunnel with its link' $'del-tunnel t\ndel-link l' \
	sdtctl -n local add-tunnel t link l mode server listen 10.1.0.2:5000 peer-key "$REMOTE_PUB"
# It has no peer to call, so that nothing happens by itself.
on local <<<"add-link l peer-key $REMOTE_PUB"
each 'set-link' 'set-link l lanes 1 keepalive 0' sdtctl -n local set-link l lanes 4 psk @/tmp/PSK pad 64
each 'add-tunnel server, proxy side' 'del-tunnel t' \
	sdtctl -n local add-tunnel t link l mode server listen :5000 max-channels-per-customer 5
each 'add-tunnel server, server side' 'del-tunnel t' \
	sdtctl -n local add-tunnel t link l mode server target 10.1.0.1:53 egress 10.1.0.2 egress-ports 40000-40009
each 'add-tunnel direct' 'del-tunnel t' \
	sdtctl -n local add-tunnel t link l mode direct listen 10.1.0.2:5000 customer 10.1.0.1:7000
each 'add-tunnel stream, proxy side' 'del-tunnel t' sdtctl -n local add-tunnel t link l mode stream listen :5000
each 'add-tunnel stream, server side' 'del-tunnel t' sdtctl -n local add-tunnel t link l mode stream target 10.1.0.1:53
each 'add-tunnel router, proxy side' 'del-tunnel t' sdtctl -n local add-tunnel t link l mode router listen :5000
each 'add-tunnel router, server side' 'del-tunnel t' \
	sdtctl -n local add-tunnel t link l mode router role server allow 10.1.0.0/24 allow fd01::/64

on local <<-'END'
	add-tunnel p link l id 1 mode server listen 10.1.0.2:5001
	add-tunnel s link l id 2 mode server target 10.1.0.1:53 egress-ports 40000-40009
	add-tunnel d link l id 3 mode direct listen 10.1.0.2:5003 customer 10.1.0.1:7000
END
each 'set-tunnel listen' 'set-tunnel p listen 10.1.0.2:5001' sdtctl -n local set-tunnel p listen 10.1.0.2:5011
each 'set-tunnel target' 'set-tunnel s target 10.1.0.1:53' sdtctl -n local set-tunnel s target 10.1.0.1:54
each 'set-tunnel egress' 'set-tunnel s egress-ports 40000-40009' sdtctl -n local set-tunnel s egress-ports 41000-41009
each 'set-tunnel customer' 'set-tunnel d customer 10.1.0.1:7000' sdtctl -n local set-tunnel d customer 10.1.0.1:7001
each 'show tunnels' '' sdtctl -n local show tunnels
each 'stats' '' sdtctl -n local stats
each 'del-tunnel' 'add-tunnel s link l id 2 mode server target 10.1.0.1:53 egress-ports 40000-40009' \
	sdtctl -n local del-tunnel s
on local <<<$'del-tunnel p\ndel-tunnel s\ndel-tunnel d'
each 'del-link' "add-link l peer-key $REMOTE_PUB" sdtctl -n local del-link l
on local <<<'del-link l'
each 'a new namespace' '' unshare -n true

# With a session.
link
link_up local remote
each 'ping' '' sdtctl -n local ping l -c 1
tunnel t 0
traffic 'and all is as ever' echo --ns bob --bind 10.3.0.2:5300 -- client --ns alice --to 10.1.0.2:5000 --count 50 --sockets 10

# The module itself, in the namespaces that there are then.
on local <<<$'del-tunnel t\ndel-link l'
rmmod sdt
failed=0
for ((n = 1; n <= MOST; n++)); do
	code=0
	nth "$n" modprobe sdt >/tmp/out 2>&1 || code=$?
	if [ "$code" -eq 0 ]; then
		[ "$REPLY" -ne 0 ] || break
		rmmod sdt
	elif [ -d /sys/module/sdt ] || ! grep -q 'memory' /tmp/out; then
		bail "loading: allocation $n: exit $code, $(</tmp/out)"
	else
		failed=$((failed + 1))
	fi
done
check_not "loading: $failed allocations failed, and it was refused" [ "$failed" -eq 0 ]
check 'loading: done when none fails' [ -d /sys/module/sdt ]
