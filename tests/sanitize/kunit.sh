#!/bin/bash
# In a guest with KUnit: loads the suites, which run at once, and shows what they found.

set -uo pipefail

RESULTS=/sys/kernel/debug/kunit

insmod /t/sdt_kunit.ko || exit 2
echo 'KTAP version 1'
number=0 failed=0
for folder in "$RESULTS"/sdt_*; do
	suite=${folder##*/}
	# The suite's own line is the last, and without indentation it is one of ours.
	sed -e '/^KTAP version/d' -e '/^1\.\.1$/d' -e "s/^\(not \)\{0,1\}ok [0-9]* $suite.*/\1ok $((++number)) $suite/" "$folder/results"
	! grep -q '^not ok' "$folder/results" || failed=1
done
[ "$number" -gt 0 ] || exit 2
rmmod sdt_kunit || exit 2
/t/end && exit "$failed"
