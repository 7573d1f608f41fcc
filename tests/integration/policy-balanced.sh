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

# shellcheck disable=SC2119 # as a newcomer has it
use_policy
started_rig --memory 1024
wait_for 90 explained_is state 'no-spare|little|young|period' ||
	fail "it has not settled: $(ebbctl explain "$GUEST")"
ok "the guest has settled: $(explained text)"

guest_populate 256
before=$(backing_bytes)
taken_before=$(guest_status reclaimed-bytes)
wait_for 30 explained_is state young || fail "not young: $(ebbctl explain "$GUEST")"
at_least "$(backing_bytes)" $((before - (32 << 20))) ||
	fail "$(mib $((before - $(backing_bytes)))) were taken at once"
ok "what is free since a moment is left alone: $(explained text)"
wait_for 60 explained_is state 'asked|period|pending' ||
	fail "nothing is taken: $(ebbctl explain "$GUEST")"
at_least "$(explained '"lasting-bytes"')" $((512 << 20)) ||
	fail "taken before it was free for a minute: $(ebbctl explain "$GUEST")"
ok "after a minute it is taken: $(explained text)"

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
grep -q "policy: $GUEST: .* that it does not use since" "$RIG_DIR/log/ebbd.log" ||
	fail "the log does not say why"
ok "the log says why: $(grep -o "policy: $GUEST: .*" "$RIG_DIR/log/ebbd.log" | tail -n 1)"
check "the guest's log is clean" dmesg_clean
