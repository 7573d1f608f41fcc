/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Canary pages.
 *
 * Theory of operation
 * ===================
 *
 * The problem. The host computes where in which file our memory lies. If it
 * is wrong, it discards live data, maybe of another guest.
 *
 * The invariant. Nothing is offered but from a segment that holds a canary:
 * a page of ours whose content the host chose (a fresh nonce) and then found
 * in the file. Two for each segment, near its ends, prove what lies between,
 * as each segment is linear in its backing.
 *
 * Hotplug. A canary must not keep memory from going offline. It is marked
 * PageOffline and follows the rules for such pages: its reference is dropped
 * while the memory goes, and forgotten, or taken again, with the outcome.
 *
 * No canary is placed while memory goes offline: taking a single page out of
 * a pageblock that hotplug has isolated ends that isolation
 * (alloc_contig_range() undoes it even where it fails), and hotplug would try
 * for ever. Its notifier comes a moment after it isolates; so rescans also
 * wait until events have been quiet for a while (notify.c).
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/page_ref.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "canary.h"
#include "compat.h"
#include "protocol/ring.h"
#include "segment.h"

struct canary {
	struct page *page; /* NULL: none */
	bool lent; /* to memory hotplug: not ours to touch */
};

struct canary_segment {
	struct segment range;
	bool stale; /* lost memory: not offered from until the next scan */
	struct canary canaries[EBB_CANARY_PER_SEGMENT]; /* low, high */
};

struct canary_map {
	u32 count;
	struct canary_segment segments[EBB_SEGMENT_MAX];
	struct segment scan[EBB_SEGMENT_MAX];
};

static DEFINE_MUTEX(canary_lock);
static struct canary_map *map;
static unsigned int offlining; /* blocks on their way, under canary_lock */

static void canary_release(struct canary *canary)
{
	/* A page that is lent is hotplug's by now. */
	if (canary->page && !canary->lent)
		segment_give_page(canary->page);
	canary->page = NULL;
	canary->lent = false;
}

static struct canary_segment *canary_find(struct canary_map *in,
					  unsigned long pfn)
{
	u32 i;

	for (i = 0; i < in->count; i++) {
		struct segment *range = &in->segments[i].range;

		if (pfn >= range->start && pfn < range->end)
			return &in->segments[i];
	}
	return NULL;
}

static unsigned long segment_middle(const struct segment *range)
{
	return range->start + (range->end - range->start) / 2;
}

/*
 * Bring a canary of the old map over. Of several in one half, as when two
 * segments have become one, the outermost stays.
 */
static void canary_adopt(struct canary_map *to, struct canary *from)
{
	struct canary_segment *segment;
	struct canary *place;
	unsigned long pfn;
	bool high;

	if (!from->page)
		return;
	pfn = page_to_pfn(from->page);
	segment = canary_find(to, pfn);
	if (!segment) {
		canary_release(from);
		return;
	}
	high = pfn >= segment_middle(&segment->range);
	place = &segment->canaries[high];
	if (place->page && (page_to_pfn(place->page) < pfn) != high) {
		canary_release(from);
		return;
	}
	canary_release(place);
	*place = *from;
}

static void canary_place(struct canary_segment *segment)
{
	struct segment low = segment->range, high = segment->range;

	low.end = high.start = segment_middle(&segment->range);
	if (!segment->canaries[0].page && low.start < low.end)
		segment->canaries[0].page = segment_take_page(&low, false);
	if (!segment->canaries[1].page)
		segment->canaries[1].page = segment_take_page(&high, true);
}

int canary_rescan(void)
{
	struct canary_map *fresh = kvzalloc(sizeof(*fresh), GFP_KERNEL);
	u32 i, k, count;

	if (!fresh)
		return -ENOMEM;
	mutex_lock(&canary_lock);
	if (offlining)
		goto out; /* the end of it brings another rescan */
	count = segment_scan(fresh->scan, EBB_SEGMENT_MAX);
	for (i = 0; i < count; i++)
		fresh->segments[i].range = fresh->scan[i];
	fresh->count = count;
	for (i = 0; map && i < map->count; i++) {
		for (k = 0; k < EBB_CANARY_PER_SEGMENT; k++)
			canary_adopt(fresh, &map->segments[i].canaries[k]);
	}
	for (i = 0; i < count; i++)
		canary_place(&fresh->segments[i]);
	swap(map, fresh);
out:
	mutex_unlock(&canary_lock);
	kvfree(fresh);
	return 0;
}

int canary_init(void)
{
	return canary_rescan();
}

void canary_exit(void)
{
	u32 i, k;

	for (i = 0; i < map->count; i++) {
		for (k = 0; k < EBB_CANARY_PER_SEGMENT; k++)
			canary_release(&map->segments[i].canaries[k]);
	}
	kvfree(map);
	map = NULL;
}

static void canary_write(struct page *page, const struct ebb_canary *content)
{
	u8 *at = page_address(page);

	memcpy(at, content, sizeof(*content));
	memset(at + sizeof(*content), 0, PAGE_SIZE - sizeof(*content));
}

void canary_challenge(const u8 boot_id[EBB_BOOT_ID_BYTES],
		      const u8 nonce[EBB_NONCE_BYTES])
{
	struct ebb_canary content = { .magic = EBB_CANARY_MAGIC };
	u32 i, k;

	memcpy(content.boot_id, boot_id, EBB_BOOT_ID_BYTES);
	memcpy(content.nonce, nonce, EBB_NONCE_BYTES);
	mutex_lock(&canary_lock);
	for (i = 0; i < map->count; i++) {
		for (k = 0; k < EBB_CANARY_PER_SEGMENT; k++) {
			struct canary *canary = &map->segments[i].canaries[k];

			if (!canary->page || canary->lent)
				continue;
			content.gpa = page_to_phys(canary->page);
			canary_write(canary->page, &content);
		}
	}
	mutex_unlock(&canary_lock);
}

static u32 canary_held(const struct canary_segment *segment, u64 *gpas)
{
	u32 k, count = 0;

	for (k = 0; k < EBB_CANARY_PER_SEGMENT; k++) {
		const struct canary *canary = &segment->canaries[k];

		if (!canary->page || canary->lent)
			continue;
		gpas[count++] = page_to_phys(canary->page);
	}
	return count;
}

bool canary_covers(unsigned long pfn, unsigned long pages)
{
	u64 gpas[EBB_CANARY_PER_SEGMENT];
	struct canary_segment *segment;
	bool covers;

	mutex_lock(&canary_lock);
	segment = canary_find(map, pfn);
	covers = segment && !segment->stale &&
		 pfn + pages <= segment->range.end &&
		 canary_held(segment, gpas);
	mutex_unlock(&canary_lock);
	return covers;
}

void canary_list(struct ebb_segments *segments)
{
	u32 i;

	mutex_lock(&canary_lock);
	memset(segments, 0, sizeof(*segments));
	segments->count = map->count;
	for (i = 0; i < map->count; i++) {
		const struct canary_segment *from = &map->segments[i];
		struct ebb_segment *to = &segments->segments[i];

		to->gpa = (u64)from->range.start << PAGE_SHIFT;
		to->bytes = (u64)(from->range.end - from->range.start)
			    << PAGE_SHIFT;
		to->node = from->range.node;
		if (!from->stale)
			to->canary_count = canary_held(from, to->canary_gpas);
	}
	mutex_unlock(&canary_lock);
}

u32 canary_segment_count(void)
{
	u32 count;

	mutex_lock(&canary_lock);
	count = map->count;
	mutex_unlock(&canary_lock);
	return count;
}

enum canary_offline {
	OFFLINE_BEGIN,
	OFFLINE_CANCEL,
	OFFLINE_DONE
};

static void canary_offline_one(struct canary *canary, enum canary_offline event)
{
	if (event == OFFLINE_BEGIN && !canary->lent) {
		canary->lent = true;
		WARN_ON_ONCE(!page_ref_dec_and_test(canary->page));
	} else if (event == OFFLINE_CANCEL && canary->lent) {
		page_ref_inc(canary->page);
		canary->lent = false;
	} else if (event == OFFLINE_DONE && canary->lent) {
		canary->page = NULL;
		canary->lent = false;
	}
}

static void canary_offline(unsigned long pfn, unsigned long pages,
			   enum canary_offline event)
{
	u32 i, k;

	mutex_lock(&canary_lock);
	if (event == OFFLINE_BEGIN)
		offlining++;
	else if (offlining) /* else it began before we were loaded */
		offlining--;
	for (i = 0; i < map->count; i++) {
		struct canary_segment *segment = &map->segments[i];

		if (pfn >= segment->range.end ||
		    pfn + pages <= segment->range.start)
			continue;
		segment->stale |= event == OFFLINE_DONE;
		for (k = 0; k < EBB_CANARY_PER_SEGMENT; k++) {
			struct canary *canary = &segment->canaries[k];
			unsigned long at;

			if (!canary->page)
				continue;
			at = page_to_pfn(canary->page);
			if (at >= pfn && at < pfn + pages)
				canary_offline_one(canary, event);
		}
	}
	mutex_unlock(&canary_lock);
}

void canary_offline_begin(unsigned long pfn, unsigned long pages)
{
	canary_offline(pfn, pages, OFFLINE_BEGIN);
}

void canary_offline_cancel(unsigned long pfn, unsigned long pages)
{
	canary_offline(pfn, pages, OFFLINE_CANCEL);
}

void canary_offline_done(unsigned long pfn, unsigned long pages)
{
	canary_offline(pfn, pages, OFFLINE_DONE);
}
