#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ebb-exporter, as a user without privileges, serves what ebbctl shows; it costs ebbd
# one question a second however many ask, lives through ebbd's end and silence, and can
# change nothing.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# A user in the group of those who may only look, and one in no group.
as_watcher=(setpriv --reuid=nobody --regid=nogroup --groups=news
	--bounding-set=-all --no-new-privs)
as_stranger=(setpriv --reuid=nobody --regid=nogroup --clear-groups)

exporter_serves()
{
	URL=$(sed -n 's|.*serving \(http://.*\)/metrics$|\1|p' "$1" | head -n 1)
	[ -n "$URL" ]
}

# start_exporter LOG COMMAND...: sets EXPORTER and URL.
start_exporter()
{
	local log=$RIG_DIR/log/$1
	shift

	"$@" "$RIG_DIR/ebb-exporter" --listen 127.0.0.1:0 --socket "$EBBD_SOCKET" \
		>"$log" 2>&1 </dev/null 8>&- &
	EXPORTER=$!
	RIG_PIDS+=("$EXPORTER")
	wait_for 90 exporter_serves "$log" || fail "ebb-exporter does not serve: $(cat "$log")"
}

# scrape [PATH]: its status in STATUS, its body in BODY.
scrape()
{
	BODY=$(curl -s --max-time 20 -o - -w '\n%{http_code}' "$URL${1:-/metrics}")
	STATUS=${BODY##*$'\n'}
	BODY=${BODY%$'\n'*}
}

# scrapes a page that was made after now.
next_page()
{
	pause_us 1100000
	scrape
}

# value METRIC [LABELS]: of BODY; nothing if it is not there.
value()
{
	# shellcheck disable=SC2016 # awk's own
	awk -v want="$1${2:+{$2\}}" 'substr($0, 1, length(want) + 1) == want " " {
		print substr($0, length(want) + 2) }' <<<"$BODY"
}

# of_guest METRIC
of_guest()
{
	value "$1" "domain=\"$GUEST\",uuid=\"$UUID\""
}

scraped_is()
{
	scrape
	[ "$STATUS" = 200 ] && [ "$(value "$1")" = "$2" ]
}

# agrees METRIC MEMBER SLACK: of the guest, both ways told one after the other.
agrees()
{
	local metric member slack=${3:-0}

	next_page
	metric=$(of_guest "$1")
	member=$(ebbctl_json list | jq -r --arg uuid "$UUID" \
		".domains[] | select(.uuid == \$uuid).\"$2\"")
	[ -n "$metric" ] || fail "$1 is not there: $BODY"
	between $((member - slack)) "$metric" $((member + slack)) ||
		fail "$1 is $metric, and list says $member"
	ok "$1 is what list says: $metric"
}

host_is_told()
{
	scrape
	[[ $(value ebb_budget_limit_bytes 'budget="host"') =~ ^[1-9][0-9]+$ ]]
}

prometheus_listens()
{
	PROMETHEUS=$(sed -n 's/.*msg="Listening on" address=//p' "$1" | head -n 1)
	[ -n "$PROMETHEUS" ]
}

# A Prometheus that scrapes each second, with the rules that are installed.
start_prometheus()
{
	local dir=$RIG_DIR/run/prometheus log=$RIG_DIR/log/prometheus.log

	mkdir "$dir"
	sed 's/interval: 30s/interval: 1s/' \
		"$source_dir/host/exporter/fleet/ebb.rules.yml" >"$dir/ebb.rules.yml"
	cat >"$dir/prometheus.yml" <<-END
	global: { scrape_interval: 1s, evaluation_interval: 1s }
	rule_files: [ebb.rules.yml]
	scrape_configs:
	  - job_name: ebb
	    static_configs:
	      - targets: ['${URL#http://}']
	        labels: { cluster: here }
	END
	prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data" \
		--web.listen-address=127.0.0.1:0 >"$log" 2>&1 </dev/null 8>&- &
	RIG_PIDS+=($!)
	wait_for 90 prometheus_listens "$log" || fail "prometheus: $(tail -n 5 "$log")"
}

# told EXPRESSION: the values that Prometheus has for it.
told()
{
	curl -sG --max-time 20 "http://$PROMETHEUS/api/v1/query" --data-urlencode "query=$1" |
		jq -r '.data.result[].value[1]'
}

told_is()
{
	[ "$(told "$1")" = "$2" ]
}

told_at_least()
{
	local value

	value=$(told "$1")
	[[ $value =~ ^[0-9]+$ ]] && [ "$value" -ge "$2" ]
}

# Each rule was evaluated, and none failed.
rules_are_well()
{
	curl -s --max-time 20 "http://$PROMETHEUS/api/v1/rules" | jq -e '
		[.data.groups[].rules[]] | length > 20 and all(.health == "ok")' >/dev/null
}

# header NAME PATTERN PATH
header()
{
	curl -s -D - -o /dev/null "$URL$3" | tr -d '\r' | grep -qi "^$1: $2"
}

code()
{
	curl -s -o /dev/null -w '%{http_code}' "$@"
}

requires virsh socat jq curl setpriv
[ -x "$(program ebb-exporter)" ] ||
	rig_skip "ebb-exporter was not built: scripts/install-deps build"
getent group news nogroup >/dev/null || rig_skip "needs groups 'news' and 'nogroup'"
rig_init
printf '[daemon]\nstate-dir = %s\nread-group = news\n' "$RIG_DIR/run/state" \
	>"$RIG_DIR/ebbd.conf"
# It looks at the host only where it is on.
RIG_POLICY=$'enabled = yes\ndry-run = yes'
cp "$(program ebb-exporter)" "$(program ebbctl)" "$RIG_DIR/"
libvirt_start
guest_boot --memory 768
UUID=$(virsh domuuid "$GUEST" | head -n 1)
start_ebbd
wait_lease
start_exporter exporter.log "${as_watcher[@]}"

# What it is.
for word in "Uid:.*65534.*65534.*65534.*65534" "CapEff:[[:space:]]*0*$" \
	"CapBnd:[[:space:]]*0*$" "NoNewPrivs:[[:space:]]*1"; do
	check "its process: $word" grep -q "^$word" "/proc/$EXPORTER/status"
done
check "one thread does" test "$(find "/proc/$EXPORTER/task" -mindepth 1 -maxdepth 1 | wc -l)" = 1
refused 1 'only look.*sudo' "its user reclaims" \
	"${as_watcher[@]}" "$RIG_DIR/ebbctl" --socket "$EBBD_SOCKET" reclaim "$GUEST" --all

# What it says.
check "ebbd is up" scraped_is ebb_up 1
scrape
check "the version of ebbd" test -n "$(value ebb_info "version=\"$(ebbctl_json version |
	jq -r .ebbd.version)\",uri=\"$URI\"")"
check "the rung" test "$(value ebb_domain_rung_info "domain=\"$GUEST\",uuid=\"$UUID\",rung=\"lease\"")" = 1
check "the policy" test "$(value ebb_policy_enabled) $(value ebb_policy_dry_run)" = "1 1"
check "the host's budget" wait_for 90 host_is_told
scrape
if command -v promtool >/dev/null; then
	check "promtool has nothing to say" promtool check metrics <<<"$BODY"
else
	echo "# no promtool: scripts/install-deps test"
fi
prometheus=
if command -v prometheus >/dev/null; then
	prometheus=1
	start_prometheus
else
	echo "# no prometheus: scripts/install-deps test"
fi
guest_populate 300
agrees ebb_domain_memory_bytes memory-bytes
agrees ebb_domain_resident_bytes resident-bytes $((16 << 20))
agrees ebb_domain_lent_bytes lent-bytes $((16 << 20))
agrees ebb_domain_free_bytes free-bytes $((16 << 20))
agrees ebb_domain_free_huge_bytes free-huge-bytes $((16 << 20))
reclaim --all || fail "reclaim --all: $(cat "$RIG_DIR/run/stderr")"
agrees ebb_domain_reclaimed_bytes_total reclaimed-bytes
agrees ebb_domain_reclaims_total reclaim-runs
check "it was taken" at_least "$(of_guest ebb_domain_reclaimed_bytes_total)" $((200 << 20))
if [ -n "$prometheus" ]; then
	of="{domain=\"$GUEST\",uuid=\"$UUID\",cluster=\"here\"}"
	check "Prometheus: up" wait_for 90 told_is 'ebb_up{cluster="here"}' 1
	check "Prometheus: the guest's memory" wait_for 90 \
		told_is "ebb_domain_memory_bytes$of" "$(of_guest ebb_domain_memory_bytes)"
	check "Prometheus: what was taken" wait_for 90 \
		told_is "ebb_domain_reclaimed_bytes_total$of" \
		"$(of_guest ebb_domain_reclaimed_bytes_total)"
	check "rules: what a host must have for it" wait_for 90 \
		told_is "ebb:domain_arriving_bytes$of" "$(of_guest ebb_domain_usable_bytes)"
	check "rules: what its host has back" wait_for 90 \
		told_at_least "ebb:domain_leaving_bytes$of" 1
	check "rules: the host's spare memory" wait_for 90 \
		told_is 'count(ebb:host_spare_bytes{cluster="here"})' 1
	check "rules: all are well" wait_for 90 rules_are_well
fi

has_past()
{
	scrape "/api/history.json?domain=$UUID&last-ms=600000"
	[ "$(jq --arg uuid "$UUID" '.uuid == $uuid and
		([.points[] | select(."resident-bytes"[1] > 0)] | length > 0)' <<<"$BODY")" = true ]
}

# What was.
check "the guest's past" wait_for 90 has_past

# How it says it.
check "the format" header content-type 'text/plain; version=0.0.4; charset=utf-8' /metrics
for path in /metrics /healthz /nothing; do
	check "$path: nosniff" header x-content-type-options nosniff $path
	check "$path: CSP" header content-security-policy "default-src 'none'" $path
done
check "HEAD" test "$(code -I "$URL/metrics") $(curl -s -I "$URL/metrics" |
	tr -d '\r' | sed -n 's/^Content-Length: //p' | grep -c '[1-9]')" = "200 1"
check "other paths" test "$(code "$URL/live") $(code "$URL/metrics/x")" = "404 404"
for method in POST PUT DELETE OPTIONS TRACE; do
	check "$method" test "$(code -X $method -d x "$URL/metrics")" = 405
done
check "405 says what may be" test "$(curl -s -X POST -D - "$URL/metrics" | grep -ci '^allow: GET, HEAD')" = 1
scrape /healthz
check "it is well" test "$STATUS $BODY" = "200 ok"$'\n'

# Many ask often, ebbd is asked once a second, and answers others.
scrape
rounds=$(value ebb_exporter_rounds_total)
since=${EPOCHREALTIME/./}
clients=()
for client in 1 2 3 4; do
	for _ in $(seq 50); do
		code --max-time 20 "$URL/metrics"
		echo
		pause_us 100000
	done >"$RIG_DIR/run/client$client" &
	clients+=($!)
done
slowest=0
while ! pid_gone "${clients[0]}"; do
	start=${EPOCHREALTIME/./}
	ebbctl list >/dev/null || fail "ebbctl list while many ask"
	took=$((${EPOCHREALTIME/./} - start))
	[ $took -le $slowest ] || slowest=$took
	pause_us 100000
done
wait "${clients[@]}"
seconds=$(((${EPOCHREALTIME/./} - since) / 1000000))
check "list answers meanwhile, in $((slowest / 1000)) ms at most" at_most $slowest 3000000
check "each of 200 scrapes was answered" test \
	"$(sort "$RIG_DIR"/run/client? | uniq -c | tr -s ' ')" = " 200 200"
scrape
rounds=$(($(value ebb_exporter_rounds_total) - rounds))
check "ebbd was asked $rounds times in $seconds s" between 2 $rounds $((seconds + 2))
check "each time it answered" test "$(value ebb_exporter_failures_total)" = 0
loop_was_there

# ebbd is silent, leaves, and comes back.
kill -STOP "$EBBD_PID"
pause_us 1100000
since=${EPOCHREALTIME/./}
scrape
took=$(((${EPOCHREALTIME/./} - since) / 1000))
kill -CONT "$EBBD_PID"
check "silent: 200 and not up, after $took ms" test \
	"$STATUS $(value ebb_up) $(grep -c ebb_domain_ <<<"$BODY")" = "200 0 0"
check "silent: it is not waited for longer" at_most $took 8000
check "it goes on: up" wait_for 90 scraped_is ebb_up 1
scrape
counter=$(of_guest ebb_domain_reclaims_total)
check "it goes on: its counters, too" test "$counter" -ge 1
stop_ebbd
next_page
check "gone: 200 and not up" test "$STATUS $(value ebb_up) $(value ebb_exporter_info \
	"version=\"$("$RIG_DIR/ebb-exporter" --version | cut -d ' ' -f 2)\"")" = "200 0 1"
check "gone: no facts are left" test "$(grep -c 'ebb_domain_\|ebb_budget' <<<"$BODY")" = 0
if [ -n "$prometheus" ]; then
	check "gone: an alert is pending" wait_for 90 told_is \
		'ALERTS{alertname="EbbDown",alertstate="pending"}' 1
fi
scrape /healthz
check "gone: /healthz says so" test "$STATUS" = 503
check "gone: and what to do" grep -q 'cannot reach ebbd.*Start ebbd' <<<"$BODY"
start_ebbd
check "restarted: up" wait_for 90 scraped_is ebb_up 1
wait_lease
next_page
check "restarted: the guest is there" test "$(of_guest ebb_domain_memory_bytes)" -gt 0
check "it was said once each time" test \
	"$(grep -c 'cannot reach' "$RIG_DIR/log/exporter.log")" = 1

# Who may not look, and what cannot be.
watched=$URL watcher=$EXPORTER
start_exporter stranger.log "${as_stranger[@]}"
scrape
check "not in the group: not up" test "$STATUS $(value ebb_up)" = "200 0"
scrape /healthz
check "not in the group: the remedy" grep -q 'Permission denied.*read-group' <<<"$BODY"
rig_kill "$EXPORTER"
refused 2 'not an address and a port; give one' "no address" \
	"$RIG_DIR/ebb-exporter" --listen here
refused 2 'absolute path' "no path" "$RIG_DIR/ebb-exporter" --socket ebbd.sock
refused 1 'in use.*another port' "a port that is in use" \
	"$RIG_DIR/ebb-exporter" --listen "${watched#http://}"

kill "$watcher"
check "it ends when it is told to" wait_for 90 pid_gone "$watcher"
wait "$watcher"
check "in order" test $? = 0
check "the guest's log is clean" dmesg_clean
