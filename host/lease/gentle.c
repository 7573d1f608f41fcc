/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/gentle.h"

#include "common/clock.h"
#include "common/size.h"
#include "common/u64.h"

enum {
	PIECES = 64,
	/* Of a group: less is lost in the guest's polls. */
	GROUP_MS = 1,
	/* So many times what a group, or a piece, took. */
	NAP_TIMES = 3,
	/* A batch of 32 groups is out for a third of a second then. */
	NAP_TIMES_BUSY = 6,
	REST_TIMES = 49,
	REST_TIMES_BUSY = 199,
	/* Whatever the time left. */
	REST_TIMES_MIN = 3,
	/* A piece makes a session, and asks libvirt: not more than ten each second. */
	REST_MS_MIN = 100,
	NAP_MS_MAX = 50,
	REST_MS_MAX = 2000,
};

#define PIECE_BYTES_MIN (64 * EBB_MIB)

uint64_t ebb_gentle_piece_bytes(uint64_t target_bytes)
{
	return ebb_u64_max(target_bytes / PIECES, PIECE_BYTES_MIN);
}

uint64_t ebb_gentle_group_bytes(uint64_t bytes_per_ms)
{
	return bytes_per_ms * GROUP_MS;
}

uint32_t ebb_gentle_busy_percent(const struct ebb_gentle_piece *piece)
{
	if (piece->delayed_ns >= piece->work_ns)
		return piece->delayed_ns ? 100 : 0;
	return (uint32_t)(piece->delayed_ns * 100 / piece->work_ns);
}

/* From @easy times to @busy times. */
static uint64_t times_ns(uint64_t work_ns, uint64_t easy, uint64_t busy,
			 uint32_t busy_percent)
{
	/* A thread that was stopped worked no longer than that. */
	work_ns = ebb_u64_min(work_ns, EBB_NS_PER_S);
	return work_ns * (easy * 100 + (busy - easy) * busy_percent) / 100;
}

uint64_t ebb_gentle_nap_ns(uint64_t work_ns, uint32_t busy_percent)
{
	return ebb_u64_min(times_ns(work_ns, NAP_TIMES, NAP_TIMES_BUSY,
				    busy_percent),
			   NAP_MS_MAX * EBB_NS_PER_MS);
}

/* Its part of the time that is left for all. */
static uint64_t fair_ns(const struct ebb_gentle_piece *piece)
{
	double all_bytes =
		(double)piece->came_bytes + (double)piece->left_bytes;

	if (all_bytes == 0)
		return piece->left_ns;
	return (uint64_t)((double)piece->left_ns * (double)piece->came_bytes /
			  all_bytes);
}

uint64_t ebb_gentle_rest_ns(const struct ebb_gentle_piece *piece)
{
	uint64_t most_ns = fair_ns(piece);
	uint64_t least_ns =
		ebb_u64_min(piece->work_ns, EBB_NS_PER_S) * REST_TIMES_MIN;
	uint64_t rest_ns = times_ns(piece->work_ns, REST_TIMES, REST_TIMES_BUSY,
				    ebb_gentle_busy_percent(piece));

	if (rest_ns > most_ns)
		rest_ns = ebb_u64_max(most_ns, least_ns);
	rest_ns = ebb_u64_max(rest_ns, REST_MS_MIN * EBB_NS_PER_MS);
	return ebb_u64_min(rest_ns, REST_MS_MAX * EBB_NS_PER_MS);
}
