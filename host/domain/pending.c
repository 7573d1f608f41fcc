/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/pending.h"

#include <stdlib.h>

struct ebb_pending_call {
	uint64_t need;
	uint64_t until_ns;
	ebb_pending_fn serve;
	struct ebb_call *call;
	struct json_object *arguments;
	void *opaque;
	struct ebb_pending_call *next;
};

void ebb_pending_add(struct ebb_pending *pending, uint64_t need,
		     uint64_t until_ns, ebb_pending_fn serve,
		     struct ebb_call *call, const struct json_object *arguments,
		     void *opaque)
{
	struct ebb_pending_call **last = &pending->first;
	struct ebb_pending_call *waiting = malloc(sizeof(*waiting));

	if (!waiting) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	*waiting = (struct ebb_pending_call){
		.need = need,
		.until_ns = until_ns,
		.serve = serve,
		.call = call,
		.arguments = json_object_get(
			(struct json_object *)(uintptr_t)arguments),
		.opaque = opaque,
	};
	while (*last)
		last = &(*last)->next;
	*last = waiting;
}

uint64_t ebb_pending_serve(struct ebb_pending *pending, uint64_t done,
			   uint64_t now_ns)
{
	struct ebb_pending_call **link = &pending->first, *waiting;
	struct ebb_pending_call *served = NULL, **last = &served;
	uint64_t next_ns = 0;

	while ((waiting = *link)) {
		if (waiting->need > done && waiting->until_ns > now_ns) {
			if (next_ns == 0 || waiting->until_ns < next_ns)
				next_ns = waiting->until_ns;
			link = &waiting->next;
			continue;
		}
		*link = waiting->next;
		waiting->next = NULL;
		*last = waiting;
		last = &waiting->next;
	}
	/* Serving may add others. */
	while ((waiting = served)) {
		served = waiting->next;
		waiting->serve(waiting->call, waiting->arguments,
			       waiting->opaque);
		json_object_put(waiting->arguments);
		free(waiting);
	}
	return next_ns;
}
