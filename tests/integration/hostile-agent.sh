#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest whose agent lies, or talks without end (tests/hostile/). ebbd gets
# neither larger nor busier, and the guest beside it does not notice.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hostile/lib.sh
. "$source_dir/tests/hostile/lib.sh"

# The name of an attack, and a reason that is shown after it. With @qga it is
# tried on the guest agent's channel, where libvirtd comes first. A guest that is
# looked at again and again has no reason to show in between ("-").
attacks="
truth map-unproven
silent no-agent|agent-silent
twice map-unproven
types .
many-segments no-agent|agent-silent
overlapping map-unproven
beyond map-unproven
canary-outside map-unproven
canary-unaligned map-unproven
no-segments map-unproven
no-canaries map-unproven
ring-outside map-unproven
ring-unaligned map-unproven
utf8 no-agent|agent-silent
nul no-agent|agent-silent
escapes map-unproven
cut no-agent|agent-silent
forged no-agent|agent-silent
members no-agent|agent-silent
array no-agent|agent-silent
deep no-agent|agent-silent
unclosed no-agent|agent-silent
flap .
ready .
events .
targets .
others .
unasked no-agent|agent-silent
requests .
noise .
newlines no-agent|agent-silent
sentinels no-agent|agent-silent
endless no-agent|agent-silent
brackets no-agent|agent-silent
zeros no-agent|agent-silent
reopen .
silent@qga no-agent|agent-silent|guest-booting
deep@qga no-agent|agent-silent|guest-booting
reopen@qga -
"

speak()
{
	local port=org.ebb.agent.0

	[ "${1%@qga}" = "$1" ] || port=org.qemu.guest_agent.0
	GUEST=$ATTACKER
	guest_run 120 "[ ! -e /run/hostile.pid ] || kill \$(cat /run/hostile.pid)
		setsid hostile-agent ${1%@qga} /dev/virtio-ports/$port </dev/null >/run/hostile.log 2>&1 &
		echo \$! >/run/hostile.pid"
}

shown()
{
	attacker_reasons | grep -qE "^observe .*($1)"
}

# Where it is not shown ebbd looks anew: the agent before may have been ended
# between question and answer.
reasons_say()
{
	shown "$1" || { ebbctl doctor "$ATTACKER" >/dev/null 2>&1; shown "$1"; }
}

check_attack()
{
	local name=$1 reasons=$2

	speak "$name" || fail "$name: hostile-agent does not start"
	attack_reclaim "$name"
	[ "$STATUS" != 0 ] || fail "$name: it gave something: $OUTPUT"
	ebbd_is_well "$name"
	[ "$reasons" = - ] || wait_for 90 reasons_say "$reasons" ||
		fail "$name: the reasons are $(attacker_reasons), not $reasons"
	ok "$name: $(attacker_reasons), ebbd has $(ebbd_rss_kib) KiB"
}

hostile_rig "ebb.no-module ebb.no-agent" --channels "ebb qga shell"
honest_keeps_on
count=0
while read -r name reasons; do
	attack_is_wanted "$name" || continue
	check_attack "$name" "$reasons"
	count=$((count + 1))
done <<<"$attacks"
speak silent
honest_was_served
ebbd_is_calm $count
guests_are_whole
