/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/rung/need.h"

#include <stddef.h>
#include <string.h>

#include "common/size.h"
#include "common/u64.h"

static const char low_memory[] = "low-memory";
static const char swapping[] = "swapping";
static const char faulting[] = "faulting";

enum {
	CUSHION_PARTS = 8,
	/* Between two readings: more than a program that starts causes. */
	FAULTS_MAX = 500,
};

#define CUSHION_MIN_BYTES (128 * EBB_MIB)
#define CUSHION_MAX_BYTES (2 * EBB_GIB)
/* What is free and no cache stays so: the guest's kernel has its reserves of it. */
#define FREE_KEPT_BYTES (64 * EBB_MIB)
/* Between two readings: what a guest with compressed swap moves at rest is less. */
#define SWAPPED_MAX_BYTES (4 * EBB_MIB)

uint64_t ebb_need_cushion(uint64_t memory_bytes)
{
	uint64_t bytes = memory_bytes / CUSHION_PARTS;

	if (bytes < CUSHION_MIN_BYTES)
		return CUSHION_MIN_BYTES;
	return ebb_u64_min(bytes, CUSHION_MAX_BYTES);
}

uint64_t ebb_need_spare(const struct ebb_balloon_stats *now,
			uint64_t memory_bytes, bool free_only)
{
	uint64_t cushion_bytes = ebb_need_cushion(memory_bytes);
	uint64_t bytes;

	if (!now->usable_known)
		return 0;
	bytes = ebb_u64_minus(now->usable_bytes,
			      cushion_bytes + cushion_bytes / 2);
	if (!free_only)
		return bytes;
	if (!now->unused_known)
		return 0;
	return ebb_u64_min(bytes,
			   ebb_u64_minus(now->unused_bytes, FREE_KEPT_BYTES));
}

const char *ebb_need_alarm(const struct ebb_balloon_stats *before,
			   const struct ebb_balloon_stats *now,
			   uint64_t memory_bytes)
{
	uint64_t cushion_bytes = ebb_need_cushion(memory_bytes);

	if (!now->usable_known || now->usable_bytes < cushion_bytes)
		return low_memory;
	/* They begin anew where the guest boots. */
	if (now->swapped_bytes > before->swapped_bytes + SWAPPED_MAX_BYTES)
		return swapping;
	if (now->usable_bytes < 2 * cushion_bytes &&
	    now->major_faults > before->major_faults + FAULTS_MAX)
		return faulting;
	return NULL;
}

bool ebb_need_is_alarm(const char *reason)
{
	return reason &&
	       (strcmp(reason, low_memory) == 0 ||
		strcmp(reason, swapping) == 0 || strcmp(reason, faulting) == 0);
}
