#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# planted.sh [TARGET]...: plants the mistakes of planted.txt, one at a time, in a copy, and demands that the target then
# finds it, within SECONDS_EACH (30). A mistake that changes nothing or does not build is an error of the list.

set -u -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bad=0

try() {
	local target=$1 file=$2 expression=$3 dir verdict='ERROR    changes nothing'
	dir=$(mktemp -d)
	mkdir "$dir/tests"
	cp -r "$root/kmod" "$root/include" "$root/tools" "$dir"
	cp -r "$here" "$root/tests/unit" "$dir/tests"
	sed -i -e "$expression" "$dir/$file"
	if ! cmp -s "$root/$file" "$dir/$file"; then
		if ! make -s -C "$dir/tests/fuzz" TARGETS="$target" all >"$dir/log" 2>&1; then
			verdict='ERROR    does not build'
		elif make -s -C "$dir/tests/fuzz" TARGETS="$target" T="${SECONDS_EACH:-30}" "run-$target" >"$dir/log" 2>&1; then
			verdict=SURVIVED
		elif grep -qaE 'SUMMARY: |not so: ' "$dir/log"; then
			verdict=noticed
		else
			verdict='ERROR    does not run'
		fi
	fi
	echo "$verdict $target $file $expression"
	rm -rf -- "$dir"
	[ "$verdict" = noticed ]
}

while read -r target file expression; do
	if [ $# -eq 0 ] || [[ " $* " = *" $target "* ]]; then try "$target" "$file" "$expression" || bad=1; fi
done < <(grep -v '^#' "$here/planted.txt")
exit "$bad"
