#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/vm/helpers/rawnl.py
# once: 6.1
# timeout: 300
#
# The control side: the shortest way to a tunnel, all or nothing, JSON, dumps of any size and while things change,
# permissions, events, and requests that no sane tool would send.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

tool() { sdtctl -n local "$@"; }
# The sentence for a refusal with exit code 2.
sentence() {
	local text code=0
	text=$(tool "$@" 2>&1) || code=$?
	[ "$code" -eq 2 ] || text="exit $code: $text"
	echo "$text"
}
says() { check "$1" grep -qE -- "$2" <<<"$(sentence "${@:3}")"; }
nobody() { nsenter --net=/run/netns/local -- setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }

modprobe sdt
topo
umask 077
mkdir -p /etc/sdt
rm -f /etc/sdt/node.key
for name in LOCAL_KEY REMOTE_KEY STRANGER_KEY PSK; do echo "${!name}" >"/tmp/$name"; done

# --- the shortest way

check 'without any key the answer says what to do' \
	grep -q '/etc/sdt/node.key.*genkey' <<<"$(tool add-link l peer-key "$REMOTE_PUB" 2>&1)"
echo "$LOCAL_KEY" >/etc/sdt/node.key
check 'add-tunnel alone makes link and tunnel' \
	tool add-tunnel t link l mode server listen 10.1.0.2:5000 peer-key "$REMOTE_PUB" peer 10.2.0.2:7380 psk @/tmp/PSK
check_equal 'the node took the key of the installation' "$LOCAL_PUB" "$(show local node '."public-key"')"
node_remote
on remote <<<"add-tunnel t link l mode server target 10.3.0.2:5300 peer-key $LOCAL_PUB psk @/tmp/PSK"
traffic 'and carries datagrams' echo --ns bob --bind 10.3.0.2:5300 -- client --ns alice --to 10.1.0.2:5000 --count 5

# --- what is refused, and that nothing is left of it

says 'a tunnel name twice' "'t'.*exists" add-tunnel t link l id 1 mode server listen 10.1.0.2:6000
says 'a link name twice' "'l'.*exists" add-link l peer-key "$STRANGER_PUB"
says 'a link that is there already, with attributes' "'l'.*exists" \
	add-tunnel x link l id 1 mode server listen 10.1.0.2:6000 peer-key "$STRANGER_PUB"
says 'a link that is not there' "link 'm'" add-tunnel x link m mode server listen 10.1.0.2:6000
says 'more channels than egress ports' 'max-channels' add-tunnel x link l id 1 mode server target 10.1.0.1:1 max-channels 100000
says 'a link in use' 'delete them first' del-link l
says 'a tunnel that is not there' "'x'" del-tunnel x
says 'channels of a tunnel that is not there' "'x'" show channels x
says 'counters of what is not there' "'x'" stats x
before=$(show local links length)
says 'a new link whose tunnel cannot be' 'listen' \
	add-tunnel x link m mode server listen 10.9.9.9:6000 peer-key "$STRANGER_PUB"
check_equal 'leaves no link behind' "$before" "$(show local links length)"
check 'and its name and key are free' tool add-link m peer-key "$STRANGER_PUB"
check 'del-link' tool del-link m

# --- JSON

check 'show is an object of node, links and tunnels' jq -e '
	(.node | .abi == 1 and (.listen | type == "string") and .links == 1 and .tunnels == 1) and
	(.links[0] | .name == "l" and .state == "up" and (."peer-key" | length == 44) and (."handshake-age" | type == "number") and
		.roam == true and .cipher == "aes-gcm" and (.lane[0] | .index == 0 and (."local-port" | type == "number"))) and
	(.tunnels[0] | .name == "t" and .link == "l" and .id == 0 and .mode == "server" and .role == "proxy" and
		.listen == "10.1.0.2:5000" and ."max-channels" > 0 and ."in-datagrams" == 5)' <<<"$(tool -j show)"
check 'channels are a list' jq -e 'length == 1 and (.[0] | .tunnel == "t" and .id == 0 and (.customer | startswith("10.1.0.1:")) and
	.local == "10.1.0.2:5000" and ."in-datagrams" == 5 and ."out-datagrams" == 5)' <<<"$(tool -j show channels t)"
check 'counters are named' jq -e 'map(select(.tunnel == "t"))[0].counters."in-datagrams" == 5' <<<"$(tool -j stats)"
check 'all counters of all kinds are told' jq -e '(map(.counters | length) | add) >= 88' <<<"$(tool -j stats --all)"
check 'every counter is explained' jq -e 'all(.[]; (.counters | keys) == (.explain | keys))' <<<"$(tool -j stats --all --explain)"
check_equal 'text and JSON use the same names' "$(tool -j show links l | jq -r '.[0] | keys[] | select(. != "name")' | sort)" \
	"$(tool show links l | sed -n 's/^  \([a-z-]*\) .*/\1/p' | sort -u)"
for key in "$LOCAL_KEY" "$PSK"; do
	check_not 'no secret is shown' grep -qF "$key" <<<"$(tool -j show; tool show; tool stats --all)"
done

# --- who may do what

check 'anybody may look at links' nobody sdtctl show links
check 'anybody may look at counters' nobody sdtctl stats
for verb in 'show channels' monitor 'del-tunnel t' 'set-node fwmark 1'; do
	# shellcheck disable=SC2086 # words
	check_equal "nobody without rights may: $verb" 2 "$(nobody timeout 5 sdtctl $verb >/dev/null 2>&1; echo $?)"
done

# --- events

monitor local
tool set-tunnel t max-channels 1
traffic 'the limit is reached' echo --ns bob --bind 10.3.0.2:5300 -- \
	client --ns alice --to 10.1.0.2:5000 --sockets 4 --count 4 --window 4 --stall 400 --expect received=any --expect lost=any
check 'monitor tells of the limit' heard local '^channel-refused tunnel t .*reason tunnel-limit|^channel-refused link l tunnel t .*reason tunnel-limit'

# --- changes

check 'set-tunnel' tool set-tunnel t max-channels 2000 idle 60 at-limit evict-idle
check_equal 'is shown' '2000 60 evict-idle' "$(show local tunnels '.[0] | "\(."max-channels") \(.idle) \(."at-limit")"')"
check 'set-link' tool set-link l keepalive 7 pad 16 dscp copy roam off
check_equal 'is shown, too' '7 16 copy false' "$(show local links '.[0] | "\(.keepalive) \(.pad) \(.dscp) \(.roam)"')"

# --- many

{ for i in {1..1000}; do echo "add-tunnel many$i link l id $i mode server target 10.1.0.1:$i max-channels 1 egress-ports 40000-40000"; done; } >/tmp/many
check 'a thousand tunnels' tool -b /tmp/many
check_equal 'a dump shows each of them, once' '1001 1001' "$(show local tunnels '"\(length) \(map(.name) | unique | length)"')"
check_equal 'their counters as well' 1003 "$(tool -j stats | jq length)"
sed 's/^add-tunnel \(many[0-9]*\) .*/del-tunnel \1/' /tmp/many >/tmp/fewer
tool -b /tmp/fewer &
bad=0 rounds=0
while kill -0 $! 2>/dev/null; do
	rounds=$((rounds + 1))
	# Each once, the first always, however the rest goes away meanwhile.
	show local tunnels '[.[].name] | length == (unique | length) and index("t") != null' 2>/dev/null | grep -q true || bad=$((bad + 1))
done
wait $! || bad=$((bad + 1))
check 'dumps while tunnels go away' test "$bad" -eq 0 -a "$rounds" -gt 0
check_equal 'they are gone' 1 "$(show local tunnels length)"

# --- what no sane tool would send

check 'malformed requests are refused, each with a sentence' nsenter --net=/run/netns/local -- python3 /t/rawnl.py
check_equal 'nothing of it came into being' '1 1' "$(tool -j show | jq -r '"\(.links | length) \(.tunnels | length)"')"

check 'version agrees' tool version
