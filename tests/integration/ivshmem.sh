#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Two guests share a file by ivshmem: it is nobody's RAM, so both have their lease
# and are reclaimed from, and the file is neither counted nor changed.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

SHARED_MIB=32
shared=ebbtest-$$
file=/dev/shm/$shared

leave()
{
	local status=$?

	rm -f "$file"
	(exit $status)
	at_exit
}

share()
{
	virsh attach-device "$GUEST" "$RIG_DIR/shmem.xml" --live >/dev/null ||
		fail "$GUEST does not take the shared memory"
	[ "$(stat -c %s "$file")" = $((SHARED_MIB << 20)) ] ||
		fail "$file is $(stat -c %s "$file") bytes"
}

lends()
{
	wait_lease
	check "$1 has a lease, and its RAM alone is counted" \
		test "$(guest_number memory-bytes)" = $((640 << 20))
	guest_populate 300
	reclaim --all || fail "$1: $RESULT $(cat "$RIG_DIR/run/stderr")"
	check "$1 gives $(mib "$(result reclaimed-bytes)")" \
		at_least "$(result reclaimed-bytes)" $((150 << 20))
}

requires virsh socat jq
trap leave EXIT
rig_init
libvirt_start
cat >"$RIG_DIR/shmem.xml" <<-END
<shmem name='$shared'><model type='ivshmem-plain'/>
<size unit='M'>$SHARED_MIB</size></shmem>
END
guest_boot --memory 640
first=$GUEST
share
guest_boot --memory 640
second=$GUEST
share
head -c 20M /dev/urandom | dd of="$file" conv=notrunc status=none
before=$(sha256sum <"$file")
# shellcheck disable=SC2119
start_ebbd

GUEST=$first
lends "the first"
GUEST=$second
lends "the second"
GUEST=$first
lends "the first again"
check "the shared file is as it was" test "$(sha256sum <"$file")" = "$before"
