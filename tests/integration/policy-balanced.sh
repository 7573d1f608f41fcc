#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# With nothing configured, what a guest has not used for a minute goes back to the
# host, a part at a time and but for a cushion, without anybody asking.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

cushion=$((64 << 20))

# What of its free memory the host provides.
free_on_host()
{
	explained '"free-bytes" - .domains[0]."lent-bytes"'
}

# For how many seconds what was taken had been free, by the log.
ages()
{
	sed -nE "s/.*policy: $GUEST: .* (since|for) ([0-9]+) s\$/\2/p
		s/.*policy: $GUEST: .* (since|for) [0-9]+ min\$/120/p" \
		"$RIG_DIR/log/ebbd.log"
}

# shellcheck disable=SC2119 # as a newcomer has it
use_policy
started_rig --memory 1024
wait_for 90 explained_is state 'no-spare|little' ||
	fail "it has not settled: $(ebbctl explain "$GUEST")"
ok "the guest has settled: $(explained text)"

guest_populate 256
before=$(backing_bytes)
taken_before=$(guest_status reclaimed-bytes)
wait_for 90 resident_at_most $((before - (150 << 20))) ||
	fail "of 256 MiB $(mib $((before - $(backing_bytes)))) came back: $(ebbctl explain "$GUEST")"
ok "150 MiB came back with no command, by an eighth at a time"
at_least "$(guest_status reclaim-runs)" 4 ||
	fail "in $(guest_status reclaim-runs) runs"
at_least $(($(guest_status reclaimed-bytes) - taken_before)) $((150 << 20)) ||
	fail "the books do not say so: $(ebbctl show "$GUEST")"
wait_for 90 explained_is state 'little|no-spare' ||
	fail "it does not come to rest: $(ebbctl explain "$GUEST")"
at_least "$(free_on_host)" $cushion ||
	fail "only $(mib "$(free_on_host)") are left to the guest"
ok "and comes to rest above the cushion: $(explained text)"
grep -q "policy: $GUEST: .* that it does not use" "$RIG_DIR/log/ebbd.log" ||
	fail "the log does not say why"
ok "the log says why: $(grep -o "policy: $GUEST: .*" "$RIG_DIR/log/ebbd.log" | tail -n 1)"
ages >"$RIG_DIR/ages"
at_least "$(sort -n "$RIG_DIR/ages" | head -n 1)" 60 ||
	fail "what was free for less than a minute was taken: $(grep policy: "$RIG_DIR/log/ebbd.log")"
ok "all of it was free for a minute at least, in $(wc -l <"$RIG_DIR/ages") decisions"
check "the guest's log is clean" dmesg_clean
