#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest with a virtiofs share is lent from like any other: virtiofsd, which has
# its memory mapped, reads and writes right bytes while all that is free is
# reclaimed again and again. Another process that pins that memory closes the rung
# for as long as it does.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

ROUNDS=3

# Whether a virtiofsd has the guest's memory mapped.
is_served()
{
	local ino exe

	ino=$(backing_paths | cut -d ' ' -f 1) && [ -n "$ino" ] || return 1
	for exe in /proc/[0-9]*/exe; do
		[[ $(readlink "$exe") != */virtiofsd ]] ||
			! grep -qE " $ino +/memfd:" "${exe%exe}maps" || return 0
	done
	return 1
}

share_verified()
{
	guest "cat /run/share-io 2>/dev/null || echo 0"
}

has_verified_more()
{
	[ "$(share_verified)" -gt "$verified" ]
}

share_ends()
{
	guest "kill \$(cat /run/share-io.pid)
		for i in \$(seq 600); do
			grep -q share-io: /run/share-io.out && break
			usleep 100000
		done
		cat /run/share-io.out
		grep -q 'none wrong' /run/share-io.out"
}

# Until it is ended: maps the guest's memory and locks a page of it in RAM.
pin_memory()
{
	# mmap() and mlock() by number.
	exec perl -e 'open(my $file, "+<", $ARGV[0]) or die;
		my $at = syscall(9, 0, 1 << 21, 3, 1, fileno($file), 0);
		syscall(149, $at, 4096) == 0 or die "mlock: $!";
		open(my $ready, ">", $ARGV[1]); sleep 1000' "$1" "$RIG_DIR/run/pinned"
}

# A guest that goes on is looked at.
look_again()
{
	virsh suspend "$GUEST" || fail "$GUEST does not stop"
	virsh resume "$GUEST" || fail "$GUEST does not go on"
}

is_refused_for()
{
	ebbctl_json show "$GUEST" 2>/dev/null | jq -e --arg said "$1" \
		'[.reasons[] | select(.name == "vhost-user-device" and
			(.text | contains($said)))] | length == 1'
}

requires virsh socat jq perl
rig_init
libvirt_start
mkdir "$RIG_DIR/share"
head -c 8M /dev/urandom >"$RIG_DIR/share/from-host"
guest_boot --memory 640 --share "$RIG_DIR/share"
guest "for module in fuse virtiofs; do
		[ ! -e /lib/modules/\$module.ko ] || insmod /lib/modules/\$module.ko
	done
	mkdir /run/share && mount -t virtiofs share /run/share" ||
	fail "the guest cannot mount its share: $(guest dmesg | tail -n 5)"
check "virtiofsd has the guest's memory mapped" is_served
# shellcheck disable=SC2119
start_ebbd
wait_lease
ok "it has a lease"

guest "share-io /run/share/io /run/share-io >/run/share-io.out 2>&1 &
	echo \$! >/run/share-io.pid"
taken=0
for round in $(seq $ROUNDS); do
	verified=$(share_verified)
	guest_populate 300
	guest "cp /run/share/from-host /run/share/copy-$round" ||
		fail "the guest cannot copy: $(guest "cat /run/share-io.out")"
	reclaim --all || fail "reclaim: $RESULT $(cat "$RIG_DIR/run/stderr")"
	taken=$((taken + $(result reclaimed-bytes)))
	# The next buffers are of memory that was taken.
	wait_for 90 has_verified_more || fail "share-io stands still: $(guest "cat /run/share-io.out")"
	guest "sync; echo 1 >/proc/sys/vm/drop_caches"
done
check "$(mib $taken) were reclaimed meanwhile" at_least $taken $((ROUNDS * 180 << 20))
said=$(share_ends) || fail "$said"
ok "$said"
for round in $(seq $ROUNDS); do
	cmp "$RIG_DIR/share/from-host" "$RIG_DIR/share/copy-$round" ||
		fail "copy $round is not what the host wrote"
done
ok "what the guest copied is what the host wrote"
check "virtiofsd still has it" is_served

pin_memory "$(backing_paths | head -n 1 | cut -d ' ' -f 2)" 2>"$RIG_DIR/log/pin" &
pinning=$!
RIG_PIDS+=("$pinning")
wait_for 90 test -e "$RIG_DIR/run/pinned" || fail "no memory is locked: $(cat "$RIG_DIR/log/pin")"
look_again
wait_for 90 is_refused_for "process $pinning, perl, pins it" >/dev/null ||
	fail "who pins it is not seen: $(ebbctl show "$GUEST" 2>&1)"
ok "a process that pins it closes the rung by name"
rig_kill "$pinning"
look_again
wait_lease
ok "and the lease is back when that has ended"
check "the guest's log is clean" dmesg_clean
