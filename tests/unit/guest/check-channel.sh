#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A channel that was named and is not there ends the agent with an error that names
# it: systemd never takes it for ready.
set -u

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

said=$(RUNTIME_DIRECTORY=$dir timeout 90 ./ebb-agent --channel "$dir/none" 2>&1)
status=$?
[ $status = 1 ] || {
	echo "exit $status: $said" >&2
	exit 1
}
[[ $said == *"--channel: $dir/none: No such file"* ]] || {
	echo "the channel is not named: $said" >&2
	exit 1
}
