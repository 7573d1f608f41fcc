#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ebbd may be killed at any moment: its successor resolves what is left and goes
# on, and the guest loses no byte.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 1536
guest_churn $((200 << 20))
for round in 1 2 3 4 5; do
	guest_populate 600
	ebbctl reclaim "$GUEST" --all >/dev/null 2>&1 &
	client=$!
	# A little later in each round: before, within and after the punching.
	sleep "0.0$((round * 2))"
	kill -9 "$EBBD_PID"
	wait "$client" "$EBBD_PID" 2>/dev/null
	EBBD_PID=
	# shellcheck disable=SC2119
	start_ebbd
	wait_lease
	reclaim --all || fail "round $round: $(cat "$RIG_DIR/run/stderr")"
done
ok "five successors took over and reclaimed"
check_reclaims_all 600
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
