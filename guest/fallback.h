/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A free target without the module: what the kernel offers to everybody.
 *
 * Theory of operation
 * ===================
 *
 * Knobs have kswapd keep the target from now on (knobs.h). They free nothing by
 * themselves: kswapd wakes when an allocation finds less than LOW free. So one
 * burst of reclaim brings the guest to the target (reclaim.h), and one of
 * compaction makes of it what huge ranges it can (compact.h). Then nothing runs
 * until the target is renewed and is not met.
 *
 * As the module does, at most seven eighths of the guest are kept free, and never
 * more than is free or page cache: the knobs would have kswapd swap for the rest.
 */
#ifndef EBB_GUEST_FALLBACK_H
#define EBB_GUEST_FALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "guest/compact.h"
#include "guest/knobs.h"
#include "guest/reclaim.h"
#include "protocol/threshold.h"

struct ebb_fallback;

/**
 * ebb_fallback_new - nothing is changed yet
 * @root: as in sysfile.h, kept
 * @knobs: the owner's, kept
 * @compact: the owner's, kept
 * @limited: the owner's, kept
 * @reclaimed: a burst of reclaim ended, as in reclaim.h
 *
 * Returns 0 or -ENOMEM.
 */
int ebb_fallback_new(sd_event *event, const char *root, struct ebb_knobs *knobs,
		     struct ebb_compact *compact, struct ebb_limited *limited,
		     ebb_reclaim_done_fn reclaimed, void *opaque,
		     struct ebb_fallback **ret_fallback);

/* Puts all back. NULL is fine. */
void ebb_fallback_free(struct ebb_fallback *fallback);

/* Whether this kernel has anything to keep a target by. */
bool ebb_fallback_is_there(const struct ebb_fallback *fallback);

/**
 * ebb_fallback_keep - go for a target, or look again at the same
 * @target_bytes: 0: none; all is put back when the call returns
 * @swap: anonymous memory may be swapped for it (swap.h)
 *
 * Returns what is kept of it, in bytes: never more than what is free and what
 * may be freed.
 */
uint64_t ebb_fallback_keep(struct ebb_fallback *fallback, uint64_t target_bytes,
			   bool swap);

/* Somebody asks now: forget what was in vain. */
void ebb_fallback_retry(struct ebb_fallback *fallback);

/* What is done for the target, in the module's words. */
enum ebb_threshold_state
ebb_fallback_state(const struct ebb_fallback *fallback);

#endif /* EBB_GUEST_FALLBACK_H */
