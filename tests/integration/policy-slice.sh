#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest whose cgroup has a limit is judged by that limit, of which /proc/meminfo shows
# nothing (dockur/windows#1688): what it does not use is taken when the cgroup runs
# short, however much the host has. And it is taken at the first sign of need: the time
# from that to the first byte on the host's books is shown for $EBB_NEEDS needs, beside
# that of a reclaim by ebbctl, and where it goes.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# slice MEMBER: of the budget that the guest's cgroup is.
slice()
{
	ebbctl_json explain "$GUEST" |
		jq -r --arg name "$slice" ".budgets[] | select(.name == \$name).\"$1\""
}

slice_is()
{
	[ "$(slice "$1")" = "$2" ]
}

# What the kernel takes for it before it reclaims anything of the guest's.
cache_bytes()
{
	awk '{ sub(/^total_/, "", $1); bytes[$1] = $2 }
		END { printf "%.0f", bytes["inactive_file"] + bytes["active_file"] / 2 }' \
		"${limit%/*}/memory.stat"
}

slice_has_enough()
{
	at_least "$(slice available-bytes)" "$(slice high-bytes)" &&
		slice_is in-need false
}

# need_once: the guest has free memory on the host's books, and its cgroup runs short
# at a sign of need.
need_once()
{
	guest_populate 250
	wait_for 90 slice_has_enough ||
		fail "it is short for ever: $(ebbctl_json explain "$GUEST")"
	"$build/tests/bench/first-byte" --need "$limit" \
		$(($(cat "$usage") - $(cache_bytes) + (24 << 20))) \
		"$hog" "$RIG_DIR/cache" "$backing" >>"$RIG_DIR/needs" ||
		fail "nothing came in need"
	wait_for 90 slice_has_enough ||
		fail "it is short for ever: $(ebbctl_json explain "$GUEST")"
}

reclaim_once()
{
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
					if (k > points) break
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

leave()
{
	local status=$?

	[ ! -d "${hog:-}" ] || rmdir "$hog"
	(exit $status)
	at_exit
}

# Nothing is returned for any other reason.
use_policy "mode = performance"
needs=${EBB_NEEDS:-1}
# Where the time counts, the clock is the machine's.
[ "$needs" -lt 30 ] || export EBB_FAULT_SPEED=1
requires virsh socat jq
rig_init
libvirt_start
guest_boot --memory 768
limit=$(qemu_limit_file)
[ -w "$limit" ] || rig_skip "QEMU has no memory cgroup of its own: $limit"
usage=${limit%/*}/memory.usage_in_bytes
[ -e "$usage" ] || usage=${limit%/*}/memory.current
slice=${limit#/sys/fs/cgroup/}
hog=${limit%%/machine*}/ebb-hog-$$
trap leave EXIT
slice=${slice#memory/}
slice=${slice%/*}
guest_populate 350
echo $((2 << 30)) >"$limit" || rig_skip "$limit cannot be written"
export EBB_FAULT_TRACE=$RIG_DIR/run/trace
# shellcheck disable=SC2119
start_ebbd
wait_lease

wait_for 90 slice_is limit-bytes $((2 << 30)) ||
	fail "the limit is not seen: $(ebbctl_json explain "$GUEST")"
ok "the limit of the cgroup $slice is seen"
check "it has enough" slice_is in-need false
wait_for 90 explained_is state mode || fail "it has not settled: $(ebbctl explain "$GUEST")"
ok "without need nothing is taken: $(explained text)"
before=$(backing_bytes)

echo $(($(cat "$usage") - $(cache_bytes) + (24 << 20))) >"$limit" ||
	fail "$limit cannot be lowered"
wait_for 90 resident_at_most $((before - (16 << 20))) ||
	fail "nothing comes from the guest: $(ebbctl_json explain "$GUEST")"
wait_for 90 slice_has_enough ||
	fail "it is short for ever: $(ebbctl_json explain "$GUEST")"
ok "it ran short, and has $(mib "$(slice available-bytes)") again: $(mib $((before - $(backing_bytes)))) came from the guest"
grep -q "policy: $GUEST: .*because $slice " "$RIG_DIR/log/ebbd.log" ||
	fail "not because of the cgroup: $(grep policy: "$RIG_DIR/log/ebbd.log")"
ok "and the log says why: $(grep -o "policy: $GUEST: .*" "$RIG_DIR/log/ebbd.log" | head -n 1)"

# A kernel without PSI gives no sign: there a need is found by a look alone, as above.
if cat /proc/pressure/memory >/dev/null 2>&1; then
	backing=$(backing_paths | cut -d ' ' -f 2)
	head -c 64M /dev/urandom >"$RIG_DIR/cache"
	mkdir "$hog" || rig_skip "no cgroup can be made: $hog"
	echo $((16 << 20)) >"$hog/${limit##*/}" || rig_skip "$hog cannot be limited"
	for ((i = 0; i < needs; i++)); do
		echo $((2 << 30)) >"$limit"
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
check "QEMU was not killed" test -e "/proc/$(guest_pid)"
check "the guest's log is clean" dmesg_clean
