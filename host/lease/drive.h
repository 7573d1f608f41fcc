/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Driving a guest: a reclaim that wants more than what is free.
 *
 * Theory of operation
 * ===================
 *
 * All that the guest has free in huge ranges was taken, and it was less than
 * was asked for. So the guest is given a free target above what it has free
 * (protocol/threshold.h), for as long as the reclaim runs, and what it frees for
 * that is taken as it comes, session by session: a session starts when the
 * target is reached, each GAIN before that, or when no more comes. What was
 * taken stays free in the guest, so the target stays where it is.
 *
 * All that is waited for are facts that the guest writes into the ring. They are
 * its word: they say when a session is worth while and why there is no more, and
 * nothing else. What is discarded is leased as ever, what is counted are the
 * host's own books, and each wait ends by the request's time, or by STILL_MS.
 *
 * Facts may be older than the target. So a state counts only once the facts show
 * that they were written after it was set.
 *
 * A guest that dropped its target is not asked again: it needs its memory.
 */
#ifndef EBB_HOST_DRIVE_H
#define EBB_HOST_DRIVE_H

#include "host/lease/tools.h"

/* What is used of struct ebb_facts. */
struct ebb_drive_facts {
	uint64_t stamp_ns;
	uint64_t free_huge_bytes;
	uint64_t target_bytes;
	uint64_t drop_count;
	uint32_t state;
	uint32_t drop_reason;
};

/**
 * struct ebb_drive_view - a snapshot, to decide upon
 * @goal_bytes: the target that the guest was given
 * @by_module: ebb.ko pursues it, so that the facts tell of it
 * @before: facts before the target was given
 * @told: facts right after the agent had said that it is set
 * @now: facts of this moment
 * @taken_bytes: free in huge ranges when all of that had been taken
 * @still_ms: since that last grew, or since the target was given
 * @session_ran: a session is over, for which the facts of before it are @now
 * @brought_bytes: by that session
 * @fruitless: sessions one after the other, this one included, that brought
 *	next to nothing
 */
struct ebb_drive_view {
	uint64_t goal_bytes;
	bool by_module;
	struct ebb_drive_facts before;
	struct ebb_drive_facts told;
	struct ebb_drive_facts now;
	uint64_t taken_bytes;
	uint32_t still_ms;
	bool session_ran;
	uint64_t brought_bytes;
	uint32_t fruitless;
};

enum ebb_drive_step {
	EBB_DRIVE_WAIT, /* look again soon */
	EBB_DRIVE_SESSION, /* take what is free */
	EBB_DRIVE_TELL, /* give the target anew, then wait */
	EBB_DRIVE_END, /* there is no more */
};

/* Pure. What to do next. */
enum ebb_drive_step ebb_drive_decide(const struct ebb_drive_view *view);

/*
 * Pure. Why there is no more, as a stable word: of the module's, or "limit",
 * "exhausted" or "no-answer".
 */
const char *ebb_drive_reason(const struct ebb_drive_view *view);

/* Pure. The target that makes the guest free @wanted_bytes more. */
uint64_t ebb_drive_goal(uint64_t free_huge_bytes, uint64_t wanted_bytes,
			uint64_t memory_bytes);

/**
 * ebb_drive_run - have the guest free what is missing, and take it (blocks)
 * @tools: all that the guest has free was just taken; the bounds say how much
 *	is wanted in all
 *
 * The target stands when it returns: the caller puts the standing one back.
 * Returns how it came out, never with EBB_END_NONE or EBB_END_DRAINED. With
 * EBB_END_GUEST_REFUSED the reason is one of ebb_drive_reason(), or the agent's,
 * or "too-old" (it knows no targets), "agent-error" or "no-mechanism".
 */
struct ebb_outcome ebb_drive_run(struct ebb_tools *tools);

#endif /* EBB_HOST_DRIVE_H */
