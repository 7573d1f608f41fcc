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
 * begin one. A session wants its memory now: ebb_report_passes() queues the work
 * itself and waits for it. It queues it on an unbound queue of ours: the
 * kernel's own is bound to a CPU, and all of its work there would wait while a
 * batch polls.
 *
 * A pass takes a 16th of each list, so it may be over after a batch or two. So a
 * batch that the host is through with queues the next pass: the queue's thread
 * goes on with it, where to wake the session and be asked anew takes as long as a
 * batch of huge pages. A pass without a batch is the last one.
 *
 * Two queues, one ring. A work item that is on two queues may run twice at once:
 * a huge range that is freed just as our pass begins arms the kernel's queue for
 * 2 s later. So each batch disarms it. The ring carries one batch:
 * should two passes meet all the same, the one that comes second finds @batch_lock
 * taken and ends with an error, and its ranges go back at once.
 *
 * What the kernel has isolated is noted in @held until its pass is seen to end.
 * So it may be noted for a moment longer than it is held, never shorter.
 *
 * The marks outlive what they say: a migration, a restore or a dump gives the
 * host pages again for what it had discarded. It sees that in its books and has
 * the marks cleared (ebb_report_rearm()), which touches no page's content.
 */
#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/page_reporting.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "canary.h"
#include "compat.h"
#include "report.h"
#include "zone.h"

static_assert(PAGE_REPORTING_CAPACITY == EBB_SLOT_COUNT,
	      "a batch of the kernel fills the ring");

enum {
	REARM_MAX = 64, /* pages looked at with interrupts off */
};

static struct page_reporting_dev_info device;
static report_lease_fn lease_fn;
static struct workqueue_struct *report_queue;
static atomic_t calls = ATOMIC_INIT(0);
static DEFINE_MUTEX(batch_lock);

/* The ranges of the last callback, until its pass has ended. */
static struct {
	u32 count;
	struct batch_range ranges[EBB_SLOT_COUNT];
} held;

static DEFINE_SPINLOCK(held_lock);

static DECLARE_WAIT_QUEUE_HEAD(pass_wait);
static bool pass_ended; /* the last one, which nothing follows */
static atomic_t pass_follows = ATOMIC_INIT(0); /* 1: a batch queued the next */
static u32 pass_first_call; /* of the pass under way */
static u32 pass_count; /* of this ebb_report_passes() */

static void report_hold(struct scatterlist *sgl, unsigned int nents)
{
	struct scatterlist *sg;
	unsigned int i;

	spin_lock(&held_lock);
	for_each_sg(sgl, sg, nents, i) {
		held.ranges[i].pfn = page_to_pfn(sg_page(sg));
		held.ranges[i].order = get_order(sg->length);
	}
	held.count = nents;
	spin_unlock(&held_lock);
}

static void report_release(void)
{
	spin_lock(&held_lock);
	held.count = 0;
	spin_unlock(&held_lock);
}

unsigned long ebb_report_held_pages(unsigned long pfn, unsigned long pages)
{
	unsigned long sum = 0;
	u32 i;

	spin_lock(&held_lock);
	for (i = 0; i < held.count; i++) {
		const struct batch_range *range = &held.ranges[i];
		unsigned long size = 1ul << range->order;

		if (range->pfn < pfn + pages && pfn < range->pfn + size)
			sum += size;
	}
	spin_unlock(&held_lock);
	return sum;
}

static bool report_may_offer(u64 pfn, u32 order)
{
	return order >= EBB_LEASE_ORDER_MIN && order <= EBB_LEASE_ORDER_MAX &&
	       ebb_canary_covers(pfn, 1ul << order);
}

static int report_lease(struct scatterlist *sgl, unsigned int nents)
{
	struct batch_range ranges[EBB_SLOT_COUNT];
	struct scatterlist *sg;
	unsigned int i;
	u32 count = 0;

	report_hold(sgl, nents);
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

static int report_batch(struct page_reporting_dev_info *dev,
			struct scatterlist *sgl, unsigned int nents)
{
	int err;

	atomic_inc(&calls);
	if (WARN_ON_ONCE(nents > EBB_SLOT_COUNT))
		return -EINVAL;
	if (!mutex_trylock(&batch_lock))
		return -EAGAIN;
	/* The kernel's own pass: it would poll on a CPU's queue. */
	cancel_delayed_work(&device.work);
	atomic_set(&pass_follows, 0);
	err = report_lease(sgl, nents);
	if (!err && !READ_ONCE(pass_ended)) {
		mod_delayed_work(report_queue, &device.work, 0);
		atomic_set(&pass_follows, 1);
	}
	mutex_unlock(&batch_lock);
	return err;
}

void ebb_report_init(struct workqueue_struct *queue)
{
	report_queue = queue;
}

int ebb_report_register(report_lease_fn lease)
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

void ebb_report_unregister(void)
{
	page_reporting_unregister(&device);
	report_release();
}

/*
 * Clear the marks of at most REARM_MAX entries of a free list, and of @left, from
 * its front; the rest comes to the front. As __del_page_from_free_list() of
 * mm/page_alloc.c clears a mark. Return whether there is a rest.
 */
static bool report_rearm_some(struct list_head *list, unsigned long *left)
{
	unsigned int some = REARM_MAX;
	struct page *page;

	list_for_each_entry(page, list, EBB_BUDDY_LIST) {
		if (!*left || !some) {
			list_rotate_to_front(&page->EBB_BUDDY_LIST, list);
			return *left > 0;
		}
		__ClearPageReported(page);
		some--;
		--*left;
	}
	return false;
}

static void report_rearm_list(struct zone *zone, int order, int type)
{
	struct free_area *area = &zone->free_area[order];
	unsigned long left = READ_ONCE(area->nr_free);
	unsigned long flags;
	bool more = true;

	while (more) {
		spin_lock_irqsave(&zone->lock, flags);
		more = report_rearm_some(&area->free_list[type], &left);
		spin_unlock_irqrestore(&zone->lock, flags);
		cond_resched();
	}
}

static void report_rearm_zone(struct zone *zone)
{
	int order, type;

	for (order = EBB_LEASE_ORDER_MIN; order < EBB_ORDER_COUNT; order++) {
		for (type = 0; type < MIGRATE_TYPES; type++)
			report_rearm_list(zone, order, type);
	}
}

void ebb_report_rearm(void)
{
	struct zone *zone;
	int node, i;

	for_each_node_state(node, N_MEMORY) {
		for_each_node_zone(zone, node, i)
			report_rearm_zone(zone);
	}
}

/* On the ordered queue: behind each pass. */
static void report_pass_end(struct work_struct *work)
{
	pass_count++;
	if (atomic_xchg(&pass_follows, 0)) {
		pass_first_call = atomic_read(&calls);
		queue_work(report_queue, work);
		return;
	}
	WRITE_ONCE(pass_ended, true);
	wake_up_all(&pass_wait);
}

static DECLARE_WORK(pass_end_work, report_pass_end);

u32 ebb_report_passes(u32 *ret_passes)
{
	/* One of the kernel's own would keep ours from the ring. */
	cancel_delayed_work_sync(&device.work);
	pass_count = 0;
	pass_first_call = atomic_read(&calls);
	atomic_set(&pass_follows, 0);
	WRITE_ONCE(pass_ended, false);
	/* Not queue_delayed_work(): what was freed just now may have armed it. */
	mod_delayed_work(report_queue, &device.work, 0);
	queue_work(report_queue, &pass_end_work);
	/* A flush alone would be a hung task while a dead host has a grant. */
	wait_event_idle(pass_wait, READ_ONCE(pass_ended));
	/* One that the kernel had begun by itself is on a queue of its own. */
	flush_work(&device.work.work);
	report_release();
	*ret_passes = pass_count;
	return atomic_read(&calls) - pass_first_call;
}
