#!/bin/bash
# programs: openssl openvpn iperf sockperf
# packages: openssl openvpn iperf sockperf
# files: tests/vm/helpers/sdt.sh
# once: 6.12
# timeout: 300
#
# More programs that nobody here wrote: a DTLS session and a VPN between two fixed ends, in direct mode; and, in server
# mode, two that measure, and so notice what is lost, repeated or out of order.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
link
tunnel measured 0
# Far end's port 8000 + N, this end's 7000 + N.
direct() {
	on local <<<"add-tunnel $1 link l id $2 mode direct listen 10.1.0.2:500$2 customer 10.1.0.1:700$2"
	on remote <<<"add-tunnel $1 link l id $2 mode direct listen 10.3.0.1:600$2 customer 10.3.0.2:800$2"
}
direct dtls 1
direct vpn 2
link_up local remote

psk=000102030405060708090a0b0c0d0e0f
mkfifo /tmp/to-client /tmp/to-server
background bob sh -c "exec openssl s_server -dtls1_2 -nocert -psk $psk -accept 10.3.0.2:8001 <>/tmp/to-client >/tmp/server"
check 'openssl s_server listens' await 20 listening bob udp 8001
background alice sh -c "exec openssl s_client -dtls1_2 -psk $psk -bind 10.1.0.1:7001 -connect 10.1.0.2:5001 <>/tmp/to-server >/tmp/client"
check 'DTLS, direct: the handshake is done' await 30 grep -q 'Extended master secret' /tmp/client
echo 'from client to server' >/tmp/to-server
check 'DTLS, direct: data to the server' await 20 grep -q 'from client to server' /tmp/server
echo 'from server to client' >/tmp/to-client
check 'DTLS, direct: data to the client' await 20 grep -q 'from server to client' /tmp/client

modprobe tun 2>/dev/null || true
mkdir -p /dev/net
[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
openvpn --genkey secret /tmp/vpn.key >/dev/null
vpn() {
	background "$1" openvpn --dev tun0 --proto udp --local "$2" --lport "$3" --remote "$4" "$5" --ifconfig "$6" "$7" \
		--secret /tmp/vpn.key --cipher AES-256-CBC --ping 5 --verb 3
}
vpn alice 10.1.0.1 7002 10.1.0.2 5002 10.8.0.1 10.8.0.2
vpn bob 10.3.0.2 8002 10.3.0.1 6002 10.8.0.2 10.8.0.1
for ns in alice bob; do
	check "OpenVPN, $ns: initialization completed" await 40 grep -q 'Initialization Sequence Completed' "/tmp/$ns-openvpn.log"
done
check 'OpenVPN: packets inside it' at alice ping -q -c 5 -i 0.2 -W 5 -s 1000 10.8.0.2
check_counters 'OpenVPN: nothing was dropped' 'local.vpn.in-customer == 0' 'remote.vpn.in-customer == 0' \
	'local.vpn.in-datagrams >= 5' 'remote.vpn.in-datagrams >= 5'

background bob iperf -s -u -B 10.3.0.2 -p 5300
check 'iperf listens' await 20 listening bob udp 5300
at alice iperf -c 10.1.0.2 -u -p 5000 -P 4 -l 1200 -b 400K -n 60K >/tmp/iperf 2>&1 || true
# Its own first datagrams of parallel flows may get lost in the server, also without a tunnel: what it counts is not looked at.
check 'iperf: four flows, each with a report of the server' test "$(grep -c 'Server Report' /tmp/iperf)" -ge 4
check_counters 'iperf: a channel each, and nothing lost' 'remote.measured.channels-opened >= 4' \
	'local.measured.in-datagrams >= 200' 'remote.measured.out-datagrams == local.measured.in-datagrams'

on remote <<<'set-tunnel measured target 10.3.0.2:5400'
background bob sockperf sr -i 10.3.0.2 -p 5400 --no-rdtsc
check 'sockperf listens' await 20 listening bob udp 5400
at alice sockperf pp -i 10.1.0.2 -p 5000 -t 2 -m 200 --no-rdtsc >/tmp/sockperf 2>&1 || true
check 'sockperf: nothing dropped, repeated or out of order' \
	grep -qE 'dropped messages = 0; # duplicated messages = 0; # out-of-order messages = 0' /tmp/sockperf
check 'sockperf: percentiles' grep -q 'percentile 99.000' /tmp/sockperf
[ "$_failed" -eq 0 ] || note "$(tail -n 20 /tmp/iperf; tail -n 20 /tmp/sockperf; tail -n 20 /tmp/alice-openvpn.log)"
