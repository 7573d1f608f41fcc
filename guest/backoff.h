/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much of a free target the guest keeps: it yields to pressure at once and
 * comes back in small steps.
 *
 * Theory of operation
 * ===================
 *
 * Nobody knows beforehand how much memory a guest can spare. So the part of
 * what is asked that is kept, the factor, follows the rule by which TCP finds
 * its share of a line: halve when it hurts, add a little while it does not.
 *
 *   pressure     halves the factor, at most once in EBB_BACKOFF_CUT_US, as
 *                several signs tell of one and the same pressure
 *   the floor    what is left of a factor under 1/16, or of a target under
 *                EBB_BACKOFF_FLOOR_BYTES, is not worth driving the guest: 0
 *   oom          0 at once
 *   recovery     after EBB_BACKOFF_QUIET_US without pressure each renewal adds
 *                1/16, until it is whole; but one in EBB_BACKOFF_STEP_US, so
 *                that a host that renews often does not hasten it
 *   retry        somebody asks now: whole again
 *
 * A target that begins after a quiet time finds the factor whole. The reason of
 * the last cut is kept until it is whole again.
 *
 * Pure: the clock is a parameter, CLOCK_MONOTONIC in microseconds.
 */
#ifndef EBB_GUEST_BACKOFF_H
#define EBB_GUEST_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define EBB_BACKOFF_FLOOR_BYTES ((uint64_t)64 << 20)
#define EBB_BACKOFF_CUT_US ((uint64_t)1000 * 1000)
#define EBB_BACKOFF_QUIET_US ((uint64_t)30 * 1000 * 1000)
#define EBB_BACKOFF_STEP_US ((uint64_t)10 * 1000 * 1000)

enum {
	EBB_BACKOFF_WHOLE = 256,
	EBB_BACKOFF_STEP = EBB_BACKOFF_WHOLE / 16, /* the smallest, too */
};

/* Why less is kept; the order is that of gravity. */
enum ebb_backoff_reason {
	EBB_BACKOFF_NONE,
	EBB_BACKOFF_PRESSURE,
	EBB_BACKOFF_ALLOCSTALL,
	EBB_BACKOFF_OOM,
};

/**
 * struct ebb_backoff - what pressure has taught
 * @factor: part of what is asked, in 1/256; 0 or EBB_BACKOFF_STEP and more
 * @reason: of the last cut; EBB_BACKOFF_NONE if and only if it is whole
 * @cut_us: time of the last cut
 * @pressure_us: time of the last pressure
 * @step_us: time of the last step of recovery
 */
struct ebb_backoff {
	uint32_t factor;
	enum ebb_backoff_reason reason;
	uint64_t cut_us;
	uint64_t pressure_us;
	uint64_t step_us;
};

/* Whole, with nothing learnt. */
void ebb_backoff_forget(struct ebb_backoff *backoff);

/* A target begins where there was none. */
void ebb_backoff_begin(struct ebb_backoff *backoff, uint64_t now_us);

/* The target was asked for again. */
void ebb_backoff_renewed(struct ebb_backoff *backoff, uint64_t now_us);

/**
 * ebb_backoff_yield - pressure was seen
 * @reason: not EBB_BACKOFF_NONE
 * @asked_bytes: all that is asked, for the floor
 *
 * Returns whether less is kept now.
 */
bool ebb_backoff_yield(struct ebb_backoff *backoff,
		       enum ebb_backoff_reason reason, uint64_t asked_bytes,
		       uint64_t now_us);

/**
 * ebb_backoff_scale - what is kept
 * @asked_bytes: all that is asked: the floor is one for all nodes
 * @part_bytes: of it, a node's part or again all
 *
 * Returns bytes, at most @part_bytes.
 */
uint64_t ebb_backoff_scale(const struct ebb_backoff *backoff,
			   uint64_t asked_bytes, uint64_t part_bytes);

/* "", "pressure", "allocstall" or "oom". */
const char *ebb_backoff_reason_name(enum ebb_backoff_reason reason);

#endif /* EBB_GUEST_BACKOFF_H */
