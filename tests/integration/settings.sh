#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The settings of the policy: kept with the domain, over those of ebbd.conf, known after
# a restart; bad ones hurt their domain alone, and a typo in a file nobody. The domains
# have no system: what is at stake is between ebbd, its files and libvirtd.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/rig/bare.sh
. "$source_dir/scripts/rig/bare.sh"

uri=urn:ebb:domain:1

# setting DOMAIN NAME: "VALUE ORIGIN".
setting()
{
	ebbctl_json show "$1" |
		jq -r ".settings[] | select(.name == \"$2\") | \"\(.value) \(.origin)\""
}

setting_is()
{
	[ "$(setting "$1" "$2")" = "$3" ]
}

# holds DOMAIN NAME "VALUE ORIGIN": soon.
holds()
{
	wait_for 90 setting_is "$@" || fail "$1: $2 is $(setting "$1" "$2"), not $3"
	ok "$1: $2 is $3"
}

trouble_says()
{
	ebbctl_json show "$1" | jq -r '."settings-trouble" // ""' | grep -q "$2"
}

has_no_trouble()
{
	ebbctl_json show "$1" | jq -e 'has("settings-trouble") | not' >/dev/null
}

requires virsh socat jq
rig_init
libvirt_start
bare_start 2
one=${BARE[0]} two=${BARE[1]}
mkdir -p "$RIG_DIR/conf.d"
printf '[policy]\nshares = 500\n[domain %s]\nmin = 10%%\nmax = 32M\n' "$one" \
	>"$RIG_DIR/conf.d/a.conf"
# shellcheck disable=SC2119
start_ebbd
wait_for 90 bare_are running false || fail "not listed as running: $(states)"
holds "$one" min '10% conf.d/a.conf:4'
holds "$one" shares '500 conf.d/a.conf:2'
holds "$two" min 'none default'

check "set" ebbctl set "$one" --min 16M --shares 2000
holds "$one" min '16M domain'
holds "$one" max '32M conf.d/a.conf:5'
check "list shows it" grep -q "$one .*min=16M" <(ebbctl list)
refused 1 'persistent' "the definition of one that has none" \
	ebbctl set "$two" --config --mode density
virsh dumpxml --inactive "$two" >"$RIG_DIR/$two.xml" || fail "virsh dumpxml"
virsh define "$RIG_DIR/$two.xml" >/dev/null || fail "virsh define"
check "set for the next start" ebbctl set "$two" --config --mode density
holds "$two" mode 'balanced default'
check "its definition has it" grep -q "mode=['\"]density" \
	<(virsh dumpxml --inactive "$two")
shows_next()
{
	ebbctl show "$two" | grep -E '^Next start +mode density'
}
wait_for 90 shows_next || fail "show does not tell the next start: $(ebbctl show "$two")"
ok "show tells the next start: $(shows_next)"
refused 1 'min is 48M, but max is 32M' "a min over max" ebbctl set "$one" --min 48M
stop_ebbd
# shellcheck disable=SC2119
start_ebbd
wait_for 90 bare_are running false || fail "not listed as running: $(states)"
holds "$one" min '16M domain'
holds "$one" shares '2000 domain'
ok "a restart of ebbd keeps them"

# What others write is read when libvirt says so.
virsh metadata "$two" $uri --key ebb --set "<policy shares='7'/>" >/dev/null ||
	fail "virsh metadata"
holds "$two" shares '7 domain'
virsh metadata "$one" $uri --key ebb --set "<policy min='1G' mni='2G'/>" >/dev/null ||
	fail "virsh metadata"
wait_for 90 trouble_says "$one" "mni: unknown attribute: did you mean 'min'" ||
	fail "show tells no trouble: $(ebbctl show "$one")"
holds "$one" min '16M domain'
holds "$two" shares '7 domain'
check "the other one has no trouble" has_no_trouble "$two"
check "list marks it" grep -q "$one .* ! " <(ebbctl list)
virsh metadata "$one" $uri --key ebb --set "<policy min='24M'/>" >/dev/null ||
	fail "virsh metadata"
holds "$one" min '24M domain'
wait_for 90 has_no_trouble "$one" || fail "the trouble stays: $(ebbctl show "$one")"
check "back to ebbd.conf" ebbctl set "$one" --min default
holds "$one" min '10% conf.d/a.conf:4'
check "nothing is left with the domain" \
	refused 1 'metadata' "metadata" virsh metadata "$one" $uri

# ---- the files, read anew ----

# told TIMES PATTERN: in the log of ebbd.
told()
{
	[ "$(grep -c "$2" "$RIG_DIR/log/ebbd.log")" -ge "$1" ]
}

# What a typo did to another manager was that no guest was looked after any more.
printf '[policy]\nshares = 600\nmod = density\n' >"$RIG_DIR/conf.d/b.conf"
refused 1 "b.conf:3: policy.mod: unknown key: did you mean 'mode'" "a typo" \
	ebbctl reload
kill -HUP "$EBBD_PID"
wait_for 90 told 2 'b.conf:3.*The configuration is as it was' ||
	fail "SIGHUP: no word of the typo"
refused 1 'b.conf:3' "--check-config" \
	"$(program ebbd)" --config "$RIG_DIR/ebbd.conf" --check-config
check "ebbd serves as before" ebbctl list
holds "$two" shares '7 domain'
holds "$one" min '10% conf.d/a.conf:4'

printf '[daemon]\nworkers = 9\n[policy]\nshares = 600\n[domain %s]\nmin = 20%%\n' "$one" \
	>"$RIG_DIR/conf.d/b.conf"
check "--check-config" "$(program ebbd)" --config "$RIG_DIR/ebbd.conf" --check-config
check "a reload names what needs a restart" \
	grep -q 'daemon.workers: systemctl restart' <(ebbctl reload)
holds "$one" min '20% conf.d/b.conf:6'
holds "$two" shares '7 domain'
# systemd waits until it is over.
rm "$RIG_DIR/conf.d/b.conf" "$RIG_DIR/run/notify.sock"
socat -u "UNIX-RECV:$RIG_DIR/run/notify.sock" \
	"OPEN:$RIG_DIR/run/reloads,creat,append" &
listener=$!
wait_for 90 test -S "$RIG_DIR/run/notify.sock" || fail "socat did not start"
kill -HUP "$EBBD_PID"
wait_for 90 grep -qa READY=1 "$RIG_DIR/run/reloads" ||
	fail "systemd is not told of the end: $(cat "$RIG_DIR/run/reloads")"
check "systemd is told of a reload" grep -qa RELOADING=1 "$RIG_DIR/run/reloads"
rig_kill $listener
holds "$one" min '10% conf.d/a.conf:4'

# More than the domain has: said at once, and it counts as what that has.
printf '[policy]\nenabled = yes\ndry-run = yes\n[domain %s]\nmin = 512T\n' "$two" \
	>"$RIG_DIR/conf.d/policy.conf"
check "a reload" ebbctl reload
wait_for 90 told 1 "$two: min is 512T, but the guest may use" ||
	fail "no word of a min that is too much: $(ebbctl explain)"
check "show says so" grep -q 'it counts as that' <(ebbctl show "$two")

# One that is off: its definition alone is there to be set.
off=ebbtest-${RIG_DIR##*.}-off
bare_xml "$off" 64 shared org.ebb.agent.0 >"$RIG_DIR/$off.xml"
virsh define "$RIG_DIR/$off.xml" >/dev/null || fail "virsh define"
RIG_GUESTS+=("$off")
refused 1 'not running.*--config' "one that is off, as it runs" \
	ebbctl set "$off" --mode density
ebbctl set "$off" --config --mode density --min 16M --free-target 40% >"$RIG_DIR/run/set" ||
	fail "set --config of one that is off"
check "one that is off is set for its next start" \
	grep -q 'density (next start)' "$RIG_DIR/run/set"
check "show tells so" grep -q 'mode density (domain)' <(ebbctl show "$off")
check "and its memory" grep -qE '^Memory +64.0 MiB' <(ebbctl show "$off")
check "in JSON, too" jq -e '.state == "shut off" and ."next-start-target" == "40%"' \
	<(ebbctl_json show "$off")
check "and list --all" grep -qE "^$off +shut off .*\(next start: mode=density min=16M .*free-target=40%\)" \
	<(ebbctl list --all)
refused 1 'min is 16M, but max is 8M' "what its definition makes impossible" \
	ebbctl set "$off" --config --max 8M
virsh dumpxml --inactive "$off" | grep -q "policy.* max=" &&
	fail "its definition has what was refused: $(virsh dumpxml --inactive "$off")"
check "what is not set is as it was" ebbctl set "$off" --config --min default
check "its definition has that" grep -q "mode=['\"]density" \
	<(virsh dumpxml --inactive "$off" | grep "free-target=['\"]40%" | grep -v min=)
virsh start "$off" >/dev/null || fail "virsh start"
holds "$off" mode 'density domain'
