#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# On a host of libvirt's modular daemons there is no socket of libvirtd, but one of
# virtqemud: ebbd's default URI finds it. Debian has no virtqemud, so libvirtd
# listens under that name.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

requires virsh socat jq
rig_init
libvirt_start
[ -n "$RIG_LIBVIRT_STARTED" ] ||
	rig_skip "libvirtd was running before: its socket is not renamed for a test"
mv /run/libvirt/libvirt-sock /run/libvirt/virtqemud-sock
check "virsh finds it" libvirt_answers
guest_boot --memory 512
# shellcheck disable=SC2119
start_ebbd
wait_lease
guest_populate 200
check "there is no socket of libvirtd" test ! -e /run/libvirt/libvirt-sock
whole_again "by virtqemud's socket"
