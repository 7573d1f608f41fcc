#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Whoever goes, by order or by a kill, the kernel's own watermarks come back; and
# where the kernel computes new ones, a target is kept over the new ones.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lows()
{
	guest_marks | cut -d ' ' -f 1-3
}

lows_moved()
{
	[ "$(lows)" != "$before" ]
}

raised_over_new()
{
	lows_moved && marks_are_raised 300
}

started_rig --memory 1024
marks=$(guest_marks)
check "the marks are the kernel's own before" marks_are_own
set_target 300M
wait_raised 300 "a target"
check "LOW and MIN are left alone" [ "$(lows)" = "$(cut -d ' ' -f 1-3 <<<"$marks")" ]

before=$(lows)
kib=$(guest "cat /proc/sys/vm/min_free_kbytes")
guest "echo $((kib + 4096)) >/proc/sys/vm/min_free_kbytes"
wait_for 90 raised_over_new ||
	fail "min_free_kbytes written: raised by $(marks_raised_mib) MiB, marks '$(guest_marks)'"
new=$(lows)
ok "new marks of the kernel, and HIGH is raised over them"
set_target none
wait_for 90 marks_are_own || fail "target none: raised by $(marks_raised_mib) MiB"
check "target none: the kernel's own, which are the new ones" [ "$(lows)" = "$new" ]
marks=$(guest_marks)

set_target 300M
wait_raised 300 "set again"
check "rmmod" guest_run 120 "rmmod ebb"
# By then the agent may have turned to the kernel's own knobs, which move all.
check "rmmod: HIGH is the kernel's own at once" marks_are_own
guest "guest-start module"
wait_raised 300 "module loaded again"

guest "kill -9 \$(cat /run/ebb-agent.started)"
check "the agent is killed: raised yet" marks_are_raised 300
wait_own "the agent is killed, and its lease over"
guest "guest-start agent"
wait_raised 300 "agent started again"

kill -9 "$EBBD_PID"
check "ebbd is killed: raised yet" marks_are_raised 300
wait_own "ebbd is killed, and its lease over"
check "the marks are those of before" marks_are "$marks"
check "the guest's log is clean" dmesg_clean
