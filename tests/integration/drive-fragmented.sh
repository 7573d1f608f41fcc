#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Free memory in single pages is of no use to a host: driven, the guest compacts
# it, and what was free all the time comes back in huge ranges.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 1024
guest_populate 780
guest_run 300 "fill --hold --every 8192 780 >/run/fill.pid" || fail "fill --every failed"
watch_stalls
free=$(guest "awk '\$1 == \"MemFree:\" { print \$2 * 1024 }' /proc/meminfo")
ok "$(mib "$free") are free, $(mib "$(guest_free_huge)") of it in huge ranges"

before=$(backing_bytes)
reclaim 900M --free-only --no-compact
status=$?
[ $status = 4 ] || fail "--free-only: exit $status: $(cat "$RIG_DIR/run/stderr")"
resident=$(backing_bytes)
lying=$((before - resident))
ok "without driving: $(mib $lying)"

reclaim 200M --no-compact --timeout 180s
status=$?
[ $status = 0 ] || [ $status = 4 ] ||
	fail "driven: exit $status: $(cat "$RIG_DIR/run/stderr")"
driven=$((resident - $(backing_bytes)))
ok "driven: $(mib $driven) more of 200 MiB asked, ended $(result ended)"
at_least $((lying + driven)) $((2 * lying)) ||
	fail "that is less than twice of what came without: $RESULT"
at_least $driven $((64 << 20)) || fail "that is too little: $RESULT"
ok "compaction gave more than lay there"
check "no allocation stalled" no_stall
check "the guest's log is clean" dmesg_clean
