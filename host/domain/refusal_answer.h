/* SPDX-License-Identifier: GPL-2.0-only */
/* A refusal, as a client of the control socket is told of it. */
#ifndef EBB_HOST_REFUSAL_ANSWER_H
#define EBB_HOST_REFUSAL_ANSWER_H

#include "host/control/call.h"
#include "host/domain/refusal.h"

/* Answers the call with an error of status.h. Not with EBB_REFUSAL_NONE. */
void ebb_refusal_answer(const struct ebb_refusal *refusal,
			struct ebb_call *call);

#endif /* EBB_HOST_REFUSAL_ANSWER_H */
