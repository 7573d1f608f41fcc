#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Two hours of 50 simulated guests, of which one lies, one is stuck, and one has a
# container under pressure: a host that kills guests if nothing is done, and by each of
# Ebb's modes kills none and lets them wait for less than 0.1 % of their time. Then
# guests that all have such a container: they give what they have free nevertheless.
set -u

sim=tests/sim/ebb-sim
[ -x $sim ] || { echo "no $sim"; exit 77; }
table=$($sim --guests 50 --hours 2 --host 150G) || exit
echo "$table"
[ "$(grep ^balanced <<<"$table")" = "$($sim --guests 50 --hours 2 --host 150G --rule balanced |
	grep ^balanced)" ] ||
	{ echo "the same day is another at the second time"; exit 1; }

# Column $2 of a rule: 2 are kills, 3 is the part of stalls.
figure()
{
	awk -v rule="$1" -v column="$2" '$1 == rule { print $column }' <<<"$table"
}

# less_than A B: of decimal numbers.
less_than()
{
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'
}

[ "$(figure none 2)" -gt 0 ] ||
	{ echo "the host is so large that nothing needs to be done"; exit 1; }
for rule in performance balanced density; do
	[ "$(figure $rule 2)" = 0 ] ||
		{ echo "$rule: $(figure $rule 2) guests were killed"; exit 1; }
	less_than "$(figure $rule 3)" 0.1 ||
		{ echo "$rule: guests stall for $(figure $rule 3) %"; exit 1; }
done

# A rule that took each pressure for the guest's would get nothing of these.
table=$($sim --guests 20 --hours 2 --kind limited --host 40G) || exit
echo "$table"
less_than 5 "$(figure heeding 3)" ||
	{ echo "a container's pressure is not seen"; exit 1; }
less_than "$(figure balanced 3)" 1 ||
	{ echo "balanced: a container's pressure keeps the guest's memory from others"; exit 1; }

$sim --rule none --hours 0.1 --guests 2 --series /dev/null >/dev/null || exit
! $sim --rule other 2>/dev/null || exit 1
! $sim --kind other 2>/dev/null || exit 1
