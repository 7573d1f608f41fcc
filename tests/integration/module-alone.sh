#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What ebb.ko owes the guest with no agent and no host there: a lease ends, what
# was dropped is told as dropped, an agent that does not answer costs nothing, a
# suspend that did not begin ends nothing, and memory that goes offline and comes
# back is all there, also where the module is loaded anew meanwhile.
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

# A target that takes what is in use, of an agent that is asked whose need that is and
# says nothing. Fails if the target is dropped before the marks are the kernel's.
marks_come_down()
{
	# shellcheck disable=SC2016 # the guest's shell expands it
	guest_run 120 'seen=0
		turn=0
		while [ $seen -lt 3 ]; do
			# A lease is 30 s at most, and it waits for the agent for 20.
			[ $((turn % 40)) != 0 ] ||
				ask-module target all 800 30000 refaults || exit 2
			turn=$((turn + 1))
			high=$(awk "\$1 == \"min\" { sum += \$2 }
				\$1 == \"low\" { sum -= 2 * \$2 }
				\$1 == \"high\" { sum += \$2 }
				END { print sum }" /proc/zoneinfo)
			# Who asks the device itself has heard that it is asked.
			case $(cat /sys/class/misc/ebb/threshold) in
			dropped | idle) exit 1 ;;
			esac
			[ "$high" = 0 ] && seen=$((seen + 1)) || seen=0
			usleep 50000
		done
		ask-module target all 800 30000 refaults'
}

# In memory that is in use an offlining takes its time; what is free elsewhere has
# room for it, or the kernel tries for ever.
reload_in_offline()
{
	# shellcheck disable=SC2016 # the guest's shell expands it
	guest_run 300 "echo 3 >/proc/sys/vm/drop_caches
		fill --hold 300 >/run/fill.pid
		ls /sys/module/ebb >/dev/null || exit 1
		for round in 1 2 3 4 5 6; do
			for block in $new_blocks; do
				cd /sys/devices/system/memory/memory\$block
				echo offline >state
				echo online_movable >state
			done
		done >/run/offline.out 2>&1 &
		offline=\$!
		reloads=0
		while kill -0 \$offline 2>/dev/null; do
			rmmod ebb || exit 2
			guest-start module || exit 3
			reloads=\$((reloads + 1))
		done
		kill \$(cat /run/fill.pid)
		echo \$reloads >/run/reloads"
}

requires virsh socat jq
rig_init
libvirt_start
guest_boot --memory 1024 --nodes 2 --max-memory 2048 --cmdline "ebb.no-agent" --disk 500

# One node's end is no renewal of another's lease, however long it says it is.
guest "ask-module target 0 100 5000 && ask-module target 1 0 4294967295" ||
	fail "the module takes no target"
wait_for 90 threshold_is "idle 0" ||
	fail "a lease of 5 s has no end: $(guest "ask-module threshold")"
ok "a target's lease ends, though another node's target was ended since"

# Reads in order, which is fast also where the guest is slow.
guest "sh -c 'echo \$\$ >/run/reader.pid
	exec 3</dev/vda
	while dd if=/dev/vda of=/dev/null bs=1M count=450; do
		echo >>/run/rounds
	done' >/run/reader.out 2>&1 &"
wait_for 90 guest '[ -s /run/rounds ]' || fail "no reader: $(guest "cat /run/reader.out")"
marks_come_down || fail "an agent is asked whose refaults they are: $(guest "ask-module threshold; cat /run/rounds | wc -l"): $(guest_marks)"
ok "until the agent says whose refaults they are, the marks are the kernel's"
# shellcheck disable=SC2016 # the guest's shell expands it
guest 'kill $(cat /run/reader.pid)'
wait_for 90 threshold_is "dropped 0" ||
	fail "one that never answers: $(guest "ask-module threshold")"
ok "one that never answers has its target dropped"

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
check "it is unloaded and loaded while memory goes offline" reload_in_offline
reloads=$(guest "cat /run/reloads")
failures=$(guest "grep -c . /run/offline.out; true")
check "it was so $reloads times" at_least "$reloads" 1
check "of 12 offlinings $failures failed" at_least 11 "$failures"
[ "$(managed_pages)" = "$managed" ] ||
	fail "after reloads: $managed pages were there, now $(managed_pages)"
ok "not a page more or less is there after it"
wait_for 90 has_canaries || fail "no canaries after reloads: $(guest "ask-module segments")"
ok "and it has canaries there"
check "the guest's log is clean" dmesg_clean
