#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What ebbd's own filter lets it call to serve, its unit lets it call, too: what works
# behind the one (tests/integration) works as packaged. By systemd's words for sets.
set -eu

srcdir=${srcdir:-.}
# An older one has no set for some newer calls, which libraries can do without.
version=$(systemd-analyze --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
[ "${version:-0}" -ge 252 ] || {
	echo "skip: needs systemd-analyze of systemd 252"
	exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

sed -n '/^static const int allowed\[\]/,/^};/p
	/^	} rules\[\] = {/,/^	};/p' "$srcdir/host/base/sandbox.c" |
	sed -n 's/.*SCMP_SYS(\([a-z0-9_]*\)).*/\1/p' | sort -u >"$dir/called"
[ "$(wc -l <"$dir/called")" -ge 100 ] || {
	echo "sandbox.c has only $(wc -l <"$dir/called") calls" >&2
	exit 1
}
systemd-analyze --no-pager syscall-filter >"$dir/sets" 2>/dev/null
sed -n 's/^SystemCallFilter=//p' "$srcdir/host/ebbd.service.in" >"$dir/filter"

# A line of the filter adds what it names; one that begins with ~ takes that away.
awk '
	FILENAME ~ /sets$/ {
		if (/^@/)
			set = $1
		else if (/^ +[@a-z]/)
			members[set] = members[set] " " $1
		next
	}
	function change(name, to,   words, i, count) {
		if (name !~ /^@/) {
			allowed[name] = to
			return
		}
		count = split(members[name], words)
		for (i = 1; i <= count; i++)
			change(words[i], to)
	}
	{
		takes = sub(/^~/, "")
		for (field = 1; field <= NF; field++)
			change($field, !takes)
	}
	END {
		change("@default", 1)
		for (name in allowed)
			if (allowed[name])
				print name
	}' "$dir/sets" "$dir/filter" | sort >"$dir/allowed"
denied=$(comm -23 "$dir/called" "$dir/allowed")
[ -z "$denied" ] || {
	echo "ebbd.service denies what sandbox.c allows: $(echo "$denied" | xargs)" >&2
	exit 1
}
