#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest with nothing of Ebb in it gives, too, when the host is nearly out of memory: what
# it does not work with goes into swap, down to its min, and it works on. Before that it is
# left alone. The host runs short as it is promised away.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

MIN_MIB=320

has_given()
{
	at_least "$(process_swapped .)" $((64 << 20))
}

is_working()
{
	guest '[ -s /run/work ]'
}

# Nothing is returned for any other reason.
use_policy "mode = performance"
requires virsh socat jq
swap_begin 1024
swap_show
rig_init
libvirt_start
guest_boot --memory 640 --backing private --channels shell --cmdline ebb.no-module
# shellcheck disable=SC2119
start_ebbd
wait_for 240 on_rung pageout private-memory ||
	fail "not on rung pageout: $(ebbctl show "$GUEST" 2>&1)"
check "its owner keeps it a min" ebbctl set "$GUEST" --min ${MIN_MIB}M
guest_run 120 "fill --hold 300" || fail "the guest could not populate 300 MiB"
guest "work --anon 24 --report /run/work >/run/work.out 2>&1 &"
wait_for 90 is_working || fail "the guest does not work"
wait_for 120 explained_is text '.*nearly out of memory.*' ||
	fail "it is not explained: $(ebbctl explain "$GUEST")"
ok "without need: $(explained text)"
check "nothing was asked of it" guest_is reclaim-runs 0
before=$(process_resident)

host_runs_short
wait_for 180 has_given || fail "it gives nothing in an emergency: $(ebbctl explain "$GUEST")"
grep -q "policy: $GUEST: .* more than its share.*because .*host" "$RIG_DIR/log/ebbd.log" ||
	fail "it is not told why: $(grep policy: "$RIG_DIR/log/ebbd.log")"
ok "the host runs short: $(grep -o "policy: $GUEST: .*" "$RIG_DIR/log/ebbd.log" | head -n 1)"
sleep 20
resident=$(process_resident)
ok "of $(mib "$before") in RAM $(mib "$resident") stayed, $(mib "$(process_swapped .)") are in swap"
# The step of a decision and the last piece may go beyond.
check "it keeps its min" at_least "$resident" $(((MIN_MIB - 16) << 20))
host_has_enough
check "the work sees no wrong byte and goes on" \
	guest "kill -0 \$(pidof work) && [ ! -s /run/work.out ]"
check "the guest's log is clean" dmesg_clean
