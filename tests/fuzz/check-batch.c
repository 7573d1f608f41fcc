/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/fuzz/check-batch.h"

#include <stdbool.h>
#include <stddef.h>

/* Wide enough that nothing wraps. */
typedef unsigned __int128 wide;

static bool meet(wide a, wide a_bytes, wide b, wide b_bytes)
{
	return a < b + b_bytes && b < a + a_bytes;
}

static bool is_proven(const struct ebb_offer *offer, const struct ebb_map *map)
{
	for (uint32_t i = 0; i < map->segment_count; i++) {
		const struct ebb_map_segment *segment = &map->segments[i];

		if (offer->gpa >= segment->gpa &&
		    (wide)offer->gpa + offer->bytes <=
			    (wide)segment->gpa + segment->bytes &&
		    offer->backing == segment->backing &&
		    offer->offset ==
			    segment->offset + offer->gpa - segment->gpa)
			return true;
	}
	return false;
}

static bool holds_canary(const struct ebb_offer *offer,
			 const struct ebb_map *map)
{
	for (uint32_t i = 0; i < map->segment_count; i++)
		for (uint32_t c = 0; c < map->segments[i].canary_count; c++)
			if (meet(offer->gpa, offer->bytes,
				 map->segments[i].canary_gpas[c],
				 EBB_PAGE_BYTES))
				return true;
	return false;
}

static const char *check_offer(const struct ebb_offer *offer,
			       const struct ebb_slot *slot,
			       const struct ebb_map *map,
			       const struct ebb_guest_process *qemu,
			       uint64_t ring_gpa)
{
	uint64_t page_bytes;
	uint32_t order = ebb_range_order(slot->range);

	if (ebb_lease_state(slot->word) != EBB_LEASE_OFFERED ||
	    offer->word != slot->word)
		return "not an offer";
	if (order < EBB_LEASE_ORDER_MIN || order > EBB_LEASE_ORDER_MAX ||
	    offer->bytes != (uint64_t)EBB_PAGE_BYTES << order ||
	    offer->gpa != ebb_range_pfn(slot->range) * EBB_PAGE_BYTES)
		return "not what the slot says";
	if (ebb_range_pfn(slot->range) > UINT64_MAX / EBB_PAGE_BYTES)
		return "wraps";
	if (!is_proven(offer, map))
		return "outside of proven memory";
	if (meet(offer->gpa, offer->bytes, ring_gpa, EBB_PAGE_BYTES))
		return "over the ring";
	if (holds_canary(offer, map))
		return "over a canary";
	page_bytes = qemu->backings[offer->backing].page_bytes;
	if (offer->gpa % offer->bytes || offer->offset % page_bytes ||
	    offer->bytes % page_bytes)
		return "misaligned";
	return NULL;
}

const char *check_batch(const struct ebb_batch *batch,
			const struct ebb_slot slots[EBB_SLOT_COUNT],
			const struct ebb_map *map,
			const struct ebb_guest_process *qemu, uint64_t ring_gpa)
{
	uint64_t bytes = 0;
	uint32_t offered = 0;

	for (uint32_t i = 0; i < EBB_SLOT_COUNT; i++)
		offered += ebb_lease_state(slots[i].word) == EBB_LEASE_OFFERED;
	if (batch->count != offered)
		return "not as many as were offered";
	for (uint32_t i = 0; i < batch->count; i++) {
		const struct ebb_offer *offer = &batch->offers[i];
		const char *wrong;

		if (offer->slot >= EBB_SLOT_COUNT)
			return "no such slot";
		wrong = check_offer(offer, &slots[offer->slot], map, qemu,
				    ring_gpa);
		if (wrong)
			return wrong;
		for (uint32_t j = 0; j < i; j++) {
			const struct ebb_offer *other = &batch->offers[j];

			if (other->backing > offer->backing ||
			    (other->backing == offer->backing &&
			     other->offset > offer->offset))
				return "out of order";
			if (other->backing == offer->backing &&
			    meet(offer->offset, offer->bytes, other->offset,
				 other->bytes))
				return "overlapping";
		}
		bytes += offer->bytes;
	}
	return batch->bytes == bytes ? NULL : "the sum is wrong";
}
