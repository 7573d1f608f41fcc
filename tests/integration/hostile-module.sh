#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest whose module lies in every way that the ring allows (tests/hostile/).
# It gets nothing but a reason; the guest beside it does not notice.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hostile/lib.sh
. "$source_dir/tests/hostile/lib.sh"

[ -e "$build/hostile-guest/hostile.ko" ] ||
	rig_skip "no hostile.ko: there are no kernel headers"

# The name of an attack, what it may bring, and which reason is shown after it:
#   BANNED   an error, and quarantine
#   REFUSED  an error, and nothing of its memory was touched
#   NOTHING  ends somehow, and nothing of its memory was touched
#   HELD     ends somehow; of what it offered, and of nothing else, may be taken
# Ranges outside of proven memory are taken for a mishap three times in a row.
attacks="
none HELD
range-wrap_end HELD
swap-taken HELD
flip HELD
endless HELD
endless-never NOTHING
grant-never NOTHING
grant-other-nonce NOTHING
grant-other-epoch NOTHING
grant-done NOTHING
grant-late NOTHING
word-no-state NOTHING
word-granted NOTHING
word-taken NOTHING
word-done NOTHING
word-other-tag NOTHING
facts-odd HELD
facts-spin HELD
facts-nodes HELD
facts-absurd HELD
facts-big HELD
ring-tag HELD
ring-boot-id HELD
ring-magic HELD
ring-version REFUSED agent-version
ring-challenge REFUSED ring-invalid
ring-wipe HELD ring-invalid|no-module
ring-wipe-late NOTHING
ring-flap HELD
host-word-zero HELD
host-word-forged HELD
host-word-storm HELD
ring-outside REFUSED ring-invalid
ring-unaligned REFUSED ring-invalid
ring-last REFUSED ring-invalid
ring-elsewhere REFUSED ring-invalid
ring-bytes REFUSED agent-version
session-garbage HELD
session-other-id HELD
session-drained HELD
batch-storm HELD
canary-nonce REFUSED map-unproven
canary-gpa REFUSED map-unproven
canary-swapped REFUSED map-unproven
canary-wiped REFUSED map-unproven
map-no-canary REFUSED map-unproven
map-too-long REFUSED map-unproven
map-endless REFUSED map-unproven
map-shifted REFUSED map-unproven
map-twice REFUSED map-unproven
range-beyond_ram HELD
range-across_end HELD
range-far HELD
"
# After each of these the guest is started anew. Ranges of more kinds are in
# the unit tests; all of them are tried with EBB_ATTACKS=all.
bans="
range-low BANNED
range-misaligned BANNED
range-overlap BANNED
range-ring BANNED
range-canary BANNED
range-order_0 BANNED
range-order_255 BANNED
range-wrap BANNED
flip-wild HELD
word-storm HELD
"
[ "${EBB_ATTACKS:-}" != all ] || bans="$bans
range-half_aligned BANNED
range-big_misaligned BANNED
range-twice BANNED
range-order_8 BANNED
range-order_14 BANNED
range-order_63 BANNED
range-wrap_all BANNED
"

# What the module says of its memory; it must be there when it is asked.
verdict()
{
	guest "cat /sys/module/hostile/parameters/verdict"
}

lie()
{
	GUEST=$ATTACKER
	guest_run 120 "rmmod hostile 2>/dev/null
		insmod /opt/ebb/hostile.ko attack=$1" ||
		fail "$1: hostile.ko does not load"
}

# memory_is_as PATTERN: of the verdict, now or soon.
memory_is_as()
{
	VERDICT=$(verdict)
	grep -qE "$1" <<<"$VERDICT"
}

reasons_say()
{
	attacker_reasons | grep -qE "^observe .*($1)"
}

# The truth is told, and all of it is taken.
gives_all()
{
	GUEST=$ATTACKER
	memory_is_as "zero 8 " && return
	attack_reclaim none
	memory_is_as "zero 8 "
}

# A reclaim may come too early for the lie to be seen, and some lies are seen
# four times before they count.
is_banned()
{
	reasons_say quarantined && return
	attack_reclaim "$1"
	[ "$STATUS" != 0 ] || fail "$1: no error: $OUTPUT"
	reasons_say quarantined
}

check_attack()
{
	local name=$1 class=$2 reasons=${3:-} memory="stolen 0 wrong 0"

	lie "$name"
	attack_reclaim "$name"
	ebbd_is_well "$name"
	case $class:$name in
	BANNED:*)
		wait_for 90 is_banned "$name" ||
			fail "$name: the reasons are $(attacker_reasons): $OUTPUT" ;;
	REFUSED:* | NOTHING:*) memory="whole 8 .*wrong 0" ;;
	HELD:flip* | HELD:word-storm) memory="wrong 0" ;;
	esac
	[ "$class:$STATUS" != REFUSED:0 ] || fail "$name: no error: $OUTPUT"
	[ -z "$reasons" ] || wait_for 90 reasons_say "$reasons" ||
		fail "$name: the reasons are $(attacker_reasons): $OUTPUT"
	GUEST=$ATTACKER
	wait_for 90 memory_is_as "$memory" || fail "$name: $VERDICT"
	[ "$name" != none ] || wait_for 90 gives_all ||
		fail "the truth gave nothing: $VERDICT: $OUTPUT"
	ok "$name: $VERDICT; $(attacker_reasons); $(attack_outcome)"
}

check_quietly()
{
	"$@" >/dev/null || fail "$* gave $?"
}

# Out of quarantine: a new process, from an image, as that is faster than a
# boot.
attacker_anew()
{
	GUEST=$ATTACKER
	guest "! grep WRONG /run/churn.out" || fail "the attacker lost a byte"
	check_quietly virsh destroy "$ATTACKER"
	check_quietly virsh restore "$RIG_DIR/attacker.save"
	guest_wait
}

hostile_rig "ebb.no-module"
honest_keeps_on
check_quietly virsh save "$ATTACKER" "$RIG_DIR/attacker.save"
check_quietly virsh restore "$RIG_DIR/attacker.save"
count=0
while read -r name class reasons; do
	attack_is_wanted "$name" || continue
	check_attack "$name" "$class" "$reasons"
	# Else the next would prove nothing.
	! reasons_say quarantined || fail "$name: in quarantine: $OUTPUT"
	count=$((count + 1))
done <<<"$attacks"
while read -r name class; do
	attack_is_wanted "$name" || continue
	check_attack "$name" "$class"
	attacker_anew
	count=$((count + 1))
done <<<"$bans"
lie none
wait_for 90 gives_all || fail "it stays in quarantine: $OUTPUT"
ok "started anew, it is out of quarantine"
honest_was_served
ebbd_is_calm $count
guests_are_whole
