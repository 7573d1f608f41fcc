# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Guests: their life, their balloon, and commands in them.
: "${build:?}"

# Without libvirtd, too, which a test may have ended.
guest_remove()
{
	local pid

	pid=$(cat "/run/libvirt/qemu/$1.pid" 2>/dev/null)
	timeout 20 virsh -q -c "$URI" destroy "$1" >/dev/null 2>&1 ||
		{ [ -z "$pid" ] ||
			! grep -qsza "guest=$1," "/proc/$pid/cmdline" ||
			rig_kill "$pid"; }
	virsh undefine "$1" >/dev/null 2>&1
	rm -f "$RIG_DIR/$1.disk"
	return 0
}

guest_start()
{
	virsh start "$GUEST" >/dev/null || rig_die "$GUEST did not start"
}

guest_did_not_boot()
{
	rig_die "$GUEST did not boot:" \
		"$(tail -n 20 "$RIG_DIR/log/$GUEST.console" 2>/dev/null)"
}

# Whether its kernel panicked before its first program: no part of Ebb was there.
panicked_early()
{
	local console=$RIG_DIR/log/$GUEST.console

	grep -q 'end Kernel panic' "$console" &&
		! grep -qE 'Run .* as init process|^init: ' "$console"
}

# guest_boot [as guest_define]: and waits until the guest's shell answers. A kernel
# that is emulated panics in its first second at times (6.12 under QEMU 7.2): it has
# a second try.
guest_boot()
{
	guest_define "$@"
	guest_start
	! guest_run 300 true || return 0
	panicked_early || guest_did_not_boot
	echo "$GUEST: its kernel panicked before its first program; it boots once more"
	virsh destroy "$GUEST" >/dev/null
	guest_start
	guest_wait
}

guest_wait()
{
	guest_run 300 true || guest_did_not_boot
}

# Finds the socket of the test shell: another one for each QEMU.
find_shell()
{
	local pid

	pid=$(guest_pid 2>/dev/null)
	[ -z "$pid" ] || [ "$RIG_SHELL_OF" != "$GUEST $pid" ] || return 0
	RIG_SHELL=$(virsh dumpxml "$GUEST" |
		sed -n "s/.*path='\([^']*org.ebb.test.0\)'.*/\1/p")
	RIG_SHELL_OF="$GUEST $pid"
	[ -n "$RIG_SHELL" ] || { echo "$GUEST has no test shell" >&2; return 1; }
}

# guest_run SECONDS COMMAND: as guest-run(1) of tests/integration.
guest_run()
{
	find_shell || return 125
	"$build/tests/integration/guest-run" "$RIG_SHELL" "$1" "$2"
}

guest()
{
	guest_run 120 "$1"
}

guest_pid()
{
	cat "/run/libvirt/qemu/$GUEST.pid"
}

# For libvirt, which hears of a QEMU that was killed later than ebbd does.
guest_is_off()
{
	[ "$(virsh domstate "$GUEST")" = "shut off" ]
}

balloon_mib()
{
	virsh dommemstat "$GUEST" | awk '$1 == "actual" { print int($2 / 1024) }'
}

balloon_is()
{
	[ "$(balloon_mib)" = "$1" ]
}

# guest_balloon MIB SECONDS: leaves the guest so much by its balloon, and waits
# until it has given the rest; 1 if it did not in time.
guest_balloon()
{
	virsh setmem "$GUEST" "${1}M" --live >/dev/null || return 1
	wait_for "$2" balloon_is "$1"
}
