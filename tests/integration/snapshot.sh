#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Snapshots with memory are taken and reverted to in mid-reclaim, the verifier
# with them: what was lent at one time and not at the other is not mistaken, and
# the guest has lost no byte.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

snapshot()
{
	virsh snapshot-create-as "$GUEST" "$1" >/dev/null
}

by_libvirt()
{
	virsh snapshot-revert "$GUEST" "$1" --running
}

# In the same process, over the same memory, and libvirt is not asked.
by_qemu()
{
	local said

	said=$(virsh qemu-monitor-command "$GUEST" --hmp "loadvm $1") && [ -z "$said" ]
}

# in_reclaim POINT STATUS ENDED TEXT COMMAND...: when one is there; it goes on after
# it, to that end.
in_reclaim()
{
	local point=$1 status=$2 ended=$3 text=$4
	shift 4

	guest_populate 300
	hold_reclaim "$point" 1 --all
	check "$text at $point" "$@"
	release_reclaim
	end_reclaim 90
	text="$text at $point, and the reclaim"
	if [ "$status" = 0 ]; then
		went_on "$text"
	else
		check_ended "$status" "$ended" "$text"
	fi
}

# As of then: the verifier of that time goes on, and has more to verify.
verifier_goes_on()
{
	local verified

	guest_run 120 true || fail "$1: the guest does not answer"
	verified=$(churn_verified)
	wait_for 90 churn_verified_more "$verified" || fail "$1: $(guest "cat /run/churn.out")"
}

# reverted HOW SNAPSHOT STATUS ENDED
reverted()
{
	local process

	process=$(guest_pid)
	guest "touch /run/$2"
	in_reclaim granted "$3" "$4" "$1 reverts to '$2'" "$1" "$2"
	check "it is the guest of then" guest "[ ! -e /run/$2 ]"
	[ "$process" = "$(guest_pid)" ] && process="the same" || process="another"
	verifier_goes_on "$1, '$2'"
	wait_lease
	whole_again "$1, '$2', in $process process"
}

requires qemu-img
use_faulty_ebbd
started_rig --memory 768 --disk 64 --disk-format qcow2
guest_churn $((80 << 20))
in_reclaim resolved 0 drained "snapshot 'early'" snapshot early
wait_lease
whole_again "after a snapshot"
guest_populate 300
check "snapshot 'full'" snapshot full
wait_lease
# In another process, and the one that was reclaimed from is gone.
reverted by_libvirt early 1 'stopped'
reverted by_qemu full 0 drained
reverted by_qemu early 0 drained
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
