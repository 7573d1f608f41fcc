#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What is free in single pages comes back without the guest giving anything up
# for it: it moves what it uses together, and is not asked for that without end.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lists()
{
	guest "cat /proc/sys/vm/percpu_pagelist_high_fraction"
}

cached_mib()
{
	guest "awk '\$1 == \"Buffers:\" || \$1 == \"Cached:\" { sum += \$2 }
		END { print int(sum / 1024) }' /proc/meminfo"
}

started_rig --memory 1024 --disk 150
guest_populate 780
guest_cache 150
guest_churn $((16 << 20))
guest_run 300 "fill --hold --every 8192 400 >/run/fill.pid" || fail "fill --every failed"
watch_stalls
lists=$(lists)
cached=$(cached_mib)

reclaim --all --no-compact || fail "--no-compact: $(cat "$RIG_DIR/run/stderr") $RESULT"
ok "$(mib "$(result reclaimed-bytes)") lay in huge ranges"
before=$(backing_bytes)
reclaim --all || fail "--all: $(cat "$RIG_DIR/run/stderr") $RESULT"
gained=$((before - $(backing_bytes)))
at_least $gained $((100 << 20)) ||
	fail "of 200 MiB that are free in single pages only $(mib $gained) came: $RESULT"
ok "--all brought $(mib $gained) more than --no-compact"
check "it was not driven" [ "$(result driven-bytes)" = null ]
check "no allocation stalled" no_stall
check "its page cache is there, $cached MiB" at_least "$(cached_mib)" $((cached - 8))
check "the lists of its CPUs are as they were, $lists" [ "$(lists)" = "$lists" ]

# Churn may leave what the next burst gathers; in a guest at rest there is an end.
verdict=$(churn_ends) || fail "$verdict"
ok "$verdict"
asks=0
in_vain=0
until [ $in_vain = 3 ]; do
	asks=$((asks + 1))
	at_most $asks 12 || fail "a guest at rest compacts again and again: $RESULT"
	reclaim --all || fail "--all: $(cat "$RIG_DIR/run/stderr") $RESULT"
	[ "$(result uncompacted-reason)" != null ] && in_vain=$((in_vain + 1)) || in_vain=0
	sleep 1
done
ok "what is in vain is not done again: three refusals in a row by the ${asks}th time"
check "the disk's cache has no wrong byte" guest_run 300 "cache --check 150"
check "the guest's log is clean" dmesg_clean
