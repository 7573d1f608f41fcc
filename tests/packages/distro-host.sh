#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A host as an operator has it, a Debian with systemd, libvirtd, polkit and QEMU, in which
# Ebb's packages were installed with apt; it is a guest of this machine. ebbd.service comes
# up at boot and ebb-exporter.service when it is enabled. From within their sandboxes they
# find libvirtd, a domain's process and its memory, polkit and the disk, and are denied
# nothing. A reload and a restart lose nothing, and both stop at once. The domain has no
# system: it is emulated twice, and would boot for half an hour.
# shellcheck source=tests/packages/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/rig/bare.sh
. "$source_dir/scripts/rig/bare.sh"

INNER=inner
PAGE=http://127.0.0.1:19758

# check_there TEXT COMMAND: in that host, and shows what it says if it fails.
check_there()
{
	local said

	said=$(guest "$2" 2>&1) || fail "$1: $2: $said
$(guest "journalctl -b -n 40 --no-pager -u ebbd -u ebb-exporter -u libvirtd")"
	ok "$1"
}

# inner_has JSON-FILTER: of what ebbctl doctor says of it.
inner_has()
{
	guest "ebbctl --json doctor $INNER" | jq -e "$1" >/dev/null
}

# unit_is UNIT STATE
unit_is()
{
	[ "$(guest "systemctl is-active $1")" = "$2" ]
}

# await_unit UNIT STATE TEXT
await_unit()
{
	wait_for 120 unit_is "$1" "$2" ||
		fail "$3: $1 is not $2: $(guest "systemctl status -n 20 --no-pager $1; systemctl list-jobs")"
	ok "$3: $1 is $2"
}

# exposure_at_most UNIT TENTHS: what systemd thinks of the sandbox, 0 to 100.
exposure_at_most()
{
	local level

	level=$(guest "systemd-analyze security --no-pager $1" |
		sed -n 's/.*Overall exposure level for.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p')
	[ -n "$level" ] || fail "$1: no exposure level"
	at_most "$((10#$level))" "$2" || fail "$1: its exposure level is $level tenths"
	ok "$1: its exposure level is $((10#$level)) tenths"
}

# stops UNIT SECONDS: and systemd neither killed it nor found it failed.
stops()
{
	local start=$SECONDS

	guest_run 120 "systemctl stop $1" || fail "$1 does not stop"
	at_most $((SECONDS - start)) "$2" || fail "$1 took $((SECONDS - start)) s to stop"
	[ "$(guest "systemctl show -P Result $1; systemctl show -P ActiveState $1" | xargs)" = \
		"success inactive" ] || fail "$1 ended: $(guest "systemctl status --no-pager $1")"
	ok "$1 stops within $((SECONDS - start + 1)) s"
}

# What a sandbox that is too tight has the kernel or the service say.
denials()
{
	guest "{ journalctl -b -o cat --no-pager -u ebbd -u ebb-exporter
		journalctl -b -k -o cat --no-pager | grep -E 'audit|seccomp' | grep ebb
		} | grep -iE 'not permitted|permission denied|not implemented|SECCOMP|type=1326|cannot drop|read-only file system|dumped core|SIGSYS'"
}

requires virsh socat jq mke2fs debugfs mmdebstrap apt-ftparchive
rig_init
make_packages
RIG_IMAGE=$("$source_dir/scripts/distro-guest" --host --install "$packages" \
	"$RIG_DIR/image" "$suite") || exit
libvirt_start
# shellcheck disable=SC2119
distro_define
wait_boot "$suite"

# ---- at boot ----

await_unit ebbd active "after boot"
ebbd_is_connected()
{
	guest "ebbctl --json doctor" >"$RIG_DIR/doctor"
	jq -e '.checks[] | select(.name == "libvirt") | .status == "ok"' "$RIG_DIR/doctor" >/dev/null
}
wait_for 120 ebbd_is_connected || fail "it is not connected: $(cat "$RIG_DIR/doctor")"
ok "it is connected"
found=$(jq -c '.checks[] | select(.status == "fail")' "$RIG_DIR/doctor")
[ -z "$found" ] || fail "the doctor of the host: $found"
ok "the doctor of the host finds no fault"
exposure_at_most ebbd 20
check_there "the kernel kills others first where memory runs out" \
	"[ \"\$(cat /proc/\$(systemctl show -P MainPID ebbd)/oom_score_adj)\" = -900 ]"
check_there "its state directory is its own" \
	"[ \"\$(stat -c '%U %a' /var/lib/ebb)\" = 'root 700' ]"
check_there "it answers a reload" "systemctl reload ebbd && systemctl is-active ebbd"

# ---- a domain ----

xml=$(bare_xml $INNER 64 shared org.ebb.agent.0 | base64 -w 0)
guest_run 300 "echo $xml | base64 -d >/root/inner.xml && virsh define /root/inner.xml &&
	virsh start $INNER" >/dev/null 2>"$RIG_DIR/run/stderr" ||
	fail "no domain there: $(cat "$RIG_DIR/run/stderr")"
check_there "the domain is in the list" "ebbctl list | grep -E '^$INNER +running'"
wait_for 120 inner_has '[.checks[] | select(.name == "running" or .name == "memory-backing") |
	.status] == ["ok", "ok"]' ||
	fail "its process is not found: $(guest "ebbctl doctor $INNER")"
ok "its process and memory are found from within the sandbox"
check_there "and what of it is resident" \
	"ebbctl --json show $INNER | grep -E '\"resident-bytes\": *[1-9]'"

# ---- the exporter ----

await_unit ebb-exporter inactive "before it is enabled"
guest_run 120 "systemctl enable --now ebb-exporter" 2>/dev/null ||
	fail "ebb-exporter does not start: $(guest "systemctl status --no-pager ebb-exporter")"
await_unit ebb-exporter active "enabled"
exposure_at_most ebb-exporter 20
check_there "the metrics name the domain" \
	"curl -sf $PAGE/metrics | grep -E '^ebb_.*$INNER'"
check_there "the page is there" "curl -sf $PAGE/ | grep -qi '<!doctype html'"

# ---- who may ----

as_games="setpriv --reuid=games --regid=games --groups=ebb ebbctl"
check_there "who may look looks" "$as_games list"
check_there "and does not act" "! $as_games policy pause"
guest "mkdir -p /etc/polkit-1/rules.d; echo 'polkit.addRule(function(action, subject) {
	if (action.id == \"org.ebb.manage\" && subject.user == \"games\")
		return polkit.Result.YES; });' >/etc/polkit-1/rules.d/50-ebb.rules
	systemctl restart polkit" || fail "no rule for polkit"
games_acts()
{
	guest "$as_games policy pause"
}
wait_for 90 games_acts || fail "a rule of polkit's lets nobody act: $(guest "$as_games policy pause 2>&1
	journalctl -b --no-pager -n 20 -u polkit")"
ok "a rule of polkit's lets somebody act"

# ---- a restart ----

guest "ebbctl --json events" >"$RIG_DIR/before"
grep -q pause "$RIG_DIR/before" || fail "no event of the pause: $(cat "$RIG_DIR/before")"
guest_run 120 "systemctl restart ebbd" || fail "ebbd does not restart"
await_unit ebbd active "restarted"
check_there "its history is kept" "ebbctl --json events | grep pause"
check_there "the pause, too" "ebbctl policy status | grep -i paused"
check_there "samples are on the disk" "find /var/lib/ebb -type f -size +0 | grep ."
check_there "its history can be asked" "ebbctl history $INNER"
check_there "the exporter finds it again" \
	"for i in \$(seq 30); do curl -sf $PAGE/metrics | grep -E '^ebb_.*$INNER' && exit; sleep 1; done; exit 1"

found=$(denials)
[ -z "$found" ] || fail "a sandbox denies: $found"
ok "no sandbox denies anything"
says_nothing "journalctl -b -o cat --no-pager -p warning -u ebb-exporter -q" || fail "ebb-exporter: $SAID"
stops ebb-exporter 20
stops ebbd 20
says_nothing "systemctl --failed --plain --no-legend" || fail "failed: $SAID"
ok "no unit failed"
