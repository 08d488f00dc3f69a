# shellcheck shell=bash
# A guest that is a program: User-Mode Linux. Sourced by tests/vm/run, whose options it reads.
# shellcheck disable=SC2154 # those
# shellcheck disable=SC2034 # run looks at what is set here

MACHINE_NEEDS=(env)

BOOT='console=tty0 loglevel=5 panic=-1 oops=panic cryptomgr.notests rdinit=/init'

# Lines of the guest are files of ours: the console is the kernel log, the others are what init.c says they are.
# Memory is a file; in /dev/shm, where the kernel looks for a place first if nothing else is named.
# It switches its files to non-blocking, which the caller's standard output must not become: hence the cat.
boot() {
	local image status=0 uml printer debug='' megabytes=$memory
	[ "$nics" -eq 0 ] || die 'there are no network cards in User-Mode Linux'
	image=$("$TOP_DIR/tests/uml/kernel" image "$kernel")
	# Each thing found is told, not only the first; and what the detectors remember takes memory of its own.
	if [ "$kernel" = uml-debug ]; then
		debug=' kasan_multi_shot'
		megabytes=$((2 * memory))
	fi
	exec {out}> >(exec cat)
	printer=$!
	# shellcheck disable=SC2086 # words
	env -u TMPDIR -u TMP -u TEMP timeout --kill-after=5 "$timeout" \
		"$image" "mem=${megabytes}M" "initrd=$WORK/initrd" "uml_dir=$WORK/uml" con=null con0=null,fd:2 \
		ssl=null ssl1=null,fd:1 ssl2=null,fd:3 $BOOT$debug$append </dev/null 1>&"$out" 2>"$WORK/log" 3>"$WORK/result" &
	uml=$!
	exec {out}>&-
	# In the background, so that a signal to us ends the guest as well.
	# shellcheck disable=SC2064 # now is the time to expand
	trap "kill $uml 2>/dev/null; wait $uml; exit 130" INT TERM HUP
	wait "$uml" || status=$?
	wait "$printer"
	return "$status"
}

# All that it says is in the log.
machine_said() { :; }
