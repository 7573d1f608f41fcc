#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Many domains without lease: ebbd looks at each, answers meanwhile, and then asks
# nothing of libvirtd any more. When libvirtd is started anew, it does the same
# again, no faster and with nothing more.
#
# Each domain is a QEMU without a system. To start one takes a second of a CPU, so
# there are EBB_DOMAINS of them (24), of three kinds that ebbd can do nothing for.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/rig/bare.sh
. "$source_dir/scripts/rig/bare.sh"

domains=${EBB_DOMAINS:-24}
# What ebbd may start: its workers (8 by default) beside the event loop's thread.
THREADS_MAX=9
# libvirtd stops reading a client that has five.
CALLS_MAX=4
QUIET_S=8

# What ebbd says of each domain: "REASON OLD PHASE".
findings()
{
	ebbctl_json list | jq -r '.domains[] |
		"\(.reasons[0].name) \(.old) \(.phase)"'
}

# Each of its kind, and by a look of now.
all_looked_at()
{
	[ "$(findings | sort | uniq -c | awk '{ print $2, $3, $4, $1 }')" = \
		"guest-paused false ready $((domains / 3))
no-channel false ready $(((domains + 2) / 3))
private-memory false ready $(((domains + 1) / 3))" ]
}

# Calls that libvirt's client made for ebbd, and how many were under way at most,
# from line $1 of the log on: "CALLS MOST". Of a connection that was lost there is
# no answer: then a call has ended when its thread makes the next.
calls()
{
	tail -n "+$1" "$RIG_DIR/log/ebbd.log" | awk '
		function field(name) {
			match($0, name "=[^ ]*")
			return substr($0, RSTART, RLENGTH)
		}
		function ended(thread) {
			if (thread in busy) {
				delete busy[thread]
				out--
			}
		}
		!/ prog=53690381[45] / { next }
		{ call = field("client") field("serial") }
		/RPC_CLIENT_MSG_TX_QUEUE: .* type=0 / {
			ended($3)
			busy[$3]
			thread[call] = $3
			calls++
			if (++out > most)
				most = out
		}
		/RPC_CLIENT_MSG_RX: .* type=1 / { ended(thread[call]) }
		END { print calls + 0, most + 0 }'
}

log_line()
{
	touch "$RIG_DIR/log/ebbd.log"
	echo $(($(wc -l <"$RIG_DIR/log/ebbd.log") + 1))
}

# check_calls LINE TEXT: there were some for each domain, one after the other.
check_calls()
{
	local count most

	read -r count most < <(calls "$1")
	between $((2 * domains)) "$count" $((16 * domains)) ||
		fail "$2: $count calls for $domains domains"
	between 1 "$most" $CALLS_MAX || fail "$2: $most calls at once"
	ok "$2: $count calls, at most $most at once"
}

is_quiet()
{
	local line ticks

	line=$(log_line)
	ticks=$(ebbd_ticks)
	pause_us $((QUIET_S * 1000000))
	QUIET_TICKS=$(($(ebbd_ticks) - ticks))
	read -r CALLS _ < <(calls "$line")
	[ "$CALLS" = 0 ]
}

# check_quiet TEXT: once all is known, there is nothing to ask.
check_quiet()
{
	# The second look of each, for what came while the first was under way.
	pause_us 5000000
	wait_for 90 is_quiet || fail "$1: $CALLS calls in $QUIET_S s"
	ok "$1: no call in $QUIET_S s, $QUIET_TICKS ticks of a CPU"
}

descriptors()
{
	find "/proc/$EBBD_PID/fd" -mindepth 1 | wc -l
}

descriptors_are()
{
	[ "$(descriptors)" = "$1" ]
}

check_answers()
{
	local i

	within 1 "$1: list" ebbctl list
	for i in 0 1 2; do
		within 1 "$1: show" ebbctl show "${BARE[i]}"
	done
}

requires virsh socat jq
rig_init
libvirt_start
[ -n "$RIG_LIBVIRT_STARTED" ] ||
	rig_skip "libvirtd was running before: not restarted for a test"
trap 'status=$?; stop_ebbd; bare_kill; (exit $status); at_exit' EXIT
bare_start_kinds "$domains"
ok "$domains domains run after $SECONDS s"

# one_life: of an ebbd, with a restart of libvirtd in the middle of it.
one_life()
{
	local line fds

	line=$(log_line)
	export LIBVIRT_LOG_FILTERS="2:rpc.netclient" LIBVIRT_LOG_OUTPUTS="2:stderr"
	# shellcheck disable=SC2119
	start_ebbd
	unset LIBVIRT_LOG_FILTERS LIBVIRT_LOG_OUTPUTS
	check_answers "while it looks"
	wait_for 120 all_looked_at || fail "not all were looked at: $(findings | sort | uniq -c)"
	ok "each was looked at, $(ebbd_ticks) ticks of a CPU"
	check_answers "afterwards"
	check_quiet "all is known"
	check_calls "$line" "looks"
	at_most "$(ebbd_threads)" $THREADS_MAX || fail "$(ebbd_threads) threads"

	fds=$(descriptors)
	line=$(log_line)
	rig_kill "$(cat /run/libvirtd.pid)"
	wait_for 90 not_connected || fail "ebbd does not notice"
	libvirt_again
	wait_for 120 all_looked_at || fail "not all were looked at again: $(findings | sort | uniq -c)"
	ok "libvirtd anew: each was looked at again"
	check_answers "libvirtd anew"
	check_quiet "libvirtd anew"
	check_calls "$line" "libvirtd anew"
	at_most "$(ebbd_threads)" $THREADS_MAX || fail "libvirtd anew: $(ebbd_threads) threads"
	wait_for 90 descriptors_are "$fds" ||
		fail "libvirtd anew: $(descriptors) descriptors, $fds before"
	ok "libvirtd anew: $(ebbd_threads) threads, $fds descriptors"
}

# Of all tests, this one holds ebbd to the time that it promises for its loop. On a
# busy machine the holder of a lock may wait for a CPU, and the watchdog counts this
# as a wait of the loop's: one of three lives has to keep the promise. What the loop
# waits for by design, it waits for in each.
for life in 1 2 3; do
	one_life
	us=$(ebbctl_json version | jq '.ebbd["loop-away-max-us"]')
	if [ "$us" -le $LOOP_AWAY_US ] || [ "$life" = 3 ]; then
		break
	fi
	echo "# the event loop was away for $us us; once more"
	stop_ebbd
done
at_most "$us" $LOOP_AWAY_US || fail "the event loop was away for $us us, in the third life, too"
loop_was_there
