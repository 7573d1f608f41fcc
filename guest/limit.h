/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often a burst of work may run: not within EBB_LIMIT_MIN_MS after the last
 * one ended, and after twice that time, up to EBB_LIMIT_MAX_MS, while they gain
 * less than 1/16 of what is lacking.
 *
 * Pure. A zeroed one allows the first burst.
 */
#ifndef EBB_GUEST_LIMIT_H
#define EBB_GUEST_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	EBB_LIMIT_MIN_MS = 10 * 1000,
	EBB_LIMIT_MAX_MS = 10 * 60 * 1000,
};

struct ebb_limit {
	uint64_t next_us; /* CLOCK_MONOTONIC; 0: at once */
	uint32_t wait_ms; /* after the last burst */
};

bool ebb_limit_allows(const struct ebb_limit *limit, uint64_t now_us);

/**
 * ebb_limit_ended - a burst ended by itself
 * @lacked_bytes: before it
 * @gained_bytes: of that
 *
 * Returns whether it was worth it: 1/16 or more.
 */
bool ebb_limit_ended(struct ebb_limit *limit, uint64_t now_us,
		     uint64_t lacked_bytes, uint64_t gained_bytes);

#endif /* EBB_GUEST_LIMIT_H */
