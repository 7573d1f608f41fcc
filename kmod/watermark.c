/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The marks.
 *
 * Theory of operation
 * ===================
 *
 * The problem. The kernel computes the marks itself, anew at sysctl writes and
 * memory hotplug (setup_per_zone_wmarks() of mm/page_alloc.c), and tells nobody.
 *
 * The invariant. A mark that is not the one that we wrote is the kernel's:
 * then that is what is given back. So the kernel's last word is never lost,
 * and what we leave behind is never older than it. Both sides write under
 * zone->lock.
 *
 * HIGH alone is raised. It wakes nobody, and no allocation looks at it: it is
 * where kswapd stops. MIN would make allocations fail or stall, LOW would stop
 * page reporting.
 */
#include <linux/gfp.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/spinlock.h>
#include <linux/vmstat.h>

#include "watermark.h"
#include "zone.h"

enum {
	/* A zone of less is not boosted: a pageblock would be much of it. */
	BOOST_ZONE_PAGEBLOCKS = 64,
};

/* Of one zone, under its lock. @ours is 0 while the mark is the kernel's. */
struct mark {
	unsigned long own;
	unsigned long ours;
	unsigned long boost; /* added by us, not yet worked off */
};

static struct mark marks[EBB_NODE_MAX][MAX_NR_ZONES];

static unsigned long zone_share(struct zone *zone, u64 pages,
				unsigned long managed)
{
	return managed ? mul_u64_u64_div_u64(pages, zone_managed_pages(zone),
					     managed)
		       : 0;
}

static void mark_raise(struct zone *zone, struct mark *mark, unsigned long high)
{
	unsigned long flags, now;

	high = min(high, zone_managed_pages(zone));
	spin_lock_irqsave(&zone->lock, flags);
	now = zone->_watermark[WMARK_HIGH];
	if (!mark->ours || now != mark->ours)
		mark->own = now;
	high = max(high, mark->own);
	mark->ours = high > mark->own ? high : 0;
	WRITE_ONCE(zone->_watermark[WMARK_HIGH], high);
	spin_unlock_irqrestore(&zone->lock, flags);
}

void watermark_raise_over(int node, u64 step)
{
	unsigned long managed = node_managed_pages(node);
	struct zone *zone;
	int i;

	for_each_node_zone(zone, node, i) {
		unsigned long share = max(zone_share(zone, step, managed),
					  (unsigned long)pageblock_nr_pages);

		mark_raise(zone, &marks[node][i],
			   zone_page_state(zone, NR_FREE_PAGES) + share);
	}
}

void watermark_hold(int node, u64 target)
{
	unsigned long managed = node_managed_pages(node);
	struct zone *zone;
	int i;

	for_each_node_zone(zone, node, i)
		mark_raise(zone, &marks[node][i],
			   min(zone_share(zone, target, managed),
			       zone_page_state(zone, NR_FREE_PAGES)));
}

void watermark_reassert(int node)
{
	struct zone *zone;
	int i;

	for_each_node_zone(zone, node, i) {
		if (marks[node][i].ours)
			mark_raise(zone, &marks[node][i], marks[node][i].ours);
	}
}

static void mark_restore(struct zone *zone, struct mark *mark)
{
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	if (mark->ours && zone->_watermark[WMARK_HIGH] == mark->ours)
		WRITE_ONCE(zone->_watermark[WMARK_HIGH], mark->own);
	mark->ours = 0;
	/* What kswapd has not worked off: it counts in MIN. */
	zone->watermark_boost -= min(zone->watermark_boost, mark->boost);
	mark->boost = 0;
	spin_unlock_irqrestore(&zone->lock, flags);
}

void watermark_restore(int node)
{
	struct zone *zone;
	int i;

	for_each_node_zone(zone, node, i)
		mark_restore(zone, &marks[node][i]);
}

static void zone_boost(struct zone *zone, struct mark *mark)
{
	unsigned long flags;
	bool large = zone_managed_pages(zone) >=
		     BOOST_ZONE_PAGEBLOCKS * pageblock_nr_pages;

	spin_lock_irqsave(&zone->lock, flags);
	if (large && zone->watermark_boost < pageblock_nr_pages) {
		mark->boost = pageblock_nr_pages - zone->watermark_boost;
		zone->watermark_boost = pageblock_nr_pages;
	}
	/* In each zone: it is what has the next allocation from it wake kswapd. */
	set_bit(ZONE_BOOSTED_WATERMARK, &zone->flags);
	spin_unlock_irqrestore(&zone->lock, flags);
}

void watermark_kick(int node)
{
	/* From the highest zone there is, and without reclaiming itself. */
	gfp_t gfp = (GFP_HIGHUSER_MOVABLE & ~__GFP_DIRECT_RECLAIM) |
		    __GFP_THISNODE | __GFP_NOWARN | __GFP_NOMEMALLOC;
	struct zone *zone;
	struct page *page;
	int i;

	for_each_node_zone(zone, node, i)
		zone_boost(zone, &marks[node][i]);
	page = alloc_pages_node(node, gfp, 0);
	if (page)
		__free_page(page);
}
