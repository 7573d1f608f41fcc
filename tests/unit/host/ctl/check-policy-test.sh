#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ebbctl policy test: what it decides of a file, that it prints what it takes, and
# that each mistake in the file is named with its place and its remedy.
set -u

[ -x ./ebbctl ] || { echo "no ebbctl"; exit 77; }
dir=$(mktemp -d) || exit
trap 'rm -rf "$dir"' EXIT
failed=0

fail()
{
	echo "FAIL: $*"
	failed=1
}

# tried FILE: in words, without an ebbd.
tried()
{
	EBB_SOCKET=/nonexistent ./ebbctl policy test "$1"
}

# expect STATUS TEXT SED: the file, changed so, ends with the status and says so.
expect()
{
	local status output

	sed "$3" "$dir/today" >"$dir/changed"
	output=$(tried "$dir/changed" 2>&1)
	status=$?
	if [ $status != "$1" ] || [[ $output != *"$2"* ]]; then
		fail "$3: status $status: $output (wanted $1: $2)"
	fi
}

cat >"$dir/today" <<'END'
{
  "budgets": [
    { "name": "host", "limit-bytes": "16G", "available-bytes": "600M",
      "low-bytes": "800M", "high-bytes": "1200M" }
  ],
  "domains": [
    { "name": "web1", "usable-bytes": "4G", "resident-bytes": "4G",
      "free-bytes": "2G", "takeable-bytes": "2G", "min-bytes": 0,
      "parts": [ { "budget": "host", "part-ppm": 1000000 } ] },
    { "name": "db1", "usable-bytes": "8G", "resident-bytes": "8G",
      "free-bytes": "300M", "takeable-bytes": "300M", "shares": 2000,
      "working-set-known": true, "working-set-bytes": "5G",
      "parts": [ { "budget": "host", "part-ppm": 1000000 } ] }
  ]
}
END

# What is decided, and what another number makes of it.
expect 0 'web1: 512.0 MiB of 512.0 MiB free, because host has 600.0 MiB of' ''
expect 0 'db1: 88.0 MiB of 768.0 MiB that it does not work with' ''
expect 0 'web1: 50.0 MiB' 's/"min-bytes": 0/"min-bytes": "4046M"/'
expect 0 'it falls by 10.0 MiB a second' 's/"low-bytes"/"falling-bytes-per-second": "10M", &/'
expect 0 'balanced, min none, max none, shares 2000' ''
expect 0 'no need' 's/600M/2G/'
expect 0 'the policy is off' 's/"budgets":/"enabled": false, "budgets":/'
[[ $(tried "$dir/today") != *4294967* ]] || fail "what is not known has a number"

# It prints what it takes; standard input does as well.
EBB_SOCKET=/nonexistent ./ebbctl policy test --json "$dir/today" >"$dir/1" ||
	fail "no JSON"
./ebbctl policy test --json - <"$dir/1" >"$dir/2" || fail "it takes not what it prints"
cmp "$dir/1" "$dir/2" || fail "what it prints is decided about otherwise"
[ "$(tried "$dir/today")" = "$(tried "$dir/1")" ] ||
	fail "what it prints is shown otherwise"

# Mistakes.
expect 1 "changed: line 7: this is no JSON" 's/"web1",/"web1"/'
expect 1 "changed: line 14: the file ends within a value" '15d'
expect 1 "domains[0] (web1): 'min-byte' is not known. Did you mean 'min-bytes'?" \
	's/min-bytes/min-byte/'
expect 1 "the file: 'budget' is not known. Did you mean 'budgets'?" 's/"budgets"/"budget"/'
expect 1 "budgets[0] (host): limit-bytes: '16X' is no size. Give a number" 's/16G/16X/'
expect 1 "budgets[0] (host): 'high-bytes' is less than low-bytes" 's/1200M/700M/'
expect 1 "domains[1] (db1): 'shares' must be an integer" 's/2000/"many"/'
expect 1 "domains[1] (db1): 'shares' must not be negative" 's/2000/-1/'
expect 1 "domains[1] (db1): 'usable-bytes' is missing" 's/"usable-bytes": "8G",//'
expect 1 "domains[0] (web1): 'mode' is 'fast'. Give performance, balanced or density" \
	's/"min-bytes": 0/"mode": "fast"/'
expect 1 "'parts' names a budget 'hots', which is not in budgets" \
	's/"budget": "host"/"budget": "hots"/'
expect 1 "domains[0] (web1).parts[0]: 'part' is not known" 's/part-ppm/part/'
expect 1 "'budgets' is no array" 's/.*//; 1s/$/{"budgets": 1}/'
expect 1 "it has neither 'budgets' nor 'domains'" 's/.*//; 1s/$/{}/'
expect 1 "this is no object" 's/.*//; 1s/$/[]/'
tried "$dir/none" 2>&1 | grep -q 'none: No such file.*Save one with' ||
	fail "a file that is not there"
./ebbctl policy test >/dev/null 2>&1
[ $? = 2 ] || fail "no file is no usage error"
exit $failed
