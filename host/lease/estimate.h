/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a reclaim would bring, from books alone. Pure.
 *
 * Nobody counts which free ranges the host still holds, but the sums bound it:
 * at most all of what is free in huge ranges, and not more than is resident; at
 * least what is resident beyond all that is not free in huge ranges.
 */
#ifndef EBB_HOST_ESTIMATE_H
#define EBB_HOST_ESTIMATE_H

#include <stdint.h>

struct ebb_estimate {
	uint64_t min_bytes;
	uint64_t max_bytes;
};

/**
 * ebb_estimate_reclaim - bounds of what can be reclaimed now, in bytes
 * @backing_bytes: size of the files behind the guest's memory
 * @resident_bytes: what of them is resident
 * @free_huge_bytes: what the guest has free in huge ranges; hostile
 */
static inline struct ebb_estimate ebb_estimate_reclaim(uint64_t backing_bytes,
						       uint64_t resident_bytes,
						       uint64_t free_huge_bytes)
{
	struct ebb_estimate estimate = { 0 };
	uint64_t not_free_bytes;

	/* tmpfs counts whole huge pages, also beyond the end of a file. */
	if (resident_bytes > backing_bytes)
		resident_bytes = backing_bytes;
	if (free_huge_bytes > backing_bytes)
		free_huge_bytes = backing_bytes;
	not_free_bytes = backing_bytes - free_huge_bytes;
	if (resident_bytes > not_free_bytes)
		estimate.min_bytes = resident_bytes - not_free_bytes;
	estimate.max_bytes = resident_bytes < free_huge_bytes ? resident_bytes
							      : free_huge_bytes;
	return estimate;
}

#endif /* EBB_HOST_ESTIMATE_H */
