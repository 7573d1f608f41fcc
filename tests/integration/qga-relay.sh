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

started_rig --memory 1024 --channels "qga shell"
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
check "the guest's log is clean" dmesg_clean
