#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Without agent or module there is no lease: ebbd says which part is missing, and
# goes up the ladder when it comes.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

requires virsh socat jq
rig_init
libvirt_start
start_ebbd
guest_boot --memory 768 --cmdline "ebb.no-agent ebb.no-module"
guest_populate 300
wait_for 90 guest_is rung observe || fail "rung is $(guest_status rung)"
refused 1 'ebb-agent.*systemctl' "no agent" ebbctl reclaim "$GUEST" --all

guest "guest-start agent"
module_missing()
{
	ebbctl show "$GUEST" | grep -qi 'ebb\.ko\|module'
}
wait_for 90 module_missing || fail "it does not see the agent: $(ebbctl show "$GUEST")"
refused 1 'not installed for kernel .*ebb-dkms.*modprobe ebb' "no module" ebbctl reclaim "$GUEST" --all

guest "guest-start module"
wait_lease
ok "the lease opens when both are there"
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
check "and memory comes back" at_least "$(result reclaimed-bytes)" $((150 << 20))
check "the guest's log is clean" dmesg_clean
