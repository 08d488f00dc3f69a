#!/bin/bash
# In the guest: requests (nlfuzz.py), then datagrams (pktfuzz.py), right and wrong, for SDT_SECONDS each, in an order that
# SDT_SEED decides. A link beside them works all the while, and in the end all is as before. That the kernel has nothing
# to complain about, the test bed looks after.

# shellcheck source=../vm/lib.sh
. /t/lib.sh
# shellcheck source=../vm/helpers/sdt.sh
. /t/sdt.sh
# shellcheck source=../vm/helpers/left.sh
. /t/left.sh

LENGTH=${SDT_SECONDS:-30}
SEED=${SDT_SEED:-1}

works() {
	traffic "$1" echo --ns bob --bind 10.3.0.2:5300 -- client --ns alice --to 10.1.0.2:5000 --sockets 4 --count 200 --window 8 \
		--size 0-1400 --stall 5000
	if [ "$_failed" -gt 0 ]; then note "$(sdtctl -n local stats; sdtctl -n remote stats)"; fi
}

# clear NODE: everything that there is goes, by its name.
clear() {
	local name
	for name in $(show "$1" tunnels '.[].name'); do echo "del-tunnel $name"; done >/tmp/clear
	for name in $(show "$1" links '.[].name'); do echo "del-link $name"; done >>/tmp/clear
	on "$1" </tmp/clear
}

nodes test_time_div=10
before=$(udp_sockets local remote)
link cipher chacha20-poly1305
tunnel t 0
link_up local remote
works 'a link works'

# --- requests, to a node of their own

ip netns add fuzz
_namespaces+=(fuzz)
ip -n fuzz -batch - <<'END'
link set lo up
link add dummy0 type dummy
link set dummy0 up
addr add 10.9.0.1/24 dev dummy0
addr add 10.9.0.2/24 dev dummy0
route add default via 10.9.0.9
END
code=0
at fuzz python3 /t/nlfuzz.py run /t/family.json "$SEED" "$LENGTH" >/tmp/fuzz.requests 2>&1 || code=$?
check_equal 'requests, right and wrong' 0 "$code"
note "$(</tmp/fuzz.requests)"
clear fuzz
check_equal 'what they made can be deleted' '0 0' "$(show fuzz links length) $(show fuzz tunnels length)"
on fuzz <<<'set-node listen :7380'
works 'the link works after that'

# --- datagrams

on remote <<END
add-link m peer-key $STRANGER_PUB cipher chacha20-poly1305
add-tunnel router link m id 1 mode router role server allow 10.3.0.0/24
add-tunnel server link m id 2 mode server target 10.3.0.2:5300
add-tunnel stream link m id 3 mode stream target 10.3.0.2:5301
add-tunnel direct link m id 4 mode direct listen 10.3.0.1:6004 customer 10.3.0.2:8004
add-tunnel back link m id 5 mode server listen 10.3.0.1:6005
add-tunnel proxied link m id 6 mode server target 10.3.0.2:5300 client-address proxy-v2 client-allow 10.1.0.0/16
END
on local <<'END'
add-tunnel stream link l id 7 mode stream listen 10.1.0.2:5001
add-tunnel direct link l id 8 mode direct listen 10.1.0.2:5002 customer 10.1.0.1:20001
add-tunnel router link l id 9 mode router listen :5003
END
background bob sdtload echo --bind 10.3.0.2:5300
background bob sdtload send --to 10.3.0.1:6005 --sockets 4 --count 1000000 --rate 50
background alice sdtload send --to 10.1.0.2:5000 --sockets 64 --count 1000000 --rate 100
fuzzers=()
nsenter --net=/run/netns/local -- python3 /t/pktfuzz.py link "$SEED" "$LENGTH" /tmp/STRANGER_KEY "$REMOTE_PUB" >/tmp/fuzz.link 2>&1 &
fuzzers+=($!)
nsenter --net=/run/netns/alice -- python3 /t/pktfuzz.py customers "$SEED" "$LENGTH" >/tmp/fuzz.customers 2>&1 &
fuzzers+=($!)
nsenter --net=/run/netns/bob -- python3 /t/pktfuzz.py targets "$SEED" "$LENGTH" >/tmp/fuzz.targets 2>&1 &
fuzzers+=($!)
code=0
for pid in "${fuzzers[@]}"; do wait "$pid" || code=$?; done
check_equal 'datagrams, right and wrong' 0 "$code"
note "$(cat /tmp/fuzz.link /tmp/fuzz.customers /tmp/fuzz.targets)"
# They got where they were to go.
check_counters 'they were read: frames' 'remote.m.rx-messages >= 100' 'remote.m.rx-frame >= 1' 'remote.m.rx-control >= 1' \
	'remote.m.rx-tunnel >= 1' 'remote.m.rx-op >= 1' 'remote.m.rx-tag >= 1'
check_counters 'and messages' 'remote.node.rx-index >= 1' 'remote.node.rx-type >= 1' 'remote.node.rx-truncated >= 1' \
	'remote.node.hs-mac1 >= 1'
check_counters 'and ICMP errors' 'remote.t.in-icmp+remote.server.in-icmp+remote.router.in-icmp >= 1'
end_background
nobody_listens() { ! listening bob udp 5300; }
await 10 nobody_listens || bail 'the targets end'
works 'the link works after that, too'

for node in local remote; do clear "$node"; done
sockets_same() { [ "$(udp_sockets local remote)" = "$before" ]; }
check 'sockets are as many as before' await 20 sockets_same
check_no_module_objects 'the caches of the module are empty' 20
check 'the module goes' rmmod sdt
