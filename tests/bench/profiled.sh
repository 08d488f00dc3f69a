#!/bin/bash
# profiled.sh PATH BYTES LOAD WINDOW SECONDS: one row of the bench for so long, for `profile` to look at from outside.

# shellcheck source=../vm/lib.sh
. /t/lib.sh
# shellcheck source=paths.sh
. /t/paths.sh

path=$1
shift
modprobe sdt
case $path in
plain) path_plain ;;
wireguard-nft) path_wg ;;
sdt-aes-gcm) path_aes ;;
sdt-chacha20) path_chacha ;;
esac >/tmp/plan
# In the middle of a symbol's name there is none of these; what begins in modules is told with its module.
awk '$2 ~ /^[tTwW]$/ { print "symbol", $1, $3, $4 }' /proc/kallsyms
{
	echo "row $path $1 $2 $3 1 out"
	echo warm
	echo 'rounds 1 10'
	echo "rounds 1 $(($4 * 1000))"
} | cat /tmp/plan - | /t/load
ok profiled
