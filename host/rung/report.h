/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rung report: QEMU discards what the guest frees, and Ebb has it free more.
 *
 * Theory of operation
 * ===================
 *
 * Where virtio-balloon has freePageReporting='on', the guest's kernel reports free
 * ranges of 2 MiB to QEMU, some seconds after they became free, and QEMU discards
 * them. Nobody can hurry that, and nothing that is free is ebbd's to take. But a
 * reclaim can have more become free in such ranges, as on the lease:
 *
 * 1. What is free and still held is waited for while it becomes less.
 * 2. The guest compacts, and what that makes free is waited for likewise.
 * 3. The guest is driven: it is given a free target of what it has free and what is
 *    missing, which it pursues with ebb.ko or without (guest/fallback.h), until
 *    enough came or it gives no more. Only a size that is asked for goes so far.
 *
 * The invariants. ebbd discards nothing here: it has no ring, no lock and no proof
 * of where memory is, and needs none. What is counted is how much less the host
 * holds than at the beginning, at most, by its own books: of the files behind the
 * guest's memory, or of the process where there are none, RAM and swap together,
 * so that what the host swaps out is no gain. What the guest says, by messages of
 * its agent, decides only when to stop: an honest guest ends it sooner, a hostile
 * one within the time of the request.
 *
 * What the guest takes back meanwhile is not subtracted, and what it would have freed
 * without being asked is not counted apart.
 *
 * Not where QEMU does not discard or ought not to: with pinned or encrypted memory
 * it refuses by itself; a page of hugetlbfs that is discarded goes back to its pool
 * without its reservation, and the guest dies where the pool is empty when it wants
 * it back (DESIGN.md, 2). choose.c has the list.
 */
#ifndef EBB_HOST_REPORT_H
#define EBB_HOST_REPORT_H

#include "host/lease/reclaim.h"

/**
 * struct ebb_report_view - a snapshot of a drive, to decide upon
 * @goal_bytes: the target that the guest was given
 * @answer: the guest's last word on it
 * @still_ms: since the host last held less than ever, or since the target was given
 * @raised: so often it was reached and was too low
 */
struct ebb_report_view {
	uint64_t goal_bytes;
	struct ebb_msg_target_state answer;
	uint64_t still_ms;
	uint32_t raised;
};

enum ebb_report_step {
	EBB_REPORT_WAIT, /* look again soon */
	EBB_REPORT_RAISE, /* the target was too low */
	EBB_REPORT_END, /* there is no more */
};

/* Pure. What to do next. */
enum ebb_report_step ebb_report_decide(const struct ebb_report_view *view);

/*
 * Pure. Why there is no more, as a stable word: the guest's own, or "limit",
 * "not-discarded", "exhausted" or "no-answer".
 */
const char *ebb_report_reason(const struct ebb_report_view *view);

/* As ebb_reclaim_prepare() and ebb_reclaim_run(). The lender has no map and no ring. */
void ebb_report_prepare(struct ebb_reclaim *reclaim);
void ebb_report_run(struct ebb_reclaim *reclaim);

#endif /* EBB_HOST_REPORT_H */
