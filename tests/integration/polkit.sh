#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Who may only look may act if a rule of polkit's says so, by a real polkitd on a system
# bus of its own: one user, and no other; and nobody where polkit does not answer.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

POLKITD=/usr/lib/polkit-1/polkitd
requires virsh socat jq setpriv dbus-daemon
[ -x $POLKITD ] || rig_skip "needs polkitd: scripts/install-deps"
{ getent passwd games sync && getent group news; } >/dev/null ||
	rig_skip "needs users 'games' and 'sync', and group 'news'"

# Its own /usr/share/polkit-1 and /etc/polkit-1, in the mounts of this world.
own_polkit()
{
	local dir

	grep -q ' /run .* - tmpfs run ' /proc/self/mountinfo ||
		rig_skip "needs a world of its own: scripts/rig-world"
	for dir in /usr/share/polkit-1/actions /usr/share/polkit-1/rules.d \
		/etc/polkit-1/rules.d; do
		{ mkdir -p "$dir" && mount -t tmpfs polkit "$dir" -o mode=755; } ||
			rig_skip "cannot mount over $dir"
	done
	cp "$source_dir/host/polkit/org.ebb.manage.policy" /usr/share/polkit-1/actions/
	cat >/etc/polkit-1/rules.d/50-ebb.rules <<-'END'
	polkit.addRule(function(action, subject) {
		if (action.id == "org.ebb.manage" && subject.user == "games")
			return polkit.Result.YES;
	});
	END
}

bus_answers()
{
	dbus-send --system --print-reply --dest=org.freedesktop.DBus / \
		org.freedesktop.DBus.GetNameOwner string:"$1" >/dev/null 2>&1
}

# as USER COMMAND...: with the group of those who may look.
as()
{
	local user=$1
	shift
	setpriv --reuid="$user" --regid="$(id -g "$user")" --groups=news "$@"
}

pause_as()
{
	as "$1" "$RIG_DIR/ebbctl" --socket "$EBBD_SOCKET" policy pause
}

rig_init
own_polkit
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$RIG_DIR/run/bus
dbus-daemon --system --nofork --nopidfile --address="$DBUS_SYSTEM_BUS_ADDRESS" \
	>"$RIG_DIR/log/bus.log" 2>&1 7<&- 8>&- &
bus=$!
wait_for 90 bus_answers org.freedesktop.DBus || fail "no bus"
$POLKITD --no-debug >"$RIG_DIR/log/polkitd.log" 2>&1 7<&- 8>&- &
polkitd=$!
trap 'status=$?; kill -CONT $polkitd; kill $polkitd $bus; (exit $status); at_exit' EXIT
wait_for 90 bus_answers org.freedesktop.PolicyKit1 || fail "no polkitd"

libvirt_start
chmod 755 "$RIG_DIR" "$RIG_DIR/run"
cp "$(program ebbctl)" "$RIG_DIR/ebbctl"
mkdir -p "$RIG_DIR/run/state"
printf '[daemon]\nstate-dir = %s\nread-group = news\n' "$RIG_DIR/run/state" \
	>"$RIG_DIR/ebbd.conf"
start_ebbd

check "who may look looks" as sync "$RIG_DIR/ebbctl" --socket "$EBBD_SOCKET" list
check "whom a rule allows acts" pause_as games
refused 1 'PermissionDenied|may only look.*polkit' "another does not" pause_as sync
check "root does, and asks nobody" ebbctl policy resume
check "once more, whom a rule allows" pause_as games

kill -STOP $polkitd
pause_as games >"$RIG_DIR/run/hangs" 2>&1 &
asker=$!
within 1 "ebbd answers others while polkit hangs" ebbctl policy resume
wait $asker && fail "acts while polkit hangs"
check "nobody acts while polkit hangs" \
	grep -q 'may only look.*polkit has not answered' "$RIG_DIR/run/hangs"
check "the log has it" \
	grep -q "polkit cannot be asked whether uid $(id -u games).*not answered" \
	"$RIG_DIR/log/ebbd.log"
kill -CONT $polkitd
wait_for 90 pause_as games || fail "not again once polkit goes on"
ok "and again once it goes on"

kill $polkitd
wait_for 90 pid_gone $polkitd || fail "polkitd does not end"
refused 1 'may only look.*polkit is not on the system bus: install' \
	"nobody without polkit" pause_as games
kill $bus
wait_for 90 pid_gone $bus || fail "the bus does not end"
refused 1 'may only look.*system bus does not answer: start dbus' \
	"nobody without a bus" pause_as games
check "ebbd goes on" ebbctl policy status
