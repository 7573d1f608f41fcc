# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What each test of this folder begins with. A test is one behaviour: it prints
# a line for each thing that holds, ends with 0, or says what does not hold and
# ends with 1, or skips with 77 and a reason. It is run from the build tree, by
# itself or by scripts/run-integration.
set -u
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${EBB_BUILD:-.}
# shellcheck source=scripts/rig.sh
. "$source_dir/scripts/rig.sh"

# show_ends LINES FILE...
show_ends()
{
	local lines=$1 file
	shift

	for file; do
		[ -f "$file" ] || continue
		echo "---- ${file##*/}, the end"
		tail -n "$lines" "$file"
	done
}

at_exit()
{
	local status=$?

	trap '' INT TERM PIPE
	if [ $status != 0 ] && [ $status != 77 ]; then
		[ -z "$RIG_LIBVIRT_STARTED" ] ||
			show_ends 5 /var/log/libvirt/libvirtd.log /var/log/libvirt/qemu/*
		show_ends 40 "$RIG_DIR"/log/*
	fi
	rig_cleanup
	[ -z "$RIG_CRASHED" ] || status=1
	exit $status
}
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

ok()
{
	echo "ok - $*"
}

fail()
{
	echo "not ok - $*"
	exit 1
}

rig_die()
{
	fail "$*"
}

# check TEXT COMMAND...: the command must succeed; its output is not shown.
check()
{
	local text=$1 output
	shift

	if output=$("$@" 2>&1); then
		ok "$text"
	else
		fail "$text: $* gave $?: $output"
	fi
}

requires()
{
	local program

	for program; do
		command -v "$program" >/dev/null ||
			rig_skip "needs $program: scripts/install-deps"
	done
}

at_least()
{
	[ "$1" -ge "$2" ]
}

at_most()
{
	[ "$1" -le "$2" ]
}

# between LOW VALUE HIGH
between()
{
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ]
}

mib()
{
	echo "$(($1 >> 20)) MiB"
}

# Nothing in the guest's log that a kernel says when it is hurt, or a program of the guest's
# dies of a fault.
dmesg_clean()
{
	local found

	found=$(guest "dmesg" | grep -E \
		'BUG:|WARNING:|Oops|Call Trace|blocked for more than|Out of memory|general protection|segfault at|trap invalid opcode|Bad page|soft lockup|rcu.*stall')
	[ -z "$found" ] || { echo "$found"; return 1; }
}

# guest_churn BYTES [DUTY]: starts churn in the guest, to run until churn_ends. It
# works 40 percent of the time, or DUTY: the host has few CPUs for many guests.
guest_churn()
{
	guest "echo $1 >/run/churn.bytes
		churn --bytes $1 --duty ${2:-40} --report /run/churn >/run/churn.out 2>&1 &
		echo \$! >/run/churn.pid"
}

# What it may touch at any time.
churn_bytes()
{
	guest "cat /run/churn.bytes 2>/dev/null || echo 0"
}

churn_verified()
{
	guest "cat /run/churn 2>/dev/null || echo 0"
}

# churn_verified_more BYTES: whether it has verified more than that.
churn_verified_more()
{
	[ "$(churn_verified)" -gt "$1" ]
}

# Stops churn and prints what it says; fails if it saw a wrong byte.
churn_ends()
{
	guest "rm -f /run/churn.bytes
		kill \$(cat /run/churn.pid)
		for i in \$(seq 600); do
			grep -q churn: /run/churn.out && break
			usleep 100000
		done
		cat /run/churn.out
		grep -q 'none wrong' /run/churn.out"
}

# Populates so many MiB of the guest and frees them again.
guest_populate()
{
	guest_run 600 "fill $1" || fail "the guest could not populate $1 MiB"
}

# What a reclaim must bring at least, now, if it is to bring 9 of 10 bytes that
# are free in huge ranges and on the host's books. All that the guest never
# touched is taken to be among the free memory.
free_and_resident()
{
	local free resident bytes

	free=$(guest_free_huge)
	read -r resident bytes < <(backing_files |
		awk '{ r += $2; b += $3 } END { printf "%.0f %.0f\n", r, b }')
	echo $(((free - (bytes - resident)) * 9 / 10))
}

# Populates $1 MiB, frees it, takes all and holds that against the host's books.
# What churn may touch may be free when we look, and no more when it is taken, or
# be back on the books after that.
check_reclaims_all()
{
	local before after expected taken churn got

	guest_populate "$1"
	churn=$(churn_bytes)
	before=$(backing_bytes)
	expected=$(($(free_and_resident) - churn))
	reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
	after=$(backing_bytes)
	taken=$((before - after))
	for got in "$(result reclaimed-bytes)" $((taken + churn)); do
		at_least "$got" "$expected" ||
			fail "took $(mib $taken) of the $(mib "$expected") expected at least: $RESULT"
	done
	ok "took $(mib $taken), resident $(mib "$before") before, $(mib "$after") after"
	# The guest goes on meanwhile, so the two books differ a little.
	between $(((-32 << 20) - churn)) $((taken - $(result reclaimed-bytes))) $((32 << 20)) ||
		fail "ebbctl says $(result reclaimed-bytes), the books say $taken"
	ok "ebbctl says what the host's books say"
}

# reclaim ARGUMENT...: of the guest, as JSON in RESULT; ebbctl's status. result
# MEMBER reads it.
reclaim()
{
	RESULT=$(ebbctl_json reclaim "$GUEST" "$@" 2>"$RIG_DIR/run/stderr")
}

result()
{
	jq -r ".\"$1\"" <<<"$RESULT"
}

# driven_to_its_end STATUS: a reclaim on rung report got all, or tells why it did not. On
# a busy machine QEMU may be slower to discard, or the guest to answer, than ebbd waits.
driven_to_its_end()
{
	case $1 in
	0) check "it ended satisfied" [ "$(result ended)" = satisfied ] ;;
	4)
		check "it ended refused" [ "$(result ended)" = guest-refused ]
		grep -qxE "exhausted|limit|not-discarded|no-answer|allocstall|refault|pressure" \
			<<<"$(result refused-reason)" ||
			fail "it is refused for $(result refused-reason): $RESULT"
		ok "it gives no more: $(result refused-reason)"
		;;
	*) fail "exit $1: $(cat "$RIG_DIR/run/stderr") $RESULT" ;;
	esac
}

# whole_again TEXT: reclaims all, and finds no memory leaked.
# What is not free in the guest is all that the host still holds of it, but for
# what a later fault of the guest's brings back.
whole_again()
{
	local not_free resident

	reclaim --all || fail "$1: $(cat "$RIG_DIR/run/stderr") $RESULT"
	not_free=$(($(backing_files | awk '{ b += $3 } END { printf "%.0f", b }') -
		$(guest_free_huge)))
	resident=$(backing_bytes)
	at_most "$resident" $((not_free + (64 << 20))) ||
		fail "$1: $(mib "$resident") are resident, $(mib $not_free) in use"
	ok "$1: whole again"
}

# begin_reclaim ARGUMENT...: of the guest, in the background, so that a test can
# do harm meanwhile. end_reclaim waits, and has what came of it in RESULT, and its
# status and words in ENDED.
begin_reclaim()
{
	ebbctl_json reclaim "$GUEST" "$@" >"$RIG_DIR/run/client" 2>&1 &
	CLIENT=$!
}

# end_reclaim SECONDS
end_reclaim()
{
	wait_for "$1" pid_gone "$CLIENT" ||
		fail "the reclaim does not end: $(ebbctl show "$GUEST" 2>&1)"
	wait "$CLIENT"
	ENDED="exit $?: $(jq -r '"\(.ended // "\(.error.class), \(.error.desc)")"' \
		"$RIG_DIR/run/client" 2>&1)"
	RESULT=$(cat "$RIG_DIR/run/client")
}

# check_ended STATUS PATTERN TEXT: how the reclaim ended, and why it says it did.
check_ended()
{
	[[ $ENDED =~ ^exit\ $1:\ .*($2) ]] ||
		fail "$3: not 'exit $1: $2' but '$ENDED': $RESULT"
	ok "$3: $ENDED"
}

# Tests of a fault run this one, before it is started.
use_faulty_ebbd()
{
	EBBD_PROGRAM=$build/tests/integration/ebbd-faults
	[ -x "$EBBD_PROGRAM" ] || rig_die "no $EBBD_PROGRAM: make test-programs"
}

is_held()
{
	grep -q '^held' "$RIG_DIR/run/hold"
}

is_held_or_over()
{
	is_held || pid_gone "$CLIENT"
}

# hold_reclaim POINT COUNT ARGUMENT...: begins a reclaim, and returns when its
# thread waits where host/base/fault.h says, the COUNTth time that it came there.
# Until release_reclaim() it does, and the guest gets no answer.
hold_reclaim()
{
	local point=$1 count=$2
	shift 2

	echo "$point $count" >"$RIG_DIR/run/hold"
	begin_reclaim "$@"
	wait_for 90 is_held_or_over
	is_held ||
		fail "the reclaim was never at $point $count: $(cat "$RIG_DIR/run/client")"
	HELD_SINCE=${EPOCHREALTIME/./}
}

release_reclaim()
{
	! pid_gone "$CLIENT" || fail "the reclaim ended while it was held: $(cat "$RIG_DIR/run/client")"
	rm "$RIG_DIR/run/hold"
	HELD_MS=$(((${EPOCHREALTIME/./} - HELD_SINCE) / 1000))
}

# A guest that waits for us for 2 s takes back what it offered.
was_held_too_long()
{
	[ "$HELD_MS" -ge 1500 ]
}

# went_on TEXT: the reclaim took what there was, or, where a busy machine held it
# for too long, says that the guest did not wait.
went_on()
{
	if was_held_too_long && [[ $ENDED != "exit 0:"* ]]; then
		check_ended 1 'does not answer in its ring' "$1, the host away for $HELD_MS ms"
	else
		check_ended 0 drained "$1"
	fi
}

# refused STATUS PATTERN TEXT COMMAND...: ends with that status, prints the
# pattern, and takes nothing of the guest, if there is a running one.
refused()
{
	local status=$1 pattern=$2 text=$3 output got before=0 after=0
	shift 3

	[ ! -e "/run/libvirt/qemu/$GUEST.pid" ] || before=$(backing_bytes)
	output=$("$@" 2>&1)
	got=$?
	[ ! -e "/run/libvirt/qemu/$GUEST.pid" ] || after=$(backing_bytes)
	[ $got = "$status" ] ||
		fail "$text: exit $got instead of $status: $output"
	grep -qiE -- "$pattern" <<<"$output" ||
		fail "$text: '$output' does not say '$pattern'"
	[ $((after + ${BOOKS_SLACK:-0})) -ge "$before" ] ||
		fail "$text: $(mib $((before - after))) were taken all the same"
	ok "$text: $(head -n 1 <<<"$output")"
}

# on_rung RUNG REASON: now, for that among other reasons.
on_rung()
{
	[ "$(ebbctl_json show "$GUEST" 2>/dev/null |
		jq -r --arg reason "$2" '"\(.rung) \(.old) \(any(.reasons[]?; .name == $reason))"')" = \
		"$1 false true" ]
}

# ---- the policy ----

# use_policy LINE...: ebbd takes memory by itself, as these lines of [policy] say, and
# its minute is 5 seconds. Before it is started.
# shellcheck disable=SC2120 # most have none
use_policy()
{
	use_faulty_ebbd
	export EBB_FAULT_SPEED=12
	printf -v RIG_POLICY '%s\n' "enabled = yes" "$@"
}

# host_leaves KIB: of what is available, to guests; nothing is returned without need.
host_leaves()
{
	local available

	available=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
	printf '[policy]\nenabled = yes\nmode = performance\nhost-free = %sK\n' \
		$((available > $1 ? available - $1 : 0)) >"$RIG_DIR/conf.d/policy.conf"
	ebbctl reload >/dev/null || fail "reload"
}

# Nearly out of memory: an eighth of the mark is left below which it is in need.
host_runs_short()
{
	host_leaves $((($(awk '/^MemTotal:/ { print $2 }' /proc/meminfo) / 20) / 8))
}

host_has_enough()
{
	host_leaves $((1 << 40))
}

# explained PATH: of what ebbctl explain says of the guest.
explained()
{
	ebbctl_json explain "$GUEST" | jq -r ".domains[0].$1"
}

# explained_is PATH PATTERN
explained_is()
{
	[[ $(explained "$1") =~ ^($2)$ ]]
}

resident_at_most()
{
	at_most "$(backing_bytes)" "$1"
}

# started_rig [OPTION]... (of guest_boot): libvirt, a guest, ebbd and a lease.
started_rig()
{
	requires virsh socat jq
	rig_init
	libvirt_start
	guest_boot "$@"
	OWN_KNOBS=$(guest_knobs)
	# shellcheck disable=SC2119
	start_ebbd
	wait_lease
}

# ---- the threshold ----

# A number that ebbd tells of the guest; one that is left out is 0.
guest_number()
{
	ebbctl_json show "$GUEST" 2>/dev/null | jq -r ".\"$1\" // 0"
}

# guest_cache MIB: the guest reads so much of its disk, and keeps it cached.
guest_cache()
{
	guest_run 300 "cache $1 >/run/cache.pid" ||
		fail "the guest could not cache $1 MiB"
}

# The sum of all counters of the guest's kernel whose names begin so.
guest_vmstat()
{
	guest "awk 'index(\$1, \"$1\") == 1 { sum += \$2 }
		END { printf \"%.0f\\n\", sum }' /proc/vmstat"
}

# What kswapd and kcompactd have had of the guest's processors, in ticks.
guest_daemon_ticks()
{
	guest "cat /proc/[0-9]*/stat 2>/dev/null | awk '
		\$2 ~ /^.(kswapd|kcompactd)/ { sum += \$14 + \$15 }
		END { print sum + 0 }'"
}

# The guest's watermarks, "ZONE MIN LOW HIGH PROMO" in pages, of zones with memory.
# PROMO is 0 where the kernel shows none.
guest_marks()
{
	guest "awk '/^Node/ { zone = \$2 \$4; promo = 0 }
		\$1 == \"min\" { min = \$2 } \$1 == \"low\" { low = \$2 }
		\$1 == \"high\" { high = \$2 } \$1 == \"promo\" { promo = \$2 }
		\$1 == \"spanned\" && min > 0 { print zone, min, low, high, promo }
		' /proc/zoneinfo"
}

marks_are()
{
	[ "$(guest_marks)" = "$1" ]
}

# MiB by which HIGH is over the kernel's own, which is as far from LOW as LOW is
# from MIN.
marks_raised_mib()
{
	guest_marks | awk '{ sum += $4 - 2 * $3 + $2 }
		END { printf "%d\n", sum / 256 }'
}

marks_are_own()
{
	[ "$(marks_raised_mib)" = 0 ]
}

# The agent's knobs, which move MIN and LOW with HIGH: the marks do not show them.
guest_knobs()
{
	guest "cd /proc/sys/vm &&
		cat watermark_scale_factor compaction_proactiveness | xargs echo"
}

all_is_own()
{
	marks_are_own && [ "$(guest_knobs)" = "$OWN_KNOBS" ]
}

# By the better part of $1 MiB.
marks_are_raised()
{
	[ "$(marks_raised_mib)" -gt $(($1 / 2)) ]
}

# set_target SIZE|none
set_target()
{
	local output

	output=$(ebbctl set "$GUEST" --free-target "$1" 2>&1) ||
		fail "set --free-target $1: $output"
}

# wait_raised MIB TEXT: till the marks show the target.
wait_raised()
{
	wait_for 90 marks_are_raised "$1" ||
		fail "$2: HIGH is raised by $(marks_raised_mib) of $1 MiB: $(ebbctl show "$GUEST" 2>&1)"
	ok "$2: HIGH is raised by $(marks_raised_mib) MiB"
}

# wait_own TEXT: longer than the lease of a target.
wait_own()
{
	wait_for 90 all_is_own ||
		fail "$1: HIGH is still raised by $(marks_raised_mib) MiB, the knobs are '$(guest_knobs)' and were '$OWN_KNOBS'"
	ok "$1: the marks and the knobs are the kernel's own"
}

# From here on no allocation of the guest is to stall, and none to be killed for.
watch_stalls()
{
	STALLS=$(guest_vmstat allocstall_)
	KILLS=$(guest_vmstat oom_kill)
}

no_stall()
{
	[ "$(guest_vmstat allocstall_)" = "$STALLS" ]
}

no_kill()
{
	[ "$(guest_vmstat oom_kill)" = "$KILLS" ]
}
