# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A slice: a cgroup with a limit of memory that several guests are in; and the cgroup of one
# guest.

SLICE=
SLICE_LIMIT= # the file with its limit
# A limit that never holds.
# shellcheck disable=SC2034 # of who sources this
SLICE_FREE=$((1 << 40))

cgroup_hierarchies()
{
	awk '$3 ~ /^cgroup/ { print $2 }' /proc/mounts
}

# For guest_define --partition "$SLICE". In each hierarchy: libvirt puts guests into a
# partition, but makes none. It has no limit yet.
slice_make()
{
	local hierarchy directory

	SLICE=/ebb-${RIG_DIR##*.}
	while read -r hierarchy; do
		directory=$hierarchy$SLICE.partition
		mkdir "$directory" 2>/dev/null || continue
		[ ! -e "$directory/cpuset.cpus" ] || {
			cat "$hierarchy/cpuset.cpus" >"$directory/cpuset.cpus"
			cat "$hierarchy/cpuset.mems" >"$directory/cpuset.mems"
		} 2>/dev/null
		if [ -e "$directory/memory.limit_in_bytes" ]; then
			SLICE_LIMIT=$directory/memory.limit_in_bytes
		elif [ -e "$directory/memory.max" ]; then
			SLICE_LIMIT=$directory/memory.max
		fi
	done < <(cgroup_hierarchies)
	[ -n "$SLICE_LIMIT" ] || rig_skip "no cgroup with a limit of memory can be made here"
}

slice_remove()
{
	local hierarchy

	[ -n "$SLICE" ] || return 0
	while read -r hierarchy; do
		[ ! -d "$hierarchy$SLICE.partition" ] ||
			find "$hierarchy$SLICE.partition" -depth -type d \
				-exec rmdir {} \; 2>/dev/null
	done < <(cgroup_hierarchies)
	SLICE=
}

# libvirt takes one of systemd's, where that runs.
slice_has_guest()
{
	grep -q ":$SLICE.partition/" "/proc/$(guest_pid)/cgroup"
}

# The file that limits the memory of QEMU, of either kind of cgroups.
qemu_limit_file()
{
	local pid path

	pid=$(cat "/run/libvirt/qemu/$GUEST.pid")
	path=$(sed -n 's/^[0-9]*:memory://p' "/proc/$pid/cgroup")
	if [ -n "$path" ]; then
		echo "/sys/fs/cgroup/memory$path/memory.limit_in_bytes"
		return
	fi
	path=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
	echo "/sys/fs/cgroup$path/memory.max"
}

# cgroup_used DIRECTORY: bytes that it has, but for page cache of the host's that the kernel
# takes first.
cgroup_used()
{
	local usage=$1/memory.usage_in_bytes

	[ -e "$usage" ] || usage=$1/memory.current
	awk -v usage="$(cat "$usage")" '
		{ sub(/^total_/, "", $1); bytes[$1] = $2 }
		END { printf "%.0f\n", usage - bytes["inactive_file"] - bytes["active_file"] / 2 }
		' "$1/memory.stat"
}

slice_used()
{
	cgroup_used "${SLICE_LIMIT%/*}"
}

# slice_limit BYTES
slice_limit()
{
	echo "$1" >"$SLICE_LIMIT" || rig_skip "$SLICE_LIMIT cannot be written"
}

# What the kernel killed in it and in the cgroups that are or were below it, by version 2;
# by version 1 each counts its own, and libvirt removes that of a guest that has died.
slice_kills()
{
	local directory=${SLICE_LIMIT%/*} depth=()

	[ ! -e "$directory/memory.events" ] || depth=(-maxdepth 1)
	find "$directory" "${depth[@]}" \( -name memory.oom_control -o -name memory.events \) \
		-exec awk '$1 == "oom_kill" { print $2 }' {} + |
		awk '{ sum += $1 } END { print sum + 0 }'
}
