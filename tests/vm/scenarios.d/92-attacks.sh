#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/peer include/uapi/linux/sdt.h
# programs: pkg:python3-cryptography pkg:python3-cffi-backend pkg:libssl3
# packages: python3-cryptography
# once: 6.12
# timeout: 300
#
# A second implementation of the protocol (tests/peer) attacks the node `remote`: replays, altered, cut and moved messages,
# old keys, forged handshakes, points of small order, control frames with lies in them. Each is dropped and counted under
# its own reason, and nothing else happens. SDT_CASES=NAME,NAME: only these.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
ip -n local addr add 10.2.0.9/24 dev to-remote
cases=${SDT_CASES:-}
# shellcheck disable=SC2086 # names, one a word
verdicts attacks python3 -m peer.attacks "$REMOTE_PUB" ${cases//,/ }
