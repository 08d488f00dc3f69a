#!/bin/bash
# files: tests/vm/helpers/sdt.sh
# timeout: 300
#
# What cannot be right is refused, in one line, with exit code 1 or 2, and changes nothing.

# shellcheck source=../lib.sh
. /t/lib.sh
# shellcheck source=../helpers/sdt.sh
. /t/sdt.sh

nodes
link
tunnel t 0
link_up local
state() { sdtctl -n local show | grep -v handshake-age; }
before=$(state)

no() { check "$1 is refused" refused local "${@:2}"; }

no 'an unknown verb' add-tunel x
no 'an unknown word' add-tunnel x link l id 1 mode server listen 10.1.0.2:6000 colour blue
no 'port 70000' add-tunnel x link l id 1 mode server listen 10.1.0.2:70000
no 'an address that is none' add-tunnel x link l id 1 mode server listen 10.1.0.256:6000
no 'an address that is not here' add-tunnel x link l id 1 mode server listen 10.9.9.9:6000
no 'a port that is taken' add-tunnel x link l id 1 mode server listen 10.1.0.2:5000
no 'a name twice' add-tunnel t link l id 1 mode server listen 10.1.0.2:6000
no 'a tunnel number twice' add-tunnel x link l id 0 mode server listen 10.1.0.2:6000
no 'a link that is not there' add-tunnel x link m id 1 mode server listen 10.1.0.2:6000
no 'a direct tunnel without a customer' add-tunnel x link l id 1 mode direct listen 10.1.0.2:6000
no 'a server tunnel with neither end' add-tunnel x link l id 1 mode server
no 'a server tunnel with both ends' add-tunnel x link l id 1 mode server listen 10.1.0.2:6000 target 10.3.0.2:1
no 'a mode that there is not' add-tunnel x link l id 1 mode turbo listen 10.1.0.2:6000
no 'a stream with both ends' add-tunnel x link l id 1 mode stream listen 10.1.0.2:6000 target 10.3.0.2:1
no 'channels of a stream' add-tunnel x link l id 1 mode stream listen 10.1.0.2:6000 max-channels 5
no 'a router server that may send nowhere' add-tunnel x link l id 1 mode router role server allow none
no 'a target of a router' add-tunnel x link l id 1 mode router role server allow 10.0.0.0/8 target 10.3.0.2:1
no 'more channels than ports' add-tunnel x link l id 1 mode server target 10.1.0.1:1 max-channels 100000
no 'no channels at all' add-tunnel x link l id 1 mode server listen 10.1.0.2:6000 max-channels 0
no 'a key of 31 bytes' add-link m peer-key "$(head -c 31 /dev/zero | base64)"
no 'a second link to the same peer' add-link m peer-key "$REMOTE_PUB"
no 'seventeen lanes' add-link m peer-key "$STRANGER_PUB" lanes 17
no 'an unknown cipher' add-link m peer-key "$STRANGER_PUB" cipher rot13
no 'deleting a link in use' del-link l
no 'deleting what is not there' del-tunnel x
no 'a private key as an argument' set-node private-key "$STRANGER_KEY"
cp /tmp/STRANGER_KEY /tmp/open.key
chmod 644 /tmp/open.key
no 'a key file that the world can read' set-node private-key @/tmp/open.key
no 'a tunnel whose link part is wrong' add-tunnel x link m peer-key "$STRANGER_PUB" lanes 99 mode server listen 10.1.0.2:6000
no 'a link whose tunnel part is wrong' add-tunnel x link m peer-key "$STRANGER_PUB" mode server listen 10.9.9.9:6000

check_equal 'nothing of it has changed anything' "$before" "$(state)"
check_not 'somebody without rights cannot change anything' setpriv --reuid 65534 --regid 65534 --clear-groups \
	nsenter --net=/run/netns/local sdtctl del-tunnel t
