#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Writes the seed inputs, kept here as text, below the directory $1: one folder a target.

set -euo pipefail

# Arguments: target, name, bytes in hexadecimal; spaces are for the reader.
seed() {
	local hex=${3// /} escaped='' i

	for ((i = 0; i < ${#hex}; i += 2)); do
		escaped+="\\x${hex:i:2}"
	done
	mkdir -p "$out/$1"
	printf '%b' "$escaped" >"$out/$1/$2"
}

out=$1

seed frame direct      '00 616263'
seed frame bundle      '41 0004 07 616263  61 0003 08 6162  02 0100 61'
seed frame tunnel      '51 0005 0002 09 6162  12 0003 0100 61'
seed frame ipv4        '06 2a c0000201 0035 61'
seed frame ipv6        '4e 0017 01020304 20010db8000000000000000000000001 0035 61'
seed frame fragment    '82 0100 01 deadbeef 8001 0011223344556677'
seed frame ping_pad    'c0 0009 05 0102030405060708  80 00 0000'
seed frame unreachable 'e1 0005 07 04 05 05a0  a1 07 02'
seed frame refused     'a1 07 03 04'
seed frame bad_skipped '4f 0002 0000  40 0001 61'

seed replay in_order   '000001 000001 000001 000001'
seed replay backwards  '001fff 010001 010002 011fff 012000'
seed replay jumps      '002000 620001 012000 030000 030001 032000'

seed reasm in_order    '01 0000 0008  01 0008 0008  00 0010 0011'
seed reasm duplicate   '01 0008 0002  01 0008 0002  00 000a 0001  01 0000 0008'
seed reasm overlap     '00 0010 0005  01 0008 0008  01 000c 0008  01 0000 0009'
seed reasm raw         '81 0008 ffe3  80 ffe0 0003  81 0004 0008'

# choice = how << 3 | message << 1 | suite
seed handshake initiation_altered   '18 0801'
seed handshake response_altered     '1b 0c80'
seed handshake cookie_altered       '14 0301'
seed handshake initiation_payload   "20 $(printf '01%.0s' {1..56})"
seed handshake response_payload     "23 $(printf '10%.0s' {1..56})"
seed handshake cookie_payload       "24 02 $(printf '5a%.0s' {1..40})"
seed handshake initiation_raw       '08 10010100 00000001'
seed handshake response_raw         '0b 20010200 00000001 00000002'
