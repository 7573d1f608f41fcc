# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A guest as an operator has it, a Debian with systemd (scripts/distro-guest); the
# stock qemu-guest-agent is what a test commands it by. EBB_DISTRO is its suite.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"

# shellcheck disable=SC2034 # used by the tests
suite=${EBB_DISTRO:-bookworm}
packages=${EBB_PACKAGES:-$build/packages}
# Emulated, on a busy machine. A test that is ready earlier goes on at once.
boot_seconds=900

guest_run()
{
	qga_run "$@"
}

guest_answers()
{
	guest_run 60 true
}

# says_nothing COMMAND: it worked in the guest, and had nothing to say; else it is
# in SAID.
says_nothing()
{
	SAID=$(guest "$1 && echo done") && [ "$SAID" = "done" ]
}

# wait_boot TEXT
wait_boot()
{
	wait_for $boot_seconds guest_answers || fail "$1: $GUEST did not boot"
	wait_for $boot_seconds guest_run 60 \
		"systemctl is-system-running | grep -qE 'running|degraded'" ||
		fail "$1: systemd is not up: $(guest "systemctl list-jobs")"
	says_nothing "systemctl --failed --plain --no-legend" || fail "$1: $SAID"
	ok "$1: systemd is up, and no unit failed"
}

make_packages()
{
	[ -n "${EBB_PACKAGES:-}" ] || DEB_BUILD_OPTIONS=nocheck \
		"$source_dir/scripts/packages" "$packages" >/dev/null || exit
}

# distro_define [OPTION]... (of guest_define): on the disk of $RIG_IMAGE.
# shellcheck disable=SC2120 # most have none
distro_define()
{
	local words="root=/dev/vda rw systemd.show_status=yes"

	words="$words systemd.default_timeout_start_sec=$boot_seconds"
	guest_define --channels "ebb qga" --disk 6144 \
		--disk-file "$RIG_IMAGE/root.img" --cmdline "$words" "$@"
	virsh start "$GUEST" >/dev/null || fail "$GUEST did not start"
}

guest_release()
{
	guest "uname -r"
}

# check_works TEXT: the agent has started by itself, and there is a lease.
check_works()
{
	check "$1: ebb-agent is active" guest "systemctl is-active ebb-agent"
	wait_for 300 lease_is_open ||
		fail "$1: no lease: $(ebbctl doctor "$GUEST" 2>&1)"
	[ "$(reasons)" = "[]" ] || fail "$1: doctor has something to mend: $(reasons)"
	ok "$1: doctor has nothing to mend"
}

# check_reclaims MIB TEXT: it uses so much and frees it; at least nine tenths of
# it are taken, by the host's books.
check_reclaims()
{
	local before after

	guest_run 600 "mount -o remount,size=100% /dev/shm &&
		head -c ${1}M /dev/zero >/dev/shm/fill && rm /dev/shm/fill" ||
		fail "$2: the guest could not use $1 MiB"
	before=$(backing_bytes)
	reclaim --all || fail "$2: $(cat "$RIG_DIR/run/stderr") $RESULT"
	after=$(backing_bytes)
	at_least $((before - after)) $(($1 * 9 / 10 << 20)) ||
		fail "$2: took $(mib $((before - after))) of $1 MiB: $RESULT"
	ok "$2: took $(mib $((before - after))), resident $(mib "$before") before"
}

check_stock_agent()
{
	check "$1: virsh domtime asks qemu-guest-agent" virsh domtime "$GUEST"
	check "$1: and it is Debian's" guest "systemctl is-active qemu-guest-agent &&
		ls -l /proc/\$(systemctl show -p MainPID --value qemu-guest-agent)/exe |
		grep qemu-ga"
}

boot_id()
{
	guest "cat /proc/sys/kernel/random/boot_id" | grep -E '^[0-9a-f-]{36}$'
}

boot_is_new()
{
	local boot

	boot=$(boot_id) && [ "$boot" != "$1" ]
}

reboot_guest()
{
	local boot

	boot=$(boot_id) || fail "$GUEST does not say which boot it is"
	virsh reboot "$GUEST" --mode agent >/dev/null || fail "$GUEST takes no reboot"
	wait_for $boot_seconds boot_is_new "$boot" || fail "$GUEST did not reboot"
	wait_boot "rebooted"
}

# What doctor finds wrong, in one line.
reasons()
{
	ebbctl_json doctor "$GUEST" 2>&1 |
		jq -c '[.checks[] | select(.status == "fail") | .text, .remedy]'
}

says()
{
	reasons | grep -qF "$1"
}
