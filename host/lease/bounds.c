/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/bounds.h"

#include "common/clock.h"

static enum ebb_reclaim_end why_gone(const struct ebb_bounds *bounds)
{
	if (bounds->leaving && *bounds->leaving)
		return EBB_END_EBBD_ENDS;
	if (bounds->disconnected && *bounds->disconnected)
		return EBB_END_LIBVIRT_GONE;
	return EBB_END_GUEST_GONE;
}

enum ebb_reclaim_end ebb_bounds_end(const struct ebb_bounds *bounds,
				    const struct ebb_books *books)
{
	if (*bounds->gone)
		return why_gone(bounds);
	if (*bounds->cancelled)
		return EBB_END_CANCELLED;
	if (bounds->bytes && books->reclaimed_bytes >= bounds->bytes)
		return EBB_END_SATISFIED;
	if (ebb_now_ns() >= bounds->deadline_ns)
		return EBB_END_TIMEOUT;
	return EBB_END_NONE;
}

uint32_t ebb_bounds_left_ms(const struct ebb_bounds *bounds)
{
	uint64_t now_ns = ebb_now_ns();

	if (now_ns >= bounds->deadline_ns)
		return 0;
	return (uint32_t)((bounds->deadline_ns - now_ns + 999999) / 1000000);
}
