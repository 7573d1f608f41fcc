#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# In mid-reclaim the agent is killed, libvirtd is killed, and the guest as a whole
# stands still for longer than every deadline: the reclaim ends and says why, and
# the next one finds all memory and no wrong byte.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# Longer than any deadline of a lease, and than ebbd waits for the agent.
STILL_S=6

agent_is_gone()
{
	guest '! pidof ebb-agent >/dev/null'
}

kill_agent()
{
	guest "kill -9 \$(pidof ebb-agent)"
	wait_for 90 agent_is_gone || fail "the agent lives"
}

# The session goes on without it, for as long as the host does.
agent_killed()
{
	guest_populate 400
	hold_reclaim "$1" "$2" --all --free-only
	kill_agent
	release_reclaim
	end_reclaim 90
	if was_held_too_long && [[ $ENDED != "exit 0:"* ]]; then
		check_ended 1 'does not answer in its ring|No ebb-agent' \
			"the agent killed at $1 $2, the host away for $HELD_MS ms"
	else
		check_ended 0 drained "the agent killed at $1 $2"
		check "what the module had was given: $(mib "$(result reclaimed-bytes)")" \
			at_least "$(result reclaimed-bytes)" $((100 << 20))
	fi
	guest "guest-start agent"
	wait_lease
	whole_again "the agent killed at $1 $2"
}

is_driven()
{
	marks_are_raised 100 || pid_gone "$CLIENT"
}

# Where the host wants more than is free, the agent has most to do.
agent_killed_in_drive()
{
	guest_cache 300
	begin_reclaim 600M --timeout 60s
	wait_for 90 is_driven || fail "it was never driven: $(marks_raised_mib) MiB"
	! pid_gone "$CLIENT" || fail "it was over: $(cat "$RIG_DIR/run/client")"
	kill_agent
	end_reclaim 90
	# A session that begins notices it, or a target that is to be renewed.
	if [[ $ENDED = "exit 4: "* ]]; then
		check_ended 4 guest-refused "the agent killed in a drive"
		check "and it says that nobody answers" \
			[ "$(result refused-reason)" = no-answer ]
	else
		check_ended 1 'No ebb-agent' "the agent killed in a drive"
	fi
	guest "guest-start agent"
	wait_lease
	wait_own "the agent killed in a drive"
	guest "kill \$(cat /run/cache.pid)"
	whole_again "the agent killed in a drive"
}

libvirtd_killed()
{
	local daemon=$EBBD_PID pid

	guest_populate 400
	hold_reclaim "$1" "$2" --all
	pid=$(cat /run/libvirtd.pid)
	kill -9 "$pid"
	wait_for 90 pid_gone "$pid" || fail "libvirtd lives"
	release_reclaim
	end_reclaim 90
	check_ended 1 'LibvirtGone' "libvirtd killed at $1 $2"
	libvirt_again
	wait_lease
	pid_gone "$daemon" && fail "ebbd has ended"
	whole_again "libvirtd killed at $1 $2"
}

# By libvirt, which says so, or by a signal, which nobody sees.
stop_by_signal()
{
	kill -STOP "$(guest_pid)"
}

go_by_signal()
{
	kill -CONT "$(guest_pid)"
}

stop_by_libvirt()
{
	virsh suspend "$GUEST" >/dev/null
}

go_by_libvirt()
{
	virsh resume "$GUEST" >/dev/null
}

# guest_stands_still HOW PATTERN POINT COUNT
guest_stands_still()
{
	guest_populate 400
	hold_reclaim "$3" "$4" --all
	check "$1: stop at $3 $4" "stop_by_$1"
	release_reclaim
	end_reclaim 90
	check_ended 1 "$2" "stopped by $1 at $3 $4"
	sleep $STILL_S
	check "$1: go on" "go_by_$1"
	wait_lease
	whole_again "stopped by $1 at $3 $4, for more than $STILL_S s"
}

use_faulty_ebbd
started_rig --memory 1024 --disk 300
guest_churn $((100 << 20))
agent_killed resolved 1
agent_killed taken 2
agent_killed_in_drive
guest_stands_still signal 'does not answer in its ring' granted 1
guest_stands_still libvirt 'stopped|paused' granted 2
if [ -n "$RIG_LIBVIRT_STARTED" ]; then
	libvirtd_killed resolved 1
else
	echo "# libvirtd was running before: not killed for a test"
fi
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
