#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What was and what happened outlives a restart of ebbd: samples of a guest and of the
# host, who asked for what, and what came of it.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# past FILTER [ARGUMENT]...: of what ebbctl history says.
past()
{
	local filter=$1
	shift

	ebbctl_json history "$@" 2>/dev/null | jq -r "$filter"
}

# A sample is taken each 10 s.
has_samples()
{
	[ "$(past '[.points[] | select(."resident-bytes")] | length' "$GUEST")" -ge "$1" ]
}

resident_was_at_most()
{
	[ "$(past '.points[-1]."resident-bytes"[0] // 1e18' "$GUEST")" -le "$1" ]
}

# event FILTER: how many there are.
event()
{
	ebbctl_json events | jq -s "[.[] | select($1)] | length"
}

has_event()
{
	[ "$(event "$1")" -ge 1 ]
}

follows()
{
	grep -q "$1" "$RIG_DIR/followed"
}

log_says_so()
{
	[ "$(grep -c 'made no sense' "$RIG_DIR/log/ebbd.log")" = 2 ]
}

requires virsh socat jq
rig_init
# As systemd tells it the unit.
export STATE_DIRECTORY=$RIG_DIR/past
libvirt_start
guest_boot --memory 1024
start_ebbd
wait_lease
ebbctl events --follow >"$RIG_DIR/followed" 2>"$RIG_DIR/log/follow" &
follower=$!
wait_for 90 has_samples 1 || fail "no sample: $(ebbctl history "$GUEST" 2>&1)"
ok "the guest has samples, though the policy is off"
check "so has the host" jq -e '.points[-1]."available-bytes"[1] > 0' \
	<<<"$(ebbctl_json history)"

guest_populate 400
reclaim 200M || fail "a reclaim: $(cat "$RIG_DIR/run/stderr")"
asked="select(.kind == \"request\" and .domain == \"$GUEST\")"
check "an event says who asked for how much" [ "$(ebbctl_json events |
	jq -s "[.[] | $asked] | .[-1] | \"\(.action) \(.uid) \(.\"asked-bytes\")\"")" = \
	"\"reclaim 0 $((200 << 20))\"" ]
check "and another what came of it" has_event \
	".kind == \"outcome\" and .reason == \"satisfied\" and .\"came-bytes\" == $(result reclaimed-bytes)"
wait_for 90 follows "$GUEST: reclaim: .* came: satisfied (asked by root)" ||
	fail "who follows did not hear of it: $(cat "$RIG_DIR/followed" "$RIG_DIR/log/follow")"
ok "who follows hears of it"
wait_for 90 resident_was_at_most $(($(backing_bytes) + (32 << 20))) ||
	fail "no sample shows it: $(ebbctl history "$GUEST" 2>&1)"
ok "a sample shows it"

first=$(past '.points[0]."time-ms"' "$GUEST")
number=$(ebbctl_json events | jq -s '.[-1].number')
stop_ebbd
wait_for 90 pid_gone $follower || fail "who follows did not end with ebbd"
check "the samples are on disk" ls "$RIG_DIR"/past/domain-* "$RIG_DIR"/past/budget-*
start_ebbd
check "after a restart the samples are those of before" \
	[ "$(past '.points[0]."time-ms"' "$GUEST")" = "$first" ]
check "and the events" has_event ".kind == \"request\" and .action == \"reclaim\" and .number <= $number"
check "which go on by number" has_event ".kind == \"daemon-started\" and .number > $number"

# Damage: it begins anew, and says so once.
stop_ebbd
printf damaged | tee "$RIG_DIR"/past/events >"$(echo "$RIG_DIR"/past/domain-*)"
start_ebbd
check "a damaged past does not keep ebbd from serving" ebbctl show "$GUEST"
wait_for 90 log_says_so || fail "the log does not say so"
ok "the log says so, once of each"
wait_for 90 has_samples 1 || fail "no sample after that: $(ebbctl history "$GUEST" 2>&1)"
ok "and it is kept anew"
check "curves fit into 80 columns" [ "$(ebbctl history "$GUEST" | wc -L)" -le 80 ]
