# shellcheck shell=bash
# What the scenarios of SDT share, beyond lib.sh. Second line of a scenario after its header:
#
#   . /t/sdt.sh
#
# Two nodes, local and remote, stand between customers on alice and targets on bob (see topo in lib.sh). Traffic comes
# from sdtload; the head of helpers/sdtload/main.c tells its options.

# Keys of this guest, made by the first scenario that runs in it: each costs two program starts.
_make_keys() {
	local name key
	for name in LOCAL REMOTE STRANGER; do
		key=$(sdtctl genkey)
		printf "%s_KEY='%s'\n%s_PUB='%s'\n" "$name" "$key" "$name" "$(sdtctl pubkey <<<"$key")"
	done
	printf "PSK='%s'\nOTHER_PSK='%s'\n" "$(sdtctl genpsk)" "$(sdtctl genpsk)"
}
[ -s /run/sdt-keys ] || (umask 077 && _make_keys >/run/sdt-keys)
# shellcheck source=/dev/null
. /run/sdt-keys

declare -A _stat
# For words that must be heard wherever they are said.
exec {_out}>&1

# on NODE: sdtctl verbs from standard input, one a line, all in one program start.
on() { sdtctl -n "$1" -b -; }

# refused NODE VERB...: succeeds if the kernel or the tool refuses, in one line, with exit code 1 or 2.
refused() {
	local node=$1 text code=0
	shift
	text=$(sdtctl -n "$node" "$@" 2>&1) || code=$?
	printf '%s\n' "exit $code: $text"
	[ "$code" -eq 1 ] || [ "$code" -eq 2 ] || return 1
	[ -n "$text" ] && [[ $text != *$'\n'* ]]
}

# nodes [PARAMETER=VALUE...]: module with these parameters, namespaces, keys; both nodes listen on port 7380.
nodes() {
	local name
	modprobe sdt "$@"
	[ -e /run/netns/alice ] || topo
	(
		umask 077
		for name in LOCAL_KEY REMOTE_KEY STRANGER_KEY PSK OTHER_PSK; do
			echo "${!name}" >"/tmp/$name"
		done
	)
	node_local
	node_remote
}

node_local() { on local <<<'set-node private-key @/tmp/LOCAL_KEY listen :7380'; }
node_remote() { on remote <<<'set-node private-key @/tmp/REMOTE_KEY listen :7380'; }

# link [WORD...]: the link "l" on both nodes. Local is told where remote is, and calls at once: so remote comes first.
link() {
	on remote <<<"add-link l peer-key $LOCAL_PUB $*"
	on local <<<"add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380 $*"
}

# link_up NODE...: their links are up, in time.
link_up() {
	local node
	for node in "$@"; do await 10 _link_is_up "$node" || bail "$node: the link does not come up"; done
}

_link_is_up() { [[ $(sdtctl -n "$1" show links) = *'state up'* ]]; }

# tunnel NAME NUMBER [WORD...]: server mode from 10.1.0.2:5000+NUMBER to 10.3.0.2:5300; the words are for the proxy side.
tunnel() {
	local name=$1 id=$2
	shift 2
	on local <<<"add-tunnel $name link l id $id mode server listen 10.1.0.2:$((5000 + id)) $*"
	on remote <<<"add-tunnel $name link l id $id mode server target 10.3.0.2:5300"
}

# traffic NAME ROLE...: one test: sdtload does this and is content.
traffic() { check "$1" sdtload "${@:2}"; }

# counters NODE...: read all counters of these nodes anew, for value.
counters() {
	local node object word name
	_stat=()
	for node in "$@"; do
		object=node
		# From a file: of a pipe, bash reads byte by byte.
		sdtctl -n "$node" stats --all >/tmp/.counters
		while read -r word name; do
			case $word in
			node) object=node ;;
			link | tunnel) object=$name ;;
			*) _stat[$node.$object.$word]=$name ;;
			esac
		done </tmp/.counters
	done
}

# value NODE.OBJECT.COUNTER: as counters found it; OBJECT is node, or the name of a link or tunnel. A counter that does
# not exist ends the scenario: comparing it with zero would always succeed.
value() {
	[ -n "${_stat[$1]+set}" ] || {
		echo "# there is no counter $1" >&"$_out"
		kill -TERM $$
		return 1
	}
	echo "${_stat[$1]}"
}

# check_counters NAME 'NODE.OBJECT.COUNTER OPERATOR NUMBER'...: one test for all of them; reads the counters of the nodes
# that occur, anew, until all hold or three seconds are over. NUMBER may be another counter.
check_counters() {
	local name=$1
	shift
	if await 3 _counters_hold "$@"; then
		ok "$name"
	else
		not_ok "$name" "$(_counters_hold "$@")"
	fi
}

_counters_hold() {
	local line left operator right nodes=' ' node bad=0
	for line in "$@"; do
		node=${line%%.*}
		[[ $nodes = *" $node "* ]] || nodes+="$node "
	done
	# shellcheck disable=SC2086 # names, one a word
	counters $nodes
	for line in "$@"; do
		read -r left operator right <<<"$line"
		_number "$left"
		left=$REPLY
		_number "$right"
		if ! _compare "$left" "$operator" "$REPLY"; then
			echo "$line: it is $left"
			bad=1
		fi
	done
	return "$bad"
}

_compare() {
	case $2 in
	'==') [ "$1" -eq "$3" ] ;;
	'>=') [ "$1" -ge "$3" ] ;;
	'<=') [ "$1" -le "$3" ] ;;
	'>') [ "$1" -gt "$3" ] ;;
	*) bail "what is $2?" ;;
	esac
}

# In REPLY: a number, a counter, or a sum of them.
_number() {
	local part sum=0
	for part in ${1//+/ }; do
		case $part in
		[0-9]*) sum=$((sum + part)) ;;
		*) sum=$((sum + $(value "$part"))) ;;
		esac
	done
	REPLY=$sum
}

# show NODE WHAT FILTER: jq's answer about the list that `sdtctl show WHAT` prints.
show() { sdtctl -n "$1" -j show "$2" | jq -r "$3"; }

# monitor NODE: events of NODE go to /tmp/monitor.NODE from now on.
monitor() {
	background "$1" sh -c "exec sdtctl monitor >/tmp/monitor.$1"
	await 5 _subscribed $! || bail "no monitor on $1"
}

# Its netlink socket is in a group already.
_subscribed() {
	local line
	while read -r -a line; do
		# Eth 16 is generic netlink; then the port, which is the process, and the groups.
		if [ "${line[1]}" = 16 ] && [ "${line[2]}" = "$1" ] && [ "$((16#${line[3]}))" -ne 0 ]; then return 0; fi
	done <"/proc/$1/net/netlink"
	return 1
}

# heard NODE PATTERN [TIMES]: the monitor of NODE told of it so often, in time.
heard() { await 3 _heard "$@"; }

_heard() { [ "$(grep -cE -- "$2" "/tmp/monitor.$1")" -ge "${3:-1}" ]; }

# verdicts NAME COMMAND...: the lines "ok TEXT" and "not ok TEXT" of a program become tests, and one more is that it came to
# its line "end".
verdicts() {
	local line ended=''
	while IFS= read -r line; do
		case $line in
		'ok '*) ok "$1: ${line#ok }" ;;
		'not ok '*) not_ok "$1: ${line#not ok }" ;;
		end) ended=yes ;;
		*) note "$line" ;;
		esac
	done < <("${@:2}" 2>&1)
	check_equal "$1: all of them were tried" yes "$ended"
}
