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
 * HIGH is raised, which wakes nobody: it is where kswapd stops. MIN would make
 * allocations fail or stall, LOW would stop page reporting. Since 6.7 an allocation
 * looks at HIGH as well: in a zone below it (ZONE_BELOW_HIGH) each processor keeps
 * fewer free pages to itself, and goes to the zone's lists more often. So a target
 * that is held is never over what is free (ebb_watermark_hold()), and the part "held"
 * of scripts/bench-threshold says what it costs. Where memory is tiered
 * kswapd stops at PROMO instead, so a mark above HIGH is raised with it; nothing
 * else looks at that but whether a page may be promoted into this node.
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

enum {
	/* HIGH, and PROMO where the kernel has it. */
	RAISED_COUNT = NR_WMARK - WMARK_HIGH,
};

/* @ours is 0 while the mark is the kernel's. */
struct raised {
	unsigned long own;
	unsigned long ours;
};

/* Of one zone, under its lock. */
struct mark {
	struct raised raised[RAISED_COUNT];
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
	unsigned long flags;
	int i;

	high = min(high, zone_managed_pages(zone));
	spin_lock_irqsave(&zone->lock, flags);
	for (i = 0; i < RAISED_COUNT; i++) {
		struct raised *raised = &mark->raised[i];
		unsigned long now = zone->_watermark[WMARK_HIGH + i];

		if (!raised->ours || now != raised->ours)
			raised->own = now;
		raised->ours = high > raised->own ? high : 0;
		WRITE_ONCE(zone->_watermark[WMARK_HIGH + i],
			   max(high, raised->own));
	}
	spin_unlock_irqrestore(&zone->lock, flags);
}

void ebb_watermark_raise_over(int node, u64 step)
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

void ebb_watermark_hold(int node, u64 target)
{
	unsigned long managed = node_managed_pages(node);
	struct zone *zone;
	int i;

	for_each_node_zone(zone, node, i)
		mark_raise(zone, &marks[node][i],
			   min(zone_share(zone, target, managed),
			       zone_page_state(zone, NR_FREE_PAGES)));
}

void ebb_watermark_reassert(int node)
{
	struct zone *zone;
	int i;

	for_each_node_zone(zone, node, i) {
		unsigned long ours = marks[node][i].raised[0].ours;

		if (ours)
			mark_raise(zone, &marks[node][i], ours);
	}
}

static void mark_restore(struct zone *zone, struct mark *mark)
{
	unsigned long flags;
	int i;

	spin_lock_irqsave(&zone->lock, flags);
	for (i = 0; i < RAISED_COUNT; i++) {
		struct raised *raised = &mark->raised[i];

		if (raised->ours &&
		    zone->_watermark[WMARK_HIGH + i] == raised->ours)
			WRITE_ONCE(zone->_watermark[WMARK_HIGH + i],
				   raised->own);
		raised->ours = 0;
	}
	/* What kswapd has not worked off: it counts in MIN. */
	zone->watermark_boost -= min(zone->watermark_boost, mark->boost);
	mark->boost = 0;
	spin_unlock_irqrestore(&zone->lock, flags);
}

void ebb_watermark_restore(int node)
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

void ebb_watermark_kick(int node)
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
