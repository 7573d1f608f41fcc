#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Without the module the agent turns the kernel's public knobs, and turns them back:
# when the target is taken back, and when an agent starts after one that was killed.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

knobs()
{
	guest "cd /proc/sys/vm &&
		cat watermark_scale_factor compaction_proactiveness | xargs echo"
}

knobs_are()
{
	[ "$(knobs)" = "$1" ]
}

knobs_are_raised()
{
	local scale proactiveness

	read -r scale proactiveness < <(knobs)
	[ "$scale" -gt "${own% *}" ] && [ "$proactiveness" -gt "${own#* }" ]
}

requires virsh socat jq
rig_init
libvirt_start
guest_boot --memory 768 --cmdline "ebb.no-module"
# shellcheck disable=SC2119
start_ebbd
wait_for 30 guest_is rung observe || fail "rung is $(guest_status rung)"
own=$(knobs)

set_target 200M
wait_for 60 knobs_are_raised || fail "knobs are $(knobs), were $own: $(ebbctl show "$GUEST")"
ok "a target: scale factor and proactiveness were $own and are $(knobs)"
wait_for 15 guest_is target-mechanism knobs ||
	fail "target-mechanism is $(guest_status target-mechanism)"
ok "target-mechanism is knobs"
set_target none
wait_for 60 knobs_are "$own" || fail "target none: knobs are $(knobs), were $own"
ok "target none: restored"

set_target 200M
wait_for 60 knobs_are_raised || fail "set again: knobs are $(knobs)"
guest "kill -9 \$(pidof ebb-agent)"
check "a killed agent leaves them" knobs_are_raised
# Nobody may tell the next agent a target, or it would turn them up again.
stop_ebbd
guest "guest-start agent"
wait_for 30 knobs_are "$own" || fail "agent started: knobs are $(knobs), were $own"
ok "the next agent restores them at its start"
check "the guest's log is clean" dmesg_clean
