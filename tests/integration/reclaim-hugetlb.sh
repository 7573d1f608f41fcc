#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest on hugetlb memory gives its free pages back to the host's pool, and
# takes them out of it again.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

pool_free()
{
	sed -n 's/^HugePages_Free: *//p' /proc/meminfo
}

started_rig --memory 2048 --backing hugetlb
pool=$(pool_free)
check_reclaims_all 1700
check "the pool has it" at_least $((($(pool_free) - pool) * 2 << 20)) \
	$(($(result reclaimed-bytes) - (64 << 20)))

guest_churn $((200 << 20))
guest_populate 1200
check_reclaims_all 1000
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
