/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host holds of a guest, as rungs measure it where not ebbd discards: of the
 * files behind the guest's memory, or of the process where there are none, RAM and swap
 * together, so that what the host swaps out is no gain.
 */
#ifndef EBB_HOST_HELD_H
#define EBB_HOST_HELD_H

#include "host/lease/reclaim.h"

/*
 * A run begins: it is measured from here, as the guest may have been resized since the
 * one before it. Returns 0, -ESRCH (its process has ended) or -errno.
 */
int ebb_held_begin(struct ebb_reclaim *reclaim);

/*
 * The host's books now, and in those of @reclaim how much less that is than at the
 * beginning, at most. Returns as ebb_held_begin().
 */
int ebb_held_measure(struct ebb_reclaim *reclaim);

/* How a run ends that could not be measured, by what either of them returned. */
struct ebb_outcome ebb_held_unread(int r);

/* It ended, with @outcome. */
void ebb_held_end(struct ebb_reclaim *reclaim,
		  const struct ebb_outcome *outcome);

#endif /* EBB_HOST_HELD_H */
