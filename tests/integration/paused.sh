#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A paused guest is named as such, at once: nobody waits for its agent. Its
# counters go on when it does, and so they do after a dump.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# An agent is waited for so long, and all here is said in half of that.
AGENT_TIMEOUT_S=60

# answers TEXT PATTERN COMMAND...
answers()
{
	local text=$1 pattern=$2 output started=$SECONDS
	shift 2

	output=$("$@" 2>&1)
	[ $((SECONDS - started)) -le $((AGENT_TIMEOUT_S / 2)) ] || fail "$text: it waits"
	grep -qE -- "$pattern" <<<"$output" ||
		fail "$text: '$output' does not say '$pattern'"
	ok "$text: $(grep -m 1 -E -- "$pattern" <<<"$output")"
}

# Rung and first reason, of now.
shows()
{
	[ "$(ebbctl_json show "$GUEST" 2>/dev/null |
		jq -r '"\(.rung) \(.reasons[0].name) \(.old)"')" = "$1 false" ]
}

requires virsh socat jq
rig_init
printf '[daemon]\nstate-dir = %s\n[agent]\ntimeout = %ss\n' "$RIG_DIR/run" \
	$AGENT_TIMEOUT_S >"$RIG_DIR/ebbd.conf"
libvirt_start
guest_boot --memory 1024
# shellcheck disable=SC2119
start_ebbd
wait_lease
guest_populate 300
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
taken=$(guest_number reclaimed-bytes)
check "something was taken" at_least "$taken" $((200 << 20))

virsh suspend "$GUEST" >/dev/null || fail "virsh suspend"
wait_for $((AGENT_TIMEOUT_S / 2)) shows "observe guest-paused" ||
	fail "not paused by name: $(ebbctl show "$GUEST")"
ok "show says guest-paused"
answers list 'guest-paused' ebbctl list
answers "its memory is known" '1\.0 GiB' ebbctl list
answers doctor 'The guest is paused' ebbctl doctor "$GUEST"
answers reclaim 'The guest is paused.*virsh resume' ebbctl reclaim "$GUEST" --all
answers set 'The guest is paused.*kept' ebbctl set "$GUEST" --free-target 100M
answers "no target" '' ebbctl set "$GUEST" --free-target none

virsh resume "$GUEST" >/dev/null || fail "virsh resume"
wait_lease
[ "$(guest_number reclaimed-bytes)" = "$taken" ] ||
	fail "the counters began anew: $(guest_number reclaimed-bytes) of $taken"
ok "the counters go on when the guest does"

virsh dump --memory-only --live "$GUEST" "$RIG_DIR/run/dump" >/dev/null 2>&1 ||
	fail "virsh dump"
rm -f "$RIG_DIR/run/dump"
wait_lease
[ "$(guest_number reclaimed-bytes)" = "$taken" ] ||
	fail "a dump began the counters anew: $(guest_number reclaimed-bytes) of $taken"
ok "the counters go on over a dump"

# Another QEMU process begins anew.
virsh destroy "$GUEST" >/dev/null || fail "virsh destroy"
virsh start "$GUEST" >/dev/null || fail "virsh start"
starts_anew()
{
	[ "$(guest_number reclaimed-bytes)" = 0 ]
}
wait_for 90 starts_anew || fail "another process has the counters of the one before"
ok "another process begins anew"
