#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest as an operator has it, a Debian with systemd, in which Ebb's packages were
# installed with apt (in a chroot, where DKMS builds faster than in an emulated guest):
# at boot the agent and the module come up by themselves, a gigabyte is taken back, and
# virsh goes on speaking to qemu-guest-agent. A reboot changes nothing of that.
# shellcheck source=tests/packages/lib.sh
. "$(dirname "$0")/lib.sh"

requires virsh socat jq mke2fs debugfs mmdebstrap apt-ftparchive
rig_init
make_packages
RIG_IMAGE=$("$source_dir/scripts/distro-guest" --install "$packages" \
	"$RIG_DIR/image" "$suite") || exit
libvirt_start
# shellcheck disable=SC2119
distro_define
wait_boot "$suite"
# shellcheck disable=SC2119
start_ebbd
check_works "$suite, $(guest_release)"
check_reclaims 1280 "$suite"
check_stock_agent "beside ebb-agent"
[ "$(guest "systemctl show -P OOMPolicy ebb-agent")" = continue ] ||
	fail "systemd stops the agent when a program that it runs is killed for its memory"
ok "the agent goes on when a program that it runs is killed for its memory"
reboot_guest
check_works "rebooted"
check_reclaims 1280 "rebooted"
