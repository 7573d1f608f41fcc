#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# In mid-reclaim the agent is killed, libvirtd is killed, and the guest as a whole
# stands still for longer than every deadline: the reclaim ends and says why, and
# the next one finds all memory and no wrong byte.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# Longer than any deadline of a lease, and than ebbd waits for the agent.
STILL_S=6

# after MS COMMAND...: of a reclaim's life, which at first is its start.
after()
{
	sleep "0.$(printf '%03d' "$1")"
	shift
	"$@" || fail "$*: exit $?"
}

# The guest does it itself, as the way there takes longer than a reclaim.
agent_dies()
{
	guest "(usleep $(($1 * 1000)); kill -9 \$(pidof ebb-agent)) >/dev/null 2>&1 &"
}

agent_killed()
{
	guest_populate 400
	agent_dies "$1"
	begin_reclaim --all
	end_reclaim 90
	ok "the agent killed after $1 ms: $ENDED"
	wait_for 10 guest '! pidof ebb-agent >/dev/null' || fail "the agent lives"
	guest "guest-start agent"
	wait_lease
	whole_again "the agent killed after $1 ms"
}

# Where the host wants more than is free, the agent has most to do.
agent_killed_in_drive()
{
	guest_cache 300
	agent_dies 1500
	begin_reclaim 600M --timeout 60s
	end_reclaim 90
	ok "the agent killed in a drive: $ENDED"
	guest "guest-start agent"
	wait_lease
	wait_own "the agent killed in a drive"
	guest "kill \$(cat /run/cache.pid)"
	whole_again "the agent killed in a drive"
}

libvirtd_killed()
{
	local daemon=$EBBD_PID

	# Enough that the reclaim is not over before.
	guest_populate 650
	begin_reclaim --all
	after "$1" kill -9 "$(cat /run/libvirtd.pid)"
	end_reclaim 60
	grep -q libvirtd <<<"$ENDED" || fail "libvirtd killed after $1 ms: $ENDED"
	ok "libvirtd killed after $1 ms: $ENDED"
	libvirtd -d 8>&- || fail "libvirtd did not start again"
	wait_for 20 libvirt_answers || fail "libvirtd does not answer"
	wait_lease
	pid_gone "$daemon" && fail "ebbd has ended"
	whole_again "libvirtd killed after $1 ms"
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

guest_stands_still()
{
	guest_populate 400
	begin_reclaim --all
	after "$2" "stop_by_$1"
	sleep $STILL_S
	check "$1: go on" "go_by_$1"
	end_reclaim 60
	ok "stopped by $1 after $2 ms, for $STILL_S s: $ENDED"
	wait_lease
	whole_again "stopped by $1 after $2 ms"
}

started_rig --memory 1024 --disk 300
guest_churn $((100 << 20))
agent_killed 60
agent_killed_in_drive
guest_stands_still signal 60
guest_stands_still libvirt 10
if [ -n "$RIG_LIBVIRT_STARTED" ]; then
	libvirtd_killed 30
else
	echo "# libvirtd was running before: not killed for a test"
fi
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
