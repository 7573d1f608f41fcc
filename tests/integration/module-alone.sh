#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What ebb.ko owes the guest with no agent and no host there: a lease ends, what
# was dropped is told as dropped, a suspend that did not begin ends nothing, and
# memory that goes offline and comes back is all there.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

DIMM_MIB=256

threshold_is()
{
	[ "$(guest "ask-module threshold")" = "$1" ]
}

# The numbers of the memory's blocks, sorted.
blocks()
{
	guest "ls /sys/devices/system/memory | sed -n 's/^memory//p' | sort"
}

# What the kernel's allocator says that it has, of all zones, in pages.
managed_pages()
{
	guest "awk '\$1 == \"managed\" { sum += \$2 }
		END { printf \"%d\\n\", sum }' /proc/zoneinfo"
}

is_plugged()
{
	[ "$(guest "cat /sys/devices/system/memory/memory*/state | grep -c online")" \
		= "$(blocks | wc -l)" ] &&
		[ "$(blocks | wc -l)" -gt "$boot_blocks" ]
}

plug_dimm()
{
	boot_blocks=$(blocks | wc -l)
	blocks >"$RIG_DIR/run/before"
	guest "echo online_movable >/sys/devices/system/memory/auto_online_blocks"
	cat >"$RIG_DIR/dimm.xml" <<-END
	<memory model='dimm'>
	<target><size unit='MiB'>$DIMM_MIB</size><node>0</node></target>
	</memory>
	END
	virsh attach-device "$GUEST" "$RIG_DIR/dimm.xml" --live >/dev/null ||
		fail "the dimm is not plugged"
	wait_for 90 is_plugged || fail "the dimm does not come online"
	new_blocks=$(blocks | comm -13 "$RIG_DIR/run/before" - | xargs)
	base=$(guest "printf '0x%x' \$((0x\$(cat \
		/sys/devices/system/memory/block_size_bytes) * ${new_blocks%% *}))")
}

# The canaries in the memory that was plugged; asked for, they are held for 10 s.
# The module looks at the memory map a second after it has changed.
has_canaries()
{
	[ "$(guest "ask-module segments" |
		awk -v base="$base" '$1 == base { print $4 }')" = 2 ]
}

# The blocks that were plugged, one after another, while there is a target.
offline_and_online()
{
	guest "ask-module target all 100 8000
	for block in $new_blocks; do
		cd /sys/devices/system/memory/memory\$block || exit 1
		echo offline >state || exit 2
		echo online_movable >state || exit 3
	done"
}

requires virsh socat jq
rig_init
libvirt_start
guest_boot --memory 1024 --nodes 2 --max-memory 2048 --cmdline "ebb.no-agent"

# One node's end is no renewal of another's lease, however long it says it is.
guest "ask-module target 0 100 5000 && ask-module target 1 0 4294967295" ||
	fail "the module takes no target"
wait_for 90 threshold_is "idle 0" ||
	fail "a lease of 5 s has no end: $(guest "ask-module threshold")"
ok "a target's lease ends, though another node's target was ended since"

# Told by who opens and closes the device of hibernation.
guest "rmmod ebb; exec 3</dev/snapshot && guest-start module &&
	ask-module ring >/run/ring && exec 3<&- && ask-module ring >/run/ring.after" ||
	fail "no snapshot device: $?"
check "the end of a suspend that ebb.ko did not see begin changes nothing" \
	guest "cmp /run/ring /run/ring.after"
guest "exec 3</dev/snapshot; ! ask-module ring 2>/run/closed
	grep -q shutdown /run/closed && exec 3<&- && ask-module ring >/run/ring.after" ||
	fail "a suspend: $(guest "cat /run/closed")"
check "after one that it saw there is another ring" \
	guest "! cmp -s /run/ring /run/ring.after"

plug_dimm
managed=$(managed_pages)
wait_for 90 has_canaries || fail "no canaries at $base: $(guest "ask-module segments")"
check "memory with canaries in it goes offline and comes back" offline_and_online
check "a target that was dropped for it is told so" threshold_is "dropped 0"
[ "$(managed_pages)" = "$managed" ] ||
	fail "$managed pages were there, now $(managed_pages)"
ok "not a page more or less is there"
sleep 9
check "and still when its lease is over" threshold_is "dropped 0"
wait_for 90 has_canaries || fail "no canaries after it: $(guest "ask-module segments")"
ok "it has canaries again"
check "the guest's log is clean" dmesg_clean
