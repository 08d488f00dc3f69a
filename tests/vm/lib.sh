# shellcheck shell=bash
# What scenarios in a guest share. First line of a scenario after its header:
#
#   . /t/lib.sh
#
# Reporting is KTAP. The plan is printed at the end unless `plan` said it before; the exit code is 0 only if at least
# one test ran, none failed, the plan was kept and the script came to its end.

set -euo pipefail

_count=0 _failed=0 _planned='' _namespaces=() _background=()

# A pipe that nobody writes to: reading it with a timeout is a pause that starts no program.
exec {_tick}<> <(:)

echo 'KTAP version 1'

# --- reporting

# plan N: say beforehand how many tests there are, so that a script that ends too early is noticed.
plan() {
	_planned=$1
	echo "1..$1"
}

ok() { echo "ok $((++_count)) $1"; }

# not_ok NAME [REASON...]
not_ok() {
	echo "not ok $((++_count)) $1"
	_failed=$((_failed + 1))
	shift
	[ $# -eq 0 ] || note "$@"
}

# skip NAME REASON
skip() { echo "ok $((++_count)) $1 # SKIP ${2:-}"; }

# skip_all REASON: this whole scenario cannot run here.
skip_all() {
	_count=0 _failed=0
	echo "1..0 # SKIP $1"
	_finish
	trap - EXIT
	exit 4
}

# note TEXT...: for the reader of the results.
note() {
	local text=$*
	printf '# %s\n' "${text//$'\n'/$'\n'# }"
}

# bail TEXT: something that no test is about went wrong, and nothing after it would make sense.
bail() {
	not_ok "$1"
	exit 1
}

# check NAME COMMAND...: ok if the command succeeds; otherwise what it printed is shown.
check() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" "$* failed ($?)${output:+: $output}"
	fi
}

# check_not NAME COMMAND...: ok if the command fails.
check_not() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		not_ok "$name" "$* succeeded${output:+: $output}"
	else
		ok "$name"
	fi
}

# check_equal NAME WANTED FOUND
check_equal() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "wanted: $2" $'\n'"found:  $3"
	fi
}

# --- waiting

# await SECONDS COMMAND...: until the command succeeds; fails if it does not in time. The only way to wait: a scenario
# that sleeps for "long enough" is either slow or unreliable.
await() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
		read -r -t 0.05 -u "$_tick" || true
	done
}

# listening NAMESPACE udp|tcp PORT: a condition for await.
listening() {
	local flag=-Hlun
	[ "$2" = udp ] || flag=-Hltn
	[ -n "$(at "$1" ss "$flag" "sport = :$3")" ]
}

# --- namespaces

# at NAMESPACE COMMAND...
at() {
	local namespace=$1
	shift
	nsenter --net="/run/netns/$namespace" -- "$@"
}

# background NAMESPACE COMMAND...: started now, killed at the end of the scenario; its process is $!. What it prints
# is in /tmp/NAMESPACE-PROGRAM.log.
background() {
	local namespace=$1
	shift
	nsenter --net="/run/netns/$namespace" -- "$@" >>"/tmp/$namespace-${1##*/}.log" 2>&1 </dev/null &
	_background+=($!)
}

# topo [NAME...]: namespaces in a row, each joined to the next. Without names:
#
#     alice ---------------- local ---------------- remote ---------------- bob
#           .1  10.1.0.0/24  .2  .1  10.2.0.0/24   .2  .1   10.3.0.0/24   .2
#           ::1 fd01::/64   ::2  ::1 fd02::/64     ::2 ::1  fd03::/64     ::2
#
# A device is called to-NAME after the neighbour that it leads to. There are no routes but to neighbours, and nobody
# forwards.
topo() {
	local -a names=("$@")
	local i left right
	local -A batch=()
	[ $# -gt 0 ] || names=(alice local remote bob)
	for left in "${names[@]}"; do
		batch[$left]=$'link set lo up\n'
	done
	{
		printf 'netns add %s\n' "${names[@]}"
		for ((i = 1; i < ${#names[@]}; i++)); do
			left=${names[i - 1]} right=${names[i]}
			printf 'link add to-%s address 02:00:00:00:%02x:01 netns %s type veth peer name to-%s address 02:00:00:00:%02x:02 netns %s\n' \
				"$right" "$i" "$left" "$left" "$i" "$right"
		done
	} | ip -batch -
	_namespaces+=("${names[@]}")
	for ((i = 1; i < ${#names[@]}; i++)); do
		left=${names[i - 1]} right=${names[i]}
		batch[$left]+=$(_end "to-$right" "$i" 1)$'\n'
		batch[$right]+=$(_end "to-$left" "$i" 2)$'\n'
	done
	for left in "${names[@]}"; do
		ip -n "$left" -batch - <<<"${batch[$left]}"
	done
}

_end() {
	printf 'link set %s up\naddr add 10.%d.0.%d/24 dev %s\naddr add fd%02x::%d/64 dev %s nodad\n' "$1" "$2" "$3" "$1" "$2" "$3" "$1"
}

# cable PAIR LEFT RIGHT: the first or a later pair (0, 1, ...) of the guest's own network cards (`# nics:`), one end in
# each of two namespaces: eth0 in LEFT with eth1 in RIGHT, and so on. Unlike veth these take nothing that is not ready
# for the wire.
cable() {
	local left=eth$((2 * $1)) right=eth$((2 * $1 + 1))
	ip link set "$left" netns "$2"
	ip link set "$right" netns "$3"
	ip -n "$2" link set "$left" up
	ip -n "$3" link set "$right" up
}

# --- the end

# end_background: everything that background started ends now.
end_background() {
	local pid
	for pid in ${_background[@]+"${_background[@]}"}; do
		kill "$pid" 2>/dev/null || true
	done
	for pid in ${_background[@]+"${_background[@]}"}; do
		await 3 _gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	_background=()
}

# Everything that a scenario started or made goes before it ends, so that the next one finds the guest as this one did.
_finish() {
	local name
	end_background
	if [ ${#_namespaces[@]} -gt 0 ]; then
		for name in "${_namespaces[@]}"; do
			[ ! -e "/run/netns/$name" ] || echo "netns del $name"
		done | ip -batch -
	fi
}

_gone() {
	local line
	# A zombie has ended, too.
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
	line=${line##*) }
	[ "${line%% *}" = Z ]
}

_end_of_scenario() {
	local code=$?
	trap - EXIT
	set +e
	_finish
	if [ "$code" -ne 0 ] && [ "$_failed" -eq 0 ]; then
		not_ok 'the scenario comes to its end' "it exited with $code"
	fi
	if [ -z "$_planned" ]; then
		echo "1..$_count"
	elif [ "$_planned" -ne "$_count" ]; then
		note "$_planned tests were planned, $_count ran"
		code=1
	fi
	if [ "$_count" -eq 0 ] || [ "$_failed" -gt 0 ]; then code=1; fi
	# A bare `exit` in a trap would be the exit code of before.
	exit "$code"
}

trap _end_of_scenario EXIT
trap 'exit 143' TERM
