# shellcheck shell=bash
# What is left when everything should be gone. Sourced by scenarios, after lib.sh.

# What processors keep at hand would count as in use.
shrink_caches() {
	local cache
	for cache in /sys/kernel/slab/*/shrink; do echo 1 >"$cache"; done
}

# Objects of the module that are in use.
module_objects() {
	shrink_caches
	awk '/^sdt_/ { printf "%s=%d ", $1, $2 }' /proc/slabinfo
}
no_module_objects() { ! module_objects | grep -q '=[1-9]'; }

# Objects that outlive a namespace or a module.
objects() {
	shrink_caches
	awk '$1 == "UDP" || $1 == "UDPv6" || $1 == "sock_inode_cache" || $1 == "net_namespace" { printf "%s=%d ", $1, $2 }' \
		/proc/slabinfo
}

# udp_sockets NAMESPACE...
udp_sockets() {
	local name
	for name in "$@"; do at "$name" cat /proc/net/sockstat /proc/net/sockstat6; done |
		awk '$1 == "UDP:" || $1 == "UDP6:" { sum += $3 } END { print sum + 0 }'
}

# check_objects NAME SECONDS THEN: in time, objects are what they were then.
_objects_are() { [ "$(objects)" = "$1" ]; }
check_objects() {
	if await "$2" _objects_are "$3"; then
		ok "$1"
	else
		not_ok "$1" "then: $3" $'\n'"now:  $(objects)"
	fi
}

# check_no_module_objects NAME SECONDS
check_no_module_objects() {
	if await "$2" no_module_objects; then ok "$1"; else not_ok "$1" "$(module_objects)"; fi
}
