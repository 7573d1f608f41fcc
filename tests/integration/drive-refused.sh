#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest that has nothing to give keeps it: the reclaim says why it took less,
# nothing is killed, nothing stalls, and the kernel does not go on trying.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 1024
guest_run 300 "fill --hold 600 >/run/fill.pid" || fail "fill failed"
guest_churn $((64 << 20))
watch_stalls
reclaim 900M --timeout 120s
status=$?
[ $status = 4 ] || fail "exit $status: $(cat "$RIG_DIR/run/stderr") $RESULT"
reason=$(result refused-reason)
[[ $reason =~ ^(exhausted|pressure|allocstall)$ ]] ||
	fail "the reason is '$reason': $RESULT"
ok "900 MiB asked, $(mib "$(result reclaimed-bytes)") taken, refused for '$reason'"
no_stall || [ "$(guest_number drop-count)" -gt 0 ] ||
	fail "allocations stalled, and the target was not dropped"
ok "no allocation stalled, or the target was dropped for it"

ticks=$(guest_daemon_ticks)
verified=$(churn_verified)
sleep 5
ticks=$(($(guest_daemon_ticks) - ticks))
check "kswapd and kcompactd rest: $ticks ticks in 5 s" at_most "$ticks" 25
check "churn goes on" [ "$(churn_verified)" -gt "$verified" ]
check "nothing was killed" no_kill
wait_own "after it"
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
