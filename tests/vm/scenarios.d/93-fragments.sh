#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/peer include/uapi/linux/sdt.h
# programs: pkg:python3-cryptography pkg:python3-cffi-backend pkg:libssl3
# packages: python3-cryptography
# once: 6.12
# timeout: 300
#
# A peer with the right keys (tests/peer) sends the node `remote` fragments, and lies about them: overlaps, duplicates,
# pieces that cannot be, datagrams that are never completed, far more than is kept. The right datagram comes out, or none;
# each drop has its reason; memory and time are bounded. SDT_CASES=NAME,NAME: only these.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
cases=${SDT_CASES:-}
# shellcheck disable=SC2086 # names, one a word
verdicts fragments python3 -m peer.fragments "$REMOTE_PUB" ${cases//,/ }
