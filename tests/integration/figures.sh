#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The figures of one guest, as the live page, list, libvirt, the kernel's books of QEMU's
# cgroup and the guest itself have them, agree in six states. docs/figures.md says why
# some differ, and by how much.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

SLACK=$((40 << 20))
# The host's kernel goes on swapping.
SWAP_SLACK=$((80 << 20))
# What QEMU has beside the guest's memory, at most.
OWN=$((256 << 20))

exporter_serves()
{
	URL=$(sed -n 's|.*serving \(http://.*\)/metrics$|\1|p' "$RIG_DIR/log/exporter.log" 2>/dev/null)
	[ -n "$URL" ]
}

# of JSON MEMBER: a number, or nothing.
of()
{
	jq -r --arg uuid "$UUID" \
		"[.domains[] | select(.uuid == \$uuid)][0].\"$2\" // empty" <<<"$1"
}

kib_of()
{
	awk -v name="$2" '$1 == name { printf "%.0f\n", $2 * 1024 }' <<<"$1"
}

stat_of()
{
	awk -v name="$2" '$1 == name { print $2 }' <<<"$1"
}

# Takes all figures at one time, as far as that goes.
take_figures()
{
	local group

	group=$(dirname "$(qemu_limit_file)")
	pause_us 2500000
	PAGE=$(curl -s --max-time 20 "$URL/api/live.json")
	LIST=$(ebbctl_json list)
	LIBVIRT=$(virsh dommemstat "$GUEST")
	BOOKS=$(cat "$group/memory.stat")
	MEMINFO=$(guest "cat /proc/meminfo")
	SWAPPED=$(process_swapped memory-backend-memfd)
}

# near NAME A B SLACK
near()
{
	if [ -z "$2" ] || [ -z "$3" ]; then
		fail "$STATE: $1 is not there: '$2' '$3'"
	fi
	between $((-$4)) $(($2 - $3)) "$4" ||
		fail "$STATE: $1: $(mib "$2") and $(mib "$3")"
	ok "$STATE: $1: $(mib "$2") and $(mib "$3")"
}

# in_state NAME: all figures agree.
in_state()
{
	local resident swapped rss

	STATE=$1
	take_figures
	resident=$(of "$PAGE" resident_bytes)
	swapped=$(of "$PAGE" swapped_bytes)
	near "resident: page and list" "$resident" "$(of "$LIST" resident-bytes)" $SLACK
	near "lent: page and list" "$(of "$PAGE" lent_bytes)" "$(of "$LIST" lent-bytes)" $SLACK
	near "free: page and list" "$(of "$PAGE" free_bytes)" "$(of "$LIST" free-bytes)" $SLACK
	near "resident: page and the cgroup's shmem" "$resident" "$(stat_of "$BOOKS" shmem)" $SLACK
	near "swapped: page and QEMU's smaps" "$swapped" "$SWAPPED" $SWAP_SLACK
	near "free: page and the guest's MemFree" "$(of "$PAGE" free_bytes)" \
		"$(kib_of "$MEMINFO" MemFree:)" $SLACK
	near "free: page and dommemstat's unused" "$(of "$PAGE" free_bytes)" \
		"$(kib_of "$LIBVIRT" unused)" $SLACK
	near "has: page, without a balloon, and dommemstat's actual" \
		$(($(of "$PAGE" memory_bytes) - $(of "$PAGE" balloon_bytes))) \
		"$(kib_of "$LIBVIRT" actual)" 0
	rss=$(kib_of "$LIBVIRT" rss)
	check "$STATE: dommemstat's rss, $(mib "$rss"), has QEMU's own beside what is resident" \
		between $((-SLACK)) $((rss - resident)) $OWN
	echo "# $STATE: resident $(mib "$resident"), swapped $(mib "$swapped"), lent $(mib "$(of "$PAGE" lent_bytes)"), free $(mib "$(of "$PAGE" free_bytes)"), balloon $(mib "$(of "$PAGE" balloon_bytes)"); dommemstat actual $(mib "$(kib_of "$LIBVIRT" actual)"), unused $(mib "$(kib_of "$LIBVIRT" unused)"), available $(mib "$(kib_of "$LIBVIRT" available)"), rss $(mib "$rss"); shmem $(mib "$(stat_of "$BOOKS" shmem)"); MemTotal $(mib "$(kib_of "$MEMINFO" MemTotal:)"), MemFree $(mib "$(kib_of "$MEMINFO" MemFree:)"), MemAvailable $(mib "$(kib_of "$MEMINFO" MemAvailable:)")"
}

is_swapped_out()
{
	at_least "$(process_swapped memory-backend-memfd)" $((100 << 20))
}

requires virsh socat jq curl
[ -x "$(program ebb-exporter)" ] ||
	rig_skip "ebb-exporter was not built: scripts/install-deps build"
swap_begin 1536
rig_init
printf '[daemon]\nstate-dir = %s\n[policy]\nenabled = no\n' "$RIG_DIR/run/state" \
	>"$RIG_DIR/ebbd.conf"
libvirt_start
guest_boot --memory 768 --balloon plain
UUID=$(virsh domuuid "$GUEST" | head -n 1)
start_ebbd
wait_lease
limit=$(qemu_limit_file)
[ -w "$limit" ] || rig_skip "QEMU has no memory cgroup of its own: $limit"
virsh dommemstat "$GUEST" --period 1 --live >/dev/null || fail "dommemstat --period"
"$(program ebb-exporter)" --listen 127.0.0.1:0 --socket "$EBBD_SOCKET" \
	>"$RIG_DIR/log/exporter.log" 2>&1 </dev/null 8>&- &
RIG_PIDS+=($!)
wait_for 90 exporter_serves || fail "$(cat "$RIG_DIR/log/exporter.log")"

in_state fresh
guest_run 300 "fill --hold 400 >/run/fill.pid" || fail "the guest could not populate 400 MiB"
in_state used
guest "kill \$(cat /run/fill.pid)"
in_state freed
reclaim --all || fail "$RESULT $(cat "$RIG_DIR/run/stderr")"
in_state reclaimed
virsh setmem "$GUEST" 614400 --live >/dev/null || fail "setmem"
wait_for 90 guest_is balloon-bytes $((168 << 20)) || fail "the balloon holds $(guest_number balloon-bytes)"
in_state ballooned
guest_run 300 "fill --hold 250 >/run/fill.pid" || fail "the guest could not populate 250 MiB"
echo $((250 << 20)) >"$limit" || rig_skip "$limit cannot be written"
wait_for 90 is_swapped_out || fail "$(mib "$(process_swapped memory-backend-memfd)") swapped out"
in_state swapped
echo $((2048 << 20)) >"$limit"
check "the guest's log is clean" dmesg_clean
