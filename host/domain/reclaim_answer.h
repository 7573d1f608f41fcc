/* SPDX-License-Identifier: GPL-2.0-only */
/* A client asked for a reclaim: what it is told, as JSON. */
#ifndef EBB_HOST_RECLAIM_ANSWER_H
#define EBB_HOST_RECLAIM_ANSWER_H

#include "host/control/call.h"
#include "host/domain/reclaim_order.h"
#include "host/interface/status.h"

/* What a client wants, as a reclaim takes it. */
struct ebb_reclaim_wish
ebb_reclaim_wish_of(const struct ebb_reclaim_request *request);

/* How far it is, as an event. */
void ebb_reclaim_tell(const struct ebb_reclaim_state *state,
		      struct ebb_call *call);

/* Answers the call with what came of it, or with an error. */
void ebb_reclaim_answer(const struct ebb_reclaim_report *report,
			struct ebb_call *call);

#endif /* EBB_HOST_RECLAIM_ANSWER_H */
