#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The agent may be killed at any moment: the next one serves on.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 1024
guest_churn $((200 << 20))
for round in 1 2 3; do
	guest "kill -9 \$(cat /run/ebb-agent.started)"
	guest_populate 400
	guest "guest-start agent"
	wait_lease
	reclaim --all || fail "round $round: $(cat "$RIG_DIR/run/stderr")"
done
ok "three agents took over"
check "the last one brought memory" at_least "$(result reclaimed-bytes)" $((100 << 20))
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
