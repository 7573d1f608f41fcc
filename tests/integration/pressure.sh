#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A target that does not fit beside the guest's working set: the guest keeps less
# free than it was told to, says so, and its work goes on.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

settle=${EBB_SETTLE_SECONDS:-180}

work_reports()
{
	guest '[ -s /run/work ]'
}

# Bytes a second, over about 3 s.
work_speed()
{
	guest "cat /run/work; sleep 3; cat /run/work" | xargs |
		awk '{ us = $6 - $3
			printf "%.0f\n", us ? ($5 - $2) * 1e6 / us : 0 }'
}

reason()
{
	ebbctl_json show "$GUEST" | jq -r '."target-reason" // ""'
}

backs_off()
{
	local told kept

	told=$(guest_number target-bytes)
	kept=$(guest_number target-effective-bytes)
	[ "$kept" -lt "$told" ] && [ -n "$(reason)" ]
}

# Less than a hundredth of the working set's pages in 5 s.
refaults_rest()
{
	local before

	before=$(guest_vmstat workingset_refault_file)
	sleep 5
	REFAULTS=$(($(guest_vmstat workingset_refault_file) - before))
	[ $REFAULTS -lt $((500 * 256 / 100)) ]
}

started_rig --memory 1024 --disk 500
guest "work --cache 500 --report /run/work >/run/work.out 2>&1 &"
wait_for 90 work_reports || fail "no work: $(guest "cat /run/work.out")"
KILLS=$(guest_vmstat oom_kill)
speed=$(work_speed)
refaults=$(guest_vmstat workingset_refault_file)

set_target 700M
start=${EPOCHREALTIME/./}
wait_for "$settle" backs_off || fail "it does not back off: $(ebbctl show "$GUEST")"
echo "   it backed off $(((${EPOCHREALTIME/./} - start) / 1000)) ms after it was told"
ok "700 MiB told, $(mib "$(guest_number target-effective-bytes)") kept, for '$(reason)'"
wait_for "$settle" refaults_rest ||
	fail "still $REFAULTS refaults in 5 s: $(ebbctl show "$GUEST")"
ok "refaults rest: $REFAULTS in 5 s, $(($(guest_vmstat workingset_refault_file) - refaults)) in all"
echo "   work: $(mib "$speed")/s before, $(mib "$(work_speed)")/s now," \
	"$(mib "$(guest_number target-effective-bytes)") kept free"
check "the work sees no wrong byte and goes on" \
	guest '[ ! -s /run/work.out ] && pidof work'
check "nothing was killed" no_kill
check "the guest's log is clean" dmesg_clean
