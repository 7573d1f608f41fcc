#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The host swaps out most of a guest: what is in RAM and what is in swap are told
# apart, as the kernel counts them for QEMU, and a reclaim frees both.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

SWAP_MIB=1536
LIMIT_MIB=400
SLACK=$((32 << 20))

# Of the guest's memory alone.
guest_swapped()
{
	process_swapped memory-backend-memfd
}

is_swapped_out()
{
	at_least "$(guest_swapped)" $((200 << 20))
}

close_to()
{
	between $((-SLACK)) $(($1 - $2)) $SLACK
}

swap_begin $SWAP_MIB
started_rig --memory 1024
limit=$(qemu_limit_file)
[ -w "$limit" ] || rig_skip "QEMU has no memory cgroup of its own: $limit"
guest_churn $((50 << 20))
guest_populate 700
check "nothing is in swap" test "$(guest_number swapped-bytes)" = 0

echo $((LIMIT_MIB << 20)) >"$limit" || rig_skip "$limit cannot be written"
wait_for 90 is_swapped_out || fail "$(mib "$(guest_swapped)") swapped out"
held=$(backing_bytes)
swapped=$(guest_number swapped-bytes)
resident=$(guest_number resident-bytes)
check "ebbd says what the kernel says: $(mib "$swapped") in swap" \
	close_to "$swapped" "$(guest_swapped)"
check "and the rest is resident: $(mib "$resident") of $(mib "$held")" \
	close_to $((resident + swapped)) "$held"
check "which is what the limit leaves" \
	at_most "$resident" $(((LIMIT_MIB << 20) + SLACK))
line=$(ebbctl list | grep "$GUEST")
check "list shows both: $line" \
	grep -qE "1\.0 GiB +[0-9.]+ [MG]iB +[0-9.]+ MiB" <<<"$line"

reclaim --all || fail "$RESULT $(cat "$RIG_DIR/run/stderr")"
after=$(guest_number swapped-bytes)
check "a reclaim frees swap: $(mib "$swapped") before, $(mib "$after") after" \
	at_most "$after" $((swapped - (150 << 20)))
check "ebbd still says what the kernel says" close_to "$after" "$(guest_swapped)"
echo $((2048 << 20)) >"$limit"
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
