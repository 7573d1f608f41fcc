#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ebb-host is upgraded while a guest is lent from. The files change under the running
# ebbd, which goes on and answers ebbctl; then the package's own postinst has
# ebbd restarted. What was lent stays lent, what was paused stays so, the successor has
# a lease of its own, and the guest loses no byte. The daemons are those of the
# packages. There is no systemd here: what postinst asks it for is written down, and
# done by this test.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh"

packages=${EBB_PACKAGES:-$build/packages}

program()
{
	case $1 in
	ebbd) echo "$RIG_DIR/root/usr/sbin/ebbd" ;;
	ebbctl) echo "$RIG_DIR/root/usr/bin/ebbctl" ;;
	esac
}

# The same package as a later version; postinst asks for what it is told to.
make_newer()
{
	local tree=$RIG_DIR/later

	dpkg-deb -R "$OLD" "$tree" || fail "cannot unpack $OLD"
	sed -i -E 's/^Version: .*/&+later/' "$tree/DEBIAN/control"
	dpkg-deb -b "$tree" "$RIG_DIR/later.deb" >/dev/null || fail "cannot build it again"
	rm -r "$tree"
}

# script DEB NAME ARGUMENT...: runs a maintainer script of the package, on what stands
# for systemd; what that was asked for is in ASKED, line by line.
script()
{
	local deb=$1 name=$2 tool
	shift 2

	rm -rf "$RIG_DIR/control" "$RIG_DIR/asked"
	dpkg-deb -e "$deb" "$RIG_DIR/control"
	mkdir -p "$RIG_DIR/bin" /run/systemd/system
	for tool in systemctl deb-systemd-invoke deb-systemd-helper; do
		printf '#!/bin/sh\necho "%s $*" >>%s/asked\n' $tool "$RIG_DIR" \
			>"$RIG_DIR/bin/$tool"
		chmod 755 "$RIG_DIR/bin/$tool"
	done
	ASKED=
	[ -e "$RIG_DIR/control/$name" ] || return 0
	PATH=$RIG_DIR/bin:$PATH DPKG_MAINTSCRIPT_PACKAGE=ebb-host DPKG_MAINTSCRIPT_NAME=$name \
		"$RIG_DIR/control/$name" "$@" || fail "$name $* of $deb gave $?"
	ASKED=$(cat "$RIG_DIR/asked" 2>/dev/null)
}

ebbd_program()
{
	readlink "/proc/$EBBD_PID/exe"
}

policy_is_paused()
{
	[ "$(ebbctl_json policy status | jq .paused)" = true ]
}

requires virsh socat jq dpkg-deb
rig_init
[ -n "${EBB_PACKAGES:-}" ] || DEB_BUILD_OPTIONS=nocheck \
	"$source_dir/scripts/packages" "$packages" >/dev/null || exit
OLD=$(echo "$packages"/ebb-host_*.deb)
[ -e "$OLD" ] || fail "no ebb-host in $packages"
make_newer
dpkg-deb -x "$OLD" "$RIG_DIR/root" || fail "cannot unpack $OLD"
libvirt_start
guest_boot --memory 1536
# shellcheck disable=SC2119
start_ebbd
wait_lease
[ "$(ebbd_program)" = "$RIG_DIR/root/usr/sbin/ebbd" ] || fail "it runs $(ebbd_program)"

guest_churn $((200 << 20))
guest_populate 600
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
lent=$(guest_number lent-bytes)
at_least "$lent" $((300 << 20)) || fail "only $(mib "$lent") are lent: $RESULT"
ebbctl policy pause >/dev/null || fail "policy pause: $?"

# As dpkg does it: the old prerm, the new files, the old postrm, the new postinst.
version=$(dpkg-deb -f "$OLD" Version)
script "$OLD" prerm upgrade "$version+later"
! grep -qw stop <<<"$ASKED" || fail "prerm stops ebbd before its successor is there: $ASKED"
dpkg-deb -x "$RIG_DIR/later.deb" "$RIG_DIR/root" || fail "cannot unpack the newer one"
script "$OLD" postrm upgrade "$version+later"
[[ $(ebbd_program) = *"(deleted)" ]] || fail "the files did not change under $(ebbd_program)"
[ "$(guest_number lent-bytes)" -gt 0 ] || fail "the new ebbctl does not reach the old ebbd"
guest_populate 200
reclaim --all || fail "between files and restart: $(cat "$RIG_DIR/run/stderr")"
ok "between files and restart, ebbd goes on: $(mib "$(result reclaimed-bytes)")"

before=$(backing_bytes)
lent=$(guest_number lent-bytes)
script "$RIG_DIR/later.deb" postinst configure "$version"
grep -qE '^deb-systemd-invoke( .*)? (try-)?restart .*ebbd\.service' <<<"$ASKED" ||
	fail "postinst asks for no restart of ebbd: $ASKED"
stop_ebbd
# shellcheck disable=SC2119
start_ebbd
wait_lease
[ "$(ebbd_program)" = "$RIG_DIR/root/usr/sbin/ebbd" ] || fail "it runs $(ebbd_program)"
ok "postinst has ebbd restarted, and the successor has a lease"
# The guest goes on meanwhile, and churn touches what it may.
between $(((-64 << 20) - $(churn_bytes))) $((before - $(backing_bytes))) $((64 << 20)) ||
	fail "resident $(mib "$before") before, $(mib "$(backing_bytes)") after"
between $(((-64 << 20) - $(churn_bytes))) $((lent - $(guest_number lent-bytes))) \
	$(((64 << 20) + $(churn_bytes))) ||
	fail "lent $(mib "$lent") before, $(mib "$(guest_number lent-bytes)") after"
ok "lent $(mib "$lent") before, $(mib "$(guest_number lent-bytes)") after"
check "what was paused stays so" policy_is_paused
check_reclaims_all 600
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
check "the guest's log is clean" dmesg_clean
