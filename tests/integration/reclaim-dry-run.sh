#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A dry run takes nothing, and what --all then takes lies within its estimate.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

started_rig --memory 2048
guest_populate 1500
before=$(backing_bytes)
reclaim --all --dry-run || fail "dry run: $(cat "$RIG_DIR/run/stderr")"
least=$(result estimate-min-bytes)
most=$(result estimate-max-bytes)
check "a dry run takes nothing" at_least "$(backing_bytes)" "$before"
[ "$(result dry-run)" = true ] || fail "it does not say that it was one: $RESULT"

reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
taken=$((before - $(backing_bytes)))
# The guest goes on in between, and its facts may be a second old.
slack=$((32 << 20))
between $((least - slack)) $taken $((most + slack)) ||
	fail "$(mib $taken) taken, $(mib "$least") to $(mib "$most") said before"
ok "$(mib $taken) taken, $(mib "$least") to $(mib "$most") said before"
check "the estimate is of use: its low end is half of it at least" \
	at_least "$least" $((taken / 2))
