# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The books of a guest's memory: of the host, and the guest's own.
: "${build:?}"

# The files behind a guest's RAM: "INODE PATH" each.
backing_paths()
{
	local pid

	pid=$(guest_pid) || return 1
	find "/proc/$pid/fd" \( -lname '/memfd:memory-backend*' \
		-o -lname '/memfd:*ram-node*' -o -lname '/memfd:pc.ram*' \
		-o -lname '*/hugepages/*/qemu/*' -o -lname '*/libvirt/qemu/ram/*' \
		-o -lname '*/qemu_back_mem.*' \) -print0 |
		xargs -0r stat -L -c '%i %n' | sort -u -k 1,1
}

# The same: "INODE BYTES-RESIDENT BYTES" each.
backing_files()
{
	local paths

	paths=$(backing_paths | cut -d ' ' -f 2) && [ -n "$paths" ] || return 1
	# shellcheck disable=SC2086 # one word a path
	stat -L -c '%i %b %B %s' $paths | awk '{ printf "%s %.0f %s\n", $1, $2 * $3, $4 }'
}

# "RESIDENT HOLES HUGE" of tests/bench/holes.c, in bytes.
backing_holes()
{
	backing_paths | cut -d ' ' -f 2 | xargs "$build/tests/bench/holes"
}

# "PRESENT ABSENT HUGE" of tests/bench/present.c, in bytes: what is in RAM.
backing_present()
{
	backing_paths | cut -d ' ' -f 1 |
		xargs "$build/tests/bench/present" "$(guest_pid)"
}

# What the host has given for a guest's RAM, by the host's own books.
backing_bytes()
{
	backing_files | awk '{ sum += $2 } END { printf "%.0f\n", sum }'
}

# What the guest's process has, in RAM and in swap: all of it the guest's but QEMU's own.
process_bytes()
{
	awk '/^(VmRSS|VmSwap):/ { sum += $2 } END { printf "%.0f\n", sum * 1024 }' \
		"/proc/$(guest_pid)/status"
}

# What of QEMU's process is in RAM, as the kernel counts it.
process_resident()
{
	awk '/^VmRSS:/ { printf "%.0f\n", $2 * 1024 }' "/proc/$(guest_pid)/status"
}

# process_swapped PATTERN: and what is in swap, of the mappings whose lines match, which
# are all for ".". VmSwap leaves out what is shared.
process_swapped()
{
	awk -v pattern="$1" '/^[0-9a-f]+-/ { counts = $0 ~ pattern }
		counts && $1 == "Swap:" { sum += $2 }
		END { printf "%.0f\n", sum * 1024 }' "/proc/$(guest_pid)/smaps"
}

# Free memory in blocks of 2 MiB and more, as the guest counts it.
guest_free_huge()
{
	guest "awk '{ sum += (\$14 + 2 * \$15) * 2097152 }
		END { printf \"%.0f\\n\", sum }' /proc/buddyinfo"
}
