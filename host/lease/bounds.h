/* SPDX-License-Identifier: GPL-2.0-only */
/* What ends a reclaim from outside, and what it has achieved so far. */
#ifndef EBB_HOST_BOUNDS_H
#define EBB_HOST_BOUNDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/lease/gentle.h"
#include "host/lease/outcome.h"

/* What a reclaim does now. */
enum ebb_reclaim_phase {
	EBB_PHASE_TAKING, /* what the guest has free */
	EBB_PHASE_COMPACTING, /* the guest moves together what it uses */
	EBB_PHASE_DRIVING, /* the guest frees more, and that is taken */
	EBB_PHASE_PAGING_OUT, /* the host puts cold memory into its swap */
	EBB_PHASE_RESTING, /* nothing: nobody waits for the next piece */
};

/* Written by the reclaiming thread, read by any. */
struct ebb_books {
	_Atomic uint64_t
		reclaimed_bytes; /* by the host's books, as the rung has it */
	_Atomic uint64_t driven_bytes; /* of these, while it was driven */
	_Atomic uint64_t punched_bytes; /* holes included */
	_Atomic uint32_t batches;
	_Atomic uint32_t failed_slots; /* not reached within the grant window */
	_Atomic uint32_t phase; /* enum ebb_reclaim_phase */
	/* The guest was driven: what it has learnt since is not to be forgotten. */
	_Atomic bool driven;
};

/**
 * struct ebb_bounds - how far a reclaim may go
 * @bytes: enough; 0: all there is
 * @deadline_ns: CLOCK_MONOTONIC, of the whole
 * @grant_window_ms: at most EBB_GRANT_WINDOW_MS
 * @gone: set by others when the guest's memory is not what it was: no punch
 *	begins after that
 * @disconnected: set by others before @gone if that is because libvirtd went;
 *	NULL: never
 * @leaving: the same, if ebbd ends
 * @cancelled: set by others when nobody wants the memory any more
 * @pace: of a reclaim that nobody waits for; else NULL
 * @hurried: set by others when somebody does: @pace holds no more; NULL: never
 */
struct ebb_bounds {
	uint64_t bytes;
	uint64_t deadline_ns;
	uint32_t grant_window_ms;
	const atomic_bool *gone;
	const atomic_bool *disconnected;
	const atomic_bool *leaving;
	const atomic_bool *cancelled;
	struct ebb_gentle *pace;
	const atomic_bool *hurried;
};

/* That of now, or NULL: as fast as can be. */
static inline struct ebb_gentle *
ebb_bounds_pace(const struct ebb_bounds *bounds)
{
	return bounds->hurried && *bounds->hurried ? NULL : bounds->pace;
}

/* The end that the bounds bring about now, or EBB_END_NONE. */
enum ebb_reclaim_end ebb_bounds_end(const struct ebb_bounds *bounds,
				    const struct ebb_books *books);

/* What is left of the time, rounded up; 0: nothing. */
uint32_t ebb_bounds_left_ms(const struct ebb_bounds *bounds);

#endif /* EBB_HOST_BOUNDS_H */
