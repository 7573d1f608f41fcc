# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Commands in a guest that has no test shell, but a qemu-guest-agent of its own.

# qga_ask SECONDS COMMAND [JSON]: asks the agent, prints what it returns.
qga_ask()
{
	local request arguments=${3:-}

	[ -n "$arguments" ] || arguments={}
	request=$(jq -cn --arg execute "$2" --argjson arguments "$arguments" \
		'{$execute, $arguments}') || return
	virsh qemu-agent-command "$GUEST" --timeout "$1" "$request" 2>/dev/null |
		jq -c .return
}

# Its answer is in QGA_STATUS when it has ended.
qga_ended()
{
	QGA_STATUS=$(qga_ask 20 guest-exec-status "{\"pid\":$1}")
	[ "$(jq .exited <<<"$QGA_STATUS")" = true ]
}

# qga_run SECONDS COMMAND: as guest-run(1) of tests/integration: what the command
# prints, and its status; 125 if the agent does not answer, or not in time.
qga_run()
{
	local pid

	pid=$(qga_ask 20 guest-exec "$(jq -cn --arg command "$2" '{path: "/bin/sh",
		arg: ["-c", $command], "capture-output": true}')" | jq .pid)
	[ -n "$pid" ] || return 125
	wait_for "$1" qga_ended "$pid" || return 125
	jq -r '."err-data" // empty' <<<"$QGA_STATUS" | base64 -d >&2
	jq -r '."out-data" // empty' <<<"$QGA_STATUS" | base64 -d
	return "$(jq -r '.exitcode // 125' <<<"$QGA_STATUS")"
}
