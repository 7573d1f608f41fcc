/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threshold: a guest that keeps memory free.
 *
 * Theory of operation
 * ===================
 *
 * A target is pursued node by node (pulse.c decides, watermark.c acts), in
 * looks: quick ones while kswapd is at work, else one a second on a deferrable
 * timer, which wakes no idle CPU. While a session leases ranges they are off the
 * free lists, and the looks wait for its end.
 *
 * The invariant. The marks are raised only while a target is in force, and its
 * end comes by itself: the lease, which each new target renews, has a timer of
 * its own. Whatever ends it (the lease, target 0, a stalled allocation, an OOM,
 * a reboot, an unload), the marks are the kernel's own after it.
 *
 * The guest first. An allocation that had to reclaim by itself, an OOM, or pages
 * that are needed again within REFAULT_WINDOW_MS after kswapd was kicked for the
 * target, more than a sixteenth of what was reclaimed: each drops the target.
 * Whether and when it comes back is for the agent, which is told by @changed.
 *
 * The guest as a whole. A cgroup at a limit of its own reclaims from itself and is
 * killed by itself: that is no shortage of the guest. Stalled allocations, what
 * kswapd reclaimed and OOM notifiers are global in every kernel; refaults are
 * not, and only the agent sees cgroups. So before refaults drop a target the
 * agent is asked whose they are, and until it answers nothing is driven, and the
 * marks are the kernel's own: what the guest reads again stays, so that an agent
 * whose host is busy costs it nothing. If it does not answer in ANSWER_MS, all
 * count. The answer is held against what there was when it was asked: a container
 * that thrashes needs thousands of pages while the agent counts and tells.
 *
 * Locks. threshold_lock is held for a look. Notifiers run under locks of the
 * kernel's that a look may need, so they only leave a word and queue a look, on a
 * queue that begins without memory. The marks, which have locks of their own, they
 * put back themselves: the kernel holds the last try before an OOM kill against
 * HIGH.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/string.h>
#include <linux/swap.h>
#include <linux/vmstat.h>
#include <linux/wait.h>

#include "compat.h"
#include "facts.h"
#include "pulse.h"
#include "session.h"
#include "threshold.h"
#include "watermark.h"
#include "zone.h"

enum {
	LOOK_DRIVING_MS = 20,
	LOOK_FRAGMENTED_MS = 200,
	LOOK_RESTING_MS = 1000,
	/* Half of what has the kernel take kswapd for hopeless. */
	KSWAPD_FAILURES_MAX = 8,
	REFAULT_WINDOW_MS = 30 * 1000,
	REFAULT_MIN_PAGES = 8 << (20 - PAGE_SHIFT),
	REFAULT_SHARE = 16,
	ASK_EVERY_MS = 1000,
	/* A guest whose host is busy may be away for seconds. */
	ANSWER_MS = 20 * 1000,
	/* The text of programs that run, for the most part. */
	FILE_RESERVE_PAGES = 16 << (20 - PAGE_SHIFT),
};

/**
 * enum threshold_doubt - whose refaults they are
 *
 * @DOUBT_NONE: there are few; or the agent has said within ANSWER_MS that they
 *	are those of cgroups. A look asks.
 * @DOUBT_ASKED: the agent was asked. A look drops the target after ANSWER_MS. A
 *	new target may have been counted for before that.
 * @DOUBT_HEARD: it came since, by ebb_threshold_get(). A look drops the target as
 *	before, a new target has the answer.
 * @DOUBT_ANSWERED: the answer came. The next look decides, and it is NONE.
 */
enum threshold_doubt {
	DOUBT_NONE,
	DOUBT_ASKED,
	DOUBT_HEARD,
	DOUBT_ANSWERED,
};

static struct {
	struct workqueue_struct *queue;
	void (*changed)(void);
	bool closed;
	bool swap; /* EBB_TARGET_SWAP */
	enum ebb_threshold_state state;
	enum ebb_drop_reason drop_reason;
	u64 drop_count;
	u64 allocstall; /* when the target came */
	u64 kicked_ms; /* begin of the window for refaults; 0: none */
	struct facts_events kicked; /* and what there was before it */
	u32 kicked_limited; /* of kicked.refault, at cgroups' limits */
	bool told; /* the agent sees cgroups */
	u32 told_limited; /* what it said last */
	u64 told_refault; /* and what there was then */
	enum threshold_doubt doubt;
	bool lowered; /* the marks, for the doubt */
	u64 asked_ms; /* when the agent was asked last; 0: never */
	u64 asked_refault; /* and what there was when it heard of that */
	atomic_t drop_wanted; /* enum ebb_drop_reason */
	struct pulse pulses[EBB_NODE_MAX];
} threshold;

static DEFINE_MUTEX(threshold_lock);

static void threshold_look_work(struct work_struct *work);
static void threshold_expire_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(look_work, threshold_look_work);
static DECLARE_DEFERRABLE_WORK(rest_work, threshold_look_work);
static DECLARE_DELAYED_WORK(expire_work, threshold_expire_work);

static u64 node_lru_pages(int node, enum node_stat_item item)
{
	long pages = atomic_long_read(&NODE_DATA(node)->vm_stat[item]);

	return max(pages, 0l);
}

/* Shared memory counts as anonymous; what is locked is on neither list. */
static u64 node_gainable(int node)
{
	u64 anon = node_lru_pages(node, NR_INACTIVE_ANON) +
		   node_lru_pages(node, NR_ACTIVE_ANON);
	u64 file = node_lru_pages(node, NR_INACTIVE_FILE) +
		   node_lru_pages(node, NR_ACTIVE_FILE);

	file -= min_t(u64, file, FILE_RESERVE_PAGES);
	if (!threshold.swap)
		return file;
	return file + min_t(u64, anon, max(get_nr_swap_pages(), 0l));
}

static void node_facts(int node, struct pulse_facts *facts)
{
	struct pglist_data *data = NODE_DATA(node);
	struct zone *zone;
	int i;

	memset(facts, 0, sizeof(*facts));
	facts->managed = node_managed_pages(node);
	for_each_node_zone(zone, node, i) {
		facts->free += zone_page_state(zone, NR_FREE_PAGES);
		facts->free_huge += zone_free_huge_pages(zone);
	}
	facts->gainable = node_gainable(node);
	facts->kswapd_idle = waitqueue_active(&data->kswapd_wait);
	/* Hopeless, and the guest's own need would have to wait for itself. */
	if (compat_kswapd_failures(data) >= KSWAPD_FAILURES_MAX)
		facts->gainable = 0;
}

/* The one state of all nodes: the busiest. */
static enum ebb_threshold_state threshold_sum(void)
{
	static const enum ebb_threshold_state order[] = {
		EBB_THRESHOLD_DRIVING,
		EBB_THRESHOLD_FRAGMENTED,
		EBB_THRESHOLD_EXHAUSTED,
		EBB_THRESHOLD_HELD,
	};
	int node, i;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		for (node = 0; node < EBB_NODE_MAX; node++) {
			if (threshold.pulses[node].state == order[i])
				return order[i];
		}
	}
	return EBB_THRESHOLD_IDLE;
}

static bool threshold_has_target(void)
{
	int node;

	for (node = 0; node < EBB_NODE_MAX; node++) {
		if (threshold.pulses[node].target)
			return true;
	}
	return false;
}

/* Shows what is done now, to the host and, if it is another state, the agent. */
static void threshold_publish(enum ebb_threshold_state state)
{
	struct facts_target told = {
		.state = state,
		.drop_reason = threshold.drop_reason,
		.drop_count = threshold.drop_count,
	};
	bool changed = state != threshold.state;
	int node;

	for (node = 0; node < EBB_NODE_MAX; node++)
		told.node_pages[node] = threshold.pulses[node].target;
	threshold.state = state;
	ebb_facts_note_target(&told);
	if (changed || state == EBB_THRESHOLD_DRIVING ||
	    state == EBB_THRESHOLD_FRAGMENTED)
		ebb_facts_refresh();
	if (changed)
		threshold.changed();
}

/*
 * What the guest had to read again because of what we had freed, as far as the
 * agent has said whose it is.
 */
static bool threshold_has_refaults(const struct facts_events *now, u64 now_ms)
{
	u64 refault = now->refault - threshold.kicked.refault;
	u64 steal = now->steal - threshold.kicked.steal;
	u32 limited = threshold.told_limited - threshold.kicked_limited;

	refault -= min_t(u64, refault, limited);
	return threshold.kicked_ms &&
	       now_ms - threshold.kicked_ms <= REFAULT_WINDOW_MS &&
	       refault > max_t(u64, REFAULT_MIN_PAGES, steal / REFAULT_SHARE);
}

/* Needs no lock: where nothing was raised it changes nothing. */
static void threshold_restore_marks(void)
{
	int node;

	for_each_node_state(node, N_MEMORY) {
		if (watermark_has_node(node))
			ebb_watermark_restore(node);
	}
}

static void threshold_ask(const struct facts_events *now, u64 now_ms)
{
	threshold_restore_marks();
	threshold.lowered = true;
	threshold.asked_ms = now_ms;
	threshold.asked_refault = now->refault;
	threshold.changed();
}

static bool threshold_hurts(const struct facts_events *now, u64 now_ms)
{
	u64 waited_ms = now_ms - threshold.asked_ms;
	enum threshold_doubt doubt = threshold.doubt;
	struct facts_events judged = *now;
	/* The time that the agent takes is none in which they may be forgotten. */
	u64 when_ms = doubt == DOUBT_NONE ? now_ms : threshold.asked_ms;

	threshold.doubt = DOUBT_NONE;
	if (doubt == DOUBT_ANSWERED)
		judged.refault = threshold.asked_refault;
	if (!threshold_has_refaults(&judged, when_ms)) {
		/* What it was asked for is driven a moment before it is asked again. */
		if (doubt == DOUBT_ANSWERED)
			threshold.asked_ms = now_ms;
		return false;
	}
	if (!threshold.told || doubt == DOUBT_ANSWERED)
		return true;
	if (doubt != DOUBT_NONE && waited_ms >= ANSWER_MS)
		return true;
	if (doubt == DOUBT_NONE &&
	    (waited_ms >= ASK_EVERY_MS || !threshold.asked_ms)) {
		threshold_ask(now, now_ms);
		doubt = DOUBT_ASKED;
	}
	threshold.doubt = doubt;
	return false;
}

/*
 * The agent's count of refaults at limits is older than the kick: both counts
 * begin then.
 */
static void threshold_note_kick(const struct facts_events *now, u64 now_ms)
{
	if (threshold.kicked_ms &&
	    now_ms - threshold.kicked_ms <= REFAULT_WINDOW_MS)
		return;
	threshold.kicked_ms = now_ms;
	threshold.kicked = *now;
	if (threshold.told)
		threshold.kicked.refault = threshold.told_refault;
	threshold.kicked_limited = threshold.told_limited;
	threshold.doubt = DOUBT_NONE;
	threshold.asked_ms = 0;
}

static void threshold_note_limited(const struct ebb_target *target,
				   const struct facts_events *now)
{
	/* Another agent counts anew: so do we, from here on. */
	if ((s32)(target->limited_refaults - threshold.told_limited) < 0) {
		threshold.kicked_limited = target->limited_refaults;
		threshold.kicked.refault = now->refault;
		threshold.asked_refault = now->refault;
	}
	threshold.told = target->flags & EBB_TARGET_REFAULTS;
	threshold.told_limited = target->limited_refaults;
	threshold.told_refault = now->refault;
	if (threshold.doubt == DOUBT_HEARD)
		threshold.doubt = DOUBT_ANSWERED;
}

/* All targets are gone, and the marks are the kernel's own. */
static void threshold_clear(enum ebb_threshold_state state)
{
	int node;

	for (node = 0; node < EBB_NODE_MAX; node++) {
		if (threshold.pulses[node].target)
			ebb_watermark_restore(node);
		threshold.pulses[node] = (struct pulse){};
	}
	threshold.kicked_ms = 0;
	threshold.lowered = false;
	cancel_delayed_work(&expire_work);
	threshold_publish(state);
}

static void threshold_give_up(enum ebb_drop_reason why)
{
	if (!threshold_has_target())
		return;
	threshold.drop_reason = why;
	threshold.drop_count++;
	threshold_clear(EBB_THRESHOLD_DROPPED);
}

static void threshold_act(int node, const struct facts_events *events,
			  u64 now_ms)
{
	struct pulse *pulse = &threshold.pulses[node];
	struct pulse_facts facts;

	node_facts(node, &facts);
	switch (ebb_pulse_look(pulse, &facts, now_ms)) {
	case PULSE_KICK:
		threshold_note_kick(events, now_ms);
		ebb_watermark_raise_over(node, pulse->step);
		ebb_watermark_kick(node);
		break;
	case PULSE_REST:
		ebb_watermark_hold(node, pulse->target);
		break;
	case PULSE_WAIT:
		if (threshold.lowered)
			ebb_watermark_hold(node, pulse->target);
		else
			ebb_watermark_reassert(node);
		break;
	}
}

static void threshold_schedule(void)
{
	switch (threshold.state) {
	case EBB_THRESHOLD_DRIVING:
		mod_delayed_work(threshold.queue, &look_work,
				 msecs_to_jiffies(LOOK_DRIVING_MS));
		break;
	case EBB_THRESHOLD_FRAGMENTED:
		mod_delayed_work(threshold.queue, &look_work,
				 msecs_to_jiffies(LOOK_FRAGMENTED_MS));
		break;
	case EBB_THRESHOLD_HELD:
	case EBB_THRESHOLD_EXHAUSTED:
		mod_delayed_work(threshold.queue, &rest_work,
				 msecs_to_jiffies(LOOK_RESTING_MS));
		break;
	default:
		break;
	}
}

/* What the guest needs more than its host does; NONE: nothing. */
static enum ebb_drop_reason threshold_veto(const struct facts_events *events,
					   u64 now_ms)
{
	enum ebb_drop_reason wanted =
		atomic_xchg(&threshold.drop_wanted, EBB_DROP_NONE);

	if (wanted != EBB_DROP_NONE)
		return wanted;
	if (events->allocstall != threshold.allocstall)
		return EBB_DROP_ALLOCSTALL;
	return threshold_hurts(events, now_ms) ? EBB_DROP_REFAULT
					       : EBB_DROP_NONE;
}

static void threshold_look(void)
{
	u64 now_ms = ktime_to_ms(ktime_get());
	struct facts_events events;
	enum ebb_drop_reason veto;
	int node;

	if (!threshold_has_target())
		return;
	ebb_facts_read_events(&events);
	veto = threshold_veto(&events, now_ms);
	if (veto != EBB_DROP_NONE) {
		threshold_give_up(veto);
		return;
	}
	if (!ebb_session_is_running() && threshold.doubt == DOUBT_NONE) {
		for_each_node_state(node, N_MEMORY) {
			if (watermark_has_node(node) &&
			    threshold.pulses[node].target)
				threshold_act(node, &events, now_ms);
		}
		threshold.lowered = false;
	}
	threshold_publish(threshold_sum());
	threshold_schedule();
}

static void threshold_look_work(struct work_struct *work)
{
	mutex_lock(&threshold_lock);
	threshold_look();
	mutex_unlock(&threshold_lock);
}

static void threshold_expire_work(struct work_struct *work)
{
	mutex_lock(&threshold_lock);
	/* While this waited for the lock it may have been renewed, or dropped. */
	if (threshold_has_target() && !delayed_work_pending(&expire_work))
		threshold_clear(EBB_THRESHOLD_IDLE);
	mutex_unlock(&threshold_lock);
}

static void threshold_aim_node(int node, u64 pages, u32 flags)
{
	struct pulse *pulse = &threshold.pulses[node];

	if (pulse->target && !pages)
		ebb_watermark_restore(node);
	ebb_pulse_aim(pulse, pages, node_managed_pages(node), flags);
}

static void threshold_aim_all(u64 pages, u32 flags)
{
	u64 managed = 0;
	int node;

	for_each_node_state(node, N_MEMORY) {
		if (watermark_has_node(node))
			managed += node_managed_pages(node);
	}
	for_each_node_state(node, N_MEMORY) {
		if (watermark_has_node(node))
			threshold_aim_node(
				node,
				mul_u64_u64_div_u64(pages,
						    node_managed_pages(node),
						    managed),
				flags);
	}
}

static int threshold_check(const struct ebb_target *target)
{
	if (target->flags & ~(u32)(EBB_TARGET_RETRY | EBB_TARGET_URGENT |
				   EBB_TARGET_REFAULTS | EBB_TARGET_SWAP))
		return -EINVAL;
	if (target->limited_refaults && !(target->flags & EBB_TARGET_REFAULTS))
		return -EINVAL;
	if (target->node != EBB_NODE_ALL &&
	    (target->node >= EBB_NODE_MAX ||
	     !node_state(target->node, N_MEMORY)))
		return -EINVAL;
	if (target->bytes &&
	    (!target->timeout_ms || target->timeout_ms > EBB_TARGET_LEASE_MS))
		return -EINVAL;
	return threshold.closed ? -ESHUTDOWN : 0;
}

static void threshold_take(const struct ebb_target *target)
{
	u64 pages = target->bytes >> PAGE_SHIFT;
	struct facts_events events;

	ebb_facts_read_events(&events);
	if (!threshold_has_target()) {
		threshold.allocstall = events.allocstall;
		atomic_set(&threshold.drop_wanted, EBB_DROP_NONE);
	}
	threshold_note_limited(target, &events);
	threshold.swap = target->flags & EBB_TARGET_SWAP;
	if (target->node == EBB_NODE_ALL)
		threshold_aim_all(pages, target->flags);
	else
		threshold_aim_node(target->node, pages, target->flags);
	if (!threshold_has_target()) {
		threshold_clear(EBB_THRESHOLD_IDLE);
		return;
	}
	/* One node's end is no renewal of the others' lease. */
	if (target->bytes)
		mod_delayed_work(threshold.queue, &expire_work,
				 msecs_to_jiffies(target->timeout_ms));
	threshold_look();
	/* Who asked looks for the outcome in the facts. */
	ebb_facts_refresh();
}

int ebb_threshold_set(const struct ebb_target *target)
{
	int err;

	mutex_lock(&threshold_lock);
	err = threshold_check(target);
	if (!err)
		threshold_take(target);
	mutex_unlock(&threshold_lock);
	return err;
}

void ebb_threshold_get(struct ebb_threshold *told)
{
	struct facts_events events;
	struct pulse_facts facts;
	int node;

	memset(told, 0, sizeof(*told));
	mutex_lock(&threshold_lock);
	for_each_node_state(node, N_MEMORY) {
		node_facts(node, &facts);
		told->free_huge_bytes += facts.free_huge << PAGE_SHIFT;
		if (watermark_has_node(node))
			told->target_bytes += threshold.pulses[node].target
					      << PAGE_SHIFT;
	}
	told->drop_count = threshold.drop_count;
	told->state = threshold.state;
	told->drop_reason = threshold.drop_reason;
	/* It counts after this: what came before its moment is judged. */
	if (threshold.doubt == DOUBT_ASKED) {
		ebb_facts_read_events(&events);
		threshold.asked_refault = events.refault;
		threshold.doubt = DOUBT_HEARD;
	}
	mutex_unlock(&threshold_lock);
}

enum ebb_threshold_state ebb_threshold_state(void)
{
	return READ_ONCE(threshold.state);
}

void ebb_threshold_drop(enum ebb_drop_reason why)
{
	atomic_cmpxchg(&threshold.drop_wanted, EBB_DROP_NONE, why);
	threshold_restore_marks();
	ebb_threshold_review();
}

void ebb_threshold_review(void)
{
	mod_delayed_work(threshold.queue, &look_work, 0);
}

void ebb_threshold_close(void)
{
	mutex_lock(&threshold_lock);
	threshold.closed = true;
	threshold_give_up(EBB_DROP_LEAVING);
	mutex_unlock(&threshold_lock);
	cancel_delayed_work_sync(&look_work);
	cancel_delayed_work_sync(&rest_work);
	cancel_delayed_work_sync(&expire_work);
}

void ebb_threshold_reopen(void)
{
	mutex_lock(&threshold_lock);
	threshold.closed = false;
	mutex_unlock(&threshold_lock);
}

void ebb_threshold_init(struct workqueue_struct *queue, void (*changed)(void))
{
	threshold.queue = queue;
	threshold.changed = changed;
	atomic_set(&threshold.drop_wanted, EBB_DROP_NONE);
}
