/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the RAM of this guest is, and how to take one page at a place. */
#ifndef EBB_KMOD_SEGMENT_H
#define EBB_KMOD_SEGMENT_H

#include <linux/mm_types.h>
#include <linux/types.h>

/* RAM [@start, @end), in page frames, contiguous and on one node. */
struct segment {
	unsigned long start;
	unsigned long end;
	int node;
	bool added; /* after the boot: it may go again, in pieces */
};

/**
 * ebb_segment_scan - find all segments, ascending
 * @segments: filled
 * @max: entries of @segments; RAM beyond is left out
 *
 * Return: how many there are.
 */
u32 ebb_segment_scan(struct segment *segments, u32 max);

/**
 * ebb_segment_take_page - take one page in [@start, @end) out of the allocator
 * @from_end: as near as possible to the end instead of the start
 *
 * Sleeps, may move the page's content elsewhere. Return: the page with one
 * reference, marked as offline; or NULL.
 */
struct page *ebb_segment_take_page(const struct segment *range, bool from_end);

/* The same for the page at @pfn alone. */
struct page *ebb_segment_take_page_at(unsigned long pfn);

/* Give a page of ebb_segment_take_page() back. */
void ebb_segment_give_page(struct page *page);

#endif /* EBB_KMOD_SEGMENT_H */
