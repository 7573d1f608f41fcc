/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time that people know, and when it does not fit what was before.
 *
 * Samples and events have the wall clock's time, as people ask by it. That clock may be
 * set, by a person or as a host gets its time after it booted; and while the host sleeps
 * nothing is seen. Both are told apart by three clocks: CLOCK_BOOTTIME goes on while the
 * host sleeps, CLOCK_MONOTONIC does not, and neither is ever set. Pure.
 */
#ifndef EBB_HOST_WALL_H
#define EBB_HOST_WALL_H

#include <stdint.h>

/* All in ms; @wall_ms since 1970. */
struct ebb_wall {
	uint64_t wall_ms;
	uint64_t boot_ms;
	uint64_t monotonic_ms;
};

struct ebb_wall ebb_wall_now(void);

/**
 * struct ebb_wall_change - what happened to the clock between two moments
 * @step_ms: the wall clock was set forward by so much, or back if less than 0; 0: it was not
 * @slept_ms: the host slept for so long
 */
struct ebb_wall_change {
	int64_t step_ms;
	uint64_t slept_ms;
};

/* A clock that is made to go a little faster or slower is not set. */
struct ebb_wall_change ebb_wall_change(const struct ebb_wall *before,
				       const struct ebb_wall *now);

#endif /* EBB_HOST_WALL_H */
