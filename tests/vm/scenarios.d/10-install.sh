#!/bin/bash
# files: README.md tools/node-key
# timeout: 300
#
# The README's set-up of two gateways, with its own commands, as printed there; then a datagram each way.

# shellcheck source=../lib.sh
. /t/lib.sh

# The world that the README speaks of. The far address of each device is in the README, the near one is free.
topo alice local remote bob
ip -n alice addr add 192.168.1.9/24 dev to-local
ip -n local addr add 192.168.1.1/24 dev to-alice
ip -n local addr add 203.0.113.1/24 dev to-remote
ip -n remote addr add 203.0.113.2/24 dev to-local
ip -n remote addr add 10.0.0.1/24 dev to-bob
ip -n bob addr add 10.0.0.53/24 dev to-remote

# Commands of the section "Two gateways", for both, local and remote: the indented lines after each of these words.
sed -n '/^## Two gateways/,/^## Modes/p' /t/README.md | awk '
	/\*\*both\*\*/ { who = "both" }
	/\*\*local\*\* gateway/ { who = "local" }
	/\*\*remote\*\* gateway/ { who = "remote" }
	/^    / && who { print substr($0, 5) >"/tmp/readme." who }'
for who in both local remote; do
	check "the README has commands for $who" test -s "/tmp/readme.$who"
	note "$(cat "/tmp/readme.$who")"
done

# Each node has an /etc/sdt of its own: ip netns exec puts /etc/netns/NAME over /etc.
mkdir -p /etc/sdt /etc/netns/local/sdt /etc/netns/remote/sdt
run_as() { ip netns exec "$1" bash -euo pipefail -c "$2"; }

for who in local remote; do
	# make install does this; what it installed besides is in place here already.
	check "$who: install makes a key" run_as "$who" '/t/node-key /usr/bin/sdtctl /etc/sdt'
	check_equal "$who: readable by root alone" '600 root' "$(stat -c '%a %U' "/etc/netns/$who/sdt/node.key")"
	# Building and installing is the test bed's; the rest is as printed.
	run_as "$who" "$(grep -vE '^(apt|make) ' /tmp/readme.both)" >"/tmp/$who.pub" || bail "$who: the commands for both"
	check_equal "$who: a public key is printed" 44 "$(tr -d '\n' <"/tmp/$who.pub" | wc -c)"
done
check 'modprobe has loaded the module' test -d /sys/module/sdt
cp /tmp/local.pub /etc/netns/remote/sdt/local.pub
cp /tmp/remote.pub /etc/netns/local/sdt/remote.pub

# shellcheck disable=SC2016 # for the shell that run_as starts
check 'a second install keeps the key' run_as local '
	before=$(cat /etc/sdt/node.key)
	/t/node-key /usr/bin/sdtctl /etc/sdt
	[ "$before" = "$(cat /etc/sdt/node.key)" ]'
check 'the commands for local' run_as local "$(cat /tmp/readme.local)"
check 'the commands for remote' run_as remote "$(cat /tmp/readme.remote)"
check 'a datagram each way' sdtload echo --ns bob --bind 10.0.0.53:53 --expect received=1 -- \
	client --ns alice --to 192.168.1.1:5300 --stall 20000
check 'the link is up' test "$(sdtctl -n local -j show links | jq -r '.[0].state')" = up
check 'tool and module agree' sdtctl version
check 'the module goes, with all that it serves' rmmod sdt
rm -rf /etc/netns /etc/sdt
