#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ebbd dies in mid-reclaim, and none follows: the guest takes back what it had
# offered and what was TAKEN, and what was GRANTED, at most 32 ranges, is held from
# it until there is another ebbd. Measured in the guest.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# 32 ranges of 4 MiB, and one.
BATCH_MIB=128
RANGE_MIB=2
# What else a guest that does nothing takes or frees.
SLACK_MIB=12

guest_free_mib()
{
	guest "awk '\$1 == \"MemFree:\" { print int(\$2 / 1024) }' /proc/meminfo"
}

held_mib()
{
	echo $((free - $(guest_free_mib)))
}

nothing_is_held()
{
	[ "$(held_mib)" -le $SLACK_MIB ]
}

# killed_at POINT COUNT: where nobody follows.
killed_at()
{
	guest_populate 400
	free=$(guest_free_mib)
	hold_reclaim "$1" "$2" --all --free-only
	# The shell is not to tell of it.
	disown "$EBBD_PID"
	kill -9 "$EBBD_PID"
	wait_for 90 pid_gone "$EBBD_PID" || fail "ebbd lives"
	EBBD_PID=
	end_reclaim 90
	check_ended '[1-9]' '' "ebbd killed at $1 $2"
	rm "$RIG_DIR/run/hold"
}

is_whole_with_successor()
{
	# shellcheck disable=SC2119
	start_ebbd
	wait_lease
	wait_for 90 nothing_is_held ||
		fail "$1: $(held_mib) MiB are held with a successor"
	ok "$1: nothing is held with a successor"
	whole_again "$1"
}

use_faulty_ebbd
started_rig --memory 1024

# The second batch: nothing is granted yet, as the thread waits before it looks.
killed_at resolved 1
wait_for 90 nothing_is_held ||
	fail "OFFERED: $(held_mib) MiB are held, $free were free: $(guest dmesg | tail -n 3)"
ok "OFFERED: revoked without a successor, $(held_mib) MiB are not free that were"
is_whole_with_successor OFFERED

# Longer than the guest waits for what it offered, many times over.
killed_at granted 1
sleep 8
held=$(held_mib)
between $RANGE_MIB "$held" $((BATCH_MIB + SLACK_MIB)) ||
	fail "GRANTED: $held MiB are held, of $RANGE_MIB to $BATCH_MIB"
ok "GRANTED: $held MiB are held without a successor"
sleep 4
again=$(held_mib)
between $((held - SLACK_MIB)) "$again" $((held + SLACK_MIB)) ||
	fail "GRANTED: $again MiB are held, $held were"
ok "and neither more nor less later"
is_whole_with_successor GRANTED
check "the guest's log is clean" dmesg_clean
