/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loop of one session.
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
 * Before each batch libvirt has to allow it: permission.h.
 *
 * Where nobody waits for the memory the session ends with a batch, of which the guest
 * knows before it is resolved, so that it does not isolate the next: see gentle.h. If
 * somebody does from some moment on, the session ends between two batches, and another one
 * begins at once: a guest that was told that nobody waits looks at the ring each 2 ms, and
 * that is longer than it takes to discard a batch of huge pages.
 *
 * Every wait has an end: of the request, of the guest's silence, and whatever
 * the event loop hears of the domain (@gone) ends it before the next punch.
 * Work is bounded for each look at the ring, so a guest that offers for ever
 * is a guest that gives for ever, until the request is over.
 */
#include "host/lease/session.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "host/base/fault.h"
#include "host/lease/gentle.h"

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
	/* While libvirt is waited for, the bounds are looked at so often. */
	LOOK_MS = 20,
};

/*
 * @started: the guest has it, as far as the agent or the ring say
 * @refused: it was not started, says the agent
 * @gentle: the guest was told that nobody waits
 * @batch: the last that was looked at, by the ring's count
 * @fruitless_ns: since when nothing came of batches; 0: of the last it did
 */
struct session {
	struct ebb_tools *tools;
	uint64_t id;
	bool started;
	bool refused;
	bool gentle;
	uint64_t last_move_ns;
	uint64_t batch;
	uint64_t fruitless_ns;
	uint32_t poll_us;
};

static struct ebb_ring *ring_of(const struct session *session)
{
	return session->tools->lender->ring->ring;
}

/*
 * What does the ring say of the session? Before the agent has answered, the
 * state may be that of the session before.
 */
static enum ebb_reclaim_end session_end(const struct session *session)
{
	const struct ebb_ring *ring = ring_of(session);
	uint32_t state = ebb_load_acquire(&ring->session_state);

	if (!session->started ||
	    ebb_load_relaxed(&ring->session_id) != session->id)
		return EBB_END_NONE;
	switch (state) {
	case EBB_SESSION_RUNNING:
		return EBB_END_NONE;
	case EBB_SESSION_DRAINED:
	/* It saw no demand. Whether we have enough is ours to say. */
	case EBB_SESSION_SATISFIED:
		return EBB_END_DRAINED;
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

static struct ebb_outcome of_session(enum ebb_reclaim_end end)
{
	return ebb_outcome_reason(
		end, end == EBB_END_GUEST_PRESSURE ? "pressure" : "");
}

static enum ebb_reclaim_end failed_start_end(int r)
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
static struct ebb_outcome hear_start(struct session *session)
{
	struct ebb_dialog_reply reply;

	if (session->started ||
	    !ebb_dialog_hear(&session->tools->dialog, 0, &reply))
		return ebb_outcome(EBB_END_NONE);
	if (reply.result < 0 &&
	    ebb_load_relaxed(&ring_of(session)->session_id) != session->id) {
		session->refused = true;
		return ebb_outcome_error(failed_start_end(reply.result), "%s",
					 reply.error.text);
	}
	session->started = true;
	session->last_move_ns = ebb_now_ns();
	return ebb_outcome(EBB_END_NONE);
}

/* The guest started it and then said nothing for too long. */
static bool is_silent(const struct session *session)
{
	return session->started && ebb_now_ns() - session->last_move_ns >
					   (uint64_t)SILENCE_MS * 1000000;
}

/* libvirt cannot be asked: what it could not be asked of may be gone. */
static struct ebb_outcome unasked(struct session *session)
{
	const struct ebb_tools *tools = session->tools;
	uint64_t until_ns = ebb_now_ns() + (uint64_t)HEARSAY_MS * 1000000;

	while (!*tools->bounds->gone && ebb_now_ns() < until_ns)
		ebb_sleep_us(POLL_MAX_US);
	if (*tools->bounds->gone)
		return ebb_outcome(ebb_tools_end(tools));
	return ebb_outcome_error(EBB_END_FAILED,
				 "cannot ask libvirt whether a job runs");
}

/* EBB_END_NONE: libvirt allows it now. */
static struct ebb_outcome await_permission(struct session *session)
{
	struct ebb_tools *tools = session->tools;
	uint64_t wanted_ns = ebb_now_ns();
	enum ebb_reclaim_end end;
	int r;

	for (;;) {
		r = ebb_permission_get(&tools->permission, wanted_ns,
				       ebb_now_ns() +
					       LOOK_MS * UINT64_C(1000000));
		if (r == 0)
			return ebb_outcome(EBB_END_NONE);
		if (r == -EBUSY)
			return ebb_outcome(EBB_END_JOB);
		if (r != -EAGAIN)
			return unasked(session);
		end = ebb_tools_end(tools);
		if (end != EBB_END_NONE)
			return ebb_outcome(end);
	}
}

/* Who is gone grants nothing either, and that is no silence. */
static struct ebb_outcome fruitless(const struct session *session)
{
	enum ebb_reclaim_end end = ebb_tools_end(session->tools);

	return ebb_outcome(end == EBB_END_NONE ? EBB_END_GUEST_SILENT : end);
}

static struct ebb_outcome take_batch(struct session *session,
				     struct ebb_batch *batch)
{
	struct ebb_outcome outcome = await_permission(session);
	int64_t punched;

	if (outcome.end != EBB_END_NONE)
		return outcome;
	punched = ebb_puncher_batch(&session->tools->puncher, batch);
	/* It is looked at anew, which finds out more. */
	if (punched == -EBUSY || punched == -ESRCH)
		return ebb_outcome(EBB_END_GUEST_GONE);
	if (punched < 0)
		return ebb_outcome_error(EBB_END_FAILED,
					 "cannot punch the backing: %s",
					 strerror((int)-punched));
	session->last_move_ns = ebb_now_ns();
	if (punched)
		session->fruitless_ns = 0;
	else if (!session->fruitless_ns)
		session->fruitless_ns = session->last_move_ns;
	else if (session->last_move_ns - session->fruitless_ns >
		 (uint64_t)FRUITLESS_MS * 1000000)
		outcome = fruitless(session);
	return outcome;
}

static bool is_awake(const struct session *session)
{
	return ebb_now_ns() - session->last_move_ns < (uint64_t)SPIN_US * 1000;
}

/* Private copies of the slots, checked. 0, -ESTALE or -EBADMSG. */
static int collect(const struct session *session, struct ebb_batch *ret_batch,
		   struct ebb_msg_error *ret_error)
{
	const struct ebb_lender *lender = session->tools->lender;
	struct ebb_slot copies[EBB_SLOT_COUNT];

	for (uint32_t i = 0; i < EBB_SLOT_COUNT; i++) {
		copies[i] = ebb_slot_read(&ring_of(session)->slots[i]);
		/* After a reset, words of another kernel may look like ours. */
		if (!ebb_offer_is_of(lender->ring->tag, copies[i].word))
			copies[i].word = EBB_LEASE_FREE;
	}
	return ebb_batch_collect(copies, lender->map, lender->qemu,
				 lender->ring_gpa, ret_batch, ret_error);
}

/*
 * What is offered now, taken. @ret_moved: there was a batch.
 *
 * A batch that the guest is still writing is left alone for a moment, so that
 * it is taken as a whole, neighbours side by side. The guest's count is a hint:
 * where it says nothing, what is offered is taken all the same.
 */
static struct ebb_outcome look_at_ring(struct session *session, bool *ret_moved)
{
	/* Read before the slots: what was offered before the end is seen. */
	enum ebb_reclaim_end ended = session_end(session);
	uint64_t announced = ebb_load_acquire(&ring_of(session)->batch);
	struct ebb_msg_error error = { 0 };
	struct ebb_batch batch;
	int r;

	if (ended == EBB_END_NONE && announced == session->batch &&
	    is_awake(session))
		return ebb_outcome(EBB_END_NONE);
	session->batch = announced;
	r = collect(session, &batch, &error);
	if (r < 0)
		return ebb_outcome_error(r == -ESTALE ? EBB_END_MAP_CHANGED
						      : EBB_END_VIOLATION,
					 "%s", error.text);
	if (batch.count == 0)
		return of_session(ended);
	*ret_moved = true;
	return take_batch(session, &batch);
}

/* The guest was told so: also if somebody waits since. */
static bool is_piece_over(const struct session *session)
{
	return session->gentle && session->tools->bounds->pace->over;
}

/* The guest takes its time, and somebody waits now. */
static bool is_hurried(const struct session *session)
{
	return session->gentle && !ebb_bounds_pace(session->tools->bounds);
}

/* Between two looks: awake first, then naps that grow. */
static void nap(struct session *session)
{
	if (ebb_bounds_pace(session->tools->bounds)) {
		ebb_sleep_us(EBB_GENTLE_POLL_US);
		return;
	}
	if (is_awake(session)) {
		session->poll_us = POLL_MIN_US;
		sched_yield();
		return;
	}
	ebb_sleep_us(session->poll_us);
	if (session->poll_us < POLL_MAX_US)
		session->poll_us += session->poll_us / 4;
}

static struct ebb_outcome take_all(struct session *session)
{
	struct ebb_outcome outcome;
	bool moved;

	for (;;) {
		moved = false;
		outcome = ebb_outcome(ebb_tools_end(session->tools));
		if (outcome.end == EBB_END_NONE && is_silent(session))
			outcome = ebb_outcome(EBB_END_GUEST_SILENT);
		if (outcome.end == EBB_END_NONE)
			outcome = hear_start(session);
		if (outcome.end == EBB_END_NONE && is_hurried(session))
			return outcome;
		if (outcome.end == EBB_END_NONE)
			outcome = look_at_ring(session, &moved);
		if (outcome.end != EBB_END_NONE)
			return outcome;
		if (moved)
			ebb_fault_point("resolved");
		/* What is enough by then needs no rest to be so. */
		if (moved && is_piece_over(session))
			return ebb_outcome(ebb_tools_end(session->tools));
		if (!moved)
			nap(session);
	}
}

/* A guest that sees that the demand is gone has revoked what was offered. */
static void part(struct session *session)
{
	struct ebb_tools *tools = session->tools;
	uint64_t until_ns = ebb_now_ns() + (uint64_t)FAREWELL_MS * 1000000;

	ebb_ringmap_demand(tools->lender->ring, false);
	while (!*tools->bounds->gone && ebb_now_ns() < until_ns) {
		/* The agent's answer, if it came only now. */
		hear_start(session);
		/* What was not started is not ended. */
		if (session->refused || session_end(session) != EBB_END_NONE)
			return;
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

/* What an earlier session or target has left unheard; or the bounds end it. */
static struct ebb_outcome free_dialog(struct ebb_tools *tools)
{
	struct ebb_dialog_reply unheard;
	enum ebb_reclaim_end end;

	for (;;) {
		end = ebb_tools_end(tools);
		if (end != EBB_END_NONE || !ebb_dialog_is_open(&tools->dialog))
			return ebb_outcome(end);
		ebb_dialog_hear(&tools->dialog,
				ebb_now_ns() + LOOK_MS * UINT64_C(1000000),
				&unheard);
	}
}

static struct ebb_outcome run(struct session *session, bool rearm)
{
	struct ebb_tools *tools = session->tools;
	struct ebb_dialog_request request = { .kind = EBB_DIALOG_SESSION };
	struct ebb_outcome outcome = free_dialog(tools);
	int r;

	if (outcome.end != EBB_END_NONE)
		return outcome;
	if (!ebb_ringmap_demand(tools->lender->ring, true))
		return ebb_outcome(EBB_END_GUEST_GONE);
	session->batch = ebb_load_acquire(&ring_of(session)->batch);
	session->last_move_ns = ebb_now_ns();
	session->gentle = ebb_bounds_pace(tools->bounds);
	request.session = (struct ebb_msg_session_start){
		.session_id = session->id,
		.timeout_ms = ebb_bounds_left_ms(tools->bounds),
		.rearm = rearm,
		.gentle = session->gentle,
	};
	ebb_permission_want(&tools->permission);
	r = ebb_dialog_say(&tools->dialog, &request);
	if (r < 0) {
		ebb_ringmap_demand(tools->lender->ring, false);
		return ebb_outcome_error(EBB_END_FAILED, "%s", strerror(-r));
	}
	ebb_fault_point("demanded");
	outcome = take_all(session);
	part(session);
	return outcome;
}

struct ebb_outcome ebb_session_run(struct ebb_tools *tools, bool rearm)
{
	uint64_t before_bytes = tools->books->reclaimed_bytes;
	struct ebb_outcome outcome;
	struct session session;

	do {
		session = (struct session){ .tools = tools,
					    .poll_us = POLL_MIN_US };
		if (new_session_id(&session.id) < 0)
			return ebb_outcome_error(EBB_END_FAILED,
						 "no random numbers");
		outcome = run(&session, rearm);
		rearm = rearm && !session.started;
	} while (outcome.end == EBB_END_NONE && is_hurried(&session));
	outcome.bytes = tools->books->reclaimed_bytes - before_bytes;
	return outcome;
}
