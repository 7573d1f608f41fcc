#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The module may be unloaded at any moment, also in mid-reclaim; ebbd goes down to
# observing and up again when it is loaded anew.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

rmmod_is_over()
{
	guest "[ -e /run/rmmod ]"
}

# What is granted at POINT, the module waits for; else it goes, and the host finds
# its ring closed.
unloaded_at()
{
	guest_populate 600
	hold_reclaim "$1" 1 --all
	# The agent may have the device open for a moment: it is asked again then.
	guest "rm -f /run/rmmod
		(until rmmod ebb 2>/run/rmmod.error; status=\$?; [ \$status = 0 ] ||
			! grep -q 'temporarily unavailable' /run/rmmod.error; do
			usleep 100000
		done; echo \$status >/run/rmmod.new; mv /run/rmmod.new /run/rmmod
		) >/dev/null 2>&1 &"
	if [ "$1" = granted ]; then
		sleep 1
		check "rmmod at granted: the module waits for the host" \
			guest "[ -d /sys/module/ebb ]"
	fi
	release_reclaim
	wait_for 90 rmmod_is_over || fail "rmmod at $1: it hangs"
	check "rmmod at $1" guest "cat /run/rmmod.error; [ \$(cat /run/rmmod) = 0 ]"
	end_reclaim 90
	check_ended 1 'ebb\.ko' "rmmod at $1"
	guest "guest-start module"
	wait_lease
}

use_faulty_ebbd
started_rig --memory 1536
guest_churn $((200 << 20))
check "rmmod while idle" guest "rmmod ebb"
wait_for 90 guest_is rung observe || fail "rung is $(guest_status rung)"
refused 1 'modprobe ebb' "reclaim without module" \
	ebbctl reclaim "$GUEST" --all
guest "guest-start module"
wait_lease
ok "the lease is back"

for point in taken granted resolved; do
	unloaded_at $point
done
check_reclaims_all 800
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
