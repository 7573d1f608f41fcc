#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest of 16 GiB whose QEMU is killed: ebbd is the last who has its memory open.
# To close it frees gigabytes, which takes longer than the event loop may be away,
# and is done beside it.
#
# The guest has no system, is paused, and its memory is made resident from outside:
# as much as there is room for beside the tests that run at the same time.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/rig/bare.sh
. "$source_dir/scripts/rig/bare.sh"

GUEST_MIB=16384
RESIDENT_MIB_MIN=4096
RESIDENT_MIB_MAX=8192
# Left to the host, for whatever else it runs.
SPARE_MIB=6144
# What is freed in less is too little to tell the loop from a worker.
FREED_MS_MIN=60

available_mib()
{
	awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo
}

# Nanoseconds that a thread of ebbd's has had of a CPU, the event loop's or all.
loop_ns()
{
	cut -d ' ' -f 1 "/proc/$EBBD_PID/task/$EBBD_PID/schedstat"
}

workers_ns()
{
	cat /proc/"$EBBD_PID"/task/*/schedstat |
		awk -v loop="$(loop_ns)" '{ sum += $1 } END { printf "%.0f\n", sum - loop }'
}

# The pids that have an inode of memory open or mapped.
holders()
{
	local dir

	for dir in /proc/[0-9]*; do
		! stat -L -c %i "$dir"/fd/* 2>/dev/null | grep -qx "$1" ||
			echo "${dir#/proc/}"
	done | sort -n
}

# Files of guest memory that ebbd has open.
has_none_open()
{
	! find "/proc/$EBBD_PID/fd" -lname '*memory-backend*' 2>/dev/null | grep -q .
}

has_one_open()
{
	! has_none_open
}

requires virsh socat jq
rig_init
resident=$(($(available_mib) - SPARE_MIB))
[ "$resident" -ge $RESIDENT_MIB_MIN ] ||
	rig_skip "needs $((RESIDENT_MIB_MIN + SPARE_MIB)) MiB of memory that is available"
[ "$resident" -le $RESIDENT_MIB_MAX ] || resident=$RESIDENT_MIB_MAX
libvirt_start
GUEST=ebbtest-${RIG_DIR##*.}-large
bare_xml "$GUEST" $GUEST_MIB shared org.ebb.agent.0 >"$RIG_DIR/$GUEST.xml"
virsh create --paused "$RIG_DIR/$GUEST.xml" >/dev/null || fail "virsh create"
RIG_GUESTS+=("$GUEST")
# shellcheck disable=SC2119
start_ebbd
wait_for 90 has_one_open || fail "ebbd does not open its memory: $(ebbctl show "$GUEST")"

qemu=$(guest_pid)
read -r inode path < <(backing_paths)
fallocate -l "${resident}MiB" "$path" || fail "no memory to fill it with"
at_least "$(backing_bytes)" $((resident << 20)) || fail "resident are $(backing_bytes)"
[ "$(holders "$inode")" = "$(printf '%s\n' "$qemu" "$EBBD_PID" | sort -n)" ] ||
	fail "others have it open: $(holders "$inode" | xargs), not $qemu and $EBBD_PID alone"
ok "a guest of $GUEST_MIB MiB, $resident resident, which QEMU and ebbd have open"

workers=$(workers_ns)
loop=$(loop_ns)
kill -KILL "$qemu" || fail "no QEMU to kill"
wait_for 90 pid_gone "$qemu" || fail "it does not end"
for _ in 1 2 3; do
	within 1 "list, while it is freed" ebbctl list
done
wait_for 120 has_none_open || fail "ebbd keeps the memory of a guest that is dead"
workers=$((($(workers_ns) - workers) / 1000000))
loop=$((($(loop_ns) - loop) / 1000000))
loop_was_there
at_least $((workers + loop)) $FREED_MS_MIN ||
	rig_skip "$resident MiB are freed in $workers ms here: it shows nothing"
at_least $workers $((5 * loop)) ||
	fail "it was freed by the event loop: $loop ms, the workers $workers"
ok "to free it took a worker $workers ms of a CPU, the event loop had $loop"
