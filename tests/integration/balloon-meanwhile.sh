#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A plain balloon takes and gives while memory is reclaimed and a free target
# stands: both go on, nothing is killed in the guest, and no byte is lost.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# setmem MIB MS: so long after a reclaim began.
setmem()
{
	guest_populate 300
	begin_reclaim --all
	sleep "0.$(printf '%03d' "$2")"
	virsh setmem "$GUEST" "${1}M" --live >/dev/null || fail "setmem $1M: exit $?"
	end_reclaim 60
	ok "the balloon leaves $1 MiB, a reclaim meanwhile: $ENDED"
	wait_for 60 balloon_is "$1" ||
		fail "the balloon leaves $(balloon_mib) of $1 MiB"
	wait_lease
}

started_rig --memory 1024 --balloon plain
marks=$(guest_marks)
guest_churn $((100 << 20))
set_target 150M
wait_raised 150 "a target"
watch_stalls
for ms in 10 80; do
	setmem 640 $ms
	setmem 1024 $ms
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
