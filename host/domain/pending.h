/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that wait for libvirtd's next word of all domains, but not for long:
 * each is served when that has come or when its time is over, exactly once.
 */
#ifndef EBB_HOST_PENDING_H
#define EBB_HOST_PENDING_H

#include <stdint.h>

#include "host/control/call.h"

struct ebb_pending_call;

/* Answers @call. @arguments are not kept. */
typedef void (*ebb_pending_fn)(struct ebb_call *call,
			       const struct json_object *arguments,
			       void *opaque);

/* All zero at first. */
struct ebb_pending {
	struct ebb_pending_call *first;
};

/**
 * ebb_pending_add - let a call wait
 * @need: number of the refresh that it waits for
 * @until_ns: when it is served at the latest
 * @serve, @opaque: how
 * @arguments: a reference is kept; may be NULL
 *
 * Without memory the call is answered with an error.
 */
void ebb_pending_add(struct ebb_pending *pending, uint64_t need,
		     uint64_t until_ns, ebb_pending_fn serve,
		     struct ebb_call *call, const struct json_object *arguments,
		     void *opaque);

/*
 * Serves the calls whose refresh is done, or whose time is over. Returns when
 * to look again, or 0: none is left.
 */
uint64_t ebb_pending_serve(struct ebb_pending *pending, uint64_t done,
			   uint64_t now_ns);

#endif /* EBB_HOST_PENDING_H */
