/* SPDX-License-Identifier: GPL-2.0-only */
/* One batch of leases: offer up to 32 ranges, grant, wait, account. */
#ifndef EBB_KMOD_BATCH_H
#define EBB_KMOD_BATCH_H

#include <linux/types.h>

#include "protocol/ring.h"

struct batch_range {
	u64 pfn;
	u32 order;
};

/**
 * struct batch - what to lease and for whom; and what became of it
 * @epoch: in: the only host that gets a grant
 * @verdict: in: polled; anything but EBB_SESSION_RUNNING revokes what is not
 *	granted yet
 * @gentle: in: nobody waits for it
 * @count: in: entries of @ranges; out: those that were not discarded
 * @ranges: in: off the guest's free lists until ebb_batch_run() has returned;
 *	out: those that were not discarded, first
 * @done: out: ranges that the host discarded
 * @done_bytes: out: their size
 * @stalled: out: no slot moved for EBB_OFFER_DEADLINE_MS
 * @broken: out: the host made a move that the table of lease.h forbids
 */
struct batch {
	u32 epoch;
	enum ebb_session_state (*verdict)(void);
	bool gentle;
	u32 count;
	struct batch_range ranges[EBB_SLOT_COUNT];

	u32 done;
	u64 done_bytes;
	bool stalled;
	bool broken;
};

static inline u64 batch_range_bytes(const struct batch_range *range)
{
	return (u64)EBB_PAGE_BYTES << range->order;
}

/**
 * ebb_batch_run - lease the ranges of @batch and wait for their end
 *
 * Sleeps. Returns only when no host can discard any of the ranges any more,
 * which is never if a host died on a grant and has no successor.
 */
void ebb_batch_run(struct batch *batch);

#endif /* EBB_KMOD_BATCH_H */
