#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest that is saved and restored has all of its memory resident again, also
# what it had lent: it lends it once more, and none of its data is lost.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

MEMORY=$((1024 << 20))

started_rig --memory 1024
guest_populate 500
guest_churn $((150 << 20))
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
lent=$(backing_bytes)
at_most "$lent" $((MEMORY * 3 / 4)) || fail "$(mib "$lent") are resident: nothing was lent"
ok "$(mib "$lent") resident after a reclaim of $(mib "$(result reclaimed-bytes)")"

taken=$(guest_status reclaimed-bytes)
at_least "$taken" $((150 << 20)) || fail "ebbd counts $(mib "$taken")"
check "managedsave" virsh managedsave "$GUEST"
check "restore" virsh start "$GUEST"
guest_wait
restored=$(backing_bytes)
check "all is resident after the restore: $(mib "$restored")" \
	at_least "$restored" $((MEMORY * 95 / 100))
wait_lease
check "what was taken of it counts on: $(mib "$(guest_status reclaimed-bytes)")" \
	at_least "$(guest_status reclaimed-bytes)" "$taken"
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
# No more than the guest has not free in huge ranges, give or take what it took
# and freed in between.
not_free=$((restored - $(guest_free_huge)))
after=$(backing_bytes)
at_most "$after" $((not_free + (64 << 20))) ||
	fail "$(mib "$after") stay resident, $(mib $not_free) are not free: $RESULT"
ok "$(mib "$after") resident after a reclaim of $(mib "$(result reclaimed-bytes)"), $(mib $not_free) are not free"
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
check "one more finds next to nothing: what was lent is not asked for again" \
	at_most "$(result punched-bytes)" $((256 << 20))
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
