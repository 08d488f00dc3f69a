#!/bin/bash
# programs: unbound dnsperf openssl
# packages: unbound dnsperf openssl
# files: tests/vm/helpers/sdt.sh
# timeout: 300
#
# Programs that nobody here wrote: a DNS server under load from 64 sockets, and a DTLS session.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
link
tunnel dns 0
on local <<<'add-tunnel dtls link l id 1 mode server listen 10.1.0.2:5001'
on remote <<<'add-tunnel dtls link l id 1 mode server target 10.3.0.2:4433'

cat >/tmp/unbound.conf <<'END'
server:
	username: ""
	chroot: ""
	directory: "/tmp"
	pidfile: ""
	use-syslog: no
	interface: 10.3.0.2@5300
	access-control: 0.0.0.0/0 allow
	do-not-query-localhost: no
	so-rcvbuf: 0
	local-zone: "test." static
	local-data: "one.test. A 192.0.2.1"
	local-data: "two.test. A 192.0.2.2"
	module-config: "iterator"
remote-control:
	control-enable: no
END
printf 'one.test A\ntwo.test A\n' >/tmp/queries
background bob unbound -d -c /tmp/unbound.conf
# It listens some time before it answers.
answers() { at bob dnsperf -s 10.3.0.2 -p 5300 -d /tmp/queries -n 1 -t 1 | grep -c 'NOERROR 2 '; }
check 'unbound answers' await 60 answers
perf() {
	at alice dnsperf -s 10.1.0.2 -p 5000 -d /tmp/queries -c 64 -T 1 -q 64 -n 1000 >/tmp/perf 2>&1 || return 1
	cat /tmp/perf
	grep -Eq 'Queries completed: +2000 ' /tmp/perf && grep -Eq 'Queries lost: +0 ' /tmp/perf &&
		grep -Eq 'NOERROR 2000' /tmp/perf
}
check 'dnsperf: 2,000 queries from 64 sockets, none lost' perf
check_counters 'dnsperf: a channel each' 'remote.dns.channels-opened == 64'

psk=000102030405060708090a0b0c0d0e0f
# What is written to these, server and client send. Opened for both, so that they never end.
mkfifo /tmp/to-client /tmp/to-server
background bob sh -c "exec openssl s_server -dtls1_2 -nocert -psk $psk -accept 10.3.0.2:4433 <>/tmp/to-client >/tmp/server"
check 'openssl s_server listens' await 10 listening bob udp 4433
background alice sh -c "exec openssl s_client -dtls1_2 -psk $psk -connect 10.1.0.2:5001 <>/tmp/to-server >/tmp/client"
check 'DTLS: the handshake is done' await 20 grep -q 'Extended master secret' /tmp/client
echo 'from client to server' >/tmp/to-server
check 'DTLS: data to the server' await 10 grep -q 'from client to server' /tmp/server
echo 'from server to client' >/tmp/to-client
check 'DTLS: data to the client' await 10 grep -q 'from server to client' /tmp/client
check_counters 'DTLS: one channel' 'remote.dtls.channels-opened == 1'
