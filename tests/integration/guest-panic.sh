#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that boots another one, hangs in a panic, or tells libvirt of it, in
# mid-reclaim: ebbd lets go of it and says so, and the next kernel has the lease.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

RIG_IMAGE=${RIG_IMAGE:-$("$source_dir/scripts/guest-image" --build "$build")}
KERNEL_MIB=16

# The guest does it; few of these come back.
harm()
{
	guest "touch /run/before
		(usleep 20000; $1) >/run/harm 2>&1 &"
}

has_panicked()
{
	grep -qa 'end Kernel panic' "$RIG_DIR/log/$GUEST.console"
}

# harmed TEXT POINT COMMAND PATTERN HAPPENED...: when a reclaim is there; it goes on
# when it has happened.
harmed()
{
	local text=$1 point=$2 command=$3 pattern=$4
	shift 4

	guest_populate 400
	: >"$RIG_DIR/log/$GUEST.console"
	hold_reclaim "$point" 1 --all
	harm "$command"
	wait_for 240 "$@" || fail "$text: nothing happens"
	release_reclaim
	end_reclaim 90
	check_ended 1 "$pattern" "$text"
}

booted_anew()
{
	guest_run 10 '[ ! -e /run/before ]' 2>/dev/null
}

comes_back()
{
	wait_for 240 booted_anew || fail "$1: the guest did not come back"
	guest_churn $((100 << 20))
	wait_lease
	guest_populate 400
	whole_again "$1"
	verdict=$(churn_ends) || fail "$1: $verdict"
	check "$1: the new kernel has lost nothing, $verdict" dmesg_clean
}

# For the guest to boot, on a disk.
write_kernel()
{
	{
		head -c "${KERNEL_MIB}M" < <(cat "$RIG_IMAGE/vmlinuz" /dev/zero)
		cat "$RIG_IMAGE/initrd.img"
	} >"$RIG_DIR/kernel"
}

load_kernel()
{
	guest "head -c $(stat -c %s "$RIG_IMAGE/vmlinuz") /dev/vda >/run/vmlinuz
		dd if=/dev/vda of=/run/initrd.img bs=1M skip=$KERNEL_MIB 2>/dev/null
		boot-kernel /run/vmlinuz /run/initrd.img 'console=ttyS0 quiet panic=0'"
}

requires virsh socat jq
rig_init
export RIG_IMAGE
write_kernel
use_faulty_ebbd
libvirt_start
guest_boot --memory 1024 --on-crash restart --disk 64 --disk-file "$RIG_DIR/kernel"
start_ebbd
wait_lease

check "another kernel is loaded" load_kernel
# Its own notifier closes the ring, and so the next one boots.
harmed "another kernel is booted" resolved boot-kernel 'was reset or stopped' booted_anew
comes_back "another kernel"

# Nobody is told of this one.
guest "rmmod pvpanic_mmio"
harmed "a panic that nobody is told of" granted "echo c >/proc/sysrq-trigger" \
	'does not answer in its ring' has_panicked
wait_for 90 guest_is rung observe || fail "a dead kernel has rung $(guest_status rung)"
refused 1 'agent' "reclaim from a dead kernel" ebbctl reclaim "$GUEST" --all
check "reset" virsh reset "$GUEST"
comes_back "a reset after the panic"

harmed "a panic, on_crash restart" granted "echo c >/proc/sysrq-trigger" \
	'was reset or stopped' booted_anew
comes_back "a panic, on_crash restart"

virsh destroy "$GUEST" >/dev/null
virsh dumpxml --inactive "$GUEST" | sed "s/<on_crash>restart/<on_crash>destroy/" \
	>"$RIG_DIR/destroy.xml"
check "on_crash destroy" virsh define "$RIG_DIR/destroy.xml"
virsh start "$GUEST" >/dev/null || fail "the guest did not start again"
guest_wait
wait_lease
harmed "a panic, on_crash destroy" granted "echo c >/proc/sysrq-trigger" \
	'was reset or stopped|not running|stopped' guest_is_off
refused 1 'not running' "reclaim from a guest that is gone" \
	ebbctl reclaim "$GUEST" --all
check "start" virsh start "$GUEST"
comes_back "a panic, on_crash destroy"
