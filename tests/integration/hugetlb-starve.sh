#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Others take the pool of huge pages empty after a guest gave most of its own:
# they are stopped in time, and the guest touches all of its memory unharmed.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

counter()
{
	sed -n "s/^HugePages_$1: *//p" /proc/meminfo
}

# All that can be had, at 64 MiB a second: ebbd has more than three of these to
# spare.
starve()
{
	local taken=0

	while fallocate -o "${taken}MiB" -l 64MiB "$hog/pages" 2>/dev/null; do
		taken=$((taken + 64))
		sleep 1
	done
	echo "$taken"
}

leave()
{
	local status=$?

	umount "$hog"
	(exit $status)
	at_exit
}

started_rig --memory 1024 --backing hugetlb
hugepages_reserve 640
hog=$RIG_DIR/hog
mkdir "$hog"
mount -t hugetlbfs -o pagesize=2M none "$hog" ||
	rig_skip "hugetlbfs cannot be mounted"
trap leave EXIT

guest_populate 750
check_reclaims_all 700
reserved=$(counter Rsvd)
sleep 2
check "what was given can be had by others" test "$(counter Rsvd)" = "$reserved"

taken=$(starve)
check "others got some of it" at_least "$taken" 256
check "and then no more, while there was enough for the guest" \
	at_least $(($(counter Free) * 2)) 700
guest_populate 750
ok "the guest has what it gave, and more, again"
check "the guest's log is clean" dmesg_clean
