#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ebbd may be killed at any moment: its successor resolves what is left and goes
# on, and the guest loses no byte. What was paused stays so.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# pauses TEXT: of the policy as a whole, and for the guest.
pauses()
{
	local what

	what="$(ebbctl_json policy status | jq .paused) $(ebbctl_json explain \
		"$GUEST" | jq '.domains[0].paused')"
	[ "$what" = "$1" ] || fail "paused is '$what', not '$1'"
}

requires virsh socat jq
use_faulty_ebbd
started_rig --memory 1536
pauses "false false"
ebbctl policy pause "$GUEST" >/dev/null || fail "policy pause $GUEST: $?"
ebbctl policy pause >/dev/null || fail "policy pause: $?"
guest_churn $((200 << 20))
for point in "taken 1" "granted 1" "checked 1" "punched 1" "resolved 2"; do
	guest_populate 600
	# shellcheck disable=SC2086 # two words
	hold_reclaim $point --all
	kill -9 "$EBBD_PID"
	wait "$EBBD_PID" 2>/dev/null
	EBBD_PID=
	end_reclaim 90
	check_ended '[1-9]' '' "killed at $point"
	rm "$RIG_DIR/run/hold"
	# shellcheck disable=SC2119
	start_ebbd
	wait_lease
	reclaim --all || fail "after $point: $(cat "$RIG_DIR/run/stderr")"
done
ok "five successors took over and reclaimed"
pauses "true true"
ebbctl policy resume >/dev/null || fail "policy resume: $?"
kill -9 "$EBBD_PID"
wait "$EBBD_PID" 2>/dev/null
EBBD_PID=
# shellcheck disable=SC2119
start_ebbd
wait_lease
pauses "false true"
ok "what was paused stays so, and what was resumed, too"
check_reclaims_all 600
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
