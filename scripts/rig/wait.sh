# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Waiting, and ending processes.

# wait_for SECONDS COMMAND...: polls, as few things here can be waited on. A command
# that is at work for all of its time, but not for long, has a third of a CPU.
wait_for()
{
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000)) start now pause
	shift

	while true; do
		start=${EPOCHREALTIME/./}
		! "$@" || return 0
		now=${EPOCHREALTIME/./}
		[ "$now" -lt $end ] || return 1
		pause=$((2 * (now - start)))
		[ $pause -ge 50000 ] || pause=50000
		[ $pause -le "$RIG_PAUSE_MAX_US" ] || pause=$RIG_PAUSE_MAX_US
		pause_us "$pause"
	done
}

# A sleep without a process, on what is never readable.
pause_us()
{
	local seconds

	[ -n "${RIG_NEVER:-}" ] || exec {RIG_NEVER}<> <(:)
	printf -v seconds %d.%06d $(($1 / 1000000)) $(($1 % 1000000))
	read -r -t "$seconds" -u "$RIG_NEVER"
	return 0
}

pid_gone()
{
	local stat

	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ $stat = *") Z "* ]]
}

# Ends a process of ours, and is sure of it.
rig_kill()
{
	kill "$1" 2>/dev/null
	wait_for 20 pid_gone "$1" || kill -9 "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}
