/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/reclaim_job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/size.h"
#include "host/libvirt/agent.h"
#include "host/lease/drive.h"
#include "host/domain/estimate.h"
#include "host/interface/held.h"

enum {
	/* So much that the guest no more offers is worth to ask for it again. */
	REARM_BYTES = 64 << 20,
	/* A guest that compacts is asked so often whether it still does. */
	COMPACT_POLL_US = 50 * 1000
};

uint64_t ebb_probe_backing_bytes(const struct ebb_probe *probe)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < probe->qemu.backing_count; i++)
		bytes += probe->qemu.backings[i].bytes;
	return bytes;
}

uint64_t ebb_probe_resident_bytes(const struct ebb_probe *probe)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < probe->qemu.backing_count; i++)
		bytes += ebb_backing_held_bytes(&probe->qemu.backings[i]);
	return bytes;
}

static struct ebb_estimate estimate(const struct ebb_probe *probe,
				    uint64_t resident_bytes)
{
	struct ebb_facts facts = { 0 };

	/* Without facts nothing is free, and the bounds say so. */
	ebb_ringmap_facts(&probe->ring, &facts);
	return ebb_estimate_reclaim(ebb_probe_backing_bytes(probe),
				    resident_bytes, facts.free_huge_bytes);
}

/*
 * The ring's facts may be old, for an idle guest is not woken for them; a dry
 * run asks the agent.
 */
static void run_dry(struct ebb_reclaim_job *job)
{
	struct ebb_msg_facts facts;
	int r = ebb_agent_facts(job->probe->channel,
				job->config->agent_timeout_ms, &facts,
				&job->error);

	job->end = r < 0 ? EBB_END_NO_AGENT : EBB_END_SATISFIED;
	job->before_bytes = ebb_probe_resident_bytes(job->probe);
	job->end_ns = ebb_now_ns();
	if (r == 0)
		job->estimate = ebb_estimate_reclaim(
			ebb_probe_backing_bytes(job->probe), job->before_bytes,
			facts.free_huge_bytes);
}

void ebb_reclaim_job_prepare(struct ebb_reclaim_job *job)
{
	job->before_bytes = ebb_probe_resident_bytes(job->probe);
	job->target_bytes =
		job->request.all
			? estimate(job->probe, job->before_bytes).max_bytes
			: job->request.bytes;
	job->start_ns = ebb_now_ns();
	if (job->request.timeout_ms == 0)
		job->request.timeout_ms = job->config->reclaim_timeout_ms;
	if (job->request.timeout_ms > EBB_SESSION_MAX_MS)
		job->request.timeout_ms = EBB_SESSION_MAX_MS;
}

static int start_session(uint64_t session_id, uint32_t timeout_ms,
			 struct ebb_msg_error *ret_error, void *opaque)
{
	struct ebb_reclaim_job *job = opaque;
	struct ebb_msg_session_start start = { .session_id = session_id,
					       .timeout_ms = timeout_ms,
					       .rearm = job->rearm };
	struct ebb_channel *channel = job->probe->channel;
	uint32_t agent_ms = job->config->agent_timeout_ms;
	int guest_errno;
	int r = ebb_agent_session_start(channel, agent_ms, &start, &guest_errno,
					ret_error);

	if (r < 0 && guest_errno == EBUSY)
		return -EBUSY;
	/* The guest may not have noticed yet that the host before it is gone. */
	if (r == -EREMOTEIO &&
	    ebb_agent_session_stop(channel, agent_ms, ret_error) == 0)
		r = ebb_agent_session_start(channel, agent_ms, &start,
					    &guest_errno, ret_error);
	return r;
}

static int may_punch(void *opaque)
{
	struct ebb_reclaim_job *job = opaque;
	int r = ebb_domain_has_job(job->domain);

	return r > 0 ? -EBUSY : r;
}

static int tell(uint64_t target_bytes, bool retry,
		struct ebb_msg_target_state *ret_state, void *opaque)
{
	struct ebb_reclaim_job *job = opaque;
	struct ebb_msg_target target = { .bytes = target_bytes,
					 .timeout_ms = EBB_TARGET_LEASE_MS,
					 .retry = retry,
					 .urgent = true };
	int r = ebb_agent_target(job->probe->channel,
				 job->config->agent_timeout_ms, &target,
				 ret_state, &job->error);

	if (r == 0)
		job->held = ret_state->held;
	return r;
}

/* Best effort: without it the lease of the target ends by itself. */
static void restore(void *opaque)
{
	struct ebb_reclaim_job *job = opaque;
	struct ebb_msg_target_state state;
	struct ebb_msg_error error;

	ebb_agent_target(job->probe->channel, job->config->agent_timeout_ms,
			 &job->standing, &state, &error);
}

static const struct ebb_drive_ops ops = {
	.reclaim = { .start_session = start_session, .may_punch = may_punch },
	.tell = tell,
	.restore = restore,
};

/* Whether there is time left, which @order is cut to; else the job's end. */
static bool has_time(struct ebb_reclaim_job *job,
		     struct ebb_reclaim_order *order)
{
	uint64_t elapsed_ms = (ebb_now_ns() - job->start_ns) / 1000000;

	if (elapsed_ms >= job->request.timeout_ms) {
		job->end = EBB_END_TIMEOUT;
		return false;
	}
	order->timeout_ms = job->request.timeout_ms - (uint32_t)elapsed_ms;
	return true;
}

static bool is_drained_early(const struct ebb_reclaim_job *job)
{
	return job->end == EBB_END_DRAINED &&
	       (job->request.all ||
		job->counters.reclaimed_bytes < job->request.bytes);
}

/*
 * Takes what is free. A guest offers each free range once, until it has used
 * it; but a migration, a restore or a dump gives the host pages again for what
 * it had discarded. Where the books show more than the guest can be using, it
 * is asked for all of it.
 */
static void take(struct ebb_reclaim_job *job, const struct ebb_lender *lender,
		 struct ebb_reclaim_order *order)
{
	job->end = ebb_reclaim_run(lender, order, &ops.reclaim, job,
				   &job->counters, &job->error);
	if (!is_drained_early(job) ||
	    estimate(job->probe, ebb_probe_resident_bytes(job->probe))
			    .min_bytes < REARM_BYTES ||
	    !has_time(job, order))
		return;
	job->rearm = true;
	job->end = ebb_reclaim_run(lender, order, &ops.reclaim, job,
				   &job->counters, &job->error);
	job->rearm = false;
}

/*
 * Has the guest compact what is free and waits for that; returns whether it
 * did. That it did not is no failure: what lay in huge ranges was taken.
 */
static bool compact(struct ebb_reclaim_job *job,
		    struct ebb_reclaim_order *order)
{
	struct ebb_msg_compact_state state = { 0 };
	bool ran = false;
	int r;

	for (;;) {
		if (*job->gone || *job->cancelled) {
			job->end = *job->gone ? EBB_END_GUEST_GONE
					      : EBB_END_CANCELLED;
			return false;
		}
		if (!has_time(job, order))
			return false;
		r = ebb_agent_compact(job->probe->channel,
				      job->config->agent_timeout_ms, &state,
				      &job->error);
		if (r < 0 || !state.running)
			break;
		ran = true;
		ebb_sleep_us(COMPACT_POLL_US);
	}
	if (r < 0)
		snprintf(state.reason, sizeof(state.reason), "%s",
			 r == -ENOSYS ? "too-old" : "no-answer");
	if (!ran)
		memcpy(job->uncompacted_reason, state.reason,
		       sizeof(state.reason));
	return ran;
}

/* What is free did not do. @order is that of what was taken. */
static void drive(struct ebb_reclaim_job *job, const struct ebb_lender *lender,
		  struct ebb_reclaim_order order)
{
	if (!has_time(job, &order))
		return;
	job->counters.undriven_bytes = job->counters.reclaimed_bytes;
	job->counters.driving = true;
	job->end = ebb_drive_run(lender, &order, &ops, job, &job->counters,
				 job->refused_reason, &job->error);
	job->too_old = job->end == EBB_END_DRAINED;
}

static uint64_t driven_bytes(const struct ebb_reclaim_job *job)
{
	const struct ebb_reclaim_counters *counters = &job->counters;

	return counters->driven_bytes +
	       (counters->driving
			? counters->reclaimed_bytes - counters->undriven_bytes
			: 0);
}

/* A job that goes on begins with what is free, driven or not before. */
static void end_drive(struct ebb_reclaim_job *job)
{
	uint64_t bytes = driven_bytes(job);

	job->counters.driving = false;
	job->counters.driven_bytes = bytes;
}

static void take_and_drive(struct ebb_reclaim_job *job,
			   const struct ebb_lender *lender,
			   struct ebb_reclaim_order *order)
{
	take(job, lender, order);
	if (is_drained_early(job) && job->request.compact &&
	    compact(job, order))
		take(job, lender, order);
	if (is_drained_early(job) && !job->request.all &&
	    !job->request.free_only)
		drive(job, lender, *order);
	else if (job->end == EBB_END_GUEST_PRESSURE && order->bytes)
		snprintf(job->refused_reason, sizeof(job->refused_reason),
			 "pressure");
}

void ebb_reclaim_job_run(struct ebb_reclaim_job *job)
{
	struct ebb_lender lender = ebb_probe_lender(job->probe);
	struct ebb_reclaim_order order = {
		.bytes = job->request.all ? 0 : job->request.bytes,
		.grant_window_ms = job->config->grant_window_ms,
		.gone = job->gone,
		.cancelled = job->cancelled,
	};

	if (job->request.dry_run) {
		run_dry(job);
		return;
	}
	/* It may go on with what it began. */
	end_drive(job);
	if (has_time(job, &order))
		take_and_drive(job, &lender, &order);
	job->after_bytes = ebb_probe_resident_bytes(job->probe);
	job->end_ns = ebb_now_ns();
}

void ebb_reclaim_job_progress(const struct ebb_reclaim_job *job,
			      struct ebb_reclaim_progress *ret_progress)
{
	*ret_progress = (struct ebb_reclaim_progress){
		.reclaimed_bytes = job->counters.reclaimed_bytes,
		.target_bytes = job->target_bytes,
		.resident_bytes = ebb_probe_resident_bytes(job->probe),
		.elapsed_ms =
			(uint32_t)((ebb_now_ns() - job->start_ns) / 1000000),
		.driven_bytes = driven_bytes(job),
	};
	snprintf(ret_progress->phase, sizeof(ret_progress->phase), "%s",
		 job->counters.driving ? "driving" : "taking");
}

/* How each end is answered. @error_class NULL: with a result. */
static const struct {
	const char *error_class;
	const char *text; /* note of a result, sentence of an error */
} answers[] = {
	[EBB_END_SATISFIED] = { NULL, "" },
	[EBB_END_DRAINED] = { NULL, "" },
	[EBB_END_TIMEOUT] = { NULL, "The time was over before the guest had "
				    "given all; --timeout gives it more" },
	[EBB_END_CANCELLED] = { NULL, "Cancelled" },
	[EBB_END_GUEST_PRESSURE] = { NULL, "The guest ran short of memory "
					   "itself and stopped giving" },
	[EBB_END_GUEST_REFUSED] = { NULL, "" },
	[EBB_END_GUEST_GONE] = { "GenericError",
				 "The guest was reset or stopped, its memory or "
				 "devices changed, or ebb.ko was unloaded in "
				 "the middle; try again" },
	[EBB_END_LIBVIRT_GONE] = { "LibvirtGone",
				   "libvirtd went away in the middle; see: "
				   "systemctl status libvirtd" },
	[EBB_END_GUEST_SILENT] = { "GenericError",
				   "The guest does not answer in its ring; see "
				   "whether it is paused or hangs" },
	[EBB_END_NO_AGENT] = { "RungClosed",
			       "No ebb-agent answers in the guest; see there: "
			       "systemctl status ebb-agent" },
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

static void fill_dry(const struct ebb_reclaim_job *job,
		     struct ebb_reclaim_result *result)
{
	result->dry_run = true;
	result->resident_after_bytes = job->before_bytes;
	result->estimate_min_bytes = job->estimate.min_bytes;
	result->estimate_max_bytes = job->estimate.max_bytes;
	if (!job->request.all && job->request.bytes < job->estimate.max_bytes) {
		result->estimate_max_bytes = job->request.bytes;
		if (result->estimate_min_bytes > job->request.bytes)
			result->estimate_min_bytes = job->request.bytes;
	}
	snprintf(result->ended, sizeof(result->ended), "dry-run");
}

static void fill_refusal(const struct ebb_reclaim_job *job,
			 struct ebb_reclaim_result *result)
{
	if (job->refused_reason[0] &&
	    result->reclaimed_bytes < result->asked_bytes) {
		result->refused_bytes =
			result->asked_bytes - result->reclaimed_bytes;
		memcpy(result->refused_reason, job->refused_reason,
		       sizeof(result->refused_reason));
	}
	if (job->end == EBB_END_GUEST_REFUSED) {
		char held[EBB_HELD_TEXT_BYTES];

		result->held = job->held;
		ebb_held_text(&job->held, held);
		snprintf(result->note, sizeof(result->note),
			 "The guest gives no more: %s%s%s",
			 ebb_target_reason_text(job->refused_reason),
			 *held ? ". It holds " : "", held);
	} else if (job->too_old)
		snprintf(result->note, sizeof(result->note),
			 "Only what was free was taken: the ebb-agent in the "
			 "guest is too old to make it free more; update it");
}

/* Where the end itself has nothing to say. */
static void note_uncompacted(const struct ebb_reclaim_job *job,
			     struct ebb_reclaim_result *result)
{
	static const struct {
		const char *reason;
		const char *text;
	} notes[] = {
		{ "nothing", "little is free in it but in huge ranges" },
		{ "too-soon", "it was a short while ago, and little came of "
			      "it" },
		{ "too-old", "its ebb-agent is too old for that; update it" },
		{ "no-answer", "its ebb-agent does not answer" },
	};
	const char *text = job->uncompacted_reason;

	if (!*text || *result->note)
		return;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(notes); i++)
		if (strcmp(notes[i].reason, job->uncompacted_reason) == 0)
			text = notes[i].text;
	snprintf(result->note, sizeof(result->note),
		 "The guest was not compacted: %s", text);
}

void ebb_reclaim_job_answer(const struct ebb_reclaim_job *job,
			    struct ebb_call *call)
{
	struct ebb_reclaim_result result = {
		.asked_bytes = job->request.bytes,
		.reclaimed_bytes = job->counters.reclaimed_bytes,
		.resident_before_bytes = job->before_bytes,
		.resident_after_bytes = job->after_bytes,
		.punched_bytes = job->counters.punched_bytes,
		.batches = job->counters.batches,
		.failed_slots = job->counters.failed_slots,
		.driven_bytes = driven_bytes(job),
		.elapsed_us = (job->end_ns - job->start_ns) / 1000,
	};
	char size[EBB_SIZE_TEXT_BYTES];

	if (answers[job->end].error_class) {
		ebb_call_error(call, answers[job->end].error_class,
			       "%s%s%s%s (reclaimed before that: %s)",
			       answers[job->end].text,
			       job->error.text[0] ? " [" : "", job->error.text,
			       job->error.text[0] ? "]" : "",
			       ebb_size_format(result.reclaimed_bytes, size,
					       sizeof(size)));
		return;
	}
	if (job->request.dry_run)
		fill_dry(job, &result);
	else
		snprintf(result.ended, sizeof(result.ended), "%s",
			 ebb_reclaim_end_name(job->end));
	snprintf(result.note, sizeof(result.note), "%s",
		 answers[job->end].text);
	fill_refusal(job, &result);
	note_uncompacted(job, &result);
	ebb_call_return(call,
			ebb_msg_encode(ebb_reclaim_result_fields, &result));
}
