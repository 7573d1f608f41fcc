#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Two controllers that know nothing of each other, and one guest: the lock on its
# memory keeps the second away, also while the first is stopped; and lets it in
# when the first is gone, however that went.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 1024
guest_churn $((100 << 20))
first=$EBBD_PID
first_socket=$EBBD_SOCKET
RIG_PIDS+=("$first")

second_is_kept_away()
{
	ebbctl_json show "$GUEST" 2>/dev/null |
		jq -e '.rung == "observe" and any(.reasons[]; .name == "other-controller")' \
			>/dev/null
}

mkdir "$RIG_DIR/run/second"
printf '[daemon]\nstate-dir = %s\n' "$RIG_DIR/run/second" >"$RIG_DIR/second.conf"
EBBD_SOCKET=$RIG_DIR/run/second/ebbd.sock
second_starts()
{
	start_ebbd --config "$RIG_DIR/second.conf" --socket "$EBBD_SOCKET"
}
second_starts
wait_for 90 second_is_kept_away ||
	fail "the second ebbd says: $(ebbctl show "$GUEST" 2>&1)"
ok "the second ebbd sees that there is another"

guest_populate 400
refused 1 'another ebbd' "a reclaim by the second" ebbctl reclaim "$GUEST" --all
refused 0 'another ebbd' "its doctor" ebbctl doctor "$GUEST"

# Both at once: the one that may, does.
ebbctl reclaim "$GUEST" --all >"$RIG_DIR/run/refused" 2>&1 &
client=$!
EBBD_SOCKET=$first_socket reclaim --all || fail "the first: $RESULT"
wait $client && fail "the second took something: $(cat "$RIG_DIR/run/refused")"
check "the first takes $(mib "$(result reclaimed-bytes)") meanwhile" \
	at_least "$(result reclaimed-bytes)" $((150 << 20))

# A controller that is stopped holds its lock, and may go on at any time.
guest_populate 400
kill -STOP "$first"
refused 1 'another ebbd' "a reclaim while the first is stopped" \
	ebbctl reclaim "$GUEST" --all
kill -CONT "$first"

# The shell is not to tell of it.
disown "$first"
kill -9 "$first"
wait_for 90 lease_is_open ||
	fail "the first is dead, and the second says: $(ebbctl show "$GUEST" 2>&1)"
ok "the second takes over from the dead"
whole_again "the second"

# And in order: one that ends lets go.
stop_ebbd
second_socket=$EBBD_SOCKET
EBBD_SOCKET=$first_socket
# shellcheck disable=SC2119
start_ebbd
wait_lease
ok "the first is back when the second has ended"
check "and left no socket" [ ! -e "$second_socket" ]
guest_populate 200
whole_again "the first"
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
