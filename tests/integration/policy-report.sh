#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest on rung report is no burden that others carry: while nobody needs memory it is
# left alone and not even asked, and when the host runs short the policy has it free what
# it does not work with, which QEMU discards. The host runs short as it is promised away.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

held_at_most()
{
	at_most "$(process_bytes)" "$1"
}

has_decided()
{
	grep -q "policy: $GUEST: .* that it does not work with.*because .*host" \
		"$RIG_DIR/log/ebbd.log"
}

# host_keeps BYTES: for other programs than guests.
host_keeps()
{
	printf '[policy]\nenabled = yes\nmode = performance\nhost-free = %s\n' "$1" \
		>"$RIG_DIR/conf.d/policy.conf"
	ebbctl reload >/dev/null || fail "reload"
}

# Nothing is returned for any other reason.
use_policy "mode = performance"
requires virsh socat jq
rig_init
libvirt_start
guest_boot --memory 640 --backing private --balloon reporting --disk 320 \
	--cmdline ebb.no-module
# shellcheck disable=SC2119
start_ebbd
wait_for 90 on_rung report no-module || fail "not on rung report: $(ebbctl show "$GUEST" 2>&1)"
guest_churn $((8 << 20))
guest_cache 320
watch_stalls
wait_for 90 explained_is text '.*QEMU discards by itself.*' ||
	fail "it is not explained: $(ebbctl explain "$GUEST")"
ok "without need: $(explained text)"
check "nothing was asked of it" guest_is reclaim-runs 0

before=$(process_bytes)
available=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
host_keeps "$((available > 600 ? available - 400 : 200))M"
wait_for 180 has_decided || fail "it is not driven in need: $(ebbctl explain "$GUEST")"
ok "the host runs short: $(grep -o "policy: $GUEST: .*" "$RIG_DIR/log/ebbd.log" | head -n 1)"
wait_for 180 held_at_most $((before - (48 << 20))) ||
	fail "of $(mib "$before") it holds $(mib "$(process_bytes)"): $(ebbctl explain "$GUEST")"
ok "it held $(mib "$before"), and holds $(mib "$(process_bytes)")"
host_keeps 0
check "nothing was killed" no_kill
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
