#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A reclaim of a size takes about that size: a slot of 4 MiB more at the most.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 2048
guest_populate 1700
for size in 64 300 512; do
	before=$(backing_bytes)
	reclaim "${size}M" || fail "reclaim ${size}M: $(cat "$RIG_DIR/run/stderr")"
	taken=$((before - $(backing_bytes)))
	between $(((size - 4) << 20)) $taken $(((size + 8) << 20)) ||
		fail "$size MiB asked, $(mib $taken) taken"
	ok "$size MiB asked, $(mib $taken) taken"
done

# More than is there: all that is, exit 4, and it says so.
reclaim 2000M
status=$?
[ $status = 4 ] || fail "2000M of less: exit $status: $(cat "$RIG_DIR/run/stderr")"
check "less than asked is exit 4, and something came" \
	at_least "$(result reclaimed-bytes)" $((100 << 20))
check "the guest's log is clean" dmesg_clean
