/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The facts page. A snapshot is taken first and then copied under the
 * seqlock, so that a reader finds it odd for as short as can be. The timer is
 * deferrable: an idle guest is not woken to say that nothing has changed.
 */
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/vmstat.h>

#include "compat.h"
#include "facts.h"
#include "ring.h"
#include "zone.h"

static DEFINE_MUTEX(facts_lock);
static atomic64_t done_bytes = ATOMIC64_INIT(0);
static atomic64_t batches = ATOMIC64_INIT(0);
static struct workqueue_struct *facts_queue;

/* Under facts_lock: too large for a stack. */
static struct ebb_facts snapshot;
static struct facts_target noted;
static unsigned long events[NR_VM_EVENT_ITEMS];

static u64 pages_bytes(u64 pages)
{
	return pages << PAGE_SHIFT;
}

static void facts_read_node(int node, struct ebb_node_facts *facts)
{
	struct zone *zone;
	int i;

	facts->node = node;
	if (node < EBB_NODE_MAX)
		facts->target_bytes = pages_bytes(noted.node_pages[node]);
	for_each_node_zone(zone, node, i) {
		facts->total_bytes += pages_bytes(zone_managed_pages(zone));
		facts->free_bytes +=
			pages_bytes(zone_page_state(zone, NR_FREE_PAGES));
		facts->free_huge_bytes +=
			pages_bytes(zone_free_huge_pages(zone));
		facts->low_watermark_bytes +=
			pages_bytes(low_wmark_pages(zone));
		facts->high_watermark_bytes +=
			pages_bytes(high_wmark_pages(zone));
	}
}

/* Into @counts, under facts_lock. */
static void facts_count_events(struct facts_events *counts)
{
	all_vm_events(events);
	counts->allocstall = compat_allocstall(events);
	/* Direct reclaim that is global is a stall; newer kernels count others. */
	counts->steal = compat_reclaim_pages(events, PGSTEAL_KSWAPD);
	counts->refault = global_node_page_state(WORKINGSET_REFAULT_ANON) +
			  global_node_page_state(WORKINGSET_REFAULT_FILE);
}

/* Over all that can be: what a CPU counted moves to another when it leaves. */
u64 ebb_facts_allocstall(void)
{
	u64 sum = 0;
	int cpu, zone;

	for_each_possible_cpu(cpu)
	{
		const struct vm_event_state *state =
			&per_cpu(vm_event_states, cpu);

		for (zone = 0; zone < MAX_NR_ZONES; zone++)
			sum += READ_ONCE(state->event[ALLOCSTALL_NORMAL -
						      ZONE_NORMAL + zone]);
	}
	return sum;
}

void ebb_facts_read_events(struct facts_events *counts)
{
	mutex_lock(&facts_lock);
	facts_count_events(counts);
	mutex_unlock(&facts_lock);
}

static void facts_read(struct ebb_facts *facts)
{
	struct facts_events counts;
	int node;

	memset(facts, 0, sizeof(*facts));
	facts->stamp_ns = ktime_get_boottime_ns();
	for_each_node_state(node, N_MEMORY) {
		struct ebb_node_facts spill = {}, *to = &spill;

		if (facts->node_count < EBB_NODE_MAX)
			to = &facts->nodes[facts->node_count++];
		facts_read_node(node, to);
		facts->total_bytes += to->total_bytes;
		facts->free_bytes += to->free_bytes;
		facts->free_huge_bytes += to->free_huge_bytes;
		facts->target_bytes += to->target_bytes;
	}
	facts->available_bytes = pages_bytes(max(si_mem_available(), 0l));
	facts->done_bytes = atomic64_read(&done_bytes);
	facts->batches = atomic64_read(&batches);
	facts->threshold_state = noted.state;
	facts->drop_reason = noted.drop_reason;
	facts->drop_count = noted.drop_count;
	facts_count_events(&counts);
	facts->allocstall = counts.allocstall;
	facts->refault = counts.refault;
	facts->oom_kill = events[OOM_KILL];
}

void ebb_facts_refresh(void)
{
	struct ebb_facts *facts;
	u32 seq;

	mutex_lock(&facts_lock);
	facts_read(&snapshot);
	facts = &ebb_ring_page()->facts;
	seq = facts->seq;
	snapshot.seq = seq + 1;
	ebb_store_relaxed(&facts->seq, seq + 1);
	/* Odd is seen before any of the values, even after all of them. */
	ebb_write_barrier();
	*facts = snapshot;
	ebb_write_barrier();
	ebb_store_relaxed(&facts->seq, seq + 2);
	mutex_unlock(&facts_lock);
}

void ebb_facts_note_target(const struct facts_target *target)
{
	mutex_lock(&facts_lock);
	noted = *target;
	mutex_unlock(&facts_lock);
}

void ebb_facts_count_batch(u64 bytes)
{
	atomic64_add(bytes, &done_bytes);
	atomic64_inc(&batches);
}

static void facts_tick(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(facts_work, facts_tick);

static void facts_tick(struct work_struct *work)
{
	ebb_facts_refresh();
	queue_delayed_work(facts_queue, &facts_work,
			   msecs_to_jiffies(EBB_FACTS_PERIOD_MS));
}

void ebb_facts_start(struct workqueue_struct *queue)
{
	facts_queue = queue;
	queue_delayed_work(facts_queue, &facts_work, 0);
}

void ebb_facts_stop(void)
{
	cancel_delayed_work_sync(&facts_work);
}
