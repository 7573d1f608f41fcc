#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# virtio-balloon with freePageReporting has the kernel's only slot for page
# reporting: no lease beside it, ebbd says what to change, and has the guest free by
# ebb.ko what QEMU discards then. Without it a balloon is no obstacle.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

on_report()
{
	[ "$(ebbctl_json show "$GUEST" 2>/dev/null | jq -r '"\(.rung) \(.old)"')" = "report false" ]
}

requires virsh socat jq
rig_init
libvirt_start
guest_boot --memory 768 --balloon reporting --disk 400
start_ebbd
wait_for 90 on_report || fail "not on rung report: $(ebbctl show "$GUEST" 2>&1)"
check "ebbd says what to change" \
	grep -q "freePageReporting='off'" <<<"$(ebbctl show "$GUEST")"
guest_cache 400
before=$(backing_bytes)
reclaim 250M --timeout 300s
status=$?
taken=$((before - $(backing_bytes)))
driven_to_its_end $status
check "ebbd discarded nothing itself" [ "$(result punched-bytes)" = 0 ]
[ $status = 0 ] && floor=200 || floor=150
at_least $taken $((floor << 20)) ||
	fail "250 MiB asked, by the host's books $(mib $taken) came: $RESULT"
ok "250 MiB asked, $(mib $taken) came by the host's books"
check "it is on rung report after it" guest_is rung report
check "the disk's cache has no wrong byte" guest_run 300 "cache --check 400"
check "the guest's log is clean" dmesg_clean
guest_remove "$GUEST"

guest_boot --memory 768 --balloon plain
wait_lease
guest_populate 400
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
check "a balloon without it is no obstacle" \
	at_least "$(result reclaimed-bytes)" $((200 << 20))
check "the guest's log is clean" dmesg_clean
