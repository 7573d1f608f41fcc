/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels, from 5.10 on.
 *
 * Distributions backport, so a version says little about what a kernel has. Each
 * difference is tested by itself: a macro by #ifdef, a type by the compiler, and
 * what neither shows by a probe in Kbuild that defines EBB_HAVE_*. What a probe
 * cannot find either way stops the build. No other file of the module knows that
 * kernels differ.
 */
#ifndef EBB_KMOD_COMPAT_H
#define EBB_KMOD_COMPAT_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/page_reporting.h>
#include <linux/pageblock-flags.h>
#include <linux/vmstat.h>

#if !defined(CONFIG_64BIT) || defined(__BIG_ENDIAN)
#error "ebb.ko: the ring is for 64 bit little-endian machines"
#endif
#if PAGE_SHIFT != 12
#error "ebb.ko: the ring counts in pages of 4 KiB"
#endif
#if !IS_ENABLED(CONFIG_PAGE_REPORTING)
#error "ebb.ko: this kernel has no CONFIG_PAGE_REPORTING"
#endif
#if !IS_ENABLED(CONFIG_SPARSEMEM)
#error "ebb.ko: this kernel has no CONFIG_SPARSEMEM"
#endif

/* How many orders the buddy allocator has. MAX_ORDER meant two things. */
#define EBB_ORDER_COUNT ((int)ARRAY_SIZE(((struct zone *)NULL)->free_area))

/* The grain in which a memory map may have holes. */
#ifdef PAGES_PER_SUBSECTION
#define EBB_GRAIN_PAGES PAGES_PER_SUBSECTION
#else
#define EBB_GRAIN_PAGES PAGES_PER_SECTION
#endif

/* How a free page hangs in a list of the buddy allocator. */
#ifdef EBB_HAVE_BUDDY_LIST
#define EBB_BUDDY_LIST buddy_list
#else
#define EBB_BUDDY_LIST lru
#endif

/*
 * How many pages reclaim has scanned or taken since boot: @item is PGSTEAL_* or
 * PGSCAN_*. Older kernels count these as events, newer ones by node. The names
 * are the same in both, and the wrong one reads another counter.
 */
#if defined(EBB_HAVE_EVENT_PGSTEAL) && !defined(EBB_HAVE_NODE_PGSTEAL)
#define compat_reclaim_pages(events, item) ((events)[item])
#elif defined(EBB_HAVE_NODE_PGSTEAL) && !defined(EBB_HAVE_EVENT_PGSTEAL)
#define compat_reclaim_pages(events, item) global_node_page_state(item)
#else
#error "ebb.ko: where does this kernel count PGSTEAL_KSWAPD?"
#endif

/* Allocations that had to reclaim by themselves, since boot, in all zones. */
static inline u64 compat_allocstall(const unsigned long *events)
{
	u64 sum = events[ALLOCSTALL_NORMAL] + events[ALLOCSTALL_MOVABLE];

#ifdef CONFIG_ZONE_DMA
	sum += events[ALLOCSTALL_DMA];
#endif
#ifdef CONFIG_ZONE_DMA32
	sum += events[ALLOCSTALL_DMA32];
#endif
	return sum;
}

/*
 * Asks for reports of ranges of @order at least, up to @capacity in a call.
 * Kernels without these members report what they report: pageblock_order, and
 * PAGE_REPORTING_CAPACITY ranges.
 */
static inline void compat_report_limits(struct page_reporting_dev_info *device,
					unsigned int order,
					unsigned int capacity)
{
#ifdef EBB_HAVE_REPORTING_ORDER
	device->order = order;
#endif
#ifdef EBB_HAVE_REPORTING_CAPACITY
	device->capacity = capacity;
#endif
}

/* Take the one page at @pfn out of the buddy, moving what lives there. */
static inline int compat_alloc_page_at(unsigned long pfn)
{
#if !IS_ENABLED(CONFIG_CONTIG_ALLOC)
	return -EOPNOTSUPP;
#elif defined(ACR_FLAGS_NONE)
	return alloc_contig_range(pfn, pfn + 1, ACR_FLAGS_NONE,
				  GFP_KERNEL | __GFP_NOWARN);
#else
	return alloc_contig_range(pfn, pfn + 1, MIGRATE_MOVABLE,
				  GFP_KERNEL | __GFP_NOWARN);
#endif
}

/* Whether @page is in use and could be migrated by itself. Racy: a guess. */
static inline bool compat_page_is_movable(struct page *page)
{
#ifdef page_folio
	struct folio *folio = page_folio(page);

	return folio_test_lru(folio) && !folio_test_unevictable(folio) &&
	       !folio_test_large(folio);
#else
	return PageLRU(page) && !PageUnevictable(page) && !PageCompound(page);
#endif
}

/* Runs of kswapd in a row that freed nothing: an int, or an atomic_t. */
static inline int compat_kswapd_failures(struct pglist_data *node)
{
	return _Generic(node->kswapd_failures, int
			: READ_ONCE(*(int *)&node->kswapd_failures), atomic_t
			: atomic_read((atomic_t *)&node->kswapd_failures));
}

#endif /* EBB_KMOD_COMPAT_H */
