/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segments of RAM.
 *
 * The memory map is walked by the grain in which it may have holes (2 MiB),
 * so that a TiB costs milliseconds. Holes that are smaller than a section do
 * not split a segment: they are the firmware's (the legacy hole, ACPI), and
 * the backing of the machine's RAM is linear across them. Four things do
 * split: 4 GiB, where machines cut their RAM in two; the node; the border
 * between memory of the boot and memory that was added later, as that has
 * another backing; and the border between two devices of added memory, which the
 * kernel keeps as resources of their own, for the same reason.
 */
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/pfn.h>
#include <linux/sizes.h>

#include "compat.h"
#include "segment.h"

#define FOUR_GIB_PFN (SZ_4G >> PAGE_SHIFT)

enum {
	TRIES_MAX = 32, /* allocations that may fail before giving up */
	WINDOW_PAGES = 64 << (20 - PAGE_SHIFT), /* searched for a cheap page */
	COST_CHEAP = 4, /* not worth to look for better */
	COST_LRU = 64, /* one page to migrate, which may fail */
	COST_NONE = 1 << 30, /* nothing to be had here */
};

static void segment_bounds(unsigned long *start, unsigned long *end)
{
	int node;

	*start = ULONG_MAX;
	*end = 0;
	for_each_online_node(node) {
		const pg_data_t *data = NODE_DATA(node);

		if (!data->node_spanned_pages)
			continue;
		*start = min(*start, data->node_start_pfn);
		*end = max(*end,
			   data->node_start_pfn + data->node_spanned_pages);
	}
	*start = ALIGN_DOWN(*start, EBB_GRAIN_PAGES);
}

static int segment_count_resource(struct resource *resource, void *opaque)
{
	unsigned int *count = opaque;

	++*count;
	return 0;
}

/* Whether one resource of RAM ends before @pfn and another begins there. */
static bool segment_is_border(unsigned long pfn)
{
	unsigned int count = 0;

	walk_iomem_res_desc(IORES_DESC_NONE,
			    IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY,
			    PFN_PHYS(pfn) - 1, PFN_PHYS(pfn) + PAGE_SIZE - 1,
			    &count, segment_count_resource);
	return count > 1;
}

/* Whether @pfn, in RAM of @node, goes on with @segment. */
static bool segment_continues(const struct segment *segment, unsigned long pfn,
			      int node)
{
	if (segment->node != node)
		return false;
	if (segment->start < FOUR_GIB_PFN && pfn >= FOUR_GIB_PFN)
		return false;
	if (pfn - segment->end >= PAGES_PER_SECTION)
		return false;
	if (segment->added != !early_section(__pfn_to_section(pfn)))
		return false;
	return !segment->added || pfn % PAGES_PER_SECTION ||
	       !segment_is_border(pfn);
}

static bool segment_is_ram(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	return page && !PageReserved(page);
}

/* The outer grains may be RAM in part: stay inside of what is. */
static bool segment_trim(struct segment *segment)
{
	while (segment->start < segment->end && !segment_is_ram(segment->start))
		segment->start++;
	while (segment->start < segment->end &&
	       !segment_is_ram(segment->end - 1))
		segment->end--;
	return segment->start < segment->end;
}

u32 ebb_segment_scan(struct segment *segments, u32 max)
{
	unsigned long pfn, start, end;
	u32 count = 0, kept = 0, i;

	segment_bounds(&start, &end);
	for (pfn = start; pfn < end; pfn += EBB_GRAIN_PAGES) {
		struct page *page = pfn_to_online_page(pfn);
		struct segment *last = count ? &segments[count - 1] : NULL;

		if (!page)
			continue;
		if (last && segment_continues(last, pfn, page_to_nid(page))) {
			last->end = pfn + EBB_GRAIN_PAGES;
			continue;
		}
		if (count == max)
			break;
		segments[count].start = pfn;
		segments[count].end = pfn + EBB_GRAIN_PAGES;
		segments[count].node = page_to_nid(page);
		segments[count].added = !early_section(__pfn_to_section(pfn));
		count++;
	}
	for (i = 0; i < count; i++) {
		if (segment_trim(&segments[i]))
			segments[kept++] = segments[i];
	}
	return kept;
}

/*
 * What taking the page at @pfn would cost, in pages that are touched: a free
 * block is taken apart (and zeroed, with init_on_alloc), a page in use moves.
 * Racy, and only a guess.
 */
static unsigned int segment_cost(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	if (!page || PageReserved(page))
		return COST_NONE;
	if (PageBuddy(page)) {
		unsigned long order = READ_ONCE(page_private(page));

		return order < EBB_ORDER_COUNT ? 1u << order : COST_NONE;
	}
	return compat_page_is_movable(page) ? COST_LRU : COST_NONE;
}

/* The cheapest page of a window of @count pages from @pfn, going by @step. */
static unsigned int segment_cheapest(unsigned long pfn, unsigned long count,
				     long step, unsigned long *best)
{
	unsigned int least = COST_NONE;

	for (; count; count--, pfn += step) {
		unsigned int cost = segment_cost(pfn);

		if (cost < least) {
			least = cost;
			*best = pfn;
		}
		if (least <= COST_CHEAP)
			break;
	}
	return least;
}

static struct page *segment_take_at(unsigned long pfn)
{
	if (compat_alloc_page_at(pfn))
		return NULL;
	return pfn_to_page(pfn);
}

/* Where single places cannot be asked for: any page that happens to fit. */
static struct page *segment_take_any(const struct segment *range)
{
	gfp_t gfp = GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN | __GFP_NORETRY;
	struct page *page;

	if (range->end <= FOUR_GIB_PFN)
		gfp |= GFP_DMA32;
	page = alloc_pages_node(range->node, gfp, 0);
	if (!page)
		return NULL;
	if (page_to_pfn(page) >= range->start && page_to_pfn(page) < range->end)
		return page;
	__free_page(page);
	return NULL;
}

struct page *ebb_segment_take_page(const struct segment *range, bool from_end)
{
	unsigned long left = range->end - range->start, best = 0;
	unsigned long pfn = from_end ? range->end - 1 : range->start;
	unsigned int tries = TRIES_MAX;
	long step = from_end ? -1 : 1;
	struct page *page = NULL;

	while (!page && left && tries) {
		unsigned long window = min_t(unsigned long, left, WINDOW_PAGES);

		if (segment_cheapest(pfn, window, step, &best) != COST_NONE) {
			page = segment_take_at(best);
			tries--;
			/* What fails here mostly fails for a pageblock. */
			window = (from_end ? pfn - best : best - pfn) +
				 pageblock_nr_pages;
			window = min(window, left);
		}
		pfn += step * (long)window;
		left -= window;
	}
	if (!page)
		page = segment_take_any(range);
	if (page)
		__SetPageOffline(page);
	return page;
}

struct page *ebb_segment_take_page_at(unsigned long pfn)
{
	struct page *page;

	if (segment_cost(pfn) == COST_NONE)
		return NULL;
	page = segment_take_at(pfn);
	if (page)
		__SetPageOffline(page);
	return page;
}

void ebb_segment_give_page(struct page *page)
{
	__ClearPageOffline(page);
	__free_page(page);
}
