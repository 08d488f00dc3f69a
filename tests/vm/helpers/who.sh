# shellcheck shell=bash
# Targets that tell who wrote to them, and customers that ask: who.py from a scenario. After lib.sh:
#
#   . /t/who.sh
#
# One process for each of them, since every start of a program costs a tenth of a second and more.

declare -A _answers

# who_serves NAMESPACE ADDR:PORT...: a target; what it hears is in /tmp/heard.NAMESPACE.
who_serves() { background "$1" /t/who.py serve "/tmp/heard.$1" "${@:2}"; }

# customers NAMESPACE...: for told and tell.
customers() {
	local namespace fd
	for namespace in "$@"; do
		rm -f "/tmp/asks.$namespace" "/tmp/answers.$namespace"
		mkfifo "/tmp/asks.$namespace" "/tmp/answers.$namespace"
		background "$namespace" sh -c "exec /t/who.py customer 0<>/tmp/asks.$namespace 1<>/tmp/answers.$namespace"
		exec {fd}<>"/tmp/answers.$namespace"
		_answers[$namespace]=$fd
	done
}

# _customer NAMESPACE LINE: what it answers.
_customer() {
	local line
	echo "$2" >"/tmp/asks.$1"
	while IFS= read -r -t 60 -u "${_answers[$1]}" line && [ "$line" != . ]; do echo "$line"; done
}

# told NAME NAMESPACE FROM TO ANSWER...: one datagram each, t1, t2, and so on; what the target says of it, without the
# ports of the nodes.
told() {
	local name=$1 namespace=$2 from=$3 to=$4 i texts=''
	shift 4
	for ((i = 1; i <= $#; i++)); do texts+=" t$i"; done
	check_equal "$name" "$(printf '%s\n' "$@")" "$(_customer "$namespace" "ask $from $to$texts" |
		sed 's/^\(10\.3\.0\.1\|10\.1\.0\.2\|\[fd03::1\]\):[0-9]* /\1 /')"
}

# tell NAMESPACE FROM TO TEXT...: the same where no answer can come.
tell() { _customer "$1" "tell ${*:2}"; }
