#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What Ebb holds by a balloon survives an ebbd that is killed, and is given back by one that
# ends, and at a reset, after which QEMU knows that the balloon is empty. A QEMU that hangs
# costs its own guest its guard alone.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/rig/balloon.sh
. "$source_dir/scripts/rig/balloon.sh"

# It counts as booted after seconds.
use_faulty_ebbd
export EBB_FAULT_SPEED=12
requires virsh socat jq
rig_init
libvirt_start
two_balloons plain
# shellcheck disable=SC2119
start_ebbd
wait_balloon_rung

take 500
kill -9 "$EBBD_PID"
wait "$EBBD_PID" 2>/dev/null
EBBD_PID=
check "an ebbd that is killed leaves it on record" recorded
# shellcheck disable=SC2119
start_ebbd
wait_for 90 holds 480 || fail "the next ebbd does not hold it: $(ebbctl show "$GUEST")"
ok "the next ebbd holds it"
grow_slowly 1000 || fail "the guest could not grow: $(guest dmesg | tail -n 20)"
check "it grows, and nothing is killed" [ "$(kills)" = 0 ]
has_back "it grew under the next ebbd"
shrink
wait_balloon_rung

# Its QEMU hangs, and the guest beside it is guarded all the same.
GUEST=$beside
wait_balloon_rung
take 400
GUEST=$held
take 400
qemu=$(guest_pid)
trap 'status=$?; kill -CONT $qemu; (exit $status); at_exit' EXIT
kill -STOP "$qemu"
unread()
{
	guest_is balloon-unread true
}
wait_for 90 unread || fail "the hang is not told: $(ebbctl show "$GUEST")"
ok "a QEMU that hangs is told"
GUEST=$beside
grow_slowly 1000 || fail "the guest beside it could not grow: $(guest dmesg | tail -n 20)"
check "the guest beside it grows, and nothing is killed" [ "$(kills)" = 0 ]
has_back "it grew beside one that hangs"
shrink
GUEST=$held
kill -CONT "$qemu"
is_read()
{
	[[ $(guest_status balloon-unread) =~ ^(null|false)$ ]]
}
wait_for 90 is_read ||
	fail "still unread: $(ebbctl show "$GUEST")"
ok "it is guarded again when it goes on"

stop_ebbd
wait_for 90 balloon_is $MEMORY ||
	fail "ebbd ended, and the balloon leaves $(balloon_mib) MiB: $(tail "$RIG_DIR/log/ebbd.log")"
recorded && fail "ebbd ended, and it is still on record"
ok "an ebbd that ends gives all back"

# shellcheck disable=SC2119
start_ebbd
wait_balloon_rung
take 400
virsh reset "$GUEST" >/dev/null || fail "virsh reset: $?"
guest_wait
has_back "reset" 90
check "the guest's log is clean" dmesg_clean
