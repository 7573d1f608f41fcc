#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest of gigabytes whose QEMU is killed: ebbd is the last who has its memory
# open, lets go of it at once, on rung lease as on rung observe, and its loop goes
# on meanwhile.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# On the loop's thread, to free the guest would take longer than that: 1.5 GiB of
# small pages are a third of a second on a fast machine. A loop that does not wait
# shows up to 180 ms on a busy one, see scripts/rig/bare.sh.
AWAY_US=250000

# Files of guest memory that ebbd has open.
open_files()
{
	find "/proc/$EBBD_PID/fd" -lname '*memory-backend*' 2>/dev/null | wc -l
}

has_none_open()
{
	[ "$(open_files)" = 0 ]
}

away_us()
{
	ebbctl_json version | jq '.ebbd["loop-away-max-us"]'
}

# dies RUNG: the guest, whose memory is resident, and which ebbd has open.
dies()
{
	local after

	guest_populate 1600
	at_least "$(open_files)" 1 || fail "rung $1: ebbd has none of its memory open"
	kill -KILL "$(guest_pid)" || fail "no QEMU to kill"
	wait_for 90 has_none_open ||
		fail "rung $1: ebbd keeps the memory of a guest that is dead"
	ok "rung $1: ebbd let go of a dead guest's memory"
	after=$(away_us)
	at_most "$after" $AWAY_US ||
		fail "rung $1: the loop was away for $after us: $(ebbctl_json version)"
	ok "rung $1: the loop was away for $after us at most"
}

started_rig --memory 2048
dies lease

wait_for 90 guest_is_off || fail "libvirt did not hear that the guest died"
virsh start "$GUEST" >/dev/null || fail "virsh start"
guest_wait
wait_lease
guest "rmmod ebb" || fail "rmmod"
wait_for 90 guest_is rung observe || fail "rung is $(guest_status rung)"
dies observe
