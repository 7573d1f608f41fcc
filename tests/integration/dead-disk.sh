#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A disk on a file system that does not answer any more, as on an NFS server that
# is dead: who asks for QEMU's descriptor of it waits for ever. ebbd does not, and
# serves this domain and its neighbour.
#
# The file system is QEMU's FUSE export, stopped.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/rig/bare.sh
. "$source_dir/scripts/rig/bare.sh"

# QEMU's descriptor of the disk.
disk_fd()
{
	find "/proc/$qemu/fd" -lname "$RIG_DIR/disk" | head -n 1
}

# It is killed after so many seconds, else it would wait on.
disk_is_dead()
{
	(timeout -s KILL "$1" stat -L "$(disk_fd)" >/dev/null 2>&1) 2>/dev/null
	[ $? = 137 ]
}

is_exported()
{
	[ "$(stat -f -c %T "$RIG_DIR/disk")" = fuseblk ] ||
		grep -q " $RIG_DIR/disk fuse" /proc/self/mounts
}

# Both were looked at, and their memory is known.
both_are_known()
{
	[ "$(ebbctl_json list | jq -c '[.domains[] |
		[.reasons[0].name, .old, .phase, (.backings | length)]] | unique')" = \
		'[["guest-paused",false,"ready",1]]' ]
}

requires virsh socat jq qemu-storage-daemon
[ -c /dev/fuse ] || rig_skip "needs /dev/fuse"
rig_init
libvirt_start
truncate -s 16M "$RIG_DIR/disk.img" "$RIG_DIR/disk"
qemu-storage-daemon --blockdev "driver=file,node-name=disk,filename=$RIG_DIR/disk.img" \
	--export "fuse,id=fuse,node-name=disk,mountpoint=$RIG_DIR/disk,writable=on,allow-other=on" \
	>"$RIG_DIR/log/export" 2>&1 8>&- &
export_pid=$!
RIG_PIDS+=("$export_pid")
# It would not end otherwise.
trap 'status=$?; stop_ebbd; kill -CONT $export_pid; (exit $status); at_exit' EXIT
wait_for 90 is_exported || fail "no export: $(cat "$RIG_DIR/log/export")"

names=()
for disk in "" "<disk type='file' device='disk'>
		<driver name='qemu' type='raw'/><source file='$RIG_DIR/disk'/>
		<target dev='vda' bus='virtio'/></disk>"; do
	name=ebbtest-${RIG_DIR##*.}-${#names[@]}
	bare_xml "$name" 64 shared org.ebb.agent.0 |
		sed "s|</devices>|$(tr -d '\n' <<<"$disk")&|" >"$RIG_DIR/$name.xml"
	virsh create --paused "$RIG_DIR/$name.xml" >/dev/null || fail "virsh create $name"
	RIG_GUESTS+=("$name")
	names+=("$name")
done
GUEST=${names[1]}
qemu=$(guest_pid)
[ -n "$(disk_fd)" ] || fail "QEMU has no such disk: $(ls -l "/proc/$qemu/fd")"

kill -STOP "$export_pid"
# For a second the kernel answers from its cache.
wait_for 90 disk_is_dead 2 || fail "the disk answers still"
ok "who asks for the disk waits"

# shellcheck disable=SC2119
start_ebbd
wait_for 90 both_are_known || fail "not both are known: $(ebbctl_json list)"
ok "both domains are known"
virsh dominfo "$GUEST" >/dev/null || fail "virsh dominfo"
within 1 list ebbctl list
for name in "${names[@]}"; do
	within 1 "show $name" ebbctl show "$name"
	within 1 "doctor $name" ebbctl doctor "$name"
done
loop_was_there
kill "$EBBD_PID"
within 1 "ebbd ends" wait_for 90 pid_gone "$EBBD_PID"
wait "$EBBD_PID" || fail "ebbd ended with $?"
EBBD_PID=
[ -n "$(disk_fd)" ] || fail "QEMU has closed its disk"
disk_is_dead 1 || fail "the disk answered meanwhile"
ok "the disk was dead all the time"
