#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The live page of ebb-exporter, in a headless Chromium: it shows 300 guests whose names
# are not all harmless, without a word of its policy (CSP), and says that ebbd is away.
# Clients that are slow leave room for others, and are hung up on.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

exporter_serves()
{
	URL=$(sed -n 's|.*serving \(http://.*\)/metrics$|\1|p' "$RIG_DIR/log/exporter.log" 2>/dev/null)
	[ -n "$URL" ]
}

# page [FRAGMENT]: as it is once it has asked a few times, in $dir/dom; the console in $dir/console.
page()
{
	timeout -k 5 240 chromium --headless=new --no-sandbox --disable-gpu \
		--disable-dev-shm-usage --user-data-dir="$dir/chromium" \
		--window-size=1400,1000 --virtual-time-budget=9000 \
		--enable-logging=stderr --dump-dom "$URL/${1:-}" \
		>"$dir/dom" 2>"$dir/console" </dev/null || fail "chromium: $(tail -n 3 "$dir/console")"
}

shows()
{
	grep -qE -- "$1" "$dir/dom"
}

policy_is_kept()
{
	! grep -E 'CONSOLE|Content.Security.Policy' "$dir/console"
}

# A client that sends a byte now and then, until it is hung up on.
slow_client()
{
	exec 7<>"/dev/tcp/127.0.0.1/${URL##*:}" || return
	printf 'GET /metrics HTTP/1.1\r\nX: ' >&7
	while printf x >&7; do
		pause_us 2000000
	done 2>/dev/null
}

requires curl jq
[ -x "$(program ebb-exporter)" ] ||
	rig_skip "ebb-exporter was not built: scripts/install-deps build"
rig_init
dir=$RIG_DIR/run
"$(program tests/integration/ebbd-of-many)" "$dir/many.sock" 300 8>&- &
MANY=$!
RIG_PIDS+=("$MANY")
"$(program ebb-exporter)" --listen 127.0.0.1:0 --socket "$dir/many.sock" \
	>"$RIG_DIR/log/exporter.log" 2>&1 </dev/null 8>&- &
EXPORTER=$!
RIG_PIDS+=("$EXPORTER")
wait_for 90 exporter_serves || fail "$(cat "$RIG_DIR/log/exporter.log")"

# More of them than there are places.
slow=()
for _ in $(seq 70); do
	slow_client &
	slow+=($!)
done
RIG_PIDS+=("${slow[@]}")
other=(curl -s --max-time 20 --interface 127.0.0.2)
check "while 70 are slow, others are served" wait_for 90 "${other[@]}" -o "$dir/live" "$URL/api/live.json"
check "with the figures of all guests" test "$(jq -c '[.up, .trouble, (.domains | length),
	(.shares | length), .budgets[0].name]' "$dir/live")" = '[true,"",300,300,"host"]'
since=$SECONDS
check "slow ones are hung up on" wait_for 90 pid_gone "${slow[0]}"
echo "# after $((SECONDS - since)) s"
kill "${slow[@]}" 2>/dev/null
wait "${slow[@]}" 2>/dev/null

# What it costs is told, not checked: machines differ.
ticks()
{
	awk '{ print $14 + $15 }' "/proc/$EXPORTER/stat"
}
before=$(ticks)
for _ in 1 2 3 4 5 6 7 8; do
	pause_us 1020000
	curl -s -o /dev/null "$URL/metrics"
done
echo "# $(((($(ticks) - before) * 1000 / $(getconf CLK_TCK)) / 8)) ms of a processor for each round of 300 guests"

# The page of that moment has no figures for the live page.
pause_us 1020000
since=$(date +%s%N)
curl -s -o /dev/null "$URL/metrics"
curl -s -o "$dir/live" "$URL/api/live.json"
check "whoever asks for another page" test "$(jq .up "$dir/live")" = true
check "waits until ebbd may be asked again" test $((($(date +%s%N) - since) / 1000000)) -ge 1000

check "who asks by a name that may be another's gets nothing" test \
	"$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: evil.example:19758' "$URL/api/live.json")" = 421
check "who asks for localhost is served" test \
	"$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: localhost:19758' "$URL/healthz")" = 200

# What was.
check "history" test "$(curl -s "$URL/api/history.json?budget=host&last-ms=21600000" |
	jq '.points | length > 100')" = true
check "history of nobody" test "$(curl -s -o /dev/null -w '%{http_code}' \
	"$URL/api/history.json")" = 400

for path in / /live.js /live.css /draw.js /icon.svg; do
	curl -s -D "$dir/head" -o "$dir/body" "$URL$path"
	check "$path is not empty" test -s "$dir/body"
	check "$path: its policy" grep -qi "^content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'.*require-trusted-types-for 'script'" "$dir/head"
	check "$path: nosniff" grep -qi '^x-content-type-options: nosniff' "$dir/head"
done
check "nothing of it is from elsewhere, or inline" test -z "$(curl -s "$URL/" |
	grep -iE '(src|href)="?(https?:|//)|<style| style=| on[a-z]+=|<script>')"

# What was tested so far is no skip.
if ! command -v chromium >/dev/null; then
	echo "# the page itself was not looked at: no chromium (scripts/install-deps test)"
	exit 0
fi
page '#00000000-0000-4000-8000-000000000003'
check "the page has asked" shows 'data-turned="yes"'
check "all is well" shows '>All answers came<'
check "it shows all guests" shows 'id="count">300<'
check "each has a row" test "$(grep -o '<tr><td\|<tr aria-current="true"><td' "$dir/dom" | wc -l)" = 300
check "the host's memory" shows '<dt>Has</dt><dd[^>]*>1.0 TiB<'
check "a name is text" shows '&lt;img src=x onerror=alert\(1\)&gt;'
check "and no element" test "$(grep -c '<img' "$dir/dom")" = 0
check "the guest of the link is shown" shows 'id="detail-title"[^>]*>build3<'
check "and why a better rung is closed" shows 'private-memory: Its memory is private'
check "decisions with their reasons" shows 'of 721.8 MiB that it does not use'
check "what was before it was opened is drawn" shows 'aria-label="Plot over time; now: pressure [0-9.]+ %"'
check "its plot in words" shows 'aria-label="Plot over time; now: resident [0-9.]+ [MG]iB'
check "no word of its policy" policy_is_kept

kill "$MANY"
wait "$MANY" 2>/dev/null
page
check "ebbd is away: it says so" shows '>ebbd does not answer<'
check "ebbd is away: and what to do" shows 'cannot reach ebbd.*Start ebbd'
check "ebbd is away: no word of its policy" policy_is_kept
