#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Rung report: private memory, no ebb.ko, and virtio-balloon has the kernel's page
# reporting. A reclaim drives the guest all the same, QEMU discards, and the host's
# books have it; the agent that stops closes the rung and the next one opens it.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

requires virsh socat jq
rig_init
libvirt_start
guest_boot --memory 1024 --backing private --balloon reporting --disk 700 \
	--cmdline ebb.no-module
start_ebbd
wait_for 90 on_rung report no-module ||
	fail "not on rung report: $(ebbctl show "$GUEST" 2>&1)"
ok "a guest without ebb.ko, on private memory, is on rung report"

guest_churn $((16 << 20))
guest_cache 700
watch_stalls
before=$(process_bytes)
reclaim 400M --timeout 300s
status=$?
taken=$((before - $(process_bytes)))
driven_to_its_end $status
# QEMU's own memory and the guest go on meanwhile.
[ $status = 0 ] && floor=320 || floor=200
at_least $taken $((floor << 20)) ||
	fail "400 MiB asked, by the host's books $(mib $taken) came: $RESULT"
ok "400 MiB asked, $(mib $taken) came by the host's books"
check "$(mib "$(result driven-bytes)") of it were driven" \
	at_least "$(result driven-bytes)" $((100 << 20))
check "ebbd discarded nothing itself" [ "$(result punched-bytes)" = 0 ]
check "nothing was killed" no_kill
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"

reclaimed=$(guest_status reclaimed-bytes)
runs=$(guest_status reclaim-runs)
guest "kill -9 \$(cat /run/ebb-agent.started)"
ebbctl doctor "$GUEST" >"$RIG_DIR/run/doctor"
first_reason()
{
	ebbctl_json show "$GUEST" | jq -r '.reasons[0].name'
}
wait_for 90 guest_is rung observe || fail "it is still on rung $(guest_status rung)"
ok "without an agent it is on rung observe"
# A guest that was started a short while ago is taken to boot, and one that libvirt
# does not know to be alone yet is asked in vain.
grep -qxE "no-agent|guest-booting|agent-silent" <<<"$(first_reason)" ||
	fail "the first reason is $(first_reason): $(ebbctl show "$GUEST" 2>&1)"
ok "the first reason is $(first_reason)"
guest "guest-start agent"
wait_for 90 on_rung report no-module ||
	fail "not on rung report again: $(ebbctl show "$GUEST" 2>&1)"
check "with the next agent it is on rung report again" guest_is rung report
check "what was taken is not forgotten" guest_is reclaimed-bytes "$reclaimed"
check "nor how often" guest_is reclaim-runs "$runs"
check "the guest's log is clean" dmesg_clean
