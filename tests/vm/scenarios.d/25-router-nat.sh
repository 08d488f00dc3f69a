#!/bin/bash
# programs: pkg:coturn pkg:tftpd-hpa pkg:tftp-hpa
# packages: coturn tftpd-hpa tftp-hpa
# files: tests/vm/helpers/sdt.sh
# timeout: 150
# once: 6.12
#
# Router mode as the NAT that it is, RFC 4787: endpoint-independent mapping, each filter, hairpin, timeouts. What coturn's
# natdiscovery finds, and TFTP, whose answers come from another port than the one that was asked.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

# Protocol times are a tenth of what they are.
nodes test_time_div=10
link
link_up local remote
ip -n bob -batch - <<'END'
addr add 10.3.0.3/24 dev to-remote
END
ip -n alice -batch - <<'END'
addr add 10.1.0.11/24 dev to-local
route add default via 10.1.0.2
END
on remote <<'END'
add-tunnel r link l id 1 mode router role server allow 10.3.0.0/24
END
on local <<'END'
add-tunnel r link l id 1 mode router listen :5000
END
sdtctl -n local capture r install in to-alice

# filter KIND: on both nodes, live.
filter() {
	on remote <<<"set-tunnel r filter $1"
	on local <<<"set-tunnel r filter $1"
}

# --- coturn on two addresses tells the class

background bob turnserver -n --no-auth --no-cli --no-tls --no-dtls --no-tcp -L 10.3.0.2 -L 10.3.0.3 --rfc5780 \
	--pidfile /tmp/turn.pid --userdb /tmp/turn.db --log-file stdout --simple-log
check 'coturn listens' await 20 listening bob udp 3478
# discover KIND MAPPING FILTERING: with this filter.
discover() {
	filter "$1"
	at alice turnutils_natdiscovery -m -f -p 3478 -A 10.3.0.3 10.3.0.2 >/tmp/discovery 2>&1 || true
	cat /tmp/discovery
	grep -q "NAT with $2!" /tmp/discovery && grep -q "NAT with $3!" /tmp/discovery
}
check 'filter address-port: endpoint-independent mapping, address and port dependent filtering' \
	discover address-port 'Endpoint Independent Mapping' 'Address and Port Dependent Filtering'
check 'filter address: endpoint-independent mapping, address dependent filtering' \
	discover address 'Endpoint Independent Mapping' 'Address Dependent Filtering'
check 'filter none: endpoint-independent mapping and filtering' \
	discover none 'Endpoint Independent Mapping' 'Endpoint Independent Filtering'

# --- TFTP: the answer is from a new port

mkdir /tmp/tftp
head -c 20000 /dev/urandom >/tmp/tftp/file
background bob in.tftpd --listen --foreground --address 10.3.0.2:69 --user root --secure /tmp/tftp
check 'tftpd listens' await 10 listening bob udp 69
fetch() {
	filter "$1"
	rm -f /tmp/fetched
	at alice tftp -m binary -R "$2" 10.3.0.2 -c get file /tmp/fetched >/tmp/tftp.log 2>&1 || true
	cmp -s /tmp/fetched /tmp/tftp/file
}
check 'filter address: TFTP works' fetch address 7100:7101
