#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Two guests share a file by ivshmem: it is nobody's RAM, so both have their lease
# and are reclaimed from, and the file is neither counted nor changed. ebbd takes
# from one guest at a time, so a second who asks is told that he waits.
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
printf '[daemon]\nstate-dir = %s\n[reclaim]\nreclaims = 1\n' "$RIG_DIR/run" \
	>"$RIG_DIR/ebbd.conf"
use_faulty_ebbd
# shellcheck disable=SC2119
start_ebbd

GUEST=$first
lends "the first"
GUEST=$second
lends "the second"
GUEST=$first
lends "the first again"
check "the shared file is as it was" test "$(sha256sum <"$file")" = "$before"

# told FILTER: whether ebbd said so of the second's reclaim.
told()
{
	jq -se "$1" "$RIG_DIR/run/told" >/dev/null 2>&1
}

GUEST=$second
guest_populate 300
GUEST=$first
guest_populate 300
hold_reclaim resolved 1 --all
jq -nc --arg domain "$second" \
	'{execute: "domain-reclaim", arguments: {domain: $domain, all: true}}' |
	socat -t 120 - "UNIX:$EBBD_SOCKET" >"$RIG_DIR/run/told" &
client=$!
wait_for 90 told 'any(.[]; .data.phase == "waiting" and .data.running == 1 and (.data.ahead // 0) == 0)' ||
	fail "who waits is not told so: $(cat "$RIG_DIR/run/told")"
ok "while the first is reclaimed from, the second waits, and is told"
release_reclaim
end_reclaim 90
went_on "the first, with one that waits"
wait_for 120 pid_gone $client || fail "the second gets no turn: $(tail -n 1 "$RIG_DIR/run/told")"
check "then it is the second's turn" \
	told ".[-1].return | .ended == \"drained\" and .\"reclaimed-bytes\" >= $((150 << 20))"
