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
 * The proof. The host asks for the segments of RAM and gets, for each, the places
 * of two pages of ours near its ends; it has us write a fresh nonce there and finds
 * it in the file. They prove what lies between, as each segment is linear in its
 * backing. What no challenge has proven the host never discards.
 *
 * The invariant. Nothing is offered from a segment in which there was no place for
 * a canary, and no range with a place that the host may take for one: the places
 * that it was told since the last challenge are kept in @told.
 *
 * How long. Memory of the boot stays: its canaries are held for good. Memory that
 * was added is to go again, and virtio-mem, which takes it in pieces, tells nobody
 * before it does. So there a canary is held from the host's question until it has
 * attached or HOLD_MS have passed, and the next one is put in the same place if it
 * is free.
 *
 * Hotplug. A canary must not keep memory from going offline. It is marked
 * PageOffline, so the kernel goes on. When it tells us, the canary becomes free
 * memory like any other, and is counted like all that goes: releases differ in how
 * they count a page that is left there. If the memory stays after all, the rescan puts another in its place.
 *
 * No canary is placed while memory goes offline: taking a single page out of
 * a pageblock that hotplug has isolated ends that isolation
 * (alloc_contig_range() undoes it even where it fails), and hotplug would try
 * for ever. Its notifier comes a moment after it isolates; so rescans also
 * wait until events have been quiet for a while (notify.c).
 *
 * Locks. place_lock is held while pages are taken and given, which may migrate
 * others and take long; only who holds it changes the map. map_lock, taken under
 * it for each change, is what a batch waits for, with its ranges off the free
 * lists: nothing under it sleeps.
 */
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "canary.h"
#include "compat.h"
#include "protocol/ring.h"
#include "ring.h"
#include "segment.h"

enum {
	HOLD_MS = 10 * 1000,
	HOLD_LOOK_MS = 250, /* for the host's attaching */
	TOLD_MAX = 4 * EBB_SEGMENT_MAX,
};

struct canary_segment {
	struct segment range;
	bool stale; /* lost memory: not offered from until the next scan */
	bool barren; /* when last tried, no canary had a place */
	struct page *canaries[EBB_CANARY_PER_SEGMENT]; /* low, high; NULL: none */
};

struct canary_map {
	u32 count;
	struct canary_segment segments[EBB_SEGMENT_MAX];
	struct segment scan[EBB_SEGMENT_MAX];
};

static DEFINE_MUTEX(place_lock);
static DEFINE_SPINLOCK(map_lock);
static struct canary_map *map;
static unsigned int offlining; /* blocks on their way, under place_lock */

/* Page frames that the host may take for canaries. */
static unsigned long told[TOLD_MAX];
static u32 told_count;

/* While the canaries of added memory are held. */
static struct workqueue_struct *hold_queue;
static unsigned long hold_end; /* jiffies */
static u32 hold_epoch; /* of the host when it asked */

static void canary_hold_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(hold_work, canary_hold_work);

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

static bool canary_is_told(unsigned long pfn, unsigned long pages)
{
	u32 i;

	for (i = 0; i < told_count; i++) {
		if (told[i] >= pfn && told[i] < pfn + pages)
			return true;
	}
	return false;
}

/* Under map_lock. Return whether it could be noted. */
static bool canary_tell(unsigned long pfn)
{
	if (canary_is_told(pfn, 1))
		return true;
	if (told_count == TOLD_MAX)
		return false;
	told[told_count++] = pfn;
	return true;
}

static unsigned long segment_middle(const struct segment *range)
{
	return range->start + (range->end - range->start) / 2;
}

static bool canary_is_in(const struct canary_map *in, const struct page *page)
{
	u32 i, k;

	for (i = 0; i < in->count; i++) {
		for (k = 0; k < EBB_CANARY_PER_SEGMENT; k++) {
			if (in->segments[i].canaries[k] == page)
				return true;
		}
	}
	return false;
}

/*
 * Copy a canary of the old map. Of several in one half, as when two segments have
 * become one, the outermost stays.
 */
static void canary_adopt(struct canary_map *to, struct page *page)
{
	struct canary_segment *segment;
	struct page **place;
	unsigned long pfn;
	bool high;

	if (!page)
		return;
	pfn = page_to_pfn(page);
	segment = canary_find(to, pfn);
	if (!segment)
		return;
	high = pfn >= segment_middle(&segment->range);
	place = &segment->canaries[high];
	if (!*place || (page_to_pfn(*place) < pfn) == high)
		*place = page;
}

/* Give back what @kept does not have. */
static void canary_give_others(const struct canary_map *old,
			       const struct canary_map *kept)
{
	u32 i, k;

	for (i = 0; i < old->count; i++) {
		for (k = 0; k < EBB_CANARY_PER_SEGMENT; k++) {
			struct page *page = old->segments[i].canaries[k];

			if (page && !canary_is_in(kept, page))
				ebb_segment_give_page(page);
		}
	}
}

/* The place that was told before, else the one that is found. */
static struct page *canary_take(const struct segment *range, bool from_end)
{
	u32 i;

	for (i = 0; i < told_count; i++) {
		struct page *page;

		if (told[i] < range->start || told[i] >= range->end)
			continue;
		page = ebb_segment_take_page_at(told[i]);
		if (page)
			return page;
	}
	return ebb_segment_take_page(range, from_end);
}

/* Under place_lock. Fills the places of @segment that are empty. */
static void canary_place(struct canary_segment *segment)
{
	struct segment halves[EBB_CANARY_PER_SEGMENT] = { segment->range,
							  segment->range };
	bool barren = true;
	u32 k;

	halves[0].end = halves[1].start = segment_middle(&segment->range);
	for (k = 0; k < EBB_CANARY_PER_SEGMENT; k++) {
		struct page *page = NULL;

		if (!segment->canaries[k] && halves[k].start < halves[k].end)
			page = canary_take(&halves[k], k > 0);
		spin_lock(&map_lock);
		if (page)
			segment->canaries[k] = page;
		spin_unlock(&map_lock);
		barren &= !segment->canaries[k];
	}
	spin_lock(&map_lock);
	segment->barren = barren;
	spin_unlock(&map_lock);
}

int ebb_canary_rescan(void)
{
	struct canary_map *fresh = kvzalloc(sizeof(*fresh), GFP_KERNEL);
	u32 i, k, count;

	if (!fresh)
		return -ENOMEM;
	mutex_lock(&place_lock);
	if (offlining)
		goto out; /* the end of it brings another rescan */
	count = ebb_segment_scan(fresh->scan, EBB_SEGMENT_MAX);
	for (i = 0; i < count; i++)
		fresh->segments[i].range = fresh->scan[i];
	fresh->count = count;
	for (i = 0; map && i < map->count; i++) {
		for (k = 0; k < EBB_CANARY_PER_SEGMENT; k++)
			canary_adopt(fresh, map->segments[i].canaries[k]);
	}
	for (i = 0; i < count; i++) {
		if (!fresh->segments[i].range.added)
			canary_place(&fresh->segments[i]);
	}
	spin_lock(&map_lock);
	swap(map, fresh);
	spin_unlock(&map_lock);
	if (fresh)
		canary_give_others(fresh, map);
out:
	mutex_unlock(&place_lock);
	kvfree(fresh);
	return 0;
}

int ebb_canary_init(struct workqueue_struct *queue)
{
	hold_queue = queue;
	return ebb_canary_rescan();
}

void ebb_canary_exit(void)
{
	static const struct canary_map none;

	cancel_delayed_work_sync(&hold_work);
	canary_give_others(map, &none);
	kvfree(map);
	map = NULL;
}

/* Whether a canary of added memory is held. Under place_lock. */
static bool canary_holds_added(void)
{
	u32 i, k;

	for (i = 0; i < map->count; i++) {
		for (k = 0; k < EBB_CANARY_PER_SEGMENT; k++) {
			if (map->segments[i].range.added &&
			    map->segments[i].canaries[k])
				return true;
		}
	}
	return false;
}

/* Under place_lock. */
static void canary_give(struct page **place)
{
	struct page *page = *place;

	if (!page)
		return;
	spin_lock(&map_lock);
	*place = NULL;
	spin_unlock(&map_lock);
	ebb_segment_give_page(page);
}

/* Under place_lock: the canaries of added memory go back. */
static void canary_let_go(void)
{
	u32 i, k;

	for (i = 0; i < map->count; i++) {
		struct canary_segment *segment = &map->segments[i];

		for (k = 0; segment->range.added && k < EBB_CANARY_PER_SEGMENT;
		     k++)
			canary_give(&segment->canaries[k]);
	}
}

static bool canary_host_has_attached(void)
{
	u64 word = ebb_load_acquire(&ebb_ring_page()->host_word);
	u32 epoch = ebb_lease_epoch(word);

	return epoch != hold_epoch && ebb_ring_host_is_attached(word, epoch);
}

static void canary_hold_work(struct work_struct *work)
{
	mutex_lock(&place_lock);
	if (time_after(jiffies, hold_end) || canary_host_has_attached())
		canary_let_go();
	if (canary_holds_added())
		queue_delayed_work(hold_queue, &hold_work,
				   msecs_to_jiffies(HOLD_LOOK_MS));
	mutex_unlock(&place_lock);
}

void ebb_canary_rest(void)
{
	cancel_delayed_work_sync(&hold_work);
	mutex_lock(&place_lock);
	canary_let_go();
	mutex_unlock(&place_lock);
}

/* Under place_lock: the host asks, so there is a canary everywhere for a while. */
static void canary_hold(void)
{
	u32 i;

	hold_epoch =
		ebb_lease_epoch(ebb_load_acquire(&ebb_ring_page()->host_word));
	hold_end = jiffies + msecs_to_jiffies(HOLD_MS);
	for (i = 0; i < map->count && !offlining; i++) {
		if (map->segments[i].range.added)
			canary_place(&map->segments[i]);
	}
	if (canary_holds_added())
		mod_delayed_work(hold_queue, &hold_work,
				 msecs_to_jiffies(HOLD_LOOK_MS));
}

static void canary_write(struct page *page, const struct ebb_canary *content)
{
	u8 *at = page_address(page);

	memcpy(at, content, sizeof(*content));
	memset(at + sizeof(*content), 0, PAGE_SIZE - sizeof(*content));
}

void ebb_canary_challenge(const u8 boot_id[EBB_BOOT_ID_BYTES],
			  const u8 nonce[EBB_NONCE_BYTES])
{
	struct ebb_canary content = { .magic = EBB_CANARY_MAGIC };
	u32 i, k;

	memcpy(content.boot_id, boot_id, EBB_BOOT_ID_BYTES);
	memcpy(content.nonce, nonce, EBB_NONCE_BYTES);
	mutex_lock(&place_lock);
	spin_lock(&map_lock);
	told_count = 0; /* of these, the host keeps what it finds now */
	spin_unlock(&map_lock);
	for (i = 0; i < map->count; i++) {
		for (k = 0; k < EBB_CANARY_PER_SEGMENT; k++) {
			struct page *page = map->segments[i].canaries[k];

			if (!page)
				continue;
			spin_lock(&map_lock);
			canary_tell(page_to_pfn(page));
			spin_unlock(&map_lock);
			content.gpa = page_to_phys(page);
			canary_write(page, &content);
		}
	}
	hold_end = jiffies + msecs_to_jiffies(HOLD_MS);
	mutex_unlock(&place_lock);
}

bool ebb_canary_covers(unsigned long pfn, unsigned long pages)
{
	struct canary_segment *segment;
	bool covers;

	spin_lock(&map_lock);
	segment = canary_find(map, pfn);
	covers = segment && !segment->stale && !segment->barren &&
		 pfn + pages <= segment->range.end &&
		 !canary_is_told(pfn, pages);
	spin_unlock(&map_lock);
	return covers;
}

/* Under map_lock: the canaries of @from that the host may be told. */
static void canary_list_one(const struct canary_segment *from,
			    struct ebb_segment *to)
{
	u32 k;

	to->gpa = (u64)from->range.start << PAGE_SHIFT;
	to->bytes = (u64)(from->range.end - from->range.start) << PAGE_SHIFT;
	to->node = from->range.node;
	for (k = 0; k < EBB_CANARY_PER_SEGMENT && !from->stale; k++) {
		const struct page *page = from->canaries[k];

		if (!page || !canary_tell(page_to_pfn(page)))
			continue;
		to->canary_gpas[to->canary_count++] = page_to_phys(page);
	}
}

void ebb_canary_list(struct ebb_segments *segments)
{
	u32 i;

	memset(segments, 0, sizeof(*segments));
	mutex_lock(&place_lock);
	canary_hold();
	spin_lock(&map_lock);
	segments->count = map->count;
	for (i = 0; i < map->count; i++)
		canary_list_one(&map->segments[i], &segments->segments[i]);
	spin_unlock(&map_lock);
	mutex_unlock(&place_lock);
}

u32 ebb_canary_segment_count(void)
{
	u32 count;

	spin_lock(&map_lock);
	count = map->count;
	spin_unlock(&map_lock);
	return count;
}

static bool canary_overlaps(const struct canary_segment *segment,
			    unsigned long pfn, unsigned long pages)
{
	return pfn < segment->range.end && pfn + pages > segment->range.start;
}

/* Under place_lock. */
static void canary_give_within(struct canary_segment *segment,
			       unsigned long pfn, unsigned long pages)
{
	u32 k;

	for (k = 0; k < EBB_CANARY_PER_SEGMENT; k++) {
		unsigned long at;

		if (!segment->canaries[k])
			continue;
		at = page_to_pfn(segment->canaries[k]);
		if (at >= pfn && at < pfn + pages)
			canary_give(&segment->canaries[k]);
	}
}

void ebb_canary_offline_begin(unsigned long pfn, unsigned long pages)
{
	u32 i;

	mutex_lock(&place_lock);
	offlining++;
	for (i = 0; i < map->count; i++)
		canary_give_within(&map->segments[i], pfn, pages);
	mutex_unlock(&place_lock);
}

/* What began before we were loaded was not counted. */
static void canary_offline_end(void)
{
	if (offlining)
		offlining--;
}

void ebb_canary_offline_cancel(void)
{
	mutex_lock(&place_lock);
	canary_offline_end();
	mutex_unlock(&place_lock);
}

void ebb_canary_offline_done(unsigned long pfn, unsigned long pages)
{
	u32 i;

	mutex_lock(&place_lock);
	canary_offline_end();
	spin_lock(&map_lock);
	for (i = 0; i < map->count; i++)
		map->segments[i].stale |=
			canary_overlaps(&map->segments[i], pfn, pages);
	spin_unlock(&map_lock);
	mutex_unlock(&place_lock);
}
