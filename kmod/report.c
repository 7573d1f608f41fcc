/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Free page reporting.
 *
 * Theory of operation
 * ===================
 *
 * The kernel isolates up to 32 free ranges and calls back; they return to the
 * free lists when the callback does, and are marked as reported if it says 0.
 * The mark lasts until the range is used, beyond our registration, so that a
 * session visits each free range once. There is one mark for the batch: an
 * error puts all of it back to come again, what was discarded included (a
 * discard of a hole then).
 *
 * An error also ends the kernel's pass. So ranges that are never offered (out
 * of the canaried segments, of an order that the ring does not carry) do not
 * make an error: they are marked as reported and out of the way. Would they,
 * they came first again in each pass, and the pass would end at them.
 *
 * The kernel waits 2 s between passes and needs a free of a huge range to
 * begin one. A session wants its memory now: report_pass() queues the work
 * itself and waits for it. The work is on the kernel's own queue, as the
 * kernel's own schedule_delayed_work() would have it.
 *
 * The marks outlive what they say: a migration, a restore or a dump gives the
 * host pages again for what it had discarded. It sees that in its books and has
 * the marks cleared (report_rearm()), which touches no page's content.
 */
#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/page_reporting.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "canary.h"
#include "compat.h"
#include "report.h"
#include "zone.h"

static_assert(PAGE_REPORTING_CAPACITY == EBB_SLOT_COUNT,
	      "a batch of the kernel fills the ring");

static struct page_reporting_dev_info device;
static report_lease_fn lease_fn;
static atomic_t calls = ATOMIC_INIT(0);

static bool report_may_offer(u64 pfn, u32 order)
{
	return order >= EBB_LEASE_ORDER_MIN && order <= EBB_LEASE_ORDER_MAX &&
	       canary_covers(pfn, 1ul << order);
}

static int report_batch(struct page_reporting_dev_info *dev,
			struct scatterlist *sgl, unsigned int nents)
{
	struct batch_range ranges[EBB_SLOT_COUNT];
	struct scatterlist *sg;
	unsigned int i;
	u32 count = 0;

	atomic_inc(&calls);
	if (WARN_ON_ONCE(nents > EBB_SLOT_COUNT))
		return -EINVAL;
	for_each_sg(sgl, sg, nents, i) {
		u64 pfn = page_to_pfn(sg_page(sg));
		u32 order = get_order(sg->length);

		if (!report_may_offer(pfn, order))
			continue;
		ranges[count].pfn = pfn;
		ranges[count].order = order;
		count++;
	}
	return count ? lease_fn(ranges, count) : 0;
}

int report_register(report_lease_fn lease)
{
	lease_fn = lease;
	memset(&device, 0, sizeof(device));
	device.report = report_batch;
	/* Never 0 or unset: kernels differ in what these mean. */
	compat_report_limits(&device,
			     max_t(unsigned int, pageblock_order,
				   EBB_LEASE_ORDER_MIN),
			     EBB_SLOT_COUNT);
	return page_reporting_register(&device);
}

void report_unregister(void)
{
	page_reporting_unregister(&device);
}

/* As __del_page_from_free_list() of mm/page_alloc.c clears the mark. */
static void report_rearm_zone(struct zone *zone)
{
	unsigned long flags;
	struct page *page;
	int order, type;

	spin_lock_irqsave(&zone->lock, flags);
	for (order = EBB_LEASE_ORDER_MIN; order < EBB_ORDER_COUNT; order++) {
		for (type = 0; type < MIGRATE_TYPES; type++) {
			list_for_each_entry(
				page, &zone->free_area[order].free_list[type],
				EBB_BUDDY_LIST)
				__ClearPageReported(page);
		}
	}
	spin_unlock_irqrestore(&zone->lock, flags);
}

void report_rearm(void)
{
	struct zone *zone;
	int node, i;

	for_each_node_state(node, N_MEMORY) {
		for_each_node_zone(zone, node, i)
			report_rearm_zone(zone);
	}
}

u32 report_pass(void)
{
	u32 before = atomic_read(&calls);

	/* If it is queued for later, the flush makes it run now. */
	schedule_delayed_work(&device.work, 0);
	flush_delayed_work(&device.work);
	return atomic_read(&calls) - before;
}
