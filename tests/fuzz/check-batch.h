/* SPDX-License-Identifier: GPL-2.0-only */
/* What holds of every batch that was accepted, whatever was offered. */
#ifndef EBB_TESTS_CHECK_BATCH_H
#define EBB_TESTS_CHECK_BATCH_H

#include "host/lease/batch.h"

/*
 * Returns NULL, or what is wrong: an offer outside of proven memory, over the
 * ring or a canary, not of whole pages, overlapping, out of order, or not as
 * its slot says. Written anew, without the functions of map.c and batch.c.
 */
const char *check_batch(const struct ebb_batch *batch,
			const struct ebb_slot slots[EBB_SLOT_COUNT],
			const struct ebb_map *map,
			const struct ebb_guest_process *qemu,
			uint64_t ring_gpa);

#endif /* EBB_TESTS_CHECK_BATCH_H */
