#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# DKMS offers ebb.ko for the kernels that it is for, and for no other; on the
# others a guest without the module is no error.
set -u

# shellcheck disable=SC2034,SC2154 # DKMS sets what the file reads
kernel_source_dir=/none
# shellcheck source=/dev/null
. kmod/dkms.conf || exit 1
failed=0

# offered yes|no VERSION...: as dkms matches it.
offered()
{
	local wanted=$1 version answer
	shift

	for version; do
		answer=no
		[[ ! $version =~ $BUILD_EXCLUSIVE_KERNEL ]] || answer=yes
		[ $answer = "$wanted" ] || {
			echo "dkms.conf: $version is offered: $answer, not $wanted" >&2
			failed=1
		}
	done
}

offered no 4.19.0-27-amd64 5.4.0-200-generic 5.9.16 5.1.0
offered yes 5.10.0-32-amd64 5.14.0-570.el9.x86_64 5.15.0-130-generic \
	6.1.0-56-amd64 6.12.117+deb13-amd64 6.12.117+deb13-rt-amd64 \
	7.2.12+deb14-amd64 10.0.1
[[ x86_64 =~ $BUILD_EXCLUSIVE_ARCH ]] || failed=1
for arch in aarch64 i686 ppc64le; do
	[[ ! $arch =~ $BUILD_EXCLUSIVE_ARCH ]] || {
		echo "dkms.conf: offered on $arch" >&2
		failed=1
	}
done
exit $failed
