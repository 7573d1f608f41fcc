#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest on memfd gives all that is free in huge ranges: at least 9 of 10 bytes.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 2048
check_reclaims_all 1700
at_least "$(result reclaimed-bytes)" $((1400 << 20)) ||
	fail "only $(mib "$(result reclaimed-bytes)") of 1700 MiB came back"
ok "more than 1400 of 1700 MiB came back"

reclaim --all || fail "a second reclaim: $(cat "$RIG_DIR/run/stderr")"
check "a second reclaim finds nearly nothing" \
	at_most "$(result reclaimed-bytes)" $((64 << 20))

guest_populate 1500
ok "the guest uses the memory again"
check_reclaims_all 100
check "the guest's log is clean" dmesg_clean
