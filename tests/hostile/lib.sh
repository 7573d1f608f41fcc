# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the tests of hostile guests share; sourced after lib.sh. There are two
# guests: ATTACKER, without ebb.ko and ebb-agent, and HONEST, beside it.

: "${source_dir:?}" "${build:?}"

ATTACKER=
HONEST=

# An image that has what a hostile guest runs.
hostile_image()
{
	[ -e "$build/hostile-guest/hostile-agent" ] ||
		rig_die "no $build/hostile-guest: make test-programs"
	RIG_IMAGE=$("$source_dir/scripts/guest-image" --build "$build" \
		--extra "$build/hostile-guest") || rig_die "no image of a guest"
	export RIG_IMAGE
}

# hostile_rig CMDLINE [OPTION of guest_define]...: both guests, ebbd, a lease of
# the honest one.
hostile_rig()
{
	local cmdline=$1
	shift

	requires virsh socat jq
	rig_init
	libvirt_start
	hostile_image
	guest_define --memory 512 --cmdline "$cmdline" "$@"
	ATTACKER=$GUEST
	guest_define --memory 768
	HONEST=$GUEST
	for GUEST in "$ATTACKER" "$HONEST"; do
		guest_start
	done
	for GUEST in "$ATTACKER" "$HONEST"; do
		guest_wait
		guest_churn $((64 << 20))
	done
	printf '[daemon]\nstate-dir = %s\n[agent]\ntimeout = 1s\n' \
		"$RIG_DIR/run" >"$RIG_DIR/ebbd.conf"
	start_ebbd
	wait_lease
	honest_is_served
	ebbd_note
}

# ---- ebbd ----

ebbd_rss_kib()
{
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$EBBD_PID/status"
}

ebbd_ticks()
{
	local stat

	stat=$(cat "/proc/$EBBD_PID/stat") || fail "ebbd is gone: $1"
	stat=${stat##*) }
	# shellcheck disable=SC2086 # words
	set -- $stat
	echo $((${12} + ${13}))
}

log_lines()
{
	wc -l <"$RIG_DIR/log/ebbd.log"
}

ebbd_note()
{
	NOTED_PID=$EBBD_PID
	NOTED_RSS=$(ebbd_rss_kib)
	NOTED_LINES=$(log_lines)
}

# ebbd_is_well ATTACK: it lives and answers, for all domains.
ebbd_is_well()
{
	! pid_gone "$NOTED_PID" || fail "$1: ebbd ended"
	ebbctl_json list >"$RIG_DIR/run/list" 2>&1 ||
		fail "$1: ebbctl list: $(cat "$RIG_DIR/run/list")"
	jq -e . "$RIG_DIR/run/list" >/dev/null ||
		fail "$1: ebbctl list gives no JSON"
}

# ebbd_is_calm ATTACKS: after all, its memory, its log and its idle time.
ebbd_is_calm()
{
	local rss lines ticks

	rss=$(($(ebbd_rss_kib) - NOTED_RSS))
	at_most $rss $((32 << 10)) || fail "ebbd grew by $rss KiB"
	ok "ebbd lives, and grew by $rss KiB"
	lines=$(($(log_lines) - NOTED_LINES))
	at_most $lines $((6 * $1)) ||
		fail "$lines lines in the log for $1 attacks"
	ok "the log grew by $lines lines for $1 attacks"
	! LC_ALL=C grep -qaP '[^\x20-\x7e\t]' "$RIG_DIR/log/ebbd.log" ||
		fail "the log has bytes of a guest"
	! grep -qa '^ebbd: forged' "$RIG_DIR/log/ebbd.log" ||
		fail "a guest wrote a line of the log"
	ticks=$(ebbd_ticks)
	sleep 2
	ticks=$(($(ebbd_ticks) - ticks))
	at_most $ticks 20 || fail "ebbd used $ticks ticks in 2 s of idling"
	ok "ebbd used $ticks ticks in 2 s of idling"
}

# ---- the two guests ----

# One reclaim from the honest guest, as ever. What it brings differs: churn and
# fill leave it more or less in fragments. On a busy machine a guest that is
# emulated may be too late with its grants, three seconds long: that, which is said
# of no other end, is no one's fault, and it is asked again.
honest_is_served()
{
	local GUEST=$HONEST late

	guest_populate 128
	for late in 0 1 2 3; do
		! reclaim --all --timeout 20s || break
		[[ $RESULT = *"does not answer in its ring"* ]] ||
			fail "the honest guest: $RESULT"
		[ $late -lt 3 ] || fail "the honest guest was too late $late times: $RESULT"
	done
	[ $late = 0 ] || echo "# the honest guest was too late $late times"
	result reclaimed-bytes >>"$RIG_DIR/run/served"
}

honest_loop()
{
	trap - EXIT
	while honest_is_served; do
		sleep 3
	done >"$RIG_DIR/run/honest" 2>&1
}

# All the while, in the background; honest_was_served is its end.
honest_keeps_on()
{
	honest_loop &
	HONEST_LOOP=$!
	RIG_PIDS+=("$HONEST_LOOP")
}

honest_was_served()
{
	local times bytes

	! pid_gone "$HONEST_LOOP" ||
		fail "$(sed 's/^not ok - //' "$RIG_DIR/run/honest")"
	rig_kill "$HONEST_LOOP"
	read -r times bytes < <(awk '{ sum += $1 }
		END { printf "%d %.0f\n", NR, sum }' "$RIG_DIR/run/served")
	at_least "$bytes" $((16 << 20)) ||
		fail "the honest guest gave $(mib "$bytes") in $times times"
	ok "the honest guest gave $(mib "$bytes") in $times times meanwhile"
}

# No byte of either was harmed.
guests_are_whole()
{
	local verdict

	for GUEST in "$HONEST" "$ATTACKER"; do
		verdict=$(churn_ends) || fail "$GUEST: $verdict"
		ok "$GUEST: $verdict"
	done
	GUEST=$HONEST
	check "the honest guest's log is clean" dmesg_clean
}

# Whether the attack is to be tried: all, or the words of EBB_ATTACKS.
attack_is_wanted()
{
	[ -n "$1" ] || return 1
	case " ${EBB_ATTACKS:-all} " in *" all "* | *" $1 "*) return 0 ;; esac
	return 1
}

# attack_reclaim ATTACK: from the attacker, within its time. STATUS, OUTPUT.
attack_reclaim()
{
	local start=${EPOCHREALTIME/./} elapsed_ms

	OUTPUT=$(timeout 90 "$(program ebbctl)" --socket "$EBBD_SOCKET" \
		--json reclaim "$ATTACKER" --all --timeout 1s 2>&1)
	# shellcheck disable=SC2034 # for the caller
	STATUS=$?
	elapsed_ms=$(((${EPOCHREALTIME/./} - start) / 1000))
	# A look at the guest comes before, and one more where that took less than
	# 5 s. Either takes 1 s for each of four questions, or as long as libvirtd
	# waits for its guest agent (5 s to be in step, 1 s to answer): 16 s in all, and
	# more where the machine is slow.
	at_most $elapsed_ms 45000 ||
		fail "$1: the reclaim took $elapsed_ms ms: $OUTPUT"
}

# What the last attack_reclaim brought, in some words.
attack_outcome()
{
	jq -r '.error.desc // "\(.ended), \(."reclaimed-bytes" / 1048576) MiB"' \
		<<<"$OUTPUT" 2>&1 | head -c 72
}

# The names of what keeps the attacker from the lease, after a probe.
attacker_reasons()
{
	ebbctl_json show "$ATTACKER" 2>/dev/null |
		jq -r '[.rung, .reasons[].name] | join(" ")'
}
