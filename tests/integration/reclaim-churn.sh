#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Reclaim under load loses no byte: churn checks every word of the memory that it
# allocates and frees while 20 reclaims take what is free around it.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

rounds=${EBB_CHURN_ROUNDS:-20}
started_rig --memory 2048
guest_churn $((400 << 20)) 100
taken=0
for ((round = 1; round <= rounds; round++)); do
	verified=$(churn_verified)
	guest_populate 500
	reclaim --all || fail "round $round: $(cat "$RIG_DIR/run/stderr")"
	at_least "$(result reclaimed-bytes)" $((200 << 20)) ||
		fail "round $round took only $(mib "$(result reclaimed-bytes)")"
	taken=$((taken + $(result reclaimed-bytes)))
	wait_for 90 churn_verified_more "$verified" || fail "round $round: churn stands still"
done
ok "$rounds rounds took $(mib $taken)"
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
