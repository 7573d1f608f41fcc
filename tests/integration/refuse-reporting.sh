#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# virtio-balloon with freePageReporting has the kernel's only slot for page
# reporting: no lease beside it, and ebbd says what to change.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

requires virsh socat jq
rig_init
libvirt_start
start_ebbd
guest_boot --memory 768 --balloon reporting
# QEMU discards by itself meanwhile, so the host's books tell nothing of ebbd:
# what it says of itself has to.
BOOKS_SLACK=$((1 << 40)) refused 1 "freePageReporting='off'" "the slot is taken" \
	ebbctl reclaim "$GUEST" --all
check "ebbd took nothing" guest_is reclaimed-bytes 0
check "no lease beside it" guest_is rung observe
check "the guest's log is clean" dmesg_clean
guest_remove "$GUEST"

guest_boot --memory 768 --balloon plain
wait_lease
guest_populate 400
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
check "a balloon without it is no obstacle" \
	at_least "$(result reclaimed-bytes)" $((200 << 20))
check "the guest's log is clean" dmesg_clean
