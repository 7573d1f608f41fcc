#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Memory that cannot be punched is refused: private, and a file on a disk. The patch of
# doctor --fix gives such a domain what it lacks.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

requires virsh socat jq patch
rig_init
libvirt_start
start_ebbd
for backing in private private-memfd file; do
	guest_boot --memory 768 --backing $backing
	wait_for 90 guest_is rung observe || fail "rung is $(guest_status rung)"
	guest_populate 300
	[ $backing = file ] && remedy='tmpfs' || remedy='shared memory'
	# A memfd that is mapped privately shrinks by itself, also without ebbd,
	# by some MiB a second; a reclaim here would be of hundreds.
	[ $backing = private-memfd ] && BOOKS_SLACK=$((64 << 20)) || BOOKS_SLACK=0
	refused 1 "$remedy" "$backing memory" ebbctl reclaim "$GUEST" --all
	check "the guest's log is clean" dmesg_clean
	guest_remove "$GUEST"
done

# Off, with private memory, no channel to an agent, and a balloon that reports.
guest_define --memory 768 --backing private --channels shell --balloon reporting
lacks()
{
	grep -q "^fail *$1:" <(ebbctl doctor "$GUEST")
}
check "doctor of one that is off: it is off" lacks running
check "its memory" lacks memory-backing
check "its channel" lacks channel
check "its balloon" lacks page-reporting
check "and what it does not lack" grep -q '^ok *devices:' <(ebbctl doctor "$GUEST")
check "a dry doctor --fix changes nothing" ebbctl doctor --fix "$GUEST"
check "it lacks the same" lacks memory-backing

virsh dumpxml --inactive --security-info "$GUEST" >"$RIG_DIR/run/domain.xml"
ebbctl doctor --fix "$GUEST" | patch -F0 "$RIG_DIR/run/domain.xml" >"$RIG_DIR/run/patched" ||
	fail "patch: $(cat "$RIG_DIR/run/patched"; ebbctl doctor --fix "$GUEST")"
check "the patch applies as it is" at_most "$(grep -c offset "$RIG_DIR/run/patched")" 0
check "libvirt takes what comes of it" virsh define "$RIG_DIR/run/domain.xml"
check "which needs no other" grep -q 'needs no patch' \
	<(ebbctl doctor --fix "$GUEST" 2>&1)
guest_start
guest_wait
wait_lease
ok "and it is on rung lease when it is started"
