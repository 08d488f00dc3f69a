#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Breaks the code in one place at a time, in a copy, and demands that its unit test then
# fails. A mutation that changes nothing or does not build is an error of the list itself.

set -u -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

# Argument: a line of mutants.txt. Prints its verdict; fails unless the test noticed.
try_mutant() {
	local source=${1%% *} expression=${1#* } dir rc=0

	dir=$(mktemp -d)
	mkdir -p "$dir/tests"
	cp -r "$root/kmod" "$root/include" "$dir"
	cp -r "$root/tests/unit" "$root/tests/vectors" "$dir/tests"
	sed -i -e "$expression" "$dir/kmod/$source.c"
	if cmp -s "$root/kmod/$source.c" "$dir/kmod/$source.c"; then
		echo "ERROR    changes nothing: $1"
		rc=1
	elif ! make -s -C "$dir/tests/unit" T="$source" \
			CFLAGS=-O1 WARN=-w >"$dir/log" 2>&1; then
		echo "ERROR    does not build: $1"
		sed -n '/error/p' "$dir/log" | head -n 3
		rc=1
	elif timeout 120 make -s -C "$dir/tests/unit" T="$source" \
			CFLAGS=-O1 WARN=-w check >"$dir/log" 2>&1; then
		echo "SURVIVED $1"
		rc=1
	else
		echo "noticed  $1"
	fi
	rm -rf "$dir"
	return "$rc"
}

if [ $# -eq 1 ]; then
	try_mutant "$1"
	exit
fi

# the tests must pass as they are, else a failure shows nothing
make -s -C "$here" check >/dev/null || { echo "the tests fail without any mutation"; exit 1; }

grep -v '^#' "$here/mutants.txt" | tr '\n' '\0' |
	xargs -0 -n 1 -P "$(nproc)" "$here/mutate.sh"
rc=$?
[ "$rc" -eq 0 ] && echo "all $(grep -vc '^#' "$here/mutants.txt") mutants noticed"
exit "$rc"
