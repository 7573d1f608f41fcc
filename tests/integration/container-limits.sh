#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A container that is killed at its own limit again and again, and one that
# thrashes at it, are not the guest: its target stands beside them.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=${EBB_LIMIT_SECONDS:-35}
rounds=${EBB_LIMIT_ROUNDS:-1}

# Killed at 32 MiB each ten seconds, in a cgroup that is new each time.
start_killed()
{
	guest 'mkdir -p /run/cgroup/pods
		echo +memory >/run/cgroup/cgroup.subtree_control
		echo +memory >/run/cgroup/pods/cgroup.subtree_control
		while :; do
			mkdir /run/cgroup/pods/killed
			echo 32M >/run/cgroup/pods/killed/memory.max
			sh -c "echo 0 >/run/cgroup/pods/killed/cgroup.procs
				exec fill 200"
			sleep 1
			rmdir /run/cgroup/pods/killed
			sleep 9
		done >/run/killed.out 2>&1 &
		echo $! >/run/killed.pid'
}

# The agent has the processor for 50 ms of 150, as in a guest with much to do: it
# reads no two counters at one moment.
start_slices()
{
	# shellcheck disable=SC2016 # the guest's shell expands it
	guest 'agent=$(cat /run/ebb-agent.started)
		while :; do
			kill -STOP $agent; usleep 100000
			kill -CONT $agent; usleep 50000
		done >/run/slices.out 2>&1 &
		echo $! >/run/slices.pid'
}

end_slices()
{
	# shellcheck disable=SC2016 # the guest's shell expands it
	guest 'kill $(cat /run/slices.pid); kill -CONT $(cat /run/ebb-agent.started)'
}

# Reads 64 MiB of the disk for ever, and may keep 24 of it.
start_thrashing()
{
	guest 'mkdir -p /run/cgroup/pods/thrashing
		echo 24M >/run/cgroup/pods/thrashing/memory.max
		sh -c "echo 0 >/run/cgroup/pods/thrashing/cgroup.procs
			exec 3</dev/vda
			while :; do
				dd if=/dev/vda of=/dev/null bs=1M skip=200 count=64
			done" >/run/thrashing.out 2>&1 &
		echo $! >/run/thrashing.pid'
}

# What the target of the round before had freed is there to be freed again.
cache_again()
{
	guest "kill \$(cat /run/cache.pid)"
	guest_cache 150
}

end_containers()
{
	# shellcheck disable=SC2016 # the guest's shell expands it
	guest 'kill $(cat /run/killed.pid /run/thrashing.pid)
		sleep 1
		for group in killed thrashing; do
			kill $(cat /run/cgroup/pods/$group/cgroup.procs)
		done 2>/dev/null
		true'
}

pages_thrashed()
{
	guest "awk '/^workingset_refault_/ { sum += \$2 }
		END { print sum + 0 }' /run/cgroup/pods/thrashing/memory.stat"
}

has_thrashed()
{
	[ "$(pages_thrashed)" -gt 8192 ]
}

# What is kept and why it is less, as the host has it, must not change at all.
target_stands()
{
	local state end=$((SECONDS + seconds))

	while [ $SECONDS -lt $end ]; do
		state=$(ebbctl_json show "$GUEST" | jq -r \
			'"\(."target-effective-bytes" // 0) \(."target-reason" // "") \(."drop-count" // 0)"')
		[ "$state" = "$1" ] || {
			echo "'$state' instead of '$1', $((end - SECONDS)) s before the end"
			return 1
		}
		sleep 1
	done
}

requires virsh socat jq
rig_init
libvirt_start
guest_boot --memory 1024 --disk 300 "$@"
OWN_KNOBS=$(guest_knobs)
# shellcheck disable=SC2119
start_ebbd
[ "${EBB_LIMIT_LEASE:-1}" = 0 ] || wait_lease
guest_cache 150
start_killed
start_thrashing
wait_for 90 has_thrashed || fail "no refaults: $(guest 'cat /run/thrashing.out')"
for round in $(seq "$rounds"); do
	[ "$round" = 1 ] || cache_again
	watch_stalls
	thrashed=$(pages_thrashed)
	stolen=$(guest_vmstat pgsteal_kswapd)
	# A part of the cache has to go for it.
	target=$(($(guest_free_huge) + (64 << 20) >> 20))
	set_target ${target}M
	[ "${EBB_LIMIT_SLICES:-0}" = 0 ] || start_slices
	check "round $round: the target of $target MiB stands for $seconds s" \
		target_stands "$((target << 20))  $(guest_number drop-count)"
	[ $(($(guest_vmstat pgsteal_kswapd) - stolen)) -gt 4096 ] ||
		fail "kswapd freed nothing for it: $(ebbctl show "$GUEST")"
	check "meanwhile it was killed for its limit" \
		[ "$(guest_vmstat oom_kill)" -gt "$KILLS" ]
	thrashed=$(($(pages_thrashed) - thrashed))
	check "meanwhile $thrashed pages came back at a limit" \
		at_least $thrashed 8192
	check "no allocation stalled" no_stall
	[ "${EBB_LIMIT_SLICES:-0}" = 0 ] || end_slices
	set_target none
	wait_own "round $round"
done
end_containers
dmesg_clean_but_kills()
{
	local found

	found=$(guest "dmesg" | grep -E 'BUG:|WARNING:|Oops|blocked for more than|Bad page|soft lockup|rcu.*stall')
	[ -z "$found" ] || { echo "$found"; return 1; }
	! guest "dmesg" | grep "Out of memory: "
}
check "the guest's log is clean, and no kill is the guest's own" dmesg_clean_but_kills
