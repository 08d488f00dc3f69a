# shellcheck shell=bash
# What the scenarios about sizes share, after sdt.sh: two routers stand between the nodes, and the wire between the
# routers is what is narrow, or is made so.
#
#     alice --- local --- west --- east --- remote --- bob
#         10.1       10.2     10.3     10.4        10.5

topo alice local west east remote bob
for node in west east; do
	at "$node" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
done
route() { ip -n "$1" route add "10.$2.0.0/24" via "10.$3" && ip -n "$1" route add "fd0$2::/64" via "fd0$4"; }
route local 4 2.0.2 2::2
route west 4 3.0.2 3::2
route east 2 3.0.1 3::1
route remote 2 4.0.1 4::1

# narrow MTU: of the wire between the routers.
narrow() {
	ip -n west link set to-east mtu "$1"
	ip -n east link set to-west mtu "$1"
}

# silence: the routers say nothing of packets that are too big.
silence() {
	local node
	for node in west east; do
		at "$node" nft -f - <<<'table inet silent { chain output { type filter hook output priority 0; icmp type destination-unreachable drop; icmpv6 type packet-too-big drop; }; }'
	done
}
talk() {
	at west nft delete table inet silent
	at east nft delete table inet silent
}

# call ADDRESS [WORD...]: the link, local calls, with everything on it that the scenarios send through.
call() {
	on remote <<-END
		add-link l peer-key $LOCAL_PUB ${*:2}
		add-tunnel t link l id 0 mode server target 10.5.0.2:5300
		add-tunnel six link l id 1 mode server target [fd05::2]:5300
		add-tunnel back link l id 2 mode server listen [::]:5002
		add-tunnel d link l id 3 mode direct listen 10.5.0.1:5003 customer 10.5.0.2:6003
	END
	on local <<-END
		add-link l peer-key $REMOTE_PUB peer $1 ${*:2}
		add-tunnel t link l id 0 mode server listen 10.1.0.2:5000
		add-tunnel six link l id 1 mode server listen [fd01::2]:5001
		add-tunnel back link l id 2 mode server target 10.1.0.1:5300
		add-tunnel d link l id 3 mode direct listen 10.1.0.2:5003 customer 10.1.0.1:6003
	END
}

# calls ADDRESS [WORD...]: the same, and it is up.
calls() {
	call "$@"
	link_up local remote
}

hang_up() {
	local node
	for node in local remote; do printf 'del-%s\n' 'tunnel t' 'tunnel six' 'tunnel back' 'tunnel d' 'link l' | on "$node"; done
}

path_mtu() { show "$1" links '.[] | select(.name == "l")."path-mtu"'; }
# within NODE LOW HIGH
within() { local n; n=$(path_mtu "$1") && [ "$n" -ge "$2" ] && [ "$n" -le "$3" ]; }
# finds NAME LOW HIGH: both nodes come to such a size.
finds() {
	local node
	for node in local remote; do
		if await 40 within "$node" "$2" "$3"; then ok "$1: $node"; else not_ok "$1: $node" "it is $(path_mtu "$node"), not $2 to $3"; fi
	done
}

echo4=(echo --ns bob --bind 10.5.0.2:5300)
echo6=(echo --ns bob --bind '[fd05::2]:5300')
# sizes NAME LO-HI COUNT: both families, both roles at both nodes, and no role.
sizes() {
	local size=(--size "$2" --count "$3" --window 1 --stall 5000)
	traffic "$1: IPv4" "${echo4[@]}" -- client --ns alice --to 10.1.0.2:5000 "${size[@]}"
	traffic "$1: IPv6" "${echo6[@]}" -- client --ns alice --to '[fd01::2]:5001' "${size[@]}"
	traffic "$1: mirrored, from IPv6 to IPv4" echo --ns alice --bind 10.1.0.1:5300 -- client --ns bob --to '[fd05::1]:5002' "${size[@]}"
	traffic "$1: direct" echo --ns bob --bind 10.5.0.2:6003 -- client --ns alice --bind 10.1.0.1:6003 --to 10.1.0.2:5003 "${size[@]}"
}
