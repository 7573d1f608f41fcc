#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest that poisons its free pages would find a discarded one damaged: nothing
# is taken of it, and the reason is named.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

requires virsh socat jq
rig_init
libvirt_start
guest_boot --memory 1024 --cmdline page_poison=1
start_ebbd
wait_for 90 guest_is rung observe || fail "rung is $(guest_status rung)"
guest_populate 500
refused 1 'page_poison' "a guest that poisons free pages" \
	ebbctl reclaim "$GUEST" --all
check "the module stays loaded" guest "grep -q '^ebb ' /proc/modules"
check "the guest's log is clean" dmesg_clean
