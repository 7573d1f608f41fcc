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
drops=$(guest_number drop-count)
if no_stall; then
	ok "no allocation stalled"
else
	[[ $drops -gt 0 && $reason = allocstall ]] ||
		fail "$(($(guest_vmstat allocstall_) - STALLS)) allocations stalled, $drops targets were dropped, and the reason is '$reason'"
	ok "$(($(guest_vmstat allocstall_) - STALLS)) allocations stalled, and the target was dropped for it, $drops times"
fi
check "nothing was killed" no_kill

# Whatever it came to, it is over with the reclaim.
watch_stalls
ticks=$(guest_daemon_ticks)
verified=$(churn_verified)
sleep 5
ticks=$(($(guest_daemon_ticks) - ticks))
check "kswapd and kcompactd rest: $ticks ticks in 5 s" at_most "$ticks" 25
wait_for 90 churn_verified_more "$verified" || fail "churn stands still: $(guest "cat /run/churn.out")"
ok "churn goes on"
check "no allocation stalls after it" no_stall
check "nor is anything killed" no_kill
wait_own "after it"
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
