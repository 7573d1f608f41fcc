#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest as an operator has it, a Debian with systemd: Ebb's packages are installed
# in it with apt as README says, with DKMS's build in the guest, and a gigabyte is
# taken back; it comes up again by itself; a kernel without headers is installed and
# booted; after a purge nothing is left. The stock qemu-guest-agent answers all along,
# and is what the test commands the guest by.
# shellcheck source=tests/packages/lib.sh
. "$(dirname "$0")/lib.sh"

# apt TEXT ARGUMENT...: what it says is in APT.
apt()
{
	local text=$1 start=$SECONDS status
	shift

	guest_run $apt_seconds "export DEBIAN_FRONTEND=noninteractive LC_ALL=C
		apt-get $* >/root/apt.log 2>&1 </dev/null"
	status=$?
	APT=$(guest "cat /root/apt.log")
	[ $status = 0 ] || fail "$text: apt-get $* gave $status: $(tail -n 20 <<<"$APT")"
	says_nothing "dpkg --audit" || fail "$text: $SAID"
	ok "$text, in $((SECONDS - start)) s"
}

# On a disk: Ebb's packages and the second kernel, as apt takes them.
make_repository()
{
	local tree=$RIG_DIR/repository

	make_packages
	mkdir "$tree"
	cp "$packages"/ebb-*.deb "$RIG_IMAGE"/packages/*.deb "$tree/"
	(cd "$tree" && apt-ftparchive packages . >Packages &&
		apt-ftparchive release . >"$RIG_DIR/Release" && mv "$RIG_DIR/Release" .) ||
		fail "apt-ftparchive"
	mke2fs -q -t ext4 -d "$tree" "$RIG_DIR/repository.img" 1G ||
		fail "no room for a disk of packages"
	rm -r "$tree"
}

# All files but what apt, dpkg and the running system write, what the kernels' packages
# keep beside them, and the key that DKMS makes for itself.
guest_files()
{
	guest_run 300 "find / -xdev \\( -path /var/log -o -path /var/lib/apt -o \
		-path /var/lib/dpkg -o -path /var/backups -o -path /var/cache -o -path /tmp -o -path /var/tmp \
		-o -path /root -o -path /var/lib/systemd \\) -prune -o -print |
		grep -vE '/modules[.][^/]*\$|^/(vmlinuz|initrd.img)|^/var/lib/dkms/mok' | sort"
}

# Boots the newest kernel of the guest's disk, as its boot loader would.
boot_second_kernel()
{
	local disk=$RIG_DIR/$GUEST.disk kernel

	kernel=$(guest "cd /boot && ls vmlinuz-*-cloud-*") || fail "no second kernel"
	virsh shutdown "$GUEST" --mode agent >/dev/null
	wait_for $boot_seconds domain_is "shut off" || fail "$GUEST does not shut down"
	mkdir "$RIG_DIR/boot"
	debugfs -R "dump /boot/$kernel $RIG_DIR/boot/vmlinux" "$disk" 2>/dev/null
	debugfs -R "dump /boot/${kernel/vmlinuz/initrd.img} $RIG_DIR/boot/initrd.img" \
		"$disk" 2>/dev/null
	[ -s "$RIG_DIR/boot/initrd.img" ] || fail "no initramfs of $kernel"
	virsh dumpxml --inactive "$GUEST" |
		sed -E "s,<(kernel|initrd)>[^<]*/,<\1>$RIG_DIR/boot/," >"$RIG_DIR/second.xml"
	virsh define "$RIG_DIR/second.xml" >/dev/null || fail "$kernel is not taken"
	virsh start "$GUEST" >/dev/null || fail "$kernel does not start"
}

domain_is()
{
	[ "$(virsh domstate "$GUEST")" = "$1" ]
}

knobs_are_moved()
{
	local knobs

	knobs=$(guest_knobs) && [ -n "$knobs" ] && [ "$knobs" != "$OWN_KNOBS" ]
}

apt_seconds=1800
requires virsh socat jq mke2fs debugfs apt-ftparchive
rig_init
RIG_IMAGE=$("$source_dir/scripts/distro-guest" "$suite") || exit
make_repository
libvirt_start
distro_define --second-disk "$RIG_DIR/repository.img"
wait_boot "$suite"
# shellcheck disable=SC2119
start_ebbd

# It is there after each boot, too: apt reads what is in it, not a copy.
guest "mkdir -p /srv && echo '/dev/vdb /srv ext4 ro,x-systemd.device-timeout=${boot_seconds}s 0 0' >>/etc/fstab && mount /srv &&
	echo 'deb [trusted=yes] file:/srv ./' >/etc/apt/sources.list.d/ebb.list" ||
	fail "no disk of packages"
apt "apt update" update
OWN_KNOBS=$(guest_knobs)
guest_files >"$RIG_DIR/before"
apt "apt install, with DKMS's build" \
	install -y ebb-guest ebb-dkms linux-headers-amd64
check_works "$(guest_release)"
check_reclaims 1280 "$suite"
check_stock_agent "beside ebb-agent"

reboot_guest
check_works "rebooted"
check_reclaims 1280 "rebooted"

first=$(guest_release)
apt "apt install of a kernel without headers" \
	install -y --no-install-recommends linux-image-cloud-amd64
grep -q "no headers of .*-cloud-amd64" <<<"$APT" ||
	fail "apt does not say that there is no ebb.ko: $APT"
ok "and it says that the headers are missing"
boot_second_kernel
wait_boot "second kernel"
second=$(guest_release)
[ "$second" != "$first" ] || fail "it runs $second again"
wait_for 180 says "install linux-headers-$second" ||
	fail "doctor does not say what to do: $(reasons)"
ok "doctor: install linux-headers-$second"
check "the agent says so, too" guest \
	"journalctl -b -u ebb-agent | grep -q 'linux-headers-$second'"
check_stock_agent "$second"

# Without the module the agent drives the guest by the kernel's own settings.
set_target 25%
wait_for 180 knobs_are_moved || fail "the target does not move the knobs"
apt "apt purge" purge -y ebb-guest ebb-dkms
[ "$(guest_knobs)" = "$OWN_KNOBS" ] ||
	fail "a purge leaves the knobs $(guest_knobs), which were $OWN_KNOBS"
ok "a purge leaves the kernel's settings as they were"
# Newer suites have its modules and its binary in packages of their own.
apt "apt purge of the second kernel" purge -y \
	"\$(dpkg-query -W -f '\${db:Status-Abbrev} \${Package}\n' 'linux-*-cloud-amd64' |
		sed -n 's/^ii  *//p')"
guest_files >"$RIG_DIR/after"
diff "$RIG_DIR/before" "$RIG_DIR/after" >"$RIG_DIR/left" ||
	fail "a purge leaves: $(head -n 20 "$RIG_DIR/left")"
check "and no file" at_least "$(wc -l <"$RIG_DIR/after")" 1000
check "and no unit" guest "! systemctl list-units --all --plain --no-legend |
	grep -E '^(ebb|modprobe@ebb)'"
wait_for 180 says "ebb-agent" || fail "doctor does not say why: $(reasons)"
ok "doctor: $(reasons)"
check_stock_agent "after the purge"
