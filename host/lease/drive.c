/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/drive.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/size.h"
#include "protocol/threshold.h"

enum {
	/* No growth for so long: what is there is all that comes. */
	STILL_MS = 10 * 1000,
	/* Well within EBB_TARGET_LEASE_MS, also if the agent is slow. */
	RENEW_MS = 10 * 1000,
	POLL_US = 5000,
	/* A guest whose facts promise what its offers do not hold. */
	FRUITLESS_MAX = 3,
	REASON_BYTES = 32,
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
	const struct ebb_lender *lender;
	const struct ebb_reclaim_order *order;
	const struct ebb_drive_ops *ops;
	void *opaque;
	struct ebb_reclaim_counters *counters;
	struct ebb_msg_error *error;
	char *reason;
	uint64_t memory_bytes;
	uint64_t deadline_ns;
	uint64_t told_ns;
	uint64_t grew_ns;
	uint64_t best_bytes; /* most that was free since the last session */
	bool retried;
	struct ebb_drive_view view;
};

/* Facts of this moment; where there are none, those of before stay. */
static void read_facts(const struct drive *drive, struct ebb_drive_facts *facts)
{
	struct ebb_facts all;

	if (ebb_ringmap_facts(drive->lender->ring, &all) < 0)
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

/* -EAGAIN: go on. */
static int outer_end(const struct drive *drive)
{
	if (*drive->order->gone || !ebb_ringmap_is_open(drive->lender->ring))
		return EBB_END_GUEST_GONE;
	if (*drive->order->cancelled)
		return EBB_END_CANCELLED;
	if (ebb_now_ns() >= drive->deadline_ns)
		return EBB_END_TIMEOUT;
	return -EAGAIN;
}

static int refuse(struct drive *drive, const char *reason)
{
	snprintf(drive->reason, REASON_BYTES, "%s", reason);
	return EBB_END_GUEST_REFUSED;
}

/* Sends the target as it is. -EAGAIN: it is set. */
static int send_target(struct drive *drive,
		       struct ebb_msg_target_state *ret_state)
{
	bool first = !drive->retried;
	int r = drive->ops->tell(drive->view.goal_bytes, first, ret_state,
				 drive->opaque);

	drive->retried = true;
	drive->told_ns = ebb_now_ns();
	if (r == -ENOSYS && first)
		return EBB_END_DRAINED;
	if (r == -ETIMEDOUT || r == -ENOTCONN)
		return refuse(drive, "no-answer");
	if (r < 0)
		return refuse(drive, "agent-error");
	return -EAGAIN;
}

/*
 * The target stays while it is not reached: what was taken is free still. One
 * that was reached and did not bring enough was too low.
 */
static int tell(struct drive *drive)
{
	struct ebb_drive_view *view = &drive->view;
	struct ebb_msg_target_state state = { 0 };
	int end;

	read_facts(drive, &view->before);
	view->taken_bytes = view->before.free_huge_bytes;
	if (view->taken_bytes >= view->goal_bytes)
		view->goal_bytes = ebb_drive_goal(
			view->taken_bytes,
			drive->order->bytes - drive->counters->reclaimed_bytes,
			drive->memory_bytes);
	end = send_target(drive, &state);
	if (end != -EAGAIN)
		return end;
	if (strcmp(state.mechanism, "none") == 0)
		return refuse(drive, "no-mechanism");
	view->by_module = strcmp(state.mechanism, "module") == 0;
	view->told = view->before;
	read_facts(drive, &view->told);
	view->now = view->told;
	view->session_ran = false;
	drive->best_bytes = view->taken_bytes;
	drive->grew_ns = ebb_now_ns();
	return -EAGAIN;
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

/* -EAGAIN: it is time for a session. */
static int wait_for_growth(struct drive *drive)
{
	struct ebb_msg_target_state state;
	int end;

	for (;;) {
		end = outer_end(drive);
		if (end != -EAGAIN)
			return end;
		look(drive);
		if (ebb_drive_decide(&drive->view) == EBB_DRIVE_SESSION)
			return -EAGAIN;
		if (ebb_now_ns() - drive->told_ns >=
		    (uint64_t)RENEW_MS * 1000000) {
			end = send_target(drive, &state);
			if (end != -EAGAIN)
				return end;
		}
		ebb_sleep_us(POLL_US);
	}
}

/* -EAGAIN: the session is over, and there is more to do. */
static int run_session(struct drive *drive)
{
	struct ebb_reclaim_order order = *drive->order;
	uint64_t reclaimed_bytes = drive->counters->reclaimed_bytes;
	uint64_t now_ns = ebb_now_ns();
	enum ebb_reclaim_end end;

	if (now_ns >= drive->deadline_ns)
		return EBB_END_TIMEOUT;
	order.timeout_ms =
		(uint32_t)((drive->deadline_ns - now_ns) / 1000000) + 1;
	end = ebb_reclaim_run(drive->lender, &order, &drive->ops->reclaim,
			      drive->opaque, drive->counters, drive->error);
	drive->view.session_ran = true;
	drive->view.brought_bytes =
		drive->counters->reclaimed_bytes - reclaimed_bytes;
	if (drive->view.brought_bytes >= WORTH_BYTES)
		drive->view.fruitless = 0;
	else
		drive->view.fruitless++;
	if (drive->counters->reclaimed_bytes >= order.bytes)
		return EBB_END_SATISFIED;
	if (end == EBB_END_GUEST_PRESSURE)
		snprintf(drive->reason, REASON_BYTES, "pressure");
	/* No guest says that this host has enough. */
	return end == EBB_END_DRAINED || end == EBB_END_SATISFIED ? -EAGAIN
								  : (int)end;
}

/* The agent may know it better than the module does: it backs off, too. */
static int end_refused(struct drive *drive)
{
	struct ebb_msg_target_state state = { 0 };
	const char *reason = ebb_drive_reason(&drive->view);

	if (!has_dropped(&drive->view) &&
	    send_target(drive, &state) == -EAGAIN && state.reason[0])
		reason = state.reason;
	return refuse(drive, reason);
}

static int run(struct drive *drive)
{
	int end;

	for (;;) {
		end = outer_end(drive);
		if (end == -EAGAIN)
			end = tell(drive);
		if (end == -EAGAIN)
			end = wait_for_growth(drive);
		if (end == -EAGAIN)
			end = run_session(drive);
		if (end != -EAGAIN)
			return end;
		if (ebb_drive_decide(&drive->view) == EBB_DRIVE_END)
			return end_refused(drive);
	}
}

enum ebb_reclaim_end ebb_drive_run(const struct ebb_lender *lender,
				   const struct ebb_reclaim_order *order,
				   const struct ebb_drive_ops *ops,
				   void *opaque,
				   struct ebb_reclaim_counters *counters,
				   char *ret_reason,
				   struct ebb_msg_error *ret_error)
{
	struct drive drive = {
		.lender = lender,
		.order = order,
		.ops = ops,
		.opaque = opaque,
		.counters = counters,
		.error = ret_error,
		.reason = ret_reason,
		.deadline_ns =
			ebb_now_ns() + (uint64_t)order->timeout_ms * 1000000,
	};
	int end;

	*ret_reason = '\0';
	for (uint32_t i = 0; i < lender->qemu->backing_count; i++)
		drive.memory_bytes += lender->qemu->backings[i].bytes;
	end = run(&drive);
	ops->restore(opaque);
	return (enum ebb_reclaim_end)end;
}
