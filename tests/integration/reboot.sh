#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A reset and a reboot end the session of the kernel that was; with the next one
# it begins anew, and nothing of the next one's memory is taken for free.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

booted_anew()
{
	guest_run 10 '[ ! -e /run/before ]' 2>/dev/null
}

use_faulty_ebbd
started_rig --memory 1024
for way in reset reboot-orderly reset-in-reclaim; do
	guest_populate 500
	guest "touch /run/before"
	case $way in
	reset) virsh reset "$GUEST" ;;
	reboot-orderly) guest "(sleep 0.2; reboot -f) >/dev/null 2>&1 &" ;;
	reset-in-reclaim)
		hold_reclaim granted 1 --all
		virsh reset "$GUEST" ;;
	esac
	wait_for 300 booted_anew || fail "$way: the guest did not come back"
	if [ $way = reset-in-reclaim ]; then
		release_reclaim
		end_reclaim 90
		check_ended 1 'was reset or stopped' "$way"
	fi
	guest_churn $((100 << 20))
	wait_lease
	check_reclaims_all 500
	verdict=$(churn_ends) || fail "$verdict"
	check "$way: a new session, the guest's log is clean" dmesg_clean
done
