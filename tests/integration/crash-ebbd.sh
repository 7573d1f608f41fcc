#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ebbd is killed, or stopped for longer than every deadline, at each step of a
# lease: the guest reads no wrong byte, and a successor finds all its memory.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

ebbd_is_stopped()
{
	[ "$(sed 's/.*) \(.\).*/\1/' "/proc/$EBBD_PID/stat")" = T ]
}

# begin_fault POINT:ACTION:COUNT: a reclaim that comes as far as that.
begin_fault()
{
	stop_ebbd
	EBB_FAULT=$1 start_ebbd
	wait_lease
	guest_populate 400
	ebbctl reclaim "$GUEST" --all >/dev/null 2>&1 &
	client=$!
}

killed()
{
	begin_fault "$1"
	wait_for 90 pid_gone "$EBBD_PID" || fail "$1 was never reached"
	wait "$client" "$EBBD_PID" 2>/dev/null
	EBBD_PID=
	# shellcheck disable=SC2119
	start_ebbd
	wait_lease
	whole_again "$1"
}

# Longer than the grant is good for, and than the guest waits for offers.
stopped()
{
	begin_fault "$1"
	wait_for 90 ebbd_is_stopped || fail "$1 was never reached"
	sleep 3
	kill -CONT "$EBBD_PID"
	wait "$client"
	wait_lease
	whole_again "$1"
}

# The hardest: the reset of the guest falls between the grant and the punch.
stopped_over_reset()
{
	begin_fault "$1"
	wait_for 90 ebbd_is_stopped || fail "$1 was never reached"
	verdict=$(churn_ends) || fail "$1: $verdict"
	virsh reset "$GUEST"
	wait_for 300 guest_run 10 '[ ! -e /run/churn ]' 2>/dev/null ||
		fail "$1: the guest did not come back"
	# Nearly all of its memory, so that a punch now would hit live data.
	guest_churn $((700 << 20)) 100
	wait_for 120 churn_verified_more $((700 << 20)) || fail "$1: churn does not get on"
	kill -CONT "$EBBD_PID"
	wait "$client"
	verdict=$(churn_ends) || fail "$1 and a reset: $verdict"
	ok "$1 and a reset: $verdict"
	wait_lease
	whole_again "$1 and a reset"
}

# The sandbox as everywhere, so that what is shown here is shown of ebbd.
is_confined()
{
	! grep -q 'cannot drop' "$RIG_DIR/log/ebbd.log" &&
		! grep -h '^Seccomp:' "/proc/$EBBD_PID/task"/*/status | grep -qv '2$'
}

use_faulty_ebbd
started_rig --memory 1024
check "ebbd is behind its sandbox" is_confined
guest_churn $((100 << 20))
if [ "${1:-}" = over-reset ]; then
	stopped_over_reset granted:stop:2
	# Here only the timer of host/lease/lapse.h knows better.
	stopped_over_reset checked:stop:2
else
	for point in taken granted checked punched resolved; do
		killed "$point:kill:2"
		stopped "$point:stop:2"
	done
fi
check "the guest's log is clean" dmesg_clean
