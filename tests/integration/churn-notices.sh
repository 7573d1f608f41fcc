#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The tests of reclaim rest on churn: it must notice one page that reads as
# zeros, as a wrongly punched one does. Needs no guest.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

rig_init
churn=$build/tests/guest/churn
out=$RIG_DIR/run/out

check "churn finds nothing wrong with memory that is left alone" \
	"$churn" --bytes $((32 << 20)) --seconds 2
"$churn" --bytes $((64 << 20)) --seconds 30 >"$out" &
pid=$!
RIG_PIDS+=("$pid")

# The largest anonymous mapping is one of its chunks.
largest()
{
	awk '/rw-p 00000000 00:00 0 *$/ { split($1, at, "-"); print at[1], at[2] }' \
		"/proc/$pid/maps" | while read -r from to; do
		echo "$((0x$to - 0x$from)) $((0x$from))"
	done | sort -n | tail -n 1
}

big_enough()
{
	read -r bytes address < <(largest) && [ "${bytes:-0}" -ge $((8 << 20)) ]
}

# A chunk may be freed or filled anew before it is looked at: then once more.
for ((try = 0; try < 50; try++)); do
	wait_for 90 big_enough || fail "churn has no memory"
	kill -STOP $pid
	if big_enough; then
		dd if=/dev/zero of="/proc/$pid/mem" bs=4096 count=1 conv=notrunc \
			seek=$((address / 4096 + 1)) 2>/dev/null
	fi
	kill -CONT $pid
	churn_ended()
	{
		pid_gone $pid
	}
	! wait_for 2 churn_ended || break
done
wait $pid
status=$?
[ $status = 2 ] || fail "churn ended with $status: $(cat "$out")"
grep -q 'WRONG page.*found 0000000000000000' "$out" || fail "$(cat "$out")"
ok "$(cat "$out")"
