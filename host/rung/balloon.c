/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/rung/balloon.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/u64.h"
#include "host/base/worker.h"
#include "host/memory/age.h"
#include "host/rung/held.h"
#include "host/rung/need.h"

enum {
	POLL_US = 250 * 1000,
	PERIOD_S = 1,
	/* For the first word of the driver, and for a balloon that moves to rest. */
	BEGIN_MS = 10 * 1000,
	REST_MS = 1500,
};

/* Less is not worth a step. */
#define WORTH_BYTES (4 * EBB_MIB)
#define SLACK_BYTES (2 * EBB_MIB)

/* ---- decisions ---- */

bool ebb_balloon_has_arrived(uint64_t actual_bytes, uint64_t left_bytes)
{
	return actual_bytes <= left_bytes + SLACK_BYTES;
}

static struct ebb_balloon_decision end_for(enum ebb_balloon_step step,
					   const char *reason)
{
	return (struct ebb_balloon_decision){ .step = step, .reason = reason };
}

static struct ebb_balloon_decision
decide_step(const struct ebb_balloon_view *view)
{
	uint64_t bytes =
		ebb_need_spare(&view->now, view->base_bytes, view->free_only);
	uint64_t above_bytes = view->left_bytes > view->floor_bytes
				       ? view->left_bytes - view->floor_bytes
				       : 0;
	const char *reason = "guest-need";

	if (above_bytes < bytes) {
		bytes = above_bytes;
		reason = "min";
	}
	if (bytes < WORTH_BYTES)
		return end_for(EBB_BALLOON_END, reason);
	if (bytes > EBB_BALLOON_STEP_BYTES)
		bytes = EBB_BALLOON_STEP_BYTES;
	/* A little that is missing is asked for as what is worth it. */
	if (bytes > view->missing_bytes)
		bytes = view->missing_bytes > WORTH_BYTES ? view->missing_bytes
							  : WORTH_BYTES;
	return (struct ebb_balloon_decision){
		.step = EBB_BALLOON_INFLATE,
		.left_bytes = view->left_bytes - bytes,
	};
}

struct ebb_balloon_decision
ebb_balloon_decide(const struct ebb_balloon_view *view)
{
	const char *alarm =
		ebb_need_alarm(&view->before, &view->now, view->base_bytes);

	if (alarm)
		return end_for(view->left_bytes < view->base_bytes
				       ? EBB_BALLOON_GIVE_BACK
				       : EBB_BALLOON_END,
			       alarm);
	if (view->still_ms >= EBB_BALLOON_STUCK_MS)
		return end_for(EBB_BALLOON_END,
			       ebb_balloon_has_arrived(view->now.actual_bytes,
						       view->left_bytes)
				       ? "balloon-silent"
				       : "balloon-stuck");
	if (!view->fresh)
		return (struct ebb_balloon_decision){ .step = EBB_BALLOON_WAIT };
	return decide_step(view);
}

/* ---- the loop ---- */

/**
 * struct run - one inflation, for its thread alone
 * @answer: to what was asked last
 * @start_ticks: of its process
 * @moved_ns: when the balloon moved last, or was asked to
 * @arrived_s: the stamp that the statistics had when it arrived; younger ones are fresh
 */
struct run {
	struct ebb_reclaim *reclaim;
	struct ebb_hand *hand;
	struct ebb_bounds bounds;
	struct ebb_hand_answer answer;
	struct ebb_balloon_view view;
	uint64_t start_ticks;
	uint64_t moved_ns;
	bool arrived;
	uint64_t arrived_s;
};

static struct ebb_outcome unanswered(const struct run *run)
{
	return ebb_outcome_error(EBB_END_FAILED, "%s", run->answer.error);
}

static struct ebb_outcome refused(const char *reason)
{
	return ebb_outcome_reason(EBB_END_GUEST_REFUSED, reason);
}

static struct ebb_outcome measure(struct run *run)
{
	int r = ebb_held_measure(run->reclaim);

	if (r < 0)
		return ebb_held_unread(r);
	return ebb_outcome(ebb_bounds_end(&run->bounds, &run->reclaim->books));
}

static struct ebb_outcome act(struct run *run,
			      const struct ebb_balloon_act *act)
{
	if (ebb_hand_do(run->hand, act, &run->answer) < 0)
		return unanswered(run);
	return ebb_outcome(EBB_END_NONE);
}

static struct ebb_outcome read_stats(struct run *run)
{
	return act(run, &(struct ebb_balloon_act){ 0 });
}

/* Until the driver has answered and the balloon has rested for a while. */
static struct ebb_outcome await_rest(struct run *run)
{
	uint64_t start_ns = ebb_now_ns(), rests_ns = start_ns;
	uint64_t before_s = run->answer.stats.stamp_s;
	uint64_t actual_bytes = run->answer.stats.actual_bytes;
	struct ebb_outcome outcome = ebb_outcome(EBB_END_NONE);

	while (outcome.end == EBB_END_NONE) {
		const struct ebb_balloon_stats *now = &run->answer.stats;
		bool answered = now->stamp_s > before_s;

		if (now->actual_bytes != actual_bytes)
			rests_ns = ebb_now_ns();
		actual_bytes = now->actual_bytes;
		if (answered &&
		    ebb_now_ns() - rests_ns >= REST_MS * EBB_NS_PER_MS)
			break;
		if (ebb_now_ns() - start_ns >= BEGIN_MS * EBB_NS_PER_MS)
			return refused(answered ? "balloon-moves"
						: "balloon-silent");
		ebb_sleep_us(POLL_US);
		outcome = read_stats(run);
		if (outcome.end == EBB_END_NONE)
			outcome = measure(run);
	}
	return outcome;
}

/*
 * QEMU knows what a balloon leaves by the word of the driver, which says nothing after a
 * reset where nothing is asked of it any more. A guest takes what is in its balloon for
 * no memory of its own, unless that deflates by itself.
 */
static bool is_stale(const struct run *run)
{
	const struct ebb_balloon_stats *now = &run->answer.stats;

	return !run->reclaim->autodeflate &&
	       now->total_bytes > now->actual_bytes;
}

/* Step 1. */
static struct ebb_outcome begin(struct run *run)
{
	const struct ebb_balloon_act start = { .set_period = true,
					       .period_s = PERIOD_S };
	struct ebb_balloon_record record;
	struct ebb_balloon_view *view = &run->view;
	struct ebb_outcome outcome = act(run, &start);

	if (outcome.end == EBB_END_NONE)
		outcome = await_rest(run);
	if (outcome.end == EBB_END_NONE && is_stale(run))
		return refused("balloon-unclear");
	if (outcome.end != EBB_END_NONE)
		return outcome;
	view->now = view->before = run->answer.stats;
	view->left_bytes = view->now.actual_bytes;
	/* What it holds already stays so, and there is one base of all. */
	record =
		ebb_hand_record_now(&run->hand->record, view->now.memory_bytes);
	view->base_bytes = ebb_u64_max(record.base_bytes, view->left_bytes);
	run->moved_ns = ebb_now_ns();
	run->arrived = true;
	run->arrived_s = 0;
	return outcome;
}

static struct ebb_outcome inflate(struct run *run, uint64_t left_bytes)
{
	const struct ebb_balloon_act inflation = {
		.write = true,
		.record = { .base_bytes = run->view.base_bytes,
			    .left_bytes = left_bytes,
			    .memory_bytes =
				    ebb_u64_max(run->view.now.memory_bytes,
						run->view.base_bytes),
			    .start_ticks = run->start_ticks,
			    .period_s = ebb_hand_holds(run->hand)
						? run->hand->record.period_s
						: run->reclaim->period_s },
		.resize = true,
		.left_bytes = left_bytes,
	};

	run->view.left_bytes = left_bytes;
	run->moved_ns = ebb_now_ns();
	run->arrived = false;
	return act(run, &inflation);
}

static struct ebb_outcome give_back(struct run *run)
{
	const struct ebb_balloon_act all =
		ebb_hand_give_back(&run->hand->record, &run->answer.stats);

	return act(run, &all);
}

/* What the statistics say now. */
static void look(struct run *run)
{
	struct ebb_balloon_view *view = &run->view;
	const struct ebb_balloon_stats *now = &run->answer.stats;
	bool arrives;

	if (now->actual_bytes != view->now.actual_bytes)
		run->moved_ns = ebb_now_ns();
	view->before = view->now;
	view->now = *now;
	arrives = ebb_balloon_has_arrived(now->actual_bytes, view->left_bytes);
	if (arrives && !run->arrived) {
		run->arrived_s = now->stamp_s;
		run->moved_ns = ebb_now_ns();
	}
	run->arrived = arrives;
	view->fresh = arrives && now->stamp_s > run->arrived_s;
	view->still_ms = (ebb_now_ns() - run->moved_ns) / EBB_NS_PER_MS;
	view->missing_bytes = UINT64_MAX;
	if (run->bounds.bytes > run->reclaim->books.reclaimed_bytes)
		view->missing_bytes =
			run->bounds.bytes - run->reclaim->books.reclaimed_bytes;
}

/* One turn of the loop. EBB_END_NONE: there is another. */
static struct ebb_outcome pursue(struct run *run)
{
	struct ebb_outcome outcome = measure(run);
	struct ebb_balloon_decision decision;

	if (outcome.end == EBB_END_NONE)
		outcome = read_stats(run);
	if (outcome.end != EBB_END_NONE)
		return outcome;
	look(run);
	decision = ebb_balloon_decide(&run->view);
	switch (decision.step) {
	case EBB_BALLOON_WAIT:
		ebb_sleep_us(POLL_US);
		break;
	case EBB_BALLOON_INFLATE:
		return inflate(run, decision.left_bytes);
	case EBB_BALLOON_GIVE_BACK:
		outcome = give_back(run);
		return outcome.end == EBB_END_NONE ? refused(decision.reason)
						   : outcome;
	case EBB_BALLOON_END:
		return refused(decision.reason);
	}
	return outcome;
}

/*
 * Where it ends on the way, it stays there: who asked does not want more, and a guest
 * whose driver wakes up later is not to lose memory then.
 */
static void settle(struct run *run)
{
	const struct ebb_balloon_stats *now = &run->answer.stats;
	struct ebb_balloon_act stay = { .write = true };
	struct ebb_balloon_act stop = { .set_period = true,
					.period_s = run->reclaim->period_s };

	if (read_stats(run).end != EBB_END_NONE)
		return;
	if (!ebb_hand_holds(run->hand)) {
		act(run, &stop);
		return;
	}
	/* Nobody would watch it, and the vm may have no time to say so. */
	if (*run->reclaim->leaving) {
		give_back(run);
		return;
	}
	stay.record =
		ebb_hand_record_now(&run->hand->record, now->memory_bytes);
	/* Where it leaves more than there was before, the guard finds out why. */
	if (ebb_balloon_has_arrived(now->actual_bytes,
				    stay.record.left_bytes) ||
	    ebb_hand_is_above(&run->hand->record, now))
		return;
	stay.resize = true;
	stay.left_bytes = now->actual_bytes;
	stay.record.left_bytes = now->actual_bytes;
	if (now->actual_bytes + SLACK_BYTES < stay.record.base_bytes)
		act(run, &stay);
	else
		give_back(run);
}

static struct ebb_outcome take(struct run *run)
{
	struct ebb_outcome outcome = begin(run);

	if (outcome.end == EBB_END_NONE && run->reclaim->wish.dry_run) {
		run->reclaim->estimate.max_bytes =
			ebb_need_spare(&run->view.now, run->view.base_bytes,
				       run->view.free_only);
		outcome = ebb_outcome(EBB_END_SATISFIED);
	}
	while (outcome.end == EBB_END_NONE)
		outcome = pursue(run);
	settle(run);
	/* All that is free was asked for, and is there. */
	if (run->reclaim->wish.all && outcome.end == EBB_END_GUEST_REFUSED &&
	    strcmp(outcome.reason, "guest-need") == 0)
		outcome = ebb_outcome(EBB_END_DRAINED);
	return outcome;
}

static struct ebb_outcome run_begun(struct ebb_reclaim *reclaim)
{
	struct run run = {
		.reclaim = reclaim,
		.hand = reclaim->hand,
		.bounds = ebb_reclaim_bounds(reclaim),
		.view = { .floor_bytes = reclaim->floor_bytes,
			  .free_only = reclaim->wish.all ||
				       reclaim->wish.free_only },
		.start_ticks =
			ebb_process_start_ticks(reclaim->lender.qemu->pid),
	};
	struct ebb_outcome outcome = measure(&run);

	reclaim->books.phase = EBB_PHASE_TAKING;
	return outcome.end == EBB_END_NONE ? take(&run) : outcome;
}

/* The process is read by a worker. */
void ebb_balloon_prepare(struct ebb_reclaim *reclaim)
{
	reclaim->target_bytes = reclaim->wish.all ? 0 : reclaim->wish.bytes;
}

void ebb_balloon_run(struct ebb_reclaim *reclaim)
{
	int r = ebb_held_begin(reclaim);
	/* ebbd does not end in the midst of it: what is held is handed on. */
	bool holds = ebb_worker_hold();
	struct ebb_outcome outcome;

	if (r < 0)
		outcome = ebb_held_unread(r);
	else if (!holds)
		outcome = ebb_outcome(EBB_END_EBBD_ENDS);
	else
		outcome = run_begun(reclaim);
	ebb_held_end(reclaim, &outcome);
	if (holds)
		ebb_worker_let_go();
}
