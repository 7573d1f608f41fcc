/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compaction bursts: memory that is free is made contiguous.
 *
 * A write to a node's compact file compacts all of it before it returns, which
 * may take seconds: a child does it (child.h), one burst at a time, as often as
 * limit.h allows.
 */
#ifndef EBB_GUEST_COMPACT_H
#define EBB_GUEST_COMPACT_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

struct ebb_compact;

/* A burst ended by itself: look again at what is free in huge ranges. */
typedef void (*ebb_compact_done_fn)(void *opaque);

/* @root: as in sysfile.h, kept. Returns 0 or -ENOMEM. */
int ebb_compact_new(sd_event *event, const char *root, ebb_compact_done_fn done,
		    void *opaque, struct ebb_compact **ret_compact);

/* Kills a burst that runs, and waits for that. NULL is fine. */
void ebb_compact_free(struct ebb_compact *compact);

/**
 * ebb_compact_start - a burst, if it may be
 * @target_bytes: what is to be free in huge ranges
 *
 * Returns 0 (it runs), -EALREADY (enough is free in huge ranges), -EBUSY (one
 * runs), -EAGAIN (too soon) or -errno.
 */
int ebb_compact_start(struct ebb_compact *compact, uint64_t target_bytes);

bool ebb_compact_runs(const struct ebb_compact *compact);

/* Kills a burst that runs, and does not wait. */
void ebb_compact_stop(struct ebb_compact *compact);

/* Somebody asks now: the next burst may be at once. */
void ebb_compact_retry(struct ebb_compact *compact);

/* Whether the last burst gained 1/16 or more of what was lacking. */
bool ebb_compact_was_worth_it(const struct ebb_compact *compact);

#endif /* EBB_GUEST_COMPACT_H */
