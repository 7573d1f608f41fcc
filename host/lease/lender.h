/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest that lends memory: what a reclaim works on. */
#ifndef EBB_HOST_LENDER_H
#define EBB_HOST_LENDER_H

#include "host/memory/map.h"
#include "host/memory/process.h"
#include "host/memory/ringmap.h"
#include "host/memory/swapped.h"

/* Proven, attached, and nobody else's meanwhile. */
struct ebb_lender {
	const struct ebb_guest_process *qemu;
	const struct ebb_map *map;
	struct ebb_ringmap *ring;
	uint64_t ring_gpa;
};

/* Size of the files behind the guest's memory. */
static inline uint64_t ebb_lender_bytes(const struct ebb_lender *lender)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < lender->qemu->backing_count; i++)
		bytes += lender->qemu->backings[i].bytes;
	return bytes;
}

/* What of them the host holds, in RAM and in swap. */
static inline uint64_t ebb_lender_held_bytes(const struct ebb_lender *lender)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < lender->qemu->backing_count; i++)
		bytes += ebb_backing_held_bytes(&lender->qemu->backings[i]);
	return bytes;
}

/*
 * What of that is in swap, now. For a worker: it may wait. Returns whether the kernel
 * says of all; else what it does not say counts as none.
 */
static inline bool ebb_lender_swapped(const struct ebb_lender *lender,
				      uint64_t *ret_bytes)
{
	struct ebb_holding holding;

	/* Of what cannot be read the last is as good as any. */
	ebb_swapped_read(EBB_SWAPPED_PATH);
	ebb_guest_process_holding(lender->qemu, EBB_SWAPPED_ANY_AGE, &holding);
	*ret_bytes = holding.swapped_bytes;
	return holding.swapped_known;
}

#endif /* EBB_HOST_LENDER_H */
