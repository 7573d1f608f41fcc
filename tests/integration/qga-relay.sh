#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest with only QEMU's own channel has ebb-agent there, which hands the
# commands of the stock agent on: nothing is lost, and the lease works.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

agent_command()
{
	virsh qemu-agent-command "$GUEST" "$1" | jq -c .return
}

requires virsh socat jq mkfs.ext4
rig_init
libvirt_start
truncate -s 16M "$RIG_DIR/ext4"
mkfs.ext4 -q "$RIG_DIR/ext4" || fail "no file system for the guest's disk"
guest_boot --memory 1024 --channels "qga shell" --disk 16 --disk-file "$RIG_DIR/ext4"
start_ebbd
wait_lease
[ "$(agent_command '{"execute":"guest-ping"}')" = "{}" ] || fail "guest-ping"
ok "guest-ping"
commands=$(virsh qemu-agent-command "$GUEST" '{"execute":"guest-info"}' |
	jq -r '.return.supported_commands[].name')
for name in ebb-info guest-ping guest-get-time guest-fsfreeze-status; do
	grep -qx "$name" <<<"$commands" || fail "guest-info lacks $name: $commands"
done
ok "guest-info names the commands of both agents"
check "guest-get-time is relayed" at_least \
	"$(agent_command '{"execute":"guest-get-time"}')" 1
check "libvirt's own use of the agent works" virsh domtime "$GUEST"
refused 1 'not.*found|CommandNotFound' "an unknown command is refused" \
	virsh qemu-agent-command "$GUEST" '{"execute":"guest-frobnicate"}'
check_reclaims_all 600
check "the stock agent still answers" agent_command '{"execute":"guest-get-time"}'

# What a backup does: file systems are frozen, and thawed by a later command.
# Ebb answers meanwhile, for it waits for none of them.
guest "while read -r module; do insmod /lib/modules/\$module.ko; done </lib/modules/spare
	mkdir -p /mnt && mount -t ext4 /dev/vda /mnt" ||
	fail "the guest could not mount its disk"
freeze_status()
{
	agent_command '{"execute":"guest-fsfreeze-status"}'
}
check "file systems are frozen" virsh domfsfreeze "$GUEST"
[ "$(freeze_status)" = '"frozen"' ] || fail "the status is $(freeze_status)"
guest "(echo kept >/mnt/file && touch /run/written) >/dev/null 2>&1 &"
agent_command '{"execute":"ebb-facts"}' | grep -q free-bytes ||
	fail "ebb-facts while file systems are frozen"
check "memory is reclaimed while they are" ebbctl reclaim "$GUEST" --all
guest "[ ! -e /run/written ]" || fail "the file system was not frozen"
check "they are thawed" virsh domfsthaw "$GUEST"
[ "$(freeze_status)" = '"thawed"' ] || fail "the status is $(freeze_status)"
written()
{
	guest "[ -e /run/written ] && [ \"\$(cat /mnt/file)\" = kept ]"
}
wait_for 90 written || fail "what waited for the thaw was not written"
ok "what waited for it is written"

# A program that the host starts is one of the guest's own, not of the agent's.
executed()
{
	qga_run 90 'exec cat /proc/self/oom_score_adj'
}
[ "$(executed)" = 0 ] || fail "a program of guest-exec has an oom_score_adj of '$(executed)'"
ok "guest-exec runs programs as the guest does"

# Whoever asks whether it lives is told the truth.
guest "kill -STOP \$(pidof qemu-ga)"
refused 1 'not respond|timed? ?out|not available' "a qemu-ga that hangs is told to libvirt" \
	virsh qemu-agent-command "$GUEST" --timeout 5 '{"execute":"guest-ping"}'
guest "kill -CONT \$(pidof qemu-ga)"
pings()
{
	virsh qemu-agent-command "$GUEST" --timeout 5 '{"execute":"guest-ping"}'
}
wait_for 90 pings || fail "no ping after it went on"
ok "it goes on, and is served again"
guest "kill -9 \$(pidof qemu-ga)"
wait_for 90 pings || fail "no ping after qemu-ga was killed"
ok "one that was killed is started again, and served"

# What the system refuses stays refused.
guest "mkdir -p /etc/default
	echo 'DAEMON_ARGS=\"-b guest-get-time\"' >/etc/default/qemu-guest-agent
	kill -9 \$(pidof qemu-ga)"
wait_for 90 pings || fail "no ping with a block list"
refused 1 'disabled|has not been found|blocked' "a command that the guest blocks stays blocked" \
	virsh qemu-agent-command "$GUEST" '{"execute":"guest-get-time"}'

# Ebb's own channel comes later: both are served.
cat >"$RIG_DIR/run/channel.xml" <<-END
	<channel type='unix'><target type='virtio' name='org.ebb.agent.0'/></channel>
END
check "a channel of Ebb's own is plugged in" \
	virsh attach-device "$GUEST" "$RIG_DIR/run/channel.xml" --live
served()
{
	local port

	# shellcheck disable=SC2016 # the guest's shell expands it
	port=$(guest 'for port in /sys/class/virtio-ports/*; do
		[ "$(cat $port/name)" != org.ebb.agent.0 ] || echo ${port##*/}; done')
	[ -n "$port" ] && guest "ls -l /proc/\$(cat /run/ebb-agent.started)/fd" | grep -q "$port\$"
}
wait_for 90 served || fail "the new channel is not open: $(guest 'cat /run/ebb-agent.log')"
ok "the agent serves it"
wait_for 90 pings || fail "the stock channel is not served any more"
ok "and the stock one as before"
check "the guest's log is clean" dmesg_clean
