#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Rung pageout: a guest with nothing of Ebb in it, on private memory and on a memfd. The
# host puts what it does not work with into swap, which is RAM won by the host's books;
# what it works with stays, every byte is there when it is wanted back, and where the host
# has no swap, or an operator forbids it, the rung is closed by name.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

SWAP_MIB=2048
COLD_MIB=360
HOT_MIB=48
ASKED_MIB=240

# closed_for REASON: now, for that among others.
closed_for()
{
	on_rung observe "$1"
}

# Of the work: bytes that it looked at in the last second.
hot_speed()
{
	guest "cut -d ' ' -f 1 /run/work 2>/dev/null || echo 0"
}

is_working()
{
	at_least "$(hot_speed)" 1
}

# Seconds that the guest takes to read all of its cold memory, and what it finds.
read_cold()
{
	local start=${EPOCHREALTIME/./}

	COLD_SUM=$(guest "md5sum </cold/file") || fail "cold memory cannot be read"
	COLD_MS=$(((${EPOCHREALTIME/./} - start) / 1000))
}

# Pages of 16 MiB by chance, each time after a line more: no two pages are alike.
make_cold()
{
	guest_run 300 "mkdir -p /cold && mount -t tmpfs -o size=$((COLD_MIB + 16))m cold /cold &&
		dd if=/dev/urandom of=/cold/seed bs=1M count=8 2>/dev/null &&
		for i in \$(seq $(((COLD_MIB - 8) / 8))); do
			echo \$i; cat /cold/seed
		done >/cold/file" || fail "no room for cold memory in the guest"
}

# Pages that QEMU had to be given so far, in bytes: those from swap are among them.
faulted_in()
{
	sed 's/.*) //' "/proc/$(guest_pid)/stat" | awk '{ printf "%.0f\n", ($8 + $10) * 4096 }'
}

# define BACKING
define()
{
	guest_define --memory 768 --backing "$1" --channels shell --cmdline ebb.no-module
}

# A look finds that it has booted; ebbd has one by itself later.
looked_on_rung()
{
	on_rung "$@" && return
	ebbctl doctor "$GUEST" >/dev/null 2>&1
	return 1
}

# await_rung REASON: until it no longer counts as booting.
await_rung()
{
	wait_for 240 looked_on_rung pageout "$1" ||
		fail "not on rung pageout: $(ebbctl show "$GUEST" 2>&1)"
}

# check_guest BACKING
check_guest()
{
	local backing=$1 resident swapped faulted speed sum ms status out back

	check "$backing: doctor tells what KSM has merged" \
		grep -q 'ok *ksm' <(ebbctl doctor "$GUEST")

	make_cold
	guest "work --anon $HOT_MIB --report /run/work >/run/work.out 2>&1 &"
	wait_for 90 is_working || fail "the guest does not work"
	read_cold
	sum=$COLD_SUM ms=$COLD_MS
	speed=$(hot_speed)
	resident=$(process_resident)
	swapped=$(process_swapped .)
	faulted=$(faulted_in)

	reclaim "${ASKED_MIB}M" --timeout 200s
	status=$?
	out=$(($(process_swapped .) - swapped))
	[ $status = 0 ] || fail "$backing: exit $status: $(cat "$RIG_DIR/run/stderr") $RESULT"
	check "$backing: it ended satisfied" [ "$(result ended)" = satisfied ]
	at_least "$(result reclaimed-bytes)" $((ASKED_MIB * 15 / 16 << 20)) ||
		fail "$backing: $(mib "$(result reclaimed-bytes)") came: $RESULT"
	at_least $((resident - $(process_resident))) $((ASKED_MIB * 7 / 8 << 20)) ||
		fail "$backing: in RAM it has $(mib "$(process_resident)") of $(mib "$resident"): $RESULT"
	at_least $out $((ASKED_MIB * 7 / 8 << 20)) ||
		fail "$backing: $(mib $out) are in swap: $RESULT"
	at_most $out $((ASKED_MIB * 3 / 2 << 20)) ||
		fail "$backing: $(mib $out) are in swap, which is much more than was asked: $RESULT"
	ok "$backing: $ASKED_MIB MiB asked, $(mib $((resident - $(process_resident)))) less in RAM, $(mib $out) more in swap, in $(($(result elapsed-us) / 1000)) ms"
	check "$backing: nothing was discarded" [ "$(result punched-bytes)" = 0 ]
	# Of the trials of what is hot, and no more.
	back=$(($(faulted_in) - faulted))
	at_most $back $(((HOT_MIB + ASKED_MIB / 4) << 20)) ||
		fail "$backing: $(mib $back) came back meanwhile"
	ok "$backing: $(mib $back) at most came back meanwhile"
	sleep 3
	at_least "$(hot_speed)" $((speed / 4)) ||
		fail "$backing: the guest works at $(hot_speed) bytes a second, where it had $speed"
	ok "$backing: it works at $((100 * $(hot_speed) / speed)) % of its speed before"

	swapped=$(process_swapped .)
	read_cold
	[ "$COLD_SUM" = "$sum" ] || fail "$backing: its memory is $COLD_SUM, and was $sum"
	ok "$backing: each byte is as it was, read in $COLD_MS ms, where it was $ms"
	at_most "$(process_swapped .)" $((swapped / 2)) ||
		fail "$backing: of $(mib "$swapped") in swap $(mib "$(process_swapped .)") stayed"
	ok "$backing: what was wanted is back: of $(mib "$swapped") in swap $(mib "$(process_swapped .)") stayed"

	check "$backing: the work sees no wrong byte and goes on" \
		guest "kill -0 \$(pidof work) && [ ! -s /run/work.out ]"
	check "$backing: the guest's log is clean" dmesg_clean
}

# A guest counts as booted half a minute after its start.
use_faulty_ebbd
export EBB_FAULT_SPEED=4
requires virsh socat jq
swap_begin $SWAP_MIB
rig_init
libvirt_start
define private
guest_start
guest_wait
# shellcheck disable=SC2119
start_ebbd
wait_for 90 closed_for no-swap || fail "no-swap is not named: $(ebbctl show "$GUEST" 2>&1)"
ok "on a host without swap it is on rung observe, and no-swap is named"
check "doctor says what mends that" grep -q 'swapon' <(ebbctl doctor "$GUEST")

swap_show
ebbctl doctor "$GUEST" >/dev/null
await_rung private-memory
ok "with swap it is on rung pageout, without a restart"
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr") $RESULT"
check "what it has free is not known, and so not taken" \
	[ "$(result ended) $(result refused-reason) $(result reclaimed-bytes)" = "no-more null 0" ]
check "and that is told" grep -q 'give a SIZE' <<<"$(result note)"
check "the rung is forbidden" ebbctl set "$GUEST" --rungs lease,report
wait_for 90 closed_for rung-forbidden || fail "it is not forbidden: $(ebbctl show "$GUEST" 2>&1)"
refused 1 'rungs allows.*(pageout).*--rungs all' "a reclaim" ebbctl reclaim "$GUEST" 64M
check "and allowed again" ebbctl set "$GUEST" --rungs all
await_rung private-memory
check "it is paused" virsh suspend "$GUEST"
wait_for 90 closed_for guest-paused ||
	fail "it is not closed for that: $(ebbctl show "$GUEST" 2>&1)"
check "and resumed" virsh resume "$GUEST"
await_rung private-memory
ok "what stands still is not paged out, and then it may be again"

check_guest private
reclaim 760M --timeout 200s
status=$?
[ $status = 4 ] || fail "exit $status: $(cat "$RIG_DIR/run/stderr") $RESULT"
grep -qxE "no-more|guest-pressure" <<<"$(result ended)" ||
	fail "it ended $(result ended): $RESULT"
ok "of 760 MiB $(mib "$(result reclaimed-bytes)") came, then: $(result ended), $(result refused-reason)"
guest_remove "$GUEST"
define memfd
guest_start
wait_for 90 closed_for guest-booting ||
	fail "it does not count as booting: $(ebbctl show "$GUEST" 2>&1)"
ok "what was started a short while ago is not paged out"
guest_wait
# A guest from an image has booted.
check "it is saved" virsh save "$GUEST" "$RIG_DIR/guest.save"
check "and restored" virsh restore "$RIG_DIR/guest.save"
guest_wait
await_rung no-channel
check_guest memfd
