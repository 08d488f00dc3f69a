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

# The first byte chooses: prefixes, classes, ranges, PROXY headers, ICMP errors, their meaning, their rates.
seed small prefix      '00 02  00 0a000000 68 0000 ffff  04 0db80000 60 0001 0001  00 0a010203 0035'
seed small class       '01 00 7f000001'
seed small class_v6    '01 80 fe800000000000000000000000000001'
seed small range       '02 00 0a000001 00 0a0000ff 00000005  00 0a000007 4e20 5fff'
seed small proxy       '03 00 0a000001 04 00000002 1388 0035'
seed small icmp4       '04 00 04 0578  00 0a000001 00 0a000002 00 0a000003 00 0a000004  1388 0035 0200 b8 0010 616263'
seed small icmp6       '04 01 04 0578  04 00000001 04 00000002 04 00000003 04 00000004  1388 0035 0200 b8 0010 616263'
seed small understood  '05 03 04 000005dc 00'
seed small rates       "06 fffffff0 $(printf '0001%.0s' {1..60})"

# found: the peer says that 65535 bytes would do, which was told to the customer as an MTU of 27
seed small icmp_mtu    '04 00 04 ffff  00 0a000001 00 0a000002 00 0a000003 00 0a000004  1388 0035 0000 00 0000'

# what happens, argument
seed plpmtud found     '030000 070000 030000'
seed plpmtud narrow    '040000 040000 040000 030000 040000 040000 040000'
seed plpmtud hint      '030000 050514 030000 060000 040000 040000 040000'
seed plpmtud bound     '030000 0204b1 030000 022328 030000'
# found: the first hop takes less than the base size, which then fails: size and fail were the same
seed plpmtud small_hop '000300 050523 048900 7a0400 0440'

# verb, options, then programs that write datagrams; see fuzz_netlink.c
text() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; }
# name LENGTH-PREFIXED: a string attribute of this type
string() { printf '02%02x%02x%s' "$1" "${#2}" "$(text "$2")"; }
seed netlink tunnels   "02 00  03 0303 $(string 2 dns) $(string 3 office) 19 04 0100 01 05 02 03 07 11 01 0a000001 09 03 1388 04 04 07  01 07"
seed netlink links     "01 01  03 0302 $(string 2 office) 00 03 20 $(printf '5a%.0s' {1..32}) 03 04 00 02 10 $(printf '20%.0s' {1..16}) 09 03 1cd4 04 04 07  01 07"
seed netlink channels  "03 00  03 0304 $(string 1 dns) 11 02 00000001 03 03 11 01 0a000001 09 03 1388 04 04 07  01 07"
seed netlink node      "00 02  03 0301 $(string 1 0.1.0) 11 02 00000001 04 07"
seed netlink event     "07 00  03 0306 01 01 04 $(string 2 office) $(string 3 dns) 11 04 00000001 04 07"
seed netlink stats     "05 01  03 0305 $(string 1 office) 0303 11 01 00000001 19 02 0000000000000001 04 04 07  01 07"
seed netlink refusal   "0b 00  08 16 $(string 1 'no such link') 11 02 00000014 07"
seed netlink lie       "02 00  03 0303 $(string 2 dns) 03 07 11 01 0a000001 05 40 07  01 07"
# found: a tunnel without a name, whose counters were asked for
seed netlink nameless  "02 02  03 0303 $(string 3 office) 04 07  01 07"
# found: a version without its end
seed netlink endless   "08 04  03 00 01 02 1d00 07  03 0301 00 01 03 303132 04 07"
seed netlink family    "00 04  02 1d 07"

seed words link        "$(text 'add-link office peer-key RUglHGzlVe8TPWjIQQkO8xYXVMIMQHDtin7cmY5kNH0= peer 203.0.113.2:7380 lanes 4 cipher aes-gcm dscp copy # end')"
seed words tunnel      "$(text 'add-tunnel dns link office id 7 mode server listen 192.168.1.1:5300 idle 300 at-limit evict-idle')"
seed words router      "$(text 'add-tunnel r link l mode router role server allow 10.0.0.0/8:53 allow [fd00::/8]:1024-65535 egress 10.3.0.11-10.3.0.13 egress-ports 1-9')"
seed words set         "$(text "$(printf 'set-link l source fd00::1 keepalive 5 pad 128 roam off\nset-tunnel t target [fe80::1%%lo]:53 channel-rate 5/s allow none\ndel-tunnel t\ndel-link l')")"
seed words node        "$(text 'set-node listen [::1]:7380 fwmark 0x10 dev lo reset peers')"
seed words show        "$(text "$(printf 'show channels t customer [fd00::/8]:1-9 state oneshot\nstats l -explain -all\nhelp show\nversion\ngenkey\nkeys')")"
seed words capture     "$(text "$(printf 'capture t print in eth* from 10.0.0.0/8 to fd00::/8 except 10.1.0.0/16 mark 0x55 table 77 priority 99\ncapture t remove')")"
