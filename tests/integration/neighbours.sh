#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A QEMU that hangs (SIGSTOP), a paused one and a healthy guest side by side: the
# one that hangs costs its own domain only. The others are served meanwhile, each
# is told by its own sentence, and ebbd ends at once; when it goes on, so does
# Ebb.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/rig/bare.sh
. "$source_dir/scripts/rig/bare.sh"

# shows NAME PATTERN: what show says of it.
shows()
{
	ebbctl show "$1" 2>&1 | grep -qE -- "$2"
}

# check_each TEXT: all are answered for at once.
check_each()
{
	within 1 "$1: list" ebbctl list
	within 1 "$1: the healthy one" ebbctl show "$healthy"
	within 1 "$1: the paused one" ebbctl show "$paused"
	within 1 "$1: the one that hangs" ebbctl show "$hung"
}

# takes TEXT: from the healthy guest, what it had free before.
takes()
{
	GUEST=$healthy
	reclaim --all || fail "$1: $(cat "$RIG_DIR/run/stderr") $RESULT"
	at_least "$(result reclaimed-bytes)" $((100 << 20)) ||
		fail "$1: took $(mib "$(result reclaimed-bytes)") only: $RESULT"
	ok "$1: took $(mib "$(result reclaimed-bytes)") of the healthy one"
}

# hang: the guest that is to, while the healthy one has something to give.
hang()
{
	GUEST=$healthy
	guest_populate 200
	kill -STOP "$qemu"
	GUEST=$hung
	begin_reclaim --all
}

requires virsh socat jq
rig_init
libvirt_start
guests=()
for _ in 1 2; do
	guest_define --memory 768
	virsh start "$GUEST" >/dev/null || fail "$GUEST did not start"
	guests+=("$GUEST")
done
for GUEST in "${guests[@]}"; do
	guest_wait
done
hung=${guests[0]} healthy=${guests[1]} paused=ebbtest-${RIG_DIR##*.}-paused
bare_xml "$paused" 64 shared org.ebb.agent.0 >"$RIG_DIR/$paused.xml"
virsh create --paused "$RIG_DIR/$paused.xml" >/dev/null || fail "virsh create"
RIG_GUESTS+=("$paused")
# An agent is waited for until all below has been looked at.
printf '[daemon]\nstate-dir = %s\n[agent]\ntimeout = 30s\n' "$RIG_DIR/run" \
	>"$RIG_DIR/ebbd.conf"
# shellcheck disable=SC2119
start_ebbd
for GUEST in "${guests[@]}"; do
	# Longer than what is waited for an agent that comes meanwhile.
	wait_for 90 lease_is_open || fail "no lease: $(ebbctl show "$GUEST")"
done
wait_for 90 shows "$paused" 'The guest is paused' || fail "not paused: $(ebbctl show "$paused")"
ok "two guests have a lease, one is paused"

GUEST=$hung
guest_populate 200
qemu=$(guest_pid)
# It would not end otherwise.
trap 'status=$?; kill -CONT $qemu; (exit $status); at_exit' EXIT

hang
check_each "a reclaim waits for it"
takes "a reclaim waits for it"
! pid_gone "$CLIENT" || fail "no reclaim waits for it: $(cat "$RIG_DIR/run/client")"
loop_was_there
kill "$EBBD_PID"
within 1 "ebbd ends, a reclaim waits for it" wait_for 90 pid_gone "$EBBD_PID"
wait "$EBBD_PID" || fail "ebbd ended with $?"
EBBD_PID=
wait "$CLIENT"

rm "$RIG_DIR/ebbd.conf"
# shellcheck disable=SC2119
start_ebbd
GUEST=$healthy
wait_lease
check_each "ebbd anew"
kill -CONT "$qemu"
GUEST=$hung
wait_for 90 lease_is_open || fail "it goes on, and ebbd does not: $(ebbctl show "$hung")"
ok "it goes on, and has a lease"

hang
end_reclaim 90
check_ended 1 'answers in the guest any more; see whether the guest hangs' \
	"the one that hangs"
wait_for 90 shows "$hung" 'answered before and does so no more' ||
	fail "what is with it is not said: $(ebbctl show "$hung")"
check_each "it is known to hang"
for text in "$hung:agent-silent" "$paused:guest-paused" "$healthy:lease"; do
	ebbctl list | grep -E "^${text%:*} .*${text##*:}" >/dev/null ||
		fail "list does not say $text: $(ebbctl list)"
	ok "list says ${text##*:} of ${text%:*}"
done
takes "it is known to hang"

kill -CONT "$qemu"
GUEST=$hung
wait_for 90 lease_is_open || fail "it goes on, and ebbd does not: $(ebbctl show "$hung")"
whole_again "it goes on"
dmesg_clean || fail "its kernel is hurt"
loop_was_there
