#!/bin/bash
# programs: rsyslogd logger
# packages: rsyslog bsdutils
# files: tests/vm/helpers/sdt.sh
# timeout: 300
#
# Stream mode: many senders, one target, one way. Syslog as people use it, with messages of 2,048 bytes (RFC 5426); both
# families, the proxy role on either node; what the target answers goes nowhere; another target under traffic.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
# A path that takes 2,048 bytes whole. The last part of this scenario narrows it.
ip -n local link set to-remote mtu 3000
ip -n remote link set to-local mtu 3000
link lanes 4
on local <<'END'
add-tunnel log link l mode stream listen 10.1.0.2:514
add-tunnel s44 link l id 1 mode stream listen 10.1.0.2:5001
add-tunnel s46 link l id 2 mode stream listen 10.1.0.2:5002
add-tunnel s64 link l id 3 mode stream listen [fd01::2]:5003
add-tunnel any link l id 4 mode stream listen :5004
add-tunnel back link l id 5 mode stream target [fd01::1]:5400
add-tunnel move link l id 6 mode stream listen 10.1.0.2:5006
END
on remote <<'END'
add-tunnel log link l mode stream target 10.3.0.2:514
add-tunnel s44 link l id 1 mode stream target 10.3.0.2:5300 egress 10.3.0.1 egress-ports 20000-20003
add-tunnel s46 link l id 2 mode stream target [fd03::2]:5300
add-tunnel s64 link l id 3 mode stream target 10.3.0.2:5300
add-tunnel any link l id 4 mode stream target [fd03::2]:5300
add-tunnel back link l id 5 mode stream listen 10.3.0.1:6005
add-tunnel move link l id 6 mode stream target 10.3.0.2:5300
END
link_up local remote

traffic 'all families, both directions, many senders: all arrives, from one socket a tunnel' \
	sink --ns bob --bind 10.3.0.2:5300 --bind '[fd03::2]:5300' --expect received=800 --expect peers=4 -- \
	sink --ns alice --bind '[fd01::1]:5400' --expect received=100 --expect peers=1 -- \
	send --ns bob --to 10.3.0.1:6005 --run 2 --sockets 20 --count 100 --rate 400 --size 0-1400 -- \
	send --ns alice --to 10.1.0.2:5001 --to 10.1.0.2:5002 --to '[fd01::2]:5003' --to '[fd01::2]:5004' --to 10.1.0.2:5004 \
	--sockets 80 --count 800 --rate 1600 --size 0-1400
check_counters 'and is counted' 'local.s44.in-datagrams == 160' 'remote.s44.out-datagrams == 160' \
	'remote.any.out-datagrams == 320' 'remote.back.in-datagrams == 100' 'local.back.out-datagrams == 100' \
	'local.back.in-stream == 0'
check_equal 'no tunnel has channels' '0 0' \
	"$(show local tunnels '[.[] | .channels] | add') $(show remote tunnels '[.[] | .channels] | add')"
check 'the socket is where it was told to be' \
	sh -c "nsenter --net=/run/netns/remote ss -Hlun | grep -Eq '10\.3\.0\.1:2000[0-3] '"

# --- answers

traffic 'a target that answers is heard by nobody' \
	echo --ns bob --bind 10.3.0.2:5300 --expect received=50 -- \
	client --ns alice --to 10.1.0.2:5001 --run 3 --sockets 5 --count 50 --window 50 --stall 300 --drain 300 \
	--expect received=0 --expect lost=50
check_counters 'each answer is counted' 'remote.s44.in-stream == 50' 'remote.s44.in-datagrams == 0' \
	'local.s44.out-datagrams == 0'
port=$(at remote ss -Hlun 'sport >= :20000 and sport <= :20003' | awk '{ sub(/.*:/, "", $4); print $4 }')
traffic 'whoever else writes to the egress socket' \
	send --ns bob --bind 10.3.0.2:5999 --to "10.3.0.1:$port" --sockets 1 --count 3 --rate 100
check_counters 'is counted as well' 'remote.s44.in-source == 3' 'remote.s44.in-stream == 50'

# --- another target, under traffic

at bob nft -f - <<'END'
table inet t {
	counter first { }
	counter second { }
	counter third { }
	chain in {
		type filter hook input priority 0
		ip daddr 10.3.0.2 udp dport 5300 counter name first
		ip daddr 10.3.0.2 udp dport 5301 counter name second
		ip6 daddr fd03::2 udp dport 5300 counter name third
	}
}
END
counted() { at bob nft -j list counter inet t "$1" | jq '.nftables[] | .counter? // empty | .packets'; }
# move_until_gone PID TARGET...: to each in turn, while the process lives.
move_until_gone() {
	local pid=$1 target
	shift
	while kill -0 "$pid" 2>/dev/null; do
		for target in "$@"; do on remote <<<"set-tunnel move target $target"; done
	done
}
moved() {
	local sender code=0
	sdtload sink --ns bob --bind 10.3.0.2:5300 --bind 10.3.0.2:5301 --bind '[fd03::2]:5300' --expect received=2000 "${@:2}" -- \
		send --ns alice --to 10.1.0.2:5006 --run "$1" --sockets 20 --count 2000 --rate 1000 --size 0-1400 &
	sender=$!
	# shellcheck disable=SC2086 # one word a target
	move_until_gone "$sender" $targets
	wait "$sender" || code=$?
	return "$code"
}
targets='10.3.0.2:5301 10.3.0.2:5300'
check 'another target and back, again and again: nothing is lost or doubled, the socket stays' moved 4 --expect peers=1
targets='[fd03::2]:5300 10.3.0.2:5301 10.3.0.2:5300'
check 'the same with another family: nothing is lost or doubled' moved 5
check 'each of the targets had its share' \
	test "$(counted first)" -gt 100 -a "$(counted second)" -gt 100 -a "$(counted third)" -gt 100
check_counters 'no drops are counted' 'remote.move.out-datagrams == 4000' 'remote.move.out-no-route == 0' \
	'remote.move.out-error == 0' 'remote.move.deleted == 0'

# --- the source address goes

at remote sysctl -qw net.ipv4.conf.all.promote_secondaries=1
ip -n remote addr add 10.3.0.4/24 dev to-bob
traffic 'before the source address goes' sink --ns bob --bind 10.3.0.2:5300 --expect received=10 -- \
	send --ns alice --to 10.1.0.2:5006 --run 6 --count 10 --rate 200
ip -n remote addr del 10.3.0.1/24 dev to-bob
traffic 'and after: the stream goes on from the one that is left' sink --ns bob --bind 10.3.0.2:5300 --expect received=10 -- \
	send --ns alice --to 10.1.0.2:5006 --run 7 --count 10 --rate 200
ip -n remote addr add 10.3.0.1/24 dev to-bob
ip -n remote addr del 10.3.0.4/24 dev to-bob

# --- what makes no sense

check 'limits for channels are refused' refused local set-tunnel log max-channels 5
check 'idle times are refused' refused remote set-tunnel log idle 5
check 'a range of egress addresses is refused' refused remote set-tunnel log egress 10.3.0.1-10.3.0.4
check 'an egress address of another host is refused' refused remote set-tunnel log egress 10.3.0.77
check 'an egress address of the other family is refused' refused remote set-tunnel log egress fd03::1
check 'a customer is refused' refused local set-tunnel log customer 10.1.0.1:5
check 'proxy-v2 is refused: it cannot tell senders apart' refused remote set-tunnel log client-address proxy-v2
check 'client-allow at the proxy is refused' refused local set-tunnel log client-allow 10.0.0.0/8
check 'a target at the proxy is refused' refused local set-tunnel log target 10.3.0.2:514
check 'and after all that it is as before' test "$(show remote tunnels '.[] | select(.name == "log") | .target')" = 10.3.0.2:514

# --- syslog

cat >/tmp/rsyslog.conf <<'END'
global(workDirectory="/tmp" maxMessageSize="8k")
module(load="imudp")
input(type="imudp" address="10.3.0.2" port="514")
template(name="t" type="string" string="%fromhost-ip% %hostname% %syslogtag%%msg%\n")
action(type="omfile" file="/tmp/messages" template="t")
END
background bob rsyslogd -n -f /tmp/rsyslog.conf -i /tmp/rsyslog.pid
check 'rsyslog listens' await 20 listening bob udp 514
syslog() { at alice logger -n 10.1.0.2 -P 514 -d --rfc3164 -S 4096 -t "$1" -- "$2"; }
written() { grep -Fq "$1" /tmp/messages; }
check 'logger sends' syslog test 'hello from alice'
check 'rsyslog writes it, as of the node that sent it' await 10 written '10.3.0.1 '
check 'and nothing is missing' grep -Eq '^10\.3\.0\.1 .* ?test: ?hello from alice$' /tmp/messages

# big LETTER: a message of 2,048 bytes all told; the head that logger writes is taken off its text.
big() {
	local head text
	head=$((2048 - $(head_length "$1")))
	text=$(printf "%${head}s" '' | tr ' ' "$1")
	at alice logger -n 10.1.0.2 -P 514 -d --rfc3164 -S 4096 -t "big$1" -- "$text" || return 1
	await 10 written "$text"
}
# <13>Nov 24 09:00:00 HOST TAG: and a space.
head_length() {
	local line
	line="<13>Nov 24 09:00:00 $(hostname -s) big$1: "
	echo "${#line}"
}
in_bytes() { sdtctl -n local -j stats log | jq '[.. | objects | ."in-bytes"? // empty] | add'; }
before=$(in_bytes)
check 'a message of 2,048 bytes arrives whole' big x
check_equal 'it was one datagram of that size' 2048 "$(($(in_bytes) - before))"

# --- the same where a packet takes 1500 bytes: in FRAGMENT frames

ip -n local link set to-remote mtu 1500
ip -n remote link set to-local mtu 1500
check 'a message of 2,048 bytes arrives whole on a path of 1500 bytes' big y
