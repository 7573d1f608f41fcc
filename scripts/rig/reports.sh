# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The machine's own free page reporting. A machine that is itself a guest may give
# its free pages to its own host. What Ebb gives back is then discarded twice, and a
# guest that touches it again waits for two hosts. A benchmark holds that off where the
# machine's kernel can be told to wait, and says so where it cannot.

REPORTS_KNOBS=/sys/module/page_reporting/parameters
REPORTS_OWNED=()

# Does this machine give its free pages away? The balloon is virtio device 5, free page
# reporting its feature 5.
reports_free_pages()
{
	local device

	for device in /sys/bus/virtio/devices/virtio*; do
		[ "$(cat "$device/device" 2>/dev/null)" = 0x0005 ] || continue
		[[ $(cat "$device/features") != ?????1* ]] || return 0
	done
	return 1
}

# reports_hold: until reports_resume. Fails where the kernel does not let it.
reports_hold()
{
	local knob old held=1

	# How much may wait; how long a page must be free first; pause between passes.
	for knob in max_waiting_mib=1048576 min_free_ms=300000 \
		page_reporting_delay_ms=300000; do
		old=$(cat "$REPORTS_KNOBS/${knob%=*}" 2>/dev/null) || continue
		echo "${knob#*=}" 2>/dev/null >"$REPORTS_KNOBS/${knob%=*}" || continue
		REPORTS_OWNED+=("${knob%=*}=$old")
		[[ $knob != *_ms=* ]] || held=0
	done
	return $held
}

reports_resume()
{
	local knob

	for knob in ${REPORTS_OWNED+"${REPORTS_OWNED[@]}"}; do
		echo "${knob#*=}" >"$REPORTS_KNOBS/${knob%=*}"
	done
	REPORTS_OWNED=()
}
