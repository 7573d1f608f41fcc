# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The libvirtd of the rig: the one that answers, or one of its own.

virsh()
{
	command virsh -q -c "$URI" "$@"
}

libvirt_answers()
{
	timeout 10 virsh -q -c "$URI" version >/dev/null 2>&1
}

# Where no udev gave /dev/kvm to its group, QEMU's user may not open it, but the
# QEMU that libvirt asks for its capabilities may. So libvirt never believes what
# it has cached of them, and asks again at each call: 10 s and more.
kvm_open()
{
	[ "$(stat -c '%a %G' /dev/kvm 2>/dev/null)" = "600 root" ] || return 0
	chgrp kvm /dev/kvm && chmod 660 /dev/kvm && RIG_KVM_OPENED=yes
}

kvm_close()
{
	[ -n "$RIG_KVM_OPENED" ] || return 0
	chgrp root /dev/kvm && chmod 600 /dev/kvm
	RIG_KVM_OPENED=
}

# A machine without systemd has no libvirtd running; then it is ours to end.
libvirt_start()
{
	! libvirt_answers || return 0
	local daemon

	# libvirt locks a channel there, and where no systemd made /run it may
	# be missing: no channel could be opened.
	[ -d /var/lock/. ] || mkdir -p /run/lock
	kvm_open
	for daemon in virtlogd libvirtd; do
		command -v $daemon >/dev/null ||
			rig_die "no $daemon: scripts/install-deps"
		[ ! -e "/run/$daemon.pid" ] || pid_gone "$(cat "/run/$daemon.pid")" ||
			continue
		libvirt_daemon $daemon
	done
	RIG_LIBVIRT_STARTED=$$
	export RIG_LIBVIRT_STARTED
	libvirt_await
}

libvirt_daemon()
{
	local log=/var/log/libvirt/$1.log

	LIBVIRT_LOG_OUTPUTS="3:file:$log" "$1" -d 8>&- || rig_die "$1 did not start: $log"
}

libvirt_await()
{
	wait_for 90 libvirt_answers ||
		rig_die "libvirtd does not answer: /var/log/libvirt/libvirtd.log"
}

# Once more, after a test has ended it.
libvirt_again()
{
	libvirt_daemon libvirtd
	libvirt_await
}

libvirt_stop()
{
	local daemon pid

	for daemon in libvirtd virtlogd; do
		pid=$(cat "/run/$daemon.pid" 2>/dev/null) || continue
		rig_kill "$pid"
	done
	kvm_close
	RIG_LIBVIRT_STARTED=
}
