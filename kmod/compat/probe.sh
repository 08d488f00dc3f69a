#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# probe.sh ANSWER SOURCE DEPFILE SYMVERS COMPILER FLAG...
#
# Does SOURCE compile with the kernel's own flags, and are the symbols that it
# names in lines "exported: SYMBOL..." open to modules? Headers declare more
# than is exported. Writes a line of C to ANSWER, and what the compiler said
# beside it; says nothing itself, since "no" is an answer like any other.
set -eu

answer=$1 source=$2 depfile=$3 symvers=$4
shift 4
name=${answer##*/}
name=${name%.answer}
log=${answer%.answer}.log
mkdir -p "${answer%/*}"

exported() {
	# A kernel that was only prepared for module builds has no list.
	[ -e "$symvers" ] || return 0
	symbols=$(sed -n 's/.*exported: \([a-z0-9_ ]*\).*/\1/p' "$source")
	for symbol in $symbols; do
		if ! awk -v symbol="$symbol" '$2 == symbol { found = 1; exit }
			END { exit !found }' "$symvers"; then
			echo "$symbol is not exported" >>"$log"
			return 1
		fi
	done
}

# A call with other types than declared must fail with every compiler, and no
# mere warning may: some kernels turn all of them into errors.
have=0
if "$@" -Wno-error -Werror=implicit-function-declaration -Werror=int-conversion \
	-Werror=incompatible-pointer-types -fsyntax-only "$source" >"$log" 2>&1; then
	if exported; then
		have=1
	fi
fi

# The build wants to know what was read, also where a missing header ended it.
[ -s "$depfile" ] || echo "$answer: $source" >"$depfile"
printf '#define SDT_HAVE_%s %d\n' "$(echo "$name" | tr '[:lower:]' '[:upper:]')" "$have" >"$answer"
