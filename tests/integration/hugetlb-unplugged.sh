#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest on hugetlb memory has a virtio-mem device of which it uses a part: what
# is plugged lends as the rest does, and what is not is neither owed to the guest
# nor reserved for it, however large it is.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

BOOT_MIB=512
DEVICE_MIB=2048
# The guest runs on while the books are read one by one.
SLACK=$((16 << 20))

# What the pool has promised to this guest, in bytes.
promised()
{
	echo $((($(sed -n 's/^HugePages_Rsvd: *//p' /proc/meminfo) - reserved) << 21))
}

# resident MIB: what the host holds of the file of that size.
resident()
{
	backing_files | awk -v bytes=$(($1 << 20)) '$3 == bytes { print $2 }'
}

boot_holes()
{
	echo $(((BOOT_MIB << 20) - $(resident $BOOT_MIB)))
}

# Of what is plugged, the part that the host has.
device_lent()
{
	echo $((($1 << 20) - $(resident $DEVICE_MIB)))
}

owed()
{
	guest_number pool-owed-bytes
}

plugged_is()
{
	[ "$(virsh dumpxml "$GUEST" |
		sed -n "s/.*<current unit='KiB'>\([0-9]*\)<.*/\1/p")" = $(($1 << 10)) ]
}

# plug MIB: as much of the device, and no more.
plug()
{
	virsh update-memory-device "$GUEST" --requested-size "${1}M" --live ||
		fail "libvirt does not set the size"
	# What it cannot unplug at once it tries again after 50 s and 100 s more.
	wait_for 180 plugged_is "$1" ||
		fail "not $1 MiB: $(virsh dumpxml "$GUEST" | grep -A 9 virtio-mem) $(guest dmesg | tail -n 5)"
}

# What a hole of its boot memory has lost, the guest is owed; the rest is of the
# device.
owed_of_device()
{
	echo $(($(owed) - ($(boot_holes) - $(promised))))
}

# Of the device no more is owed than what is plugged of it and was lent.
owed_is_plugged()
{
	between -$SLACK "$(owed_of_device)" $(($(device_lent "$1") + SLACK))
}

# lends MIB TEXT: while so much is plugged; what is owed is what was taken.
lends()
{
	wait_lease
	guest_populate $((BOOT_MIB - 230 + $1))
	# The first offer from new memory has it proven, and goes on.
	reclaim --all || fail "$2: $RESULT $(cat "$RIG_DIR/run/stderr")"
	check "$2: the guest lends $(mib "$(result reclaimed-bytes)")" \
		at_least "$(result reclaimed-bytes)" $((($1 + 150) << 20))
	owes "$@"
}

# owes MIB TEXT: when ebbd has looked at what changed.
owes()
{
	wait_for 90 owed_is_plugged "$1" ||
		fail "$2: of the device $(mib "$(owed_of_device)") are owed, $(mib "$(device_lent "$1")") of what is plugged are lent"
	ok "$2: of the device $(mib "$(owed_of_device)") are owed"
}

device_xml()
{
	cat <<-END
	<memory model='virtio-mem'>
	<target><size unit='MiB'>$DEVICE_MIB</size><node>0</node>
	<block unit='MiB'>2</block><requested unit='MiB'>0</requested></target>
	</memory>
	END
}

# all_promised TEXT LOW HIGH: beyond what the boot memory has.
all_promised()
{
	local more=$(($(promised) - $(boot_holes)))

	check "$1: the pool promises its boot memory, and $(mib $more) more" \
		between $(($2 - SLACK)) $more $(($3 + SLACK))
}

requires virsh socat jq
rig_init
libvirt_start
# So much that nothing is reserved again before ebbd ends.
hugepages_reserve $((BOOT_MIB + 256 + 192))
reserved=$(sed -n 's/^HugePages_Rsvd: *//p' /proc/meminfo)
guest_boot --memory $BOOT_MIB --backing hugetlb --max-memory 4096
guest "echo online_movable >/sys/devices/system/memory/auto_online_blocks"
device_xml >"$RIG_DIR/virtio-mem.xml"
virsh attach-device "$GUEST" "$RIG_DIR/virtio-mem.xml" --live >/dev/null ||
	fail "$GUEST does not take the device"
check "the device is as large as the pool is not" \
	at_most "$(($(hugepages_free) << 21))" $((DEVICE_MIB << 20))
all_promised "a device that is not plugged" 0 0
# shellcheck disable=SC2119
start_ebbd

plug 256
lends 256 "256 MiB plugged"
# A half of a block of the guest's kernel, which keeps the other half.
plug 192
owes 192 "64 MiB of them unplugged"
plug 0
wait_lease
lends 0 "none plugged"
stop_ebbd
all_promised "none plugged, and ebbd has ended" 0 0

plug 192
# shellcheck disable=SC2119
start_ebbd
wait_lease
owes 192 "an ebbd that knows nothing, all there"
lends 192 "192 MiB plugged"
kill -9 "$EBBD_PID"
wait "$EBBD_PID" 2>/dev/null
# shellcheck disable=SC2119
start_ebbd
wait_lease
check "an ebbd that knows nothing says $(mib "$(owed)")" \
	at_most "$(owed)" $(($(boot_holes) + $(device_lent 192) + SLACK))
guest_populate $((BOOT_MIB - 230 + 192))
ok "the guest has all of it again"
check "the guest's log is clean" dmesg_clean
