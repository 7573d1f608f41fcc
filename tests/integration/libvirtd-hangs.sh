#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A libvirtd that is stopped takes nothing along: ebbd answers with what is known,
# marked as old, ends when it is told to, and goes on when libvirtd does. And ebbd
# does not take libvirtd along: libvirtd crashes where a client with streams or
# events goes while a call of that client is outstanding (host/libvirt/connection.h). The
# domains have no system: what is at stake is between ebbd and libvirtd.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/rig/bare.sh
. "$source_dir/scripts/rig/bare.sh"

requires virsh socat jq
rig_init
libvirt_start
[ -n "$RIG_LIBVIRT_STARTED" ] ||
	rig_skip "libvirtd was running before: not stopped for a test"
libvirtd=$(cat /run/libvirtd.pid)
bare_start 4
# shellcheck disable=SC2119
start_ebbd
wait_for 90 bare_are running false || fail "not listed as running: $(states)"
ok "4 domains are running"

# Lets libvirtd go on, which has meanwhile lost a client.
goes_on()
{
	kill -CONT "$libvirtd"
	wait_for 90 libvirt_answers ||
		fail "libvirtd $(pid_gone "$libvirtd" && echo crashed || echo 'does not answer')"
}

kill -STOP "$libvirtd"
# It would not end otherwise.
trap 'status=$?; kill -CONT $libvirtd; (exit $status); at_exit' EXIT

for _ in 1 2 3; do
	within 1 "list, libvirtd stopped" ebbctl list
	within 1 "show, libvirtd stopped" ebbctl show "${BARE[0]}"
	within 1 "version, libvirtd stopped" ebbctl version
	within 1 "doctor, libvirtd stopped" ebbctl doctor "${BARE[0]}"
done
check "doctor says so" grep -q 'libvirtd does not answer' <(ebbctl doctor "${BARE[0]}")
check "and what was last known" grep -q 'ok *running' <(ebbctl doctor "${BARE[0]}")
within 1 "doctor of the host, libvirtd stopped" ebbctl doctor
check "which says so, too" grep -q 'fail *libvirt: libvirtd does not answer' <(ebbctl doctor)
within 1 "a patch, libvirtd stopped" refused 1 'libvirtd does not answer' \
	"a patch, libvirtd stopped" ebbctl doctor --fix "${BARE[0]}"
within 1 "a target, libvirtd stopped" refused 1 'libvirtd does not answer' \
	"a target, libvirtd stopped" ebbctl set "${BARE[0]}" --free-target 64M
within 1 "a reclaim, libvirtd stopped" refused 1 'libvirtd does not answer' \
	"a reclaim, libvirtd stopped" ebbctl reclaim "${BARE[0]}" --all
wait_for 90 bare_are running true || fail "the states are not marked as old: $(states)"
ok "the states are the last known, and marked"
check "list says so" grep -q 'running (old)' <(ebbctl list)
within 1 "a name that nobody knows" refused 1 'libvirtd does not answer' \
	"a name that nobody knows" ebbctl show no-such-domain
goes_on
wait_for 90 bare_are running false || fail "they stay old: $(states)"
ok "libvirtd goes on, and ebbd with it"

kill -STOP "$libvirtd"
ebbctl list >/dev/null
kill "$EBBD_PID"
within 1 "ebbd ends, libvirtd stopped" wait_for 90 pid_gone "$EBBD_PID"
wait "$EBBD_PID" || fail "ebbd ended with $?"
goes_on
EBBD_PID=

# One that starts meanwhile waits for it, and can be told not to.
kill -STOP "$libvirtd"
"$(program ebbd)" -c "$URI" --config "$RIG_DIR/ebbd.conf" \
	--socket "$EBBD_SOCKET" >>"$RIG_DIR/log/ebbd.log" 2>&1 </dev/null 8>&- &
EBBD_PID=$!
wait_for 90 ebbctl version >/dev/null 2>&1 || fail "it answers nobody"
kill "$EBBD_PID"
within 1 "ebbd ends, never connected" wait_for 90 pid_gone "$EBBD_PID"
EBBD_PID=
goes_on

# shellcheck disable=SC2119
start_ebbd
wait_for 90 bare_are running false || fail "not listed as running: $(states)"
virsh suspend "${BARE[1]}" >/dev/null
wait_for 90 state_is "${BARE[1]}" paused || fail "not paused: $(states)"
virsh resume "${BARE[1]}" >/dev/null
wait_for 90 state_is "${BARE[1]}" running || fail "not running: $(states)"
virsh destroy "${BARE[2]}" >/dev/null
wait_for 90 state_is "${BARE[2]}" "" || fail "still there: $(states)"
ok "states follow events; a transient domain is gone when it ends"

# Each time a call is outstanding when ebbd goes. One round in five crashed a
# libvirtd when events, streams and calls had one connection.
for signal in TERM KILL TERM KILL TERM KILL TERM KILL TERM KILL; do
	kill -STOP "$libvirtd"
	refused 1 'libvirtd does not answer' "a call is outstanding" \
		ebbctl set "${BARE[0]}" --free-target 64M >/dev/null
	kill -"$signal" "$EBBD_PID"
	wait_for 90 pid_gone "$EBBD_PID" || fail "ebbd does not end by SIG$signal"
	wait "$EBBD_PID" 2>/dev/null
	EBBD_PID=
	goes_on
	# shellcheck disable=SC2119
	start_ebbd
	wait_for 90 state_is "${BARE[0]}" running || fail "not running: $(states)"
done
check "libvirtd outlives ten clients that go while it owes them an answer" \
	test "$(cat /run/libvirtd.pid)" = "$libvirtd"
loop_was_there
