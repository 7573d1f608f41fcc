#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Rung balloon: nothing of Ebb is in the guest. A reclaim inflates its balloon, the host's
# books have what came, and a guest that then grows has it back in time; a guest beside it,
# whose balloon somebody inflated as far by hand, is killed in by its kernel. When the host
# runs short, which is promised away, the policy does the same, as the balloon gives way
# by itself; so the guest may also want at once what the balloon has. What the guard alone
# does is balloon-held's.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/rig/balloon.sh
. "$source_dir/scripts/rig/balloon.sh"

use_faulty_ebbd
requires virsh socat jq
rig_init
libvirt_start
started=$SECONDS
two_balloons deflating
# shellcheck disable=SC2119
start_ebbd
# For two minutes, which to boot and to fill both may take.
if [ $((SECONDS - started)) -lt 100 ]; then
	refused 1 'memory is private' "a guest that was started a short while ago" \
		ebbctl reclaim "$GUEST" 300M
else
	echo "# the guests took $((SECONDS - started)) s: they count as booted"
fi
# For the next one it has booted: the two minutes of that are 10 seconds.
stop_ebbd
export EBB_FAULT_SPEED=12
# shellcheck disable=SC2119
start_ebbd
wait_balloon_rung
check "its first reason is what the lease lacks" \
	[ "$(ebbctl_json show "$GUEST" | jq -r '.reasons[0].name')" = private-memory ]
check "its statistics are as they were" \
	[ -z "$(virsh dumpxml "$GUEST" | grep -o "<stats period[^>]*>")" ]
ok "a guest without anything of Ebb is on rung balloon"

take 600
check "it is on record" recorded
check "nothing was killed" [ "$(kills)" = 0 ]

# The other one's is inflated as far, and has no guard.
GUEST=$beside
guest_balloon $((MEMORY - 600)) 60 || fail "setmem: the balloon leaves $(balloon_mib) MiB"
ok "a guest beside it has a balloon of the same size by hand"
grow_slowly 1000
killed=$(kills)
at_least "$killed" 1 || fail "the guest with the balloon by hand has 1000 MiB"
ok "it grows by 1000 MiB, and its kernel kills ($killed times)"
GUEST=$held
grow_slowly 1000 || fail "the guarded guest could not grow: $(guest dmesg | tail -n 20)"
check "the guarded one grows by 1000 MiB, and nothing is killed" [ "$(kills)" = 0 ]
has_back "it grew"
check "the log says why" grep -q "gives back.*low-memory" "$RIG_DIR/log/ebbd.log"
shrink

take 500
check "a person may have it back" ebbctl deflate "$GUEST"
has_back "deflate"

# The policy has none inflated that stays as it is when its guest runs short, and no
# other before the host needs that.
host_has_enough
GUEST=$beside
wait_for 90 explained_is text '.*does not give way.*autodeflate.*' ||
	fail "it is not left alone: $(ebbctl explain "$GUEST")"
ok "the guest beside it: $(explained text)"
GUEST=$held
wait_for 90 explained_is text '.*it has only a balloon.*' ||
	fail "it is not explained: $(ebbctl explain "$GUEST")"
ok "without need: $(explained text)"
guest_populate 1000
before=$(process_bytes)
host_runs_short
wait_for 120 holds 300 || fail "it gives nothing in need: $(ebbctl explain "$GUEST")"
told=$(grep -o "policy: $GUEST: .* by its balloon, because .*" "$RIG_DIR/log/ebbd.log") ||
	fail "it is not told why: $(grep policy: "$RIG_DIR/log/ebbd.log")"
ok "the host runs short: ${told%%$'\n'*}"
has_given()
{
	at_least $((before - $(process_bytes))) $((240 << 20))
}
wait_for 90 has_given ||
	fail "of $(mib "$before") the host has $(mib "$(process_bytes)")"
check "it is told why" explained_is '"last-text"' ".*by its balloon, because host has.*"
# It needs it at once, while the host still does, and goes first.
guest_run 120 "fill --hold 1150 >>/run/held.pids" >/dev/null || fail "it could not grow: $(guest dmesg | tail -n 20)"
has_back "it grew in need"
explained_is text '.*it needed its memory; it is asked again in.*' ||
	fail "then it is not left alone: $(ebbctl explain "$GUEST")"
ok "then it is left alone: $(explained text)"
check "nothing was killed in it" [ "$(kills)" = 0 ]
host_has_enough
GUEST=$beside
check "the guest beside it was asked for nothing" guest_is reclaim-runs 0
GUEST=$held
check "the guest's log is clean" dmesg_clean
