/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/rung/pageout_host.h"

#include <stdio.h>
#include <sys/sysinfo.h>

#include "common/clock.h"
#include "common/size.h"
#include "common/u64.h"
#include "host/budget/text.h"

enum {
	/* Rests are shorter than this, whatever a piece took. */
	REST_MS_MAX = 2000,
	RESERVE_PART = 16,
};

#define RESERVE_BYTES_MIN (32 * EBB_MIB)

/* ---- swap ---- */

uint64_t ebb_pageout_reserve_bytes(uint64_t swap_bytes)
{
	return ebb_u64_max(swap_bytes / RESERVE_PART, RESERVE_BYTES_MIN);
}

uint64_t ebb_pageout_room_bytes(void)
{
	struct sysinfo info;
	uint64_t total_bytes;

	if (sysinfo(&info) < 0)
		return 0;
	total_bytes = (uint64_t)info.totalswap * info.mem_unit;
	return ebb_u64_minus((uint64_t)info.freeswap * info.mem_unit,
			     ebb_pageout_reserve_bytes(total_bytes));
}

/* ---- the disk ---- */

uint64_t ebb_pageout_rest_ns(uint64_t work_ns, uint64_t stalled_ns)
{
	stalled_ns = ebb_u64_min(stalled_ns, work_ns);
	return ebb_u64_min(work_ns / 4 + stalled_ns * 15 / 4,
			   REST_MS_MAX * EBB_NS_PER_MS);
}

/* For how long some task stalled for memory since the machine began. */
static bool read_stalled(uint64_t *ret_ns)
{
	unsigned long long us;
	char text[256];

	if (ebb_text_read(text, sizeof(text), "/proc/pressure/memory") < 0 ||
	    sscanf(text, "some avg10=%*s avg60=%*s avg300=%*s total=%llu",
		   &us) != 1)
		return false;
	*ret_ns = us * EBB_NS_PER_US;
	return true;
}

struct ebb_pageout_pace ebb_pageout_begin_pace(void)
{
	struct ebb_pageout_pace pace = { .begun_ns = ebb_now_ns() };

	pace.stalled_known = read_stalled(&pace.stalled_ns);
	return pace;
}

uint64_t ebb_pageout_rested_ns(const struct ebb_pageout_pace *pace)
{
	uint64_t now_ns = ebb_now_ns(), stalled_ns;

	/* An unknown stall may be the worst. */
	if (pace->stalled_known && read_stalled(&stalled_ns))
		stalled_ns = ebb_u64_minus(stalled_ns, pace->stalled_ns);
	else
		stalled_ns = UINT64_MAX;
	return now_ns +
	       ebb_pageout_rest_ns(now_ns - pace->begun_ns, stalled_ns);
}
