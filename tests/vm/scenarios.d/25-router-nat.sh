#!/bin/bash
# programs: pkg:coturn pkg:tftpd-hpa pkg:tftp-hpa
# packages: coturn tftpd-hpa tftp-hpa
# files: tests/vm/helpers/sdt.sh
# timeout: 300
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

background bob turnserver -n --no-auth --no-cli --no-tls --no-dtls --no-tcp -L 10.3.0.2 -L 10.3.0.3 \
	--pidfile /tmp/turn.pid --userdb /tmp/turn.db --log-file stdout --simple-log
check 'coturn listens' await 20 listening bob udp 3478
# discover KIND MAPPING FILTERING: with this filter.
discover() {
	filter "$1"
	at alice turnutils_natdiscovery -m -f 10.3.0.2 >/tmp/discovery 2>&1 || true
	cat /tmp/discovery
	grep -q "NAT with $2!" /tmp/discovery && grep -q "NAT with $3!" /tmp/discovery
}
check 'filter address-port: endpoint-independent mapping, address and port dependent filtering' \
	discover address-port 'Endpoint Independent Mapping' 'Address and Port Dependent Filtering'
check 'filter address: endpoint-independent mapping, address dependent filtering' \
	discover address 'Endpoint Independent Mapping' 'Address Dependent Filtering'
check 'filter none: endpoint-independent mapping and filtering' \
	discover none 'Endpoint Independent Mapping' 'Endpoint Independent Filtering'

hairpins() {
	at alice turnutils_natdiscovery -H 10.3.0.2 >/tmp/discovery 2>&1 || true
	cat /tmp/discovery
	grep -q 'successful hairpinning' /tmp/discovery
}
check 'hairpinning works' hairpins
check_counters 'by the server, not by what is behind it' 'remote.r.hairpin >= 1'

# --- filters, with what the nodes count

# other_port NAME FILTER PORT: answers from another port of the address that was asked
other_port() {
	filter "$2"
	traffic "filter $2: answers from another port: $1" \
		echo --ns bob --bind 10.3.0.2:5300 --from-port 5400 -- \
		client --ns alice --bind "10.1.0.1:$3" --to 10.3.0.2:5300 --count 5 --window 5 --stall 300 --expect received=0 --expect lost=5
}
counters remote local
before=$(value remote.r.in-filter)
other_port 'they do not arrive' address-port 7200
check_counters 'and the server counts them' "remote.r.in-filter == $((before + 5))" 'local.r.out-filter == 0'
on remote <<<'set-tunnel r filter address'
traffic 'the narrower filter of the two holds' \
	echo --ns bob --bind 10.3.0.2:5300 --from-port 5400 -- \
	client --ns alice --bind 10.1.0.1:7201 --to 10.3.0.2:5300 --count 5 --window 5 --stall 300 --expect received=0 --expect lost=5
check_counters 'and the proxy counts it' 'local.r.out-filter == 5'

# --- hairpin: two customers of one NAT, by its outer addresses

counters remote
hairpins=$(value remote.r.hairpin)
filter address-port
# egress PORT: of the customer with this port, as the server has it
egress() {
	local id
	id=$(show local channels ".[] | select(.customer == \"10.1.0.1:$1\" or .customer == \"10.1.0.11:$1\") | .id")
	show remote channels ".[] | select(.id == $id) | .local"
}
# Each says something to bob, who does not answer, to have a mapping.
traffic 'two customers have mappings' send --ns alice --bind 10.1.0.1:7300 --to 10.3.0.2:9 --count 1 -- \
	send --ns alice --bind 10.1.0.11:7301 --to 10.3.0.2:9 --count 1
one=$(egress 7300) two=$(egress 7301)
note "their egress addresses are $one and $two"
traffic 'hairpin: filtered, as long as the other has not written' \
	sink --ns alice --bind 10.1.0.11:7301 --expect received=0 -- send --ns alice --bind 10.1.0.1:7300 --to "$two" --count 3
traffic 'the other writes, which is let pass, for the first one wrote to it' \
	sink --ns alice --bind 10.1.0.1:7300 --expect received=2 -- send --ns alice --bind 10.1.0.11:7301 --to "$one" --count 2
traffic 'hairpin: both ways, with the outer addresses as sources' \
	echo --ns alice --bind 10.1.0.11:7301 --expect received=20 --expect peers=1 -- \
	client --ns alice --bind 10.1.0.1:7300 --to "$two" --connect --count 20
check_counters 'hairpin is counted' "remote.r.hairpin == $((hairpins + 42))" 'remote.r.out-policy == 0'

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
check_not 'filter address-port: it does not' fetch address-port 7110:7111

# Its children would go on asking for a while, and do not end when told to.
pkill -KILL -x in.tftpd

# --- a mapping ends, and its port rests

on remote <<<'set-tunnel r idle 10'
ended() { [ -z "$(show remote channels '.[].id')" ]; }
check 'idle mappings end' await 10 ended
traffic 'to what was a mapping: nothing arrives' \
	sink --ns alice --bind 10.1.0.11:7301 --expect received=0 -- send --ns alice --bind 10.1.0.1:7300 --to "$two" --count 3
check_counters 'it is an address of the server like others' 'remote.r.out-policy == 3' 'local.r.refused-by-peer >= 1'
