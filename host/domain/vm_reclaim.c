/* SPDX-License-Identifier: GPL-2.0-only */
/* A vm while memory is taken from it: the reclaim, and what its end says. */
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "host/base/loop.h"
#include "host/domain/vm_parts.h"

enum {
	/* A reclaim's progress is told so often, and that it waits. */
	PROGRESS_MS = 100,
	WAITING_MS = 1000,
	/* Offers outside of proven memory that are taken for a mishap. */
	STALE_MAX = 3,
	/* Times that a job goes on with what has become of the guest. */
	RESUMES_MAX = 8,
};

/* That it waits in line now, which does not count. */
static uint64_t in_line_ns(const struct ebb_vm *vm)
{
	return vm->turn.waits ? ebb_now_ns() - vm->in_line_ns : 0;
}

/* Who asked may cancel it then. */
static void tell_progress(struct ebb_vm *vm)
{
	const struct ebb_request *request =
		ebb_requests_find(&vm->requests, EBB_REQUEST_RECLAIM);
	struct ebb_reclaim_state state = { .reclaim = &vm->reclaim };
	struct ebb_turn_place place;

	if (vm->turn.waits) {
		place = ebb_turns_place(vm->environment->turns, &vm->turn);
		state.waits = true;
		state.waited_ns = in_line_ns(vm);
		state.running = place.running;
		state.ahead = place.ahead;
		if (request->state == EBB_REQUEST_WAITING)
			state.reclaim = NULL;
	}
	request->order.progress(&state, request->order.opaque);
}

static void on_progress(int timer, void *opaque)
{
	struct ebb_vm *vm = opaque;

	if (vm->turn.waits)
		ebb_loop_timer_set(timer, WAITING_MS);
	tell_progress(vm);
}

/* Anew, for what it does now. */
static void set_progress_timer(struct ebb_vm *vm,
			       const struct ebb_request *request, int period_ms)
{
	if (!request->order.progress)
		return;
	if (vm->progress_timer >= 0)
		ebb_loop_timer_set(vm->progress_timer, period_ms);
	else
		vm->progress_timer = ebb_loop_timer(period_ms, on_progress, vm);
}

static void reclaim_work(void *opaque)
{
	struct ebb_vm *vm = opaque;

	ebb_rung(vm->job_rung)->run(&vm->reclaim);
}

static void quarantine(struct ebb_vm *vm, const struct ebb_msg_error *reason)
{
	vm->process.quarantined = true;
	vm->process.quarantine_reason = *reason;
	ebb_log(EBB_LOG_WARNING,
		"%s: quarantined: %s. Nothing is reclaimed from it until it "
		"is started anew",
		vm->name, reason->text);
}

/* What the end of a reclaim says about the guest. */
static void draw_conclusions(struct ebb_vm *vm)
{
	const struct ebb_outcome *outcome = &vm->reclaim.outcome;

	switch (outcome->end) {
	case EBB_END_VIOLATION:
		quarantine(vm, &outcome->error);
		break;
	case EBB_END_MAP_CHANGED:
		if (++vm->process.stale_count > STALE_MAX)
			quarantine(vm, &outcome->error);
		vm->look_wanted = true;
		break;
	case EBB_END_JOB:
		ebb_vm_job_is_under_way(vm);
		break;
	case EBB_END_GUEST_GONE:
	case EBB_END_LIBVIRT_GONE:
	case EBB_END_GUEST_SILENT:
	case EBB_END_REPORTING_BUSY:
	case EBB_END_NO_AGENT:
	case EBB_END_FAILED:
		vm->look_wanted = true;
		break;
	default:
		vm->process.stale_count = 0;
	}
}

/* What was taken since it was counted last; a job may run in several parts. */
static void count_bytes(struct ebb_vm *vm)
{
	uint64_t bytes = ebb_vm_uncounted_bytes(vm);

	vm->counted_bytes += bytes;
	vm->process.counters.reclaimed_bytes += bytes;
}

static void on_rested(int timer, void *opaque)
{
	struct ebb_vm *vm = opaque;

	(void)timer;
	ebb_vm_end_rest(vm);
	vm->settle(vm);
}

/* Neither a worker nor its turn is kept, and nothing of the guest's. */
static void rest(struct ebb_vm *vm, struct ebb_request *request)
{
	uint64_t rest_ns = vm->hurried ? 0 : vm->reclaim.rest_ns;

	request->state = EBB_REQUEST_RESTING;
	vm->reclaim.books.phase = EBB_PHASE_RESTING;
	/* Without a timer it goes on at once. */
	vm->rest_timer =
		ebb_loop_timer((int)(rest_ns / EBB_NS_PER_MS), on_rested, vm);
	if (vm->rest_timer < 0)
		ebb_vm_end_rest(vm);
	ebb_turns_leave(vm->environment->turns, &vm->turn);
}

/* Nothing is known of the end of one that rested but what came meanwhile. */
static void end_rested(struct ebb_vm *vm)
{
	struct ebb_bounds bounds = ebb_reclaim_bounds(&vm->reclaim);
	enum ebb_reclaim_end end;

	bounds.deadline_ns += in_line_ns(vm);
	end = ebb_bounds_end(&bounds, &vm->reclaim.books);
	/* It is on another rung, or another kernel is there. */
	vm->reclaim.outcome.end = end == EBB_END_NONE ? EBB_END_GUEST_GONE
						      : end;
}

/* One that rested has no end of its own yet. */
static void end_without_thread(struct ebb_vm *vm)
{
	uint64_t bytes = vm->reclaim.outcome.bytes;

	vm->reclaim.outcome = ebb_outcome_error(EBB_END_FAILED,
						"no thread for the next piece");
	vm->reclaim.outcome.bytes = bytes;
}

void ebb_vm_end_reclaim(struct ebb_vm *vm, struct ebb_request *request)
{
	const struct ebb_reclaim_report report = { .reclaim = &vm->reclaim };

	if (vm->reclaim.outcome.end == EBB_END_NONE)
		end_rested(vm);
	vm->process.counters.reclaim_runs += !vm->reclaim.wish.dry_run;
	ebb_vm_report(vm, request, &report);
}

/*
 * Whether the job may go on once the guest was looked at anew. What is offered
 * outside of proven memory even then is no mishap. A guest whose memory is resized
 * changes piece by piece for as long as that takes, and is looked at when it rests:
 * there the time limit of the job is the limit.
 */
static bool may_resume(struct ebb_vm *vm)
{
	bool first = !vm->map_examined;

	if (vm->cancelled)
		return false;
	if (vm->reclaim.outcome.end == EBB_END_GUEST_GONE)
		return vm->resizing_ns || ++vm->resumes <= RESUMES_MAX;
	if (vm->reclaim.outcome.end != EBB_END_MAP_CHANGED)
		return false;
	vm->map_examined = true;
	return first;
}

/*
 * What a process without files has, by the reclaim's last measure. What was read of it
 * meanwhile is older, also where that ends later: who decided from that would take once
 * more what was taken since.
 */
static void take_measure(struct ebb_vm *vm)
{
	const struct ebb_reclaim *reclaim = &vm->reclaim;
	struct ebb_holding usage = vm->process.usage;

	if (vm->probe.qemu.backing_count > 0 || !reclaim->held_bytes ||
	    !reclaim->swapped_after_known ||
	    reclaim->after_bytes < reclaim->swapped_after_bytes)
		return;
	usage.resident_bytes =
		reclaim->after_bytes - reclaim->swapped_after_bytes;
	usage.swapped_bytes = reclaim->swapped_after_bytes;
	usage.swapped_known = true;
	ebb_vm_take_usage(vm, vm->probe.qemu.pid, &usage, ebb_now_ns());
}

static void reclaim_done(struct ebb_vm *vm)
{
	struct ebb_request *request = ebb_requests_running(&vm->requests);

	count_bytes(vm);
	if (vm->reclaim.outcome.end == EBB_END_NONE && !vm->cancelled) {
		rest(vm, request);
		return;
	}
	if (vm->progress_timer >= 0)
		ebb_loop_timer_remove(vm->progress_timer);
	vm->progress_timer = -1;
	if (vm->job_rung == EBB_RUNG_BALLOON)
		ebb_vm_guard_reclaimed(vm);
	take_measure(vm);
	/* It was not renewed meanwhile. */
	vm->target.due_ns = 0;
	if (may_resume(vm)) {
		vm->look_wanted = true;
		request->state = EBB_REQUEST_RESUMING;
		request->since_ns = ebb_now_ns();
		ebb_turns_leave(vm->environment->turns, &vm->turn);
		return;
	}
	draw_conclusions(vm);
	ebb_vm_end_reclaim(vm, request);
}

static const struct vm_job reclaim = {
	.phase = EBB_VM_RECLAIMING,
	.work = reclaim_work,
	.done = reclaim_done,
	.name = "reclaim_done",
};

static enum ebb_vm_serving run_job(struct ebb_vm *vm,
				   struct ebb_request *request,
				   struct ebb_refusal *ret_refusal)
{
	vm->reclaim.lender = ebb_probe_lender(&vm->probe);
	vm->reclaim.domain = vm->domain;
	vm->reclaim.channel = vm->probe.channel;
	vm->reclaim.memory_bytes = ebb_vm_memory_bytes(vm);
	vm->reclaim.hand = &vm->guard.hand;
	vm->reclaim.floor_bytes = ebb_amount_bytes(
		&vm->settings.held.values.min, ebb_vm_base_bytes(vm));
	vm->reclaim.period_s = ebb_vm_balloon_period_s(vm);
	vm->reclaim.autodeflate = vm->probe.domxml.balloon_deflates;
	/* It may have been set while the reclaim was in line. */
	vm->reclaim.standing = ebb_vm_standing_target(vm);
	if (ebb_vm_run(vm, &reclaim) < 0) {
		*ret_refusal = ebb_vm_why_no_thread();
		return EBB_VM_REFUSES;
	}
	request->state = EBB_REQUEST_RUNNING;
	set_progress_timer(vm, request, PROGRESS_MS);
	return EBB_VM_SERVES;
}

static bool is_gentle(const struct ebb_vm *vm,
		      const struct ebb_request *request)
{
	/* Of one that has not begun its wish is changed. */
	return request->order.wish.gentle &&
	       (request->state == EBB_REQUEST_WAITING || !vm->hurried);
}

/* Or waits for it, in line. */
static bool take_turn(struct ebb_vm *vm, const struct ebb_request *request)
{
	bool waited = vm->turn.waits;

	if (!waited)
		vm->turn.yields = request->order.owner == EBB_OWNER_POLICY ||
				  is_gentle(vm, request);
	if (ebb_turns_take(vm->environment->turns, &vm->turn,
			   request->state == EBB_REQUEST_RESUMING &&
				   !is_gentle(vm, request)))
		return true;
	if (!waited) {
		vm->in_line_ns = ebb_now_ns();
		/* At once the first time, from the loop. */
		set_progress_timer(vm, request, 0);
	}
	return false;
}

/* Or ends, where there is another rung or another kernel now. */
static enum ebb_vm_serving resume(struct ebb_vm *vm,
				  struct ebb_request *request)
{
	struct ebb_refusal unused;
	uint64_t waited_ns = in_line_ns(vm);

	if (ebb_vm_rung(vm) == vm->job_rung &&
	    memcmp(vm->job_boot_id, vm->probe.info.boot_id,
		   sizeof(vm->job_boot_id)) == 0) {
		if (!take_turn(vm, request))
			return EBB_VM_WAITS;
		/* The wait does not count, unless its end was before that. */
		vm->reclaim.start_ns += waited_ns;
		if (run_job(vm, request, &unused) == EBB_VM_SERVES)
			return EBB_VM_SERVES;
		vm->reclaim.start_ns -= waited_ns;
		if (vm->reclaim.outcome.end == EBB_END_NONE)
			end_without_thread(vm);
	}
	ebb_vm_end_reclaim(vm, request);
	return EBB_VM_SERVED;
}

static bool can_reclaim(const struct ebb_vm *vm)
{
	return ebb_rung(ebb_vm_rung(vm))->run;
}

/* Whether it cannot begin. */
static bool is_refused(struct ebb_vm *vm, const struct ebb_reclaim_wish *wish,
		       struct ebb_refusal *ret_refusal)
{
	uint64_t bytes = ebb_vm_memory_bytes(vm);

	if (!can_reclaim(vm)) {
		*ret_refusal = ebb_vm_why_closed(vm);
		return true;
	}
	if (wish->bytes > bytes) {
		*ret_refusal = ebb_refusal(
			EBB_REFUSAL_ARGUMENT,
			"SIZE is more than the guest's memory, which is %llu "
			"MiB; give less, or --all",
			(unsigned long long)(bytes >> 20));
		return true;
	}
	return false;
}

/* What changed while it was in line may be proven again. */
static bool is_looked_at_next(const struct ebb_vm *vm)
{
	return !can_reclaim(vm) && vm->look_wanted &&
	       vm->life == EBB_VM_CONNECTED && !vm->process.quarantined;
}

bool ebb_vm_is_given_up(const struct ebb_vm *vm,
			const struct ebb_request *request)
{
	uint64_t from_ns = vm->turn.waits ? request->since_ns
					  : vm->reclaim.start_ns;

	return request->state == EBB_REQUEST_RESUMING &&
	       ebb_vm_rung(vm) != vm->job_rung &&
	       ebb_now_ns() - from_ns >=
		       vm->reclaim.wish.timeout_ms * EBB_NS_PER_MS;
}

static struct ebb_reclaim_wish bounded(const struct ebb_vm *vm,
				       struct ebb_reclaim_wish wish)
{
	if (wish.timeout_ms == 0)
		wish.timeout_ms = vm->environment->config->reclaim_timeout_ms;
	if (wish.timeout_ms > EBB_SESSION_MAX_MS)
		wish.timeout_ms = EBB_SESSION_MAX_MS;
	return wish;
}

enum ebb_vm_serving ebb_vm_start_reclaim(struct ebb_vm *vm,
					 struct ebb_request *request,
					 struct ebb_refusal *ret_refusal)
{
	const struct ebb_config *config = vm->environment->config;

	if (vm->turn.waits && is_looked_at_next(vm) &&
	    !ebb_vm_is_given_up(vm, request))
		return EBB_VM_WAITS;
	if (vm->life == EBB_VM_DISMISSED)
		ebb_vm_end_rest(vm);
	if (request->state == EBB_REQUEST_RESTING)
		return EBB_VM_WAITS;
	if (request->state == EBB_REQUEST_RESUMING)
		return resume(vm, request);
	if (is_refused(vm, &request->order.wish, ret_refusal))
		return EBB_VM_REFUSES;
	if (!take_turn(vm, request))
		return EBB_VM_WAITS;
	vm->cancelled = false;
	vm->hurried = false;
	vm->counted_bytes = 0;
	vm->resumes = 0;
	vm->map_examined = false;
	vm->job_rung = ebb_vm_rung(vm);
	memcpy(vm->job_boot_id, vm->probe.info.boot_id,
	       sizeof(vm->job_boot_id));
	vm->reclaim = (struct ebb_reclaim){
		.wish = bounded(vm, request->order.wish),
		.grant_window_ms = config->grant_window_ms,
		.agent_ms = config->agent_timeout_ms,
		.gone = &vm->gone,
		.disconnected = &vm->disconnected,
		.leaving = &vm->leaving,
		.cancelled = &vm->cancelled,
		.hurried = &vm->hurried,
		.lender = ebb_probe_lender(&vm->probe),
	};
	ebb_rung(vm->job_rung)->prepare(&vm->reclaim);
	return run_job(vm, request, ret_refusal);
}
