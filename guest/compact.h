/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compaction bursts: memory that is free is made contiguous.
 *
 * A write to a node's compact file compacts all of it before it returns, which
 * may take seconds: a child does it (child.h), one burst at a time, as often as
 * limit.h allows.
 *
 * Compaction moves what is used by processes and what is cached. What is the
 * kernel's own stays, and one page of it spoils a huge range: often of a slab
 * that has no object left and is kept for the next one. Before the burst all
 * such slabs are given back.
 *
 * What compaction frees goes to a list of the CPU it runs on, not to the
 * allocator: up to LOW divided by the CPUs, 27 MiB a CPU in a guest of 1 GiB,
 * which is neither counted as free nor merges with what lies beside it. No
 * knob empties these lists, but a free beyond their length gives back all but a
 * few. So they are made short for the burst (knobs.h), and in its end a little
 * memory is used and freed on each CPU.
 *
 * Who waits for the outcome may ask sooner than limit.h allows: if the last
 * burst was worth it, or if since then more has come to lie in small pieces; and
 * after a rest of three times as long as it took.
 */
#ifndef EBB_GUEST_COMPACT_H
#define EBB_GUEST_COMPACT_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "guest/knobs.h"

struct ebb_compact;

/* A burst ended by itself: look again at what is free in huge ranges. */
typedef void (*ebb_compact_done_fn)(void *opaque);

/*
 * @root: as in sysfile.h, kept. @knobs: the owner's, kept. Returns 0 or -ENOMEM.
 */
int ebb_compact_new(sd_event *event, const char *root, struct ebb_knobs *knobs,
		    ebb_compact_done_fn done, void *opaque,
		    struct ebb_compact **ret_compact);

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

/**
 * ebb_compact_ask - a burst for somebody who waits for it
 *
 * Returns as above; -EALREADY: little is free but in huge ranges.
 */
int ebb_compact_ask(struct ebb_compact *compact);

bool ebb_compact_runs(const struct ebb_compact *compact);

/* Kills a burst that runs, and does not wait. */
void ebb_compact_stop(struct ebb_compact *compact);

/* Somebody asks now: the next burst may be at once. */
void ebb_compact_retry(struct ebb_compact *compact);

/* Whether the last burst gained 1/16 or more of what was lacking. */
bool ebb_compact_was_worth_it(const struct ebb_compact *compact);

#endif /* EBB_GUEST_COMPACT_H */
