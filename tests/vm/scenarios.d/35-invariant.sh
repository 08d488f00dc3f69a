#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# once: 6.12
# timeout: 1800
#
# The invariant of docs/PROTOCOL.md, section 9: an answer reaches no customer but the one whose datagrams opened the
# channel. Customers come and go, and take over one another's ports; the target answers late, twice and in any order;
# the link loses, delays, doubles and reorders messages, CLOSE among them, on several lanes and across rekeys; and all
# the while tunnels are deleted and added again, exchange their numbers, change their target, either node is restarted,
# and another node with the same key takes over and gives back. Each answer says whose it is.
#
# SDT_REPLIES, in the environment: so many answers are to be checked (20000).
#
# What the protocol leaves open is kept out: the target answers within less than a port's rest, and a tunnel that was
# added again, whose former ports have no rest, gets other ones than its predecessor.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

REPLIES=${SDT_REPLIES:-20000}
# Protocol times are a fortieth: sessions last 3 s, ports rest as long, and channels end after 0.4 and 0.5 s.
TIME_DIV=40
IDLE_LOCAL=16 IDLE_SERVER=20
# Answers that the target gives late, and the age that none may reach.
LATE='0-300' WITHIN=1500
# As many ports as the channels of a few seconds need.
PORTS=$((REPLIES > 100000 ? 1024 : 256))
# Ports of a deleted tunnel are left alone for as long as its target may still answer: so many ranges of each tunnel take
# turns.
RANGES=8
declare -A first_port=([a]=10000 [b]=20000)
# Between two disturbances there are so many answers, which makes three rounds of all disturbances or more.
SHARE=$((REPLIES / 60))
[ "$SHARE" -lt 10000 ] || SHARE=10000
# Customers wait for several answers at a time, and more of them when there are many: then a system call, which is what
# takes the time in User-Mode Linux, takes several.
SAYS=(--life 8 --window 3)
[ "$REPLIES" -le 100000 ] || SAYS=(--life 20 --window 8)
# So many answers make an epoch whose last channels have numbers that the next one uses at once.
EPOCH=150

# --- the network: topo's, and a spare node in the place of remote

# wire LEFT ADDRESS RIGHT ADDRESS: devices to-RIGHT and to-LEFT.
wire() {
	ip link add "to-$3" netns "$1" type veth peer name "to-$1" netns "$3"
	ip -n "$1" -batch - <<<"addr add $2 dev to-$3"$'\n'"link set to-$3 up"
	ip -n "$3" -batch - <<<"addr add $4 dev to-$1"$'\n'"link set to-$1 up"
}

wire_local() {
	wire alice 10.1.0.1/24 local 10.1.0.2/24
	ip -n local route add 10.6.0.0/24 via 10.1.0.1
	wire local 10.2.0.1/24 remote 10.2.0.2/24
	wire local 10.5.0.1/24 spare 10.5.0.2/24
	# It has remote's address, and is asked at it when local's route says so.
	ip -n spare route replace 10.2.0.1 via 10.5.0.1 src 10.2.0.2
}

wire_remote() {
	wire local 10.2.0.1/24 remote 10.2.0.2/24
	wire remote 10.3.0.1/24 bob 10.3.0.2/24
}

network() {
	local name
	for name in alice local remote spare bob; do printf 'netns add %s\n' "$name"; done | ip -batch -
	_namespaces+=(alice local remote spare bob)
	for name in alice local remote spare bob; do ip -n "$name" link set lo up; done
	ip -n spare addr add 10.2.0.2/32 dev lo
	# The target keeps its address while its gateways, and the devices towards these, are made anew.
	ip -n bob addr add 10.3.0.2/32 dev lo
	wire_local
	wire remote 10.3.0.1/24 bob 10.3.0.2/24
	wire spare 10.4.0.1/24 bob 10.4.0.2/24
	ip -n spare route add 10.3.0.2 via 10.4.0.2
}

# anew NAMESPACE: it is gone with all that it knew, then it is there again.
anew() {
	ip netns del "$1"
	has_late[$1]=''
	await 10 devices_left "$1" || bail "the devices of $1 stay"
	ip netns add "$1"
	ip -n "$1" link set lo up
	"wire_$1"
}

devices_left() {
	local neighbour
	for neighbour in alice local remote spare bob; do
		[ "$neighbour" = "$1" ] || ! ip -n "$neighbour" link show "to-$1" || return 1
	done
}

# --- the weather on the link

# queue DEVICE NETEM-WORD...: for tc. Besides what the words say, every 16th data message, by its first sealed byte
# (the ninth), comes two thirds of a second later: when its channel has ended, its keys have been replaced
# now and then, and the window has long passed it.
queue() {
	local dev=$1
	shift
	cat <<-END
		qdisc replace dev $dev root handle 1: prio bands 2 priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
		qdisc replace dev $dev parent 1:1 handle 10: netem limit 20000 $*
		qdisc replace dev $dev parent 1:2 handle 20: netem limit 20000 delay 650ms 100ms duplicate 10%
	END
}

# late NODE: which messages these are. Their priority is the class that they go to.
late() {
	at "$1" nft -f - <<-'END'
		table inet late
		flush table inet late
		table inet late {
			chain out {
				type filter hook postrouting priority 300;
				udp length > 40 @th,132,4 5 meta priority set 1:2
			}
		}
	END
}

# Which nodes have these rules.
declare -A has_late=()

weathers=('delay 2ms 2ms' 'delay 10ms 9ms loss 3% duplicate 5%' 'loss 25%' 'delay 5ms 4ms duplicate 30%')
weather=0
# The weather goes on, or changes.
weather() {
	local words node
	weather=$(((weather + ${1:-0}) % ${#weathers[@]}))
	words=${weathers[weather]}
	for node in local remote spare; do
		[ "${has_late[$node]:-}" ] || late "$node"
		has_late[$node]=yes
	done
	# shellcheck disable=SC2086 # words
	{
		tc -n local -batch - <<<"$(queue to-remote $words && queue to-spare $words)"
		tc -n remote -batch - <<<"$(queue to-local $words)"
		tc -n spare -batch - <<<"$(queue to-local $words)"
	}
}

# --- nodes, and what they count

# What the nodes counted, again and again, and when an object was deleted: to be added up in the end.
COUNTED=/tmp/counted

# account NODE...: before something is deleted there.
account() {
	local node
	for node in "$@"; do
		echo "at $node"
		sdtctl -n "$node" stats
	done >>"$COUNTED"
}

# gone NODE [OBJECT]...: these start from zero again; without an object, all.
gone() { echo "gone $*" >>"$COUNTED"; }

# add_up: _stat[NODE.all.COUNTER], as for value: all that NODE's objects ever counted. Spare is part of remote.
add_up() {
	local name value
	_stat=()
	awk '
		$1 == "at" { node = $2; object = "node"; next }
		$1 == "link" || $1 == "tunnel" { object = $2; next }
		$1 == "node" { object = "node"; next }
		$1 == "gone" {
			for (key in last) {
				split(key, part, " ")
				if (part[1] == $2 && (NF == 2 || index(" " $0 " ", " " part[2] " "))) delete last[key]
			}
			next
		}
		{
			key = node " " object " " $1
			sum[(node == "spare" ? "remote" : node) ".all." $1] += $2 - last[key]
			last[key] = $2
		}
		END { for (name in sum) print name, sum[name] }' "$COUNTED" >/tmp/.sums
	while read -r name value; do _stat[$name]=$value; done </tmp/.sums
}

# The numbers of tunnels a and b, which they exchange, and where they listen.
declare -A number=([a]=0 [b]=1)
declare -A listen=([a]=10.1.0.2:5000 [b]=10.1.0.2:5001)
# The port of the target.
target=5300

add_on_local() {
	echo "add-tunnel $1 link l id ${number[$1]} mode server listen ${listen[$1]} idle $IDLE_LOCAL"
}

# Also sets the range that comes after.
range=0
declare -A range_left=()
add_on_server() {
	local first=$((first_port[$1] + range * PORTS))
	echo "add-tunnel $1 link l id ${number[$1]} mode server target 10.3.0.2:$target idle $IDLE_SERVER" \
		"egress-ports $first-$((first + PORTS - 1)) max-channels $PORTS"
}

# next_range: other ports than before, which nobody has used for as long as late answers to them may come.
next_range() {
	range_left[$range]=${EPOCHREALTIME/./}
	range=$(((range + 1) % RANGES))
	await 10 unused_long "${range_left[$range]:-0}"
}
unused_long() { [ "$((${EPOCHREALTIME/./} - $1))" -gt $((WITHIN * 1000)) ]; }

start_local() {
	on local <<-END
		set-node private-key @/tmp/LOCAL_KEY listen :7380
		add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380 lanes 4
		$(add_on_local a)
		$(add_on_local b)
	END
}

# start_server NODE
start_server() {
	on "$1" <<-END
		set-node private-key @/tmp/REMOTE_KEY listen :7380
		add-link l peer-key $LOCAL_PUB lanes 4
		$(add_on_server a)
		$(add_on_server b)
	END
}

# --- traffic

# What has come to customers so far, answers but for a few, in REPLY.
answers() {
	local line
	local -a lines words
	mapfile -t lines <"/proc/$witness/net/snmp"
	for line in "${lines[@]}"; do
		if [[ $line == 'Ip: '[0-9]* ]]; then read -ra words <<<"$line" && REPLY=${words[3]}; fi
	done
}

# flows WHEN [NUMBER]: there are so many answers more, or SHARE. A machine may be slow; but some come within a minute.
flows() {
	local goal last
	answers
	goal=$((REPLY + ${2:-SHARE})) last=$REPLY
	until await 60 enough_answers "$goal"; do
		[ "$REPLY" -gt $((last + 100)) ] || no_traffic "$1" $((REPLY - last))
		last=$REPLY
	done
	target_is_there || bail "the target is gone, $1: $(</tmp/bob-sdtload.log)"
}

# disturbed WHEN: the same, and it is counted as a disturbance.
disturbed() {
	local from
	answers
	from=$REPLY
	flows "$1"
	disturbed=$((disturbed + 1))
	answers
	note "$disturbed: $((REPLY - from)) answers $1, ${SECONDS} s"
}
# no_traffic WHEN ANSWERS: what matters most comes last.
no_traffic() {
	local node pid
	for node in local remote spare; do note "$node: $(sdtctl -n "$node" show links && sdtctl -n "$node" stats)"; done
	note "routes of local: $(ip -n local route)"
	for pid in "${clients[@]}" "$echo"; do
		note "$pid: $(sed -n '/^State/p; /Pnd/p; /VmRSS/p' "/proc/$pid/status" 2>&1) waits for $(cat "/proc/$pid/wchan" 2>&1)"
	done
	note "the target's socket: $(at bob ss -Hlunm 'sport = :5300')"
	note "softnet: $(</proc/net/softnet_stat); $(grep -E '^(MemFree|Slab)' /proc/meminfo)"
	note "kernel: $(dmesg | tail -n 5)"
	kill -TERM "${clients[@]}" "$echo"
	await 10 ended || note 'customers do not end when they are told to'
	note "$(cat /tmp/churn.* /tmp/bob-sdtload.log)"
	bail "no traffic $1: $2 answers in a minute"
}
target_is_there() { [ -d "/proc/$echo" ]; }
enough_answers() {
	answers
	[ "$REPLY" -ge "$1" ] || ! running || ! target_is_there
}

# Two clients, one a tunnel and, where there are two, a processor: their channels take different lanes.
clients=()
customers() {
	local i processors
	processors=$(nproc)
	for i in 0 1; do
		taskset -c "$((i % processors))" sdtload churn --ns alice --run "$((i + 1))" --bind "10.6.0.1:$((10000 + 1000 * i))" \
			--bind "10.6.0.3:$((10000 + 1000 * i))" --ports 128 --to "10.1.0.2:500$i" --sockets 48 "${SAYS[@]}" \
			--size 16-200 --stall 200 --stay --until "$((REPLIES / 2))" --expect "received>=$((REPLIES / 2))" \
			>"/tmp/churn.$i" 2>&1 </dev/null &
		clients+=($!)
	done
	_background+=("${clients[@]}")
}

running() { kill -0 "${clients[0]}" 2>/dev/null || kill -0 "${clients[1]}" 2>/dev/null; }
ended() { ! running; }

# --- disturbances

tunnel_again_on_local() {
	account local
	on local <<<"del-tunnel b"$'\n'"$(add_on_local b)"
	gone local b
}

tunnel_again_on_remote() {
	next_range
	account remote
	on remote <<<"del-tunnel a"$'\n'"$(add_on_server a)"
	gone remote a
}

# What was a's channel by its number is b's tunnel now.
numbers_exchanged() {
	local a=${number[a]} node
	number=([a]=${number[b]} [b]=$a)
	next_range
	account local remote spare
	on local <<<$'del-tunnel a\ndel-tunnel b\n'"$(add_on_local a)"$'\n'"$(add_on_local b)"
	for node in remote spare; do on "$node" <<<$'del-tunnel a\ndel-tunnel b\n'"$(add_on_server a)"$'\n'"$(add_on_server b)"; done
	for node in local remote spare; do gone "$node" a b; done
}

target_changed() {
	local node
	target=$((target == 5300 ? 5301 : 5300))
	for node in remote spare; do on "$node" <<<"set-tunnel a target 10.3.0.2:$target"$'\n'"set-tunnel b target 10.3.0.2:$target"; done
}

# link_again: the words for it. The numbers of channels start at zero again, while remote has channels of these numbers.
link_again() {
	cat <<-END
		del-tunnel a
		del-tunnel b
		del-link l
		add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380 lanes 4
		$(add_on_local a)
		$(add_on_local b)
	END
}

link_again_on_local() {
	account local
	on local <<<"$(link_again)"
	gone local l a b
}

# Again and again, before an epoch's numbers get large: late messages of one epoch name channels that are another
# customer's in the next. One program does it all: there is no time to start one.
epochs_in_a_row() {
	local words to_sdtctl pid i
	words=$(link_again)
	account local
	exec {to_sdtctl}> >(exec sdtctl -n local -b - >/tmp/epochs 2>&1)
	pid=$!
	for i in {1..8}; do
		printf '%s\n' "$words" >&"$to_sdtctl"
		flows "in epoch $i in a row" "$EPOCH"
	done
	exec {to_sdtctl}>&-
	wait "$pid" || bail "epochs in a row: $(</tmp/epochs)"
	gone local l a b
}

sessions_lost() { on remote <<<$'set-node private-key @/tmp/STRANGER_KEY\nset-node private-key @/tmp/REMOTE_KEY'; }

local_restarted() {
	account local
	anew local
	gone local
	start_local
	weather
}

remote_restarted() {
	next_range
	account remote
	anew remote
	gone remote
	start_server remote
	weather
}

# Local's route decides which of the two is asked; the other's late answers still come.
failed_over() { ip -n local route replace 10.2.0.2 via 10.5.0.2 src 10.2.0.1; }
given_back() { ip -n local route del 10.2.0.2; }

disturbances=(tunnel_again_on_local tunnel_again_on_remote epochs_in_a_row link_again_on_local failed_over
	numbers_exchanged given_back target_changed local_restarted sessions_lost remote_restarted)

# --- the test

modprobe sdt test_time_div="$TIME_DIV"
network
(
	umask 077
	for name in LOCAL_KEY REMOTE_KEY STRANGER_KEY; do echo "${!name}" >"/tmp/$name"; done
)
start_server remote
next_range
start_server spare
start_local
background bob sdtload echo --bind 10.3.0.2:5300 --bind 10.3.0.2:5301 --delay "$LATE" --late 20 --twice 5 --within "$WITHIN" \
	--expect 'received>=1'
echo=$!
await 5 listening bob udp 5301 || bail 'no target'
# Lives on alice for as long as the test, so that the counts there can be read without starting a program.
background alice sleep 86400
witness=$!
customers
weather

disturbed=0 rounds=0
disturbed 'at first'
while [ "$rounds" -eq 0 ] || running; do
	for disturbance in "${disturbances[@]}"; do
		"$disturbance"
		weather 1
		disturbed "after $disturbance"
		# Enough: customers may end when they have seen their share of answers, which they do after a whole round.
		if [ "$rounds" -gt 0 ]; then kill -TERM "${clients[@]}" 2>/dev/null || true; fi
		running || break
	done
	rounds=$((rounds + 1))
done
account local remote spare
add_up
note "$disturbed disturbances, $rounds rounds, $SECONDS s"

for i in 0 1; do
	code=0
	wait "${clients[i]}" || code=$?
	check_equal "customers of tunnel $i: $((REPLIES / 2)) answers and more, none of them to another" 0 "$code"
	note "$(<"/tmp/churn.$i")"
done
code=0
kill "$echo"
wait "$echo" || code=$?
check_equal 'what reached the target is whole, and came once' 0 "$code"
note "$(</tmp/bob-sdtload.log)"

# Now for what happened on the way, without which all this would say nothing.
# at_least NAME 'COUNTER >= NUMBER'...: of the sums.
at_least() {
	local name=$1 line left operator right few=''
	shift
	for line in "$@"; do
		read -r left operator right <<<"$line"
		[ "${_stat[$left]:-0}" -ge "$right" ] || few+="$left: ${_stat[$left]:-0}, not $operator $right; "
	done
	if [ -z "$few" ]; then ok "$name"; else not_ok "$name" "$few"; fi
}
# Each channel had a port; the echo has seen so many different ones.
peers=$(sed -n 's/^echo: .* peers=\([0-9]*\) .*/\1/p' /tmp/bob-sdtload.log)
used_again=$((${_stat[remote.all.channels-opened]:-0} - peers))
note "$(sort /tmp/.sums)"
at_least 'channels ended on both sides' "local.all.channels-closed >= $((REPLIES / 40))" \
	"remote.all.channels-closed >= $((REPLIES / 40))"
at_least 'CLOSE was lost or late: answers came for channels that had ended' "local.all.out-channel >= $((REPLIES / 400))"
at_least 'the target answered when channels had ended' "remote.all.in-resting >= $((REPLIES / 400))"
at_least 'messages came twice, and were not taken twice' "local.all.rx-replay >= $((REPLIES / 100))" \
	"remote.all.rx-replay >= $((REPLIES / 100))"
at_least 'messages came when their keys were gone' 'local.all.rx-index >= 5' 'remote.all.rx-index >= 5'
# Of the epochs in a row local counts the last alone.
at_least 'sessions were made anew all the time' "local.all.keypairs >= $((disturbed / 2))" "remote.all.keypairs >= $disturbed"
check 'ports were used again and again' test "$used_again" -ge $((REPLIES / 100))
note "$used_again channels got a port that had served another"
