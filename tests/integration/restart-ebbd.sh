#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ebbd may be killed at any moment: its successor resolves what is left and goes
# on, and the guest loses no byte.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

use_faulty_ebbd
started_rig --memory 1536
guest_churn $((200 << 20))
for point in "taken 1" "granted 1" "checked 1" "punched 1" "resolved 2"; do
	guest_populate 600
	# shellcheck disable=SC2086 # two words
	hold_reclaim $point --all
	kill -9 "$EBBD_PID"
	wait "$EBBD_PID" 2>/dev/null
	EBBD_PID=
	end_reclaim 30
	check_ended '[1-9]' '' "killed at $point"
	rm "$RIG_DIR/run/hold"
	# shellcheck disable=SC2119
	start_ebbd
	wait_lease
	reclaim --all || fail "after $point: $(cat "$RIG_DIR/run/stderr")"
done
ok "five successors took over and reclaimed"
check_reclaims_all 600
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
