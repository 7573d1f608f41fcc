#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A reclaim of more than is free drives the guest: its kernel lets go of page
# cache in the background, no allocation waits, and the marks are its own again.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 1536 --disk 1250
marks=$(guest_marks)
# All of it is the host's to lose, also what stays free beside the cache.
guest_populate 1250
guest_cache 1250
asked=$((1250 * 60 / 100))
guest_churn $((16 << 20))
watch_stalls

# Shows how little there is without driving, and takes it out of the figures.
reclaim "${asked}M" --free-only
status=$?
[ $status = 4 ] || fail "--free-only: exit $status: $(cat "$RIG_DIR/run/stderr")"
check "--free-only takes what is free, $(mib "$(result reclaimed-bytes)"), and exits 4" \
	at_most "$(result reclaimed-bytes)" $(((asked / 2) << 20))

before=$(backing_bytes)
reclaim "${asked}M" --timeout 180s ||
	fail "exit $?: $(cat "$RIG_DIR/run/stderr") $RESULT"
taken=$((before - $(backing_bytes)))
check "it ended satisfied" [ "$(result ended)" = satisfied ]
at_least $taken $(((asked * 95 / 100) << 20)) ||
	fail "$asked MiB asked, by the host's books $(mib $taken) taken: $RESULT"
ok "$asked MiB asked, $(mib $taken) taken by the host's books"
check "$(mib "$(result driven-bytes)") of it were driven" \
	at_least "$(result driven-bytes)" $(((asked * 80 / 100) << 20))
check "no allocation stalled" no_stall
check "nothing was killed" no_kill

wait_for 90 marks_are "$marks" ||
	fail "the marks were '$marks' and are '$(guest_marks)'"
ok "the marks are those of before"
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the disk's cache has no wrong byte" guest_run 300 "cache --check 1250"
check "the guest's log is clean" dmesg_clean
