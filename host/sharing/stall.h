/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of a count of the time in which some task waited for memory, which part of the time it
 * was: pressure, as PSI has it. Pure.
 */
#ifndef EBB_HOST_STALL_H
#define EBB_HOST_STALL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

/* What was counted last, and when; zeroed at first. */
struct ebb_stall {
	uint64_t stalled_us;
	uint64_t ns;
};

/**
 * ebb_stall_note - what was counted until @ns
 * @stalled_us: 0: nothing is counted
 * @ret_ppm: millionths of the time since the last count; written only if it is known
 *
 * Returns whether it is: two counts are needed, and one that is less than the last is of
 * another kernel. The same moment is no new count. A guest may say any number.
 */
static inline bool ebb_stall_note(struct ebb_stall *stall, uint64_t stalled_us,
				  uint64_t ns, uint64_t *ret_ppm)
{
	const struct ebb_stall before = *stall;

	if (stalled_us == 0 || ns < before.ns + EBB_NS_PER_MS)
		return false;
	*stall = (struct ebb_stall){ stalled_us, ns };
	if (before.ns == 0 || stalled_us < before.stalled_us)
		return false;
	*ret_ppm = (stalled_us - before.stalled_us) * EBB_NS_PER_US * 1000 /
		   ((ns - before.ns) / 1000);
	if (*ret_ppm > 1000000)
		*ret_ppm = 1000000;
	return true;
}

#endif /* EBB_HOST_STALL_H */
