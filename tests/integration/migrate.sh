#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Migration of a guest that is reclaimed from, between two libvirtds on one
# machine: the ebbd of the first lets go, that of the second takes over, and the
# guest has lost no byte.
#
# Live where a guest runs under KVM. An emulated one does not outlive that, with
# an ebbd or without any: it is paused while its memory moves.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# ---- the part that runs in the second world ----

guest_is_here()
{
	[ "$(virsh domstate "$GUEST" 2>/dev/null)" = running ]
}

# host_of GUEST DIRECTORY: takes over what comes.
host_of()
{
	GUEST=$1
	RIG_DIR=$2/there
	mkdir "$RIG_DIR" "$RIG_DIR/run" "$RIG_DIR/log"
	EBBD_SOCKET=$RIG_DIR/run/ebbd.sock
	RIG_GUESTS=("$GUEST")
	# shellcheck disable=SC2119
	start_ebbd
	touch "$2/there-is-ready"
	wait_for 300 guest_is_here || fail "nothing came"
	guest_wait
	wait_lease
	ok "the second ebbd has the lease, $(mib "$(backing_bytes)") resident"
	whole_again "after the migration"
	verdict=$(churn_ends) || fail "$verdict"
	ok "$verdict"
	guest_populate 400
	whole_again "and used since"
	check "the guest's log is clean" dmesg_clean
}

if [ "${1:-}" = there ]; then
	host_of "$2" "$3"
	exit 0
fi

# Or over already.
migration_runs()
{
	virsh domjobinfo "$GUEST" 2>/dev/null | grep -q '^Operation: *Outgoing' ||
		pid_gone $migration
}

requires virsh socat jq nsenter unshare
use_faulty_ebbd
live=
[ "$(domain_type)" != kvm ] || live=--live
started_rig --memory 768
guest_churn $((80 << 20))
world_start
there env EBB_BUILD="$build" "$0" there "$GUEST" "$RIG_DIR" >"$RIG_DIR/log/there" 2>&1 &
host=$!
RIG_PIDS=("$host" "${RIG_PIDS[@]}")
wait_for 90 test -e "$RIG_DIR/there-is-ready" || fail "the second ebbd did not start"

guest_populate 400
hold_reclaim resolved 1 --all
# shellcheck disable=SC2086 # a word or none
world_migrate $live --persistent >"$RIG_DIR/log/migrate" 2>&1 &
migration=$!
wait_for 90 migration_runs || fail "no migration: $(cat "$RIG_DIR/log/migrate")"
release_reclaim
end_reclaim 90
# Which of them ebbd hears of first: the job, that the guest stands still, or that it
# was stopped.
check_ended 1 'libvirt job|paused|was reset or stopped' "migrate ${live:-paused} in mid-reclaim"
wait $migration || fail "migrate: exit $?: $(cat "$RIG_DIR/log/migrate")"
ok "the guest has moved"
refused 1 'not running|no domain' "the first ebbd has let go" \
	ebbctl reclaim "$GUEST" --all
wait_for 240 pid_gone $host || fail "the second world hangs"
wait $host || fail "in the second world: $(grep -m 1 '^not ok' "$RIG_DIR/log/there")"
cat "$RIG_DIR/log/there"
