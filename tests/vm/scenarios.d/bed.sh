#!/bin/bash
# The test bed itself: what scenarios take for granted works.
# timeout: 300

# shellcheck source=../lib.sh
. /t/lib.sh

plan 12

check 'the module loads' modprobe sdt
check 'and shows' test -d /sys/module/sdt
topo
check 'alice reaches local over IPv4' at alice ping -c 1 -W 2 10.1.0.2
check 'bob reaches remote over IPv6' at bob ping -c 1 -W 2 fd03::1
check_not 'nobody forwards' at alice ping -c 1 -W 1 10.2.0.2
background bob socat UDP4-RECVFROM:7,fork EXEC:cat
check 'a server comes up' await 5 listening bob udp 7
check_equal 'and answers' hello "$(at remote socat -t 2 - UDP4:10.3.0.2:7 <<<hello)"
check 'time passes only as it must' await 1 true
check_not 'await gives up' await 1 false
check 'nft works in a namespace' at local nft add table inet t
check 'python has what it should' python3 -c 'import socket, struct, select, threading, json, random, hashlib, os, time, subprocess, ctypes, argparse, signal'
check 'the module goes' rmmod sdt
