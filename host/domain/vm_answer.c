/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a request of a vm cannot be served, in words. */
#include "host/domain/vm_state.h"

void ebb_vm_answer_closed(struct ebb_vm *vm, struct ebb_call *call)
{
	struct ebb_reason reason;

	if (vm->life != EBB_VM_CONNECTED) {
		ebb_call_error(call, "LibvirtGone",
			       "ebbd has no connection to libvirtd; see: "
			       "systemctl status libvirtd");
		return;
	}
	if (vm->probe.reasons.count == 0) {
		ebb_call_error(call, "GenericError",
			       "The domain changed just now; try again");
		return;
	}
	ebb_reason_render(&vm->probe.reasons, 0, &reason);
	ebb_call_error(call,
		       vm->probe.running ? "RungClosed" : "DomainNotRunning",
		       "%s. %s", reason.text, reason.remedy);
}

void ebb_vm_answer_no_thread(struct ebb_call *call)
{
	ebb_call_error(call, "GenericError",
		       "No thread can be started; see ulimit -u");
}
