#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# kernels: 5.10 6.1 6.12
# once: 6.12
# timeout: 300
#
# Ciphers that complete later, as hardware's do: every operation goes through cryptd. Both ciphers carry traffic both
# ways; and links go while operations are in flight, which must neither be lost sight of nor touch what is freed.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes test_async=1
for cipher in aes-gcm chacha20-poly1305; do
	link cipher "$cipher" lanes 2
	tunnel t 0
	link_up local remote
	traffic "$cipher: nothing is lost" echo --ns bob --bind 10.3.0.2:5300 -- \
		client --ns alice --to 10.1.0.2:5000 --count 2000 --window 32 --size 0-1400
	check_counters "$cipher: it was asynchronous" 'local.l.async-crypto >= 4000' 'remote.l.async-crypto >= 4000' \
		'local.l.tx-crypto == 0' 'remote.l.rx-crypto == 0'
	on local <<<$'del-tunnel t\ndel-link l'
	on remote <<<$'del-tunnel t\ndel-link l'
done

at_work() { sdtctl -n remote stats l | grep -q rx-messages; }

background alice sdtload flood --ns alice --to 10.1.0.2:5000 --size 1200
for ((round = 0; round < 10; round++)); do
	link
	tunnel t 0
	await 20 at_work || bail 'no traffic'
	on local <<<$'del-tunnel t\ndel-link l'
	on remote <<<$'del-tunnel t\ndel-link l'
done
ok 'links go while operations are in flight'
