/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One reclaim, from top to bottom: reclaim_all() is what it does.
 *
 * Theory of operation
 * ===================
 *
 * Memory is taken in the order of what it costs the guest:
 *
 * 1. What it has free in huge ranges. It costs nothing.
 * 2. What it has free there and the host holds again. A guest offers each free
 *    range once, until it has used it; but a migration, a restore or a dump gives
 *    the host pages again for what it had discarded. Where the books show more
 *    than the guest can be using, it is asked to offer all of it once more.
 * 3. What it has free in small pieces. The guest moves together what it uses
 *    (compaction), and offers the huge ranges that this makes. It costs some
 *    processor time. The guest itself says when it is in vain.
 * 4. What it does not need most: it is driven (drive.h). Only a size that is
 *    asked for goes so far; "all" means all that is free.
 *
 * A step ends with an outcome. DRAINED means: by this way there is no more, and
 * the next step is tried. Every other end is the reclaim's, as the step gave it.
 *
 * Each wait ends by the bounds: the time of the request, the guest or libvirtd
 * gone, nobody who wants it any more. What may never answer (libvirt, the agent)
 * is asked on threads of its own, see asker.h.
 */
#include "host/lease/reclaim.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/size.h"
#include "common/u64.h"
#include "host/lease/drive.h"
#include "host/lease/session.h"
#include "host/lease/steps.h"
#include "host/lease/tools.h"
#include "host/memory/delay.h"

/* So much that the guest no more offers is worth to ask for it again. */
#define REARM_BYTES (64 * EBB_MIB)

static struct ebb_estimate estimate(const struct ebb_reclaim *reclaim,
				    uint64_t resident_bytes)
{
	struct ebb_facts facts = { 0 };

	/* Without facts nothing is free, and the bounds say so. */
	ebb_ringmap_facts(reclaim->lender.ring, &facts);
	return ebb_estimate_reclaim(ebb_lender_bytes(&reclaim->lender),
				    resident_bytes, facts.free_huge_bytes);
}

void ebb_reclaim_prepare(struct ebb_reclaim *reclaim)
{
	reclaim->before_bytes = ebb_lender_held_bytes(&reclaim->lender);
	reclaim->target_bytes =
		reclaim->wish.all
			? estimate(reclaim, reclaim->before_bytes).max_bytes
			: reclaim->wish.bytes;
}

static bool host_holds_free(const struct ebb_reclaim *reclaim)
{
	uint64_t resident = ebb_lender_held_bytes(&reclaim->lender);

	return estimate(reclaim, resident).min_bytes >= REARM_BYTES;
}

/* Steps 1 and 2. */
static struct ebb_outcome take_free(struct ebb_reclaim *reclaim,
				    struct ebb_tools *tools)
{
	struct ebb_outcome outcome;

	tools->books->phase = EBB_PHASE_TAKING;
	outcome = ebb_session_run(tools, false);
	if (outcome.end == EBB_END_DRAINED && !reclaim->rearmed &&
	    host_holds_free(reclaim)) {
		reclaim->rearmed = true;
		outcome = ebb_session_run(tools, true);
	}
	return outcome;
}

/* Step 4. */
static struct ebb_outcome drive(struct ebb_reclaim *reclaim,
				struct ebb_tools *tools)
{
	struct ebb_outcome outcome;

	/* What a guest frees is taken as it comes. */
	reclaim->pace.piece_bytes = UINT64_MAX;
	outcome = ebb_drive_run(tools);
	ebb_step_restore_target(&tools->dialog, &reclaim->standing);
	return outcome;
}

static struct ebb_outcome reclaim_all(struct ebb_reclaim *reclaim,
				      struct ebb_tools *tools)
{
	const struct ebb_reclaim_wish *wish = &reclaim->wish;
	struct ebb_outcome outcome = take_free(reclaim, tools);

	if (outcome.end == EBB_END_DRAINED && wish->compact &&
	    !reclaim->compacted) {
		reclaim->compacted = true;
		reclaim->rearmed = false;
		/* Step 3. That it did not is no failure. */
		outcome = ebb_step_compact(&tools->dialog, tools->bounds,
					   tools->books);
		if (outcome.end == EBB_END_NONE)
			outcome = take_free(reclaim, tools);
	}
	if (outcome.end == EBB_END_DRAINED && !wish->all && !wish->free_only)
		outcome = drive(reclaim, tools);
	return outcome;
}

/*
 * The ring's facts may be old, for an idle guest is not woken for them; a dry
 * run asks the agent.
 */
static struct ebb_outcome estimate_all(struct ebb_reclaim *reclaim,
				       struct ebb_tools *tools)
{
	struct ebb_msg_facts facts = { 0 };
	struct ebb_outcome outcome = ebb_step_facts(
		&tools->dialog, tools->bounds, tools->books, &facts);

	if (outcome.end != EBB_END_NONE)
		return outcome;
	reclaim->before_bytes = ebb_lender_held_bytes(&reclaim->lender);
	reclaim->estimate = ebb_estimate_reclaim(
		ebb_lender_bytes(&reclaim->lender), reclaim->before_bytes,
		facts.free_huge_bytes);
	return ebb_outcome(EBB_END_SATISFIED);
}

static struct ebb_outcome run(struct ebb_reclaim *reclaim)
{
	const struct ebb_bounds bounds = ebb_reclaim_bounds(reclaim);
	struct ebb_outcome outcome;
	struct ebb_tools tools;
	int r = ebb_tools_init(&tools, &reclaim->lender, &bounds,
			       &reclaim->books, reclaim->domain,
			       reclaim->channel, reclaim->agent_ms);

	if (r == -EBUSY)
		return ebb_outcome_error(EBB_END_FAILED,
					 "too many calls of libvirt hang");
	if (r == -ESRCH)
		return ebb_outcome(EBB_END_GUEST_GONE);
	if (r < 0)
		return ebb_outcome_error(
			EBB_END_FAILED,
			"no random numbers, timers or threads: %s",
			strerror(-r));
	outcome = reclaim->wish.dry_run ? estimate_all(reclaim, &tools)
					: reclaim_all(reclaim, &tools);
	ebb_tools_release(&tools);
	return outcome;
}

/* Where it is not known the guest is taken for one that is at ease. */
static uint64_t delayed_ns(const struct ebb_reclaim *reclaim)
{
	uint64_t ns;

	return ebb_run_delay_read(reclaim->lender.qemu->pid, &ns) < 0 ? 0 : ns;
}

/* All shall be had by then; within half of its time, as the guest may be slow. */
static uint64_t spread_ns(const struct ebb_reclaim *reclaim)
{
	uint32_t half_ms = reclaim->wish.timeout_ms / 2;

	return (half_ms < EBB_GENTLE_SPREAD_MS ? half_ms
					       : EBB_GENTLE_SPREAD_MS) *
	       EBB_NS_PER_MS;
}

static void begin_piece(struct ebb_reclaim *reclaim)
{
	struct ebb_gentle *pace = &reclaim->pace;

	if (!reclaim->wish.gentle)
		return;
	pace->piece_bytes = ebb_gentle_piece_bytes(reclaim->target_bytes);
	pace->taken_bytes = 0;
	pace->over = false;
	pace->napped_ns = 0;
	pace->began_bytes = reclaim->books.reclaimed_bytes;
	pace->began_delayed_ns = delayed_ns(reclaim);
	pace->began_ns = ebb_now_ns();
}

/* How long to rest after it, if there is more to do. */
static uint64_t end_piece(struct ebb_reclaim *reclaim)
{
	struct ebb_gentle *pace = &reclaim->pace;
	uint64_t came_bytes = reclaim->books.reclaimed_bytes;
	struct ebb_gentle_piece piece = {
		.came_bytes = came_bytes - pace->began_bytes,
		.left_bytes = ebb_u64_minus(reclaim->target_bytes, came_bytes),
		.left_ns = ebb_u64_minus(reclaim->start_ns + spread_ns(reclaim),
					 ebb_now_ns()),
	};

	if (reclaim->outcome.end != EBB_END_NONE)
		return 0;
	piece.work_ns =
		ebb_u64_minus(ebb_now_ns() - pace->began_ns, pace->napped_ns);
	piece.delayed_ns =
		ebb_u64_minus(delayed_ns(reclaim), pace->began_delayed_ns);
	pace->busy_percent = ebb_gentle_busy_percent(&piece);
	return ebb_gentle_rest_ns(&piece);
}

void ebb_reclaim_run(struct ebb_reclaim *reclaim)
{
	if (!reclaim->start_ns) {
		reclaim->start_ns = ebb_now_ns();
		reclaim->swapped_before_known = ebb_lender_swapped(
			&reclaim->lender, &reclaim->swapped_before_bytes);
	}
	/* What another guest did, or this one before it changed, is to be done again. */
	if (reclaim->outcome.end != EBB_END_NONE)
		reclaim->rearmed = reclaim->compacted = false;
	begin_piece(reclaim);
	reclaim->outcome = run(reclaim);
	reclaim->rest_ns = end_piece(reclaim);
	reclaim->outcome.bytes = reclaim->books.reclaimed_bytes;
	reclaim->after_bytes = ebb_lender_held_bytes(&reclaim->lender);
	reclaim->swapped_after_known = ebb_lender_swapped(
		&reclaim->lender, &reclaim->swapped_after_bytes);
	reclaim->end_ns = ebb_now_ns();
}

const char *ebb_reclaim_phase_name(enum ebb_reclaim_phase phase)
{
	switch (phase) {
	case EBB_PHASE_TAKING:
		return "taking";
	case EBB_PHASE_COMPACTING:
		return "compacting";
	case EBB_PHASE_DRIVING:
		return "driving";
	case EBB_PHASE_PAGING_OUT:
		return "paging-out";
	case EBB_PHASE_RESTING:
		return "resting";
	}
	return "taking";
}
