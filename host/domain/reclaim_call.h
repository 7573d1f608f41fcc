/* SPDX-License-Identifier: GPL-2.0-only */
/* A client of the control socket asks for a reclaim. */
#ifndef EBB_HOST_RECLAIM_CALL_H
#define EBB_HOST_RECLAIM_CALL_H

#include "host/control/call.h"
#include "host/domain/vm.h"

/*
 * Answers the call when the reclaim has ended, and tells it of progress until
 * then. The reclaim is cancelled when the client goes. @past: is told who asked, and what
 * came of it; may be NULL.
 */
void ebb_reclaim_serve(struct ebb_vm *vm, struct ebb_call *call,
		       const struct ebb_reclaim_request *request,
		       struct ebb_past *past);

#endif /* EBB_HOST_RECLAIM_CALL_H */
