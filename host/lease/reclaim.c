/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loop of one reclaim.
 *
 * Theory of operation
 * ===================
 *
 * The host says DEMANDING in the ring, asks the agent to start a session, and
 * then the two sides meet in the ring alone: the guest offers batches as fast
 * as they are resolved, until it has no more or the demand is gone. Nothing
 * else is sent, so the speed is that of the punching. The agent's answer is
 * waited for aside: the first batch is there before it.
 *
 * Before each batch libvirt has to allow it: permission.h. It is the map that a
 * job may change, and then @gone is set.
 *
 * Every wait has an end: of the request, of the guest's silence, and whatever
 * the event loop hears of the domain (@gone) ends it before the next punch.
 * Work is bounded for each look at the ring, so a guest that offers for ever
 * is a guest that gives for ever, until the request is over.
 */
#include "host/lease/reclaim.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/base/fault.h"
#include "host/lease/permission.h"
#include "host/lease/punch.h"

enum {
	/* The guest needs so long for its next batch: no sleep meanwhile. */
	SPIN_US = 1000,
	POLL_MIN_US = 20,
	POLL_MAX_US = 1000,
	/* Longer than the guest waits for us, so that it speaks first. */
	SILENCE_MS = EBB_OFFER_DEADLINE_MS + 1000,
	/*
	 * Batches of which nothing is granted in time, one after the other: a
	 * busy host may give a guest no processor for some.
	 */
	FRUITLESS_MS = 3000,
	/* For the guest to note that the demand is gone. */
	FAREWELL_MS = 500,
	/* For the event loop to hear that libvirtd or the guest went. */
	HEARSAY_MS = 500,
	START_PENDING = 1,
};

/* The agent is asked to start the session, on a thread of its own. */
struct start {
	const struct ebb_reclaim_ops *ops;
	void *opaque;
	uint64_t session_id;
	uint32_t timeout_ms;
	pthread_t thread;
	struct ebb_msg_error error; /* valid once @result is -errno */
	atomic_int result; /* START_PENDING, 0 or -errno */
};

struct loop {
	const struct ebb_lender *lender;
	const struct ebb_reclaim_order *order;
	struct ebb_reclaim_counters *counters;
	struct ebb_msg_error *error;
	struct ebb_permission permission;
	struct start start;
	bool started;
	uint64_t deadline_ns;
	uint64_t last_move_ns;
	uint64_t batch; /* the last that was looked at, by the ring's count */
	uint64_t fruitless_ns; /* since when; 0: the last brought something */
	uint32_t poll_us;
};

/*
 * What is the end of the guest's session for ours? -EAGAIN: it runs. Before the
 * agent has answered, the state may be that of the session before.
 */
static int session_end(const struct loop *loop)
{
	const struct ebb_ring *ring = loop->lender->ring->ring;
	uint32_t state = ebb_load_acquire(&ring->session_state);

	if (!loop->started)
		return -EAGAIN;
	if (ebb_load_relaxed(&ring->session_id) != loop->start.session_id)
		return -EAGAIN;
	switch (state) {
	case EBB_SESSION_RUNNING:
		return -EAGAIN;
	case EBB_SESSION_DRAINED:
		return EBB_END_DRAINED;
	case EBB_SESSION_SATISFIED:
		return EBB_END_SATISFIED;
	case EBB_SESSION_EXPIRED:
		return EBB_END_TIMEOUT;
	case EBB_SESSION_BUSY:
		return EBB_END_REPORTING_BUSY;
	case EBB_SESSION_PRESSURE:
		return EBB_END_GUEST_PRESSURE;
	case EBB_SESSION_LEAVING:
		return EBB_END_GUEST_GONE;
	default:
		/* HOST_ABSENT, STOPPED, or what no ebb.ko says. */
		return EBB_END_GUEST_SILENT;
	}
}

static void *ask_for_start(void *opaque)
{
	struct start *start = opaque;

	start->result = start->ops->start_session(start->session_id,
						  start->timeout_ms,
						  &start->error, start->opaque);
	return NULL;
}

static int failed_start_end(int r)
{
	switch (r) {
	case -EBUSY:
		return EBB_END_REPORTING_BUSY;
	case -ETIMEDOUT:
	case -ENOTCONN:
		return EBB_END_NO_AGENT;
	default:
		return EBB_END_FAILED;
	}
}

/* Looks for the agent's answer. What the ring says of the session counts more. */
static int start_end(struct loop *loop)
{
	int r = loop->start.result;

	if (loop->started || r == START_PENDING)
		return -EAGAIN;
	if (r < 0 && ebb_load_relaxed(&loop->lender->ring->ring->session_id) !=
			     loop->start.session_id) {
		*loop->error = loop->start.error;
		return failed_start_end(r);
	}
	loop->started = true;
	loop->last_move_ns = ebb_now_ns();
	return -EAGAIN;
}

/* Ends that do not depend on what is offered. -EAGAIN: go on. */
static int outer_end(const struct loop *loop)
{
	uint64_t now_ns = ebb_now_ns();

	if (*loop->order->gone || !ebb_ringmap_is_open(loop->lender->ring))
		return EBB_END_GUEST_GONE;
	if (*loop->order->cancelled)
		return EBB_END_CANCELLED;
	if (loop->order->bytes &&
	    loop->counters->reclaimed_bytes >= loop->order->bytes)
		return EBB_END_SATISFIED;
	if (now_ns >= loop->deadline_ns)
		return EBB_END_TIMEOUT;
	if (loop->started &&
	    now_ns - loop->last_move_ns > (uint64_t)SILENCE_MS * 1000000)
		return EBB_END_GUEST_SILENT;
	return -EAGAIN;
}

/* libvirt cannot be asked: what it could not be asked of may be gone. */
static int unasked_end(struct loop *loop)
{
	uint64_t until_ns = ebb_now_ns() + (uint64_t)HEARSAY_MS * 1000000;

	while (!*loop->order->gone && ebb_now_ns() < until_ns)
		ebb_sleep_us(POLL_MAX_US);
	if (*loop->order->gone)
		return EBB_END_GUEST_GONE;
	snprintf(loop->error->text, sizeof(loop->error->text),
		 "cannot ask libvirt whether a job runs");
	return EBB_END_FAILED;
}

static int batch_end(struct loop *loop, struct ebb_puncher *puncher,
		     struct ebb_batch *batch)
{
	int r = ebb_permission_get(&loop->permission);
	int64_t punched;

	if (r == -EBUSY)
		return EBB_END_JOB;
	if (r < 0)
		return unasked_end(loop);
	punched = ebb_puncher_batch(puncher, batch);
	if (punched < 0) {
		snprintf(loop->error->text, sizeof(loop->error->text),
			 "cannot punch the backing: %s",
			 strerror((int)-punched));
		return EBB_END_FAILED;
	}
	loop->last_move_ns = ebb_now_ns();
	if (punched)
		loop->fruitless_ns = 0;
	else if (!loop->fruitless_ns)
		loop->fruitless_ns = loop->last_move_ns;
	else if (loop->last_move_ns - loop->fruitless_ns >
		 (uint64_t)FRUITLESS_MS * 1000000)
		return EBB_END_GUEST_SILENT;
	return -EAGAIN;
}

static bool is_awake(const struct loop *loop)
{
	return ebb_now_ns() - loop->last_move_ns < (uint64_t)SPIN_US * 1000;
}

/*
 * One look at the ring. -EAGAIN: go on. @ret_moved: there was a batch.
 *
 * A batch that the guest is still writing is left alone for a moment, so that
 * it is taken as a whole, neighbours side by side. The guest's count is a hint:
 * where it says nothing, what is offered is taken all the same.
 */
static int turn(struct loop *loop, struct ebb_puncher *puncher, bool *ret_moved)
{
	const struct ebb_lender *lender = loop->lender;
	struct ebb_slot copies[EBB_SLOT_COUNT];
	struct ebb_batch batch;
	uint64_t announced;
	int ended, r;

	*ret_moved = false;
	r = outer_end(loop);
	if (r == -EAGAIN)
		r = start_end(loop);
	if (r != -EAGAIN)
		return r;
	/* Read before the slots: what was offered before the end is seen. */
	ended = session_end(loop);
	announced = ebb_load_acquire(&lender->ring->ring->batch);
	if (ended == -EAGAIN && announced == loop->batch && is_awake(loop))
		return -EAGAIN;
	loop->batch = announced;
	for (uint32_t i = 0; i < EBB_SLOT_COUNT; i++) {
		copies[i] = ebb_slot_read(&lender->ring->ring->slots[i]);
		/* After a reset, words of another kernel may look like ours. */
		if (!ebb_offer_is_of(lender->ring->tag, copies[i].word))
			copies[i].word = EBB_LEASE_FREE;
	}
	r = ebb_batch_collect(copies, lender->map, lender->qemu,
			      lender->ring_gpa, &batch, loop->error);
	if (r == -ESTALE)
		return EBB_END_MAP_CHANGED;
	if (r < 0)
		return EBB_END_VIOLATION;
	if (batch.count == 0)
		return ended;
	*ret_moved = true;
	return batch_end(loop, puncher, &batch);
}

/* Between two looks: awake first, then naps that grow. */
static void nap(struct loop *loop)
{
	if (is_awake(loop)) {
		loop->poll_us = POLL_MIN_US;
		sched_yield();
		return;
	}
	ebb_sleep_us(loop->poll_us);
	if (loop->poll_us < POLL_MAX_US)
		loop->poll_us += loop->poll_us / 4;
}

/* A guest that sees that the demand is gone has revoked what was offered. */
static void part(struct loop *loop)
{
	uint64_t until_ns = ebb_now_ns() + (uint64_t)FAREWELL_MS * 1000000;

	ebb_ringmap_demand(loop->lender->ring, false);
	/* What was not started is not ended. */
	while (loop->start.result >= 0 && !*loop->order->gone &&
	       ebb_now_ns() < until_ns) {
		/* The agent's answer, if it came only now. */
		loop->started = loop->start.result == 0;
		if (session_end(loop) != -EAGAIN)
			break;
		ebb_sleep_us(POLL_MAX_US);
	}
}

static int new_session_id(uint64_t *ret_id)
{
	uint64_t id;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return -EIO;
	/* JSON integers of some peers end at 2^53. */
	*ret_id = id & (((uint64_t)1 << 53) - 1);
	return 0;
}

static int run_session(struct loop *loop, struct ebb_puncher *puncher)
{
	struct ebb_ringmap *ring = loop->lender->ring;
	int end = -EAGAIN, r;
	bool moved;

	if (!ebb_ringmap_demand(ring, true))
		return EBB_END_GUEST_GONE;
	loop->batch = ebb_load_acquire(&ring->ring->batch);
	r = pthread_create(&loop->start.thread, NULL, ask_for_start,
			   &loop->start);
	if (r) {
		ebb_ringmap_demand(ring, false);
		snprintf(loop->error->text, sizeof(loop->error->text),
			 "no thread to ask the agent: %s", strerror(r));
		return EBB_END_FAILED;
	}
	while (end == -EAGAIN) {
		end = turn(loop, puncher, &moved);
		if (moved)
			ebb_fault_point("resolved");
		else if (end == -EAGAIN)
			nap(loop);
	}
	part(loop);
	pthread_join(loop->start.thread, NULL);
	return end;
}

static int begin(struct loop *loop, struct ebb_puncher *puncher)
{
	struct start *start = &loop->start;
	int r = new_session_id(&start->session_id);

	if (r == 0)
		r = ebb_puncher_init(puncher, loop->lender, loop->order,
				     loop->counters);
	if (r < 0)
		return r;
	r = ebb_permission_start(&loop->permission, start->ops->may_punch,
				 start->opaque);
	if (r < 0)
		ebb_puncher_release(puncher);
	return r;
}

enum ebb_reclaim_end ebb_reclaim_run(const struct ebb_lender *lender,
				     const struct ebb_reclaim_order *order,
				     const struct ebb_reclaim_ops *ops,
				     void *opaque,
				     struct ebb_reclaim_counters *counters,
				     struct ebb_msg_error *ret_error)
{
	struct loop loop = {
		.lender = lender,
		.order = order,
		.counters = counters,
		.error = ret_error,
		.last_move_ns = ebb_now_ns(),
		.poll_us = POLL_MIN_US,
		.start = { .ops = ops,
			   .opaque = opaque,
			   .timeout_ms = order->timeout_ms,
			   .result = START_PENDING },
	};
	struct ebb_puncher puncher;
	int r, end;

	loop.deadline_ns =
		loop.last_move_ns + (uint64_t)order->timeout_ms * 1000000;
	r = begin(&loop, &puncher);
	if (r < 0) {
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "no random numbers, timers or threads: %s",
			 strerror(-r));
		return EBB_END_FAILED;
	}
	end = run_session(&loop, &puncher);
	ebb_permission_stop(&loop.permission);
	ebb_puncher_release(&puncher);
	return (enum ebb_reclaim_end)end;
}

const char *ebb_reclaim_end_name(enum ebb_reclaim_end end)
{
	static const char *const names[] = {
		[EBB_END_SATISFIED] = "satisfied",
		[EBB_END_DRAINED] = "drained",
		[EBB_END_TIMEOUT] = "timeout",
		[EBB_END_CANCELLED] = "cancelled",
		[EBB_END_GUEST_GONE] = "guest-gone",
		[EBB_END_LIBVIRT_GONE] = "libvirt-gone",
		[EBB_END_GUEST_SILENT] = "guest-silent",
		[EBB_END_NO_AGENT] = "no-agent",
		[EBB_END_GUEST_PRESSURE] = "guest-pressure",
		[EBB_END_GUEST_REFUSED] = "guest-refused",
		[EBB_END_REPORTING_BUSY] = "page-reporting-busy",
		[EBB_END_JOB] = "libvirt-job",
		[EBB_END_MAP_CHANGED] = "map-changed",
		[EBB_END_VIOLATION] = "violation",
		[EBB_END_FAILED] = "failed",
	};

	_Static_assert(EBB_ARRAY_SIZE(names) == EBB_END_COUNT,
		       "each end has a name");
	return names[end];
}
