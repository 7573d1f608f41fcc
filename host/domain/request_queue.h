/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is asked of one domain, in the order in which it was asked; but a reclaim
 * that no job works on comes last, as it takes minutes and all else a moment.
 *
 * A request leaves the queue as it is answered. It owns its call until then.
 */
#ifndef EBB_HOST_REQUEST_QUEUE_H
#define EBB_HOST_REQUEST_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/control/call.h"
#include "host/domain/reclaim_order.h"
#include "host/domain/set_order.h"

enum ebb_request_kind {
	EBB_REQUEST_DOCTOR,
	EBB_REQUEST_SET,
	EBB_REQUEST_RECLAIM,
};

/**
 * enum ebb_request_state - where a request is
 *
 * @EBB_REQUEST_WAITING: not begun: a look or an earlier request comes first, or
 *	it is a reclaim whose turn it is not yet (turns.h). The queue's owner
 *	begins it, and moves it on to RUNNING or answers it
 * @EBB_REQUEST_RUNNING: a job works on it; one at most. The job's end answers
 *	it, or moves it on to RESUMING
 * @EBB_REQUEST_RESUMING: begun, and goes on when the domain was looked at again.
 *	The queue's owner moves it back to RUNNING or answers it
 * @EBB_REQUEST_RESTING: a reclaim that nobody waits for has begun, and goes on after a
 *	while: it keeps neither a worker nor its turn. Then it is RESUMING
 */
enum ebb_request_state {
	EBB_REQUEST_WAITING,
	EBB_REQUEST_RUNNING,
	EBB_REQUEST_RESUMING,
	EBB_REQUEST_RESTING,
};

/**
 * struct ebb_request - one of them
 * @call: to be answered; NULL for a reclaim, which has @order.done
 * @since_ns: when it was asked
 * @order, @set: what it asks, by @kind
 */
struct ebb_request {
	enum ebb_request_kind kind;
	enum ebb_request_state state;
	struct ebb_call *call;
	uint64_t since_ns;
	struct ebb_reclaim_order order;
	struct ebb_set_order set;
	struct ebb_request *next;
};

/* Zero is empty. */
struct ebb_request_queue {
	struct ebb_request *first;
};

/*
 * Adds a copy of @model, waiting: last, or before a reclaim that does not run.
 * Returns 0 or -ENOMEM; @model is unchanged.
 */
int ebb_requests_push(struct ebb_request_queue *queue,
		      const struct ebb_request *model, uint64_t now_ns);

/* Takes @request, which is in it, out: it is the caller's to free. */
void ebb_requests_take(struct ebb_request_queue *queue,
		       const struct ebb_request *request);

/* The one that runs, or NULL. */
struct ebb_request *ebb_requests_running(const struct ebb_request_queue *queue);

/* The one that rests, or NULL. */
struct ebb_request *ebb_requests_resting(const struct ebb_request_queue *queue);

/* The first of that kind, in any state, or NULL. */
struct ebb_request *ebb_requests_find(const struct ebb_request_queue *queue,
				      enum ebb_request_kind kind);

#endif /* EBB_HOST_REQUEST_QUEUE_H */
