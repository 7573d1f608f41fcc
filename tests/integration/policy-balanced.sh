#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# With nothing configured, what a guest has not used for a minute goes back to the
# host, a part at a time and but for a cushion, without anybody asking. What a dump
# made resident of it goes back, too, and faster.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

cushion=$((64 << 20))

# What of its free memory the host provides.
free_on_host()
{
	explained '"free-bytes" - .domains[0]."lent-bytes"'
}

# The guest's word may be a little older than the host's books.
cushion_is_left()
{
	at_least "$(free_on_host)" $cushion
}

# For how many seconds what was taken had been free, by the log.
ages()
{
	sed -nE "s/.*policy: $GUEST: .* (since|for) ([0-9]+) s(, gently)?\$/\2/p
		s/.*policy: $GUEST: .* (since|for) [0-9]+ min(, gently)?\$/120/p" \
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
wait_for 90 cushion_is_left ||
	fail "only $(mib "$(free_on_host)") are left to the guest"
ok "and comes to rest above the cushion: $(explained text)"
grep -q "policy: $GUEST: .* that it does not use" "$RIG_DIR/log/ebbd.log" ||
	fail "the log does not say why"
ok "the log says why: $(grep -o "policy: $GUEST: .*" "$RIG_DIR/log/ebbd.log" | tail -n 1)"
ages >"$RIG_DIR/ages"
at_least "$(sort -n "$RIG_DIR/ages" | head -n 1)" 60 ||
	fail "what was free for less than a minute was taken: $(grep policy: "$RIG_DIR/log/ebbd.log")"
ok "all of it was free for a minute at least, in $(wc -l <"$RIG_DIR/ages") decisions"

# ---- others read all memory ----

# As much as only what the dump made resident can be: ebbd may begin before virsh ends.
half_is_back()
{
	at_least "$(guest_status reclaimed-bytes)" $((taken_before + lent / 2))
}

taken_before=$(guest_status reclaimed-bytes)
lent=$(explained '"lent-bytes"')
at_least "$lent" $((256 << 20)) || fail "only $(mib "$lent") are lent"
check "dump" virsh dump --memory-only --live "$GUEST" "$RIG_DIR/dump"
rm -f "$RIG_DIR/dump"
grep -q "$GUEST: a libvirt job reads its memory: .* may become resident" \
	"$RIG_DIR/log/ebbd.log" || fail "the peak was not announced"
ok "the peak is announced: $(grep -o "$GUEST: a libvirt job .*" "$RIG_DIR/log/ebbd.log" | tail -n 1)"
wait_for 180 half_is_back ||
	fail "of $(mib "$lent") that the dump read $(mib $(($(guest_status reclaimed-bytes) - taken_before))) came back: $(ebbctl explain "$GUEST")"
grep -q "policy: $GUEST: .* a libvirt job made resident" "$RIG_DIR/log/ebbd.log" ||
	fail "the log does not say why: $(grep policy: "$RIG_DIR/log/ebbd.log")"
ok "what a dump made resident went back: $(grep -o "policy: $GUEST: .* a libvirt job made .*" "$RIG_DIR/log/ebbd.log" | head -n 1)"
check "the guest's log is clean" dmesg_clean
