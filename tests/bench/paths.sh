# shellcheck shell=bash
# Four ways from customers to a target, each in namespaces of its own, so that none carries what another one needs:
#
#     a-PATH 10.1.0.1 ---- 10.1.0.2 x-PATH 10.2.0.1 ---- 10.2.0.2 y-PATH 10.3.0.1 ---- 10.3.0.2 b-PATH
#
#     plain    x and y forward, and that is all
#     wg       wireguard-nft: WireGuard between x and y; x turns what customers write to it towards the target (DNAT), and is the
#              source of it there (masquerade). y only forwards: one translation is the least that does the job
#     aes      sdt-aes-gcm: SDT in server mode, AES-256-GCM
#     chacha   sdt-chacha20: SDT in server mode, ChaCha20-Poly1305
#
# Customers of rows with many channels have addresses from 10.64.0.0/10, all of which are a-PATH's own.
# To be sourced after /t/lib.sh.

PATHS='plain wireguard-nft sdt-aes-gcm sdt-chacha20'
TARGET=10.3.0.2:5300
LISTEN=10.1.0.2:5000
CHANNELS_MAX=${CHANNELS_MAX:-62000}

setting() { at "$1" sh -c "echo $3 >/proc/sys/$2"; }

_row() {
	local s=$1
	topo "a-$s" "x-$s" "y-$s" "b-$s"
	ip -n "a-$s" -batch - <<-END
		route add local 10.64.0.0/10 dev lo
		route add default via 10.1.0.2
	END
	ip -n "x-$s" route add 10.64.0.0/10 via 10.1.0.1
	ip -n "b-$s" route add default via 10.3.0.1
}

_forward() {
	local n
	for n in "$@"; do setting "$n" net/ipv4/ip_forward 1; done
}

path_plain() {
	_row plain
	_forward x-plain y-plain
	ip -n x-plain route add 10.3.0.0/24 via 10.2.0.2
	ip -n y-plain route add 10.1.0.0/24 via 10.2.0.1
	ip -n y-plain route add 10.64.0.0/10 via 10.2.0.1
	echo "path plain a-plain x-plain b-plain $TARGET $TARGET"
}

# The MTU is what lets 1,400 bytes pass in one packet.
path_wg() {
	local n x_pub y_pub
	_row wg
	_forward x-wg y-wg
	(
		umask 077
		for n in x y; do wg genkey >"/tmp/wg-$n"; done
	)
	x_pub=$(wg pubkey </tmp/wg-x) y_pub=$(wg pubkey </tmp/wg-y)
	for n in x y; do ip -n "$n-wg" link add wg0 mtu 1440 type wireguard; done
	at y-wg wg set wg0 private-key /tmp/wg-y listen-port 51820 peer "$x_pub" allowed-ips 0.0.0.0/0
	at x-wg wg set wg0 private-key /tmp/wg-x listen-port 51820 peer "$y_pub" allowed-ips 0.0.0.0/0 endpoint 10.2.0.2:51820
	ip -n x-wg -batch - <<-END
		addr add 10.9.0.1/24 dev wg0
		link set wg0 up
		route add 10.3.0.0/24 dev wg0
	END
	ip -n y-wg -batch - <<-END
		addr add 10.9.0.2/24 dev wg0
		link set wg0 up
	END
	at x-wg nft -f - <<-END
		table ip nat {
			chain prerouting {
				type nat hook prerouting priority dstnat
				iifname "to-a-wg" udp dport 5000 dnat to $TARGET
			}
			chain postrouting {
				type nat hook postrouting priority srcnat
				oifname "wg0" masquerade
			}
		}
	END
	echo 262144 >/proc/sys/net/netfilter/nf_conntrack_max
	# Nothing expires while it is measured; the tunnels below are told so, too.
	setting x-wg net/netfilter/nf_conntrack_udp_timeout 86400
	setting x-wg net/netfilter/nf_conntrack_udp_timeout_stream 86400
	echo "path wireguard-nft a-wg x-wg b-wg $LISTEN $TARGET"
}

_node_up() { [[ $(sdtctl -n "$1" show links) = *'state up'* ]]; }

# path_sdt NAME SUFFIX CIPHER
path_sdt() {
	local name=$1 s=$2 cipher=$3 n x_pub y_pub
	_row "$s"
	(
		umask 077
		for n in x y; do sdtctl genkey >"/tmp/$s-$n"; done
	)
	x_pub=$(sdtctl pubkey <"/tmp/$s-x") y_pub=$(sdtctl pubkey <"/tmp/$s-y")
	sdtctl -n "y-$s" -b - <<-END
		set-node private-key @/tmp/$s-y listen :7380
		add-link l peer-key $x_pub cipher $cipher link-max-channels 1048576
		add-tunnel t link l mode server target $TARGET idle 86400 idle-oneshot 0 egress-ports 1024-65535 max-channels $CHANNELS_MAX
	END
	sdtctl -n "x-$s" -b - <<-END
		set-node private-key @/tmp/$s-x listen :7380
		add-link l peer-key $y_pub peer 10.2.0.2:7380 cipher $cipher
		add-tunnel t link l mode server listen $LISTEN idle 86400 max-channels $CHANNELS_MAX
	END
	await 10 _node_up "x-$s" || bail "$s: the link does not come up"
	echo "path $name a-$s x-$s b-$s $LISTEN $TARGET"
}

path_aes() { path_sdt sdt-aes-gcm aes aes-gcm; }
path_chacha() { path_sdt sdt-chacha20 chacha chacha20-poly1305; }

# rows BYTES LOAD WINDOW CHANNELS DIRECTION [spread] for the paths of $PATHS, side by side
rows() {
	local s
	for s in $PATHS; do echo "row $s $*"; done
}

# Which ciphers the kernel takes, for the record.
drivers() {
	awk '$1 == "name" { name = $3 } $1 == "driver" { driver = $3 }
		$1 == "priority" && (name == "gcm(aes)" || name == "rfc7539(chacha20,poly1305)") { print "cipher", name, driver, $3 }' \
		/proc/crypto
}
