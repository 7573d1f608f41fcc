#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A plain balloon takes and gives while memory is reclaimed and a free target
# stands: both go on, nothing is killed in the guest, and no byte is lost. ebbd names
# what the balloon holds, and a part of the guest's memory is of the rest.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

balloon_moves()
{
	[ "$(balloon_mib)" != "$1" ]
}

# told MIB: ebbd says that the balloon holds all but that.
told()
{
	ebbctl_json show "$GUEST" |
		jq -e --argjson bytes $(((1024 - $1) << 20)) '.["balloon-known"]
			and .["balloon-bytes"] == $bytes' >/dev/null
}

# names_it COMMAND TEXT
names_it()
{
	ebbctl "$1" "$GUEST" | grep -q "$2" ||
		fail "$1 does not name the balloon: $(ebbctl "$1" "$GUEST")"
}

# Of 1024 MiB it holds 384 now.
balloon_is_named()
{
	local asked

	set_target 25%
	asked=$(ebbctl_json show "$GUEST" | jq '.["target-bytes"]')
	between $((159 << 20)) "$asked" $((160 << 20)) ||
		fail "a quarter of 640 MiB is asked for as $asked bytes"
	ok "a part is of what the balloon leaves"
	ebbctl list | grep -q ' Balloon ' || fail "no balloon: $(ebbctl list)"
	names_it show 'Balloon  *384.0 MiB'
	names_it doctor 'A balloon holds 384.0 MiB'
	names_it explain 'a balloon holds 384.0 MiB more'
	ok "list, show, doctor and explain name the balloon"
	names_it explain "384.0 MiB of that it may have back at any moment"
	ok "what its definition does not ask of it is owed"
	set_target 150M
}

# setmem MIB POINT: the reclaim waits there until the balloon is at work.
setmem()
{
	local before

	guest_populate 300
	before=$(balloon_mib)
	hold_reclaim "$2" 1 --all --free-only
	virsh setmem "$GUEST" "${1}M" --live >/dev/null || fail "setmem $1M: exit $?"
	wait_for 90 balloon_moves "$before" || fail "the balloon stays at $before MiB"
	release_reclaim
	end_reclaim 90
	went_on "the balloon leaves $1 MiB at $2"
	wait_for 240 balloon_is "$1" ||
		fail "the balloon leaves $(balloon_mib) of $1 MiB"
	ok "the balloon leaves $1 MiB"
	wait_for 90 told "$1" ||
		fail "ebbd does not say so: $(ebbctl_json show "$GUEST")"
	ok "ebbd says so"
	wait_lease
}

requires virsh socat jq
use_faulty_ebbd
started_rig --memory 1024 --balloon plain
marks=$(guest_marks)
guest_churn $((100 << 20))
set_target 150M
wait_raised 150 "a target"
watch_stalls
for point in taken resolved; do
	setmem 640 $point
	[ $point != taken ] || balloon_is_named
	setmem 1024 $point
done
whole_again "the balloon is empty"
check "nothing was killed" no_kill
wait_raised 150 "the target stands"
set_target none
wait_for 90 marks_are "$marks" ||
	fail "the marks were '$marks' and are '$(guest_marks)'"
ok "the marks are those of before"
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
