#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/peer
# timeout: 300
#
# What is on the link: sizes as computed, nothing readable; and what happens to recorded, altered, truncated, forged and
# random messages: each is dropped and counted under its own reason. Who has not the keys does not get in.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
on remote <<END
add-link l peer-key $LOCAL_PUB
add-tunnel t link l id 0 mode server target 10.3.0.2:5300
add-tunnel numbered link l id 1 mode server target 10.3.0.2:5300
add-tunnel direct link l id 2 mode direct listen 10.3.0.1:6002 customer 10.3.0.2:8002
END
tunnels='add-tunnel t link l id 0 mode server listen 10.1.0.2:5000
add-tunnel numbered link l id 1 mode server listen 10.1.0.2:5001
add-tunnel direct link l id 2 mode direct listen 10.1.0.2:5002 customer 10.1.0.1:7002'
# For the tap, which has to listen before the first message passes.
cat >/tmp/setup.local <<END
add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380
$tunnels
END

verdicts wire at local python3 -m peer.tap attack "$(base64 -d <<<"$REMOTE_PUB" | od -An -v -tx1 | tr -d ' \n')"

# locked_out NAME COUNTER SETUP: local, set up so, does not get in, and the counter, of remote or of the new link, tells why.
locked_out() {
	local name=$1 counter=$2 before=0
	counters remote local
	if [[ $counter = remote.* ]]; then before=$(value "$counter"); fi
	on local <<<$'del-tunnel t\ndel-tunnel numbered\ndel-tunnel direct\ndel-link l\n'"$3"$'\n'"$tunnels"
	traffic "$name: nothing passes" sink --ns bob --bind 10.3.0.2:5300 --expect received=0 -- \
		send --ns alice --to 10.1.0.2:5000 --count 3
	check_counters "$name: counted" "$counter > $before"
	check_equal "$name: no session" 0 "$(counters local && value local.l.keypairs)"
}

locked_out 'a stranger' remote.node.hs-peer "set-node private-key @/tmp/STRANGER_KEY
add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380"
locked_out 'a wrong PSK' local.l.hs-invalid "set-node private-key @/tmp/LOCAL_KEY
add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380 psk @/tmp/OTHER_PSK"
locked_out 'another cipher' remote.l.hs-cipher "add-link l peer-key $REMOTE_PUB peer 10.2.0.2:7380 cipher chacha20-poly1305"
locked_out 'a peer with another key' remote.node.hs-mac1 "add-link l peer-key $STRANGER_PUB peer 10.2.0.2:7380"
