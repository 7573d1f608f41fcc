#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Two hours of 30 simulated guests: a host that kills guests if nothing is done, and
# by each of Ebb's modes kills none.
set -u

sim=tests/sim/ebb-sim
[ -x $sim ] || { echo "no $sim"; exit 77; }
table=$($sim --guests 30 --hours 2 --host 90G) || exit
echo "$table"
[ "$table" = "$($sim --guests 30 --hours 2 --host 90G)" ] ||
	{ echo "the same day is another at the second time"; exit 1; }

# Column 2 of a rule.
kills()
{
	awk -v rule="$1" '$1 == rule { print $2 }' <<<"$table"
}

[ "$(kills none)" -gt 0 ] ||
	{ echo "the host is so large that nothing needs to be done"; exit 1; }
for rule in performance balanced density; do
	[ "$(kills $rule)" = 0 ] ||
		{ echo "$rule: $(kills $rule) guests were killed"; exit 1; }
done
$sim --rule none --hours 0.1 --guests 2 --series /dev/null >/dev/null || exit
! $sim --rule other 2>/dev/null || exit 1
