/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reclaim session.
 *
 * Theory of operation
 * ===================
 *
 * A session registers with page reporting, runs the kernel's passes back to
 * back, and leaves. Between sessions an idle guest pays nothing, and the one
 * reporting slot of the kernel is free for others.
 *
 * The invariant. Every session ends, whatever the host does, but for one
 * case: a GRANTED range waits for its host (batch.c). Why it ends is decided
 * once: the first who swaps @why from RUNNING wins.
 *
 * The guest first. A session ends for PRESSURE at the next poll when an allocation
 * anywhere in the guest had to reclaim by itself, and when the zone that the batch
 * came from is nearly at its min mark and has lost more than the batch since. Taking
 * the batch may bring a zone there: that alone is nobody's need. Who cannot wait
 * for a poll calls ebb_session_recall().
 *
 * Locks. session_lock orders start, stop and close. The worker never takes
 * it, and nobody waits for the worker under it: a stop must get through to a
 * session that waits for its host.
 *
 * What the host fails. Ranges that it did not discard in time are offered to
 * it again at once, while they are still held: a slow host gets through a
 * batch in several grants. A batch of which something is left after RUN_MAX
 * offers is not marked as reported, for the kernel has one mark for all of it,
 * and comes again. FAILED_MAX such batches in a row, with naps that grow, are
 * taken as the host's absence: without an end, a host that always fails would
 * have us turn in circles.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/vmstat.h>
#include <linux/wait.h>

#include "batch.h"
#include "facts.h"
#include "report.h"
#include "ring.h"
#include "session.h"

enum {
	RUN_MAX = 6, /* offers of one range before it is let go */
	FAILED_MAX = 48, /* 3 s of naps: the host gives up first */
	FAILED_NAP_US = 1000, /* doubles, so often: */
	FAILED_NAP_DOUBLES = 6,
	STALL_LOOK_MS = 10, /* between two looks at the counters of all CPUs */
	/* What a zone may lose meanwhile: more than its counter is off. */
	ZONE_SLACK_PAGES = 256,
	ZONE_SHORT_PART = 4, /* of the way from MIN to LOW */
	SESSION_FLAGS = EBB_SESSION_FLAG_REARM | EBB_SESSION_FLAG_GENTLE,
};

enum session_phase {
	SESSION_IDLE, /* ebb_session_start(): AT_WORK */
	SESSION_AT_WORK, /* the worker: PARTING, which may take a dead host's time */
	SESSION_PARTING, /* the worker, within milliseconds: IDLE */
};

static struct {
	struct workqueue_struct *queue;
	struct work_struct work;
	enum session_phase phase;
	bool closed; /* under session_lock */
	bool busy; /* the last registration gave -EBUSY */
	atomic_t why; /* RUNNING, or what ended the session */
	bool gentle; /* nobody waits for it */
	u32 epoch;
	ktime_t end;
	u32 failed; /* batches in a row that were not wholly discarded */
	unsigned int waited_ms; /* by ebb_session_recall(), in vain; 0: not yet */
	u64 allocstall; /* when it began */
	ktime_t stall_look; /* when that was held against now */
	struct zone *zone; /* of the batch, NULL: none yet */
	unsigned long zone_free; /* pages, with the batch taken */
	struct batch batch;
} session;

static DEFINE_MUTEX(session_lock);
static DECLARE_WAIT_QUEUE_HEAD(session_idle);

void ebb_session_end(enum ebb_session_state why)
{
	atomic_cmpxchg(&session.why, EBB_SESSION_RUNNING, why);
}

static enum ebb_session_state session_why_host(void)
{
	u64 word = ebb_load_acquire(&ebb_ring_page()->host_word);

	if (!ebb_ring_host_is_attached(word, session.epoch))
		return EBB_SESSION_HOST_ABSENT;
	return ebb_ring_host_demands(word) ? EBB_SESSION_RUNNING
					   : EBB_SESSION_SATISFIED;
}

/*
 * Whether the zone of the batch is about to make allocations wait, and not by the
 * batch. A driven zone is under its low mark often, with a batch out: that wakes
 * kswapd, and is no need yet.
 */
static bool session_zone_is_short(void)
{
	unsigned long free, low, min;

	if (!session.zone)
		return false;
	free = zone_page_state(session.zone, NR_FREE_PAGES);
	low = low_wmark_pages(session.zone);
	min = min_wmark_pages(session.zone);
	return free < min + (low - min) / ZONE_SHORT_PART &&
	       free + ZONE_SLACK_PAGES < session.zone_free;
}

/* Whether the guest needs its memory itself. Quick, as each poll asks. */
static bool session_guest_is_short(void)
{
	ktime_t now = ktime_get_coarse();

	if (session_zone_is_short())
		return true;
	if (ktime_ms_delta(now, session.stall_look) < STALL_LOOK_MS)
		return false;
	session.stall_look = now;
	return ebb_facts_allocstall() != session.allocstall;
}

/* Whether the session goes on, and if not, why. */
static enum ebb_session_state session_verdict(void)
{
	enum ebb_session_state host = session_why_host();

	if (host != EBB_SESSION_RUNNING)
		ebb_session_end(host);
	else if (session_guest_is_short())
		ebb_session_end(EBB_SESSION_PRESSURE);
	else if (ktime_after(ktime_get_coarse(), session.end))
		ebb_session_end(EBB_SESSION_EXPIRED);
	return atomic_read(&session.why);
}

static void session_account(const struct batch *batch)
{
	struct ebb_ring *ring = ebb_ring_page();

	ebb_store_relaxed(&ring->session_done_bytes,
			  ring->session_done_bytes + batch->done_bytes);
	ebb_facts_count_batch(batch->done_bytes);
}

/* After a batch that was not wholly discarded: do not turn in circles. */
static int session_back_off(void)
{
	u32 us;

	if (++session.failed >= FAILED_MAX) {
		ebb_session_end(EBB_SESSION_HOST_ABSENT);
		return -EAGAIN;
	}
	us = FAILED_NAP_US
	     << min_t(u32, session.failed - 1, FAILED_NAP_DOUBLES);
	usleep_range(us, us + us / 4);
	return -EAGAIN;
}

/* Offer what is left of the batch once. Return whether it may go on. */
static bool session_run(struct batch *batch)
{
	struct ebb_ring *ring = ebb_ring_page();
	u64 bytes = 0;
	u32 i;

	for (i = 0; i < batch->count; i++)
		bytes += batch_range_bytes(&batch->ranges[i]);
	ebb_store_relaxed(&ring->session_offered_bytes,
			  ring->session_offered_bytes + bytes);
	ebb_batch_run(batch);
	session_account(batch);
	if (batch->stalled || batch->broken)
		ebb_session_end(EBB_SESSION_HOST_ABSENT);
	return session_verdict() == EBB_SESSION_RUNNING;
}

static int session_lease(const struct batch_range *ranges, u32 count)
{
	struct batch *batch = &session.batch;
	bool going = session_verdict() == EBB_SESSION_RUNNING;
	int runs;

	memcpy(batch->ranges, ranges, count * sizeof(*ranges));
	batch->count = count;
	batch->epoch = session.epoch;
	batch->gentle = session.gentle;
	batch->verdict = session_verdict;
	session.zone = page_zone(pfn_to_page(ranges[0].pfn));
	session.zone_free = zone_page_state(session.zone, NR_FREE_PAGES);
	for (runs = 0; going && batch->count && runs < RUN_MAX; runs++)
		going = session_run(batch);
	if (batch->count && !going)
		return -EAGAIN;
	if (batch->count)
		return session_back_off();
	session.failed = 0;
	return 0;
}

static void session_work(struct work_struct *work)
{
	struct ebb_ring *ring = ebb_ring_page();

	while (session_verdict() == EBB_SESSION_RUNNING) {
		u32 passes, batches = ebb_report_passes(&passes);

		wake_up_all(&session_idle);
		if (session_verdict() != EBB_SESSION_RUNNING)
			break;
		ebb_store_relaxed(&ring->session_passes,
				  ring->session_passes + passes);
		if (!batches)
			ebb_session_end(EBB_SESSION_DRAINED);
	}
	ebb_facts_refresh();
	smp_store_release(&session.phase, SESSION_PARTING);
	/* Who reads the end reads all counters of the session. */
	ebb_store_release(&ring->session_state, (u32)atomic_read(&session.why));
	/* After it: this waits for a grace period of RCU, the host need not. */
	ebb_report_unregister();
	smp_store_release(&session.phase, SESSION_IDLE);
	wake_up_all(&session_idle);
}

static bool session_is_idle(void)
{
	return smp_load_acquire(&session.phase) == SESSION_IDLE;
}

static bool session_is_parting(void)
{
	return smp_load_acquire(&session.phase) == SESSION_PARTING;
}

static void session_publish(u64 id, enum ebb_session_state state)
{
	struct ebb_ring *ring = ebb_ring_page();

	ebb_store_relaxed(&ring->session_id, id);
	ebb_store_relaxed(&ring->session_passes, 0);
	ebb_store_relaxed(&ring->session_offered_bytes, 0);
	ebb_store_relaxed(&ring->session_done_bytes, 0);
	ebb_store_release(&ring->session_state, (u32)state);
}

static int session_start_locked(const struct ebb_session *request)
{
	u64 word = ebb_load_acquire(&ebb_ring_page()->host_word);
	int err;

	if (session.closed)
		return -ESHUTDOWN;
	if (request->flags & ~(u32)SESSION_FLAGS || !request->timeout_ms ||
	    request->timeout_ms > EBB_SESSION_MAX_MS)
		return -EINVAL;
	if (!session_is_idle())
		return -EALREADY;
	if (page_poisoning_enabled())
		return -EOPNOTSUPP;
	if (!ebb_ring_host_demands(word))
		return -ENOTCONN;

	session.gentle = request->flags & EBB_SESSION_FLAG_GENTLE;
	session.epoch = ebb_lease_epoch(word);
	session.end = ktime_add_ms(ktime_get(), request->timeout_ms);
	session.failed = 0;
	session.waited_ms = 0;
	session.zone = NULL;
	session.allocstall = ebb_facts_allocstall();
	session.stall_look = ktime_get_coarse();
	atomic_set(&session.why, EBB_SESSION_RUNNING);
	ebb_facts_refresh();
	err = ebb_report_register(session_lease);
	session.busy = err == -EBUSY;
	if (err) {
		session_publish(request->session_id, EBB_SESSION_BUSY);
		return err;
	}
	if (request->flags & EBB_SESSION_FLAG_REARM)
		ebb_report_rearm();
	WRITE_ONCE(session.phase, SESSION_AT_WORK);
	session_publish(request->session_id, EBB_SESSION_RUNNING);
	queue_work(session.queue, &session.work);
	return 0;
}

int ebb_session_start(const struct ebb_session *request)
{
	int err;

	if (wait_event_killable(session_idle, !session_is_parting()))
		return -EINTR;
	mutex_lock(&session_lock);
	err = session_start_locked(request);
	mutex_unlock(&session_lock);
	return err;
}

int ebb_session_stop(void)
{
	bool closed;

	mutex_lock(&session_lock);
	closed = session.closed;
	if (!session_is_idle())
		ebb_session_end(EBB_SESSION_STOPPED);
	mutex_unlock(&session_lock);
	if (closed)
		return -ESHUTDOWN;
	return wait_event_killable(session_idle, session_is_idle()) ? -EINTR
								    : 0;
}

bool ebb_session_recall(enum ebb_session_state why, unsigned int timeout_ms)
{
	ebb_session_end(why);
	if (!ebb_report_held_pages(0, ULONG_MAX))
		return true;
	if (timeout_ms <= READ_ONCE(session.waited_ms))
		return false;
	if (wait_event_timeout(session_idle,
			       !ebb_report_held_pages(0, ULONG_MAX),
			       msecs_to_jiffies(timeout_ms)))
		return true;
	WRITE_ONCE(session.waited_ms, timeout_ms);
	return false;
}

bool ebb_session_close(unsigned int timeout_ms)
{
	mutex_lock(&session_lock);
	session.closed = true;
	ebb_session_end(EBB_SESSION_LEAVING);
	mutex_unlock(&session_lock);
	if (timeout_ms)
		return wait_event_timeout(session_idle, session_is_idle(),
					  msecs_to_jiffies(timeout_ms));
	wait_event(session_idle, session_is_idle());
	return true;
}

void ebb_session_reopen(void)
{
	mutex_lock(&session_lock);
	session.closed = false;
	mutex_unlock(&session_lock);
}

int ebb_session_lock_ring(void)
{
	mutex_lock(&session_lock);
	if (!session.closed)
		return 0;
	mutex_unlock(&session_lock);
	return -ESHUTDOWN;
}

void ebb_session_unlock_ring(void)
{
	mutex_unlock(&session_lock);
}

bool ebb_session_is_running(void)
{
	return !session_is_idle();
}

u32 ebb_session_info_flags(void)
{
	u32 flags = 0;

	if (page_poisoning_enabled())
		flags |= EBB_INFO_PAGE_POISONING;
	if (READ_ONCE(session.busy))
		flags |= EBB_INFO_REPORTING_BUSY;
	return flags;
}

void ebb_session_init(struct workqueue_struct *queue,
		      struct workqueue_struct *pass_queue)
{
	session.queue = queue;
	ebb_report_init(pass_queue);
	INIT_WORK(&session.work, session_work);
	atomic_set(&session.why, EBB_SESSION_NONE);
}
