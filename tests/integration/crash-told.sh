#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A test whose libvirtd, virtlogd, QEMU or ebbd dies of a fault fails, and says which
# of them it was; one that only ends them does not.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/rig/bare.sh
. "$source_dir/scripts/rig/bare.sh"

# ---- the test that is looked at ----

# ends SIGNAL PID
ends()
{
	kill "-$1" "$2" || fail "no process $2"
	wait_for 90 pid_gone "$2" || fail "process $2 outlives signal $1"
}

if [ "${1:-}" = inside ]; then
	ulimit -c 0
	rig_init
	libvirt_start
	bare_start 1
	# shellcheck disable=SC2119
	start_ebbd
	case $2 in
	ebbd) ends SEGV "$EBBD_PID" ;;
	daemons)
		for pid in "$(bare_pids)" "$(cat /run/virtlogd.pid)" "$(cat /run/libvirtd.pid)"; do
			ends ABRT "$pid"
		done
		;;
	nothing) ends KILL "$(bare_pids)" ;;
	esac
	exit 0
fi

# ---- and what is said of it ----

# looked_at WHAT STATUS LINES: what it said is in $said.
looked_at()
{
	local status

	said=$("$build/tests/integration/crash-watch" "$0" inside "$1" 2>&1)
	status=$?
	[ $status = "$2" ] || fail "$1: exit $status instead of $2: $said"
	[ "$(grep -c '^not ok' <<<"$said")" = "$3" ] || fail "$1: $said"
}

requires virsh socat jq
rig_init
! libvirt_answers || rig_skip "libvirtd was running before: not ended for a test"
looked_at nothing 0 0
ok "QEMU killed, the rest ended: nothing is said"
looked_at daemons 1 3
for name in libvirtd virtlogd 'qemu.*|kvm'; do
	check "a fault: $name" \
		grep -qE "^not ok - ($name) \(process [0-9]+\) ended by signal 6, " <<<"$said"
done
looked_at ebbd 1 1
check "a fault: ebbd" grep -q '^not ok - ebbd (process [0-9]*) ended by signal 11, ' <<<"$said"
