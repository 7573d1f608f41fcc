/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/batch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int refuse(struct ebb_msg_error *ret_error, int r, uint32_t slot,
		  uint64_t range, const char *what)
{
	snprintf(ret_error->text, sizeof(ret_error->text),
		 "slot %u offers pfn 0x%" PRIx64 " order %u: %s", slot,
		 (uint64_t)ebb_range_pfn(range), ebb_range_order(range), what);
	return r;
}

static int check_offer(const struct ebb_slot *slot, uint32_t index,
		       const struct ebb_map *map,
		       const struct ebb_guest_process *qemu, uint64_t ring_gpa,
		       struct ebb_offer *ret_offer,
		       struct ebb_msg_error *ret_error)
{
	uint64_t pfn = ebb_range_pfn(slot->range);
	uint32_t order = ebb_range_order(slot->range);
	const struct ebb_map_segment *segment;
	uint64_t gpa, bytes;

	if (order < EBB_LEASE_ORDER_MIN || order > EBB_LEASE_ORDER_MAX)
		return refuse(ret_error, -EBADMSG, index, slot->range,
			      "no such order");
	if (pfn & (((uint64_t)1 << order) - 1))
		return refuse(ret_error, -EBADMSG, index, slot->range,
			      "misaligned");
	/* A pfn has 56 bits here, an address 64. */
	if (pfn >> (64 - EBB_PAGE_SHIFT))
		return refuse(ret_error, -EBADMSG, index, slot->range, "wraps");
	gpa = pfn << EBB_PAGE_SHIFT;
	bytes = (uint64_t)EBB_PAGE_BYTES << order;

	segment = ebb_map_find(map, gpa, bytes);
	if (!segment)
		return refuse(ret_error, -ESTALE, index, slot->range,
			      "outside of proven memory");
	if (ring_gpa + EBB_PAGE_BYTES > gpa && ring_gpa < gpa + bytes)
		return refuse(ret_error, -EBADMSG, index, slot->range,
			      "holds the ring");
	if (ebb_map_hits_canary(map, gpa, bytes))
		return refuse(ret_error, -EBADMSG, index, slot->range,
			      "holds a canary");

	*ret_offer = (struct ebb_offer){
		.slot = index,
		.backing = segment->backing,
		.word = slot->word,
		.range = slot->range,
		.gpa = gpa,
		.offset = segment->offset + (gpa - segment->gpa),
		.bytes = bytes,
	};
	/* A part of a huge page is not discarded but zeroed. */
	if (ret_offer->offset % qemu->backings[segment->backing].page_bytes ||
	    bytes % qemu->backings[segment->backing].page_bytes)
		return refuse(ret_error, -ESTALE, index, slot->range,
			      "not whole pages of the backing");
	return 0;
}

static int compare_offers(const void *a, const void *b)
{
	const struct ebb_offer *left = a, *right = b;

	if (left->backing != right->backing)
		return left->backing < right->backing ? -1 : 1;
	if (left->offset != right->offset)
		return left->offset < right->offset ? -1 : 1;
	return 0;
}

int ebb_batch_collect(const struct ebb_slot slots[EBB_SLOT_COUNT],
		      const struct ebb_map *map,
		      const struct ebb_guest_process *qemu, uint64_t ring_gpa,
		      struct ebb_batch *ret_batch,
		      struct ebb_msg_error *ret_error)
{
	struct ebb_batch batch = { 0 };
	int r;

	for (uint32_t i = 0; i < EBB_SLOT_COUNT; i++) {
		if (ebb_lease_state(slots[i].word) != EBB_LEASE_OFFERED)
			continue;
		r = check_offer(&slots[i], i, map, qemu, ring_gpa,
				&batch.offers[batch.count], ret_error);
		if (r < 0)
			return r;
		batch.bytes += batch.offers[batch.count].bytes;
		batch.count++;
	}
	qsort(batch.offers, batch.count, sizeof(batch.offers[0]),
	      compare_offers);

	for (uint32_t i = 1; i < batch.count; i++) {
		const struct ebb_offer *before = &batch.offers[i - 1];
		const struct ebb_offer *offer = &batch.offers[i];

		if (before->backing == offer->backing &&
		    offer->offset - before->offset < before->bytes)
			return refuse(ret_error, -EBADMSG, offer->slot,
				      slots[offer->slot].range,
				      "overlaps another offer");
	}
	*ret_batch = batch;
	return 0;
}
