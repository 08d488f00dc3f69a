#!/bin/bash
# files: tests/vm/helpers/sdt.sh tests/peer include/uapi/linux/sdt.h
# programs: pkg:python3-cryptography pkg:python3-cffi-backend pkg:libssl3
# packages: python3-cryptography
# once: 6.12
# timeout: 300
#
# The node `remote` speaks with a second implementation of the protocol (tests/peer), written from docs/PROTOCOL.md alone:
# as initiator and responder, with both ciphers and a PSK, on lanes, as proxy and as server; crossing initiations, rekeys,
# epochs, challenges, cookies, resets, every form of frame, fragments. SDT_CASES=NAME,NAME: only these.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
cases=${SDT_CASES:-}
# shellcheck disable=SC2086 # names, one a word
verdicts conformance python3 -m peer.conformance "$REMOTE_PUB" ${cases//,/ }
