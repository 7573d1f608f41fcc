/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/rung/report.h"

#include <string.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/lease/drive.h"
#include "host/lease/steps.h"
#include "host/rung/held.h"
#include "protocol/threshold.h"

enum {
	POLL_US = 100 * 1000,
	/*
	 * From free to discarded: the kernel waits 2 s, takes its time where much is
	 * free (PAGE_REPORTING_DELAY, mm/page_reporting.c), and QEMU is asked in turn.
	 */
	LAG_MS = 6 * 1000,
	/* No less for so long, whatever the guest says: that is all. */
	STILL_MS = 20 * 1000,
	/* Well within EBB_TARGET_LEASE_MS, also if the agent is slow. */
	RENEW_MS = 10 * 1000,
	/* Targets that were reached and brought too little. */
	RAISED_MAX = 2,
};

/* By so much less the host has to hold to be worth waiting on. */
#define WORTH_BYTES (2 * EBB_MIB)
/* So much that is free and held is worth waiting for. */
#define HELD_BYTES (64 * EBB_MIB)

/* ---- decisions ---- */

static bool is_state(const struct ebb_report_view *view,
		     enum ebb_threshold_state state)
{
	return strcmp(view->answer.state, ebb_threshold_state_name(state)) == 0;
}

/* Whether the guest says that it is at work. */
static bool is_busy(const struct ebb_report_view *view)
{
	return !view->answer.reason[0] &&
	       (is_state(view, EBB_THRESHOLD_DRIVING) ||
		is_state(view, EBB_THRESHOLD_FRAGMENTED));
}

static bool is_reached(const struct ebb_report_view *view)
{
	return is_state(view, EBB_THRESHOLD_HELD) &&
	       view->answer.effective_bytes >= view->goal_bytes;
}

enum ebb_report_step ebb_report_decide(const struct ebb_report_view *view)
{
	if (view->still_ms < (is_busy(view) ? STILL_MS : LAG_MS))
		return EBB_REPORT_WAIT;
	return is_reached(view) && !view->answer.reason[0] &&
			       view->raised < RAISED_MAX
		       ? EBB_REPORT_RAISE
		       : EBB_REPORT_END;
}

const char *ebb_report_reason(const struct ebb_report_view *view)
{
	if (view->answer.reason[0])
		return view->answer.reason;
	if (is_reached(view))
		return "not-discarded";
	if (is_state(view, EBB_THRESHOLD_HELD))
		return "limit";
	if (is_state(view, EBB_THRESHOLD_IDLE))
		return "no-answer";
	return "exhausted";
}

/* ---- the loop ---- */

/**
 * struct report - one run, for its thread alone
 * @grew_ns: when the host held less than ever before, last
 * @worth_bytes: what had come then
 * @driven: since the target was given; @undriven_bytes: what had come before but for
 *	what came of it in an earlier run
 */
struct report {
	struct ebb_reclaim *reclaim;
	struct ebb_bounds bounds;
	struct ebb_dialog dialog;
	uint64_t grew_ns;
	uint64_t worth_bytes;
	bool driven;
	uint64_t undriven_bytes;
	uint64_t told_ns; /* last; 0: not yet */
	struct ebb_report_view view;
};

/* EBB_END_NONE, or why there is nothing to be measured. */
static struct ebb_outcome measure(struct report *report)
{
	struct ebb_books *books = &report->reclaim->books;
	uint64_t before_bytes = books->reclaimed_bytes;
	int r = ebb_held_measure(report->reclaim);

	if (r < 0)
		return ebb_held_unread(r);
	if (report->driven && books->reclaimed_bytes > before_bytes)
		books->driven_bytes =
			books->reclaimed_bytes - report->undriven_bytes;
	if (books->reclaimed_bytes >= report->worth_bytes + WORTH_BYTES) {
		report->worth_bytes = books->reclaimed_bytes;
		report->grew_ns = ebb_now_ns();
	}
	return ebb_outcome(ebb_bounds_end(&report->bounds, books));
}

static uint64_t still_ms(const struct report *report)
{
	return (ebb_now_ns() - report->grew_ns) / EBB_NS_PER_MS;
}

/* DRAINED: what was free is discarded, as far as it shows. */
static struct ebb_outcome await_discards(struct report *report)
{
	struct ebb_outcome outcome;

	report->grew_ns = ebb_now_ns();
	for (;;) {
		outcome = measure(report);
		if (outcome.end != EBB_END_NONE)
			return outcome;
		if (still_ms(report) >= LAG_MS)
			return ebb_outcome(EBB_END_DRAINED);
		ebb_sleep_us(POLL_US);
	}
}

static struct ebb_outcome ask_facts(struct report *report,
				    struct ebb_msg_facts *ret_facts)
{
	return ebb_step_facts(&report->dialog, &report->bounds,
			      &report->reclaim->books, ret_facts);
}

static struct ebb_estimate estimate(const struct ebb_reclaim *reclaim,
				    const struct ebb_msg_facts *facts)
{
	return ebb_estimate_reclaim(reclaim->memory_bytes, reclaim->held_bytes,
				    facts->free_huge_bytes);
}

/* Step 1. */
static struct ebb_outcome await_free(struct report *report)
{
	struct ebb_msg_facts facts = { 0 };
	struct ebb_outcome outcome = ask_facts(report, &facts);

	report->reclaim->books.phase = EBB_PHASE_TAKING;
	if (outcome.end != EBB_END_NONE)
		return outcome;
	if (estimate(report->reclaim, &facts).min_bytes < HELD_BYTES)
		return ebb_outcome(EBB_END_DRAINED);
	return await_discards(report);
}

static struct ebb_outcome refused(const char *reason)
{
	return ebb_outcome_reason(EBB_END_GUEST_REFUSED, reason);
}

/* The target as it is; what the guest says to it is in the view then. */
static struct ebb_outcome tell(struct report *report)
{
	struct ebb_outcome outcome = ebb_step_target(
		&report->dialog, &report->bounds, &report->reclaim->books,
		report->view.goal_bytes, report->told_ns > 0,
		&report->view.answer);

	report->told_ns = ebb_now_ns();
	if (outcome.end == EBB_END_NONE &&
	    strcmp(report->view.answer.mechanism, "none") == 0)
		return refused("no-mechanism");
	return outcome;
}

/* A target of what is free now and what is missing. */
static struct ebb_outcome aim(struct report *report)
{
	const struct ebb_reclaim *reclaim = report->reclaim;
	struct ebb_msg_facts facts = { 0 };
	struct ebb_outcome outcome = ask_facts(report, &facts);
	uint64_t came_bytes = reclaim->books.reclaimed_bytes;

	/* It was driven already, or answered before that: what came counts. */
	if (outcome.end == EBB_END_NO_AGENT)
		return refused("no-answer");
	if (outcome.end != EBB_END_NONE)
		return outcome;
	report->view.goal_bytes =
		ebb_drive_goal(facts.free_huge_bytes,
			       reclaim->wish.bytes > came_bytes
				       ? reclaim->wish.bytes - came_bytes
				       : 0,
			       reclaim->memory_bytes);
	report->grew_ns = ebb_now_ns();
	return tell(report);
}

/* By its time, and before it is judged for the first time by what the guest says. */
static bool is_told_anew(const struct report *report)
{
	uint64_t judged_ns = report->grew_ns + LAG_MS * EBB_NS_PER_MS;
	uint64_t now_ns = ebb_now_ns();

	return now_ns - report->told_ns >= RENEW_MS * EBB_NS_PER_MS ||
	       (now_ns >= judged_ns && report->told_ns < judged_ns);
}

/* One turn of the loop. EBB_END_NONE: there is another. */
static struct ebb_outcome pursue(struct report *report)
{
	struct ebb_outcome outcome = measure(report);

	if (outcome.end == EBB_END_NONE && is_told_anew(report))
		outcome = tell(report);
	if (outcome.end != EBB_END_NONE)
		return outcome;
	report->view.still_ms = still_ms(report);
	switch (ebb_report_decide(&report->view)) {
	case EBB_REPORT_WAIT:
		ebb_sleep_us(POLL_US);
		break;
	case EBB_REPORT_RAISE:
		report->view.raised++;
		outcome = aim(report);
		break;
	case EBB_REPORT_END:
		outcome = refused(ebb_report_reason(&report->view));
		break;
	}
	return outcome;
}

/* Step 3. */
static struct ebb_outcome drive(struct report *report)
{
	struct ebb_reclaim *reclaim = report->reclaim;
	struct ebb_outcome outcome;

	reclaim->books.phase = EBB_PHASE_DRIVING;
	report->driven = true;
	report->undriven_bytes =
		reclaim->books.reclaimed_bytes - reclaim->books.driven_bytes;
	outcome = aim(report);
	while (outcome.end == EBB_END_NONE)
		outcome = pursue(report);
	if (outcome.end == EBB_END_GUEST_REFUSED)
		outcome.held = report->view.answer.held;
	ebb_step_restore_target(&report->dialog, &reclaim->standing);
	return outcome;
}

static struct ebb_outcome ask_permission(const struct report *report)
{
	struct ebb_permission permission;
	struct ebb_outcome outcome;
	int r = ebb_permission_start(&permission, report->reclaim->domain);

	if (r < 0)
		return ebb_step_no_thread(r);
	outcome = ebb_step_permission(&permission, &report->bounds,
				      &report->reclaim->books);
	ebb_permission_stop(&permission);
	return outcome;
}

static struct ebb_outcome take(struct report *report)
{
	struct ebb_reclaim *reclaim = report->reclaim;
	const struct ebb_reclaim_wish *wish = &reclaim->wish;
	struct ebb_outcome outcome = ask_permission(report);

	if (outcome.end == EBB_END_NONE)
		outcome = await_free(report);
	/* Step 2. That it did not is no failure. */
	if (outcome.end == EBB_END_DRAINED && wish->compact) {
		outcome = ebb_step_compact(&report->dialog, &report->bounds,
					   &reclaim->books);
		if (outcome.end == EBB_END_NONE)
			outcome = await_discards(report);
	}
	if (outcome.end == EBB_END_DRAINED && !wish->all && !wish->free_only)
		outcome = drive(report);
	return outcome;
}

static struct ebb_outcome estimate_all(struct report *report)
{
	struct ebb_msg_facts facts = { 0 };
	struct ebb_outcome outcome = ask_facts(report, &facts);

	if (outcome.end != EBB_END_NONE)
		return outcome;
	report->reclaim->estimate = estimate(report->reclaim, &facts);
	/* What a process has is QEMU's own in part, nobody knows how much. */
	if (report->reclaim->lender.qemu->backing_count == 0)
		report->reclaim->estimate.min_bytes = 0;
	return ebb_outcome(EBB_END_SATISFIED);
}

static struct ebb_outcome run(struct ebb_reclaim *reclaim)
{
	struct report report = {
		.reclaim = reclaim,
		.bounds = ebb_reclaim_bounds(reclaim),
		.worth_bytes = reclaim->books.reclaimed_bytes,
	};
	struct ebb_outcome outcome = measure(&report);
	int r;

	if (outcome.end != EBB_END_NONE)
		return outcome;
	r = ebb_dialog_start(&report.dialog, reclaim->channel,
			     reclaim->agent_ms);
	if (r < 0)
		return ebb_step_no_thread(r);
	outcome = reclaim->wish.dry_run ? estimate_all(&report) : take(&report);
	ebb_dialog_stop(&report.dialog);
	return outcome;
}

/* The process is read by a worker. */
void ebb_report_prepare(struct ebb_reclaim *reclaim)
{
	reclaim->target_bytes = reclaim->wish.all ? 0 : reclaim->wish.bytes;
}

void ebb_report_run(struct ebb_reclaim *reclaim)
{
	int r = ebb_held_begin(reclaim);
	struct ebb_outcome outcome = r < 0 ? ebb_held_unread(r) : run(reclaim);

	ebb_held_end(reclaim, &outcome);
}
