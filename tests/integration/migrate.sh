#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Migration of a guest that is reclaimed from, between two libvirtds on one
# machine: the ebbd of the first lets go, that of the second takes over, and the
# guest has lost no byte. The second libvirtd has a /run of its own, and is a
# libvirtd of another host as far as the first can tell.
#
# Live where a guest runs under KVM. An emulated one does not outlive that, with
# an ebbd or without any: it is paused while its memory moves.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

OTHER_PID=

# In the second world.
there()
{
	nsenter --mount="/proc/$OTHER_PID/ns/mnt" -- "$@"
}

other_answers()
{
	there timeout 10 virsh -q -c "$URI" version >/dev/null 2>&1
}

# A sleep keeps the world; what libvirt would share is the world's own.
other_world()
{
	local daemon

	mkdir "$RIG_DIR/world"
	unshare --mount --propagation private "$source_dir/scripts/rig-world" \
		--inside "$RIG_DIR/world" sleep 100000 >/dev/null 8>&- &
	OTHER_PID=$!
	RIG_PIDS+=("$OTHER_PID")
	wait_for 10 there test -d /run/lock || fail "no second world"
	sleep 0.2
	echo "host_uuid = \"$(cat /proc/sys/kernel/random/uuid)\"" >"$RIG_DIR/libvirtd.conf"
	for daemon in virtlogd libvirtd; do
		# shellcheck disable=SC2046 # two words
		there env LIBVIRT_LOG_OUTPUTS="3:file:$RIG_DIR/log/$daemon-2.log" \
			$daemon -d $([ $daemon = virtlogd ] ||
			echo --config "$RIG_DIR/libvirtd.conf") 8>&- ||
			fail "the second $daemon did not start"
		RIG_PIDS=("$(there cat /run/$daemon.pid)" "${RIG_PIDS[@]}")
	done
	wait_for 20 other_answers || fail "the second libvirtd does not answer"
}

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

migrated()
{
	# shellcheck disable=SC2086 # a word or none
	timeout 240 virsh migrate $live \
		--persistent --undefinesource "$GUEST" \
		"qemu+unix:///system?socket=/proc/$OTHER_PID/root/run/libvirt/libvirt-sock" \
		--migrateuri "unix://$RIG_DIR/migration/socket"
}

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
other_world
install -d -m 777 "$RIG_DIR/migration"
there env EBB_BUILD="$build" "$0" there "$GUEST" "$RIG_DIR" >"$RIG_DIR/log/there" 2>&1 &
host=$!
RIG_PIDS=("$host" "${RIG_PIDS[@]}")
wait_for 30 test -e "$RIG_DIR/there-is-ready" || fail "the second ebbd did not start"

guest_populate 400
hold_reclaim resolved 1 --all
migrated >"$RIG_DIR/log/migrate" 2>&1 &
migration=$!
wait_for 60 migration_runs || fail "no migration: $(cat "$RIG_DIR/log/migrate")"
release_reclaim
end_reclaim 60
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
