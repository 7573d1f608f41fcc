#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A target is kept with the domain: it is told again after a restart of ebbd, and to
# the next kernel of the guest, until it is taken back.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

bytes=$((200 << 20))
started_rig --memory 768
set_target 200M
wait_raised 200 "set"

stop_ebbd
start_ebbd
wait_lease
wait_for 90 guest_is target-bytes $bytes ||
	fail "after a restart of ebbd: $(ebbctl show "$GUEST")"
ok "ebbd knows it after a restart"

virsh destroy "$GUEST" >/dev/null
virsh start "$GUEST" >/dev/null || fail "the guest did not start again"
guest_wait
wait_raised 200 "the guest was started anew"
wait_for 90 guest_is target-state held ||
	fail "target-state is $(guest_status target-state)"
ok "and holds it"

set_target none
wait_own "set none"
stop_ebbd
start_ebbd
wait_lease
check "ebbd does not know it after a restart" [ "$(guest_number target-bytes)" = 0 ]
check "and the marks stay the kernel's own" marks_are_own
check "the guest's log is clean" dmesg_clean
