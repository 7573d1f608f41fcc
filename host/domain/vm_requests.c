/* SPDX-License-Identifier: GPL-2.0-only */
/* What is asked of a vm: when it is begun, and what is answered at once. */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "host/domain/doctor.h"
#include "host/domain/refusal_answer.h"
#include "host/domain/vm_parts.h"

enum {
	/* Who asked is answered by the first look that ends then, settled or not. */
	WAITED_S_MAX = 5
};

/* @silent: libvirtd does not answer, so the look that was wanted does not end. */
static void answer_doctor(struct ebb_vm *vm, struct ebb_call *call, bool silent)
{
	struct ebb_doctor *doctor = calloc(1, sizeof(*doctor));
	uint64_t balloon_bytes;

	if (!doctor) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	ebb_doctor_examine(&vm->probe, doctor);
	ebb_doctor_examine_target(&vm->probe, vm->target.state.mechanism,
				  vm->target.too_old, doctor);
	if (ebb_vm_balloon(vm, &balloon_bytes))
		ebb_doctor_examine_balloon(
			balloon_bytes, vm->guard.held_bytes,
			ebb_vm_usable_bytes(vm) + balloon_bytes, doctor);
	snprintf(doctor->name, sizeof(doctor->name), "%s", vm->name);
	if (silent || vm->life == EBB_VM_DISCONNECTED)
		ebb_doctor_examine_silence(
			vm->known.looked_at,
			silent ? EBB_SILENT_TEXT
				"; all else is what was last known"
			       : "ebbd has no connection to libvirtd; all else "
				 "is what was last known",
			silent ? "Try again, or see: systemctl status libvirtd"
			       : "See: systemctl status libvirtd",
			doctor);
	/* It is known without a look. */
	switch (ebb_vm_pause_of(vm->environment, vm->uuid)) {
	case EBB_VM_PAUSE_NONE:
		break;
	case EBB_VM_PAUSE_DOMAIN:
		ebb_doctor_examine_pause(vm->name, doctor);
		break;
	case EBB_VM_PAUSE_ALL:
		ebb_doctor_examine_pause("", doctor);
		break;
	}
	ebb_call_return(call, ebb_msg_encode(ebb_doctor_fields, doctor));
	free(doctor);
}

static enum ebb_vm_serving begin(struct ebb_vm *vm, struct ebb_request *request,
				 struct ebb_refusal *ret_refusal)
{
	struct ebb_call *call = request->call;

	/* What it has taken until now is told. */
	if (vm->life == EBB_VM_DISMISSED &&
	    request->state == EBB_REQUEST_WAITING) {
		*ret_refusal = ebb_vm_why_dismissed(vm);
		return EBB_VM_REFUSES;
	}
	switch (request->kind) {
	case EBB_REQUEST_DOCTOR:
		ebb_requests_take(&vm->requests, request);
		free(request);
		answer_doctor(vm, call, false);
		return EBB_VM_SERVED;
	case EBB_REQUEST_SET:
		return ebb_vm_start_set(vm, request, ret_refusal);
	case EBB_REQUEST_RECLAIM:
		return ebb_vm_start_reclaim(vm, request, ret_refusal);
	}
	return EBB_VM_SERVED;
}

void ebb_vm_serve(struct ebb_vm *vm)
{
	struct ebb_request *request = vm->requests.first;
	struct ebb_refusal refusal;

	while (request) {
		switch (begin(vm, request, &refusal)) {
		case EBB_VM_SERVES:
			return;
		case EBB_VM_WAITS:
			request = request->next;
			continue;
		case EBB_VM_REFUSES:
			ebb_vm_refuse(vm, request, &refusal);
			break;
		case EBB_VM_SERVED:
			break;
		}
		/* Who was answered may have asked for more. */
		request = vm->requests.first;
	}
}

void ebb_vm_serve_last(struct ebb_vm *vm)
{
	struct ebb_request *request = vm->requests.first;
	struct ebb_refusal refusal;

	while (request) {
		if (request->state == EBB_REQUEST_RUNNING) {
			request = request->next;
			continue;
		}
		if (begin(vm, request, &refusal) == EBB_VM_REFUSES)
			ebb_vm_refuse(vm, request, &refusal);
		request = vm->requests.first;
	}
}

static bool is_overdue(const struct ebb_vm *vm,
		       const struct ebb_request *request)
{
	/* Its guest is looked at when its memory rests, which may take long. */
	if (request->state == EBB_REQUEST_RESUMING &&
	    (vm->turn.waits || vm->resizing_ns))
		return ebb_vm_is_given_up(vm, request);
	if (request->state == EBB_REQUEST_RESTING)
		return false;
	/* Who waits for his turn waits for no look. */
	if (request->kind == EBB_REQUEST_RECLAIM && vm->turn.waits)
		return false;
	return ebb_now_ns() - request->since_ns >=
	       (uint64_t)WAITED_S_MAX * EBB_NS_PER_S;
}

void ebb_vm_serve_overdue(struct ebb_vm *vm)
{
	const struct ebb_request *request = vm->requests.first;

	while (request && !is_overdue(vm, request))
		request = request->next;
	if (request)
		ebb_vm_serve(vm);
}

/* Who waits for his turn waits for no job of this vm. */
static bool waits_for_job(const struct ebb_vm *vm,
			  const struct ebb_request *request)
{
	if (vm->phase != EBB_VM_LOOKING && vm->phase != EBB_VM_TELLING)
		return false;
	return request->state == EBB_REQUEST_WAITING &&
	       !(request->kind == EBB_REQUEST_RECLAIM && vm->turn.waits);
}

bool ebb_vm_is_waited_for(const struct ebb_vm *vm)
{
	const struct ebb_request *request = vm->requests.first;

	while (request && !waits_for_job(vm, request))
		request = request->next;
	return request != NULL;
}

static void answer_silence(struct ebb_vm *vm, struct ebb_request *request)
{
	struct ebb_call *call = request->call;
	struct ebb_refusal refusal;

	if (request->kind == EBB_REQUEST_DOCTOR) {
		ebb_requests_take(&vm->requests, request);
		free(request);
		answer_doctor(vm, call, true);
		return;
	}
	refusal = ebb_refusal(EBB_REFUSAL_LIBVIRT_GONE,
			      EBB_SILENT_TEXT "; try again, or see: systemctl "
					      "status libvirtd");
	ebb_vm_refuse(vm, request, &refusal);
}

void ebb_vm_libvirtd_is_silent(struct ebb_vm *vm)
{
	struct ebb_request *request = vm->requests.first;
	uint64_t now_ns = ebb_now_ns();

	while (request) {
		/* Who was answered may ask again: not in this turn. */
		if (!waits_for_job(vm, request) ||
		    request->since_ns >= now_ns) {
			request = request->next;
			continue;
		}
		answer_silence(vm, request);
		request = vm->requests.first;
	}
}

static void push(struct ebb_vm *vm, const struct ebb_request *request)
{
	if (ebb_requests_push(&vm->requests, request, ebb_now_ns()) < 0)
		ebb_call_error(request->call, "GenericError", "out of memory");
	vm->settle(vm);
}

/* An operator asks: where nobody answered before, all are asked again. */
static void want_look(struct ebb_vm *vm)
{
	if (vm->phase == EBB_VM_LOOKING)
		return;
	vm->look_wanted = true;
	if (vm->agent.qga_asks == 0)
		vm->agent.qga_asks = EBB_VM_ASKS_FIRST;
}

void ebb_vm_doctor(struct ebb_vm *vm, struct ebb_call *call, bool anew)
{
	struct ebb_request request = { .kind = EBB_REQUEST_DOCTOR,
				       .call = call };

	if (vm->phase == EBB_VM_RECLAIMING || ebb_vm_has_lease(vm) ||
	    (!anew && vm->known.looked_at)) {
		answer_doctor(vm, call, false);
		return;
	}
	want_look(vm);
	push(vm, &request);
}

static struct ebb_refusal why_busy(const struct ebb_vm *vm)
{
	return ebb_refusal(EBB_REFUSAL_BUSY,
			   "A reclaim of this domain %s already; wait for it "
			   "to end",
			   vm->turn.waits ? "waits for its turn" : "runs");
}

static struct ebb_request *find_reclaim(const struct ebb_vm *vm,
					enum ebb_reclaim_owner owner)
{
	struct ebb_request *request = vm->requests.first;

	while (request && (request->kind != EBB_REQUEST_RECLAIM ||
			   request->order.owner != owner))
		request = request->next;
	return request;
}

/* At once, or, if it runs, at the end of the batch. */
static void cancel(struct ebb_vm *vm, struct ebb_request *request)
{
	struct ebb_refusal refusal;

	switch (request->state) {
	case EBB_REQUEST_RUNNING:
		vm->cancelled = true;
		break;
	case EBB_REQUEST_RESUMING:
	case EBB_REQUEST_RESTING:
		/* Whatever its guest does meanwhile. */
		vm->reclaim.outcome.end = EBB_END_CANCELLED;
		ebb_vm_end_reclaim(vm, request);
		break;
	case EBB_REQUEST_WAITING:
		refusal = ebb_refusal(EBB_REFUSAL_CANCELLED,
				      "Cancelled before it began");
		ebb_vm_refuse(vm, request, &refusal);
		break;
	}
}

/* A person goes before the policy, which can ask again. */
static void make_way(struct ebb_vm *vm)
{
	struct ebb_request *request = find_reclaim(vm, EBB_OWNER_POLICY);

	if (request)
		cancel(vm, request);
}

void ebb_vm_set(struct ebb_vm *vm, struct ebb_call *call,
		const struct ebb_set_order *order)
{
	struct ebb_request request = { .kind = EBB_REQUEST_SET,
				       .call = call,
				       .set = *order };
	struct ebb_refusal refusal;

	/* It keeps the channel for itself, and may take minutes; not in a rest. */
	if (find_reclaim(vm, EBB_OWNER_OPERATOR) && !vm->turn.waits &&
	    !ebb_requests_resting(&vm->requests)) {
		refusal = why_busy(vm);
		ebb_refusal_answer(&refusal, call);
		return;
	}
	make_way(vm);
	if (order->has_target && !vm->probe.channel)
		want_look(vm);
	push(vm, &request);
}

/* Why the order cannot wait for its turn; of kind NONE if it can. */
static struct ebb_refusal why_not(struct ebb_vm *vm,
				  const struct ebb_reclaim_order *order)
{
	struct ebb_refusal none = { .kind = EBB_REFUSAL_NONE };

	if (vm->life == EBB_VM_DISMISSED)
		return ebb_vm_why_dismissed(vm);
	if (find_reclaim(vm, EBB_OWNER_OPERATOR))
		return why_busy(vm);
	if (order->owner == EBB_OWNER_POLICY &&
	    find_reclaim(vm, EBB_OWNER_POLICY))
		return why_busy(vm);
	return none;
}

/* It is gentle no more, and neither is its place in line. */
static void hurry(struct ebb_vm *vm, struct ebb_request *request)
{
	if (request->state == EBB_REQUEST_WAITING)
		request->order.wish.gentle = false;
	else
		vm->hurried = true;
	ebb_vm_end_rest(vm);
	ebb_turns_hurry(vm->environment->turns, &vm->turn,
			request->state == EBB_REQUEST_RESUMING);
}

static struct ebb_request *find_gentle(const struct ebb_vm *vm,
				       enum ebb_reclaim_owner owner)
{
	struct ebb_request *request = find_reclaim(vm, owner);

	return request && request->order.wish.gentle ? request : NULL;
}

void ebb_vm_hurry_reclaim(struct ebb_vm *vm)
{
	struct ebb_request *policys = find_gentle(vm, EBB_OWNER_POLICY);
	struct ebb_request *persons = find_gentle(vm, EBB_OWNER_OPERATOR);

	if (!policys && !persons)
		return;
	/* One of the policy may come to its end before a person's begins. */
	if (persons)
		hurry(vm, persons);
	if (policys && policys->state == EBB_REQUEST_RUNNING)
		hurry(vm, policys);
	else if (policys)
		cancel(vm, policys);
	vm->settle(vm);
}

void ebb_vm_reclaim(struct ebb_vm *vm, const struct ebb_reclaim_order *order)
{
	struct ebb_request request = { .kind = EBB_REQUEST_RECLAIM,
				       .order = *order };
	struct ebb_reclaim_report report = { .refusal = why_not(vm, order) };

	/* Who has to ask again shall not have to wait for long. */
	if (report.refusal.kind == EBB_REFUSAL_BUSY &&
	    order->owner == EBB_OWNER_OPERATOR)
		ebb_vm_hurry_reclaim(vm);
	if (report.refusal.kind == EBB_REFUSAL_NONE &&
	    ebb_requests_push(&vm->requests, &request, ebb_now_ns()) < 0)
		report.refusal =
			ebb_refusal(EBB_REFUSAL_FAILED, "out of memory");
	if (report.refusal.kind != EBB_REFUSAL_NONE) {
		order->done(&report, order->opaque);
		return;
	}
	if (order->owner == EBB_OWNER_OPERATOR)
		make_way(vm);
	/* What an operator just mended shall be seen. */
	if (order->owner == EBB_OWNER_OPERATOR && !ebb_vm_has_lease(vm))
		want_look(vm);
	vm->settle(vm);
}

static struct ebb_request *find_ordered(const struct ebb_vm *vm,
					const void *opaque)
{
	struct ebb_request *request = vm->requests.first;

	while (request && (request->kind != EBB_REQUEST_RECLAIM ||
			   request->order.opaque != opaque))
		request = request->next;
	return request;
}

void ebb_vm_cancel_reclaim(struct ebb_vm *vm, const void *opaque)
{
	struct ebb_request *request = find_ordered(vm, opaque);

	if (!request)
		return;
	cancel(vm, request);
	vm->settle(vm);
}

void ebb_vm_withdraw_reclaim(struct ebb_vm *vm, const void *opaque, bool begun)
{
	const struct ebb_request *request = find_ordered(vm, opaque);

	if (!request || request->state == EBB_REQUEST_RUNNING)
		return;
	if (request->state == EBB_REQUEST_WAITING ||
	    (begun && request->order.wish.gentle))
		ebb_vm_cancel_reclaim(vm, opaque);
}
