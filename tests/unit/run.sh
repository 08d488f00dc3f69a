#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs test programs, prints their KTAP nested, then a summary; fails if one fails.

set -u -o pipefail

passed=0 failed=0 cases=0 checks=0 n=0

printf 'KTAP version 1\n1..%d\n' "$#"
for prog in "$@"; do
	n=$((n + 1))
	name=$(basename "$prog")
	out=$("$prog" 2>&1)
	status=$?
	printf '    %s\n' "${out//$'\n'/$'\n'    }"

	plan=$(sed -n 's/^1\.\.//p' <<<"$out")
	ok=$(grep -c '^ok ' <<<"$out")
	# a program that dies half-way has fewer results than its plan promises
	[ "$status" -eq 0 ] && [ "$ok" -ne "${plan:-0}" ] && status=1
	cases=$((cases + ok))
	checks=$((checks + $(sed -n 's/^# checks: //p' <<<"$out" | tail -n 1) + 0))
	if [ "$status" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $n $name"
	else
		failed=$((failed + 1))
		echo "not ok $n $name # exit status $status"
	fi
done
echo "# Totals: pass:$passed fail:$failed skip:0 error:0"
echo "# $cases cases passed, $checks checks made"
# a list that lost its programs is no success
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
