#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ebbd refuses to start where it cannot work, and says why: a second one, no
# libvirtd, a wrong configuration. ebbctl without ebbd says so, too. And it ends
# with an error where its event loop fails.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

requires virsh socat jq
rig_init
libvirt_start
refused 3 'ebbd' "ebbctl without ebbd" ebbctl list
start_ebbd

try_ebbd()
{
	timeout 60 "$(program ebbd)" -c "$URI" --config "$RIG_DIR/ebbd.conf" \
		--socket "$EBBD_SOCKET" "$@"
}

try_config()
{
	printf '%b' "$1" >"$RIG_DIR/wrong.conf"
	timeout 60 "$(program ebbd)" -c "$URI" --config "$RIG_DIR/wrong.conf" \
		--socket "$RIG_DIR/run/other.sock"
}

refused 1 'already|running|in use' "a second ebbd" try_ebbd
check "the first one still answers" ebbctl list

# checks STATUS NAME TEXT: doctor says so of the host.
checks()
{
	check "doctor: $2: $1" grep -q "^$1 *$2: .*$3" <(ebbctl doctor)
}
checks ok libvirt 'libvirt [0-9.]* answers'
checks ok configuration 'no mistake'
checks ok privileges 'capabilities'
check "and how it ends" grep -Eq '^host: [0-9]+ failed, [0-9]+ warning' <(ebbctl doctor)
printf '[daemon]\nsokcet = /x\n' >"$RIG_DIR/ebbd.conf"
checks fail configuration "ebbd.conf:2: .*sokcet"
rm "$RIG_DIR/ebbd.conf"
check "its JSON is of the host" test "$(ebbctl doctor --json | jq -r .name)" = host
refused 1 'wrong.conf:2.*sokcet' "an unknown key" try_config '[daemon]\nsokcet = /x\n'
refused 1 'wrong.conf:1.*daemno' "an unknown section" try_config '[daemno]\nsocket = /x\n'
refused 1 'wrong.conf:2.*grant-window' "a value out of bounds" \
	try_config '[reclaim]\ngrant-window = 3s\n'
refused 1 'no-such.conf' "a file that is not there" \
	try_ebbd --socket "$RIG_DIR/run/other.sock" --config "$RIG_DIR/no-such.conf"
refused 2 'ebbd --help' "an unknown option" try_ebbd --frobnicate

# With books of its own it is no second one, and gets as far as libvirt.
mkdir "$RIG_DIR/run/other"
printf '[daemon]\nstate-dir = %s\n' "$RIG_DIR/run/other" >"$RIG_DIR/ebbd.conf"
refused 1 'socket' "a second ebbd on the first one's socket" try_ebbd
refused 1 'start libvirtd' "no libvirtd at that URI" \
	try_ebbd --socket "$RIG_DIR/run/other.sock" \
	-c "qemu+unix:///system?socket=/nonexistent"

stop_ebbd
rm "$RIG_DIR/ebbd.conf"
EBBD_PROGRAM=$build/tests/integration/ebbd-faults
EBB_FAULT=turn:fail:5 start_ebbd
wait_for 90 pid_gone "$EBBD_PID" || fail "ebbd goes on with a loop that fails"
wait "$EBBD_PID"
status=$?
EBBD_PID=
check "ebbd ends with an error when its loop fails: $status" test $status = 1
check "and says so" grep -q 'the event loop failed' "$RIG_DIR/log/ebbd.log"
