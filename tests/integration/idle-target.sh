#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A target that is held costs the guest next to nothing: its kernel's daemons and
# the agent sleep.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=${EBB_IDLE_SECONDS:-30}

agent_switches()
{
	guest "awk '\$1 == \"voluntary_ctxt_switches:\" { print \$2 }' \
		/proc/\$(cat /run/ebb-agent.started)/status"
}

started_rig --memory 1024 --disk 700
guest_cache 700
set_target 500M
wait_for 120 guest_is target-state held ||
	fail "target-state is $(guest_status target-state): $(ebbctl show "$GUEST")"
ok "500 MiB are held, $(mib "$(guest_free_huge)") free in huge ranges"

# What it still does to get there is not of the idle.
sleep 5
ticks=$(guest_daemon_ticks)
switches=$(agent_switches)
sleep "$seconds"
ticks=$(($(guest_daemon_ticks) - ticks))
switches=$(($(agent_switches) - switches))
check "kswapd and kcompactd had $ticks ticks of $((seconds * 100))" \
	at_most $ticks $((seconds / 2 + 2))
# A renewal each 24 s wakes it: the message, and the port's edge at the answer;
# each 5 minutes it is asked for its facts as well. In the long run that is less
# than once in 10 s; a thing that ticks does more.
check "the agent slept $switches times in $seconds s" \
	at_most $switches $((seconds / 10 + 3))
check "the target is held" guest_is target-state held
check "the guest's log is clean" dmesg_clean
