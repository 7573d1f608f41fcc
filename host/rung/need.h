/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest needs, as the statistics of its balloon show it. Pure.
 *
 * A guest whose balloon is inflated cannot take back what it needs: it has to be seen to
 * need it, up to two seconds later, and its driver has to deflate. The cushion is what
 * lasts until then. So a balloon is inflated only while half as much again as the cushion
 * stays usable, and all is given back as soon as less than the cushion is, or the guest
 * swaps. What is given back costs the host nothing before the guest uses it, so there is
 * no use in giving back less than all.
 */
#ifndef EBB_HOST_NEED_H
#define EBB_HOST_NEED_H

#include "host/libvirt/balloon.h"

/* Of a guest that may use @memory_bytes without Ebb. */
uint64_t ebb_need_cushion(uint64_t memory_bytes);

/* What could be taken of it now; with @free_only of what is free. */
uint64_t ebb_need_spare(const struct ebb_balloon_stats *now,
			uint64_t memory_bytes, bool free_only);

/*
 * Why it needs its memory back, a stable word: "low-memory", "swapping" or "faulting";
 * or NULL. @before: of an earlier moment, some seconds ago at most.
 */
const char *ebb_need_alarm(const struct ebb_balloon_stats *before,
			   const struct ebb_balloon_stats *now,
			   uint64_t memory_bytes);

/* Whether a reclaim's or a guard's reason is one of these. NULL is none. */
bool ebb_need_is_alarm(const char *reason);

#endif /* EBB_HOST_NEED_H */
