#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ebbd has no more privileges than it needs, none of which it misses at work;
# who may not ask is turned away; and what it keeps has the modes it should.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# CAP_DAC_OVERRIDE, CAP_SYS_PTRACE and CAP_SYS_NICE.
KEPT=0000000000880002

# status_is NAME VALUE: of each thread of ebbd.
status_is()
{
	local values

	values=$(sed -n "s/^$1:[[:space:]]*//p" "/proc/$EBBD_PID/task"/*/status |
		sort -u)
	[ "$values" = "$2" ] || { echo "$1 is $values"; return 1; }
}

check_privileges()
{
	check "$1: capabilities, permitted" status_is CapPrm $KEPT
	check "$1: capabilities, effective" status_is CapEff $KEPT
	check "$1: none inherited" status_is CapInh 0000000000000000
	check "$1: none ambient" status_is CapAmb 0000000000000000
	check "$1: bounding set" status_is CapBnd "$2"
	check "$1: no new privileges" status_is NoNewPrivs 1
	check "$1: system calls are filtered" status_is Seccomp 2
}

mode_is()
{
	[ "$(stat -c '%a %U:%G' "$1")" = "$2" ] || { stat "$1"; return 1; }
}

works()
{
	guest_populate 300
	check "$1: show" ebbctl show "$GUEST"
	check "$1: doctor" ebbctl doctor "$GUEST"
	check "$1: doctor of the host" ebbctl doctor
	reclaim --all || fail "$1: reclaim --all: $(cat "$RIG_DIR/run/stderr")"
	check "$1: reclaim" at_least "$(result reclaimed-bytes)" $((200 << 20))
}

# No complaint of ebbd's own, of EPERM or of a call that is not there.
log_clean()
{
	! grep -E 'ermission|not permitted|not implemented|cannot drop' \
		"$RIG_DIR/log/ebbd.log"
}

# The calls that were denied. glibc tries clone3() and goes on with clone().
denied_calls()
{
	grep -hE '= -1 (ENOSYS|EPERM|EACCES)|SIGSYS' "$RIG_DIR/log/trace" |
		grep -v clone3
}

start_trace()
{
	strace -f -qq -o "$RIG_DIR/log/trace" -p "$EBBD_PID" 2>/dev/null 8>&- &
	tracer=$!
	RIG_PIDS+=("$tracer")
	wait_for 90 traced || fail "strace did not attach"
}

traced()
{
	[ "$(sed -n 's/^TracerPid:[[:space:]]*//p' "/proc/$EBBD_PID/status")" = "$tracer" ]
}

restart_libvirtd()
{
	rig_kill "$(cat /run/libvirtd.pid)"
	libvirt_again
	wait_lease
}

# A user whom no group lets in, and one whom the right one does.
as_nobody()
{
	runuser -u nobody -- "$RIG_DIR/ebbctl" --socket "$EBBD_SOCKET" list
}

as_member()
{
	runuser -u nobody -g games -- "$RIG_DIR/ebbctl" --socket "$EBBD_SOCKET" list
}

# As who may only look.
as_reader()
{
	runuser -u nobody -g news -- "$RIG_DIR/ebbctl" --socket "$EBBD_SOCKET" "$@"
}

requires virsh socat jq setpriv runuser strace
getent group games news >/dev/null || rig_skip "needs groups 'games' and 'news'"
rig_init
printf '[daemon]\nstate-dir = %s\ngroup = games\nread-group = news\n' \
	"$RIG_DIR/run/state" >"$RIG_DIR/ebbd.conf"
cp "$(program ebbctl)" "$RIG_DIR/ebbctl"
libvirt_start
guest_boot --memory 768

# What systemd leaves by ebbd.service: no CAP_SETPCAP to empty the bounding set.
cat >"$RIG_DIR/ebbd" <<END
#!/bin/sh
exec setpriv --bounding-set=-all,+chown,+dac_override,+sys_ptrace,+sys_nice,+sys_resource \
	--no-new-privs "$(program ebbd)" "\$@"
END
chmod 755 "$RIG_DIR/ebbd"
EBBD_PROGRAM=$RIG_DIR/ebbd start_ebbd
wait_lease
# A container may have less than systemd leaves.
left=$((0x1880003 & 0x$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)))
check_privileges "with what systemd leaves" "$(printf '%016x' $left)"
works "with what systemd leaves"
stop_ebbd

start_ebbd --no-sandbox
check "--no-sandbox: no filter" status_is Seccomp 0
check "--no-sandbox: privileges as before" status_is NoNewPrivs 0
stop_ebbd

# shellcheck disable=SC2119
start_ebbd
wait_lease
check_privileges "at start" 0000000000000000
check "the control socket is root's and the group's" \
	mode_is "$EBBD_SOCKET" "660 root:games"
check "the state directory is root's, and others may look" \
	mode_is "$RIG_DIR/run/state" "755 root:root"
check "the lock is root's" \
	mode_is "$RIG_DIR/run/state/ebbd.lock" "600 root:root"
check "/dev/ebb is root's" \
	test "$(guest 'stat -c "%a %u:%g" /dev/ebb')" = "600 0:0"
refused 3 'permission' "a user of no such group" as_nobody
check "a member of the group may ask" as_member
for words in list "show $GUEST" explain "explain $GUEST" "doctor $GUEST" version \
	"policy status"; do
	# shellcheck disable=SC2086 # words
	check "who may look: $words" as_reader $words
done
for words in "reclaim $GUEST --all" "set $GUEST --mode density" \
	"set $GUEST --free-target 64M" "policy pause" "policy pause $GUEST" \
	"policy resume" reload; do
	# shellcheck disable=SC2086 # words
	refused 1 'only look.*sudo' "who may look: $words" as_reader $words
done
chmod 666 "$EBBD_SOCKET"
refused 1 'may not|permission|only' "a user whom the mode lets through" as_nobody
chmod 660 "$EBBD_SOCKET"

start_trace
works "under the filter"
guest_populate 300
reclaim --all --gentle || fail "reclaim --gentle: $(cat "$RIG_DIR/run/stderr")"
check "under the filter: reclaim, gently" at_least "$(result reclaimed-bytes)" $((200 << 20))
if [ -n "$RIG_LIBVIRT_STARTED" ]; then
	restart_libvirtd
	works "with another libvirtd"
fi
rig_kill "$tracer"
check "strace saw ebbd at work" grep -q 'fallocate(.*PUNCH' "$RIG_DIR/log/trace"
check "no call was denied" test -z "$(denied_calls)"
check_privileges "after work" 0000000000000000
check "ebbd did not complain" log_clean
check "the guest's log is clean" dmesg_clean
stop_ebbd
check "it ended in order" test ! -e "$EBBD_SOCKET"
