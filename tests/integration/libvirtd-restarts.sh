#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# libvirtd is started anew again and again: nothing of ebbd grows with it. The
# domains have no system: what is at stake is between ebbd and libvirtd.
# EBB_LIBVIRTD_ROUNDS (10): how often.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/rig/bare.sh
. "$source_dir/scripts/rig/bare.sh"

requires virsh socat jq
rig_init
libvirt_start
[ -n "$RIG_LIBVIRT_STARTED" ] ||
	rig_skip "libvirtd was running before: not restarted for a test"
bare_start 2
# shellcheck disable=SC2119
start_ebbd
wait_for 90 bare_are running false || fail "not listed as running: $(states)"

restart_libvirtd()
{
	rig_kill "$(cat /run/libvirtd.pid)"
	wait_for 90 not_connected || fail "ebbd does not notice"
	libvirt_again
	wait_for 90 bare_are running false || fail "ebbd is not back: $(states)"
}

# Its threads and descriptors.
usage()
{
	echo "$(find "/proc/$EBBD_PID/task" -mindepth 1 -maxdepth 1 | wc -l)" \
		"$(find "/proc/$EBBD_PID/fd" -mindepth 1 | wc -l)"
}

rss_kib()
{
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$EBBD_PID/status"
}

# No more than at first; a look that is under way may have some open.
is_back()
{
	local threads fds

	read -r threads fds < <(usage)
	at_most "$threads" 8 || [ "$threads" = 9 ] || return 1
	at_most "$fds" "$fds_before"
}

# The first rounds start what is needed later.
for _ in 1 2 3; do
	restart_libvirtd
done
# shellcheck disable=SC2016 # for eval
wait_for 90 eval '[ "$(usage)" = "$(sleep 1; usage)" ]'
read -r _ fds_before < <(usage)
rss_before=$(rss_kib)
for _ in $(seq "${EBB_LIBVIRTD_ROUNDS:-10}"); do
	restart_libvirtd
done
wait_for 90 is_back ||
	fail "threads and descriptors grew: $(usage), descriptors $fds_before before"
ok "threads and descriptors after ${EBB_LIBVIRTD_ROUNDS:-10} restarts: $(usage)"
rss_after=$(rss_kib)
at_most "$rss_after" $((rss_before + 4096)) ||
	fail "memory grew from $rss_before to $rss_after KiB"
ok "memory: $rss_before KiB before, $rss_after after"
loop_was_there
