# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Guests without anything of Ebb, on rung balloon.
: "${build:?}"

MEMORY=1536

rung_is()
{
	ebbctl_json show "$GUEST" 2>/dev/null |
		jq -e --arg rung "$1" '.rung == $rung and (.old | not)' >/dev/null
}

# It takes two minutes to be taken for booted, by the machine's clock, and a look finds
# it then.
wait_balloon_rung()
{
	ebbctl doctor "$GUEST" >/dev/null 2>&1
	for _ in $(seq 40); do
		! rung_is balloon || return 0
		sleep 4
		ebbctl doctor "$GUEST" >/dev/null 2>&1
	done
	fail "not on rung balloon: $(ebbctl show "$GUEST" 2>&1)"
}

holds_nothing()
{
	[ "$(guest_status balloon-held-bytes)" = 0 ] || guest_is balloon-held-bytes null
}

holds()
{
	at_least "$(ebbctl_json show "$GUEST" | jq ".[\"balloon-held-bytes\"] // 0")" $(($1 << 20))
}

# take MIB: by the balloon, and by the host's books.
take()
{
	local before taken

	before=$(process_bytes)
	reclaim "${1}M" --timeout 200s || fail "reclaim $1M: exit $?: $(cat "$RIG_DIR/run/stderr") $RESULT"
	taken=$((before - $(process_bytes)))
	# The guest goes on meanwhile.
	at_least $taken $((($1 - 64) << 20)) ||
		fail "$1 MiB asked, $(mib $taken) came by the host's books: $RESULT"
	wait_for 90 holds $(($1 - 16)) || fail "not told to be held: $(ebbctl show "$GUEST")"
	ok "$1 MiB asked, $(mib $taken) came by the host's books in $(($(result elapsed-us) / 1000)) ms"
}

# has_back TEXT [SECONDS]: all of it, by the balloon itself and by what ebbd says.
has_back()
{
	wait_for "${2:-60}" balloon_is $MEMORY ||
		fail "$1: the balloon leaves $(balloon_mib) of $MEMORY MiB"
	wait_for 90 holds_nothing || fail "$1: $(ebbctl show "$GUEST")"
	recorded && fail "$1: still on record: $(virsh metadata "$GUEST" urn:ebb:balloon:1)"
	ok "$1: the guest has all back"
}

recorded()
{
	virsh metadata "$GUEST" urn:ebb:balloon:1 >/dev/null 2>&1
}

kills()
{
	guest "dmesg | grep -c 'Out of memory'"
}

# grow_slowly MIB: in pieces that stay, so that the guest is seen to need them.
grow_slowly()
{
	guest_run 300 "for i in \$(seq $(($1 / 40))); do
		fill --hold 40 >>/run/held.pids || exit 1; sleep 1; done" >/dev/null
}

shrink()
{
	guest "kill \$(cat /run/held.pids); rm /run/held.pids" >/dev/null
}

# two_balloons [BALLOON]: two guests that have used most of their memory, in $held, with
# that BALLOON (plain), and $beside; the first one is GUEST.
two_balloons()
{
	local guests=() balloon

	for balloon in "${1:-plain}" plain; do
		guest_define --memory $MEMORY --backing private --balloon "$balloon" \
			--channels shell --cmdline "ebb.no-module ebb.no-agent"
		guest_start
		guests+=("$GUEST")
	done
	for GUEST in "${guests[@]}"; do
		guest_wait
		guest_populate 1200
	done
	# shellcheck disable=SC2034 # of who calls
	beside=${guests[1]}
	held=${guests[0]}
	GUEST=$held
}
