# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Domains without a system, of 64 MiB each: for tests of what is between ebbd and
# libvirtd. A test that uses them sources this after lib.sh.

BARE=()
BARE_EMULATOR= # in place of QEMU

# bare_xml NAME [MIB [shared|private [CHANNEL...]]]
bare_xml()
{
	local name=$1 mib=${2:-64} access=${3:-shared} channel
	shift $(($# < 3 ? $# : 3))

	cat <<-END
	<domain type='qemu'>
	  <name>$name</name>
	  <memory unit='MiB'>$mib</memory>
	  <memoryBacking><source type='memfd'/><access mode='$access'/></memoryBacking>
	  <vcpu>1</vcpu>
	  <os><type arch='x86_64' machine='pc'>hvm</type></os>
	  <devices>
	    ${BARE_EMULATOR:+<emulator>$BARE_EMULATOR</emulator>}
	    <controller type='usb' model='none'/>
	    <memballoon model='none'/>
	END
	for channel; do
		echo "<channel type='unix'><target type='virtio' name='$channel'/></channel>"
	done
	echo "</devices></domain>"
}

# bare_start COUNT: transient ones, with both channels and shared memory.
bare_start()
{
	local i name

	for i in $(seq "$1"); do
		name=ebbtest-${RIG_DIR##*.}-bare$i
		bare_xml "$name" 64 shared org.ebb.agent.0 org.qemu.guest_agent.0 \
			>"$RIG_DIR/$name.xml"
		virsh create "$RIG_DIR/$name.xml" >/dev/null || rig_die "libvirt does not start $name"
		BARE+=("$name")
		RIG_GUESTS+=("$name")
	done
}

# bare_start_more COUNT XML SCRIPT: so many more small ones, four at a time. XML NUMBER
# NAME prints one's definition, SCRIPT NUMBER NAME FILE what virsh is to do with it.
bare_start_more()
{
	local i name script=()

	for i in $(seq $((${#BARE[@]} + 1)) $((${#BARE[@]} + $1))); do
		name=ebbtest-${RIG_DIR##*.}-$i
		BARE+=("$name")
		"$2" "$i" "$name" >"$RIG_DIR/$name.xml"
		script[i % 4]+=$("$3" "$i" "$name" "$RIG_DIR/$name.xml")
	done
	printf '%s\0' "${script[@]}" |
		xargs -0 -P 4 -I {} virsh -q -c "$URI" {} >"$RIG_DIR/log/virsh" 2>&1
	[ "$(bare_pids | wc -w)" = ${#BARE[@]} ] ||
		rig_die "not all started: $(tail -n 3 "$RIG_DIR/log/virsh")"
}

bare_kind_xml()
{
	case $(($1 % 3)) in
	0) bare_xml "$2" 16 shared org.ebb.agent.0 org.qemu.guest_agent.0 ;;
	1) bare_xml "$2" 16 shared ;;
	2) bare_xml "$2" 16 private ;;
	esac
}

bare_kind_script()
{
	echo "create --paused $3;"
	[ $(($1 % 3)) = 0 ] || echo "resume $2;"
}

# bare_start_kinds COUNT: so many more, of three kinds by turns: paused ones that may
# have an agent, some without a channel, some whose memory is private. To be ended by
# bare_kill.
bare_start_kinds()
{
	bare_start_more "$1" bare_kind_xml bare_kind_script
}

bare_stand_in_xml()
{
	bare_xml "$2" 16 shared org.ebb.agent.0
}

bare_stand_in_script()
{
	echo "create $3;"
}

# bare_start_stand_ins COUNT: so many more, each a process that stands in for QEMU and
# plays a guest on rung lease (tests/bench/stand-in). To be ended by bare_kill.
bare_start_stand_ins()
{
	# libvirt's user must reach it, and its name is to be one of QEMU's.
	BARE_EMULATOR=$RIG_DIR/qemu-system-x86_64
	[ -e "$BARE_EMULATOR" ] ||
		install -m 755 "${build:?}/tests/bench/stand-in/stand-in" "$BARE_EMULATOR"
	bare_start_more "$1" bare_stand_in_xml bare_stand_in_script
	BARE_EMULATOR=
}

# Each guest of a stand-in has used and freed what it offers.
bare_fill()
{
	# shellcheck disable=SC2046 # one word a pid
	kill -USR1 $(bare_pids)
}

bare_pids()
{
	local name

	for name in ${BARE+"${BARE[@]}"}; do
		cat "/run/libvirt/qemu/$name.pid" 2>/dev/null
		echo
	done
}

# libvirtd takes half a second for each, and ends anyway.
bare_kill()
{
	local pids

	pids=$(bare_pids)
	# shellcheck disable=SC2086 # one word a pid
	[ -z "${pids//[[:space:]]/}" ] || kill -KILL $pids
	BARE=()
}

# Of all domains, NAME STATE OLD each.
states()
{
	ebbctl_json list --all | jq -r '.domains[] | "\(.name) \(.state) \(."state-old")"'
}

# bare_are STATE OLD: all of them.
bare_are()
{
	[ "$(states 2>/dev/null | grep -c " $1 $2\$")" = ${#BARE[@]} ]
}

# state_is NAME STATE; no state: it is not listed.
state_is()
{
	[ "$(states | awk -v name="$1" '$1 == name { print $2 }')" = "$2" ]
}

not_connected()
{
	[ "$(ebbctl_json version | jq -r '.ebbd."libvirt-connected"')" = false ]
}

# within SECONDS TEXT COMMAND...: succeeds, and so soon. It is allowed thrice the
# time that is promised, as the machine may be busy; what it waited for, it would
# wait for much longer.
within()
{
	local seconds=$1 text=$2 start=${EPOCHREALTIME/./} took output
	shift 2

	output=$("$@" 2>&1) || fail "$text: $* gave $?: $output"
	took=$(((${EPOCHREALTIME/./} - start) / 1000))
	at_most $took $((3000 * seconds)) || fail "$text: took $took ms"
	ok "$text: $took ms"
}

# What ebbd promises of its event loop, and what a loop that waits is well above:
# to free a large guest took 425 ms, and a call that libvirtd does not answer, seconds.
LOOP_AWAY_US=50000
LOOP_WAITS_US=250000

# The event loop never waited, by ebbd's own watchdog. On a busy machine the holder
# of a lock may wait for a CPU, and the watchdog counts this as a wait of the loop's.
# So more than is promised is said, and only a loop that waits fails. many-domains
# holds ebbd to the promise.
loop_was_there()
{
	local us name note=

	read -r us name < <(ebbctl_json version | jq -r '.ebbd | "\(."loop-away-max-us") \(."loop-away-in")"')
	at_most "$us" $LOOP_WAITS_US ||
		fail "the event loop was away for $us us in $name"
	at_most "$us" $LOOP_AWAY_US ||
		note=", over the $((LOOP_AWAY_US / 1000)) ms that are promised"
	ok "the event loop was away for $us us at most, in $name$note"
}
