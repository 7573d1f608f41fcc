#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Page cache is driven, anonymous memory is not: it would be swapped, perhaps into
# the guest's own memory. What holds the rest is named. With --swap it is swapped to
# disks, and not where a part of the swap is zram.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# kswapd knows no such choice, and swaps some pages where the page cache comes to its
# end (guest/swap.h): up to 51 MiB were seen, of the 450 that it would swap else.
SWAPPED_PAGES_MAX=$((64 << 8))

# The first 450 MiB of the disk are swap, what is behind it is cached.
swap_and_cache()
{
	guest_run 300 'mkswap /dev/vda 460800 >/dev/null && swapon /dev/vda &&
		sh -c "exec 3</dev/vda
			dd if=/dev/vda of=/dev/null bs=1M skip=460 count=150 2>/dev/null
			echo 1 >/run/cached
			sleep 100000" >/dev/null 2>&1 &
		while [ ! -e /run/cached ]; do usleep 100000; done' ||
		fail "no swap, or no cache"
}

hold_memory()
{
	# shellcheck disable=SC2016 # the guest's shell expands it
	guest_run 300 'fill --hold 350 >/run/fill.pid &&
		mkdir -p /run/locked /run/shared &&
		mount -t tmpfs shared /run/shared &&
		dd if=/dev/zero of=/run/shared/a bs=1M count=100 2>/dev/null &&
		mount -t ramfs locked /run/locked &&
		dd if=/dev/zero of=/run/locked/a bs=1M count=48 2>/dev/null &&
		echo 30 >/proc/sys/vm/nr_hugepages &&
		[ $(cat /proc/sys/vm/nr_hugepages) = 30 ]' ||
		fail "the guest could not hold its memory"
}

# is_held_by MEMBER MIB: at least
is_held_by()
{
	local bytes

	bytes=$(result "$1")
	[ "$bytes" != null ] && [ "$bytes" -ge $(($2 << 20)) ]
}

swappiness()
{
	guest 'cat /proc/sys/vm/swappiness'
}

started_rig --memory 1024 --disk 620
hold_memory
swap_and_cache
[ "$(swappiness)" = 60 ] || fail "swappiness is $(swappiness)"
swapped=$(guest_vmstat pswpout)
cached=$(guest "awk '/^(In)?[aA]ctive\\(file/ { sum += \$2 } END { print sum }' /proc/meminfo")

watch_stalls
reclaim 900M --timeout 120s
status=$?
[ $status = 4 ] || fail "exit $status: $(cat "$RIG_DIR/run/stderr") $RESULT"
check "it ended as the guest has no more, not by its time" \
	[ "$(result ended) $(result refused-reason)" = "guest-refused exhausted" ]
left=$(guest "awk '/^(In)?[aA]ctive\\(file/ { sum += \$2 } END { print sum }' /proc/meminfo")
check "page cache went: $((cached >> 10)) MiB were $((left >> 10)) after it" \
	at_most "$left" $((cached / 2))
swapped=$(($(guest_vmstat pswpout) - swapped))
check "little was swapped: $swapped pages" at_most "$swapped" $SWAPPED_PAGES_MAX
check "the programs' memory is named" is_held_by held-anonymous-bytes 340
check "tmpfs is named" is_held_by held-shared-bytes 100
check "locked memory is named" is_held_by held-locked-bytes 48
check "the guest's own huge pages are named" is_held_by held-huge-pool-bytes 60
check "objects of its kernel are named" is_held_by held-slab-bytes 4
check "page tables are named" [ "$(result held-page-tables-bytes)" -gt 0 ]
result note
grep -q 'tmpfs and shared memory' <<<"$RESULT" || fail "the note does not say it: $RESULT"
ok "and so it is said"
# Who shows it has the agent asked anew, for the next time.
shows_held()
{
	local bytes

	bytes=$(guest_status "$1")
	[ "$(guest_status held-known)" = true ] && [ "$bytes" -ge $(($2 << 20)) ]
}
wait_for 90 shows_held held-shared-bytes 100 ||
	fail "show does not tell what holds it: $(ebbctl_json show "$GUEST")"
check "show names locked memory" shows_held held-locked-bytes 48
check "show names the guest's own huge pages" shows_held held-huge-pool-bytes 60
wait_own "after it"
check "swappiness is as it was" [ "$(swappiness)" = 60 ]

guest "kill \$(pidof ebb-agent); sleep 1
	EBB_AGENT_OPTIONS=--swap guest-start agent"
wait_lease
swapped=$(guest_vmstat pswpout)
reclaim 250M --timeout 120s
swapped=$(($(guest_vmstat pswpout) - swapped))
check "with --swap it is swapped: $swapped pages, $(mib "$(result reclaimed-bytes)") taken" \
	at_least "$swapped" $((32 << 8))

guest "while read -r module; do insmod /lib/modules/\$module.ko; done </lib/modules/spare
	echo 256M >/sys/block/zram0/disksize &&
	mkswap /dev/zram0 >/dev/null && swapon /dev/zram0" ||
	fail "the guest has no swap in zram"
# What was held before may be swapped by now, all of it.
guest_run 300 'fill --hold 200 >/run/fill.again' || fail "the guest could not hold more"
swapped=$(guest_vmstat pswpout)
reclaim 900M --timeout 120s
status=$?
[ $status = 4 ] || fail "exit $status: $(cat "$RIG_DIR/run/stderr") $RESULT"
check "there was more to swap" is_held_by held-anonymous-bytes 190
swapped=$(($(guest_vmstat pswpout) - swapped))
check "where a part of the swap is zram, little is swapped: $swapped pages" at_most "$swapped" $SWAPPED_PAGES_MAX
check "nothing was killed" no_kill
check "the guest's log is clean" dmesg_clean
