#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# collect.sh RELEASE ANSWER...: the header made of all answers, on standard
# output. Answers of a compiler that fails everything, or accepts everything,
# would build a wrong module, or fail far away: stop here and say why.
set -eu

release=$1
shift

control() {
	if ! grep -q " $2\$" "$1"; then
		log=${1%.answer}.log
		{
			echo "sdt: cannot build: $3"
			echo "sdt: what the compiler said to ${log##*/}:"
			cat "$log"
		} >&2
		exit 1
	fi
}

for answer; do
	case $answer in
	*/control_pass.answer)
		control "$answer" 1 'the compiler rejects what every kernel accepts (compiler or headers do not fit this kernel?)' ;;
	*/control_missing.answer)
		control "$answer" 0 'the compiler accepts a function that no kernel has' ;;
	*/control_type.answer)
		control "$answer" 0 'the compiler accepts an argument of a wrong type' ;;
	esac
done

echo "/* Generated for $release: what this kernel has. */"
for answer; do
	case $answer in
	*/control_*) ;;
	*) cat "$answer" ;;
	esac
done
