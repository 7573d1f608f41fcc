/* SPDX-License-Identifier: GPL-2.0-only */
/* How a reclaim, or a step of one, came out. */
#ifndef EBB_HOST_OUTCOME_H
#define EBB_HOST_OUTCOME_H

#include <stdint.h>

#include "protocol/message.h"

/* Why it ended. Each but the first is final: no step after it changes it. */
enum ebb_reclaim_end {
	EBB_END_NONE, /* it has not: go on */
	EBB_END_SATISFIED, /* as much as was asked for */
	EBB_END_DRAINED, /* the guest has no more free memory */
	EBB_END_TIMEOUT, /* of the request */
	EBB_END_CANCELLED, /* who asked went away */
	EBB_END_GUEST_GONE, /* reset, stopped, changed, or its ring was closed */
	EBB_END_EBBD_ENDS, /* all is let go */
	EBB_END_LIBVIRT_GONE, /* the same, as far as is known without libvirt */
	EBB_END_GUEST_SILENT, /* it does not answer in the ring */
	EBB_END_NO_AGENT, /* it does not answer */
	EBB_END_GUEST_PRESSURE, /* it needs its memory itself */
	EBB_END_GUEST_REFUSED, /* it was driven and frees no more */
	EBB_END_NO_MORE, /* the host pages out no more of it */
	EBB_END_REPORTING_BUSY, /* the page reporting slot is taken */
	EBB_END_JOB, /* a libvirt job works on the memory */
	EBB_END_MAP_CHANGED, /* offers outside of proven memory */
	EBB_END_VIOLATION, /* the guest broke the rules */
	EBB_END_FAILED, /* see the error */
	EBB_END_COUNT
};

/**
 * struct ebb_outcome - the result of a step; made where the step ends
 * @end: EBB_END_NONE: what the step was for is done, and there is more to do
 * @reason: one stable word, or empty. With GUEST_REFUSED, NO_MORE and
 *	GUEST_PRESSURE: why there is no more. With DRAINED: why it was not compacted
 * @error: with NO_AGENT, REPORTING_BUSY, MAP_CHANGED, VIOLATION and FAILED: a
 *	sentence, which may hold the guest's own words
 * @held: with GUEST_REFUSED: what holds the guest's memory, as it said last
 * @bytes: what the step reclaimed, by the books of the host
 */
struct ebb_outcome {
	enum ebb_reclaim_end end;
	char reason[32];
	struct ebb_msg_error error;
	struct ebb_msg_held held;
	uint64_t bytes;
};

/* An outcome of @end alone. */
struct ebb_outcome ebb_outcome(enum ebb_reclaim_end end);

/* An outcome of @end with a reason (a stable word). */
struct ebb_outcome ebb_outcome_reason(enum ebb_reclaim_end end,
				      const char *reason);

/* An outcome of @end with a sentence. */
struct ebb_outcome ebb_outcome_error(enum ebb_reclaim_end end,
				     const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));

/* "satisfied", "drained", ... */
const char *ebb_reclaim_end_name(enum ebb_reclaim_end end);

#endif /* EBB_HOST_OUTCOME_H */
