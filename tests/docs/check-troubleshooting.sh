#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Each name that Ebb gives to what is in the way, each class of an error, each check of
# the doctor and each warning in the log is in docs/troubleshooting.md; and each link of
# the documents leads somewhere.
set -eu

srcdir=${srcdir:-.}
page=docs/troubleshooting.md
failed=0
count=0

missing()
{
	echo "docs/troubleshooting.md has no $1: $2" >&2
	failed=1
}

# named KIND: each name on standard input is in the page, as `name`.
named()
{
	found=0
	sort -u >"$work/sorted"
	while read -r name; do
		found=$((found + 1))
		grep -qF "\`$name\`" "$page" || missing "$1" "$name"
	done <"$work/sorted"
	[ $found -gt 3 ] || { echo "no ${1}s in the sources" >&2; failed=1; }
}

# literals PATTERN FILE...: the names in what matches.
literals()
{
	pattern=$1
	shift
	grep -rhoE "$pattern" "$@" | grep -oE '"[A-Za-z-]+"' | tr -d '"'
}

cd "$srcdir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
literals '^	\[EBB_REASON_[A-Z_]+\] = \{ "[a-z-]+"' \
	host/interface/reason.c >"$work/names"
named reason <"$work/names"
literals '\[EBB_END_[A-Z_]+\] = "[a-z-]+"' host/lease/outcome.c >"$work/names"
named end <"$work/names"
literals '^		\{ "[a-z-]+"' host/interface/target.c >"$work/names"
named 'reason of a target' <"$work/names"
literals '\[EBB_POLICY_[A-Z_]+\] = "[a-z-]+"' host/policy/left.c >"$work/names"
named 'state of the policy' <"$work/names"
literals '"[A-Z][a-z]+[A-Z][a-z]+([A-Z][a-z]+)?"|"(Usage|Unreachable|Interrupted|Busy)"' \
	host/control/call.c host/control/control.c host/domain host/sharing host/checkup \
	host/reload.c host/ctl >"$work/names"
named 'class of errors' <"$work/names"
cat host/domain/doctor.c host/checkup/*.c | tr -s '\n\t ' ' ' >"$work/checks"
literals 'add(_check)?\( ?doctor, "[a-z-]+"' "$work/checks" >"$work/names"
literals '^	\{ "[a-z-]+",$' host/domain/doctor.c >>"$work/names"
named 'check of the doctor' <"$work/names"

# What is quoted of the log: a phrase of each warning has to be among it.
# shellcheck disable=SC2016 # backticks of the page
sed -n '/^## ebbd does not start/,/^## A domain/p; /^## The log of ebbd/,$p' "$page" |
	grep -oE '`[^`]{8,}`' | tr -d '`' | sort -u >"$work/names"
find host -name '*.c' -exec awk -v phrases="$work/names" '
	function look(file, text, i, n, parts, phrase) {
		n = split(text, parts, /ebb_log\(/)
		for (i = 2; i <= n; i++) {
			text = parts[i]
			if (text !~ /^[ \t\n]*EBB_LOG_(ERR|WARNING),/)
				continue
			sub(/^[^"]*"/, "", text)
			gsub(/"[ \t\n]*"/, "", text)
			sub(/".*/, "", text)
			# Words of another place.
			if (text ~ /^(policy: )?%s(: %s)?$/)
				continue
			seen++
			found = 0
			for (phrase in known)
				found += index(text, phrase) > 0
			if (!found) {
				print file ": " text
				bad = 1
			}
		}
	}
	BEGIN {
		while ((getline phrase <phrases) > 0)
			known[phrase]
		close(phrases)
	}
	FNR == 1 && NR > 1 { look(file, whole); whole = "" }
	{ file = FILENAME; whole = whole "\n" $0 }
	END {
		look(file, whole)
		print seen + 0 >"/dev/stderr"
		exit bad
	}' {} + >"$work/unknown" 2>"$work/seen" || {
	echo "docs/troubleshooting.md quotes nothing of these lines of the log:" >&2
	cat "$work/unknown" >&2
	failed=1
}
[ "$(awk '{ n += $1 } END { print n }' "$work/seen")" -gt 20 ] ||
	{ echo "no warnings in the sources" >&2; failed=1; }

# Links to files, and to headings.
for document in README.md docs/*.md; do
	grep -oE '\]\([^)#: ]+[)#]' "$document" |
		sed 's/^](//; s/[)#]$//' >"$work/links" || :
	while read -r link; do
		count=$((count + 1))
		[ -e "$(dirname "$document")/$link" ] ||
			{ echo "$document: no $link" >&2; failed=1; }
	done <"$work/links"
done
[ $count -gt 10 ] || { echo "no links in the documents" >&2; failed=1; }
exit $failed
