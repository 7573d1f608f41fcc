/* SPDX-License-Identifier: GPL-2.0-only */
#include "pulse.h"

static __u64 least(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

static __u64 most(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

void ebb_pulse_aim(struct pulse *pulse, __u64 pages, __u64 managed, __u32 flags)
{
	pages = least(pages, managed - managed / 8);
	if (pages != pulse->target || flags & EBB_TARGET_RETRY) {
		*pulse = (struct pulse){ .target = pages };
		/* The first look finds out whether there is anything to do. */
		if (pages)
			pulse->state = EBB_THRESHOLD_DRIVING;
	}
	pulse->urgent = flags & EBB_TARGET_URGENT;
}

/* What is free in blocks that are too small, as overhead of the target. */
static __u64 pulse_overhead(const struct pulse *pulse,
			    const struct pulse_facts *facts)
{
	return least(facts->free - least(facts->free, facts->free_huge),
		     pulse->target / 4);
}

static enum pulse_action pulse_exhaust(struct pulse *pulse, __u64 now_ms)
{
	pulse->retry_ms = pulse->retry_ms ? least(2 * (__u64)pulse->retry_ms,
						  PULSE_RETRY_MAX_MS)
					  : PULSE_RETRY_MIN_MS;
	pulse->retry_at_ms = now_ms + pulse->retry_ms;
	pulse->state = EBB_THRESHOLD_EXHAUSTED;
	return PULSE_REST;
}

static enum pulse_action pulse_hold(struct pulse *pulse)
{
	bool held = pulse->state == EBB_THRESHOLD_HELD;

	pulse->state = EBB_THRESHOLD_HELD;
	pulse->retry_ms = 0;
	return held ? PULSE_WAIT : PULSE_REST;
}

/*
 * Reclaim is through. What lacks may still be there in small blocks; but
 * compaction is not asked for crumbs, nor where there is nothing to compact.
 */
static enum pulse_action pulse_reclaimed(struct pulse *pulse,
					 const struct pulse_facts *facts,
					 __u64 now_ms)
{
	__u64 lacking = pulse->target - facts->free_huge;
	__u64 small = facts->free - least(facts->free, facts->free_huge);

	if (lacking <= pulse->target / 64)
		return pulse_hold(pulse);
	if (small < PULSE_HUGE_PAGES || small < lacking / 8)
		return pulse_exhaust(pulse, now_ms);
	pulse->state = EBB_THRESHOLD_FRAGMENTED;
	pulse->best_huge = facts->free_huge;
	pulse->moved_ms = now_ms;
	return PULSE_REST;
}

static enum pulse_action
pulse_begin(struct pulse *pulse, const struct pulse_facts *facts, __u64 now_ms)
{
	__u64 goal = pulse->target + pulse_overhead(pulse, facts);
	__u64 step_max = most(PULSE_STEP_MIN_PAGES,
			      least(facts->managed / 16, PULSE_STEP_MAX_PAGES));

	if (facts->free >= goal || facts->gainable < 2 * PULSE_HUGE_PAGES)
		return pulse_reclaimed(pulse, facts, now_ms);
	pulse->state = EBB_THRESHOLD_DRIVING;
	step_max = least(step_max, facts->gainable / 2);
	pulse->step =
		most(PULSE_HUGE_PAGES, least(goal - facts->free, step_max));
	pulse->start_free = facts->free;
	pulse->start_ms = now_ms;
	return PULSE_KICK;
}

static enum pulse_action
pulse_start(struct pulse *pulse, const struct pulse_facts *facts, __u64 now_ms)
{
	pulse->fruitless = 0;
	return pulse_begin(pulse, facts, now_ms);
}

static enum pulse_action
pulse_drive(struct pulse *pulse, const struct pulse_facts *facts, __u64 now_ms)
{
	if (!facts->kswapd_idle && now_ms - pulse->start_ms < PULSE_LONGEST_MS)
		return PULSE_WAIT;
	if (!pulse->urgent && now_ms - pulse->start_ms < PULSE_GENTLE_MS)
		return PULSE_WAIT;
	if (facts->free < pulse->start_free + pulse->step / 16)
		pulse->fruitless++;
	else
		pulse->fruitless = 0;
	if (pulse->fruitless >= PULSE_FRUITLESS_MAX)
		return pulse_reclaimed(pulse, facts, now_ms);
	return pulse_begin(pulse, facts, now_ms);
}

static enum pulse_action pulse_compact(struct pulse *pulse,
				       const struct pulse_facts *facts,
				       __u64 now_ms)
{
	if (facts->free_huge >= pulse->best_huge + PULSE_HUGE_PAGES) {
		pulse->best_huge = facts->free_huge;
		pulse->moved_ms = now_ms;
	}
	if (now_ms - pulse->moved_ms >= PULSE_COMPACT_QUIET_MS)
		return pulse_exhaust(pulse, now_ms);
	return PULSE_WAIT;
}

enum pulse_action ebb_pulse_look(struct pulse *pulse,
				 const struct pulse_facts *facts, __u64 now_ms)
{
	__u64 slack = pulse->target / 8;

	if (!pulse->target) {
		pulse->state = EBB_THRESHOLD_IDLE;
		return PULSE_WAIT;
	}
	if (facts->free_huge >= pulse->target)
		return pulse_hold(pulse);
	switch (pulse->state) {
	case EBB_THRESHOLD_DRIVING:
		return pulse_drive(pulse, facts, now_ms);
	case EBB_THRESHOLD_FRAGMENTED:
		return pulse_compact(pulse, facts, now_ms);
	case EBB_THRESHOLD_EXHAUSTED:
		if (now_ms < pulse->retry_at_ms)
			return PULSE_WAIT;
		return pulse_start(pulse, facts, now_ms);
	default:
		/* HELD: it was met, and a little less does not count now. */
		if (facts->free_huge + slack >= pulse->target)
			return PULSE_WAIT;
		return pulse_start(pulse, facts, now_ms);
	}
}
