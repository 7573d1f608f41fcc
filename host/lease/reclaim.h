/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One reclaim, from what is wanted to what came of it.
 *
 * Whoever wants memory (a client of the control socket, a policy) says how much
 * and how; what comes of it is numbers and words, and who asked makes of them
 * what he needs.
 */
#ifndef EBB_HOST_RECLAIM_H
#define EBB_HOST_RECLAIM_H

#include "common/clock.h"
#include "host/lease/bounds.h"
#include "host/lease/estimate.h"
#include "host/lease/lender.h"
#include "host/libvirt/channel.h"
#include "host/libvirt/virt.h"

struct ebb_hand;

/**
 * struct ebb_reclaim_wish - what is wanted
 * @bytes: how much; 0 with @all
 * @all: all that the guest has free
 * @compact: where that is less, the guest may move together what it uses
 * @free_only: where it is less still, the guest is not driven to free more
 * @dry_run: nothing is taken; how much could be?
 * @gentle: nobody waits for it: on the lease it is spread over time, see gentle.h
 * @timeout_ms: of the whole
 */
struct ebb_reclaim_wish {
	uint64_t bytes;
	bool all;
	bool compact;
	bool free_only;
	bool dry_run;
	bool gentle;
	uint32_t timeout_ms;
};

/**
 * struct ebb_reclaim - one reclaim; made by ebb_reclaim_prepare()
 *
 * Set by the caller before ebb_reclaim_prepare(), and not changed until it ends:
 * @wish: as above
 * @grant_window_ms, @agent_ms: of the configuration
 * @gone, @disconnected, @leaving, @cancelled, @hurried: as in struct ebb_bounds
 * @pace: zero at first, then the reclaim's own
 *
 * Set by the caller before each ebb_reclaim_run():
 * @lender, @domain, @channel: the guest, the reclaim's alone while it runs
 * @standing: the free target that holds but for this reclaim
 * @memory_bytes: that the guest has
 * @hand: on its balloon; of rung balloon alone, as are the three that follow
 * @floor_bytes: the least that the balloon may leave to the guest
 * @period_s: of the balloon's statistics, as the domain has it; 0: none
 * @autodeflate: the balloon deflates by itself when the guest runs short
 *
 * Of the reclaim; the first four may be read while it runs:
 * @books: what came of it so far
 * @held_bytes: what the host holds of the guest, as measured last; 0 on the lease
 * @start_ns: when ebb_reclaim_run() began first, or 0. A caller may put it off
 *	between two runs, for time that does not count
 * @target_bytes: since ebb_reclaim_prepare(); that of a reclaim of all is an
 *	estimate
 * @before_bytes, @after_bytes: what the host holds of the guest
 * @swapped_before_bytes, @swapped_after_bytes: of that, in swap, if it is known
 * @rearmed, @compacted: what was done of it, for the run after a rest
 * @outcome: how it ended, once ebb_reclaim_run() has returned. EBB_END_NONE: it is
 *	gentle, and to be run again after @rest_ns, or as soon as @hurried is set
 * @end_ns: when that was
 * @estimate: of a dry run
 */
struct ebb_reclaim {
	struct ebb_reclaim_wish wish;
	uint32_t grant_window_ms;
	uint32_t agent_ms;
	const atomic_bool *gone;
	const atomic_bool *disconnected;
	const atomic_bool *leaving;
	const atomic_bool *cancelled;
	const atomic_bool *hurried;
	struct ebb_gentle pace;

	struct ebb_lender lender;
	struct ebb_domain *domain;
	struct ebb_channel *channel;
	struct ebb_msg_target standing;
	uint64_t memory_bytes;
	struct ebb_hand *hand;
	uint64_t floor_bytes;
	uint32_t period_s;
	bool autodeflate;

	struct ebb_books books;
	_Atomic uint64_t held_bytes;
	_Atomic uint64_t start_ns;
	uint64_t target_bytes;
	uint64_t before_bytes;
	uint64_t after_bytes;
	uint64_t swapped_before_bytes;
	uint64_t swapped_after_bytes;
	bool swapped_before_known;
	bool swapped_after_known;
	bool rearmed;
	bool compacted;
	uint64_t rest_ns;
	struct ebb_outcome outcome;
	uint64_t end_ns;
	struct ebb_estimate estimate;
};

/* Takes the books before, all but what is in swap. Does not wait. */
void ebb_reclaim_prepare(struct ebb_reclaim *reclaim);

/*
 * The work (blocks, within the bounds). Time runs from here on. Again, after a rest or
 * with a guest that was examined anew: what is left of it.
 */
void ebb_reclaim_run(struct ebb_reclaim *reclaim);

/* How far it may go, on whatever rung: from when @start_ns is set. */
static inline struct ebb_bounds ebb_reclaim_bounds(struct ebb_reclaim *reclaim)
{
	return (struct ebb_bounds){
		.bytes = reclaim->wish.all ? 0 : reclaim->wish.bytes,
		.deadline_ns = reclaim->start_ns +
			       reclaim->wish.timeout_ms * EBB_NS_PER_MS,
		.grant_window_ms = reclaim->grant_window_ms,
		.gone = reclaim->gone,
		.disconnected = reclaim->disconnected,
		.leaving = reclaim->leaving,
		.cancelled = reclaim->cancelled,
		.pace = reclaim->wish.gentle ? &reclaim->pace : NULL,
		.hurried = reclaim->hurried,
	};
}

/* What it does now. */
const char *ebb_reclaim_phase_name(enum ebb_reclaim_phase phase);

#endif /* EBB_HOST_RECLAIM_H */
