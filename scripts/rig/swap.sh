# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Swap of the host's. The kernel has it, so all tests that run have it; but rig-world
# hides it from what a test starts, so that a guest is on the same rung on any machine.
# One that asks sees it.

RIG_SWAP=

# swap_begin MIB: a file of so many, which is there until the rig ends. It is seen after
# swap_show alone.
swap_begin()
{
	local file

	file=$(mktemp /var/tmp/ebb-swap.XXXXXX)
	RIG_SWAP=$file
	dd if=/dev/zero of="$file" bs=1M count="$1" status=none ||
		rig_skip "no room for a swap file of $1 MiB"
	chmod 600 "$file"
	{ mkswap "$file" >/dev/null && swapon "$file" 2>/dev/null; } ||
		rig_skip "no swap file can be used here"
}

# What a test starts sees the host's swap.
swap_show()
{
	! mountpoint -q /proc/swaps || umount /proc/swaps
}

# With the guests gone there is little to bring back.
swap_end()
{
	[ -n "$RIG_SWAP" ] || return 0
	swapoff "$RIG_SWAP" 2>/dev/null
	rm -f "$RIG_SWAP"
	RIG_SWAP=
}
