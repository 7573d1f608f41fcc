# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Huge pages for guests: the pool of the host, and a tmpfs.

# Makes room for $1 MiB of 2 MiB pages beside those in use or promised; given back
# at the end. Never takes one away: what a guest has lent may be in the pool. The
# pool is this rig's alone until it ends.
hugepages_reserve()
{
	local want before pool=/sys/kernel/mm/hugepages/hugepages-2048kB

	[ -n "$RIG_HUGEPAGES" ] || [ ! -d $pool ] ||
		{ exec 7<$pool && flock 7; } || rig_die "cannot lock $pool"
	before=$(cat /proc/sys/vm/nr_hugepages 2>/dev/null) ||
		rig_skip "the host's kernel has no huge pages"
	RIG_HUGEPAGES=${RIG_HUGEPAGES:-$before}
	want=$((before - $(hugepages_free) + $1 / 2))
	[ "$(sed -n 's/^Hugepagesize: *\([0-9]*\) kB/\1/p' /proc/meminfo)" = 2048 ] ||
		rig_skip "the host's huge pages are not of 2 MiB"
	[ "$want" -gt "$before" ] || return 0
	echo 1 >/proc/sys/vm/compact_memory 2>/dev/null
	echo "$want" >/proc/sys/vm/nr_hugepages 2>/dev/null
	[ "$(cat /proc/sys/vm/nr_hugepages)" -ge "$want" ] ||
		rig_skip "the host has no $1 MiB of huge pages to give"
}

# Pages of the pool that are neither in use nor promised.
hugepages_free()
{
	awk '$1 == "HugePages_Free:" { free = $2 } $1 == "HugePages_Rsvd:" { rsvd = $2 }
		END { print free - rsvd }' /proc/meminfo
}

# A tmpfs, $RIG_DIR/ram, that gives transparent huge pages to who asks, as QEMU
# does.
huge_tmpfs()
{
	[ ! -d "$RIG_DIR/ram" ] || return 0
	mkdir "$RIG_DIR/ram"
	mount -t tmpfs -o huge=advise,mode=1777 ebb "$RIG_DIR/ram" || {
		rmdir "$RIG_DIR/ram"
		rig_skip "the host's tmpfs has no transparent huge pages"
	}
}
