#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# install.sh REPOSITORY [SUITE]: installs Ebb's packages with apt in a fresh
# Debian of that suite (default: the machine's), upgrades, downgrades and purges
# them. In a chroot: nothing runs there, so it is shown what apt and DKMS do, not
# what units do (distro-guest.sh does that).
set -u

repository=${1:?usage: install.sh REPOSITORY [SUITE]}
suite=${2:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
mirror=$(sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p; s/^URIs: *//p' \
	/etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
root=$(mktemp -d /var/tmp/ebb-install.XXXXXX)
trap 'rm -rf --one-file-system "$root"' EXIT

ok() { echo "ok   $*"; }
fail() { echo "not ok $*"; exit 1; }

# inside COMMAND...: in the chroot, which has this repository and a /proc.
inside()
{
	# shellcheck disable=SC2016 # for the shell inside
	unshare --mount --pid --fork --mount-proc sh -c '
		root=$1 repository=$2; shift 2
		mkdir -p "$root/ebb" && mount --bind "$repository" "$root/ebb" &&
		mount -t proc proc "$root/proc" &&
		exec chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"' \
		sh "$root" "$repository" "$@" </dev/null
}

# All but what apt, depmod and systemd keep of their own.
files() { (cd "$root" && find . -xdev ! -path './ebb*' ! -path './var/cache/*' \
	! -path './var/log/*' ! -path './var/lib/dpkg/*' ! -path './var/lib/apt/*' \
	! -path './tmp/*' ! -path './proc*' ! -path './run/*' \
	! -path './usr/lib/modules/*/modules.*' | sort); }

command -v mmdebstrap >/dev/null || { echo "skip: no mmdebstrap"; exit 77; }
mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dkms,linux-headers-amd64 \
	"$suite" "$root" "$mirror" >/dev/null || { echo "skip: no $suite at the mirror"; exit 77; }
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
echo "deb [trusted=yes] file:/ebb ./" >"$root/etc/apt/sources.list.d/ebb.list"
kernel=$(cd "$root/lib/modules" && set -- * && echo "$1")
inside apt-get update >/dev/null || fail "apt-get update"
# What these need stays, so that a purge is compared with what was there before.
inside apt-get install -y --no-install-recommends libvirt0 libjson-c5 libinih1 \
	libcap-ng0 libseccomp2 libnuma1 libxml2 libmicrohttpd12 libncursesw6 >/dev/null 2>&1
files >"$root/tmp/before"

inside apt-get install -y --no-install-recommends ebb-host ebb-exporter ebb-guest ebb-dkms \
	>"$root/tmp/install.log" 2>&1 || { tail "$root/tmp/install.log"; fail "apt-get install"; }
ok "apt installs them on $suite"
find "$root/lib/modules/$kernel/" -name 'ebb.ko*' | grep -q . ||
	{ cat "$root/tmp/install.log"; fail "no ebb.ko for $kernel"; }
ok "DKMS built ebb.ko for $kernel"
inside ebbctl --version | grep -q '^ebbctl ' || fail "ebbctl --version"
inside ebb-agent --version >/dev/null || fail "ebb-agent --version"
inside systemctl is-enabled ebbd ebb-agent | sort -u | grep -qx enabled ||
	fail "a unit is not enabled"
inside systemctl is-enabled ebb-exporter | grep -qx disabled ||
	fail "ebb-exporter is not off until it is enabled"
inside getent group ebb >/dev/null || fail "there is no group ebb"
inside systemd-analyze verify --man=no ebbd.service ebb-agent.service \
	ebb-exporter.service 2>&1 | grep -E 'ebbd|ebb-agent|ebb-exporter' && fail "systemd-analyze verify"
ok "they run, and their units are verified, and enabled but for ebb-exporter"
for unit in ebbd ebb-exporter; do
	inside env SYSTEMD_COLORS=0 SYSTEMD_URLIFY=0 systemd-analyze security \
		--offline=true --threshold=20 $unit.service \
		>"$root/tmp/security.log" 2>&1 ||
		fail "$unit.service is exposed: $(tail -n 1 "$root/tmp/security.log")"
	ok "the exposure of $unit.service is $(sed -n 's/.*exposure level for .*: \([0-9.]*\).*/\1/p' "$root/tmp/security.log")"
done

# The same, as a later version: what an operator wrote stays, both ways.
newer=$root/newer
mkdir "$newer"
for package in "$repository"/ebb-{host,exporter,guest,dkms}_*.deb; do
	dpkg-deb -R "$package" "$root/tmp/deb"
	sed -i -E 's/^Version: .*/&+later/; s/\(= ([^)]*)\)/(= \1+later)/' \
		"$root/tmp/deb/DEBIAN/control"
	dpkg-deb -b "$root/tmp/deb" "$newer/" >/dev/null || fail "dpkg-deb $package"
	rm -r "$root/tmp/deb"
done
# shellcheck disable=SC2016 # dpkg-query's own variables
installed() { inside dpkg-query -W -f '${Package}=${Version} ' ebb-host ebb-exporter ebb-guest ebb-dkms; }
versions=$(installed)
echo "# the operator's" >>"$root/etc/ebb/ebbd.conf"

# is_whole TEXT: after a step, all is installed, built and enabled.
is_whole()
{
	[ "$(tail -n 1 "$root/etc/ebb/ebbd.conf")" = "# the operator's" ] ||
		fail "$1: ebbd.conf is not what the operator wrote"
	[ -z "$(find "$root/etc/ebb" -name '*.dpkg-*')" ] || fail "$1: $(ls "$root/etc/ebb")"
	inside dkms status -m ebb | grep -q "$kernel.*: installed" ||
		fail "$1: $(inside dkms status -m ebb)"
	[ "$(find "$root/lib/modules/$kernel/" -name 'ebb.ko*' | wc -l)" = 1 ] ||
		fail "$1: ebb.ko is not there once"
	inside systemctl is-enabled ebbd ebb-agent | sort -u | grep -qx enabled ||
		fail "$1: a unit is not enabled"
	inside dpkg --audit | grep -q . && fail "$1: dpkg --audit has something to say"
	ok "$1: module, units and the operator's ebbd.conf are there"
}

inside sh -c 'apt-get install -y --no-install-recommends /newer/*.deb' \
	>"$root/tmp/upgrade.log" 2>&1 ||
	{ tail "$root/tmp/upgrade.log"; fail "apt-get install of newer packages"; }
installed | grep -qE '(^| )ebb-host=[^ ]*[+]later ' || fail "no upgrade"
is_whole "upgraded"
# shellcheck disable=SC2086 # words
inside apt-get install -y --no-install-recommends --allow-downgrades $versions \
	>"$root/tmp/downgrade.log" 2>&1 ||
	{ tail "$root/tmp/downgrade.log"; fail "apt-get install of older packages"; }
[ "$versions" = "$(installed)" ] || fail "no downgrade"
is_whole "downgraded"
rm -r "$newer"

# A kernel that the module cannot be built for: apt must install it none the less.
broken=$root/lib/modules/6.99.0-broken
mkdir -p "$broken/build/include"
echo 'all modules clean: ; @echo "broken headers"; exit 1' >"$broken/build/Makefile"
inside /etc/kernel/postinst.d/ebb-dkms 6.99.0-broken >"$root/tmp/broken.log" 2>&1 ||
	fail "the hook of kernels fails where the module does not build"
grep -q 'goes on without it' "$root/tmp/broken.log" || {
	cat "$root/tmp/broken.log"; fail "the failed build is not told"; }
inside apt-get install -y --reinstall ebb-dkms >"$root/tmp/again.log" 2>&1 ||
	{ tail "$root/tmp/again.log"; fail "apt-get install beside broken headers"; }
inside dpkg --audit | grep -q . && fail "dpkg --audit has something to say"
ok "a build that fails breaks neither a kernel's installation nor apt"
rm -rf "$broken"

# What ebbd would have kept.
mkdir -p "$root/var/lib/ebb"
: >"$root/var/lib/ebb/events"
inside apt-get purge -y ebb-host ebb-exporter ebb-guest ebb-dkms >"$root/tmp/purge.log" 2>&1 ||
	{ tail "$root/tmp/purge.log"; fail "apt-get purge"; }
grep -iE 'error|No such file|not empty' "$root/tmp/purge.log" && fail "a purge complains"
files >"$root/tmp/after"
diff "$root/tmp/before" "$root/tmp/after" >"$root/tmp/left" || {
	head -n 20 "$root/tmp/left"; fail "a purge leaves something behind"; }
ok "a purge leaves nothing"
