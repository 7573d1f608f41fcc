#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Without the module the agent turns the kernel's public knobs, and turns them back:
# when the target is taken back, and when the agent is killed.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

knobs_are()
{
	[ "$(guest_knobs)" = "$1" ]
}

knobs_are_raised()
{
	local scale proactiveness

	read -r scale proactiveness < <(guest_knobs)
	[ "$scale" -gt "${own% *}" ] && [ "$proactiveness" -gt "${own#* }" ]
}

requires virsh socat jq
rig_init
libvirt_start
guest_boot --memory 768 --cmdline "ebb.no-module"
# shellcheck disable=SC2119
start_ebbd
wait_for 90 guest_is rung observe || fail "rung is $(guest_status rung)"
own=$(guest_knobs)

set_target 200M
wait_for 90 knobs_are_raised || fail "knobs are $(guest_knobs), were $own: $(ebbctl show "$GUEST")"
ok "a target: scale factor and proactiveness were $own and are $(guest_knobs)"
wait_for 90 guest_is target-mechanism knobs ||
	fail "target-mechanism is $(guest_status target-mechanism)"
ok "target-mechanism is knobs"
set_target none
wait_for 90 knobs_are "$own" || fail "target none: knobs are $(guest_knobs), were $own"
ok "target none: restored"

set_target 200M
wait_for 90 knobs_are_raised || fail "set again: knobs are $(guest_knobs)"
# Nobody may tell another agent a target, and none is started.
stop_ebbd
check "they are raised when it is killed" knobs_are_raised
guest "kill -9 \$(cat /run/ebb-agent.started)"
wait_for 90 knobs_are "$own" || fail "killed: knobs are $(guest_knobs), were $own"
ok "a killed agent's are put back, though none comes after it"

# Its guard is killed with it: the next one does it.
guest "guest-start agent"
# shellcheck disable=SC2119
start_ebbd
wait_for 90 knobs_are_raised || fail "the next agent: knobs are $(guest_knobs)"
stop_ebbd
guest "kill -9 \$(pidof ebb-guard); kill -9 \$(cat /run/ebb-agent.started)"
check "with its guard killed first they stay" knobs_are_raised
guest "guest-start agent"
wait_for 90 knobs_are "$own" || fail "agent started: knobs are $(guest_knobs), were $own"
ok "the next agent restores them at its start"
check "the guest's log is clean" dmesg_clean
