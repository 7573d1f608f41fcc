#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The guest needs memory that a batch has out, while its host is stopped: the
# session ends for the guest's need, and an OOM waits for the batch instead of
# killing. Of a host that is dead it waits once, and not for ever.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

use_faulty_ebbd

ebbd_is_stopped()
{
	[ "$(sed 's/.*) \(.\).*/\1/' "/proc/$EBBD_PID/stat")" = T ]
}

# What the guest can give without reclaim, beside the batch that is out.
free_mib()
{
	guest "awk '\$1 == \"MemFree:\" { print int(\$2 / 1024) }' /proc/meminfo"
}

console_says()
{
	grep -qa "$1" "$RIG_DIR/log/$GUEST.console"
}

# Who waits for the host in the guest's kernel.
pollers()
{
	# shellcheck disable=SC2016 # the guest's shell expands it
	guest 'for task in $(grep -l ebb_batch_run /proc/[0-9]*/stack 2>/dev/null); do
		cat "${task%stack}comm"
	done'
}

# A worker of one processor would have all other work of that wait.
polls_unbound()
{
	[[ $(pollers) = kworker/u* ]]
}

# begin_fault POINT:ACTION: a reclaim that comes as far as that.
begin_fault()
{
	stop_ebbd
	EBB_FAULT=$1 start_ebbd
	wait_lease
	guest_populate 350
	begin_reclaim --all
}

# grow_beyond MIB: the guest wants so much more than is free, in the background.
grow_beyond()
{
	local want

	want=$(($(free_mib) + $1))
	guest_run 120 "grow $want" >"$RIG_DIR/run/grown" 2>&1 &
	GROW=$!
	echo "   the guest grows by $want MiB"
}

grown_is_well()
{
	wait "$GROW" || fail "$1: grow gave $?: $(cat "$RIG_DIR/run/grown")"
	ok "$1: it has grown"
}

# What ended the session the guest alone knows: its host was stopped.
session_ended_for_pressure()
{
	[ "$(guest "ask-module state")" = 8 ]
}

ends_for_pressure()
{
	end_reclaim 90
	wait_for 90 session_ended_for_pressure ||
		fail "$1: session state $(guest "ask-module state"), $ENDED"
	ok "$1: the guest ended the session for its need"
}

started_rig --memory 768 --cmdline loglevel=6
watch_stalls

begin_fault granted:stop
wait_for 90 ebbd_is_stopped || fail "granted was never reached"
wait_for 90 polls_unbound || fail "'$(pollers)' polls"
ok "a batch is polled by a worker that no other work waits for"
grow_beyond 40
wait_for 90 console_says 'MiB are with the host, waiting' ||
	fail "no OOM came to it: $(cat "$RIG_DIR/run/grown")"
kill -CONT "$EBBD_PID"
grown_is_well "an OOM while a batch is out"
ends_for_pressure "an OOM while a batch is out"
check "nothing was killed" no_kill
check "the host was in time" eval "! console_says 'the host keeps'"
check "the guest's log is clean" dmesg_clean
wait_lease
whole_again "an OOM while a batch is out"

begin_fault granted:kill
wait_for 90 pid_gone "$EBBD_PID" || fail "granted was never reached"
wait "$CLIENT" "$EBBD_PID" 2>/dev/null
EBBD_PID=
grow_beyond 40
wait_for 90 console_says 'the host keeps' || fail "no OOM came to it"
wait "$GROW" && fail "it has grown beyond its memory"
no_kill && fail "nobody was killed: $(cat "$RIG_DIR/run/grown")"
ok "a dead host: the guest waited, then killed who grew"
# shellcheck disable=SC2119
start_ebbd
wait_lease
whole_again "a dead host"
