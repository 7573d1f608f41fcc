#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The module may be unloaded at any moment, also in mid-reclaim; ebbd goes down to
# observing and up again when it is loaded anew.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 1536
guest_churn $((200 << 20))
check "rmmod while idle" guest "rmmod ebb"
wait_for 20 guest_is rung observe || fail "rung is $(guest_status rung)"
refused 1 'modprobe ebb' "reclaim without module" \
	ebbctl reclaim "$GUEST" --all
guest "guest-start module"
wait_lease
ok "the lease is back"

for round in 1 2 3; do
	guest_populate 800
	ebbctl reclaim "$GUEST" --all >/dev/null 2>&1 &
	client=$!
	sleep "0.0$((round * 3))"
	check "rmmod in mid-reclaim" guest_run 20 "rmmod ebb"
	wait "$client"
	guest "guest-start module"
	wait_lease
done
check_reclaims_all 800
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
