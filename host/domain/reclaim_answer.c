/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/reclaim_answer.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/size.h"
#include "host/domain/refusal_answer.h"
#include "host/interface/held.h"
#include "host/rung/hand.h"

struct ebb_reclaim_wish
ebb_reclaim_wish_of(const struct ebb_reclaim_request *request)
{
	return (struct ebb_reclaim_wish){
		.bytes = request->all ? 0 : request->bytes,
		.all = request->all,
		.compact = !request->no_compact,
		.free_only = request->free_only,
		.gentle = request->gentle,
		.dry_run = request->dry_run,
		.timeout_ms = request->timeout_ms,
	};
}

/* How each end is answered. @error_class NULL: with a result. */
static const struct {
	const char *error_class;
	const char *text; /* note of a result, sentence of an error */
} answers[] = {
	[EBB_END_NONE] = { "GenericError", "The reclaim did not run" },
	[EBB_END_SATISFIED] = { NULL, "" },
	[EBB_END_DRAINED] = { NULL, "" },
	[EBB_END_TIMEOUT] = { NULL, "The timeout expired before the guest had "
				    "given all; --timeout gives it more" },
	[EBB_END_CANCELLED] = { NULL, "Cancelled" },
	[EBB_END_GUEST_PRESSURE] = { NULL, "The guest ran short of memory "
					   "itself and stopped giving" },
	[EBB_END_GUEST_REFUSED] = { NULL, "" },
	[EBB_END_NO_MORE] = { NULL, "" },
	[EBB_END_GUEST_GONE] = { "GenericError",
				 "The guest was reset or stopped, its memory or "
				 "devices changed, or ebb.ko was unloaded in "
				 "the middle; try again" },
	[EBB_END_EBBD_ENDS] = { "GenericError",
				"ebbd was stopped in the middle; ask again "
				"when it runs: systemctl status ebbd" },
	[EBB_END_LIBVIRT_GONE] = { "LibvirtGone",
				   "libvirtd went away in the middle; see: "
				   "systemctl status libvirtd" },
	[EBB_END_GUEST_SILENT] = { "GenericError",
				   "The guest does not answer in its ring; see "
				   "whether it is paused or hangs" },
	[EBB_END_NO_AGENT] = { "RungClosed",
			       "No ebb-agent answers in the guest any more; "
			       "see whether the guest hangs, its agent (there: "
			       "systemctl status ebb-agent), or libvirtd, "
			       "which is between them (systemctl status "
			       "libvirtd)" },
	[EBB_END_REPORTING_BUSY] = { "RungClosed",
				     "virtio-balloon holds the guest kernel's "
				     "page reporting; set "
				     "freePageReporting='off' and start the "
				     "domain again" },
	[EBB_END_JOB] = { "Busy", "A libvirt job works on the domain's "
				  "memory; wait for it to end: virsh "
				  "domjobinfo" },
	[EBB_END_MAP_CHANGED] = { "GenericError",
				  "The guest's memory layout changed and is "
				  "examined again; try again" },
	[EBB_END_VIOLATION] = { "RungClosed",
				"The guest broke the rules of the lease and is "
				"in quarantine until it is started anew" },
	[EBB_END_FAILED] = { "GenericError", "The reclaim failed" },
};

_Static_assert(EBB_ARRAY_SIZE(answers) == EBB_END_COUNT,
	       "each end has an answer");

/* What the balloon holds for Ebb, or is about to. */
static uint64_t balloon_held_bytes(const struct ebb_reclaim *reclaim)
{
	const struct ebb_hand *hand = reclaim->hand;

	return hand ? hand->record.base_bytes - hand->record.left_bytes : 0;
}

/* The two are not of the same moment. */
static uint64_t rest(uint64_t held_bytes, uint64_t swapped_bytes)
{
	return held_bytes > swapped_bytes ? held_bytes - swapped_bytes : 0;
}

static void fill_dry(const struct ebb_reclaim *reclaim,
		     struct ebb_reclaim_result *result)
{
	const struct ebb_reclaim_wish *wish = &reclaim->wish;

	result->dry_run = true;
	result->resident_after_bytes = result->resident_before_bytes;
	result->swapped_after_bytes = result->swapped_before_bytes;
	result->estimate_min_bytes = reclaim->estimate.min_bytes;
	result->estimate_max_bytes = reclaim->estimate.max_bytes;
	if (!wish->all && wish->bytes < reclaim->estimate.max_bytes) {
		result->estimate_max_bytes = wish->bytes;
		if (result->estimate_min_bytes > wish->bytes)
			result->estimate_min_bytes = wish->bytes;
	}
	snprintf(result->ended, sizeof(result->ended), "dry-run");
}

/* What was not had of what was asked. */
static void fill_refusal(const struct ebb_outcome *outcome,
			 struct ebb_reclaim_result *result)
{
	if ((outcome->end != EBB_END_GUEST_REFUSED &&
	     outcome->end != EBB_END_NO_MORE &&
	     outcome->end != EBB_END_GUEST_PRESSURE) ||
	    result->reclaimed_bytes >= result->asked_bytes)
		return;
	result->refused_bytes = result->asked_bytes - result->reclaimed_bytes;
	snprintf(result->refused_reason, sizeof(result->refused_reason), "%s",
		 outcome->reason);
}

/* Why a guest that was to be compacted was not. */
static void note_uncompacted(const char *reason,
			     struct ebb_reclaim_result *result)
{
	static const struct {
		const char *reason;
		const char *text;
	} notes[] = {
		{ "too-soon", "it was a short while ago, and little came of "
			      "it" },
		{ "too-old", "its ebb-agent is too old for that; update it" },
		{ "no-answer", "its ebb-agent does not answer" },
	};
	const char *text = reason;

	snprintf(result->uncompacted_reason, sizeof(result->uncompacted_reason),
		 "%s", reason);
	/* As it should be: little is free in it but in huge ranges. */
	if (strcmp(reason, "nothing") == 0)
		return;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(notes); i++)
		if (strcmp(notes[i].reason, reason) == 0)
			text = notes[i].text;
	snprintf(result->note, sizeof(result->note),
		 "The guest was not compacted: %s", text);
}

/* Why a guest that was driven gives no more. */
static void note_refusal(const struct ebb_outcome *outcome,
			 struct ebb_reclaim_result *result)
{
	char held[EBB_HELD_TEXT_BYTES];

	result->held = outcome->held;
	ebb_held_text(&outcome->held, held);
	snprintf(result->note, sizeof(result->note),
		 "The guest gives no more: %s%s%s",
		 ebb_target_reason_text(outcome->reason),
		 *held ? ". It holds " : "", held);
}

static void fill_note(const struct ebb_outcome *outcome,
		      struct ebb_reclaim_result *result)
{
	if (outcome->end == EBB_END_GUEST_REFUSED)
		note_refusal(outcome, result);
	else if (outcome->end == EBB_END_NO_MORE)
		snprintf(result->note, sizeof(result->note),
			 "No more can be had: %s",
			 ebb_target_reason_text(outcome->reason));
	else if (outcome->end == EBB_END_DRAINED && *outcome->reason)
		note_uncompacted(outcome->reason, result);
	else
		snprintf(result->note, sizeof(result->note), "%s",
			 answers[outcome->end].text);
}

static void answer_error(const struct ebb_outcome *outcome,
			 struct ebb_call *call)
{
	char size[EBB_SIZE_TEXT_BYTES];

	ebb_call_error(call, answers[outcome->end].error_class,
		       "%s%s%s%s (reclaimed before that: %s)",
		       answers[outcome->end].text,
		       *outcome->error.text ? " [" : "", outcome->error.text,
		       *outcome->error.text ? "]" : "",
		       ebb_size_format(outcome->bytes, size, sizeof(size)));
}

static void answer_ended(const struct ebb_reclaim *reclaim,
			 struct ebb_call *call)
{
	const struct ebb_outcome *outcome = &reclaim->outcome;
	struct ebb_reclaim_result result = {
		.asked_bytes = reclaim->wish.bytes,
		.reclaimed_bytes = outcome->bytes,
		.resident_before_bytes = rest(reclaim->before_bytes,
					      reclaim->swapped_before_bytes),
		.resident_after_bytes = rest(reclaim->after_bytes,
					     reclaim->swapped_after_bytes),
		.swapped_before_bytes = reclaim->swapped_before_bytes,
		.swapped_after_bytes = reclaim->swapped_after_bytes,
		.swapped_known = reclaim->swapped_before_known &&
				 reclaim->swapped_after_known,
		.punched_bytes = reclaim->books.punched_bytes,
		.batches = reclaim->books.batches,
		.failed_slots = reclaim->books.failed_slots,
		.driven_bytes = reclaim->books.driven_bytes,
		.balloon_held_bytes = balloon_held_bytes(reclaim),
		.elapsed_us = (reclaim->end_ns - reclaim->start_ns) / 1000,
	};

	if (answers[outcome->end].error_class) {
		answer_error(outcome, call);
		return;
	}
	snprintf(result.ended, sizeof(result.ended), "%s",
		 ebb_reclaim_end_name(outcome->end));
	if (reclaim->wish.dry_run)
		fill_dry(reclaim, &result);
	fill_refusal(outcome, &result);
	fill_note(outcome, &result);
	ebb_call_return(call,
			ebb_msg_encode(ebb_reclaim_result_fields, &result));
}

void ebb_reclaim_answer(const struct ebb_reclaim_report *report,
			struct ebb_call *call)
{
	if (report->reclaim)
		answer_ended(report->reclaim, call);
	else
		ebb_refusal_answer(&report->refusal, call);
}

/* As the rung measured it last; on the lease, of its files at this moment. */
static uint64_t held_bytes(const struct ebb_reclaim *reclaim)
{
	uint64_t bytes = reclaim->held_bytes;

	return bytes ? bytes : ebb_lender_held_bytes(&reclaim->lender);
}

/* @waited_ns: in line until now. */
static struct ebb_reclaim_progress
progress_of(const struct ebb_reclaim *reclaim, uint64_t waited_ns)
{
	uint64_t start_ns = reclaim->start_ns;
	struct ebb_reclaim_progress progress = {
		.reclaimed_bytes = reclaim->books.reclaimed_bytes,
		.target_bytes = reclaim->target_bytes,
		.resident_bytes = held_bytes(reclaim),
		.driven_bytes = reclaim->books.driven_bytes,
	};

	/* A worker is about to begin. */
	if (start_ns)
		progress.elapsed_ms =
			(uint32_t)((ebb_now_ns() - start_ns - waited_ns) /
				   EBB_NS_PER_MS);
	snprintf(progress.phase, sizeof(progress.phase), "%s",
		 ebb_reclaim_phase_name(reclaim->books.phase));
	return progress;
}

void ebb_reclaim_tell(const struct ebb_reclaim_state *state,
		      struct ebb_call *call)
{
	struct ebb_reclaim_progress progress = { 0 };

	if (state->reclaim)
		progress = progress_of(state->reclaim, state->waited_ns);
	if (state->waits) {
		snprintf(progress.phase, sizeof(progress.phase), "waiting");
		progress.running = state->running;
		progress.ahead = state->ahead;
	}
	ebb_call_event(call, "reclaim-progress",
		       ebb_msg_encode(ebb_reclaim_progress_fields, &progress));
}
