#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# rpm.sh BUILD REPOSITORY: the tarball of the build tree BUILD, built by its spec,
# has what the Debian packages in REPOSITORY have, installs, verifies, and leaves
# nothing when it is erased. On Debian, whose rpm does not know what is installed
# nor Fedora's macros for systemd: dependencies and scriptlets are not run.
set -u

build=$(cd "${1:?usage: rpm.sh BUILD REPOSITORY}" && pwd)
repository=$(cd "${2:?usage: rpm.sh BUILD REPOSITORY}" && pwd)
work=$(mktemp -d /var/tmp/ebb-rpm.XXXXXX)
trap 'rm -rf "$work"' EXIT

# Debian's says at each use that it is not meant for Debian.
rpm_in_root() { rpm --root "$work/root" "$@" 2> >(grep -v 'RPM should not\|assuming you know' >&2); }

ok() { echo "ok   $*"; }
fail() { echo "not ok $*"; exit 1; }

command -v rpmbuild >/dev/null ||
	{ echo "skip: no rpmbuild; run: scripts/install-deps package"; exit 77; }

# Of a Debian package or an RPM: its files, but for what each world has of its own.
normal()
{
	sed -E 's|^\.?/+|/|; s|^/lib/|/usr/lib/|; s|\.gz$||; s|/zsh/vendor-completions/|/zsh/site-functions/|' |
		grep -vE '^/usr/share/(doc|licenses|lintian)/|/\.build-id|/$|^/etc/kernel/|^/usr/lib/ebb-dkms/' |
		sort
}

of_deb() { dpkg-deb --fsys-tarfile "$repository/$1"_*.deb | tar -t | normal; }

of_rpm()
{
	rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$1" 2>/dev/null |
		sed -n 's/^-[^ ]* //p' | normal
}

cd "$build" || exit
XZ_OPT=-0 make dist >"$work/log" 2>&1 || { tail "$work/log"; fail "make dist"; }
cd "$work" || exit
# As systemd-rpm-macros has them, as far as files go.
rpmbuild --nodeps --nocheck --define "_topdir $work" \
	--define '_unitdir /usr/lib/systemd/system' \
	--define '_sysusersdir /usr/lib/sysusers.d' \
	--define 'systemd_requires Requires: systemd' --define 'systemd_post() %{nil}' \
	--define 'systemd_preun() %{nil}' \
	--define 'systemd_postun_with_restart() %{nil}' \
	-ta "$build"/ebb-*.tar.xz >>log 2>&1 || { tail log; fail "rpmbuild"; }
ok "rpmbuild builds the tarball"

for name in host exporter guest dkms; do
	rpm=$(echo RPMS/*/ebb-$name-*.rpm)
	of_deb ebb-$name >deb.files
	of_rpm "$rpm" >rpm.files
	[ -s rpm.files ] || fail "$rpm has no files"
	diff deb.files rpm.files ||
		fail "ebb-$name: the Debian package (<) and the RPM (>) differ"
	ok "ebb-$name has the Debian package's $(wc -l <rpm.files) files"
done

mkdir root
rpm_in_root --initdb
rpm_in_root -i --nodeps --noscripts RPMS/*/*.rpm || fail "rpm -i"
changes=$(rpm_in_root -Va --nodeps) || fail "rpm -V: $changes"
ok "they install and verify"
rpm_in_root -e --nodeps --noscripts ebb-host ebb-exporter ebb-guest ebb-dkms ||
	fail "rpm -e"
left=$(cd root && find . -name '*ebb*')
[ -z "$left" ] || fail "erased, they leave: $left"
ok "erased, they leave nothing"
