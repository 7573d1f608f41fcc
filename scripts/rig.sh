# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The rig: libvirt, guests and ebbd for the integration tests, the benchmark
# and the quickstart, which source this file. Everything that it starts is
# ended by rig_cleanup, by pid; what was there before is left as it was.
#
# Before: set -u, source_dir (this tree) and build (its build tree).
# Errors: rig_die with the remedy. Where a machine cannot do what is asked
# (no huge pages): rig_skip. Both may be replaced.
#
# This has the life of the rig; each file of rig/ is one concern.

: "${source_dir:?}" "${build:?}"

URI=qemu:///system
RIG_DIR=
RIG_GUESTS=()
RIG_PIDS=()
RIG_HUGEPAGES=
RIG_LIBVIRT_STARTED=${RIG_LIBVIRT_STARTED:-}
RIG_KVM_OPENED=
RIG_SHELL=
RIG_SHELL_OF=
RIG_PAUSE_MAX_US=500000
RIG_POLICY= # lines of [policy]; none: it is off
EBBD_PID=
RIG_EBBDS=()
RIG_CRASHED=
EBBD_SOCKET=
GUEST=

# shellcheck source=scripts/rig/wait.sh
. "$source_dir/scripts/rig/wait.sh"
# shellcheck source=scripts/rig/libvirt.sh
. "$source_dir/scripts/rig/libvirt.sh"
# shellcheck source=scripts/rig/hugepages.sh
. "$source_dir/scripts/rig/hugepages.sh"
# shellcheck source=scripts/rig/define.sh
. "$source_dir/scripts/rig/define.sh"
# shellcheck source=scripts/rig/guests.sh
. "$source_dir/scripts/rig/guests.sh"
# shellcheck source=scripts/rig/qga.sh
. "$source_dir/scripts/rig/qga.sh"
# shellcheck source=scripts/rig/books.sh
. "$source_dir/scripts/rig/books.sh"
# shellcheck source=scripts/rig/slice.sh
. "$source_dir/scripts/rig/slice.sh"
# shellcheck source=scripts/rig/swap.sh
. "$source_dir/scripts/rig/swap.sh"
# shellcheck source=scripts/rig/world.sh
. "$source_dir/scripts/rig/world.sh"
# shellcheck source=scripts/rig/reports.sh
. "$source_dir/scripts/rig/reports.sh"
# shellcheck source=scripts/rig/ebbd.sh
. "$source_dir/scripts/rig/ebbd.sh"

rig_die()
{
	echo "$*" >&2
	exit 1
}

rig_skip()
{
	echo "skip: $*"
	exit 77
}

# One rig at a time, or one run of the tests, each in a world of its own
# (rig-world): an ebbd serves all guests of a libvirtd. Daemons that outlive the
# rig close the lock's fd 8.
rig_lock()
{
	[ -z "${RIG_LOCKED:-}" ] || return 0
	exec 8>/run/ebb-rig.lock || rig_die "cannot write to /run"
	if ! flock -n 8; then
		echo "waiting for another run to end (/run/ebb-rig.lock)" >&2
		flock 8
	fi
	export RIG_LOCKED=1
}

rig_init()
{
	[ "$(id -u)" = 0 ] || rig_skip "must be root: starts guests under libvirt"
	[ -x "$build/tests/integration/guest-run" ] ||
		rig_die "no $build/tests/integration/guest-run: make test-programs"
	rig_lock
	RIG_DIR=$(mktemp -d "${TMPDIR:-/tmp}/ebb-rig.XXXXXX")
	chmod 755 "$RIG_DIR"
	mkdir "$RIG_DIR/run" "$RIG_DIR/log"
	EBBD_SOCKET=$RIG_DIR/run/ebbd.sock
}

rig_cleanup()
{
	local pid name

	stop_ebbd
	say_crashes
	for pid in ${RIG_PIDS+"${RIG_PIDS[@]}"}; do
		rig_kill "$pid"
	done
	for name in ${RIG_GUESTS+"${RIG_GUESTS[@]}"}; do
		guest_remove "$name"
	done
	slice_remove
	swap_end
	reports_resume
	[ -z "$RIG_HUGEPAGES" ] ||
		echo "$RIG_HUGEPAGES" >/proc/sys/vm/nr_hugepages
	[ "$RIG_LIBVIRT_STARTED" != $$ ] || libvirt_stop
	[ -n "$RIG_DIR" ] || return 0
	[ ! -d "$RIG_DIR/ram" ] || umount "$RIG_DIR/ram"
	rm -rf --one-file-system "$RIG_DIR"
}
