/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels, from 6.1 on. No other file of the module tests
 * a kernel version, so that dropping an old kernel is an edit of this file.
 */
#ifndef EBB_KMOD_COMPAT_H
#define EBB_KMOD_COMPAT_H

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pageblock-flags.h>
#include <linux/version.h>

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

/* How many orders the buddy allocator has: MAX_ORDER was exclusive once. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define EBB_ORDER_COUNT NR_PAGE_ORDERS
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define EBB_ORDER_COUNT (MAX_ORDER + 1)
#else
#define EBB_ORDER_COUNT MAX_ORDER
#endif

/* The grain in which a memory map may have holes. */
#ifdef PAGES_PER_SUBSECTION
#define EBB_GRAIN_PAGES PAGES_PER_SUBSECTION
#else
#define EBB_GRAIN_PAGES PAGES_PER_SECTION
#endif

/* Take the one page at @pfn out of the buddy, moving what lives there. */
static inline int compat_alloc_page_at(unsigned long pfn)
{
#if !IS_ENABLED(CONFIG_CONTIG_ALLOC)
	return -EOPNOTSUPP;
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	return alloc_contig_range(pfn, pfn + 1, ACR_FLAGS_NONE,
				  GFP_KERNEL | __GFP_NOWARN);
#else
	return alloc_contig_range(pfn, pfn + 1, MIGRATE_MOVABLE,
				  GFP_KERNEL | __GFP_NOWARN);
#endif
}

/*
 * A held page that must not keep its memory block from going offline: marked
 * skippable since 6.16, before that its owner drops the reference meanwhile.
 */
static inline void compat_mark_offline(struct page *page)
{
	__SetPageOffline(page);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	__SetPageOfflineSkippable(page);
#endif
}

static inline void compat_unmark_offline(struct page *page)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	__ClearPageOfflineSkippable(page);
#endif
	__ClearPageOffline(page);
}

/*
 * Runs of kswapd in a row that freed nothing: an int, and an atomic_t of the
 * same layout in newer kernels.
 */
static inline int compat_kswapd_failures(const struct pglist_data *node)
{
	return READ_ONCE(*(const int *)&node->kswapd_failures);
}

static inline void compat_offline_begin(struct page *page)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
	WARN_ON_ONCE(!page_ref_dec_and_test(page));
#endif
}

static inline void compat_offline_cancel(struct page *page)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
	page_ref_inc(page);
#endif
}

#endif /* EBB_KMOD_COMPAT_H */
