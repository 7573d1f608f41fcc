#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Shared memory has transparent huge pages where QEMU aligns it, also again after
# they were taken; the doctor knows.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# MiB of the guest's memory that QEMU's page tables have in huge pages.
huge_mib()
{
	awk '$1 == "ShmemPmdMapped:" { print int($2 / 1024) }' \
		"/proc/$(guest_pid)/smaps_rollup"
}

paging()
{
	ebbctl_json doctor "$GUEST" | jq -r \
		'.checks[] | select(.name == "page-size") | .status + ": " + .text'
}

started_rig --memory 1024 --backing thp
said=$(paging)
[[ $said = "ok: "*"transparent huge pages"* ]] || fail "the doctor says: $said"
ok "$said"
guest_populate 640
full=$(huge_mib)
check "the guest has huge pages" at_least "$full" 600
check_reclaims_all 600
check "they are gone" at_most "$(huge_mib)" $((full - 500))
guest_populate 640
check "what came back is huge" at_least "$(huge_mib)" 600
check "the guest's log is clean" dmesg_clean
