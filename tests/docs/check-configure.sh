#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Where libraries are missing, configure names all of them and what to do.
set -u

srcdir=$(cd "${srcdir:-.}" && pwd)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# It refuses to run beside a tree that is configured in place.
mkdir "$dir/protocol" && cp "$srcdir/protocol/lease.h" "$dir/protocol" &&
	cp -R "$srcdir/configure" "$srcdir/build-aux" "$dir" || exit 1
cd "$dir" || exit 1
if PKG_CONFIG_PATH=$dir PKG_CONFIG_LIBDIR=$dir ./configure --disable-kmod \
	>out 2>&1; then
	echo "configure needs no library" >&2
	exit 1
fi
said=$(grep '^configure: error: ' out)
failed=0
for word in json-c libsystemd libvirt libvirt-qemu libxml-2.0 inih ncursesw numa libcap-ng \
	libseccomp install-deps; do
	[[ $said == *"$word"* ]] || {
		echo "configure does not say '$word': $said" >&2
		failed=1
	}
done
exit $failed
