/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a vm's requests, and why one cannot be served, in words. */
#include <stdlib.h>

#include "common/clock.h"
#include "host/base/loop.h"
#include "host/domain/refusal_answer.h"
#include "host/domain/vm_parts.h"

struct ebb_refusal ebb_vm_why_closed(const struct ebb_vm *vm)
{
	struct ebb_reason reason;

	if (vm->life != EBB_VM_CONNECTED)
		return ebb_refusal(EBB_REFUSAL_LIBVIRT_GONE,
				   "ebbd has no connection to libvirtd; see: "
				   "systemctl status libvirtd");
	if (ebb_vm_resize_wait_ms(vm) > 0)
		return ebb_refusal(EBB_REFUSAL_FAILED,
				   "The guest's memory is being resized; try "
				   "again when that is over");
	/* The reasons may close other rungs than the one that it was on. */
	if (ebb_vm_is_let_go(vm) || vm->probe.reasons.count == 0)
		return ebb_refusal(EBB_REFUSAL_FAILED,
				   "The domain changed just now; try again");
	ebb_reason_render(&vm->probe.reasons, 0, &reason);
	return ebb_refusal(ebb_reason_has(&vm->probe.reasons,
					  EBB_REASON_NOT_RUNNING)
				   ? EBB_REFUSAL_NOT_RUNNING
				   : EBB_REFUSAL_RUNG_CLOSED,
			   "%s. %s", reason.text, reason.remedy);
}

struct ebb_refusal ebb_vm_why_no_thread(void)
{
	return ebb_refusal(EBB_REFUSAL_FAILED,
			   "No thread can be started; see ulimit -u");
}

struct ebb_refusal ebb_vm_why_dismissed(const struct ebb_vm *vm)
{
	if (vm->dismissal == EBB_VM_EBBD_ENDS)
		return ebb_refusal(EBB_REFUSAL_FAILED,
				   "ebbd is being stopped; ask again when it "
				   "runs: systemctl status ebbd");
	return ebb_refusal(EBB_REFUSAL_NOT_RUNNING,
			   "The domain was stopped meanwhile");
}

void ebb_vm_end_rest(struct ebb_vm *vm)
{
	struct ebb_request *request = ebb_requests_resting(&vm->requests);

	if (vm->rest_timer >= 0)
		ebb_loop_timer_remove(vm->rest_timer);
	vm->rest_timer = -1;
	if (!request)
		return;
	request->state = EBB_REQUEST_RESUMING;
	request->since_ns = ebb_now_ns();
}

void ebb_vm_report(struct ebb_vm *vm, struct ebb_request *request,
		   const struct ebb_reclaim_report *report)
{
	ebb_requests_take(&vm->requests, request);
	if (vm->progress_timer >= 0)
		ebb_loop_timer_remove(vm->progress_timer);
	vm->progress_timer = -1;
	ebb_vm_end_rest(vm);
	/*
	 * What it asks for in turn begins when it has returned, and so does what
	 * the next in line asks for here, who may be refused and told now.
	 */
	vm->reporting = true;
	ebb_turns_leave(vm->environment->turns, &vm->turn);
	request->order.done(report, request->order.opaque);
	vm->reporting = false;
	free(request);
}

void ebb_vm_refuse(struct ebb_vm *vm, struct ebb_request *request,
		   const struct ebb_refusal *refusal)
{
	const struct ebb_reclaim_report report = { .refusal = *refusal };

	if (request->kind == EBB_REQUEST_RECLAIM) {
		ebb_vm_report(vm, request, &report);
		return;
	}
	ebb_requests_take(&vm->requests, request);
	ebb_refusal_answer(refusal, request->call);
	free(request);
}
