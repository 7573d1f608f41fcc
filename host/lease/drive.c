/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/drive.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/lease/session.h"
#include "host/lease/steps.h"
#include "protocol/threshold.h"

enum {
	/* No growth for so long: what is there is all that comes. */
	STILL_MS = 10 * 1000,
	/* Well within EBB_TARGET_LEASE_MS, also if the agent is slow. */
	RENEW_MS = 10 * 1000,
	POLL_US = 5000,
	/* A guest whose facts promise what its offers do not hold. */
	FRUITLESS_MAX = 3,
};

/* So much more is free: worth a session of its own. */
#define GAIN_BYTES (128 * EBB_MIB)
/* A session that brought less brought nothing. */
#define WORTH_BYTES (2 * EBB_MIB)
/* What kswapd frees lies not all in whole huge ranges. */
#define SLACK_BYTES_MIN (8 * EBB_MIB)
#define SLACK_PART 32

/* ---- decisions ---- */

/* Whether the facts of now were written after the target was set. */
static bool is_current(const struct ebb_drive_view *view)
{
	return view->now.stamp_ns != view->told.stamp_ns ||
	       view->now.target_bytes != view->before.target_bytes ||
	       view->now.drop_count != view->before.drop_count;
}

static bool has_dropped(const struct ebb_drive_view *view)
{
	return view->by_module && is_current(view) &&
	       (view->now.state == EBB_THRESHOLD_DROPPED ||
		view->now.drop_count != view->before.drop_count);
}

/* Whether the guest says that no more comes by itself. */
static bool is_terminal(const struct ebb_drive_view *view)
{
	if (!view->by_module || !is_current(view))
		return false;
	switch (view->now.state) {
	case EBB_THRESHOLD_IDLE:
	case EBB_THRESHOLD_HELD:
	case EBB_THRESHOLD_EXHAUSTED:
	case EBB_THRESHOLD_DROPPED:
		return true;
	default:
		return has_dropped(view);
	}
}

static enum ebb_drive_step
decide_after_session(const struct ebb_drive_view *view)
{
	if (has_dropped(view))
		return EBB_DRIVE_END;
	if (view->brought_bytes >= WORTH_BYTES)
		return EBB_DRIVE_TELL;
	if (is_terminal(view) || view->still_ms >= STILL_MS ||
	    view->fruitless >= FRUITLESS_MAX)
		return EBB_DRIVE_END;
	return EBB_DRIVE_TELL;
}

enum ebb_drive_step ebb_drive_decide(const struct ebb_drive_view *view)
{
	uint64_t free_bytes = view->now.free_huge_bytes;

	if (view->session_ran)
		return decide_after_session(view);
	if (free_bytes >= view->goal_bytes)
		return EBB_DRIVE_SESSION;
	if (free_bytes > view->taken_bytes &&
	    free_bytes - view->taken_bytes >= GAIN_BYTES)
		return EBB_DRIVE_SESSION;
	if (is_terminal(view) || view->still_ms >= STILL_MS)
		return EBB_DRIVE_SESSION;
	return EBB_DRIVE_WAIT;
}

const char *ebb_drive_reason(const struct ebb_drive_view *view)
{
	if (has_dropped(view))
		return ebb_drop_reason_name(view->now.drop_reason);
	if (!is_current(view))
		return "no-answer";
	if (!is_terminal(view))
		return "exhausted";
	switch (view->now.state) {
	case EBB_THRESHOLD_IDLE:
		return "no-answer";
	case EBB_THRESHOLD_HELD:
		return view->now.target_bytes < view->goal_bytes ? "limit"
								 : "exhausted";
	default:
		return "exhausted";
	}
}

uint64_t ebb_drive_goal(uint64_t free_huge_bytes, uint64_t wanted_bytes,
			uint64_t memory_bytes)
{
	uint64_t slack_bytes = wanted_bytes / SLACK_PART;

	if (slack_bytes < SLACK_BYTES_MIN)
		slack_bytes = SLACK_BYTES_MIN;
	/* Each on its own, so that no sum of a guest's number wraps. */
	if (free_huge_bytes >= memory_bytes ||
	    wanted_bytes >= memory_bytes - free_huge_bytes ||
	    slack_bytes >= memory_bytes - free_huge_bytes - wanted_bytes)
		return memory_bytes;
	return free_huge_bytes + wanted_bytes + slack_bytes;
}

/* ---- the loop ---- */

struct drive {
	struct ebb_tools *tools;
	uint64_t memory_bytes;
	uint64_t told_ns; /* last; 0: not yet */
	uint64_t grew_ns;
	uint64_t best_bytes; /* most that was free since the last session */
	struct ebb_msg_held held; /* as the guest said last */
	struct ebb_drive_view view;
};

/* Facts of this moment; where there are none, those of before stay. */
static void read_facts(const struct drive *drive, struct ebb_drive_facts *facts)
{
	struct ebb_facts all;

	if (ebb_ringmap_facts(drive->tools->lender->ring, &all) < 0)
		return;
	*facts = (struct ebb_drive_facts){
		.stamp_ns = all.stamp_ns,
		.free_huge_bytes = all.free_huge_bytes,
		.target_bytes = all.target_bytes,
		.drop_count = all.drop_count,
		.state = all.threshold_state,
		.drop_reason = all.drop_reason,
	};
}

static struct ebb_outcome refused(const char *reason)
{
	return ebb_outcome_reason(EBB_END_GUEST_REFUSED, reason);
}

/* Sends the target as it is. EBB_END_NONE: it is set. */
static struct ebb_outcome send_target(struct drive *drive,
				      struct ebb_msg_target_state *ret_state)
{
	struct ebb_tools *tools = drive->tools;
	struct ebb_outcome outcome = ebb_step_target(
		&tools->dialog, tools->bounds, tools->books,
		drive->view.goal_bytes, drive->told_ns > 0, ret_state);

	drive->told_ns = ebb_now_ns();
	if (outcome.end == EBB_END_NONE)
		drive->held = ret_state->held;
	return outcome;
}

/*
 * The target stays while it is not reached: what was taken is free still. One
 * that was reached and did not bring enough was too low.
 */
static struct ebb_outcome tell(struct drive *drive)
{
	const struct ebb_tools *tools = drive->tools;
	struct ebb_drive_view *view = &drive->view;
	struct ebb_msg_target_state state = { 0 };
	struct ebb_outcome outcome;

	read_facts(drive, &view->before);
	view->taken_bytes = view->before.free_huge_bytes;
	if (view->taken_bytes >= view->goal_bytes)
		view->goal_bytes = ebb_drive_goal(
			view->taken_bytes,
			tools->bounds->bytes - tools->books->reclaimed_bytes,
			drive->memory_bytes);
	outcome = send_target(drive, &state);
	if (outcome.end != EBB_END_NONE)
		return outcome;
	if (strcmp(state.mechanism, "none") == 0)
		return refused("no-mechanism");
	view->by_module = strcmp(state.mechanism, "module") == 0;
	view->told = view->before;
	read_facts(drive, &view->told);
	view->now = view->told;
	view->session_ran = false;
	drive->best_bytes = view->taken_bytes;
	drive->grew_ns = ebb_now_ns();
	return outcome;
}

static void look(struct drive *drive)
{
	struct ebb_drive_view *view = &drive->view;
	uint64_t now_ns = ebb_now_ns();

	read_facts(drive, &view->now);
	if (view->now.free_huge_bytes > drive->best_bytes) {
		drive->best_bytes = view->now.free_huge_bytes;
		drive->grew_ns = now_ns;
	}
	view->still_ms = (uint32_t)((now_ns - drive->grew_ns) / 1000000);
}

/* EBB_END_NONE: it is time for a session. */
static struct ebb_outcome wait_for_growth(struct drive *drive)
{
	struct ebb_msg_target_state state;
	struct ebb_outcome outcome;

	for (;;) {
		outcome = ebb_outcome(ebb_tools_end(drive->tools));
		if (outcome.end != EBB_END_NONE)
			return outcome;
		look(drive);
		if (ebb_drive_decide(&drive->view) == EBB_DRIVE_SESSION)
			return outcome;
		if (ebb_now_ns() - drive->told_ns >=
		    (uint64_t)RENEW_MS * 1000000) {
			outcome = send_target(drive, &state);
			if (outcome.end != EBB_END_NONE)
				return outcome;
		}
		ebb_sleep_us(POLL_US);
	}
}

/* EBB_END_NONE: the session is over, and there is more to do. */
static struct ebb_outcome take(struct drive *drive)
{
	struct ebb_drive_view *view = &drive->view;
	struct ebb_outcome outcome = ebb_session_run(drive->tools, false);

	view->session_ran = true;
	view->brought_bytes = outcome.bytes;
	if (view->brought_bytes >= WORTH_BYTES)
		view->fruitless = 0;
	else
		view->fruitless++;
	if (outcome.end == EBB_END_DRAINED)
		return ebb_outcome(ebb_tools_end(drive->tools));
	return outcome;
}

/* The agent may know it better than the module does: it backs off, too. */
static struct ebb_outcome no_more(struct drive *drive)
{
	struct ebb_msg_target_state state = { 0 };

	if (!has_dropped(&drive->view) &&
	    send_target(drive, &state).end == EBB_END_NONE && state.reason[0])
		return refused(state.reason);
	return refused(ebb_drive_reason(&drive->view));
}

static struct ebb_outcome run(struct drive *drive)
{
	struct ebb_outcome outcome;

	for (;;) {
		outcome = ebb_outcome(ebb_tools_end(drive->tools));
		if (outcome.end == EBB_END_NONE)
			outcome = tell(drive);
		if (outcome.end == EBB_END_NONE)
			outcome = wait_for_growth(drive);
		if (outcome.end == EBB_END_NONE)
			outcome = take(drive);
		if (outcome.end != EBB_END_NONE)
			return outcome;
		if (ebb_drive_decide(&drive->view) == EBB_DRIVE_END)
			return no_more(drive);
	}
}

struct ebb_outcome ebb_drive_run(struct ebb_tools *tools)
{
	const struct ebb_guest_process *qemu = tools->lender->qemu;
	uint64_t before_bytes = tools->books->reclaimed_bytes;
	struct drive drive = { .tools = tools };
	struct ebb_outcome outcome;

	for (uint32_t i = 0; i < qemu->backing_count; i++)
		drive.memory_bytes += qemu->backings[i].bytes;
	tools->books->phase = EBB_PHASE_DRIVING;
	outcome = run(&drive);
	if (outcome.end == EBB_END_GUEST_REFUSED)
		outcome.held = drive.held;
	outcome.bytes = tools->books->reclaimed_bytes - before_bytes;
	return outcome;
}
