#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Two memory devices lie side by side in the guest and in files of their own: each
# is proven by itself, and lends.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

PLUG_MIB=256

guest_total_mib()
{
	guest "awk '\$1 == \"MemTotal:\" { print int(\$2 / 1024) }' /proc/meminfo"
}

has_both()
{
	[ "$(guest_total_mib)" -gt $((total + 2 * PLUG_MIB * 9 / 10)) ]
}

# What the host holds of the devices' files, in bytes.
plugged_resident()
{
	backing_files | awk -v bytes=$((PLUG_MIB << 20)) '
		$3 == bytes { sum += $2 } END { printf "%.0f\n", sum }'
}

both_are_proven()
{
	ebbctl_json show "$GUEST" 2>/dev/null |
		jq -e --argjson bytes $((PLUG_MIB << 20)) '[.backings[] |
			select(.bytes == $bytes and ."verified-segments" > 0)] |
			length == 2' >/dev/null
}

started_rig --memory 768 --max-memory 2048
guest "echo online_movable >/sys/devices/system/memory/auto_online_blocks"
total=$(guest_total_mib)
cat >"$RIG_DIR/dimm.xml" <<END
<memory model='dimm'>
<target><size unit='MiB'>$PLUG_MIB</size><node>0</node></target>
</memory>
END
for dimm in first second; do
	check "plug the $dimm" \
		virsh attach-device "$GUEST" "$RIG_DIR/dimm.xml" --live
done
wait_for 90 has_both || fail "the guest has $(guest_total_mib) MiB"
adjacent=$(guest "grep -c 'System RAM' /proc/iomem")
echo "   $adjacent resources of RAM: $(guest "grep 'System RAM' /proc/iomem" | xargs)"
wait_lease
guest_populate 800
full=$(plugged_resident)
reclaim --all || fail "reclaim: $RESULT $(ebbctl show "$GUEST" 2>&1)"
wait_for 90 both_are_proven || fail "not both proven: $(ebbctl show "$GUEST")"
ok "both are proven"
whole_again "two devices side by side"
at_most "$(plugged_resident)" $((full / 2)) ||
	fail "$(mib "$(plugged_resident)") of $(mib "$full") stay"
ok "of $(mib "$full") in both, $(mib "$(plugged_resident)") stay"
check "the guest's log is clean" dmesg_clean
