# shellcheck shell=bash
# A guest with a stock kernel, in QEMU by software emulation. Sourced by run, whose options it reads.
# shellcheck disable=SC2154 # those
# shellcheck disable=SC2034 # run looks at what is set here

MACHINE_NEEDS=(qemu-system-x86_64)

# As measured: nothing that probes hardware, tests ciphers or slows memory accesses down.
BOOT='console=ttyS0 loglevel=5 panic=-1 oops=panic mitigations=off tsc=reliable no_timer_check random.trust_cpu=on'
BOOT+=' cryptomgr.notests 8250.nr_uarts=2 rdinit=/init'

# Network cards in pairs, each pair joined by a cable. No checksum or segmentation offload: what leaves such a card has
# to be complete, as on the plainest of hardware.
nic_options() {
	local pair end
	for ((pair = 0; pair < nics; pair++)); do
		for end in 0 1; do
			printf '%s\n' -netdev "hubport,id=nic$pair$end,hubid=$pair" \
				-device "virtio-net-pci,netdev=nic$pair$end,romfile=,mac=02:00:00:01:0$pair:0$end"
		done
	done
}

# Without erms and fsrm the kernel copies memory in wide moves; `rep movsb` is emulated byte by byte. Without cx16 it
# keeps off cmpxchg16b, after which QEMU 7.2 leaves rubbish in the flags now and then: guests with 6.12 died of that in
# kmem_cache_alloc, three boots out of four on a busy machine.
# QEMU switches its standard output to non-blocking, which the caller's must not become: hence the cat.
# To count instructions, the clock is made of them, time in which nothing runs is skipped, and what is random otherwise is not.
boot() {
	local image status=0 qemu printer
	local -a nic_arguments machine=(-accel "tcg,thread=multi" -cpu "max,-erms,-fsrm,-cx16" -smp "$cpus")
	if [ -n "$count" ]; then
		machine=(-accel "tcg,thread=single" -icount "shift=0,sleep=off" -cpu "max,-erms,-fsrm,-cx16,-rdrand,-rdseed" -smp 1
			-seed 1 -rtc "base=2026-01-01T00:00:00,clock=vm")
		append+=' nokaslr'
	fi
	image=$("$VM_DIR/kernels" image "$kernel")
	mapfile -t nic_arguments < <(nic_options)
	exec {out}> >(exec cat)
	printer=$!
	timeout --kill-after=5 "$timeout" \
		qemu-system-x86_64 -machine q35 "${machine[@]}" -m "$memory" \
		-nodefaults -no-user-config -display none -no-reboot \
		-chardev "file,id=log,path=$WORK/log" -serial chardev:log \
		-chardev stdio,id=out,signal=off,mux=off -serial chardev:out \
		-chardev "file,id=result,path=$WORK/result" -device isa-debugcon,iobase=0xe9,chardev=result \
		${nic_arguments[@]+"${nic_arguments[@]}"} \
		-kernel "$image" -initrd "$WORK/initrd" -append "$BOOT$append" </dev/null 1>&"$out" 2>"$WORK/qemu" &
	qemu=$!
	exec {out}>&-
	# In the background, so that a signal to us ends the guest as well.
	# shellcheck disable=SC2064 # now is the time to expand
	trap "kill $qemu 2>/dev/null; wait $qemu; exit 130" INT TERM HUP
	wait "$qemu" || status=$?
	wait "$printer"
	return "$status"
}

# What QEMU itself had to say. Cards in pairs have no way out of the guest, which it thinks worth a warning.
machine_said() { grep -v 'is not connected to host network' "$WORK/qemu" || true; }
