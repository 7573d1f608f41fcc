/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rung balloon: a guest without anything of Ebb, whose balloon is inflated for a while.
 *
 * Theory of operation
 * ===================
 *
 * The balloon takes pages 4 KiB at a time, and what it has is gone for the guest: when
 * the guest needs more it swaps, or kills, while the host may have plenty. So it is used
 * only where nothing better is open, and never without a guard.
 *
 * 1. The statistics of the balloon get a period of a second, and it is waited for the
 *    guest's driver to answer, and for the balloon to rest: what it leaves to the guest
 *    then is the base, to which Ebb gives back and never beyond (hand.h).
 * 2. It is inflated in steps of EBB_BALLOON_STEP_BYTES. After each, statistics that are
 *    younger than its end say whether there is a next one (need.h). It is never inflated
 *    below @floor_bytes.
 * 3. With enough taken, by the host's books, it ends, and what is held is the guard's
 *    (host/domain/vm_guard.c).
 *
 * A guest that runs short meanwhile gets all back, and a balloon that does not move for
 * EBB_BALLOON_STUCK_MS is asked to leave what it does. A guest lies at its own expense:
 * what counts is what the host holds less of it.
 */
#ifndef EBB_HOST_BALLOON_H
#define EBB_HOST_BALLOON_H

#include "common/size.h"
#include "host/lease/reclaim.h"
#include "host/rung/hand.h"

enum {
	EBB_BALLOON_STUCK_MS = 10 * 1000,
};

#define EBB_BALLOON_STEP_BYTES (256 * EBB_MIB)

/**
 * struct ebb_balloon_view - a snapshot of an inflation, to decide upon
 * @before, @now: statistics
 * @base_bytes: what the balloon left before Ebb
 * @left_bytes: what it was asked to leave last
 * @floor_bytes: the least that it may leave
 * @missing_bytes: of what is wanted
 * @free_only: what is cache stays
 * @fresh: @now is of after the balloon arrived at @left_bytes
 * @still_ms: since it moved last, or was asked to
 */
struct ebb_balloon_view {
	struct ebb_balloon_stats before;
	struct ebb_balloon_stats now;
	uint64_t base_bytes;
	uint64_t left_bytes;
	uint64_t floor_bytes;
	uint64_t missing_bytes;
	bool free_only;
	bool fresh;
	uint64_t still_ms;
};

enum ebb_balloon_step {
	EBB_BALLOON_WAIT, /* look again soon */
	EBB_BALLOON_INFLATE, /* to @left_bytes */
	EBB_BALLOON_GIVE_BACK, /* all */
	EBB_BALLOON_END, /* there is no more */
};

/**
 * struct ebb_balloon_decision
 * @left_bytes: with INFLATE
 * @reason: with GIVE_BACK and END, a stable word
 */
struct ebb_balloon_decision {
	enum ebb_balloon_step step;
	uint64_t left_bytes;
	const char *reason;
};

/* Pure. What to do next. */
struct ebb_balloon_decision
ebb_balloon_decide(const struct ebb_balloon_view *view);

/* Pure. Whether the balloon leaves what it was asked to, but for a few pages. */
bool ebb_balloon_has_arrived(uint64_t actual_bytes, uint64_t left_bytes);

void ebb_balloon_prepare(struct ebb_reclaim *reclaim);
void ebb_balloon_run(struct ebb_reclaim *reclaim);

#endif /* EBB_HOST_BALLOON_H */
