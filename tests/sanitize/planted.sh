#!/bin/bash
# In a guest with the debug kernel: are its detectors awake? Makes the mistakes of planted.ko, one after the other, and
# expects each to be reported, in words that the test bed takes for a complaint. Locks come first: after the first report
# of its own or of KASAN lockdep says no more.

# shellcheck source=../vm/lib.sh
. /t/lib.sh

exec {kmsg}</dev/kmsg
COMPLAINTS=$(</t/complaints)

# What the kernel said since the last time.
said() { { dd bs=8192 iflag=nonblock status=none <&"$kmsg" 2>/dev/null || true; } | sed -n 's/^[0-9][^;]*;//p'; }

# make BUG: and keep what is said about it.
make_bug() {
	echo "$1" >/sys/module/planted/parameters/bug
	said >>/tmp/said
}

reported() { grep -qE -- "$1" /tmp/said && grep -qE -- "$COMPLAINTS" /tmp/said; }

# Some are silent for a second after another report, hence made again until they are seen.
made_and_reported() {
	make_bug "$1"
	reported "$2"
}

# planted BUG PATTERN: one test.
planted() {
	: >/tmp/said
	check "$1 is reported" await 10 made_and_reported "$1" "$2"
}

# A leak is one only when two scans found nothing that points to it, the first of them five seconds after it was made.
scan_finds() {
	echo scan >/sys/kernel/debug/kmemleak
	said >>/tmp/said
	reported "$1"
}

mkdir -p /run/planted
insmod /t/planted.ko
said >/dev/null
plan 19

echo leak >/sys/module/planted/parameters/bug
planted rcu-without-lock 'suspicious RCU usage'
planted lock-order 'possible circular locking dependency'
planted slab-overrun 'KASAN: slab-out-of-bounds in slab_overrun'
planted vmalloc-overrun 'KASAN: vmalloc-out-of-bounds in vmalloc_overrun'
planted stack-overrun 'KASAN: stack-out-of-bounds in stack_overrun'
planted use-after-free 'KASAN: slab-use-after-free in use_after_free'
planted double-free 'KASAN: double-free in double_free'
planted array-index 'UBSAN: array-index-out-of-bounds'
planted shift 'UBSAN: shift-out-of-bounds'
planted bool 'UBSAN: invalid-load'
planted sleep-with-lock 'BUG: sleeping function called from invalid context'
planted sleep-in-rcu 'RCU nest depth: 1, expected: 0'
planted free-active-timer 'ODEBUG: free active .* timer_list'
planted call-rcu-twice 'ODEBUG: activate active .* rcu_head'
planted list-add-twice 'list_add corruption|list_add double add'
planted reference-put-twice 'ref_tracker: reference already released'
: >/tmp/said
check 'leak is reported' await 60 scan_finds 'kmemleak: [0-9]+ new suspected memory leaks'
check 'and names who made it' grep -q 'leak+0x.*\[planted\]' /sys/kernel/debug/kmemleak

# Fault injection: the first allocation of this process, below the text of the module.
fails() { (echo 1 >/proc/self/fail-nth && ! echo 1 >/sys/module/planted/parameters/alloc) 2>/dev/null; }
echo N >/sys/kernel/debug/failslab/ignore-gfp-wait
check 'an allocation that is to fail fails' fails
