#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Guest-physical memory has a hole below 4 GiB, the file behind it has none: what
# is above the hole is found and given, too, and no byte changes.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 5120 --machine q35
check "the guest has memory above 4 GiB" guest \
	'grep -q "^1[0-9a-f]\{8\}-.*System RAM" /proc/iomem'
guest_churn $((300 << 20))
guest_populate 3600
before=$(backing_bytes)
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
after=$(backing_bytes)
# Either side of the hole alone is less than this.
check "took $(mib $((before - after))): from both sides of the hole" \
	at_least $((before - after)) $((3200 << 20))
guest_populate 2000
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
