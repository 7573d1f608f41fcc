#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ebbd dies on granted ranges, and the guest's memory is to go offline: a block
# that has such ranges is refused after a wait, and goes when a successor came.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

use_faulty_ebbd

refusals()
{
	guest "dmesg | grep -c 'stays online: the host holds'"
}

# offline NUMBER: takes a block offline and back; 1 if the kernel refuses, fails if
# it turns in circles, which a signal ends.
offline()
{
	local block=/sys/devices/system/memory/memory$1 status

	guest_run 90 "timeout 60 sh -c 'echo offline >$block/state' 2>/dev/null"
	status=$?
	[ "$status" -lt 120 ] || fail "memory$1: no end of going offline ($status)"
	[ "$status" = 0 ] || return 1
	guest "echo online >$block/state" || fail "memory$1 does not come back"
}

is_whole()
{
	(whole_again "a granted range that was to go offline" >/dev/null)
}

started_rig --memory 1024
stop_ebbd
EBB_FAULT=granted:kill start_ebbd
wait_lease
guest_populate 400
begin_reclaim --all
wait_for 90 pid_gone "$EBBD_PID" || fail "granted was never reached"
wait "$CLIENT" "$EBBD_PID" 2>/dev/null
EBBD_PID=

blocks=$(guest "ls /sys/devices/system/memory | sed -n 's/^memory//p'")
refused=()
for number in $blocks; do
	before=$(refusals)
	! offline "$number" || continue
	[ "$(refusals)" = "$before" ] || refused+=("$number")
done
[ ${#refused[@]} -gt 0 ] || fail "no block of $(wc -w <<<"$blocks") has a granted range"
ok "refused for what the host holds: ${refused[*]}"

# Longer than the guest's kernel lets a task hang; dmesg_clean sees it.
sleep 45

# shellcheck disable=SC2119
start_ebbd
wait_lease
before=$(refusals)
went=0
for number in "${refused[@]}"; do
	! offline "$number" || went=$((went + 1))
done
check "none is refused for that after a successor" [ "$(refusals)" = "$before" ]
at_least $went 1 || fail "none of ${refused[*]} goes offline"
ok "$went of ${#refused[@]} went offline and came back"
# Once the module has looked at the memory map again.
wait_for 90 is_whole || whole_again "a granted range that was to go offline"
ok "all comes back"
check "the guest's log is clean" dmesg_clean
