#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A host as an operator has it, a Debian with systemd, libvirtd, polkit and QEMU, in which
# Ebb's packages were installed with apt; it is a guest of this machine. ebbd.service comes
# up at boot, finds libvirtd from within its sandbox and misses nothing of the host.
# shellcheck source=tests/packages/lib.sh
. "$(dirname "$0")/lib.sh"

# check_there TEXT COMMAND: in that host, and shows what it says if it fails.
check_there()
{
	local said

	said=$(guest "$2" 2>&1) || fail "$1: $2: $said
$(guest "journalctl -b -n 40 --no-pager -u ebbd -u ebb-exporter -u libvirtd")"
	ok "$1"
}

# unit_is UNIT STATE
unit_is()
{
	[ "$(guest "systemctl is-active $1")" = "$2" ]
}

# await_unit UNIT STATE TEXT
await_unit()
{
	wait_for 120 unit_is "$1" "$2" ||
		fail "$3: $1 is not $2: $(guest "systemctl status -n 20 --no-pager $1; systemctl list-jobs")"
	ok "$3: $1 is $2"
}

# exposure_at_most UNIT TENTHS: what systemd thinks of the sandbox, 0 to 100.
exposure_at_most()
{
	local level

	level=$(guest "systemd-analyze security --no-pager $1" |
		sed -n 's/.*Overall exposure level for.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p')
	[ -n "$level" ] || fail "$1: no exposure level"
	at_most "$((10#$level))" "$2" || fail "$1: its exposure level is $level tenths"
	ok "$1: its exposure level is $((10#$level)) tenths"
}

requires virsh socat jq mke2fs debugfs mmdebstrap apt-ftparchive
rig_init
make_packages
RIG_IMAGE=$("$source_dir/scripts/distro-guest" --host --install "$packages" \
	"$RIG_DIR/image" "$suite") || exit
libvirt_start
# shellcheck disable=SC2119
distro_define
wait_boot "$suite"

await_unit ebbd active "after boot"
ebbd_is_connected()
{
	guest "ebbctl --json doctor" >"$RIG_DIR/doctor"
	jq -e '.checks[] | select(.name == "libvirt") | .status == "ok"' "$RIG_DIR/doctor" >/dev/null
}
wait_for 120 ebbd_is_connected || fail "it is not connected: $(cat "$RIG_DIR/doctor")"
ok "it is connected"
found=$(jq -c '.checks[] | select(.status == "fail")' "$RIG_DIR/doctor")
[ -z "$found" ] || fail "the doctor of the host: $found"
ok "the doctor of the host finds no fault"
exposure_at_most ebbd 20
check_there "its state directory is its own" \
	"[ \"\$(stat -c '%U %a' /var/lib/ebb)\" = 'root 700' ]"
