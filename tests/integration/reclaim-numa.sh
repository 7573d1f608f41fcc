#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest of two NUMA nodes, with a memfd for each, gives from both.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 2048 --nodes 2
[ "$(backing_files | wc -l)" = 2 ] || fail "the guest has not two files"
guest_populate 1600
backing_files >"$RIG_DIR/run/before"
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
backing_files >"$RIG_DIR/run/after"
while read -r inode before _; do
	after=$(awk -v i="$inode" '$1 == i { print $2 }' "$RIG_DIR/run/after")
	at_least $((before - after)) $((500 << 20)) ||
		fail "a node of $(mib "$before") gave only $(mib $((before - after)))"
	ok "a node gave $(mib $((before - after))) of $(mib "$before")"
done <"$RIG_DIR/run/before"
check_reclaims_all 1600
check "the guest's log is clean" dmesg_clean
