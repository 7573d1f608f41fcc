/* SPDX-License-Identifier: GPL-2.0-only */
/* What is asked of a vm: when it is begun, and what is answered at once. */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "host/domain/doctor.h"
#include "host/domain/vm_state.h"

enum {
	/* Who asked is answered by the first look that ends then, settled or not. */
	WAITED_S_MAX = 5
};

static void answer_doctor(struct ebb_vm *vm, struct ebb_call *call)
{
	struct ebb_doctor *doctor = calloc(1, sizeof(*doctor));

	if (!doctor) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	ebb_doctor_examine(&vm->probe, doctor);
	ebb_doctor_examine_target(&vm->probe, vm->target.state.mechanism,
				  vm->target.too_old, doctor);
	snprintf(doctor->name, sizeof(doctor->name), "%s", vm->name);
	ebb_call_return(call, ebb_msg_encode(ebb_doctor_fields, doctor));
	free(doctor);
}

/* Begins the request or answers it. Returns whether it runs. */
static bool begin(struct ebb_vm *vm, struct ebb_request *request)
{
	if (vm->life == EBB_VM_DISMISSED) {
		ebb_call_error(request->call, "DomainNotRunning",
			       "The domain was stopped meanwhile");
		return false;
	}
	switch (request->kind) {
	case EBB_REQUEST_DOCTOR:
		answer_doctor(vm, request->call);
		return false;
	case EBB_REQUEST_SET:
		return ebb_vm_start_set(vm, request);
	case EBB_REQUEST_RECLAIM:
		return ebb_vm_start_reclaim(vm, request);
	}
	return false;
}

void ebb_vm_serve(struct ebb_vm *vm)
{
	while (vm->requests.first && !begin(vm, vm->requests.first))
		ebb_requests_pop(&vm->requests);
}

void ebb_vm_serve_overdue(struct ebb_vm *vm)
{
	const struct ebb_request *first = vm->requests.first;

	if (first && ebb_now_ns() - first->since_ns >=
			     (uint64_t)WAITED_S_MAX * EBB_NS_PER_S)
		ebb_vm_serve(vm);
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

void ebb_vm_doctor(struct ebb_vm *vm, struct ebb_call *call)
{
	struct ebb_request request = { .kind = EBB_REQUEST_DOCTOR,
				       .call = call };

	if (vm->phase == EBB_VM_RECLAIMING || ebb_vm_has_lease(vm)) {
		answer_doctor(vm, call);
		return;
	}
	want_look(vm);
	push(vm, &request);
}

/* A reclaim keeps the channel for itself, and may take minutes. */
static bool is_reclaiming(const struct ebb_vm *vm, struct ebb_call *call)
{
	if (!ebb_requests_have(&vm->requests, EBB_REQUEST_RECLAIM))
		return false;
	ebb_call_error(call, "Busy",
		       "A reclaim of this domain runs already; wait for it to "
		       "end");
	return true;
}

void ebb_vm_set_target(struct ebb_vm *vm, struct ebb_call *call,
		       const struct ebb_target_setting *setting)
{
	struct ebb_request request = { .kind = EBB_REQUEST_SET,
				       .call = call,
				       .setting = *setting };

	if (is_reclaiming(vm, call))
		return;
	if (!vm->probe.channel)
		want_look(vm);
	push(vm, &request);
}

void ebb_vm_reclaim(struct ebb_vm *vm, struct ebb_call *call,
		    const struct ebb_reclaim_request *reclaim)
{
	struct ebb_request request = { .kind = EBB_REQUEST_RECLAIM,
				       .call = call,
				       .reclaim = *reclaim };

	if (is_reclaiming(vm, call))
		return;
	/* What an operator just mended shall be seen. */
	if (!ebb_vm_has_lease(vm))
		want_look(vm);
	push(vm, &request);
}
