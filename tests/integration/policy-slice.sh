#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Guests are judged by the limit of the slice that they are in, of which /proc/meminfo
# shows nothing (dockur/windows#1688): what one does not use is taken when the slice runs
# short, however much the host has. One of two grows as fast as it can touch memory, by
# more than the slice has left: room is made in time, and the kernel kills nobody.
#
# And it is made at the first sign of need: the time from that to the first byte on the
# host's books is shown for $EBB_NEEDS needs, beside that of a reclaim by ebbctl, and
# where it goes.
#
# Runs alone: the guest grows by 100 MiB/s towards a limit without swap, and ebbd and the
# guest that gives are as late as the processors let them be. Beside four programs that
# computed on two processors the kernel was first, once in three runs.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

room=$((256 << 20)) # of the slice, when the guest begins to grow
grown=480
# A quarter of it may be taken in 10 s where there is no emergency.
idle=1000

# slice MEMBER: of the budget that the slice is.
slice()
{
	ebbctl_json explain "$GUEST" |
		jq -r --arg name "${SLICE#/}.partition" \
			".budgets[] | select(.name == \$name).\"$1\""
}

slice_is()
{
	[ "$(slice "$1")" = "$2" ]
}

# Its need ended over the high mark. What guests took since is none, down to the low one.
slice_has_enough()
{
	slice_is in-need false
}

# try_need: the guest has free memory on the host's books, and its slice runs short
# at a sign of need. Not 0 if none came: the kernel gives none while nothing waits long.
try_need()
{
	guest_populate 250
	slice_limit $(($(slice_used) + room))
	wait_for 90 slice_has_enough ||
		fail "it is short for ever: $(ebbctl_json explain "$GUEST")"
	"$build/tests/bench/first-byte" --need "$SLICE_LIMIT" \
		$(($(slice_used) + (24 << 20))) "$hog" "$RIG_DIR/cache" "$backing" \
		>>"$RIG_DIR/needs"
}

need_once()
{
	try_need || try_need ||
		fail "nothing came in need: $(ebbctl_json explain "$GUEST")"
	wait_for 90 slice_has_enough ||
		fail "it is short for ever: $(ebbctl_json explain "$GUEST")"
}

reclaim_once()
{
	slice_limit "$SLICE_FREE"
	guest_populate 250
	"$build/tests/bench/first-byte" "$backing" "$(program ebbctl)" \
		--socket "$EBBD_SOCKET" reclaim "$GUEST" 48M \
		>>"$RIG_DIR/reclaims" || fail "nothing came of a reclaim"
}

# times FILE: "p50 p99 most" in ms, of those that came after the sign.
times()
{
	awk '/^[0-9]+ [0-9]+$/ { print $2 / 1000 }' "$1" | sort -n | awk '{ ms[NR] = $1 }
		END { if (NR) printf "%.1f %.1f %.1f", ms[int((NR + 1) / 2)],
			ms[int(NR * 0.99 + 0.999)], ms[NR] }'
}

# The middle of the ms from each step to the next, from the first alarm after a sign on.
# What is seconds away is of another need.
steps()
{
	awk 'FILENAME != ARGV[2] { if ($2 >= 0) signs[++count] = $1; next }
		{ us[++points] = $1; point[points] = $2 }
		END {
			steps = split("alarm look decided ordered demanded taken punched", name, " ")
			at = 1
			for (i = 1; i <= count; i++) {
				last = signs[i]
				while (at <= points && us[at] < last - 100000) at++
				k = at
				for (step = 1; step <= steps; step++) {
					while (k <= points && (point[k] != name[step] ||
						(step > 1 && us[k] < last))) k++
					if (k > points || us[k] - last > 5000000) break
					print name[step], (us[k] - last) / 1000
					last = us[k]
				}
			}
		}' "$1" "$2" | sort -k 1,1 -k 2,2n | awk '
		$1 != name { show(); name = $1; n = 0 }
		{ ms[++n] = $2 }
		END { show() }
		function show() { if (n) printf "%s %.1f (%.1f)\n", name, ms[int((n + 1) / 2)], ms[n] }'
}

# nobody_died PID...: the QEMU processes of the beginning run.
nobody_died()
{
	local pid

	for pid; do
		[ -e "/proc/$pid/exe" ] || fail "QEMU $pid has ended"
	done
	[ "$(slice_kills)" = 0 ] || fail "the kernel killed $(slice_kills) in the slice"
}

leave()
{
	local status=$?

	[ ! -d "${hog:-}" ] || rmdir "$hog"
	(exit $status)
	at_exit
}

# Nothing is returned for any other reason.
use_policy "mode = performance"
# By the machine's clock, as the guest grows by that, too.
EBB_FAULT_SPEED=1
needs=${EBB_NEEDS:-1}
requires virsh socat jq
rig_init
libvirt_start
slice_make
hog=${SLICE_LIMIT%/*}-hog
trap leave EXIT
guest_define --memory 1280 --partition "$SLICE"
giver=$GUEST
guest_start
guest_boot --memory 768 --partition "$SLICE"
grower=$GUEST
GUEST=$giver
guest_wait
giver_pid=$(guest_pid) || fail "$GUEST has no process"
grower_pid=$(GUEST=$grower && guest_pid) || fail "$grower has no process"
slice_has_guest || rig_skip "libvirt puts guests into a slice of its own making here"
guest_populate $idle
export EBB_FAULT_TRACE=$RIG_DIR/run/trace
# shellcheck disable=SC2119
start_ebbd
for GUEST in "$grower" "$giver"; do
	wait_lease
done

slice_limit $(($(slice_used) + room))
wait_for 90 slice_is in-need false ||
	fail "the limit is not seen: $(ebbctl_json explain "$GUEST")"
ok "the limit of the slice is seen: $(mib "$(slice available-bytes)") left of $(mib "$(slice limit-bytes)")"
wait_for 240 explained_is state mode || fail "it has not settled: $(ebbctl explain "$GUEST")"
ok "without need nothing is taken: $(explained text)"
before=$(backing_bytes)

GUEST=$grower
grower_before=$(backing_bytes)
us=$(guest_run 300 "grow $grown") ||
	fail "grow $grown: exit $?: $us; the kernel killed $(slice_kills)"
got=$(($(backing_bytes) - grower_before))
GUEST=$giver
at_least "$got" $((room + (64 << 20))) || fail "it took only $(mib "$got")"
ok "a guest took $(mib "$got") in $((us / 1000)) ms, where $(mib $room) were left"
nobody_died "$giver_pid" "$grower_pid"
ok "the kernel killed nobody"
gave=$((before - $(backing_bytes)))
at_least "$gave" $((got - room)) || fail "only $(mib "$gave") came from the other"
ok "$(mib "$gave") came from the other, which did not use it"
grep -q "policy: $giver: .* free.*because ${SLICE#/}" "$RIG_DIR/log/ebbd.log" ||
	fail "not because of the slice: $(grep policy: "$RIG_DIR/log/ebbd.log")"
ok "and the log says why: $(grep -o "policy: $giver: .*" "$RIG_DIR/log/ebbd.log" | head -n 1)"
wait_for 120 slice_has_enough || fail "it is short for ever: $(ebbctl_json explain "$GUEST")"
ok "the slice has $(mib "$(slice available-bytes)") again"
GUEST=$grower
check "the log of the guest that grew is clean" dmesg_clean
guest_remove "$grower"
GUEST=$giver

# A kernel without PSI gives no sign: there a need is found by a look alone, as above.
if cat /proc/pressure/memory >/dev/null 2>&1; then
	backing=$(backing_paths | cut -d ' ' -f 2)
	head -c 64M /dev/urandom >"$RIG_DIR/cache"
	mkdir "$hog" || rig_skip "no cgroup can be made: $hog"
	echo $((16 << 20)) >"$hog/${SLICE_LIMIT##*/}" || rig_skip "$hog cannot be limited"
	for ((i = 0; i < needs; i++)); do
		reclaim_once
		need_once
	done
	ok "in each of $needs needs memory came, $(awk '$2 < 0' "$RIG_DIR/needs" | wc -l) times by a look before the sign"
	echo "   ms from the first sign of need to the first byte, p50 p99 most: $(times "$RIG_DIR/needs")"
	echo "   ms from 'ebbctl reclaim' to the first byte, p50 p99 most: $(times "$RIG_DIR/reclaims")"
	steps "$RIG_DIR/needs" "$RIG_DIR/run/trace" | sed 's/^/   ms to the next step, the middle (most): /'
else
	echo "   no times: this kernel tells of no pressure"
fi
nobody_died "$giver_pid"
check "the guest's log is clean" dmesg_clean
