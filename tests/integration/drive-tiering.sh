#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Where a guest's kernel has tiers of memory, kswapd stops at another watermark
# than else. It is driven all the same, and the mark is the kernel's own again.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 1024 --disk 700
guest "echo 2 >/proc/sys/kernel/numa_balancing" ||
	rig_skip "the guest's kernel has no tiers of memory"
[ "$(guest "cat /proc/sys/kernel/numa_balancing")" = 2 ] ||
	fail "the guest's kernel does not take numa_balancing 2"
marks=$(guest_marks)
guest_populate 700
guest_cache 700
watch_stalls
reclaim 450M --timeout 180s ||
	fail "exit $?: $(cat "$RIG_DIR/run/stderr") $RESULT"
check "it ended satisfied" [ "$(result ended)" = satisfied ]
check "$(mib "$(result driven-bytes)") of it were driven" \
	at_least "$(result driven-bytes)" $((200 << 20))
check "no allocation stalled" no_stall
wait_for 90 marks_are "$marks" ||
	fail "the marks were '$marks' and are '$(guest_marks)'"
ok "the marks are those of before"
check "the guest's log is clean" dmesg_clean
