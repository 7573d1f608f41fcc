#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest can grow at any time without asking. Right after a deep reclaim, under a target
# and with ebbd stopped, it allocates and touches 80 % of its memory.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 1536 --disk 1200
guest_cache 1200
reclaim 800M --timeout 180s || fail "exit $?: $(cat "$RIG_DIR/run/stderr") $RESULT"
set_target 50%
ok "$(mib "$(result reclaimed-bytes)") taken, target $(guest_status target-state)"

watch_stalls
mebibytes=$(guest "awk '\$1 == \"MemTotal:\" { print int(\$2 * 8 / 10 / 1024) }' /proc/meminfo")
kill -STOP "$EBBD_PID"
us=$(guest_run 300 "grow $mebibytes")
status=$?
kill -CONT "$EBBD_PID"
[ $status = 0 ] || fail "grow $mebibytes: exit $status: $us"
ok "$mebibytes MiB were there for the asking, in $((us / 1000)) ms"
check "nothing was killed" no_kill
# It may stall: that is the guest's own need, and drops the target.
echo "   stalls: $(($(guest_vmstat allocstall_) - STALLS))," \
	"threshold: $(guest "cat /sys/class/misc/ebb/threshold")"
check "the guest's log is clean" dmesg_clean
