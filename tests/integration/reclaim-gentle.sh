#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A gentle reclaim takes memory in pieces with rests between them, and Ctrl-C ends it at
# once. A person who asks during a piece is refused, and the reclaim goes on without
# rests, in a session that is not gentle. The policy takes gently what the host does not
# need. When the host needs it, that reclaim ends, and the guest is asked anew, for that
# reason.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# host_wants KIB: of what is available guests are left so much; 0: all.
host_wants()
{
	local available

	available=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
	printf '[policy]\nenabled = yes\nmode = density\nhost-free = %sK\n' \
		$(($1 > 0 && available > $1 ? available - $1 : 0)) \
		>"$RIG_DIR/conf.d/policy.conf"
	check "reload" ebbctl reload
}

some_came()
{
	resident_at_most $((before - (48 << 20)))
}

is_gentle()
{
	grep -q "policy: $GUEST: .*, gently\$" "$RIG_DIR/log/ebbd.log"
}

is_needed()
{
	grep -q "policy: $GUEST: .*, because host has" "$RIG_DIR/log/ebbd.log"
}

# Of the policy's last end, of the guest, that came before its first decision for need.
ended_for_need()
{
	ebbctl_json events | jq -rs --arg name "$GUEST" '
		map(select(.domain == $name)) as $all |
		($all | map(.kind == "decision" and .reason == "free") | index(true)) as $need |
		$all[:$need] | map(select(.kind == "outcome" and .action == "policy")) |
		last | .reason'
}

use_policy "mode = density"
started_rig --memory 1024
check "the policy pauses" ebbctl policy pause
guest_churn $((64 << 20))

# ---- of a person ----

guest_populate 512
before=$(backing_bytes)
reclaim --all --gentle || fail "reclaim: $(cat "$RIG_DIR/run/stderr")"
gentle_us=$(result elapsed-us)
at_least $((before - $(backing_bytes))) $((400 << 20)) ||
	fail "of 512 MiB only $(mib $((before - $(backing_bytes)))) came: $RESULT"
check "it ends as any" [ "$(result ended)" = drained ]
guest_populate 512
reclaim --all || fail "reclaim: $(cat "$RIG_DIR/run/stderr")"
fast_us=$(result elapsed-us)
at_least "$gentle_us" $((2 * fast_us)) ||
	fail "it did not rest: $gentle_us us, and $fast_us us without rests"
ok "gently it took $((gentle_us / 1000)) ms, else $((fast_us / 1000)) ms"

guest_populate 512
before=$(backing_bytes)
begin_reclaim --all --gentle
wait_for 90 some_came || fail "nothing comes: $(ebbctl show "$GUEST")"
kill -INT "$(pgrep -P "$CLIENT")"
end_reclaim 90
check "Ctrl-C ends it ($ENDED)" [ "${ENDED%%:*}" = "exit 130" ]
reclaim --all || fail "reclaim: $(cat "$RIG_DIR/run/stderr")"
check "and all else is had by another" [ "$(result ended)" = drained ]

guest_populate 512
before=$(backing_bytes)
hold_reclaim resolved 1 --all --gentle
refused 1 "runs already" "another one has to wait" ebbctl reclaim "$GUEST" --all
release_reclaim
end_reclaim 90
went_on "what was gentle goes on"
was_held_too_long || at_least $((before - $(backing_bytes))) $((400 << 20)) ||
	fail "of 512 MiB only $(mib $((before - $(backing_bytes)))) came: $RESULT"

# ---- of the policy ----

guest_populate 640
check "the policy goes on" ebbctl policy resume
wait_for 120 is_gentle || fail "it is not gentle: $(ebbctl explain "$GUEST")"
host_wants $((128 << 10))
wait_for 90 is_needed || fail "need changes nothing: $(ebbctl explain "$GUEST")"
ok "it is asked anew: $(grep -o "policy: $GUEST: .*, because host has.*" "$RIG_DIR/log/ebbd.log" | head -n 1)"
# A rest ends as cancelled; a piece that ran just then went on without rests.
end=$(ended_for_need)
check "what was gentle ended for that ($end)" \
	grep -Eqx 'cancelled|satisfied' <<<"$end"
check "churn saw no wrong byte" churn_ends
check "the guest's log is clean" dmesg_clean
