#!/bin/bash
# speed.sh ROUNDS MS SIZES: what each path costs in time; see load/main.c for what it prints.

# shellcheck source=../vm/lib.sh
. /t/lib.sh
# shellcheck source=paths.sh
. /t/paths.sh

rounds=$1 ms=$2 sizes=$3

modprobe sdt
for path in plain wg aes chacha; do "path_$path"; done >/tmp/plan
{
	cat /tmp/plan
	for bytes in $sizes; do
		for window in 1 16 64; do rows "$bytes" loop "$window" 1 out; done
		rows "$bytes" burst 64 1 out
		rows "$bytes" nic 64 1 out
	done
	rows 64 burst 64 1 back
	rows 64 burst 64 1000 out
	rows 64 burst 64 1000 back
	echo warm
	echo "rounds $rounds $ms"
} | /t/load
drivers
for path in aes chacha; do
	for node in x y; do sdtctl -n "$node-$path" stats | sed "s/^/stats $node-$path /"; done
done
ok speed
