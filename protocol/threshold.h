/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The free target: how a guest is driven to keep memory free in huge ranges.
 *
 * Theory of operation
 * ===================
 *
 * A host says "keep so many bytes free". The guest's kernel frees page cache
 * and cold pages for it in the background (kmod/threshold.c), its agent has
 * them compacted (guest/), and none of its allocations waits for that. What is
 * free is then leased as ever (lease.h); nothing is taken for being free.
 *
 * The invariant: *a target is a request that expires.* It is a lease: without a
 * renewal within its time it is gone, and the kernel's own watermarks are
 * back, whoever died on the way from the host to the module. And the guest
 * overrules it: under pressure it drops the target first and says so after.
 *
 * The way of a target: ebbd renews it each EBB_TARGET_RENEW_MS with ebb-target,
 * the agent lowers it by what pressure has taught it and hands it to ebb.ko
 * with the lease that it was given, ebb.ko drops it at a stalled allocation.
 *
 * Kernel- and user-safe. No I/O, no clock, no allocation.
 */
#ifndef EBB_PROTOCOL_THRESHOLD_H
#define EBB_PROTOCOL_THRESHOLD_H

#include <linux/types.h>

/**
 * enum ebb_threshold_state - what the guest does for its target
 *
 * @EBB_THRESHOLD_IDLE: there is no target. The marks are the kernel's own.
 * @EBB_THRESHOLD_DRIVING: memory is being freed, pulse by pulse. Ends by itself.
 * @EBB_THRESHOLD_FRAGMENTED: enough is free, but not in huge ranges: whoever
 *	can compact memory is asked to. Ends by itself when nothing is gained.
 * @EBB_THRESHOLD_HELD: the target is met. Nothing runs.
 * @EBB_THRESHOLD_EXHAUSTED: there is nothing more to gain for now; tried again
 *	later and later, or with EBB_TARGET_RETRY.
 * @EBB_THRESHOLD_DROPPED: the guest needed its memory itself (enum
 *	ebb_drop_reason), the target is gone. The marks are the kernel's own. A
 *	new target ends it.
 */
enum ebb_threshold_state {
	EBB_THRESHOLD_IDLE = 0,
	EBB_THRESHOLD_DRIVING = 1,
	EBB_THRESHOLD_FRAGMENTED = 2,
	EBB_THRESHOLD_HELD = 3,
	EBB_THRESHOLD_EXHAUSTED = 4,
	EBB_THRESHOLD_DROPPED = 5,
	EBB_THRESHOLD_STATE_COUNT
};

/**
 * enum ebb_drop_reason - why the module dropped a target by itself
 *
 * @EBB_DROP_NONE: it did not
 * @EBB_DROP_ALLOCSTALL: an allocation had to reclaim memory itself
 * @EBB_DROP_OOM: the kernel was about to kill
 * @EBB_DROP_OFFLINE: memory goes offline
 * @EBB_DROP_LEAVING: reboot, suspend or unload
 * @EBB_DROP_REFAULT: what was freed for the target was needed again soon after
 */
enum ebb_drop_reason {
	EBB_DROP_NONE = 0,
	EBB_DROP_ALLOCSTALL = 1,
	EBB_DROP_OOM = 2,
	EBB_DROP_OFFLINE = 3,
	EBB_DROP_LEAVING = 4,
	EBB_DROP_REFAULT = 5,
	EBB_DROP_REASON_COUNT
};

/* The stable name of a state, as sysfs and JSON have it; "unknown" else. */
static inline const char *ebb_threshold_state_name(__u32 state)
{
	switch (state) {
	case EBB_THRESHOLD_IDLE:
		return "idle";
	case EBB_THRESHOLD_DRIVING:
		return "driving";
	case EBB_THRESHOLD_FRAGMENTED:
		return "fragmented";
	case EBB_THRESHOLD_HELD:
		return "held";
	case EBB_THRESHOLD_EXHAUSTED:
		return "exhausted";
	case EBB_THRESHOLD_DROPPED:
		return "dropped";
	default:
		return "unknown";
	}
}

/* The stable name of a reason; "" for none, "unknown" for no reason of ours. */
static inline const char *ebb_drop_reason_name(__u32 reason)
{
	switch (reason) {
	case EBB_DROP_NONE:
		return "";
	case EBB_DROP_ALLOCSTALL:
		return "allocstall";
	case EBB_DROP_OOM:
		return "oom";
	case EBB_DROP_OFFLINE:
		return "memory-offline";
	case EBB_DROP_LEAVING:
		return "leaving";
	case EBB_DROP_REFAULT:
		return "refault";
	default:
		return "unknown";
	}
}

#endif /* EBB_PROTOCOL_THRESHOLD_H */
