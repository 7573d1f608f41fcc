# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# ebbd, and what it says.
: "${build:?}"

program()
{
	local path

	for path in "$build/host/$1" "$build/host/ctl/$1" "$build/$1"; do
		[ ! -x "$path" ] || break
	done
	echo "$path"
}

ebbd_ready()
{
	grep -qa READY=1 "$RIG_DIR/run/notify" 2>/dev/null
}

ebbd_ready_or_gone()
{
	ebbd_ready || pid_gone "$EBBD_PID"
}

# start_ebbd [OPTION]...: returns when it says that it is ready.
# shellcheck disable=SC2120 # most have none
start_ebbd()
{
	local listener pin=() ebbd=${EBBD_PROGRAM:-$(program ebbd)}

	[ -x "$ebbd" ] || rig_die "no ebbd in $build: make"
	[ -z "${EBB_EBBD_CPUS:-}" ] || pin=(taskset -c "$EBB_EBBD_CPUS")
	rm -f "$RIG_DIR/run/notify" "$RIG_DIR/run/notify.sock"
	socat -u "UNIX-RECV:$RIG_DIR/run/notify.sock" \
		"OPEN:$RIG_DIR/run/notify,creat,append" &
	listener=$!
	wait_for 90 test -S "$RIG_DIR/run/notify.sock" || rig_die "socat did not start"
	[ -e "$RIG_DIR/ebbd.conf" ] ||
		printf '[daemon]\nstate-dir = %s\n' "$RIG_DIR/run" >"$RIG_DIR/ebbd.conf"
	# The policy would take what a test counts: its own tests have it on.
	mkdir -p "$RIG_DIR/conf.d"
	[ -e "$RIG_DIR/conf.d/policy.conf" ] ||
		printf '[policy]\n%s\n' "${RIG_POLICY:-enabled = no}" \
			>"$RIG_DIR/conf.d/policy.conf"
	# ebbd-faults waits there where a test says.
	EBB_FAULT_HOLD=$RIG_DIR/run/hold \
		NOTIFY_SOCKET=$RIG_DIR/run/notify.sock "${pin[@]}" "$ebbd" -c "$URI" \
		--config "$RIG_DIR/ebbd.conf" --socket "$EBBD_SOCKET" \
		--log-level debug "$@" \
		>>"$RIG_DIR/log/ebbd.log" 2>&1 </dev/null 7<&- 8>&- &
	EBBD_PID=$!
	RIG_EBBDS+=("$EBBD_PID")
	wait_for 90 ebbd_ready_or_gone
	# What one said that is gone again may still be on its way into the file.
	wait_for 20 ebbd_ready
	rig_kill $listener
	ebbd_ready || rig_die "ebbd did not start: $(tail -n 5 "$RIG_DIR/log/ebbd.log")"
}

stop_ebbd()
{
	[ -z "$EBBD_PID" ] || rig_kill "$EBBD_PID"
	EBBD_PID=
}

# say_crashes: of each ebbd that died of a fault, and not of a signal that a test sends.
# Then RIG_CRASHED is set. What ebbd is to this shell, libvirtd and QEMU are to
# crash-watch of tests/integration, which says it in the same words.
say_crashes()
{
	local pid status signal

	for pid in ${RIG_EBBDS+"${RIG_EBBDS[@]}"}; do
		pid_gone "$pid" || continue
		wait "$pid" 2>/dev/null
		status=$?
		signal=$([ $status -le 128 ] || kill -l $status)
		[[ " ABRT BUS FPE ILL SEGV SYS TRAP " = *" $signal "* ]] || continue
		echo "not ok - ebbd (process $pid) ended by signal $((status - 128)), $signal"
		# shellcheck disable=SC2034 # tests/integration/lib.sh looks at it
		RIG_CRASHED=yes
	done
}

# Hundredths of a second of a CPU that it has had.
ebbd_ticks()
{
	awk '{ print $14 + $15 }' "/proc/$EBBD_PID/stat"
}

ebbd_threads()
{
	find "/proc/$EBBD_PID/task" -mindepth 1 -maxdepth 1 | wc -l
}

ebbctl()
{
	"$(program ebbctl)" --socket "$EBBD_SOCKET" "$@"
}

ebbctl_json()
{
	ebbctl --json "$@"
}

# A member of what ebbd says of the guest.
guest_status()
{
	ebbctl_json show "$GUEST" 2>/dev/null | jq -r ".\"$1\""
}

guest_is()
{
	[ "$(guest_status "$1")" = "$2" ]
}

# Now, not by the look before the one that runs.
lease_is_open()
{
	[ "$(ebbctl_json show "$GUEST" 2>/dev/null | jq -r '"\(.rung) \(.old)"')" = "lease false" ]
}

# Waits until the guest can be reclaimed from.
wait_lease()
{
	wait_for 90 lease_is_open ||
		rig_die "$GUEST is not on rung lease: $(ebbctl show "$GUEST" 2>&1)"
}
