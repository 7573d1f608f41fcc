#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A plain balloon takes and gives while memory is reclaimed and a free target
# stands: both go on, nothing is killed in the guest, and no byte is lost.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

balloon_moves()
{
	[ "$(balloon_mib)" != "$1" ]
}

# setmem MIB POINT: the reclaim waits there until the balloon is at work.
setmem()
{
	local before

	guest_populate 300
	before=$(balloon_mib)
	hold_reclaim "$2" 1 --all --free-only
	virsh setmem "$GUEST" "${1}M" --live >/dev/null || fail "setmem $1M: exit $?"
	wait_for 30 balloon_moves "$before" || fail "the balloon stays at $before MiB"
	release_reclaim
	end_reclaim 60
	went_on "the balloon leaves $1 MiB at $2"
	wait_for 240 balloon_is "$1" ||
		fail "the balloon leaves $(balloon_mib) of $1 MiB"
	ok "the balloon leaves $1 MiB"
	wait_lease
}

use_faulty_ebbd
started_rig --memory 1024 --balloon plain
marks=$(guest_marks)
guest_churn $((100 << 20))
set_target 150M
wait_raised 150 "a target"
watch_stalls
for point in taken resolved; do
	setmem 640 $point
	setmem 1024 $point
done
whole_again "the balloon is empty"
check "nothing was killed" no_kill
wait_raised 150 "the target stands"
set_target none
wait_for 30 marks_are "$marks" ||
	fail "the marks were '$marks' and are '$(guest_marks)'"
ok "the marks are those of before"
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
