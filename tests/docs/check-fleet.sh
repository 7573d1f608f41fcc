#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Each metric that the rules, the dashboard and docs/fleet.md name is one of
# ebb-exporter's or of the rules; the rules are sound, and each alert is tested.
set -eu

srcdir=${srcdir:-.}
fleet=$srcdir/host/exporter/fleet
rules=$fleet/ebb.rules.yml
tests=$fleet/ebb.rules.test.yml
failed=0

known=$({ sed -n 's/.*"\(ebb_[a-z_]*\)".*/\1/p' "$srcdir"/host/exporter/*.c
	sed -n 's/.*record: //p' "$rules"; } | sort -u)
for file in "$rules" "$fleet/ebb-dashboard.json" "$srcdir/docs/fleet.md"; do
	named=$(grep -v '^ *#' "$file" | grep -oE '\bebb[_:][a-z_]+' | sort -u)
	[ -n "$named" ] || { echo "$file names no metric" >&2; failed=1; }
	for name in $named; do
		printf '%s\n' "$known" | grep -qx "$name" || {
			echo "$file: no metric is named $name" >&2
			failed=1
		}
	done
done
alerts=$(sed -n 's/.*alert: //p' "$rules")
for alert in $alerts; do
	grep -q "alertname: $alert\$" "$tests" || {
		echo "$tests does not test $alert" >&2
		failed=1
	}
	grep -q "\`$alert\`" "$srcdir/docs/fleet.md" || {
		echo "docs/fleet.md does not name $alert" >&2
		failed=1
	}
done
[ $failed = 0 ] || exit 1

if ! command -v promtool >/dev/null; then
	echo "skip: the rules themselves were not checked: no promtool (scripts/install-deps test)"
	exit 77
fi
promtool check rules "$rules"
promtool test rules "$tests"
