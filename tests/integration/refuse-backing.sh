#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Memory that cannot be punched is refused: private, and a file on a disk.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

requires virsh socat jq
rig_init
libvirt_start
start_ebbd
for backing in private private-memfd file; do
	guest_boot --memory 768 --backing $backing
	wait_for 20 guest_is rung observe || fail "rung is $(guest_status rung)"
	guest_populate 300
	[ $backing = file ] && remedy='tmpfs' || remedy='shared memory'
	# A memfd that is mapped privately shrinks by itself, also without ebbd,
	# by some MiB a second; a reclaim here would be of hundreds.
	[ $backing = private-memfd ] && BOOKS_SLACK=$((64 << 20)) || BOOKS_SLACK=0
	refused 1 "$remedy" "$backing memory" ebbctl reclaim "$GUEST" --all
	check "the guest's log is clean" dmesg_clean
	guest_remove "$GUEST"
done
