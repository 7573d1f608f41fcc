/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often a guest may make the host do something: a bucket of tokens.
 *
 * What a guest can trigger (a look at it, a line in the log, bytes to read) is
 * not forbidden but paced: a few at once, as honest guests have them at a boot,
 * then one each period. Pure; the clock is the caller's.
 */
#ifndef EBB_HOST_PACE_H
#define EBB_HOST_PACE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct ebb_pace - a bucket; full when zeroed but for the first two
 * @burst: tokens of a full bucket, at least 1
 * @period_ns: for one token to come back
 * @spent_ns: when all tokens are back, by the caller's clock
 */
struct ebb_pace {
	uint32_t burst;
	uint64_t period_ns;
	uint64_t spent_ns;
};

/* How long until there is a token, in ns; 0: there is one. */
static inline uint64_t ebb_pace_wait_ns(const struct ebb_pace *pace,
					uint64_t now_ns)
{
	uint64_t credit_ns = (pace->burst - 1) * pace->period_ns;

	if (pace->spent_ns <= now_ns || pace->spent_ns - now_ns <= credit_ns)
		return 0;
	return pace->spent_ns - now_ns - credit_ns;
}

/* Takes @count tokens, if there is one at least; more are a debt. */
static inline bool ebb_pace_take(struct ebb_pace *pace, uint32_t count,
				 uint64_t now_ns)
{
	if (ebb_pace_wait_ns(pace, now_ns) > 0)
		return false;
	if (pace->spent_ns < now_ns)
		pace->spent_ns = now_ns;
	pace->spent_ns += count * pace->period_ns;
	return true;
}

#endif /* EBB_HOST_PACE_H */
