#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# ebbd.service only orders itself after libvirt's daemons. libvirtd.socket and the
# sockets of the modular daemons conflict: a unit that wants one of them stops
# those that the host uses.
set -eu

unit=host/ebbd.service
failed=0

# values KEY: all words that the unit gives it.
values()
{
	sed -n "s/^$1=//p" "$unit" | tr ' ' '\n'
}

for key in Wants Requires Requisite BindsTo PartOf Upholds Conflicts OnFailure; do
	if values $key | grep 'virt'; then
		echo "$unit: $key= names a daemon of libvirt" >&2
		failed=1
	fi
done
for name in libvirtd.service libvirtd.socket virtqemud.service virtqemud.socket; do
	values After | grep -qx "$name" || {
		echo "$unit: not After=$name" >&2
		failed=1
	}
done

# What systemd itself says of them, with a program that is there.
if command -v systemd-analyze >/dev/null; then
	directory=$(mktemp -d "${TMPDIR:-/tmp}/check-units.XXXXXX")
	trap 'rm -rf "$directory"' EXIT
	for unit in host/ebbd.service host/exporter/ebb-exporter.service; do
		[ -e "$unit" ] || continue
		name=$(basename "$unit")
		sed 's|^ExecStart=.*|ExecStart=/bin/true|; s|^ExecReload=[^ ]*/ebbd|ExecReload=/bin/true|' \
			"$unit" >"$directory/$name"
		said=$(systemd-analyze verify --man=no "$directory/$name" 2>&1) ||
			failed=1
		if printf '%s\n' "$said" | grep -F "$name"; then
			failed=1
		fi
	done
fi
exit $failed
