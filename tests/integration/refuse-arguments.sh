#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Wrong sizes and names are refused with the remedy, and take nothing.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 768
guest_populate 400
refused 2 'size|amount' "size 0" ebbctl reclaim "$GUEST" 0
refused 2 'size|amount|option' "negative size" ebbctl reclaim "$GUEST" -- -5M
refused 2 'size|amount' "garbage" ebbctl reclaim "$GUEST" 12parsecs
refused 2 'size|amount|KiB|MiB' "a unit of two meanings" ebbctl reclaim "$GUEST" 5MB
refused 2 'all|size' "neither size nor --all" ebbctl reclaim "$GUEST"
refused 2 'all' "both size and --all" ebbctl reclaim "$GUEST" 64M --all
refused 1 'memory|larger|more than|has only' "more than the guest has" \
	ebbctl reclaim "$GUEST" 100G
refused 1 'no-such-guest' "unknown domain" ebbctl reclaim no-such-guest --all
refused 2 'ebbctl' "unknown command" ebbctl recliam "$GUEST" --all
running=$GUEST
guest_define --memory 768
refused 1 'running|shut off|start' "shut off" ebbctl reclaim "$GUEST" --all
# shellcheck disable=SC2034 # the rig's
GUEST=$running
check "the guest's log is clean" dmesg_clean
