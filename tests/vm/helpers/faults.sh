# shellcheck shell=bash
# Allocations of the module that fail when told to, in a kernel with fault injection. Sourced by scenarios that say
# `# kernels: uml-debug`, after the module was loaded once.

_FAULTS=/sys/kernel/debug

# Only allocations below code of the module: modules and their init code are near one another, and far from the kernel.
# Those that detectors make for themselves never fail: some of them would give up.
faults_here() {
	local text cache which
	text=$(sed -n 's/^\([0-9a-f]*\) [tT] .*\[sdt\]$/\1/p' /proc/kallsyms | sort | sed -n 1p)
	for which in failslab fail_page_alloc; do
		printf '0x%x' $((0x$text - (64 << 20))) >"$_FAULTS/$which/require-start"
		printf '0x%x' $((0x$text + (64 << 20))) >"$_FAULTS/$which/require-end"
		echo 32 >"$_FAULTS/$which/stacktrace-depth"
		echo 0 >"$_FAULTS/$which/verbose"
		echo N >"$_FAULTS/$which/ignore-gfp-wait"
	done
	echo N >"$_FAULTS/fail_page_alloc/ignore-gfp-highmem"
	echo 0 >"$_FAULTS/fail_page_alloc/min-order"
	for cache in /sys/kernel/slab/*; do
		case ${cache##*/} in kmemleak* | debug_objects* | *[Ss]tack* | kasan*) continue ;; esac
		echo 1 >"$cache/failslab" 2>/dev/null || true
	done
	echo Y >"$_FAULTS/failslab/cache-filter"
}

# nth N COMMAND...: the Nth allocation of this program fails; REPLY: how many did.
nth() {
	local number=$1 code=0 which left fired=0
	shift
	for which in failslab fail_page_alloc; do echo 1000 >"$_FAULTS/$which/times"; done
	(
		echo "$number" >/proc/self/fail-nth
		exec "$@"
	) || code=$?
	for which in failslab fail_page_alloc; do
		left=$(<"$_FAULTS/$which/times")
		fired=$((fired + 1000 - left))
	done
	REPLY=$fired
	return "$code"
}

# More than ever fail.
_ENOUGH=1000000

# faults PERCENT: from now on so many of the module's allocations fail, whoever makes them; 0: none. REPLY: so many did
# since the last time.
faults() {
	local which left
	REPLY=0
	for which in failslab fail_page_alloc; do
		echo 0 >"$_FAULTS/$which/probability"
		left=$(<"$_FAULTS/$which/times")
		[ "$left" -lt 0 ] || REPLY=$((REPLY + _ENOUGH - left))
		echo "$_ENOUGH" >"$_FAULTS/$which/times"
		echo "$1" >"$_FAULTS/$which/probability"
	done
}
