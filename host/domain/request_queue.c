/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/request_queue.h"

#include <errno.h>
#include <stdlib.h>

int ebb_requests_push(struct ebb_request_queue *queue,
		      const struct ebb_request *model, uint64_t now_ns)
{
	struct ebb_request *request = malloc(sizeof(*request));
	struct ebb_request **last = &queue->first;

	if (!request)
		return -ENOMEM;
	*request = *model;
	request->state = EBB_REQUEST_WAITING;
	request->since_ns = now_ns;
	request->next = NULL;
	while (*last)
		last = &(*last)->next;
	*last = request;
	return 0;
}

void ebb_requests_pop(struct ebb_request_queue *queue)
{
	struct ebb_request *request = queue->first;

	queue->first = request->next;
	free(request);
}

struct ebb_request *ebb_requests_first(const struct ebb_request_queue *queue,
				       enum ebb_request_state state)
{
	return queue->first && queue->first->state == state ? queue->first
							    : NULL;
}

bool ebb_requests_have(const struct ebb_request_queue *queue,
		       enum ebb_request_kind kind)
{
	for (struct ebb_request *request = queue->first; request;
	     request = request->next)
		if (request->kind == kind)
			return true;
	return false;
}
