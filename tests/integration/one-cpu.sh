#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel of a guest of one CPU takes the LOCK prefix from its own atomics. What
# the host swaps as well keeps it, and the guest's memory comes and goes.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

export EBB_GUEST_CPUS=1
started_rig --memory 1024
check "the guest has one CPU" [ "$(guest "nproc")" = 1 ]
swaps=$(guest "module-swaps ebb") || fail "module-swaps: $swaps"
read -r locked unlocked others <<<"$swaps"
at_least "$others" 1 || fail "this kernel patches nothing: $swaps"
ok "the kernel took the LOCK of $others swaps of its own"
at_least "$locked" 2 || fail "$locked swaps of the ring are locked: $swaps"
check "all $locked of the ring have theirs" [ "$unlocked" = 0 ]
guest_churn $((100 << 20))
check_reclaims_all 400
check_reclaims_all 400
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
