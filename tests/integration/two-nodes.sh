#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel of two NUMA nodes: what is read of each node adds up to what the kernel says
# of both, and who fills one node brings that one in need, and nothing else.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# row WHEN BUDGET FIELD: of what the program printed: 1 its limit, 2 what is available,
# both in KiB, 3 ok or in-need.
row()
{
	echo "$printed" | awk -v head="$1 $2 " -v field="$3" \
		'index($0, head) == 1 { sub(head, ""); print $field }'
}

# Of page cache and slabs the kernel counts half, or all but the low marks if that is
# more: for all nodes together, where ebbd does for each. Beside that, what comes and
# goes between two reads.
slack_kib()
{
	guest 'cat /proc/meminfo' | awk '/^(Active|Inactive).file|^KReclaimable/ {
		kib += $2 / 2 } END { print int(kib) + 4096 }'
}

adds_up()
{
	local sum=0 node least most

	least=$(row "$1" MemAvailable 1)
	most=$(row "$1" MemAvailable 2)
	for node in 0 1; do
		sum=$((sum + $(row "$1" "node $node" 2)))
	done
	between $((least - slack)) "$sum" $((most + slack)) ||
		fail "$1: $sum KiB on both nodes, MemAvailable $least to $most," \
			"slack $slack: $printed"
	ok "$1: $sum KiB on both nodes, MemAvailable $least to $most KiB"
}

has_limit_of()
{
	local total

	total=$(guest "cat /sys/devices/system/node/node$1/meminfo" |
		awk '/MemTotal/ { print $4 }')
	[ "$(row calm "node $1" 1)" = "$total" ] ||
		fail "node $1 has $total KiB: $printed"
	ok "node $1 has $total KiB"
}

# is WHEN BUDGET WORD
is()
{
	[ "$(row "$1" "$2" 3)" = "$3" ] || fail "$1: $2 is not $3: $printed"
	ok "$1: $2 is $3"
}

fill_node()
{
	local budget

	printed=$(guest "nodes $1 2>&1") || fail "nodes $1: $printed"
	adds_up calm
	adds_up short
	for budget in host "node 0" "node 1"; do
		is calm "$budget" ok
		[ "$budget" = "node $1" ] || is short "$budget" ok
	done
	is short "node $1" in-need
	[[ $(echo "$printed" | grep '^asked') =~ ^asked\ $1\ [0-9]+\ for\ node\ $1$ ]] ||
		fail "not the guest of node $1 alone is asked: $printed"
	ok "the guest of node $1 alone is asked, for node $1"
}

requires virsh socat
rig_init
libvirt_start
guest_boot --memory 1024 --nodes 2
slack=$(slack_kib)
for node in 1 0; do
	fill_node "$node"
	has_limit_of "$node"
done
check "the guest's log is clean" dmesg_clean
