/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One node's way to its free target: what to do next, decided on a snapshot.
 *
 * Theory of operation
 * ===================
 *
 * The problem. kswapd frees memory for whoever raises WMARK_HIGH, but it goes
 * for the absolute sum of the marks and does not know when to stop: a jump to
 * the target overshoots, and a target that cannot be reached keeps it running
 * for ever, until it gives up for all others, too (MAX_RECLAIM_RETRIES of
 * mm/vmscan.c).
 *
 * The rule. Pulses: raise the marks a step over what is free, kick kswapd, wait
 * until it sleeps again, look what was gained. PULSE_FRUITLESS_MAX pulses that
 * gained nothing end it; it is tried again after a while that doubles. Unless
 * somebody waits for it there is one pulse a PULSE_GENTLE_MS: kswapd frees
 * gigabytes a second, and a guest that needs them again needs time to say so. What is
 * free but not in huge ranges counts as overhead of the target up to a quarter
 * of it; what is beyond is for compaction. A pulse is at most half of what can be
 * gained: where the marks are over all that is free and cached, kswapd takes cache
 * for too little to look at, and swaps (file_is_tiny of mm/vmscan.c).
 *
 * Pure: facts in, state and action out. Compiled for the unit tests, too.
 */
#ifndef EBB_KMOD_PULSE_H
#define EBB_KMOD_PULSE_H

#include <linux/types.h>

#ifndef __KERNEL__
#include <stdbool.h>
#endif

#include "protocol/uapi.h"

enum {
	/* In pages of 4 KiB. */
	PULSE_HUGE_PAGES = 512,
	PULSE_STEP_MIN_PAGES = 64 << 8, /* 64 MiB */
	PULSE_STEP_MAX_PAGES = 256 << 8, /* 256 MiB */

	PULSE_FRUITLESS_MAX = 2,
	PULSE_GENTLE_MS = 1000,
	/* A kswapd that is still at work after so long is not waited for. */
	PULSE_LONGEST_MS = 5 * 1000,
	/* For a compaction to begin, or to gain one more huge range. */
	PULSE_COMPACT_QUIET_MS = 3 * 1000,
	PULSE_RETRY_MIN_MS = 10 * 1000,
	PULSE_RETRY_MAX_MS = 320 * 1000,
};

/**
 * struct pulse_facts - a node as it is, in pages
 * @managed: of the buddy allocator
 * @free: all that is free
 * @free_huge: what of it is in blocks of PULSE_HUGE_PAGES or more
 * @gainable: what kswapd may free at the most: page cache but for a reserve, and
 *	with EBB_TARGET_SWAP anonymous memory as far as there is swap
 * @kswapd_idle: it sleeps
 */
struct pulse_facts {
	__u64 managed;
	__u64 free;
	__u64 free_huge;
	__u64 gainable;
	bool kswapd_idle;
};

/**
 * struct pulse - a node's state; zeroed is a node without target
 * @state: all but DROPPED, which is the guest's
 * @urgent: somebody waits
 * @target: in pages, in huge ranges
 * @step: of the pulse that runs: how much more is to be free
 * @start_free, @start_ms: when it began
 * @best_huge, @moved_ms: FRAGMENTED: the most so far, and since when
 * @fruitless: pulses in a row that gained nothing
 * @retry_ms: how long EXHAUSTED lasts, @retry_at_ms: until when
 */
struct pulse {
	enum ebb_threshold_state state;
	bool urgent;
	__u64 target;
	__u64 step;
	__u64 start_free;
	__u64 start_ms;
	__u64 best_huge;
	__u64 moved_ms;
	__u32 fruitless;
	__u32 retry_ms;
	__u64 retry_at_ms;
};

/* What the node needs now. */
enum pulse_action {
	PULSE_WAIT, /* nothing: the marks stay as they are */
	PULSE_KICK, /* marks @step over what is free, and kswapd woken */
	PULSE_REST, /* marks at what is free, at most at the target; no kick */
};

/**
 * ebb_pulse_aim - a new target, or the same once more
 * @pages: target; 0: none. More than seven eighths of @managed is cut.
 * @flags: EBB_TARGET_ bits
 */
void ebb_pulse_aim(struct pulse *pulse, __u64 pages, __u64 managed,
		   __u32 flags);

/**
 * ebb_pulse_look - one look at the node
 * @now_ms: of a monotonic clock
 */
enum pulse_action ebb_pulse_look(struct pulse *pulse,
				 const struct pulse_facts *facts, __u64 now_ms);

#endif /* EBB_KMOD_PULSE_H */
