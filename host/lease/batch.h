/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest offers, checked, and put in the order of the files.
 *
 * Slots come from a hostile guest. They are copied once, and all that follows
 * works on the copies: the punch goes to the range that was checked, whatever
 * the slot says by then. Pure.
 */
#ifndef EBB_HOST_BATCH_H
#define EBB_HOST_BATCH_H

#include <stdint.h>

#include "host/memory/map.h"
#include "protocol/ring.h"

/**
 * struct ebb_offer - a range that may be taken
 * @slot: its index in the ring
 * @word: of the slot; OFFERED when collected, and what it is moved to later
 * @range: of the slot, as it was checked
 * @backing, @offset, @bytes: the range in the domain's files
 */
struct ebb_offer {
	uint32_t slot;
	uint32_t backing;
	uint64_t word;
	uint64_t range;
	uint64_t gpa;
	uint64_t offset;
	uint64_t bytes;
};

/* Ascending by backing and offset. */
struct ebb_batch {
	uint32_t count;
	uint64_t bytes;
	struct ebb_offer offers[EBB_SLOT_COUNT];
};

/**
 * ebb_batch_collect - the OFFERED slots of a ring, checked
 * @slots: private copies, EBB_SLOT_COUNT of them
 * @map: proven memory
 * @qemu: the files, for their page sizes
 * @ring_gpa: of the ring's page
 * @ret_batch: written only on success, may be empty
 * @ret_error: what is wrong, filled on failure
 *
 * Returns 0; -ESTALE (a range lies outside of proven memory: the guest's
 * memory changed, or it lies), or -EBADMSG (what no ebb.ko does: an order out
 * of bounds, a range that is misaligned, wraps, overlaps another, or holds the
 * ring or a canary).
 */
int ebb_batch_collect(const struct ebb_slot slots[EBB_SLOT_COUNT],
		      const struct ebb_map *map,
		      const struct ebb_guest_process *qemu, uint64_t ring_gpa,
		      struct ebb_batch *ret_batch,
		      struct ebb_msg_error *ret_error);

#endif /* EBB_HOST_BATCH_H */
