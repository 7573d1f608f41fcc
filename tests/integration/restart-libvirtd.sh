#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ebbd outlives a restart of libvirtd, and says what is wrong in between.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 1024
[ -n "$RIG_LIBVIRT_STARTED" ] ||
	rig_skip "libvirtd was running before: not restarted for a test"
daemon=$EBBD_PID
guest_populate 500
rig_kill "$(cat /run/libvirtd.pid)"
refused 1 'libvirtd' "reclaim without libvirtd" \
	timeout 90 "$(program ebbctl)" --socket "$EBBD_SOCKET" \
	reclaim "$GUEST" --all
libvirt_again
wait_lease
pid_gone "$daemon" && fail "ebbd has ended"
ok "ebbd found libvirtd again"
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
check "and reclaims" at_least "$(result reclaimed-bytes)" $((300 << 20))
check "the guest's log is clean" dmesg_clean
