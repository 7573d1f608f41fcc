#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# An operator's word on how memory may be taken. A guest with pinned vCPUs is left alone,
# by name, until somebody lets it share; rungs that are forbidden close at once, without a
# restart, and come back; what the guest gave before is not forgotten meanwhile.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# closed_for REASON: now, not by the look before the one that runs.
closed_for()
{
	[ "$(ebbctl_json show "$GUEST" 2>/dev/null |
		jq -r '"\(.rung) \(.old) \(.reasons[0].name)"')" = "observe false $1" ]
}

# wait_closed REASON TEXT
wait_closed()
{
	wait_for 90 closed_for "$1" || fail "$2: $(ebbctl show "$GUEST" 2>&1)"
	ok "$2: $1"
}

wait_open()
{
	wait_for 90 lease_is_open || fail "$1: $(ebbctl show "$GUEST" 2>&1)"
	ok "$1: rung lease"
}

# The locks on the guest's memory, and that of the one ebbd.
locks()
{
	awk -v pid="$EBBD_PID" '$2 == "FLOCK" && $5 == pid' /proc/locks | wc -l
}

# What is resident of it, with a guest that runs on.
lends()
{
	at_least "$(guest_status lent-bytes)" $((100 << 20))
}

requires virsh socat jq
rig_init
libvirt_start
guest_boot --memory 768 --pinned "$(cat /sys/devices/system/cpu/online)"
# shellcheck disable=SC2119
start_ebbd
wait_closed reserved-memory "a guest with pinned vCPUs is left alone"
check "show names the element" grep -q '<vcpupin>' <(ebbctl show "$GUEST")
check "so does doctor, with the remedy" grep -q -- "--reserved share" <(ebbctl doctor "$GUEST")
guest_populate 300
refused 1 'reserved memory or processors.*<vcpupin>.*--reserved share' \
	"a reclaim of it" ebbctl reclaim "$GUEST" --all
guest_churn $((16 << 20))

check "its owner lets it share" ebbctl set "$GUEST" --reserved share
wait_open "it is as any other"
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr") $RESULT"
at_least "$(result reclaimed-bytes)" $((200 << 20)) ||
	fail "only $(mib "$(result reclaimed-bytes)") came: $RESULT"
ok "$(mib "$(result reclaimed-bytes)") came"
check "it lends memory" lends
check "top shows it" grep -q "^$GUEST .* lease .* 768M " <(COLUMNS=160 ebbctl top --once)
held=$(locks)
reclaimed=$(guest_status reclaimed-bytes)

refused 2 "'leese' is not accepted: did you mean 'lease'" "a rung that is none" \
	ebbctl set "$GUEST" --rungs report,leese
check "rung lease is forbidden" ebbctl set "$GUEST" --rungs report
wait_closed rung-forbidden "it is on no rung, as it cannot be on report"
check "doctor names what is forbidden" grep -q '(lease)' <(ebbctl doctor "$GUEST")
guest_populate 300
refused 1 'rungs allows.*(lease).*--rungs all' "a reclaim" ebbctl reclaim "$GUEST" --all
check "what it gave is not forgotten" [ "$(guest_status reclaimed-bytes)" = "$reclaimed" ]
check "nor the lock on its memory" [ "$(locks)" = "$held" ]
check "all rungs are forbidden" ebbctl set "$GUEST" --rungs none
wait_closed rung-forbidden "likewise"

virsh metadata "$GUEST" urn:ebb:domain:1 --key ebb \
	--set "<policy rungs='lease, report' reserved='share'/>" >/dev/null || fail "virsh metadata"
wait_open "allowed again, by virsh"
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr") $RESULT"
at_least "$(result reclaimed-bytes)" $((200 << 20)) ||
	fail "only $(mib "$(result reclaimed-bytes)") came: $RESULT"
ok "$(mib "$(result reclaimed-bytes)") came again"
virsh metadata "$GUEST" urn:ebb:domain:1 --key ebb --set "<policy/>" >/dev/null ||
	fail "virsh metadata"
wait_closed reserved-memory "without a word of its owner it is left alone again"
check "the lock on what it lent stays" [ "$(locks)" = "$held" ]

verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
