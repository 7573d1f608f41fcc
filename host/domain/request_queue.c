/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/request_queue.h"

#include <errno.h>
#include <stdlib.h>

/* What a reclaim keeps waiting, if it begins first, for minutes. */
static bool goes_before(const struct ebb_request *request,
			const struct ebb_request *other)
{
	return request->kind != EBB_REQUEST_RECLAIM &&
	       other->kind == EBB_REQUEST_RECLAIM &&
	       other->state != EBB_REQUEST_RUNNING;
}

int ebb_requests_push(struct ebb_request_queue *queue,
		      const struct ebb_request *model, uint64_t now_ns)
{
	struct ebb_request *request = malloc(sizeof(*request));
	struct ebb_request **link = &queue->first;

	if (!request)
		return -ENOMEM;
	*request = *model;
	request->state = EBB_REQUEST_WAITING;
	request->since_ns = now_ns;
	while (*link && !goes_before(request, *link))
		link = &(*link)->next;
	request->next = *link;
	*link = request;
	return 0;
}

void ebb_requests_take(struct ebb_request_queue *queue,
		       const struct ebb_request *request)
{
	struct ebb_request **link = &queue->first;

	while (*link != request)
		link = &(*link)->next;
	*link = request->next;
}

static struct ebb_request *find_in(const struct ebb_request_queue *queue,
				   enum ebb_request_state state)
{
	struct ebb_request *request = queue->first;

	while (request && request->state != state)
		request = request->next;
	return request;
}

struct ebb_request *ebb_requests_running(const struct ebb_request_queue *queue)
{
	return find_in(queue, EBB_REQUEST_RUNNING);
}

struct ebb_request *ebb_requests_resting(const struct ebb_request_queue *queue)
{
	return find_in(queue, EBB_REQUEST_RESTING);
}

struct ebb_request *ebb_requests_find(const struct ebb_request_queue *queue,
				      enum ebb_request_kind kind)
{
	struct ebb_request *request = queue->first;

	while (request && request->kind != kind)
		request = request->next;
	return request;
}
