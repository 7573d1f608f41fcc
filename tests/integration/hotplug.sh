#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Memory is plugged and unplugged in mid-reclaim: the lease comes back each time,
# new memory lends as the old one does, and no byte is lost.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

PLUG_MIB=256

guest_total_mib()
{
	guest "awk '\$1 == \"MemTotal:\" { print int(\$2 / 1024) }' /proc/meminfo"
}

# By the better part of it: the memory map comes from it as well.
has_grown()
{
	[ "$(guest_total_mib)" -gt $((total + PLUG_MIB * 9 / 10)) ]
}

# All of it: a page that anybody holds keeps a block of it.
has_shrunk()
{
	[ "$(guest_total_mib)" -le "$total" ]
}

# What the host holds of the file of PLUG_MIB, in bytes; -1: there is none.
plugged_resident()
{
	backing_files | awk -v bytes=$((PLUG_MIB << 20)) '
		$3 == bytes { print $2; found = 1 } END { if (!found) print -1 }'
}

is_unplugged()
{
	[ "$(plugged_resident)" = -1 ]
}

is_proven()
{
	ebbctl_json show "$GUEST" 2>/dev/null |
		jq -e --argjson bytes $((PLUG_MIB << 20)) '[.backings[] |
			select(.bytes == $bytes and ."verified-segments" > 0)] |
			length > 0' >/dev/null
}

# in_reclaim POINT TEXT COMMAND...: when one is there; it goes on after it, and
# takes what there is, unless memory went offline before its end.
in_reclaim()
{
	local point=$1 text=$2
	shift 2

	guest_populate 350
	hold_reclaim "$point" 1 --all
	check "$text at $point" "$@"
	release_reclaim
	end_reclaim 90
	case $text in
	unplug* | shrink*)
		[[ $ENDED != *guest-pressure ]] || {
			ok "$text at $point ends the reclaim, as its memory goes"
			return
		} ;;
	esac
	went_on "$text at $point, and the reclaim"
}

dimm_xml()
{
	cat <<-END
	<memory model='dimm'>
	<target><size unit='MiB'>$PLUG_MIB</size><node>0</node></target>
	</memory>
	END
}

# Its file is as large as all that it may give.
virtio_mem_xml()
{
	cat <<-END
	<memory model='virtio-mem'>
	<target><size unit='MiB'>$PLUG_MIB</size><node>0</node>
	<block unit='MiB'>2</block><requested unit='MiB'>$PLUG_MIB</requested>
	</target>
	</memory>
	END
}

new_memory_lends()
{
	local full

	wait_for 90 has_grown || fail "$1: the guest has $(guest_total_mib) of $total MiB + $PLUG_MIB"
	wait_lease
	guest_populate 550
	full=$(plugged_resident)
	# The first offer from it is how ebbd learns that the guest uses it now: it
	# has it proven, and goes on.
	reclaim --all || fail "$1: $RESULT"
	is_proven || fail "$1: not proven: $(ebbctl show "$GUEST" 2>&1)"
	whole_again "$1"
	# churn holds some of it.
	at_most "$(plugged_resident)" $((full * 3 / 4)) ||
		fail "$1: $(mib "$(plugged_resident)") of $(mib "$full") stay"
	ok "$1: of $(mib "$full") there, $(mib "$(plugged_resident)") stay"
}

# Mostly within seconds. But a driver of virtio-mem that has met a page in use, as
# churn's, tries again only after 50 s, and then after 100 s (virtio_mem.c).
old_memory_lends()
{
	wait_for 240 "$2" || fail "$1: $(guest_total_mib) MiB: $(guest dmesg | tail -n 5)"
	wait_lease
	whole_again "$1"
}

# A driver of Linux 5.10 knows no device whose unplugged memory cannot be read.
virtio_mem_is_refused()
{
	guest "uname -r | grep -q '^5[.]' &&
		dmesg | grep -q 'virtio_mem.*device refuses features'"
}

is_decided()
{
	has_grown || virtio_mem_is_refused
}

resize_virtio_mem()
{
	new_memory_lends "virtio-mem"
	in_reclaim resolved "shrink it" \
		virsh update-memory-device "$GUEST" --requested-size 0M --live
	old_memory_lends "virtio-mem of size 0" has_shrunk
	in_reclaim resolved "grow it" \
		virsh update-memory-device "$GUEST" --requested-size ${PLUG_MIB}M --live
	new_memory_lends "virtio-mem grown again"
}

use_faulty_ebbd
started_rig --memory 768 --max-memory 2048
guest "echo online_movable >/sys/devices/system/memory/auto_online_blocks"
total=$(guest_total_mib)
guest_churn $((100 << 20))

dimm_xml >"$RIG_DIR/dimm.xml"
in_reclaim resolved "plug a dimm" virsh attach-device "$GUEST" "$RIG_DIR/dimm.xml" --live
new_memory_lends "a dimm"
in_reclaim resolved "unplug it" virsh detach-device "$GUEST" "$RIG_DIR/dimm.xml" --live
old_memory_lends "without the dimm" is_unplugged

virtio_mem_xml >"$RIG_DIR/virtio-mem.xml"
in_reclaim resolved "plug virtio-mem" \
	virsh attach-device "$GUEST" "$RIG_DIR/virtio-mem.xml" --live
wait_for 90 is_decided || fail "virtio-mem: $(guest dmesg | tail -n 5)"
if virtio_mem_is_refused; then
	wait_lease
	whole_again "with a virtio-mem that the guest's kernel refuses"
else
	resize_virtio_mem
fi

verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
