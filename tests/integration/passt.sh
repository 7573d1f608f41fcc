#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest whose network is passt is lent from like any other: what it sends and
# gets back through it is right while all that is free is reclaimed. This passt has
# QEMU's socket; a newer one can have the guest's memory mapped, as virtiofsd has.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

ROUNDS=3
DATA_MIB=8

listens()
{
	ss -ltn | grep -q "127.0.0.1:$1 "
}

# serve PORT COMMAND: runs it for each who connects to the host's own address.
serve()
{
	socat "TCP-LISTEN:$1,bind=127.0.0.1,reuseaddr,fork" "SYSTEM:$2" \
		2>>"$RIG_DIR/log/socat" &
	RIG_PIDS+=("$!")
	wait_for 90 listens "$1" || fail "port $1: $(cat "$RIG_DIR/log/socat")"
}

# passt gives the guest the host's address, and its gateway stands for the host.
start_network()
{
	guest "while read -r module; do insmod /lib/modules/\$module.ko; done </lib/modules/spare
		cat >/run/udhcpc <<-'END'
			#!/bin/sh
			[ \"\$1\" = bound ] || exit 0
			ip addr add \$ip/\$mask dev \$interface
			ip route add \${router%% *} dev \$interface
			ip route add default via \${router%% *}
			echo \${router%% *} >/run/gateway
		END
		chmod +x /run/udhcpc
		ip link set eth0 up && udhcpc -n -q -i eth0 -s /run/udhcpc &&
		[ -s /run/gateway ]" ||
		fail "the guest has no network: $(guest "dmesg | tail -n 5; ip addr")"
}

# Fetches the host's bytes and sends them back, again and again; what differs is
# told here, or in the sums of the host. What is fetched ends with the host's side:
# this passt sends bytes twice to who closed his first.
start_loop()
{
	guest "echo 0 >/run/rounds
		mkfifo /run/silent
		exec 3<>/run/silent
		{ while [ ! -e /run/enough ]; do
			nc \$(cat /run/gateway) $PORT <&3 >/run/fetched
			[ \"\$(md5sum </run/fetched)\" = '$SUM' ] ||
				md5sum </run/fetched >>/run/wrong
			nc \$(cat /run/gateway) $((PORT + 1)) </run/fetched
			echo \$((\$(cat /run/rounds) + 1)) >/run/rounds.new
			mv /run/rounds.new /run/rounds
		done; touch /run/ended; } >/dev/null 2>/run/errors &"
}

rounds()
{
	guest "cat /run/rounds"
}

has_ended()
{
	guest "[ -e /run/ended ]"
}

# The host's side of a round writes its sum after the guest's has ended.
all_are_summed()
{
	[ "$(wc -l <"$RIG_DIR/sums")" -ge "$(rounds)" ]
}

went_through()
{
	[ "$(rounds)" -gt "$before" ]
}

requires virsh socat jq ip ss passt
[ -n "$(ip route show default)" ] || rig_skip "passt needs a default route"
rig_init
libvirt_start
# It lays down its rights, and makes its socket then.
install -d -m 777 "$RIG_DIR/net"
passt --foreground --quiet --socket "$RIG_DIR/net/socket" 2>"$RIG_DIR/log/passt" &
RIG_PIDS+=("$!")
wait_for 90 test -S "$RIG_DIR/net/socket" || fail "no passt: $(cat "$RIG_DIR/log/passt")"
chmod 666 "$RIG_DIR/net/socket"
guest_boot --memory 640 --network "$RIG_DIR/net/socket"
# shellcheck disable=SC2119
start_ebbd
wait_lease
ok "a guest with passt has a lease"
# Below those that the kernel gives to who asks for none.
PORT=$((20000 + RANDOM % 12000))
head -c ${DATA_MIB}M /dev/urandom >"$RIG_DIR/data"
SUM=$(md5sum <"$RIG_DIR/data")
serve $PORT "cat $RIG_DIR/data"
serve $((PORT + 1)) "head -c ${DATA_MIB}M | md5sum >>$RIG_DIR/sums"
start_network
start_loop
taken=0
for _ in $(seq $ROUNDS); do
	before=$(rounds)
	guest_populate 300
	reclaim --all || fail "reclaim: $RESULT $(cat "$RIG_DIR/run/stderr")"
	taken=$((taken + $(result reclaimed-bytes)))
	wait_for 90 went_through || fail "nothing goes through: $(guest "cat /run/errors")"
done
check "$(mib $taken) were reclaimed meanwhile" at_least $taken $((ROUNDS * 150 << 20))
guest "touch /run/enough"
wait_for 90 has_ended || fail "the guest's loop does not end: $(guest "cat /run/errors")"
wait_for 90 all_are_summed || fail "$(rounds) rounds, but these sums: $(cat "$RIG_DIR/sums")"
[ -z "$(guest "cat /run/wrong 2>/dev/null")" ] || fail "the guest got other bytes: $(guest "cat /run/wrong /run/errors")"
count=$(grep -cx "$SUM" "$RIG_DIR/sums")
[ "$(wc -l <"$RIG_DIR/sums")" = "$count" ] || fail "the host got other bytes: $(sort "$RIG_DIR/sums" | uniq -c)"
check "$DATA_MIB MiB went to the guest and back, $count times, none wrong" at_least "$count" $ROUNDS
check "the guest's log is clean" dmesg_clean
