#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest whose cgroup has a limit is judged by that limit, of which /proc/meminfo shows
# nothing (dockur/windows#1688): what it does not use is taken when the cgroup runs
# short, however much the host has.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# slice MEMBER: of the budget that the guest's cgroup is.
slice()
{
	ebbctl_json explain "$GUEST" |
		jq -r --arg name "$slice" ".budgets[] | select(.name == \$name).\"$1\""
}

slice_is()
{
	[ "$(slice "$1")" = "$2" ]
}

# What the kernel takes for it before it reclaims anything of the guest's.
cache_bytes()
{
	awk '{ sub(/^total_/, "", $1); bytes[$1] = $2 }
		END { printf "%.0f", bytes["inactive_file"] + bytes["active_file"] / 2 }' \
		"${limit%/*}/memory.stat"
}

slice_has_enough()
{
	at_least "$(slice available-bytes)" "$(slice high-bytes)" &&
		slice_is in-need false
}

# Nothing is returned for any other reason.
use_policy "mode = performance"
requires virsh socat jq
rig_init
libvirt_start
guest_boot --memory 768
limit=$(qemu_limit_file)
[ -w "$limit" ] || rig_skip "QEMU has no memory cgroup of its own: $limit"
usage=${limit%/*}/memory.usage_in_bytes
[ -e "$usage" ] || usage=${limit%/*}/memory.current
slice=${limit#/sys/fs/cgroup/}
slice=${slice#memory/}
slice=${slice%/*}
guest_populate 350
echo $((2 << 30)) >"$limit" || rig_skip "$limit cannot be written"
# shellcheck disable=SC2119
start_ebbd
wait_lease

wait_for 90 slice_is limit-bytes $((2 << 30)) ||
	fail "the limit is not seen: $(ebbctl_json explain "$GUEST")"
ok "the limit of the cgroup $slice is seen"
check "it has enough" slice_is in-need false
wait_for 90 explained_is state mode || fail "it has not settled: $(ebbctl explain "$GUEST")"
ok "without need nothing is taken: $(explained text)"
before=$(backing_bytes)

echo $(($(cat "$usage") - $(cache_bytes) + (24 << 20))) >"$limit" ||
	fail "$limit cannot be lowered"
wait_for 90 resident_at_most $((before - (16 << 20))) ||
	fail "nothing comes from the guest: $(ebbctl_json explain "$GUEST")"
wait_for 90 slice_has_enough ||
	fail "it is short for ever: $(ebbctl_json explain "$GUEST")"
ok "it ran short, and has $(mib "$(slice available-bytes)") again: $(mib $((before - $(backing_bytes)))) came from the guest"
grep -q "policy: $GUEST: .*because $slice " "$RIG_DIR/log/ebbd.log" ||
	fail "not because of the cgroup: $(grep policy: "$RIG_DIR/log/ebbd.log")"
ok "and the log says why: $(grep -o "policy: $GUEST: .*" "$RIG_DIR/log/ebbd.log" | head -n 1)"
check "the guest's log is clean" dmesg_clean
