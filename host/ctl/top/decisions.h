/* SPDX-License-Identifier: GPL-2.0-only */
/* The last events of ebbd, as top shows them. */
#ifndef EBB_HOST_CTL_TOP_DECISIONS_H
#define EBB_HOST_CTL_TOP_DECISIONS_H

#include "host/interface/event.h"

enum {
	TOP_DECISIONS = 64
};

struct top_decision {
	char clock[16]; /* when, in the time of here */
	char kind[24];
	char text[EBB_NAME_BYTES_MAX + EBB_TEXT_BYTES_MAX + 2];
};

/**
 * struct top_decisions - zeroed is an empty one
 * @after: of the next request
 * @untold: ebbd does not know of events: it is of an earlier version
 * @count: ever; the last TOP_DECISIONS are in @items
 */
struct top_decisions {
	uint64_t after;
	bool untold;
	uint32_t count;
	struct top_decision items[TOP_DECISIONS];
};

/**
 * top_decisions_take - the answer to "events"
 *
 * Returns 0, or -errno with @ret_error and what was known before.
 */
int top_decisions_take(struct top_decisions *decisions,
		       const struct json_object *value,
		       struct ebb_msg_error *ret_error);

/* @back: 0 is the last one. NULL: there is none. */
const struct top_decision *
top_decisions_get(const struct top_decisions *decisions, uint32_t back);

#endif /* EBB_HOST_CTL_TOP_DECISIONS_H */
