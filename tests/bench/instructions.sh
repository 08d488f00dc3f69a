#!/bin/bash
# instructions.sh ROUNDS DATAGRAMS: what each path costs, in instructions, in a guest that counts them (run -i).

# shellcheck source=../vm/lib.sh
. /t/lib.sh
# shellcheck source=paths.sh
. /t/paths.sh

rounds=$1 datagrams=$2

modprobe -a sdt veth wireguard nf_tables nft_nat nft_masq nft_chain_nat
for path in plain wg aes chacha; do "path_$path"; done >/tmp/plan
{
	cat /tmp/plan
	for bytes in 64 1400; do
		for window in 1 16; do rows "$bytes" loop "$window" 1 out; done
	done
	echo warm
	echo "count $rounds $datagrams"
} | /t/load
drivers
ok instructions
